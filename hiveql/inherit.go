package hiveql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/storage"
)

// A table can be made at a place where an earlier one has been dropped, or renamed, while its files are being
// removed, or kept for queries that run, and while writes to it that cannot commit any more are still under way.
// The new table takes the records of all that over from the database, so that its readers pass over those files.

// earlierTable ends the record of a write to a table that was at the place before.
const earlierTable = " earlier"

// inheritance is what a table has taken over.
type inheritance struct {
	dropped []string            // ids of what was dropped
	writes  []string            // ids of writes
	from    map[string][]string // all ids, by the database that recorded them
}

// inherit lets a table that a transaction is about to make, by put, take over what databases record of
// its place, but for the record of the write own. An external table does not take over writes: what is at its
// place is its own.
func inherit(ctx context.Context, tx metastore.Tx, t *metastore.Table, own string, put func() error) (inheritance, error) {
	h, err := inheritFrom(ctx, tx, t, own, []string{t.Storage.Location})
	if err != nil {
		return h, err
	}
	if err := put(); err != nil {
		return h, err
	}
	return h, h.takeAway(ctx, tx)
}

// inheritAt lets a table that is there take over what was dropped at places that become those of its partitions.
func inheritAt(ctx context.Context, tx metastore.Tx, name metastore.TableName, places []string) (inheritance, error) {
	if len(places) == 0 {
		return inheritance{}, nil
	}
	t, err := tx.Table(ctx, name)
	if err != nil {
		return inheritance{}, err
	}
	h, err := inheritFrom(ctx, tx, t, "", places)
	if err != nil || len(h.from) == 0 {
		return h, err
	}
	if err := tx.AlterTable(ctx, name, t); err != nil {
		return h, err
	}
	return h, h.takeAway(ctx, tx)
}

// inheritFrom gives a table the records of places, which are of its own database, or of one that has gone.
func inheritFrom(ctx context.Context, tx metastore.Tx, t *metastore.Table, own string, places []string) (h inheritance, err error) {
	if t.Parameters[temporaryParam] != "" {
		return h, nil // its place is its own
	}
	for _, db := range recordsOf(t.Database) {
		d, err := tx.Database(ctx, db)
		if errors.Is(err, metastore.ErrNoSuchDatabase) || errors.Is(err, errors.ErrUnsupported) {
			continue // who makes the table says so
		}
		if err != nil {
			return h, err
		}
		for _, i := range intentsOf(d) {
			if i.id != own && slices.ContainsFunc(places, func(p string) bool { return isBelow(p, i.place) }) {
				h.take(t, db, i)
			}
		}
	}
	return h, nil
}

// recordsOf are the databases whose records may be of tables of one.
func recordsOf(db string) []string {
	if db == metastore.DefaultDatabase {
		return []string{db}
	}
	return []string{db, metastore.DefaultDatabase}
}

// take takes over one record, if it is of a kind that is.
func (h *inheritance) take(t *metastore.Table, db string, i intent) {
	switch i.kind() {
	case stateDropping:
		setParam(&t.Parameters, writeParam+i.id, inheritedRecord(i))
		h.dropped = append(h.dropped, i.id)
	case stateWriting:
		if t.Type != metastore.Managed || i.place != t.Storage.Location {
			return
		}
		setParam(&t.Parameters, writeParam+i.id, writingRecord(i.by+earlierTable, i.place))
		h.writes = append(h.writes, i.id)
	default:
		return
	}
	if h.from == nil {
		h.from = map[string][]string{}
	}
	h.from[db] = append(h.from[db], i.id)
}

// takeAway takes from the databases what was taken over.
func (h *inheritance) takeAway(ctx context.Context, tx metastore.Tx) error {
	for db, ids := range h.from {
		err := changeIntentsIfKept(ctx, tx, db, func(p map[string]string) {
			for _, id := range ids {
				delete(p, writeParam+id)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// inherited cleans up, later, after what a table has taken over.
func (s *Session) inherited(t metastore.TableName, h inheritance) {
	for _, id := range h.dropped {
		s.cleanups = append(s.cleanups, cleanup{table: t, id: id, due: time.Now().Add(s.grace())})
	}
}

// leftAt are the objects at a place of no table that dropped data has left there, by their keys in its bucket:
// nobody but older queries needs them.
func (s *Session) leftAt(ctx context.Context, db, place string) (map[string]bool, error) {
	left := map[string]bool{}
	for _, db := range recordsOf(db) {
		d, err := s.cfg.Store.Database(ctx, db)
		if errors.Is(err, metastore.ErrNoSuchDatabase) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, i := range intentsOf(d) {
			if kind := i.kind(); i.place != place || kind != stateDropping && kind != stateDropped {
				continue
			}
			if err := s.leftBy(ctx, i.place, i.id, left); err != nil {
				return nil, err
			}
		}
	}
	return left, nil
}

// leftBy adds the objects of one list, and the list.
func (s *Session) leftBy(ctx context.Context, home, id string, left map[string]bool) error {
	list, err := s.cfg.readReplaced(ctx, home, id)
	if err != nil && !errors.Is(err, storage.ErrNotExist) {
		return err
	}
	loc, err := s.cfg.directory(ctx, home)
	if err != nil {
		return err
	}
	left[loc.Prefix+replacedPrefix+id] = true
	for _, one := range list {
		at, err := s.cfg.directory(ctx, one.Place)
		if err != nil {
			return err
		}
		if at.Bucket.URL() != loc.Bucket.URL() {
			continue
		}
		for _, f := range one.Files {
			left[at.Prefix+f.Name+" "+f.version()] = true
		}
	}
	return nil
}

// version tells one version of a file from others.
func (f replacedFile) version() string { return f.ETag + " " + strconv.FormatInt(f.Modified, 10) }

// hasLeft reports whether an object is among those of leftAt.
func hasLeft(left map[string]bool, o storage.Object) bool {
	return left[o.Key] || left[o.Key+" "+replacedFileOf("", o).version()]
}

// errTaken is the error of a commit whose write has been taken back, or whose table has been made anew.
func errTaken(t metastore.TableName) error {
	return fmt.Errorf("%s was dropped or renamed meanwhile, or the write was taken back because nobody had heard of it for too long: %w",
		t, metastore.ErrConflict)
}
