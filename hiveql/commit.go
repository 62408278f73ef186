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

	"golang.org/x/sync/errgroup"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
	"github.com/skepdata/skep/storage"
)

// job is one change of a table's data. Its steps are in doc.go.
type job struct {
	s         *Session
	table     *metastore.Table // as planned
	create    bool             // CREATE TABLE AS: the commit makes the table
	overwrite bool
	targets   []*target
	// replaces are the keys of the files that an overwrite has to find; nil where any may be there.
	replaces map[string]bool
	id       string
	// generation is the table's when the old files were listed.
	generation string
	// upload brings the files of all targets to their places, under names that end in id.
	upload func(ctx context.Context, id string) error
}

// target is a place the job changes: a partition, or a table without partition keys.
type target struct {
	values   partitions.Values // nil for the table itself
	location string
	storage  *metastore.StorageDescriptor // of a partition that is made; nil for the table
	rows     int64                        // -1 if unknown
	files    int64
	bytes    int64
	old      []replaced // the files an overwrite replaces
	listed   bool       // whether the list of old files was written
}

// errBusy says that an earlier write to the same place has not removed its old files yet.
type errBusy struct{ id string }

func (e errBusy) Error() string { return "write " + e.id + " is still removing the files it replaced" }

// errReplaced says that another write replaced files after ours listed what it replaces.
var errReplaced = errors.New("replaced by another write meanwhile")

// run carries the job out. When it fails before the commit, nothing has changed.
func (j *job) run(ctx context.Context) error {
	if err := j.s.recoverWrites(ctx, j.table); err != nil {
		return err
	}
	if err := j.begin(ctx); err != nil {
		return err
	}
	if err := j.publish(ctx); err != nil {
		if undone := j.rollback(ctx); undone {
			return err
		}
	}
	// From here on the statement has succeeded: what is left to do, anybody can do.
	return j.s.finishWrite(ctx, j.table.TableName, j.id)
}

