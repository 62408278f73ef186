package blockstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/skepdata/skep/storage"
)

// settings are what can be chosen for a volume.
type settings struct {
	blockSize   int64 // bytes; of new blocks
	replication int   // of new blocks
	dedup       bool
	quotaBytes  int64 // at most; 0 is no limit
	quotaFiles  int64
}

// volumeState is a volume in a transaction.
type volumeState struct {
	id   int64
	name string
	settings
	bytes, files int64 // of the objects that are visible
	lastSnapshot int64 // the greatest number of a snapshot; 0 if there is none

	changed bool // bytes and files are to be written
}

// grow notes that the visible objects are more, or less, by so much.
func (v *volumeState) grow(bytes, files int64) {
	v.bytes += bytes
	v.files += files
	v.changed = true
}

const volumeColumns = `id, name, block_size, replication, dedup, quota_bytes, quota_files,
	bytes, files, last_snapshot`

func (v *volumeState) scan(scan func(...any) error) error {
	return scan(&v.id, &v.name, &v.blockSize, &v.replication, &v.dedup, &v.quotaBytes, &v.quotaFiles,
		&v.bytes, &v.files, &v.lastSnapshot)
}

// volume returns the volume of that name. ok is false when there is none.
func (n *namespace) volume(ctx context.Context, name string) (v volumeState, ok bool, err error) {
	err = patiently(ctx, func() error {
		return v.scan(n.reads.QueryRowContext(ctx,
			"SELECT "+volumeColumns+" FROM volumes WHERE name = ?", name).Scan)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return v, false, nil
	}
	return v, err == nil, err
}

// createVolume makes the volume unless there is one of that name, and returns it.
func (s *store) createVolume(ctx context.Context, name string, with settings) (v volumeState, err error) {
	v, ok, err := s.ns.volume(ctx, name)
	if err != nil || ok {
		return v, err
	}
	err = s.commit(ctx, func(ctx context.Context, t *transaction) error { return t.createVolume(ctx, name, with) })
	if err != nil {
		return v, err
	}
	v, ok, err = s.ns.volume(ctx, name)
	if err == nil && !ok {
		err = fmt.Errorf("%w: volume %q was removed while it was made", storage.ErrNotExist, name)
	}
	return v, err
}

// createVolume makes the volume unless there is one of that name.
func (t *transaction) createVolume(ctx context.Context, name string, with settings) error {
	n, err := t.number(ctx)
	if err != nil {
		return err
	}
	result, err := t.ExecContext(ctx, `
		INSERT INTO volumes (name, created, block_size, replication, dedup, quota_bytes, quota_files)
		VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING`,
		name, t.now.UnixNano(), with.blockSize, with.replication, with.dedup, with.quotaBytes, with.quotaFiles)
	if err != nil {
		return err
	}
	if made, err := result.RowsAffected(); err != nil || made == 0 {
		return err
	}
	t.noteSettings(n, name, with)
	return nil
}

// noteSettings puts the settings of a volume into the journal.
func (t *transaction) noteSettings(n int64, name string, with settings) {
	t.note(&entry{N: n, Op: opVolume, Volume: name, MTime: t.now.UnixNano(), Settings: &entrySettings{
		BlockSize: with.blockSize, Replication: with.replication, Dedup: with.dedup,
		QuotaBytes: with.quotaBytes, QuotaFiles: with.quotaFiles,
	}})
}

// volumeNamed returns the volume of that name, which must exist.
func (t *transaction) volumeNamed(ctx context.Context, name string) (*volumeState, error) {
	var id int64
	err := t.QueryRowContext(ctx, "SELECT id FROM volumes WHERE name = ?", name).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, refusal{fmt.Errorf("%w: no volume %q in the block store", storage.ErrNotExist, name)}
	}
	if err != nil {
		return nil, err
	}
	return t.volume(ctx, id)
}
