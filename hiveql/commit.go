package hiveql

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// job is one change of a table's data. Its steps are in doc.go.
type job struct {
	s         *Session
	table     *metastore.Table // as planned
	create    bool             // CREATE TABLE AS: the commit makes the table
	overwrite bool
	compacts  bool // an overwrite by the same rows, of the files only that the targets name
	targets   []*target
	id        string
	record    string // of the write, in the table's parameters; nobody else's means that it was taken back
	taken     bool   // the commit has found that it was
	tried     bool   // the commit was begun, and may have taken place
	left      inheritance
	// generation is the table's when the places were looked at.
	generation string
	// listed says that the list of replaced files was written.
	listed bool
	// moves are files that are to be removed when the job has committed; loaded is what
	// loadedParam was when they were looked at, and movesListed says that their list was written.
	moves       []File
	loaded      string
	movesListed bool
	// commitBy runs the transaction of the commit, and what belongs to it; nil is Update.
	commitBy func(ctx context.Context, commit func(metastore.Tx) error) error
	// upload brings the files of all targets to their places, under names that end in id.
	upload func(ctx context.Context, id string) error
}

// target is a place the job changes: a partition, or a table without partition keys.
type target struct {
	values   partitions.Values // nil for the table itself
	location string
	storage  *metastore.StorageDescriptor // of a partition that is made; nil for the table
	rows     int64                        // -1 if unknown
	files    int64                        // of a job that compacts, how many more there are
	bytes    int64
	raw      int64                        // Hive's raw data size; of no meaning where rows is -1
	columns  []metastore.ColumnStatistics // of the rows that are written; nil if not known
	replaces map[string]bool              // of a job that compacts: the keys of the files that it replaces
	sent     []trackedFile                // the files of the job, if it knows them; nil if they have to be looked up

	// What change found out of the statistics of columns.
	knowledge knowledge
	there     bool  // before
	before    int64 // its rows then, -1 if they are not known

	// What look found there.
	seen   map[string]string // the place's parameters; nil where it did not exist
	made   []trackedFile     // by this job
	others []trackedFile     // what readers see besides
	old    []replacedFile    // the files an overwrite replaces
}

// errReplaced says that the places have changed since the job has looked at them.
var errReplaced = errors.New("changed by another write meanwhile")

// run carries the job out. When it fails before the commit, nothing has changed.
func (j *job) run(ctx context.Context) error {
	if err := j.start(ctx); err != nil {
		return err
	}
	if err := j.publish(ctx); err != nil {
		if undone := j.rollback(ctx); undone {
			return err
		}
	}
	// From here on the statement has succeeded: what is left to do, anybody can do.
	j.s.inherited(j.table.TableName, j.left)
	if !j.listed {
		return nil
	}
	return j.s.cleanLater(ctx, j.table.TableName, j.id)
}

// start does what comes before the first byte goes to a store. It can be called again.
func (j *job) start(ctx context.Context) error {
	if j.id != "" {
		return nil
	}
	if err := j.s.recoverWrites(ctx, j.table); err != nil {
		return err
	}
	return j.begin(ctx)
}

// undo ends a job that cannot go on, because of err, and has not tried to commit.
func (j *job) undo(ctx context.Context, err error) error {
	if j.id != "" {
		j.rollback(ctx)
	}
	return err
}

// begin registers the write, so that readers pass over its files.
func (j *job) begin(ctx context.Context) error {
	if j.create {
		id := newWriteID(0)
		var err error
		if j.record, err = j.s.intend(ctx, j.table.Database, id, stateWriting, j.table.Storage.Location); err != nil {
			return err
		}
		j.id = id
		return nil
	}
	j.record = writingRecord(j.s.owner(ctx), j.table.Storage.Location)
	return j.s.cfg.Store.Update(ctx, func(tx metastore.Tx) error {
		t, err := tx.Table(ctx, j.table.TableName)
		if err != nil {
			return err
		}
		j.id = newWriteID(t.Version + 1)
		switch {
		case !j.s.settings.isTrue(trackFiles) || shared(t, time.Now()):
			delete(t.Parameters, trackingParam)
		case t.Type == metastore.Managed && t.Parameters[trackingParam] == "":
			setParam(&t.Parameters, trackingParam, newTracking())
		}
		setParam(&t.Parameters, writeParam+j.id, j.record)
		return tx.AlterTable(ctx, t.TableName, t)
	})
}

