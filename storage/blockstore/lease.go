package blockstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// writerLease is this store's right to use some block numbers. It lasts while lock is held,
// which the kernel sees to, whatever happens to the process.
type writerLease struct {
	id   string
	lock *os.File

	next, last int64 // numbers next <= n < last are free to use
	grow       int64 // how many to take at a time

	journal *journal
	changed bool         // something was committed; this and doubt are guarded by the queue of commits
	doubt   *unconfirmed // nil if it is known what was committed
}

const (
	firstRange = 8 // most commands write little
	widest     = 1024
)

// lease makes the store a writer, and then cleans up after writers that died, unless it is one. The
// caller holds leasing.
func (s *store) lease(ctx context.Context) (*writerLease, error) {
	switch {
	case s.ended:
		return nil, errClosed
	case s.writer != nil:
		return s.writer, nil
	}
	w, err := s.register(ctx)
	if err != nil {
		return nil, err
	}
	s.writer = w
	if err := s.reclaim(ctx, w); err != nil {
		return nil, err
	}
	return w, s.imageIfDue(ctx)
}

// asWriter makes the store a writer, unless it is one.
func (s *store) asWriter(ctx context.Context) (*writerLease, error) {
	s.leasing.Lock()
	defer s.leasing.Unlock()
	return s.lease(ctx)
}

// blockNumber returns a number that no block ever had.
func (s *store) blockNumber(ctx context.Context) (int64, error) {
	s.leasing.Lock()
	defer s.leasing.Unlock()
	w, err := s.lease(ctx)
	if err != nil {
		return 0, err
	}
	if w.next == w.last {
		first, err := s.takeRange(ctx, w, w.grow)
		if err != nil {
			return 0, err
		}
		w.next, w.last = first, first+w.grow
		w.grow = min(2*w.grow, widest)
	}
	w.next++
	return w.next - 1, nil
}

// register makes and locks the file that shows that the writer lives, and then lets others
// know of the writer.
func (s *store) register(ctx context.Context) (*writerLease, error) {
	w := &writerLease{id: rand.Text(), grow: firstRange}
	path := s.lockOf(w.id)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, err
	}
	var err error
	if w.lock, err = lockPath(path); err != nil {
		return nil, err
	}
	err = s.ns.update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO writers (id, started) VALUES (?, ?)",
			w.id, time.Now().UnixNano())
		return err
	})
	if err == nil {
		w.journal, err = s.newJournal(w.id)
	}
	if err != nil {
		return nil, errors.Join(err, w.lock.Close())
	}
	return w, nil
}

func (s *store) lockOf(writer string) string { return filepath.Join(s.home, writersDir, writer) }

// takeRange notes that the next n block numbers are w's.
func (s *store) takeRange(ctx context.Context, w *writerLease, n int64) (first int64, err error) {
	err = s.ns.update(ctx, func(tx *sql.Tx) error {
		if first, err = take(ctx, tx, "block", n); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO ranges (first, last, writer) VALUES (?, ?, ?)",
			first, first+n, w.id)
		return err
	})
	return first, err
}

// release ends the writer. Its blocks are all committed or removed by now; where that is not
// certain it leaves them as if it had died, to be reclaimed by what the namespace then says.
func (s *store) release(ctx context.Context) error {
	if s.inDoubt(s.writer) {
		if _, err := s.settle(ctx, s.writer); err != nil {
			s.unsettled.Store(true)
		}
	}
	if s.unsettled.Load() {
		err := s.writer.lock.Close()
		s.writer = nil
		return err
	}
	if err := s.writer.journal.close(!s.writer.changed); err != nil {
		return errors.Join(err, s.writer.lock.Close())
	}
	err := s.update(ctx, func(tx *sql.Tx) error { return deleteWriter(ctx, tx, s.writer.id) })
	if err == nil {
		err = os.Remove(s.lockOf(s.writer.id))
	}
	err = errors.Join(err, s.writer.lock.Close())
	s.writer = nil
	return err
}

func deleteWriter(ctx context.Context, tx *sql.Tx, id string) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM ranges WHERE writer = ?", id); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "DELETE FROM writers WHERE id = ?", id)
	return err
}

