package blockstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"io"
)

// hashContent computes the hash by which a block is found again among those of volumes that keep equal
// blocks once. The block is written; what it holds is mostly still in memory.
func (b *blockFile) hashContent() error {
	if !b.dedup || len(b.files) == 0 {
		return nil
	}
	r := b.files[0]
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
