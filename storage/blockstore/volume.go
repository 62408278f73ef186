package blockstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/skepdata/skep/storage"
)

// VolumeSettings are what can be chosen for a volume.
type VolumeSettings struct {
	BlockSize   int64 // bytes, of new blocks: a multiple of 64 KiB up to 1 GiB; 0 stands for 128 MiB
	Replication int   // on how many disks new blocks are kept, 1 to 3; 0 stands for 1
	Dedup       bool  // new blocks that are like others of such volumes are kept once
	QuotaBytes  int64 // at most so many bytes of objects that are visible; 0 is no limit
	QuotaFiles  int64 // at most so many objects; 0 is no limit
}

const maxReplication = 3

// complete checks the settings, and fills in defaults.
func (v VolumeSettings) complete() (settings, error) {
	if v.BlockSize == 0 {
		v.BlockSize = defaultBlockSize
	}
	if v.Replication == 0 {
		v.Replication = 1
	}
	switch {
	case v.BlockSize < chunkSize || v.BlockSize > maxBlockSize || v.BlockSize%chunkSize != 0:
		return settings{}, fmt.Errorf("block size %d: want a multiple of %d, at most %d", v.BlockSize, chunkSize, maxBlockSize)
	case v.Replication < 1 || v.Replication > maxReplication:
		return settings{}, fmt.Errorf("replication %d: want 1 to %d", v.Replication, maxReplication)
	case v.QuotaBytes < 0 || v.QuotaFiles < 0:
		return settings{}, errors.New("a quota is negative")
	}
	return settings{v.BlockSize, v.Replication, v.Dedup, v.QuotaBytes, v.QuotaFiles}, nil
}

// Volume is a volume and how full it is.
type Volume struct {
	Name    string
	Created time.Time
	VolumeSettings
	Bytes     int64 // of the objects that are visible
	Files     int64
	Snapshots int
	OldBytes  int64 // of the objects that only snapshots have
}

// CreateStore opens the store on the directories roots, and makes what is missing: the store itself,
// and disks of the directories that are new.
func CreateStore(ctx context.Context, roots []string) (*Store, error) {
	b, err := Open(roots, "new", Options{}) // for the checks
	if err != nil {
		return nil, err
	}
	s, err := createStore(ctx, b.roots)
	if err != nil {
		return nil, err
	}
	return &Store{s}, nil
}

// CreateVolume makes a volume. It reports ErrExist where there is one of that name.
func (s *Store) CreateVolume(ctx context.Context, name string, with VolumeSettings) error {
	_, snapshot, err := cutSnapshot(name)
	if err == nil && snapshot != "" {
		err = fmt.Errorf("block store volume %q: the name must not contain an @", name)
	}
	set, bad := with.complete()
	if err = errors.Join(err, bad); err != nil {
		return s.fail(ctx, "create", name, err)
	}
	if _, ok, err := s.ns.volume(ctx, name); err != nil || ok {
		if ok {
			err = storage.ErrExist
		}
		return s.fail(ctx, "create", name, err)
	}
	if _, err := s.createVolume(ctx, name, set); err != nil {
		return s.fail(ctx, "create", name, err)
	}
	return nil
}

// ChangeVolume changes the settings of a volume, for what is written from then on. Quotas may be
// below what is there: then nothing can be added.
func (s *Store) ChangeVolume(ctx context.Context, name string, change func(*VolumeSettings)) error {
	return s.changeVolume(ctx, "change", name, name, func(ctx context.Context, t *transaction, v *volumeState) error {
		now := VolumeSettings{v.blockSize, v.replication, v.dedup, v.quotaBytes, v.quotaFiles}
		change(&now)
		set, err := now.complete()
		if err != nil {
			return refusal{err}
		}
		return t.setVolume(ctx, v, set)
	})
}

// setVolume gives a volume other settings.
func (t *transaction) setVolume(ctx context.Context, v *volumeState, set settings) error {
	n, err := t.number(ctx)
	if err != nil {
		return err
	}
	_, err = t.ExecContext(ctx, `UPDATE volumes SET block_size = ?, replication = ?, dedup = ?, quota_bytes = ?, quota_files = ?
		WHERE id = ?`, set.blockSize, set.replication, set.dedup, set.quotaBytes, set.quotaFiles, v.id)
	if err == nil {
		v.settings = set
		t.noteSettings(n, v.name, set)
	}
	return err
}

