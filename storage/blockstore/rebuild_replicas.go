package blockstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// findReplicas looks on which disks the blocks are.
func (r *rebuilder) findReplicas(ctx context.Context) error {
	return r.ns.update(ctx, func(tx *sql.Tx) error {
		for _, d := range r.disks() {
			if _, err := tx.ExecContext(ctx, "INSERT INTO disks (id, path) VALUES (?, ?)", d.id, d.root); err != nil {
				return err
			}
		}
		for last := int64(0); ; {
			blocks, err := sizes(ctx, tx, last)
			if err != nil || len(blocks) == 0 {
				return err
			}
			for _, b := range blocks {
				if err := r.findReplicasOf(ctx, tx, b.id, b.size); err != nil {
					return err
				}
			}
			last = blocks[len(blocks)-1].id
		}
	})
}

func sizes(ctx context.Context, tx *sql.Tx, after int64) (all []block, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT id, size FROM blocks WHERE id > ? ORDER BY id LIMIT 1000", after)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var b block
		if err := rows.Scan(&b.id, &b.size); err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, rows.Err()
}

func (r *rebuilder) findReplicasOf(ctx context.Context, tx *sql.Tx, id, size int64) error {
	found := false
	for _, d := range r.disks() {
		info, err := os.Stat(d.path(id))
		if err != nil {
			continue
		}
		state := 0
		if info.Size() != size {
			state = 1
		}
		found = found || state == 0
		if _, err := tx.ExecContext(ctx, "INSERT INTO replicas (block, disk, state) VALUES (?, ?, ?)", id, d.id, state); err != nil {
			return err
		}
	}
	if found {
		r.report.Blocks++
	} else {
		r.report.lose(Finding{Kind: BlockMissing, Block: id, Detail: "no disk has it"})
	}
	return nil
}

// highestBlock is the greatest number of a block that a file has.
func (r *rebuilder) highestBlock() (highest int64, err error) {
	for _, d := range r.disks() {
		err := filepath.WalkDir(filepath.Join(d.root, blocksDir), func(_ string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			var id int64
			if err == nil && !e.IsDir() {
				if _, scanned := fmt.Sscanf(e.Name(), "%016x", &id); scanned == nil {
					highest = max(highest, id)
				}
			}
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return highest, nil
}