// begin registers the write, so that readers pass over its files.
func (j *job) begin(ctx context.Context) error {
	if j.create {
		j.id = newWriteID(0)
		return nil
	}
	return j.s.cfg.Store.Update(ctx, func(tx metastore.Tx) error {
		t, err := tx.Table(ctx, j.table.TableName)
		if err != nil {
			return err
		}
		j.id = newWriteID(t.Version + 1)
		setParam(&t.Parameters, writeParam+j.id, stateWriting+" "+thisProcess().String())
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
		if j.overwrite {
			if err := j.listOld(ctx); err != nil {
				return err
			}
		}
		err := j.commit(ctx)
		if errors.Is(err, errReplaced) {
			continue
		}
		var busy errBusy
		if !errors.As(err, &busy) {
			return err
		}
		if err := j.s.finishWrite(ctx, j.table.TableName, busy.id); err != nil {
			return err
		}
	}
}

// listOld finds the files that the targets hold now and writes their lists.
func (j *job) listOld(ctx context.Context) error {
	if !j.create {
		now, err := j.s.cfg.Store.Table(ctx, j.table.TableName)
		if err != nil {
			return err
		}
		j.generation = now.Parameters[generationParam]
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(j.s.cfg.Parallel)
	for _, t := range j.targets {
		g.Go(func() error { return j.listOldOf(gctx, t) })
	}
	return g.Wait()
}

func (j *job) listOldOf(ctx context.Context, t *target) error {
	loc, err := j.s.cfg.directory(ctx, t.location)
	if err != nil {
		return err
	}
	var found []replaced
	for o, err := range within(ctx, loc) {
		if err != nil {
			return err
		}
		name := o.Key[len(loc.Prefix):]
		if id, _ := idOf(name); id != j.id && !partitions.Hidden(name) && !strings.HasSuffix(name, "/") {
			found = append(found, replaced{name, o.ETag})
		}
	}
	// What a write under way has put there is none of ours. The table is read after the
	// listing: a write that is not in it any more has committed before us.
	pending := map[string]bool{}
	if !j.create {
		now, err := j.s.cfg.Store.Table(ctx, j.table.TableName)
		if err != nil {
			return err
		}
		pending = pendingWrites(now)
	}
	t.old = slices.DeleteFunc(found, func(r replaced) bool {
		id, _ := idOf(r.Name)
		return id != "" && pending[id]
	})
	if j.replaces != nil {
		others := slices.ContainsFunc(t.old, func(r replaced) bool { return !j.replaces[loc.Prefix+r.Name] })
		if others || len(t.old) != len(j.replaces) {
			return errStale
		}
	}
	if len(t.old) == 0 && !t.listed {
		return nil
	}
	t.listed = true
	return writeReplaced(ctx, loc, j.id, t.old)
}

// commit is the transaction from which on readers see the new files and not the old ones.
func (j *job) commit(ctx context.Context) error {
	return j.s.cfg.Store.Update(ctx, func(tx metastore.Tx) error {
		t := j.table.Clone()
		if !j.create {
			var err error
			if t, err = tx.Table(ctx, j.table.TableName); err != nil {
				return err
			}
			if j.overwrite && t.Parameters[generationParam] != j.generation {
				return errReplaced
			}
		}
		state := ""
		for _, target := range j.targets {
			if target.listed {
				state = stateCleaning
			}
			if target.values == nil {
				if err := j.change(&t.Parameters, target); err != nil {
					return err
				}
			}
		}
		delete(t.Parameters, writeParam+j.id)
		if state != "" {
			setParam(&t.Parameters, writeParam+j.id, state+" "+thisProcess().String())
		}
		if j.overwrite || j.create {
			setParam(&t.Parameters, generationParam, j.id)
		}
		if j.create {
			if err := tx.CreateTable(ctx, t); err != nil {
				return err
			}
		} else if err := tx.AlterTable(ctx, t.TableName, t); err != nil {
			return err
		}
		return j.commitPartitions(ctx, tx)
	})
}

func (j *job) commitPartitions(ctx context.Context, tx metastore.Tx) error {
	var added []*metastore.Partition
	for _, target := range j.targets {
		if target.values == nil {
			continue
		}
		p, err := tx.Partition(ctx, j.table.TableName, target.values)
		switch {
		case errors.Is(err, metastore.ErrNoSuchPartition):
			p = &metastore.Partition{Values: target.values, CreateTime: j.s.cfg.Now(), Storage: target.storage.Clone()}
			p.Storage.Location = target.location
			if err := j.change(&p.Parameters, target); err != nil {
				return err
			}
			added = append(added, p)
		case err != nil:
			return err
		default:
			if p.Storage.Location != target.location {
				return fmt.Errorf("partition %v of %s was moved meanwhile: %w",
					target.values, j.table.TableName, metastore.ErrConflict)
			}
			if err := j.change(&p.Parameters, target); err != nil {
				return err
			}
			if j.overwrite {
				p.Storage = target.storage.Clone()
				p.Storage.Location = target.location
			}
			if err := tx.AlterPartition(ctx, j.table.TableName, p); err != nil {
				return err
			}
		}
	}
	if len(added) == 0 {
		return nil
	}
	return tx.AddPartitions(ctx, j.table.TableName, added, false)
}

// change brings the parameters of a table or partition up to date.
func (j *job) change(params *map[string]string, t *target) error {
	if *params == nil {
		*params = map[string]string{}
	}
	p := *params
	if id := p[replacingParam]; id != "" {
		return errBusy{id}
	}
	if t.listed {
		p[replacingParam] = j.id
	}
	j.changeAccuracy(params, t)
	for key, n := range map[string]int64{"numFiles": t.files, "numRows": t.rows, "totalSize": t.bytes} {
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

// changeAccuracy keeps what is said of statistics true. Rows that INSERT writes are counted, files
// that are loaded are not.
func (j *job) changeAccuracy(params *map[string]string, t *target) {
	p := *params
	was := accuracyOf(p)
	fresh := j.overwrite || j.create || t.values != nil && p["numFiles"] == "" && p["transient_lastDdlTime"] == ""
	switch {
	case t.rows < 0:
		delete(p, accurateParam)
	case fresh:
		delete(p, columnStatsParam)
		delete(p, accurateParam)
		setAccurate(params, j.table.Storage.Columns)
	case len(was.Columns) > 0: // computed again when somebody asks
		delete(p, columnStatsParam)
	}
}

// rollback removes what a failed job left. It reports false when the commit has taken place
// after all, because only its answer was lost. What it cannot remove stays invisible, and is
// removed by the next write after this process has ended.
func (j *job) rollback(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	t, err := j.s.cfg.Store.Table(ctx, j.table.TableName)
	switch {
	case j.create && err == nil && t.Parameters[generationParam] == j.id:
		return false
	case err == nil && !j.create && !strings.HasPrefix(t.Parameters[writeParam+j.id], stateWriting):
		return false
	case err != nil && !errors.Is(err, metastore.ErrNoSuchTable):
		return true // it cannot be told; the files are invisible unless committed
	}
	for _, t := range j.targets {
		if j.s.removeFilesOf(ctx, t.location, j.id) != nil {
			return true
		}
	}
	if !j.create {
		_ = j.s.forget(ctx, j.table.TableName, j.id) // on failure the record stays, and does no harm
	}
	return true
}

// removeFilesOf removes the files that write id put below a location.
func (s *Session) removeFilesOf(ctx context.Context, url, id string) error {
	loc, err := s.cfg.directory(ctx, url)
	if err != nil {
		return err
	}
	var keys []string
	for o, err := range within(ctx, loc) {
		if err != nil {
			return err
		}
		if found, _ := idOf(o.Key); found == id || strings.HasSuffix(o.Key, replacedPrefix+id) {
			keys = append(keys, o.Key)
		}
	}
	return loc.Bucket.Delete(ctx, keys...)
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
	if errors.Is(err, metastore.ErrNoSuchTable) || errors.Is(err, metastore.ErrNoSuchDatabase) {
		return nil
	}
	return err
}

// recoverWrites brings to an end what earlier writes to the table have left: replaced files are
// removed, and writes of processes that are dead are taken back.
func (s *Session) recoverWrites(ctx context.Context, t *metastore.Table) error {
	for _, key := range slices.Sorted(maps.Keys(t.Parameters)) {
		id, ok := strings.CutPrefix(key, writeParam)
		if !ok {
			continue
		}
		state, by, _ := strings.Cut(t.Parameters[key], " ")
		who, known := parseOwner(by)
		var err error
		switch {
		case state == stateCleaning:
			err = s.finishWrite(ctx, t.TableName, id)
		case known && who.dead():
			err = s.takeBack(ctx, t, id)
		}
		if err != nil {
			return fmt.Errorf("recover write %s of %s: %w", id, t.TableName, err)
		}
	}
	return nil
}

// takeBack removes the files of a write whose process died before the commit.
func (s *Session) takeBack(ctx context.Context, t *metastore.Table, id string) error {
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
	return s.forget(ctx, t.TableName, id)
}

// finishWrite removes the files that a committed write replaced, then the traces of the write.
// Every step can be repeated, by any process.
func (s *Session) finishWrite(ctx context.Context, name metastore.TableName, id string) error {
	t, err := s.cfg.Store.Table(ctx, name)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(t.Parameters[writeParam+id], stateCleaning) {
		return nil
	}
	var places []storage.Location
	if t.Parameters[replacingParam] == id {
		if places, err = s.removeReplaced(ctx, places, t.Storage.Location, id); err != nil {
			return err
		}
	}
	var done []partitions.Values
	if t.Partitioned() {
		for p, err := range s.cfg.Store.Partitions(ctx, name, nil) {
			if err != nil {
				return err
			}
			if p.Parameters[replacingParam] != id {
				continue
			}
			if places, err = s.removeReplaced(ctx, places, p.Storage.Location, id); err != nil {
				return err
			}
			done = append(done, p.Values)
		}
	}
	if err := s.unmark(ctx, name, id, done); err != nil {
		return err
	}
	for _, loc := range places {
		if err := loc.Bucket.Delete(ctx, loc.Prefix+replacedPrefix+id); err != nil {
			return err
		}
	}
	return nil
}

// removeReplaced removes the replaced files of one location that are still what they were.
func (s *Session) removeReplaced(
	ctx context.Context, places []storage.Location, url, id string,
) ([]storage.Location, error) {
	loc, err := s.cfg.directory(ctx, url)
	if err != nil {
		return nil, err
	}
	places = append(places, loc)
	list, err := readReplaced(ctx, loc, id)
	if errors.Is(err, storage.ErrNotExist) {
		return places, nil // another process has done it
	}
	if err != nil {
		return nil, err
	}
	old := map[replaced]bool{}
	for _, r := range list {
		old[r] = true
	}
	var keys []string
	for o, err := range within(ctx, loc) {
		if err != nil {
			return nil, err
		}
		if old[replaced{o.Key[len(loc.Prefix):], o.ETag}] {
			keys = append(keys, o.Key)
		}
	}
	return places, loc.Bucket.Delete(ctx, keys...)
}

// unmark takes the marks of a finished write off the table and its partitions.
func (s *Session) unmark(ctx context.Context, name metastore.TableName, id string, done []partitions.Values) error {
	return s.cfg.Store.Update(ctx, func(tx metastore.Tx) error {
		t, err := tx.Table(ctx, name)
		if err != nil {
			return err
		}
		for _, v := range done {
			p, err := tx.Partition(ctx, name, v)
			if errors.Is(err, metastore.ErrNoSuchPartition) {
				continue
			}
			if err != nil {
				return err
			}
			if p.Parameters[replacingParam] != id {
				continue
			}
			delete(p.Parameters, replacingParam)
			if err := tx.AlterPartition(ctx, name, p); err != nil {
				return err
			}
		}
		if t.Parameters[replacingParam] == id {
			delete(t.Parameters, replacingParam)
		}
		delete(t.Parameters, writeParam+id)
		return tx.AlterTable(ctx, name, t)
	})
}
