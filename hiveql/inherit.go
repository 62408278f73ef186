package hiveql

import (
	"context"
	"errors"
	"fmt"
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
	dropped []string // ids of what was dropped
	writes  []string // ids of writes
}

// inherit lets a table that a transaction is about to make, by put, take over what the database records of
// its place, but for the record of the write own. An external table does not take over writes: what is at its
// place is its own.
func inherit(ctx context.Context, tx metastore.Tx, t *metastore.Table, own string, put func() error) (inheritance, error) {
	var h inheritance
	d, err := tx.Database(ctx, t.Database)
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return h, err
	}
	if err == nil {
		h = inheritFrom(d, t, own)
	}
	if err := put(); err != nil {
		return h, err
	}
	if len(h.dropped)+len(h.writes) == 0 {
		return h, nil
	}
	return h, changeIntentsIfKept(ctx, tx, t.Database, func(p map[string]string) {
		for _, id := range append(h.dropped, h.writes...) {
			delete(p, writeParam+id)
		}
	})
}

func inheritFrom(d *metastore.Database, t *metastore.Table, own string) (h inheritance) {
	if t.Parameters[temporaryParam] != "" {
		return h // its place is its own
	}
	for _, i := range intentsOf(d) {
		if i.place != t.Storage.Location || i.id == own {
			continue
		}
		switch i.kind() {
		case stateDropping:
			at, _ := i.droppedAt()
			if at.IsZero() {
				at = time.UnixMilli(0)
			}
			setParam(&t.Parameters, writeParam+i.id, cleaningState(at))
			h.dropped = append(h.dropped, i.id)
		case stateWriting:
			if t.Type == metastore.Managed {
				setParam(&t.Parameters, writeParam+i.id, stateWriting+" "+i.by+earlierTable)
				h.writes = append(h.writes, i.id)
			}
		}
	}
	return h
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
	d, err := s.cfg.Store.Database(ctx, db)
	if errors.Is(err, metastore.ErrNoSuchDatabase) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	left := map[string]bool{}
	for _, i := range intentsOf(d) {
		if kind := i.kind(); i.place != place || kind != stateDropping && kind != stateDropped {
			continue
		}
		if err := s.leftBy(ctx, i.place, i.id, left); err != nil {
			return nil, err
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