// RemoveVolume removes a volume. Unless everything is true it must be empty, and have no snapshots.
func (s *Store) RemoveVolume(ctx context.Context, name string, everything bool) error {
	err := s.changeVolume(ctx, "remove", name, name, func(ctx context.Context, t *transaction, v *volumeState) error {
		if v.files > 0 && !everything {
			return refusal{fmt.Errorf("the volume is not empty: it has %d objects", v.files)}
		}
		if v.lastSnapshot > 0 && !everything {
			return refusal{errors.New("the volume has snapshots")}
		}
		return t.removeVolume(ctx, v)
	})
	if err == nil {
		err = s.removeGarbage(ctx)
	}
	return err
}

// removeVolume removes a volume with all that is in it.
func (t *transaction) removeVolume(ctx context.Context, v *volumeState) error {
	n, err := t.number(ctx)
	if err != nil {
		return err
	}
	t.note(&entry{N: n, Op: opRemoveVolume, Volume: v.name})
	err = t.releaseAll(ctx, "SELECT version FROM files WHERE volume = ?1 UNION ALL SELECT version FROM old_files WHERE volume = ?1", v.id)
	if err != nil {
		return err
	}
	const ofUploads = "IN (SELECT id FROM uploads WHERE volume = ?)"
	for _, query := range []string{
		"INSERT OR IGNORE INTO garbage (block, disk) SELECT block, disk FROM upload_blocks WHERE upload " + ofUploads,
		"DELETE FROM upload_parts WHERE upload " + ofUploads,
		"DELETE FROM upload_blocks WHERE upload " + ofUploads,
		"DELETE FROM uploads WHERE volume = ?",
		"DELETE FROM snapshots WHERE volume = ?",
		"DELETE FROM old_files WHERE volume = ?",
		"DELETE FROM files WHERE volume = ?",
		"DELETE FROM volumes WHERE id = ?",
	} {
		if _, err := t.ExecContext(ctx, query, v.id); err != nil {
			return err
		}
	}
	v.changed = false
	delete(t.volumes, v.id)
	return nil
}

// Volumes returns all volumes by name.
func (s *Store) Volumes(ctx context.Context) (all []Volume, err error) {
	err = s.ns.view(ctx, func(tx *sql.Tx) error {
		all = nil
		rows, err := tx.QueryContext(ctx, "SELECT "+volumeColumns+`, created,
			(SELECT count(*) FROM snapshots s WHERE s.volume = volumes.id),
			(SELECT coalesce(sum(size), 0) FROM old_files o WHERE o.volume = volumes.id) FROM volumes ORDER BY name`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var v volumeState
			var one Volume
			var created int64
			err := v.scan(func(into ...any) error {
				return rows.Scan(append(into, &created, &one.Snapshots, &one.OldBytes)...)
			})
			if err != nil {
				return err
			}
			one.Name, one.Created, one.Bytes, one.Files = v.name, time.Unix(0, created), v.bytes, v.files
			one.VolumeSettings = VolumeSettings{v.blockSize, v.replication, v.dedup, v.quotaBytes, v.quotaFiles}
			all = append(all, one)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, s.fail(ctx, "list", "", err)
	}
	return all, nil
}

// volumeNamed returns the volume of that name, or ErrNotExist.
func (s *Store) volumeNamed(ctx context.Context, name string) (volumeState, error) {
	v, ok, err := s.ns.volume(ctx, name)
	if err == nil && !ok {
		err = fmt.Errorf("%w: no volume %q in the block store", storage.ErrNotExist, name)
	}
	return v, err
}

// changeVolume commits a change of a volume. What it is about, in errors, is block://about/.
func (s *Store) changeVolume(
	ctx context.Context, op, name, about string, do func(context.Context, *transaction, *volumeState) error,
) error {
	found, err := s.volumeNamed(ctx, name)
	if err == nil {
		err = s.commit(ctx, func(ctx context.Context, t *transaction) error {
			v, err := t.volume(ctx, found.id)
			if err != nil {
				return err
			}
			return do(ctx, t, v)
		})
	}
	if err != nil {
		return s.fail(ctx, op, about, err)
	}
	return nil
}

// fail makes err the error of op on a volume or snapshot, or on volume/path.
func (s *Store) fail(ctx context.Context, op, about string, err error) error {
	volume, path, _ := strings.Cut(about, "/")
	return (&Bucket{volume: volume}).fail(ctx, op, path, err)
}