func newWriteID(version int64) string {
	return fmt.Sprintf("%08x%08x", uint32(version), rand.Uint32())
}

func setParam(params *map[string]string, key, value string) {
	if *params == nil {
		*params = map[string]string{}
	}
	(*params)[key] = value
}

// publish uploads the files and commits.
func (j *job) publish(ctx context.Context) error {
	if j.upload != nil {
		if err := j.upload(ctx, j.id); err != nil {
			return err
		}
	}
	for {
		err := j.look(ctx)
		if err == nil {
			err = j.commit(ctx)
		}
		if !errors.Is(err, errReplaced) {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// commit is the transaction from which on readers see the new files and not the old ones.
func (j *job) commit(ctx context.Context) error {
	j.tried = true
	var at time.Time
	if j.listed {
		at = j.s.engine.now(ctx)
	}
	by := j.commitBy
	if by == nil {
		by = j.s.cfg.Store.Update
	}
	return by(ctx, func(tx metastore.Tx) error {
		t := j.table.Clone()
		if !j.create {
			var err error
			if t, err = j.tableNow(ctx, tx); err != nil {
				return err
			}
			if err := j.commitMoves(ctx, tx, t); err != nil {
				return err
			}
		} else if j.s.settings.isTrue(trackFiles) {
			setParam(&t.Parameters, trackingParam, newTracking())
		}
		for _, target := range j.targets {
			if target.values == nil {
				if err := j.change(t, &t.Parameters, target, !j.create); err != nil {
					return err
				}
			}
		}
		delete(t.Parameters, writeParam+j.id)
		if j.listed {
			setParam(&t.Parameters, writeParam+j.id, cleaningRecord(at, j.table.Storage.Location))
		}
		if j.overwrite || j.create {
			setParam(&t.Parameters, generationParam, j.id)
		}
		if j.create {
			var err error
			j.left, err = inherit(ctx, tx, t, j.id, func() error { return tx.CreateTable(ctx, t) })
			if err != nil {
				return err
			}
			if err := j.leaveIntent(ctx, tx); err != nil {
				return err
			}
		} else if err := tx.AlterTable(ctx, t.TableName, t); err != nil {
			return err
		}
		if t.Partitioned() {
			if err := j.commitPartitions(ctx, tx, t); err != nil {
				return err
			}
		}
		return j.commitStatistics(ctx, tx, t)
	})
}

// tableNow is the table in the transaction of the commit, if that can take place.
func (j *job) tableNow(ctx context.Context, tx metastore.Tx) (*metastore.Table, error) {
	t, err := tx.Table(ctx, j.table.TableName)
	if err != nil {
		return nil, err
	}
	if j.taken = t.Parameters[writeParam+j.id] != j.record; j.taken {
		return nil, errTaken(j.table.TableName)
	}
	if t.Storage.Location != j.table.Storage.Location {
		return nil, fmt.Errorf("%s was moved to %s meanwhile: %w", t.TableName, t.Storage.Location, metastore.ErrConflict)
	}
	if j.overwrite && t.Parameters[generationParam] != j.generation {
		return nil, errReplaced
	}
	return t, nil
}

// leaveIntent takes the record of CREATE TABLE AS from the database.
func (j *job) leaveIntent(ctx context.Context, tx metastore.Tx) error {
	err := changeIntentsIfKept(ctx, tx, j.table.Database, func(p map[string]string) {
		j.taken = j.record != "" && p[writeParam+j.id] != j.record
		delete(p, writeParam+j.id)
	})
	if err == nil && j.taken {
		err = errTaken(j.table.TableName)
	}
	return err
}

// commitPartitions changes the partitions among the targets, and makes those that are not there.
func (j *job) commitPartitions(ctx context.Context, tx metastore.Tx, t *metastore.Table) error {
	there, err := partitionsOf(tx.PartitionsNamed(ctx, t.TableName, j.values()))
	if err != nil {
		return err
	}
	var added, altered []*metastore.Partition
	for _, target := range j.targets {
		p := there[valuesKey(target.values)]
		if p == nil && j.compacts {
			return fmt.Errorf("partition %v of %s was dropped meanwhile: %w", target.values, j.table.TableName, metastore.ErrConflict)
		}
		if p == nil {
			p = &metastore.Partition{Values: target.values, CreateTime: j.s.cfg.Now(), Storage: target.storage.Clone()}
			p.Storage.Location = target.location
			added = append(added, p)
		} else {
			if p.Storage.Location != target.location {
				return fmt.Errorf("partition %v of %s was moved meanwhile: %w",
					target.values, j.table.TableName, metastore.ErrConflict)
			}
			if j.overwrite && !j.compacts {
				p.Storage = target.storage.Clone()
				p.Storage.Location = target.location
			}
			altered = append(altered, p)
		}
		if err := j.change(t, &p.Parameters, target, there[valuesKey(target.values)] != nil); err != nil {
			return err
		}
	}
	if len(altered) > 0 {
		if err := tx.AlterPartitions(ctx, t.TableName, altered); err != nil {
			return err
		}
	}
	if len(added) == 0 {
		return nil
	}
	return tx.AddPartitions(ctx, t.TableName, added, false)
}

// change brings the parameters of a table or partition, which may have been there, up to date.
func (j *job) change(table *metastore.Table, params *map[string]string, t *target, there bool) error {
	if *params == nil {
		*params = map[string]string{}
	}
	if err := j.changeFiles(table, params, t); err != nil {
		return err
	}
	p := *params
	t.knowledge, t.there = keepKnown, there
	if j.compacts {
		j.changeSizes(p, t)
		return nil
	}
	t.before = -1
	if n, err := strconv.ParseInt(p["numRows"], 10, 64); err == nil && accuracyOf(p).Basic == "true" {
		t.before = n
	}
	empty := !there || p["numRows"] == "0" && p["numFiles"] == "0" && accuracyOf(p).Basic == "true"
	if old, fresh := j.changeAccuracy(params, t); fresh || old && empty {
		t.knowledge = newKnown
	} else if old {
		t.knowledge = addKnown
	}
	rows, raw := t.rows, t.raw
	if !j.counts(t) {
		rows, raw = -1, -1
	}
	for key, n := range map[string]int64{"numFiles": t.files, "numRows": rows, rawParam: raw, "totalSize": t.bytes} {
		before, err := strconv.ParseInt(p[key], 10, 64)
		switch {
		case n < 0, !j.overwrite && !j.create && err != nil && p[key] != "":
			delete(p, key)
		case j.overwrite || j.create:
			p[key] = strconv.FormatInt(n, 10)
		case err == nil || t.values != nil && p["transient_lastDdlTime"] == "":
			p[key] = strconv.FormatInt(before+n, 10)
		}
	}
	p["transient_lastDdlTime"] = strconv.FormatInt(j.s.cfg.Now().Unix(), 10)
	return nil
}

// changeSizes counts the files that a job has joined.
func (j *job) changeSizes(p map[string]string, t *target) {
	for key, n := range map[string]int64{"numFiles": t.files, "totalSize": t.bytes} {
		if before, err := strconv.ParseInt(p[key], 10, 64); err == nil {
			p[key] = strconv.FormatInt(before+n, 10)
		}
	}
	p["transient_lastDdlTime"] = strconv.FormatInt(j.s.cfg.Now().Unix(), 10)
}

// changeFiles brings the list of the files of a place up to date.
func (j *job) changeFiles(table *metastore.Table, params *map[string]string, t *target) error {
	if !tracks(table) {
		return nil
	}
	list, tracked := trackedAt(table, t.location, *params)
	switch {
	case j.create:
		return setTracked(table, t.location, params, t.made)
	case tracked && !j.overwrite:
		return setTracked(table, t.location, params, append(list.Files, t.made...))
	case tracked && j.compacts:
		kept, ok := t.without(list.Files)
		if !ok {
			return errReplaced
		}
		return setTracked(table, t.location, params, append(kept, t.made...))
	case !sameParams(*params, t.seen):
		return errReplaced
	case j.compacts:
		kept, _ := t.without(t.others)
		return setTracked(table, t.location, params, append(kept, t.made...))
	case j.overwrite:
		return setTracked(table, t.location, params, t.made)
	}
	return setTracked(table, t.location, params, append(slices.Clone(t.others), t.made...))
}

// without are files but for those that a job which compacts replaces; ok says that all of them
// are there.
func (t *target) without(files []trackedFile) (kept []trackedFile, ok bool) {
	old := map[string]bool{}
	for _, f := range t.old {
		old[f.Name] = true
	}
	for _, f := range files {
		if !old[f.Name] {
			kept = append(kept, f)
		}
	}
	return kept, len(files)-len(kept) == len(old)
}

// sameParams compares what a place was with what it is, but for the writes that are under way.
func sameParams(a, b map[string]string) bool {
	rest := func(m map[string]string) map[string]string {
		m = maps.Clone(m)
		maps.DeleteFunc(m, func(k, _ string) bool {
			return strings.HasPrefix(k, writeParam) || strings.HasPrefix(k, movedParam)
		})
		return m
	}
	return maps.Equal(rest(a), rest(b))
}

// changeAccuracy keeps what is said of statistics true. Rows that INSERT writes are counted, files
// that are loaded are not. old says that the statistics of columns, if there are any, are those of
// other rows; fresh that there are no rows but those written now.
func (j *job) changeAccuracy(params *map[string]string, t *target) (old, fresh bool) {
	p := *params
	was := accuracyOf(p)
	fresh = j.overwrite || j.create || t.values != nil && p["numFiles"] == "" && p["transient_lastDdlTime"] == ""
	columns := j.table.Storage.Columns
	if !j.s.settings.isTrue(autogather) {
		columns = nil
	}
	switch {
	case !j.counts(t):
		delete(p, accurateParam)
		return false, false
	case fresh:
		delete(p, accurateParam)
		setAccurate(params, columns)
		return true, true
	case columns == nil && len(was.Columns) > 0: // what is known of them is of other rows from now on
		delete(p, accurateParam)
		if was.Basic == "true" {
			setAccurate(params, nil)
		}
	}
	return len(was.Columns) > 0, false
}

// counts reports whether the rows of a target are counted: those of files that are loaded are not.
func (j *job) counts(t *target) bool {
	return t.rows >= 0 && (t.files == 0 || j.s.settings.isTrue(basicAutogather))
}

// rollback removes what a failed job left. It reports false when the commit has taken place
// after all, because only its answer was lost. What it cannot remove stays invisible, and is
// removed by the next write.
func (j *job) rollback(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	committed, err := j.committed(ctx)
	switch {
	case committed:
		return false
	case err != nil && !errors.Is(err, metastore.ErrNoSuchTable):
		return true // it cannot be told; the files are invisible unless committed
	case j.removeFiles(ctx) != nil:
		return true // the next write will, for the record has no owner any more
	}
	// On failure a record stays, and does no harm. Where the table was dropped meanwhile, or one made at the
	// place, it has been handed over.
	_ = j.s.forgetIntent(ctx, j.table.Database, j.id)
	_ = j.s.forget(ctx, j.table.TableName, j.id)
	return true
}

// committed reports whether the commit has taken place. If it has not, it will not from now on.
func (j *job) committed(ctx context.Context) (bool, error) {
	if j.taken || !j.tried {
		return false, nil
	}
	if !j.create {
		claimed, err := j.s.claim(ctx, j.table.TableName, intentOf(j.id, j.record))
		if err != nil || claimed {
			return false, err
		}
		t, err := j.s.cfg.Store.Table(ctx, j.table.TableName)
		if err != nil {
			return false, err
		}
		now := writeOf(t, j.id)
		return now.state != stateWriting, nil // otherwise it was taken back
	}
	if _, err := j.s.claimIntent(ctx, j.table.Database, j.id, j.record); err != nil {
		return false, err
	}
	t, err := j.s.cfg.Store.Table(ctx, j.table.TableName)
	return err == nil && t.Parameters[generationParam] == j.id, err
}

// removeFiles removes what the job has put at its places.
func (j *job) removeFiles(ctx context.Context) error {
	for _, t := range j.targets {
		if err := j.s.removeFilesOf(ctx, t.location, j.id); err != nil {
			return err
		}
	}
	return j.s.removeNamed(ctx, j.table.Storage.Location, replacedPrefix+j.id, movedPrefix+j.id)
}
