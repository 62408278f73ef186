package hiveql

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/storage"
)

// cleaningRecord is the record of a write to a table that was committed at a time. The list of what it replaced
// is at home.
func cleaningRecord(committed time.Time, home string) string {
	return stateCleaning + " " + strconv.FormatInt(committed.UnixMilli(), 10) + " at " + home
}

// writingRecord is that of one that goes on.
func writingRecord(owner, home string) string { return stateWriting + " " + owner + " at " + home }

// writeOf is the record of a write to a table, with its place: where the table was when it was made, because
// SET LOCATION changes that.
func writeOf(t *metastore.Table, id string) intent {
	i := intentOf(id, t.Parameters[writeParam+id])
	i.place = cmp.Or(i.place, t.Storage.Location)
	return i
}

// inheritedRecord is a cleaningRecord of what was dropped, with the name of its table then.
func inheritedRecord(i intent) string {
	at, table := i.droppedAt()
	if at.IsZero() {
		return cleaningRecord(time.UnixMilli(0), i.place)
	}
	return fmt.Sprintf("%s %d:%s at %s", stateCleaning, at.UnixMilli(), tableWord(table), i.place)
}

// committed is the time in a cleaningRecord of t, zero where there is none, and the table whose readers need
// the files.
func (i *intent) committed(t *metastore.Table) (at time.Time, table metastore.TableName) {
	if before := (&intent{state: stateDropping + ":" + i.by}); strings.Contains(i.by, ":") {
		return before.droppedAt()
	}
	ms, err := strconv.ParseInt(i.by, 10, 64)
	if err != nil {
		return time.Time{}, t.TableName
	}
	return time.UnixMilli(ms), t.TableName
}

// cleaningNeeded reports whether queries may need what a write to a table has replaced.
func (s *Session) cleaningNeeded(ctx context.Context, t *metastore.Table, i intent) (bool, error) {
	at, table := i.committed(t)
	return s.needed(ctx, table, at)
}

// cleanup is a write whose replaced files are still there.
type cleanup struct {
	table metastore.TableName
	id    string
	due   time.Time
	// dropped says that the table has gone, and that the database records it.
	dropped bool
	// kept says that it was due, and that a query still needed it.
	kept bool
}

// cleanAgain is how long a session waits before it looks again whether a query still needs something.
const cleanAgain = 10 * time.Second

// cleanLater removes the files that a committed write replaced once no reader can need them any
// more: before a later statement of the session, or when it is closed.
func (s *Session) cleanLater(ctx context.Context, table metastore.TableName, id string) error {
	grace := s.grace()
	if grace == 0 {
		if _, err := s.finishWrite(ctx, table, id); err != nil {
			return fmt.Errorf("%s is changed, but files that were replaced are left; "+
				"a later write to the table, or hiveql vacuum, removes them: %w", table, err)
		}
		return nil
	}
	s.cleanups = append(s.cleanups, cleanup{table: table, id: id, due: time.Now().Add(grace)})
	return nil
}

// cleanDue removes what is due. What cannot be removed now is left to others.
func (s *Session) cleanDue(ctx context.Context) {
	now := time.Now()
	var left []cleanup
	for _, c := range s.cleanups {
		if !c.due.After(now) {
			if done, err := s.cleanUp(ctx, c); done || err != nil {
				continue
			}
			c.due, c.kept = now.Add(cleanAgain), true
		}
		left = append(left, c)
	}
	s.cleanups = left
}

// closeWait is the longest that a session waits at its end for files to become due.
const closeWait = 2 * time.Second

// cleanRest waits for the rest to become due and removes it. What is kept for longer, or what
// readers still need, is left to whoever writes next, and to Vacuum.
func (s *Session) cleanRest(ctx context.Context) error {
	var all error
	for _, c := range s.cleanups {
		if c.kept {
			c.due = time.Now()
		}
		if time.Until(c.due) > closeWait {
			continue
		}
		select {
		case <-ctx.Done():
			return errors.Join(all, context.Cause(ctx))
		case <-time.After(time.Until(c.due)):
		}
		if c.dropped {
			_, err := s.cleanUp(ctx, c)
			all = errors.Join(all, err)
		} else {
			all = errors.Join(all, s.finishWrites(ctx, c.table))
		}
	}
	s.cleanups = nil
	return all
}

