package hiveql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/storage"
)

// Data that is dropped goes after its entry in the metastore. Were it still there when a table or
// partition of the same name is made, its rows would come back. So it is listed before, as what an overwrite
// replaces is, and the transaction that drops the entry records on the database that the list is to be
// removed: skep.write.ID = dropping. CREATE TABLE, ADD PARTITION, MSCK and every write look at that first.

const stateDropping = "dropping" // dropped; the files are being removed

// dropData drops what lies at places by commit, which gives the places that were dropped in truth, and then
// removes the data. The list is kept at home, the location of the table. Where of, the table, stays, so do
// files of its writes that are under way, or begin after the commit: they make what was dropped anew.
func (s *Session) dropData(
	ctx context.Context, db, home string, places []string, of *metastore.TableName, commit func(tx metastore.Tx) ([]string, error),
) error {
	id := newWriteID(0)
	list, err := s.listDropped(ctx, db, id, home, places, of)
	if err != nil {
		return err
	}
	listed := len(list) > 0
	var now *metastore.Table
	err = s.cfg.Store.Update(ctx, func(tx metastore.Tx) (err error) {
		if of != nil {
			if now, err = tx.Table(ctx, *of); err != nil {
				return err
			}
		}
		if places, err = commit(tx); err != nil || !listed {
			return err
		}
		return changeIntentsIfKept(ctx, tx, db, func(p map[string]string) { p[writeParam+id] = intentText(stateDropping, home) })
	})
	if err == nil {
		err = s.removeDropped(ctx, places, id, keptAfterDrop(now, list))
		if err == nil && listed {
			err = s.forgetDropped(ctx, db, id, home, places)
		}
	}
	if err != nil && listed {
		s.leaveDropped(ctx, db, id, home)
	}
	return err
}

// keptAfterDrop reports which objects at the places of what was dropped are none of it.
func keptAfterDrop(now *metastore.Table, list []replaced) func(place, name string, o storage.Object) bool {
	if now == nil {
		return func(string, string, storage.Object) bool { return false }
	}
	pending, listed := pendingWrites(now), map[string]map[replacedFile]bool{}
	for _, one := range list {
		listed[one.Place] = map[replacedFile]bool{}
		for _, f := range one.Files {
			listed[one.Place][f] = true
		}
	}
	return func(place, name string, o storage.Object) bool {
		id, version := idOf(name)
		return pending[id] || version > now.Version && !listed[place][replacedFileOf(name, o)]
	}
}

// listDropped lists the files at places, but for those of writes under way.
func (s *Session) listDropped(
	ctx context.Context, db, id, home string, places []string, of *metastore.TableName,
) ([]replaced, error) {
	var list []replaced
	for _, place := range places {
		loc, err := s.cfg.directory(ctx, place)
		if err != nil {
			return nil, err
		}
		one := replaced{Place: place}
		for o, err := range within(ctx, loc) {
			if err != nil {
				return nil, err
			}
			one.Files = append(one.Files, replacedFileOf(o.Key[len(loc.Prefix):], o))
		}
		if len(one.Files) > 0 {
			list = append(list, one)
		}
	}
	if of != nil && len(list) > 0 {
		t, err := s.cfg.Store.Table(ctx, *of)
		if err != nil {
			return nil, err
		}
		pending := pendingWrites(t)
		for i := range list {
			list[i].Files = slices.DeleteFunc(list[i].Files, func(f replacedFile) bool { id, _ := idOf(f.Name); return pending[id] })
		}
		list = slices.DeleteFunc(list, func(one replaced) bool { return len(one.Files) == 0 })
	}
	if len(list) == 0 {
		return nil, nil
	}
	if err := s.intend(ctx, db, id, stateWriting, home); err != nil {
		return nil, err
	}
	err := s.cfg.writeReplaced(ctx, home, id, list)
	if err != nil {
		s.leaveDropped(ctx, db, id, home)
	}
	return list, err
}

// removeDropped removes what is at places, but for the list and for what is kept.
func (s *Session) removeDropped(
	ctx context.Context, places []string, id string, kept func(place, name string, o storage.Object) bool,
) error {
	for _, place := range places {
		err := s.removeBelow(ctx, place, func(name string, o storage.Object) bool {
			return name != replacedPrefix+id && !kept(place, name, o)
		})
		if err != nil {
			return fmt.Errorf("it is dropped, but not all of its data: %w", err)
		}
	}
	return nil
}

// forgetDropped removes the list of what is removed, and its record.
func (s *Session) forgetDropped(ctx context.Context, db, id, home string, places []string) error {
	if err := s.removeNamed(ctx, home, replacedPrefix+id); err != nil {
		return err
	}
	if slices.Contains(places, home) { // whose directory held the list
		if err := s.removeAll(ctx, home); err != nil {
			return err
		}
	}
	return s.forgetIntent(ctx, db, id)
}

// leaveDropped takes back a list of what was not dropped, or leaves the rest to the next write.
func (s *Session) leaveDropped(ctx context.Context, db, id, home string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	switch claimed, err := s.claimIntent(ctx, db, id, stateWriting, home); {
	case err != nil:
		return // it is done when this process has ended
	case claimed:
		_ = s.recoverIntent(ctx, db, intent{id: id, state: stateWriting, place: home})
	default:
		_ = s.changeIntents(ctx, db, func(p map[string]string) {
			if state, _, ok := strings.Cut(p[writeParam+id], " "); ok {
				p[writeParam+id] = state + " " + ownerless + " at " + home
			}
		})
	}
}

// finishDropped removes what is left of dropped data, but for files that have been put there since, and its
// traces. It can be done again.
func (s *Session) finishDropped(ctx context.Context, db, id, home string) error {
	list, err := s.cfg.readReplaced(ctx, home, id)
	if err != nil && !errors.Is(err, storage.ErrNotExist) { // it was done but for the record
		return err
	}
	for _, one := range list {
		if err := s.removeReplaced(ctx, one); err != nil {
			return err
		}
	}
	if err := s.removeNamed(ctx, home, replacedPrefix+id); err != nil {
		return err
	}
	for _, one := range list {
		loc, err := s.cfg.directory(ctx, one.Place)
		if err != nil {
			return err
		}
		if err := removeDirs(ctx, loc.Bucket, loc.Prefix); err != nil {
			return err
		}
	}
	return s.forgetIntent(ctx, db, id)
}
