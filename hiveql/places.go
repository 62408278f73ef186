package hiveql

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
	"github.com/skepdata/skep/storage"
)

// look finds what is at the places of the job, its own files among it, and writes the list of those
// that an overwrite replaces. Each place is listed once, or many of them by one listing of the table.
func (j *job) look(ctx context.Context) error {
	table := j.table
	if !j.create {
		var err error
		if table, err = j.s.cfg.Store.Table(ctx, j.table.TableName); err != nil {
			return err
		}
	}
	j.generation = table.Parameters[generationParam]
	if !j.create {
		if err := j.seePlaces(ctx, table); err != nil {
			return err
		}
	}
	if err := j.seeSources(ctx); err != nil {
		return err
	}
	if !j.overwrite && !j.create && !tracks(table) {
		return nil // the files are found by whoever looks for them
	}
	l := newLister(j.s.cfg, table)
	var unknown []*target
	for _, t := range j.targets {
		if t.forgetSeen(); !j.knows(table, t) {
			unknown = append(unknown, t)
		}
	}
	unknown, err := j.lookTogether(ctx, l, unknown)
	if err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(j.s.cfg.Parallel)
	for _, t := range unknown {
		g.Go(func() error { return j.lookAt(gctx, l, t) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	var list []replaced
	for _, t := range j.targets {
		if len(t.old) > 0 {
			list = append(list, replaced{Place: t.location, Files: t.old})
		}
	}
	if len(list) == 0 && !j.listed {
		return nil
	}
	j.listed = true
	return j.s.cfg.writeReplaced(ctx, j.table.Storage.Location, j.id, list)
}

// knows reports whether the job knows of a place all that the commit needs, without listing it: what it
// has put there, and that the metastore lists the rest, of which nothing is replaced.
func (j *job) knows(table *metastore.Table, t *target) bool {
	if t.sent == nil || j.overwrite && !j.create {
		return false
	}
	_, tracked := trackedAt(table, t.location, t.seen)
	return tracked || j.create
}

// seePlaces notes the parameters of the places as they are now.
func (j *job) seePlaces(ctx context.Context, table *metastore.Table) error {
	if !table.Partitioned() {
		for _, t := range j.targets {
			t.seen = table.Parameters
		}
		return nil
	}
	there, err := partitionsOf(j.s.cfg.Store.PartitionsNamed(ctx, table.TableName, j.values()))
	if err != nil {
		return err
	}
	for _, t := range j.targets {
		t.seen = nil
		if p := there[valuesKey(t.values)]; p != nil {
			t.seen = p.Parameters
		}
	}
	return nil
}

// lookAt lists one place.
func (j *job) lookAt(ctx context.Context, l *lister, t *target) error {
	loc, err := j.s.cfg.directory(ctx, t.location)
	if err != nil {
		return err
	}
	gone, err := l.gone(ctx)
	if err != nil {
		return errReplacedIfStale(err)
	}
	t.forgetSeen()
	for o, err := range within(ctx, loc) {
		if err != nil {
			return err
		}
		t.see(j.id, loc, o, gone[t.location])
	}
	var pending map[string]bool
	if len(t.others) > 0 {
		if pending, err = j.pendingNow(ctx); err != nil {
			return err
		}
	}
	return j.looked(t, loc, pending)
}

// forgetSeen begins to look at a place again.
func (t *target) forgetSeen() { t.made, t.others, t.old = t.sent, nil, nil }

// see takes note of an object of the place, which is one of the job with that id or of others, but none of
// those gone, which a committed write has replaced.
func (t *target) see(job string, loc storage.Location, o storage.Object, gone map[replacedFile]bool) {
	name := o.Key[len(loc.Prefix):]
	file := replacedFileOf(name, o)
	if partitions.Hidden(name) || strings.HasSuffix(name, "/") || gone[file] {
		return
	}
	if id, _ := idOf(name); id == job {
		if t.sent == nil {
			t.made = append(t.made, trackedOf(name, o))
		}
		return
	}
	t.others = append(t.others, trackedOf(name, o))
	t.old = append(t.old, file)
}

// looked is what follows when a place has been listed. What a write under way has put there is none of ours.
func (j *job) looked(t *target, loc storage.Location, pending map[string]bool) error {
	t.others = slices.DeleteFunc(t.others, func(f trackedFile) bool { id, _ := idOf(f.Name); return pending[id] })
	t.old = slices.DeleteFunc(t.old, func(f replacedFile) bool { id, _ := idOf(f.Name); return pending[id] })
	if !j.overwrite {
		t.old = nil
		return nil
	}
	if !j.compacts {
		return nil
	}
	t.old = slices.DeleteFunc(t.old, func(f replacedFile) bool { return !t.replaces[loc.Prefix+f.Name] })
	if len(t.old) != len(t.replaces) {
		return errStale
	}
	return nil
}

// pendingNow are the writes under way. The table is read after the listing: a write that is not in it any
// more has committed before us.
func (j *job) pendingNow(ctx context.Context) (map[string]bool, error) {
	if j.create {
		return nil, nil
	}
	now, err := j.s.cfg.Store.Table(ctx, j.table.TableName)
	if err != nil {
		return nil, err
	}
	return pendingWrites(now), nil
}

// errReplacedIfStale lets the job look again where a plan would be made again.
func errReplacedIfStale(err error) error {
	if errors.Is(err, errStale) {
		return errReplaced
	}
	return err
}

// values are those of all targets.
func (j *job) values() []partitions.Values {
	all := make([]partitions.Values, len(j.targets))
	for i, t := range j.targets {
		all[i] = t.values
	}
	return all
}

// partitionsOf collects partitions by their values.
func partitionsOf(ps iter.Seq2[*metastore.Partition, error]) (map[string]*metastore.Partition, error) {
	all := map[string]*metastore.Partition{}
	for p, err := range ps {
		if err != nil {
			return nil, err
		}
		all[valuesKey(p.Values)] = p
	}
	return all, nil
}

func valuesKey(v partitions.Values) string { return strings.Join(v, "\x00") }
