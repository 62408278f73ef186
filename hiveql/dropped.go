package hiveql

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/storage"
)

// Data that is dropped goes after its entry in the metastore. Were it still there when a table or
// partition of the same name is made, its rows would come back. So it is listed before, as what an overwrite
// replaces is. Where the table stays, the transaction that drops its partitions makes the list one of the
// table's: skep.write.ID = cleaning. Where it goes, the list is recorded on the database: skep.write.ID =
// dropping, and then dropped; a table that is made at the place in between takes the record over (inherit.go).
// What nobody has listed stays, for it can be of what is made there next.

const (
	stateDropping = "dropping" // dropped; the files are being removed
	stateDropped  = "dropped"  // they are; their list is being removed
)

// dropping is data that is dropped with its entry in the metastore.
type dropping struct {
	s      *Session
	table  metastore.TableName // that goes, or whose partitions do
	home   string              // its location
	places []string            // of the data
	// stays says that the table stays. Files of its writes that are under way, or begin after the commit, then
	// make what was dropped anew.
	stays bool
	// lasts says that the data stays as long as queries may need it.
	lasts bool
	// alone says that the places are nobody else's: nothing is listed, and all goes.
	alone bool
	// exact wants nothing to have been written to the table since the list was made; otherwise it is errReplaced.
	exact bool

	before, now *metastore.Table // as it was when the places were listed, and in the transaction
	lists       []*droppedList
	kept        bool      // they are recorded
	at          time.Time // when it is dropped
}

// exactDrops is how often the files are listed anew because somebody has written to the table meanwhile.
// Then those writes are taken for what their ids say.
const exactDrops = 3

// dropExactly calls drop until nothing has been written to the table meanwhile, but for the last time.
func dropExactly(ctx context.Context, drop func(exact bool) error) error {
	for try := 0; ; try++ {
		err := drop(try < exactDrops)
		if !errors.Is(err, errReplaced) || ctx.Err() != nil {
			return err
		}
	}
}

// drop drops the data by commit, which gives the places that were dropped in truth.
func (d *dropping) drop(ctx context.Context, commit func(tx metastore.Tx) ([]string, error)) error {
	err := d.look(ctx)
	if err != nil {
		return err
	}
	if d.waits() {
		d.at = d.s.engine.now(ctx)
	}
	err = d.s.cfg.Store.Update(ctx, func(tx metastore.Tx) (err error) {
		if d.now, err = tx.Table(ctx, d.table); err != nil {
			return err
		}
		if err := d.same(); err != nil {
			return err
		}
		if d.places, err = commit(tx); err != nil {
			return err
		}
		return d.note(ctx, tx)
	})
	if err == nil {
		err = d.finish(ctx)
	}
	if err != nil {
		d.leave(ctx)
	}
	return err
}

// same makes sure that the table is the one that was listed.
func (d *dropping) same() error {
	other := d.now.Storage.Location != d.home || !d.now.CreateTime.Equal(d.before.CreateTime)
	switch {
	case d.alone:
		return nil
	case other && d.stays:
		return fmt.Errorf("%s was made anew or moved meanwhile: %w", d.table, metastore.ErrConflict)
	case d.exact && (other || d.now.Version != d.before.Version):
		return errReplaced
	case other && d.now.Storage.Location == d.home:
		return errReplaced
	case other:
		return fmt.Errorf("%s was made anew or moved meanwhile: %w", d.table, metastore.ErrConflict)
	}
	return nil
}

// note records, in the transaction, that the lists are to be removed. Writes to a table that goes are left to
// the database: they cannot commit any more, and their files must not be taken for rows.
func (d *dropping) note(ctx context.Context, tx metastore.Tx) error {
	if d.alone || d.stays && len(d.lists) == 0 {
		return nil
	}
	records := map[string]string{}
	for _, l := range d.lists {
		if l.record = d.recordOf(ctx, l); !d.ofTable(l) {
			records[writeParam+l.id] = l.record
		}
	}
	if d.stays {
		t, err := tx.Table(ctx, d.table)
		if err != nil {
			return err
		}
		for _, l := range d.lists {
			if d.ofTable(l) {
				setParam(&t.Parameters, writeParam+l.id, l.record)
			}
		}
		setParam(&t.Parameters, generationParam, d.lists[0].id) // a plan that was being made is made again
		if err := tx.AlterTable(ctx, d.table, t); err != nil {
			return err
		}
	} else {
		for id := range pendingWrites(d.now) {
			i := writeOf(d.now, id)
			records[writeParam+id] = writingRecord(strings.TrimSuffix(i.by, earlierTable), i.place)
		}
		maps.Copy(records, d.elsewhere())
	}
	if len(records)+len(d.lists) == 0 {
		return nil
	}
	return d.change(ctx, tx, records)
}

