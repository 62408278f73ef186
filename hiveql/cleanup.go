package hiveql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/storage"
)

// cleaningState is the state of a write that was committed at a time.
func cleaningState(committed time.Time) string {
	return stateCleaning + " " + strconv.FormatInt(committed.UnixMilli(), 10)
}

// committedAt is the time in a cleaningState; the zero time where there is none.
func committedAt(state string) time.Time {
	_, at, _ := strings.Cut(state, " ")
	ms, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// cleanup is a write whose replaced files are still there.
type cleanup struct {
	table metastore.TableName
	id    string
	due   time.Time
	// dropped says that the table has gone, and that the database records it.
	dropped bool
}

// cleanLater removes the files that a committed write replaced once no reader can need them any
// more: before a later statement of the session, or when it is closed.
func (s *Session) cleanLater(ctx context.Context, table metastore.TableName, id string) error {
	grace := s.grace()
	if grace == 0 {
		_, err := s.finishWrite(ctx, table, id)
		return err
	}
	s.cleanups = append(s.cleanups, cleanup{table: table, id: id, due: time.Now().Add(grace)})
	return nil
}

// cleanDue removes what is due. What cannot be removed now is left to others.
func (s *Session) cleanDue(ctx context.Context) {
	now := time.Now()
	s.cleanups = slices.DeleteFunc(s.cleanups, func(c cleanup) bool {
		if c.due.After(now) {
			return false
		}
		if c.dropped {
			_ = s.recoverIntents(ctx, c.table.Database)
			return true
		}
		done, err := s.finishWrite(ctx, c.table, c.id)
		return done || err != nil
	})
}

// closeWait is the longest that a session waits at its end for files to become due.
const closeWait = 2 * time.Second

// cleanRest waits for the rest to become due and removes it. What is kept for longer, or what
// readers still need, is left to whoever writes next, and to Vacuum.
func (s *Session) cleanRest(ctx context.Context) error {
	var all error
	for _, c := range s.cleanups {
		if time.Until(c.due) > closeWait {
			continue
		}
		select {
		case <-ctx.Done():
			return errors.Join(all, context.Cause(ctx))
		case <-time.After(time.Until(c.due)):
		}
		if c.dropped {
			all = errors.Join(all, s.recoverIntents(ctx, c.table.Database))
		} else {
			all = errors.Join(all, s.finishWrites(ctx, c.table))
		}
	}
	s.cleanups = nil
	return all
}

// finishWrites finishes what is due of a table, also what other sessions have left.
func (s *Session) finishWrites(ctx context.Context, name metastore.TableName) error {
	t, err := s.cfg.Store.Table(ctx, name)
	if noTable(err) {
		return nil // it went with all of its files
	}
	if err != nil {
		return err
	}
	var all error
	for _, id := range append(writesOf(t, stateCleaning), writesOf(t, stateCleaned)...) {
		_, err := s.finishWrite(ctx, name, id)
		all = errors.Join(all, err)
	}
	return all
}

// recoverWrites brings to an end what earlier writes to the table have left: replaced files are
// removed, and writes of processes that are dead are taken back. So are their local files.
func (s *Session) recoverWrites(ctx context.Context, t *metastore.Table) error {
	_ = s.vacuumStaging(ctx, false, &Vacuumed{}) // what cannot be removed is no reason not to write
	if err := s.recoverIntents(ctx, t.Database); err != nil {
		return err
	}
	s.finishMoves(ctx, t)
	for _, id := range writesOf(t, "") {
		record := t.Parameters[writeParam+id]
		state, by, _ := strings.Cut(record, " ")
		var err error
		if state == stateCleaning || state == stateCleaned {
			_, err = s.finishWrite(ctx, t.TableName, id)
		} else if gone, certain := s.abandoned(ctx, by); gone {
			err = s.takeBack(ctx, t, id, record, certain)
		}
		if err != nil {
			return fmt.Errorf("recover write %s of %s: %w", id, t.TableName, err)
		}
	}
	return nil
}

// takeBack removes the files of a write whose process died before the commit. record is what the table said
// of the write before the process was found dead, for certain or not: it may have committed in between.
func (s *Session) takeBack(ctx context.Context, t *metastore.Table, id, record string, certain bool) error {
	claimed, err := s.claim(ctx, t.TableName, id, record)
	switch {
	case noTable(err):
		return nil // it went with all of its files
	case err != nil || !claimed:
		return err
	}
	if err := s.removeFilesOf(ctx, t.Storage.Location, id); err != nil {
		return err
	}
	if t.Partitioned() {
		for p, err := range s.cfg.Store.Partitions(ctx, t.TableName, nil) {
			if err != nil {
				return err
			}
			if !strings.HasPrefix(p.Storage.Location, t.Storage.Location+"/") {
				if err := s.removeFilesOf(ctx, p.Storage.Location, id); err != nil {
					return err
				}
			}
		}
	}
	after := s.takenBack(ctx, certain)
	if after == "" {
		return s.forget(ctx, t.TableName, id)
	}
	_, err = s.changeRecord(ctx, t.TableName, id, stateWriting+" "+ownerless, after)
	return err
}

// finishWrite removes the files that a committed write replaced, then the traces of the write. It
// reports whether nothing is left to do; not so while a plan from before the commit may still need
// them. Every step can be repeated, by any process.
func (s *Session) finishWrite(ctx context.Context, name metastore.TableName, id string) (done bool, err error) {
	t, err := s.cfg.Store.Table(ctx, name)
	if noTable(err) {
		return true, nil // it went with all of its files
	}
	if err != nil {
		return false, err
	}
	record := t.Parameters[writeParam+id]
	switch state, _, _ := strings.Cut(record, " "); state {
	case stateCleaning:
		if done, err := s.cleanReplaced(ctx, t, id, record); !done {
			return false, err
		}
	case stateCleaned:
	default:
		return true, nil
	}
	// The record goes last: without it nobody would look for the list.
	if err := s.removeNamed(ctx, t.Storage.Location, replacedPrefix+id); err != nil {
		return false, err
	}
	return true, s.forget(ctx, name, id)
}

// cleanReplaced removes the files that a write replaced, and records that: from then on no reader needs the
// list of them. It reports whether it has.
func (s *Session) cleanReplaced(ctx context.Context, t *metastore.Table, id, record string) (done bool, err error) {
	needed, err := s.needed(ctx, t.TableName, committedAt(record))
	if err != nil || needed {
		return false, err
	}
	list, err := s.cfg.readReplaced(ctx, t.Storage.Location, id)
	if err != nil && !errors.Is(err, storage.ErrNotExist) { // another process has done it
		return false, err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(s.cfg.Parallel)
	for _, one := range list {
		g.Go(func() error {
			if err := s.removeReplaced(gctx, one); err != nil || !one.Dropped || one.Place == t.Storage.Location {
				return err
			}
			return s.removeEmpty(gctx, one.Place)
		})
	}
	if err := g.Wait(); err != nil {
		return false, err
	}
	_, err = s.changeRecord(ctx, t.TableName, id, record, stateCleaned)
	if noTable(err) {
		err = nil // it went with all of its files
	}
	return err == nil, err
}

// removeReplaced removes the replaced files of one place that are still what they were.
func (s *Session) removeReplaced(ctx context.Context, of replaced) error {
	loc, err := s.cfg.directory(ctx, of.Place)
	if err != nil {
		return err
	}
	old := map[replacedFile]bool{}
	for _, f := range of.Files {
		old[f] = true
	}
	_, err = storage.DeleteAll(ctx, loc.Bucket, loc.Prefix, func(o storage.Object) bool {
		return old[replacedFileOf(o.Key[len(loc.Prefix):], o)]
	})
	return err
}

// removeNamed removes files in a table's location, such as the list of what a write has replaced.
func (s *Session) removeNamed(ctx context.Context, table string, names ...string) error {
	loc, err := s.cfg.directory(ctx, table)
	if err != nil {
		return err
	}
	keys := make([]string, len(names))
	for n, name := range names {
		keys[n] = loc.Prefix + name
	}
	return loc.Bucket.Delete(ctx, keys...)
}

// removeFilesOf removes the files that write id put below a location, and those that it has begun to
// upload.
func (s *Session) removeFilesOf(ctx context.Context, url, id string) error {
	loc, err := s.cfg.directory(ctx, url)
	if err != nil {
		return err
	}
	if r, ok := storage.As[storage.PartResumer](loc.Bucket); ok {
		for u, err := range r.Uploads(ctx, loc.Prefix) {
			if errors.Is(err, storage.ErrNotExist) {
				break // there is no bucket
			}
			if err != nil {
				return err
			}
			if found, _ := idOf(u.Key); found == id {
				if err := r.AbortUpload(ctx, u); err != nil {
					return err
				}
			}
		}
	}
	_, err = storage.DeleteAll(ctx, loc.Bucket, loc.Prefix, func(o storage.Object) bool {
		found, _ := idOf(o.Key)
		return found == id || strings.HasSuffix(o.Key, replacedPrefix+id) || strings.HasSuffix(o.Key, movedPrefix+id)
	})
	return err
}

// claim leaves a write to whoever takes it back, unless its record is another by now: then it has been
// committed, or taken back by somebody else. A commit that is under way in the database is waited for, and
// none comes after it, if the owner is the caller or dead.
func (s *Session) claim(ctx context.Context, name metastore.TableName, id, record string) (claimed bool, err error) {
	return s.changeRecord(ctx, name, id, record, stateWriting+" "+ownerless)
}

// changeRecord makes the record of a write another, if it is still what it was. It reports whether it was.
func (s *Session) changeRecord(ctx context.Context, name metastore.TableName, id, from, to string) (was bool, err error) {
	err = s.cfg.Store.Update(ctx, func(tx metastore.Tx) error {
		was = false
		t, err := tx.Table(ctx, name)
		if err != nil || t.Parameters[writeParam+id] != from {
			return err
		}
		was = true
		t.Parameters[writeParam+id] = to
		return tx.AlterTable(ctx, name, t)
	})
	return was && err == nil, err
}

// forget takes a write out of the table's parameters.
func (s *Session) forget(ctx context.Context, name metastore.TableName, id string) error {
	err := s.cfg.Store.Update(ctx, func(tx metastore.Tx) error {
		t, err := tx.Table(ctx, name)
		if err != nil {
			return err
		}
		if _, ok := t.Parameters[writeParam+id]; !ok {
			return nil
		}
		delete(t.Parameters, writeParam+id)
		return tx.AlterTable(ctx, name, t)
	})
	if noTable(err) {
		return nil
	}
	return err
}

// noTable reports whether an error says that there is no such table, or not even its database.
func noTable(err error) bool {
	return errors.Is(err, metastore.ErrNoSuchTable) || errors.Is(err, metastore.ErrNoSuchDatabase)
}
