package blockstore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// orphans calls found for each file among the blocks that nothing in the namespace accounts for.
func (s *store) orphans(ctx context.Context, found func(d *disk, path string, id int64, age time.Duration) error) error {
	for _, d := range s.disks() {
		err := filepath.WalkDir(filepath.Join(d.root, blocksDir), func(path string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) || err == nil && e.IsDir() {
				return nil
			}
			if err != nil {
				return d.wrap(err)
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			info, err := e.Info()
			if err != nil {
				return nil // it went meanwhile
			}
			id, err := strconv.ParseInt(e.Name(), 16, 64)
			if err != nil {
				id = 0 // no block's name
			}
			known, err := s.isKnown(ctx, blockRef{id, d.id})
			if err != nil || known && path == d.path(id) {
				return err
			}
			if _, err := os.Lstat(path); err != nil {
				return nil
			}
			return found(d, path, id, time.Since(info.ModTime()))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// isKnown tells whether a file is a replica, or garbage, or may become a replica yet.
func (s *store) isKnown(ctx context.Context, b blockRef) (known bool, err error) {
	err = patiently(ctx, func() error {
		return s.ns.reads.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM replicas WHERE block = ?1 AND disk = ?2)
			OR EXISTS (SELECT 1 FROM garbage WHERE block = ?1 AND disk = ?2)
			OR EXISTS (SELECT 1 FROM upload_blocks WHERE block = ?1 AND disk = ?2)
			OR EXISTS (SELECT 1 FROM (SELECT last FROM ranges WHERE first <= ?1 ORDER BY first DESC LIMIT 1) WHERE last > ?1
				AND NOT EXISTS (SELECT 1 FROM blocks WHERE id = ?1))`,
			b.id, b.disk).Scan(&known)
	})
	return known, err
}
