package blockstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"io"
	"slices"
)

// beginHash begins to compute the hash by which a block is found again among those of volumes that keep equal blocks
// once, while its files are being synced: what it holds is mostly still in memory. The function it returns waits for
// that, and tells whether it has to be done again, as that file is no replica any more or could not be read.
func (b *blockFile) beginHash() (wait func() (again bool)) {
	if !b.dedup || len(b.files) == 0 {
		return func() bool { return false }
	}
	of := b.files[0]
	done := make(chan error, 1)
	go func() { done <- b.hashContent(of) }()
	return func() bool {
		err := <-done
		return err != nil || !slices.ContainsFunc(b.files, func(r replicaFile) bool { return r.f == of.f })
	}
}

// hashContent computes the hash of what a replica has.
func (b *blockFile) hashContent(r replicaFile) error {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(r.f, 0, b.size)); err != nil {
		return r.wrap(err)
	}
	b.hash = h.Sum(nil)
	return nil
}

// known returns a block with the content of b that is in the namespace already, on at least one disk
// and not known to be damaged there. b itself is garbage then.
func (t *transaction) known(ctx context.Context, b block) (id int64, ok bool, err error) {
	if len(b.hash) == 0 {
		return 0, false, nil
	}
	var copies, good int
	err = t.QueryRowContext(ctx, `
		SELECT id, copies, (SELECT count(*) FROM replicas r WHERE r.block = b.id AND r.state = 0) AS good
		FROM blocks b WHERE hash = ? AND size = ? AND crc32c = ? AND good > 0 AND id <> ? LIMIT 1`,
		b.hash, b.size, int64(b.sum.Sum), b.id).Scan(&id, &copies, &good)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	if copies < b.copies {
		if _, err := t.ExecContext(ctx, "UPDATE blocks SET copies = ? WHERE id = ?", b.copies, id); err != nil {
			return 0, false, err
		}
		if good < b.copies {
			if err := t.wantRepair(ctx, id, "an object that is to have more replicas shares it"); err != nil {
				return 0, false, err
			}
		}
	}
	for _, disk := range b.disks {
		if err := t.addGarbage(ctx, b.at(disk)); err != nil {
			return 0, false, err
		}
	}
	return id, true, nil
}
