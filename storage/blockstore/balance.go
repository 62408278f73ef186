package blockstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/skepdata/skep/storage"
)

// DiskInfo is a disk of a store.
type DiskInfo struct {
	ID      int64
	Path    string // where it is, or was last seen
	State   string // "active", "draining" or "removed"
	Missing error  // why it is not at hand; nil if it is
	Home    bool   // it has the namespace
	// ReadOnly is why nothing can be written to it though it is at hand; nil if it can.
	ReadOnly error

	Replicas int64 // of blocks
	Used     int64 // bytes of these
	Free     int64 // bytes left for us on its file system
	Total    int64 // bytes of its file system
}

// Disks returns all disks of the store, in the order of their numbers.
func (s *Store) Disks(ctx context.Context) ([]DiskInfo, error) {
	rows, err := s.ns.disks(ctx)
	if err != nil {
		return nil, err
	}
	var all []DiskInfo
	for _, row := range rows {
		if row.path == "" {
			continue // a number that was never used
		}
		info := DiskInfo{ID: row.id, Path: row.path, State: row.state}
		err := patiently(ctx, func() error {
			return s.ns.reads.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(b.size), 0)
				FROM replicas r JOIN blocks b ON b.id = r.block WHERE r.disk = ?`, row.id).Scan(&info.Replicas, &info.Used)
		})
		if err != nil {
			return nil, err
		}
		d, err := s.disk(ctx, row.id)
		if err == nil {
			info.Path, info.Home = d.root, d.root == s.home
			info.ReadOnly = s.files.writable(d.root)
			var fs unix.Statfs_t
			if err = unix.Statfs(d.root, &fs); err == nil {
				info.Free, info.Total = int64(fs.Bavail)*int64(fs.Bsize), int64(fs.Blocks)*int64(fs.Bsize)
			}
		}
		info.Missing = err
		all = append(all, info)
	}
	return all, nil
}

// BalanceOptions say how far blocks are moved.
type BalanceOptions struct {
	// Threshold is by how much the share of a disk that blocks fill may differ from that of all disks
	// together; 0 stands for 0.05.
	Threshold float64
	Progress  func(BalanceReport) // after each block; may be nil
}

// BalanceReport is what was moved.
type BalanceReport struct{ Blocks, Bytes int64 }

// fullness is how full a disk is with blocks.
type fullness struct {
	DiskInfo
	capacity int64 // bytes that blocks may take
}

func (f fullness) share() float64 { return float64(f.Used) / float64(max(f.capacity, 1)) }

// Balance moves blocks from the disks that are filled most to those that are filled least, until all are
// filled about as much as the store is. What is read meanwhile is not disturbed.
func (s *Store) Balance(ctx context.Context, opts BalanceOptions) (report BalanceReport, err error) {
	if err := s.takeIn(ctx); err != nil {
		return report, err
	}
	if _, err := s.asWriter(ctx); err != nil {
		return report, err
	}
	threshold := opts.Threshold
	if threshold <= 0 {
		threshold = 0.05
	}
	infos, err := s.Disks(ctx)
	if err != nil {
		return report, err
	}
	var disks []*fullness
	var used, capacity int64
	for _, info := range infos {
		if info.Missing == nil && info.State == diskActive {
			f := &fullness{info, info.Used + info.Free}
			disks = append(disks, f)
			used, capacity = used+f.Used, capacity+f.capacity
		}
	}
	if len(disks) < 2 {
		return report, nil
	}
	goal := float64(used) / float64(max(capacity, 1))
	r := &repairer{checker: checker{store: s.store, begun: time.Now()}, report: &RepairReport{}}
	immovable := map[int64]bool{}
	for {
		slices.SortFunc(disks, func(a, b *fullness) int { return cmp.Compare(a.share(), b.share()) })
		to, from := disks[0], disks[len(disks)-1]
		excess := int64((from.share() - goal) * float64(from.capacity))
		lack := int64((goal - to.share()) * float64(to.capacity))
		if from.share()-goal <= threshold*goal && goal-to.share() <= threshold*goal || excess <= 0 || lack <= 0 {
			return report, nil
		}
		b, err := s.movable(ctx, from.ID, to.ID, 2*min(excess, lack), immovable)
		if err != nil || b.id == 0 {
			return report, err
		}
		moved, err := r.move(ctx, b, from.ID, to.ID)
		if err != nil {
			return report, err
		}
		if immovable[b.id] = true; !moved {
			continue
		}
		from.Used, to.Used = from.Used-b.size, to.Used+b.size
		report.Blocks, report.Bytes = report.Blocks+1, report.Bytes+b.size
		if opts.Progress != nil {
			opts.Progress(report)
		}
	}
}

// movable returns a block of at most size bytes that the one disk has and the other not, of id 0 if there
// is none.
func (s *store) movable(ctx context.Context, from, to, size int64, not map[int64]bool) (b block, err error) {
	err = patiently(ctx, func() error {
		b = block{}
		rows, err := s.ns.reads.QueryContext(ctx, `SELECT b.id, b.size FROM replicas r JOIN blocks b ON b.id = r.block
			WHERE r.disk = ?1 AND r.state = 0 AND b.size <= ?2
			AND NOT EXISTS (SELECT 1 FROM replicas WHERE block = b.id AND disk = ?3) ORDER BY b.id`, from, size, to)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var candidate block
			if err := rows.Scan(&candidate.id, &candidate.size); err != nil {
				return err
			}
			if !not[candidate.id] {
				b = candidate
				return nil
			}
		}
		return rows.Err()
	})
	return b, err
}

// move copies a replica to another disk, and then drops it where it was. It is false if that did not
// work out, and the block is as it was.
func (r *repairer) move(ctx context.Context, b block, from, to int64) (bool, error) {
	source, err := r.disk(ctx, from)
	if err != nil {
		return false, err
	}
	target, err := r.disk(ctx, to)
	if err != nil {
		return false, err
	}
	err = r.copyReplica(ctx, b, source, target)
	var damage *damageError
	if errors.As(err, &damage) {
		r.reportDamage(ctx, b.at(from), err)
		return false, nil
	}
	if err != nil {
		return false, target.wrap(err)
	}
	moved := false
	var garbage []blockRef
	err = r.update(ctx, func(tx *sql.Tx) error {
		t := &transaction{Tx: tx, s: r.store, now: time.Now()}
		result, err := t.ExecContext(ctx, "UPDATE replicas SET disk = ?1 WHERE block = ?2 AND disk = ?3", to, b.id, from)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if moved = n > 0; moved && err == nil {
			err = t.addGarbage(ctx, b.at(from))
		}
		garbage = t.garbage
		return err
	})
	if err != nil || !moved {
		r.discardReplica(target, b.id)
		return false, err
	}
	r.removeBlocks(ctx, garbage)
	return true, nil
}

// Decommission moves all blocks from the disk at root to others, which takes no new ones from then on,
// and tells of each, if progress is not nil, how many are left. When it returns without an error the
// disk holds nothing that is needed. A Decommission that was stopped goes on where it was.
func (s *Store) Decommission(ctx context.Context, root string, progress func(left int64)) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	if root == s.home {
		return fmt.Errorf("%s has the namespace of the store, which stays there", root)
	}
	id, err := s.diskAt(ctx, root)
	if err != nil {
		return err
	}
	if err := s.takeIn(ctx); err != nil {
		return err
	}
	if _, err := s.asWriter(ctx); err != nil {
		return err
	}
	if err := s.setDiskState(ctx, id, diskDraining); err != nil {
		return err
	}
	r := &repairer{checker: checker{store: s.store, begun: time.Now()}, report: &RepairReport{}}
	for {
		// Writers that began before may add some yet.
		before, err := s.replicasOn(ctx, id)
		if err == nil && before == 0 {
			var removed bool
			if removed, err = s.removeDisk(ctx, id); removed {
				return nil
			}
		}
		if err == nil {
			err = r.drainOnce(ctx, id, progress)
		}
		if err != nil {
			return err
		}
		if left, err := s.replicasOn(ctx, id); err != nil {
			return err
		} else if left > 0 && left >= before {
			return fmt.Errorf("%s still has %d blocks that no other disk takes: add a disk, or free some space, "+
				"and decommission it again", root, left)
		}
	}
}

// drainOnce moves the blocks that are on a disk now.
func (r *repairer) drainOnce(ctx context.Context, id int64, progress func(left int64)) error {
	for last := int64(0); ; {
		ids, err := column[int64](ctx, r.ns.reads,
			"SELECT block FROM replicas WHERE disk = ? AND block > ? ORDER BY block LIMIT 500", id, last)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, block := range ids {
			if err := r.oneBlock(ctx, block); err != nil {
				return err
			}
			if progress == nil {
				continue
			}
			left, err := r.replicasOn(ctx, id)
			if err != nil {
				return err
			}
			progress(left)
		}
		last = ids[len(ids)-1]
	}
}

// removeDisk takes a disk without replicas out of the store. It is false if it has some again.
func (s *store) removeDisk(ctx context.Context, id int64) (removed bool, err error) {
	err = s.update(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE disks SET state = 'removed'
			WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM replicas WHERE disk = ?1)`, id)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		removed = n > 0
		return err
	})
	return removed, err
}

// diskAt returns the number of the disk that is, or was last seen, at root.
func (s *store) diskAt(ctx context.Context, root string) (int64, error) {
	for _, d := range s.disks() {
		if d.root == root {
			return d.id, nil
		}
	}
	ids, err := column[int64](ctx, s.ns.reads, "SELECT id FROM disks WHERE path = ? ORDER BY id DESC LIMIT 1", root)
	if err != nil {
		return 0, err
	}
	if len(ids) == 0 {
		return 0, fmt.Errorf("%w: %s is no disk of the store", storage.ErrNotExist, root)
	}
	return ids[0], nil
}

func (s *store) replicasOn(ctx context.Context, disk int64) (int64, error) {
	n, err := column[int64](ctx, s.ns.reads, "SELECT count(*) FROM replicas WHERE disk = ?", disk)
	if err != nil || len(n) == 0 {
		return 0, err
	}
	return n[0], nil
}

func (s *store) setDiskState(ctx context.Context, id int64, state string) error {
	return s.update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE disks SET state = ? WHERE id = ?", state, id)
		return err
	})
}