// elsewhere are records of what writes to a table that goes have replaced where it was before, or what it has taken
// over: parameters of a database. Those at home are dropped with the table.
func (d *dropping) elsewhere() map[string]string {
	records := map[string]string{}
	for _, id := range append(writesOf(d.now, stateCleaning), writesOf(d.now, stateCleaned)...) {
		switch i := writeOf(d.now, id); {
		case isBelow(i.place, d.home):
		case i.state == stateCleaned:
			records[writeParam+id] = stateDropped + " " + ownerless + " at " + i.place
		default:
			at, table := i.committed(d.now)
			records[writeParam+id] = droppedRecord(at.UnixMilli(), table, i.place)
		}
	}
	return records
}

// change changes the records of the database, if no list was taken back. Those of lists that are the table's go.
func (d *dropping) change(ctx context.Context, tx metastore.Tx, records map[string]string) error {
	taken := false
	err := changeIntentsIfKept(ctx, tx, d.table.Database, func(p map[string]string) {
		for _, l := range d.lists {
			taken = taken || l.intent != "" && p[writeParam+l.id] != l.intent
		}
		if taken {
			return
		}
		for _, l := range d.lists {
			delete(p, writeParam+l.id)
		}
		maps.Copy(p, records)
	})
	if err == nil && taken {
		err = errTaken(d.table)
	}
	return err
}

// look lists the files at the places, but, where the table stays, for those of writes under way.
func (d *dropping) look(ctx context.Context) (err error) {
	s := d.s
	if d.before, err = s.cfg.Store.Table(ctx, d.table); err != nil || d.alone {
		return err
	}
	pending := pendingWrites(d.before)
	for _, place := range d.places {
		loc, err := s.cfg.directory(ctx, place)
		if err != nil {
			return err
		}
		one := replaced{Place: place, Dropped: true}
		for o, err := range within(ctx, loc) {
			if err != nil {
				return err
			}
			name := o.Key[len(loc.Prefix):]
			if id, _ := idOf(name); !d.stays || !pending[id] {
				one.Files = append(one.Files, replacedFileOf(name, o))
			}
		}
		if len(one.Files) > 0 {
			l := d.listOf(place)
			l.files = append(l.files, one)
		}
	}
	if len(d.lists) == 0 {
		return nil
	}
	if err = d.write(ctx); err != nil {
		d.leave(ctx)
	}
	return err
}

// waits reports whether what was listed goes later.
func (d *dropping) waits() bool {
	return d.lasts && len(d.lists) > 0 && d.kept && d.s.grace() > 0
}

// lastsAt is waits for a place.
func (d *dropping) lastsAt(place string) bool {
	return d.waits() && (isBelow(place, d.home) || slices.ContainsFunc(d.lists, func(l *droppedList) bool { return l.home == place }))
}

// finish removes the data once the transaction has been carried out, or leaves that for later.
func (d *dropping) finish(ctx context.Context) error {
	s := d.s
	goes := d.belongs()
	for _, place := range d.places {
		if d.lastsAt(place) && d.now.Version == d.before.Version {
			continue // there is nothing but what was listed
		}
		err := s.removeBelow(ctx, place, func(name string, o storage.Object) bool { return goes(place, name, o) })
		if err != nil {
			return fmt.Errorf("it is done, but not all of the data is removed: %w", err)
		}
	}
	for _, l := range d.lists {
		if err := d.finishList(ctx, l); err != nil {
			return fmt.Errorf("it is done, but not all of the data is removed; "+
				"a later write to the database, or hiveql vacuum, removes the rest: %w", err)
		}
	}
	return nil
}

// belongs reports which objects at the places of what was dropped go now: those that were listed, if they do not
// wait, and those of writes that had begun before. Others have come since.
func (d *dropping) belongs() func(place, name string, o storage.Object) bool {
	if d.alone {
		return func(string, string, storage.Object) bool { return true }
	}
	listed := map[string]map[replacedFile]bool{}
	for _, l := range d.lists {
		for _, one := range l.files {
			listed[one.Place] = map[replacedFile]bool{}
			for _, f := range one.Files {
				listed[one.Place][f] = true
			}
		}
	}
	before, now := pendingWrites(d.before), pendingWrites(d.now)
	return func(place, name string, o storage.Object) bool {
		id, version := idOf(name)
		switch {
		case listed[place][replacedFileOf(name, o)]:
			return !d.lastsAt(place)
		case id == "" || d.stays && now[id]:
			return false
		}
		return before[id] || now[id] || version > d.before.Version && version <= d.now.Version
	}
}