// cleanUp removes what one write has left, if nobody needs it any more. It reports whether nothing is left to do.
func (s *Session) cleanUp(ctx context.Context, c cleanup) (done bool, err error) {
	if !c.dropped {
		return s.finishWrite(ctx, c.table, c.id)
	}
	d, err := s.cfg.Store.Database(ctx, c.table.Database)
	if errors.Is(err, metastore.ErrNoSuchDatabase) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	record, ok := d.Parameters[writeParam+c.id]
	if !ok {
		return true, nil // another process has done it, or a table has taken it over
	}
	i := intentOf(c.id, record)
	if gone, _ := s.abandoned(ctx, i.by); !gone {
		return true, nil // another process is doing it
	}
	if needed, err := s.droppedNeeded(ctx, i); err != nil || needed {
		return false, err
	}
	return true, s.recoverAbandoned(ctx, d.Name, i, true)
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
	if err := s.recoverIntents(ctx, t.Database, t.Storage.Location); err != nil {
		return err
	}
	s.finishMoves(ctx, t)
	for _, id := range writesOf(t, "") {
		i := writeOf(t, id)
		var err error
		if i.state == stateCleaning || i.state == stateCleaned {
			_, err = s.finishWrite(ctx, t.TableName, id)
		} else if gone, certain := s.abandoned(ctx, i.by); gone {
			err = s.takeBack(ctx, t, i, certain)
		}
		if err != nil {
			return fmt.Errorf("recover write %s of %s: %w", id, t.TableName, err)
		}
	}
	return nil
}

// takeBack removes the files of a write whose process died before the commit. i is what the table said
// of the write before the process was found dead, for certain or not: it may have committed in between.
func (s *Session) takeBack(ctx context.Context, t *metastore.Table, i intent, certain bool) error {
	claimed, err := s.claim(ctx, t.TableName, i)
	switch {
	case noTable(err):
		return nil // it went with all of its files
	case err != nil || !claimed:
		return err
	}
	places, err := s.places(ctx, t)
	if err != nil {
		return err
	}
	if !isBelow(i.place, t.Storage.Location) {
		places = append(places, i.place) // the table was there
	}
	for _, place := range places {
		if err := s.removeFilesOf(ctx, place, i.id); err != nil {
			return err
		}
	}
	after := s.takenBack(ctx, certain)
	if after == "" {
		return s.forget(ctx, t.TableName, i.id)
	}
	_, err = s.changeRecord(ctx, t.TableName, i.id, writingRecord(ownerless, i.place), after+" at "+i.place)
	return err
}

// isBelow reports whether a place is another one or in it.
func isBelow(place, of string) bool { return place == of || strings.HasPrefix(place, of+"/") }

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
	i := writeOf(t, id)
	switch i.state {
	case stateCleaning:
		if done, err := s.cleanReplaced(ctx, t, i); !done {
			return false, err
		}
	case stateCleaned:
	default:
		return true, nil
	}
	// The record goes last: without it nobody would look for the list.
	if err := s.removeNamed(ctx, i.place, replacedPrefix+id); err != nil {
		return false, err
	}
	return true, s.forget(ctx, name, id)
}

// cleanReplaced removes the files that a write replaced, and records that: from then on no reader needs the
// list of them. It reports whether it has.
func (s *Session) cleanReplaced(ctx context.Context, t *metastore.Table, i intent) (done bool, err error) {
	needed, err := s.cleaningNeeded(ctx, t, i)
	if err != nil || needed {
		return false, err
	}
	list, err := s.cfg.readReplaced(ctx, i.place, i.id)
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
	_, err = s.changeRecord(ctx, t.TableName, i.id, i.record, stateCleaned+" - at "+i.place)
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
func (s *Session) claim(ctx context.Context, name metastore.TableName, i intent) (claimed bool, err error) {
	return s.changeRecord(ctx, name, i.id, i.record, writingRecord(ownerless, i.place))
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
