package hiveql

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/storage"
)

// Writes to a place of no table, which CREATE TABLE AS and INSERT OVERWRITE DIRECTORY are, are recorded
// on a database: skep.write.ID is the state, the process, and the place. That of CREATE TABLE AS goes
// with the commit, which makes the table. INSERT OVERWRITE DIRECTORY has no commit: it is taken back
// until all files are there, and then finished.

// intent is such a record.
type intent struct {
	id, state string
	by        string // the owner
	place     string
	record    string // all of it
}

// kind is the first part of the state.
func (i *intent) kind() string {
	kind, _, _ := strings.Cut(i.state, ":")
	return kind
}

// intentText is a record of this session.
func (s *Session) intentText(ctx context.Context, state, place string) string {
	return state + " " + s.owner(ctx) + " at " + place
}

// intentsOf are the records of a database.
func intentsOf(d *metastore.Database) (all []intent) {
	for k, v := range d.Parameters {
		id, ok := strings.CutPrefix(k, writeParam)
		if !ok {
			continue
		}
		all = append(all, intentOf(id, v))
	}
	return all
}

// intentOf reads a record.
func intentOf(id, record string) intent {
	i := intent{id: id, record: record}
	var rest string
	rest, i.place, _ = strings.Cut(record, " at ")
	i.state, i.by, _ = strings.Cut(rest, " ")
	return i
}

// disownIntent leaves a write that could not be taken back to others.
func (s *Session) disownIntent(ctx context.Context, db, id, place string) error {
	return s.changeIntents(ctx, db, func(params map[string]string) {
		params[writeParam+id] = stateWriting + " " + ownerless + " at " + place
	})
}

// intend records a write. A database that has gone, and a metastore of others that keeps no parameters, leave
// it without a record, which is "" then.
func (s *Session) intend(ctx context.Context, db, id, state, place string) (record string, err error) {
	record = s.intentText(ctx, state, place)
	kept := false
	err = s.changeIntentsOr(ctx, db, &kept, func(params map[string]string) { params[writeParam+id] = record })
	if !kept {
		record = ""
	}
	return record, err
}

// further records that a write has got further. If its record is another by now, it was taken back.
func (s *Session) further(ctx context.Context, db, id, record, state, place string) error {
	next, taken := s.intentText(ctx, state, place), false
	err := s.changeIntents(ctx, db, func(params map[string]string) {
		if taken = record != "" && params[writeParam+id] != record; !taken {
			params[writeParam+id] = next
		}
	})
	if err == nil && taken {
		err = fmt.Errorf("the write to %s was taken back, because nobody had heard of it for too long: %w", place, metastore.ErrConflict)
	}
	return err
}

// forgetIntent takes a record away.
func (s *Session) forgetIntent(ctx context.Context, db, id string) error {
	return s.changeIntents(ctx, db, func(params map[string]string) { delete(params, writeParam+id) })
}

func (s *Session) changeIntents(ctx context.Context, db string, change func(map[string]string)) error {
	var kept bool
	return s.changeIntentsOr(ctx, db, &kept, change)
}