// reclaim removes what dead writers left: blocks that were never committed, uploads that
// nobody goes on with, and garbage whose files were not removed. What is on a disk that is missing, or cannot be removed, is garbage until it can.
func (s *store) reclaim(ctx context.Context, w *writerLease) error {
	if err := s.removeGarbage(ctx); err != nil {
		return err
	}
	ids, err := column[string](ctx, s.ns.reads, "SELECT id FROM writers WHERE id <> ?", w.id)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.reclaimWriter(ctx, w, id); err != nil {
			return err
		}
	}
	_, err = s.reclaimUploads(ctx, graceOfUploads)
	return err
}

// garbagePage is how many replicas are removed between transactions.
const garbagePage = 1000

// removeGarbage works off the list of garbage, as far as its disks are at hand. Others may do so
// too; removing twice is no harm because numbers are never used again.
func (s *store) removeGarbage(ctx context.Context) error {
	for _, d := range s.disks() {
		for last, more := int64(-1), true; more; {
			var page []blockRef
			err := s.ns.view(ctx, func(tx *sql.Tx) (err error) {
				page, err = blockRefs(ctx, tx, `SELECT block, disk FROM garbage
					WHERE disk = ? AND block > ? ORDER BY block LIMIT ?`, d.id, last, garbagePage)
				return err
			})
			if err != nil {
				return err
			}
			if more = len(page) > 0; !more {
				break
			}
			last = page[len(page)-1].id
			s.removeBlocks(ctx, page)
			if err := s.update(ctx, func(*sql.Tx) error { return nil }); err != nil {
				return err
			}
		}
	}
	return nil
}

// reclaimWriter removes the writer of that name if it is dead: if nobody holds its lock, or if the file
// of the lock is gone, which a writer makes before it is in the namespace and removes after.
func (s *store) reclaimWriter(ctx context.Context, w *writerLease, id string) error {
	lock, err := os.OpenFile(s.lockOf(id), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	defer lock.Close()
	if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return nil // it lives, or another process is here already
	}
	// From here on it cannot commit, should it live after all, and its blocks are ours to remove.
	var firsts []int64
	known, committed := true, int64(0)
	err = s.update(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, "SELECT committed FROM writers WHERE id = ?", id).Scan(&committed)
		if errors.Is(err, sql.ErrNoRows) {
			known = false // it has just ended by itself
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.trimJournal(id, committed); err != nil {
			return err
		}
		if firsts, err = idsOf(ctx, tx, "SELECT first FROM ranges WHERE writer = ?", id); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE ranges SET writer = ? WHERE writer = ?", w.id, id); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM writers WHERE id = ?", id)
		return err
	})
	if err != nil {
		return err
	}
	if err := os.Remove(s.lockOf(id)); !known || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, first := range firsts {
		if err := s.reclaimRange(ctx, first); err != nil {
			s.unsettled.Store(true) // they are ours now, and left to the next writer
			return err
		}
	}
	return nil
}

// reclaimRange removes the files of a range that no block of the namespace has, and then the range.
func (s *store) reclaimRange(ctx context.Context, first int64) error {
	lasts, err := column[int64](ctx, s.ns.reads, "SELECT last FROM ranges WHERE first = ?", first)
	if err != nil || len(lasts) == 0 {
		return err
	}
	used, err := column[int64](ctx, s.ns.reads, `SELECT id FROM blocks WHERE id >= ?1 AND id < ?2
		UNION SELECT block FROM upload_blocks WHERE block >= ?1 AND block < ?2`, first, lasts[0])
	if err != nil {
		return err
	}
	isUsed := map[int64]bool{}
	for _, id := range used {
		isUsed[id] = true
	}
	rows, err := s.ns.disks(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if row.state == diskRemoved || row.path == "" {
			continue
		}
		d, missing := s.disk(ctx, row.id)
		for id := first; id < lasts[0]; id++ {
			switch {
			case isUsed[id]:
			case missing != nil:
				s.waste.add(blockRef{id, row.id})
			default:
				s.discardReplica(d, id)
			}
		}
	}
	return s.update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM ranges WHERE first = ?", first)
		return err
	})
}

// column returns the only column of a query's result.
func column[T any](ctx context.Context, db *sql.DB, query string, args ...any) (all []T, err error) {
	err = patiently(ctx, func() error {
		all = nil
		rows, err := db.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var v T
			if err := rows.Scan(&v); err != nil {
				return err
			}
			all = append(all, v)
		}
		return rows.Err()
	})
	return all, err
}