// leave takes back lists of what was not dropped, or leaves the rest to the next write.
func (d *dropping) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	s, db := d.s, d.table.Database
	for _, l := range d.lists {
		switch claimed, err := s.claimIntent(ctx, db, l.id, l.intent); {
		case err != nil:
			return // it is done when this process has ended
		case claimed:
			_ = s.recoverIntent(ctx, db, intent{id: l.id, state: stateWriting, place: l.home})
		default:
			_ = s.changeIntents(ctx, db, func(p map[string]string) {
				if i := intentOf(l.id, p[writeParam+l.id]); i.state != "" {
					p[writeParam+l.id] = i.state + " " + ownerless + " at " + l.home
				}
			})
		}
	}
}

// droppedRecord is the record of data that was dropped at a time and that queries of a table may need.
func droppedRecord(at int64, t metastore.TableName, home string) string {
	return fmt.Sprintf("%s:%d:%s %s at %s", stateDropping, at, tableWord(t), ownerless, home)
}

// tableWord is the name of a table as one word of a record.
func tableWord(t metastore.TableName) string {
	return url.PathEscape(t.Database) + "." + url.PathEscape(t.Name)
}

// droppedAt is the time in a record, and the table; the zero time where no query may need the data.
func (i *intent) droppedAt() (at time.Time, table metastore.TableName) {
	words := strings.SplitN(i.state, ":", 3)
	if len(words) < 3 {
		return time.Time{}, table
	}
	ms, err := strconv.ParseInt(words[1], 10, 64)
	db, name, _ := strings.Cut(words[2], ".")
	var dbErr, nameErr error
	table.Database, dbErr = url.PathUnescape(db)
	table.Name, nameErr = url.PathUnescape(name)
	if errors.Join(err, dbErr, nameErr) != nil {
		return time.Time{}, table
	}
	return time.UnixMilli(ms), table
}

// droppedNeeded reports whether queries may need the data of a record.
func (s *Session) droppedNeeded(ctx context.Context, i intent) (bool, error) {
	at, table := i.droppedAt()
	if at.IsZero() {
		return false, nil
	}
	return s.needed(ctx, table, at)
}

// finishDropped removes what is left of dropped data, but for files that have been put there since, and its
// traces. It can be done again.
func (s *Session) finishDropped(ctx context.Context, db string, i intent) error {
	list, err := s.cfg.readReplaced(ctx, i.place, i.id)
	if err != nil && !errors.Is(err, storage.ErrNotExist) { // it was done but for the record
		return err
	}
	for _, one := range list {
		if err := s.removeReplaced(ctx, one); err != nil {
			return err
		}
	}
	return s.forgetDropped(ctx, db, i, list)
}

// forgetDropped removes the list of what has been removed, and its record: a table that has taken it over
// meanwhile needs it, and removes it.
func (s *Session) forgetDropped(ctx context.Context, db string, i intent, list []replaced) error {
	mine := true
	if i.kind() == stateDropping {
		next := s.intentText(ctx, stateDropped, i.place)
		err := s.changeIntents(ctx, db, func(p map[string]string) {
			if mine = p[writeParam+i.id] == i.record; mine {
				p[writeParam+i.id] = next
			}
		})
		if err != nil || !mine {
			return err
		}
	}
	if err := s.removeNamed(ctx, i.place, replacedPrefix+i.id); err != nil {
		return err
	}
	for _, one := range append(slices.Clone(list), replaced{Place: i.place}) {
		if err := s.removeEmpty(ctx, one.Place); err != nil {
			return err
		}
	}
	return s.forgetIntent(ctx, db, i.id)
}

// removeEmpty removes the directories at a place in which there is nothing.
func (s *Session) removeEmpty(ctx context.Context, place string) error {
	loc, err := s.cfg.directory(ctx, place)
	if err != nil {
		return err
	}
	return removeDirs(ctx, loc.Bucket, loc.Prefix)
}

// finishAllDropped finishes what was dropped in a database that goes, whoever does it, but what queries may need.
func (s *Session) finishAllDropped(ctx context.Context, db string) error {
	d, err := s.cfg.Store.Database(ctx, db)
	if errors.Is(err, metastore.ErrNoSuchDatabase) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, i := range intentsOf(d) {
		if kind := i.kind(); kind != stateDropping && kind != stateDropped {
			continue
		}
		needed, err := s.droppedNeeded(ctx, i)
		if err == nil && !needed {
			err = s.finishDropped(ctx, d.Name, i)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// leaveRecords leaves the records of a database that goes to the default database, in the transaction.
func leaveRecords(ctx context.Context, tx metastore.Tx, db string) error {
	d, err := tx.Database(ctx, db)
	if err != nil || len(intentsOf(d)) == 0 {
		return err
	}
	err = changeIntentsIfKept(ctx, tx, metastore.DefaultDatabase, func(p map[string]string) {
		for _, i := range intentsOf(d) {
			p[writeParam+i.id] = i.record
		}
	})
	if errors.Is(err, metastore.ErrNoSuchDatabase) {
		return nil
	}
	return err
}