// changeIntentsOr is changeIntents, and reports whether there is a database that keeps parameters.
func (s *Session) changeIntentsOr(ctx context.Context, db string, kept *bool, change func(map[string]string)) error {
	err := s.cfg.Store.Update(ctx, func(tx metastore.Tx) error { return changeIntents(ctx, tx, db, change) })
	*kept = err == nil
	if errors.Is(err, metastore.ErrNoSuchDatabase) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

func changeIntents(ctx context.Context, tx metastore.Tx, db string, change func(map[string]string)) error {
	d, err := tx.Database(ctx, db)
	if err != nil {
		return err
	}
	if d.Parameters == nil {
		d.Parameters = map[string]string{}
	}
	before := maps.Clone(d.Parameters)
	change(d.Parameters)
	if maps.Equal(before, d.Parameters) {
		return nil
	}
	return tx.AlterDatabase(ctx, d)
}

// changeIntentsIfKept is changeIntents, and nothing in a metastore that keeps no parameters of databases.
func changeIntentsIfKept(ctx context.Context, tx metastore.Tx, db string, change func(map[string]string)) error {
	err := changeIntents(ctx, tx, db, change)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

// recoverIntents brings to an end what writes of dead processes have left that a database records. What cannot
// be removed is an error only where it is in the way of some places; of others Vacuum tells.
func (s *Session) recoverIntents(ctx context.Context, db string, places ...string) error {
	d, err := s.cfg.Store.Database(ctx, db)
	if errors.Is(err, metastore.ErrNoSuchDatabase) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.recoverIntentsOf(ctx, d, places...)
}

// concerns reports whether a place is one of some, in one, or around one.
func concerns(place string, places []string) bool {
	return slices.ContainsFunc(places, func(p string) bool { return isBelow(place, p) || isBelow(p, place) })
}

func (s *Session) recoverIntentsOf(ctx context.Context, d *metastore.Database, places ...string) error {
	for _, i := range intentsOf(d) {
		gone, certain := s.abandoned(ctx, i.by)
		if !gone {
			continue
		}
		needed, err := s.droppedNeeded(ctx, i)
		if err == nil && !needed {
			err = s.recoverAbandoned(ctx, d.Name, i, certain)
		}
		if err != nil && concerns(i.place, places) {
			return fmt.Errorf("recover write %s at %s: %w", i.id, i.place, err)
		}
	}
	return nil
}

// recoverAbandoned brings to an end what a dead process has recorded, unless the record is another by now: the
// process may have got further before it ended. certain says that it is dead.
func (s *Session) recoverAbandoned(ctx context.Context, db string, i intent, certain bool) error {
	if claimed, err := s.claimRecord(ctx, db, i); err != nil || !claimed {
		return err
	}
	if err := s.recoverIntent(ctx, db, intentOf(i.id, i.state+" "+ownerless+" at "+i.place)); err != nil {
		return err
	}
	switch i.kind() {
	case stateWriting, stateCopying, stateExporting:
		if after := s.takenBack(ctx, certain); after != "" {
			return s.changeIntents(ctx, db, func(p map[string]string) { p[writeParam+i.id] = after + " at " + i.place })
		}
	}
	return nil
}

// claimIntent is claim for a record of this process on a database.
func (s *Session) claimIntent(ctx context.Context, db, id, record string) (claimed bool, err error) {
	return s.claimRecord(ctx, db, intentOf(id, record))
}

// claimRecord is claim for the record of a database.
func (s *Session) claimRecord(ctx context.Context, db string, i intent) (claimed bool, err error) {
	err = s.changeIntents(ctx, db, func(params map[string]string) {
		if claimed = i.record != "" && params[writeParam+i.id] == i.record; claimed {
			params[writeParam+i.id] = i.state + " " + ownerless + " at " + i.place
		}
	})
	return claimed && err == nil, err
}

// recoverIntent takes a write back, or finishes it.
func (s *Session) recoverIntent(ctx context.Context, db string, i intent) error {
	switch i.kind() {
	case stateCleaning:
		return s.finishDirectory(ctx, db, i.id, i.place)
	case stateDropping, stateDropped:
		return s.finishDropped(ctx, db, i)
	case stateCopying:
		return s.takeCopyBack(ctx, db, i.id, i.place)
	case stateExporting:
		return s.finishExport(ctx, db, i.id, i.place)
	}
	if err := s.removeFilesOf(ctx, i.place, i.id); err != nil {
		return err
	}
	return s.forgetIntent(ctx, db, i.id)
}

// finishDirectory removes the files that INSERT OVERWRITE DIRECTORY has replaced, and its traces. It can
// be done again.
func (s *Session) finishDirectory(ctx context.Context, db, id, place string) error {
	list, err := s.cfg.readReplaced(ctx, place, id)
	if err != nil && !errors.Is(err, storage.ErrNotExist) { // it was done but for the record
		return err
	}
	for _, one := range list {
		if err := s.removeReplaced(ctx, one); err != nil {
			return err
		}
	}
	if err := s.removeNamed(ctx, place, replacedPrefix+id); err != nil {
		return err
	}
	return s.forgetIntent(ctx, db, id)
}

// vacuumIntents does for all databases that match what recoverIntents does for one.
func (s *Session) vacuumIntents(ctx context.Context, dbs string, dry bool, v *Vacuumed) error {
	names, err := s.engine.cfg.Store.Databases(ctx, dbs)
	if err != nil {
		return err
	}
	var all error
	for _, name := range names {
		d, err := s.engine.cfg.Store.Database(ctx, name)
		if err != nil {
			all = errors.Join(all, err)
			continue
		}
		for _, i := range intentsOf(d) {
			gone, certain := s.abandoned(ctx, i.by)
			needed, err := s.droppedNeeded(ctx, i)
			all = errors.Join(all, err)
			switch kind := i.kind(); {
			case err != nil || needed || !gone:
				v.Kept++
				continue
			case kind == stateCleaning || kind == stateDropping || kind == stateDropped:
				v.Finished++
			default:
				v.Undone++
			}
			if !dry {
				all = errors.Join(all, s.recoverAbandoned(ctx, name, i, certain))
			}
		}
	}
	return all
}
