package blockstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/skepdata/skep/storage"
)

// admits reports, as ErrQuota, that the volume has no room for so many more bytes and objects.
// A volume that is over its quota takes what makes it no fuller.
func (v *volumeState) admits(bytes, objects int64) error {
	switch {
	case v.quotaFiles > 0 && objects > 0 && v.files+objects > v.quotaFiles:
		return fmt.Errorf("%w: volume %q may have %d objects, and has %d", storage.ErrQuota, v.name, v.quotaFiles, v.files)
	case v.quotaBytes > 0 && bytes > 0 && v.bytes+bytes > v.quotaBytes:
		return fmt.Errorf("%w: volume %q may have %d bytes, and has %d; this would be %d more",
			storage.ErrQuota, v.name, v.quotaBytes, v.bytes, bytes)
	}
	return nil
}

// checkQuota refuses an object of so many bytes that the volume has no room for. What it would
// replace makes room.
func (t *transaction) checkQuota(ctx context.Context, v *volumeState, key string, size int64) error {
	if v.quotaBytes == 0 && v.quotaFiles == 0 {
		return nil
	}
	bytes, objects, err := growth(ctx, t.Tx, v.id, key, size)
	if err != nil {
		return err
	}
	if err := v.admits(bytes, objects); err != nil {
		return refusal{err}
	}
	return nil
}

// growth is by how many bytes and objects an object of that size makes the volume larger.
func growth(ctx context.Context, tx *sql.Tx, volume int64, key string, size int64) (bytes, objects int64, err error) {
	var old int64
	err = tx.QueryRowContext(ctx, "SELECT size FROM files WHERE volume = ? AND key = ?", volume, []byte(key)).Scan(&old)
	if errors.Is(err, sql.ErrNoRows) {
		return size, 1, nil
	}
	return size - old, 0, err
}

// foresee reports that an object of a known size will be more than the quota allows, as far as can be
// told before it is written. The commit decides.
func (v volumeRef) foresee(ctx context.Context, name, key string, size int64) error {
	if v.quotaBytes == 0 && v.quotaFiles == 0 {
		return nil
	}
	now, ok, err := v.ns.volume(ctx, name)
	if err != nil || !ok {
		return err
	}
	return v.ns.view(ctx, func(tx *sql.Tx) error {
		bytes, objects, err := growth(ctx, tx, v.id, key, size)
		if err != nil {
			return err
		}
		return now.admits(bytes, objects)
	})
}
