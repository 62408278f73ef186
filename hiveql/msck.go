package hiveql

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
	"github.com/skepdata/skep/storage"
)

// msck runs MSCK TABLE: it compares the partitions in the metastore with the directories below
// the table's location and says where they differ; with REPAIR it makes the metastore agree, and files
// that others have put into partitions are found again.
func (s *Session) msck(ctx context.Context, r *Result, n *syntax.Msck) error {
	t, err := s.dataTable(ctx, &n.Table)
	if err != nil {
		return err
	}
	if t.Type == metastore.View {
		return semantic(&n.Table, 10131, "MSCK checks tables, and %s is a view", t.Name)
	}
	if err := s.recoverIntents(ctx, t.Database, t.Storage.Location); err != nil { // dropped data must not come back
		return err
	}
	_ = s.finishWrites(ctx, t.TableName) // what cannot be removed yet is passed over
	if n.Repair {
		if err := s.untrack(ctx, t.TableName); err != nil {
			return err
		}
	}
	if !t.Partitioned() {
		return nil
	}
	found, err := s.comparePartitions(ctx, t)
	if err != nil {
		return err
	}
	if n.Partition != nil {
		if err := found.only(t, n.Partition); err != nil {
			return err
		}
	}
	add := n.Mode != "DROP"
	drop := n.Mode == "DROP" || n.Mode == "SYNC"
	var lines []string
	list := func(what string, ps []foundPartition) {
		if len(ps) == 0 {
			return
		}
		names := make([]string, len(ps))
		for i, p := range ps {
			names[i] = t.Name + ":" + p.name
		}
		lines = append(lines, what+"\t"+strings.Join(names, "\t"))
	}
	list("Partitions not in metastore:", found.added)
	list("Partitions missing from filesystem:", found.missing)
	if len(found.wrong) > 0 && !strings.EqualFold(s.Setting("hive.msck.path.validation"), "ignore") {
		if n.Repair && !strings.EqualFold(s.Setting("hive.msck.path.validation"), "skip") {
			e := ddlFailed("Repair: found a directory that is no partition of %s: %s", t.TableName, found.wrong[0])
			e.Hint = "SET hive.msck.path.validation=skip passes over such directories"
			return e
		}
		lines = append(lines, "Repair: Cannot add partition "+t.Name+":"+found.wrong[0]+" due to invalid path")
	}
	if n.Repair {
		if lines, err = s.repair(ctx, t, found, add, drop, lines); err != nil {
			return err
		}
	}
	r.showLines("msck", lines)
	return nil
}

// repair adds and drops partitions as the comparison asks, in one transaction.
func (s *Session) repair(
	ctx context.Context, t *metastore.Table, found comparison, add, drop bool, lines []string,
) ([]string, error) {
	var ps []*metastore.Partition
	if add {
		for _, p := range found.added {
			ps = append(ps, s.newPartition(t, p.values, t.Storage.Location+"/"+p.dir))
			lines = append(lines, "Repair: Added partition to metastore "+t.Name+":"+p.name)
		}
	}
	var gone []partitions.Values
	if drop {
		for _, p := range found.missing {
			gone = append(gone, p.values)
			lines = append(lines, "Repair: Dropped partition from metastore "+t.TableName.String()+":"+p.name)
		}
	}
	if len(ps)+len(gone) == 0 {
		return lines, nil
	}
	return lines, s.cfg.Store.Update(ctx, func(tx metastore.Tx) error {
		if err := tx.AddPartitions(ctx, t.TableName, ps, true); err != nil {
			return err
		}
		return tx.DropPartitions(ctx, t.TableName, gone...)
	})
}

// comparison is how the metastore and the store differ.
type comparison struct {
	added   []foundPartition // directories that are no partitions yet
	missing []foundPartition // partitions without a directory
	wrong   []string         // directories that cannot be partitions
}

type foundPartition struct {
	values partitions.Values
	name   string
	at     string // the name of a partition with the values as its directory spells them
	dir    string // its directory, below that of the table
}

// only leaves the partitions that a condition chooses.
func (c *comparison) only(t *metastore.Table, spec *syntax.PartitionSpec) error {
	p, err := analysis.DropPredicate(t, spec, false)
	if err != nil {
		return err
	}
	other := func(f foundPartition) bool {
		ok, matchErr := t.Keys().Match(p, f.values)
		err = errors.Join(err, matchErr)
		return !ok
	}
	c.added, c.missing = slices.DeleteFunc(c.added, other), slices.DeleteFunc(c.missing, other)
	return err
}

// comparePartitions merges the partitions that the metastore knows with one listing of the table's
// directory. Both come in about the same order, so what is held in memory is what differs, and the
// few that the one spells in another order than the other.
func (s *Session) comparePartitions(ctx context.Context, t *metastore.Table) (comparison, error) {
	var c comparison
	loc, err := s.cfg.directory(ctx, t.Storage.Location)
	if err != nil {
		return c, err
	}
	knownNext, stopKnown := iter.Pull2(s.known(ctx, t, &c))
	defer stopKnown()
	foundNext, stopFound := iter.Pull2(s.found(ctx, t, loc, &c))
	defer stopFound()
	known, found := map[string]foundPartition{}, map[string]foundPartition{}
	k, kErr, kMore := knownNext()
	f, fErr, fMore := foundNext()
	for kMore || fMore {
		if err := errors.Join(kErr, fErr); err != nil {
			return c, err
		}
		// In a listing, a/b comes after a-b/c.
		order := strings.Compare(k.at+"/", f.at+"/")
		takeKnown := kMore && (!fMore || order <= 0)
		takeFound := fMore && (!kMore || order >= 0)
		if takeKnown {
			pair(k, known, found)
			k, kErr, kMore = knownNext()
		}
		if takeFound {
			pair(f, found, known)
			f, fErr, fMore = foundNext()
		}
	}
	c.missing = append(c.missing, inOrder(known)...)
	if c.added, err = named(t.Keys(), inOrder(found)); err != nil {
		return c, err
	}
	if c.added, err = s.unknown(ctx, t, c.added); err != nil || len(c.added) == 0 {
		return c, err
	}
	c.added, err = s.withoutGone(ctx, t.TableName, c.added)
	return c, err
}

// withoutGone leaves out directories in which there are only files that a partition has left which was renamed.
func (s *Session) withoutGone(ctx context.Context, name metastore.TableName, ps []foundPartition) ([]foundPartition, error) {
	t, err := s.cfg.Store.Table(ctx, name)
	if err != nil {
		return nil, err
	}
	gone, err := s.cfg.goneFrom(ctx, t)
	if errors.Is(err, errStale) && ctx.Err() == nil {
		return s.withoutGone(ctx, name, ps) // one of them has just been removed
	}
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(ps, func(p foundPartition) bool {
		place := t.Storage.Location + "/" + p.dir
		if err != nil || len(gone[place]) == 0 {
			return false
		}
		loc, locErr := s.cfg.directory(ctx, place)
		err = locErr
		for o, listErr := range within(ctx, loc) {
			err = errors.Join(err, listErr)
			if err != nil || !gone[place][replacedFileOf(o.Key[len(loc.Prefix):], o)] {
				return false
			}
		}
		return true
	}), err
}

// named gives directories the partitions that they hold: a number is that of its key however it is
// spelled, so month=01 holds month=1. Of several that hold one, the one that spells it as its name does
// counts, or else the first.
func named(keys partitions.Keys, ps []foundPartition) ([]foundPartition, error) {
	spelled := make(map[string]bool, len(ps))
	for _, p := range ps {
		spelled[p.at] = true
	}
	out := ps[:0]
	for _, p := range ps {
		for i, key := range keys {
			if !key.Type.Numeric() {
				continue
			}
			if value, err := key.Normalize(p.values[i]); err == nil { // what is no number keeps its text
				p.values[i] = value
			}
		}
		var err error
		if p.name, err = keys.Name(p.values); err != nil {
			return nil, err
		}
		if p.name != p.at {
			if spelled[p.name] {
				continue
			}
			spelled[p.name] = true
		}
		out = append(out, p)
	}
	return out, nil
}

// pair takes a partition out of those that wait on the other side, or lets it wait on its own.
func pair(p foundPartition, own, other map[string]foundPartition) {
	if _, ok := other[p.at]; ok {
		delete(other, p.at)
	} else {
		own[p.at] = p
	}
}

func inOrder(ps map[string]foundPartition) []foundPartition {
	return slices.SortedFunc(maps.Values(ps), func(a, b foundPartition) int { return strings.Compare(a.at+"/", b.at+"/") })
}

// known yields the partitions whose directories should be found below the table's. Those that lie
// elsewhere, or in directories of other names, are looked at, and are missing where there is nothing.
func (s *Session) known(ctx context.Context, t *metastore.Table, c *comparison) iter.Seq2[foundPartition, error] {
	return func(yield func(foundPartition, error) bool) {
		for p, err := range s.cfg.Store.Partitions(ctx, t.TableName, nil) {
			f := foundPartition{}
			if err == nil {
				f.values = p.Values
				f.name, err = t.Keys().Name(p.Values)
			}
			if err == nil && !f.below(t, p.Storage.Location) {
				var empty bool
				if empty, err = s.isEmpty(ctx, p.Storage.Location); err == nil {
					if empty {
						c.missing = append(c.missing, f)
					}
					continue
				}
			}
			if !yield(f, err) || err != nil {
				return
			}
		}
	}
}

// below notes where a partition lies, if that is a directory of a partition below the table's.
func (f *foundPartition) below(t *metastore.Table, location string) bool {
	dir, ok := strings.CutPrefix(location, t.Storage.Location+"/")
	if !ok {
		return false
	}
	spelled, err := t.Keys().ParseName(dir)
	if err == nil {
		f.at, err = t.Keys().Name(spelled)
	}
	return err == nil
}

// found yields the directories that can be partitions.
func (s *Session) found(
	ctx context.Context, t *metastore.Table, loc storage.Location, c *comparison,
) iter.Seq2[foundPartition, error] {
	return func(yield func(foundPartition, error) bool) {
		for f, err := range partitions.Discover(t.Keys(), names(ctx, loc, len(t.PartitionKeys))) {
			var at string
			switch {
			case err == nil && f.Err != nil:
				c.wrong = append(c.wrong, f.Dir)
				continue
			case err == nil:
				at, err = t.Keys().Name(f.Values)
			}
			if !yield(foundPartition{values: f.Values, at: at, dir: strings.TrimSuffix(f.Dir, "/")}, err) || err != nil {
				return
			}
		}
	}
}

// unknown leaves the directories of partitions that the metastore does not have: a second
// directory of the same partition, spelled in another way, and a directory of a partition that
// lies elsewhere, are none.
func (s *Session) unknown(ctx context.Context, t *metastore.Table, ps []foundPartition) ([]foundPartition, error) {
	there := map[string]bool{}
	values := make([]partitions.Values, len(ps))
	for i, p := range ps {
		values[i] = p.values
	}
	for p, err := range s.cfg.Store.PartitionsNamed(ctx, t.TableName, values) {
		if err != nil {
			return nil, err
		}
		name, err := t.Keys().Name(p.Values)
		if err != nil {
			return nil, err
		}
		there[name] = true
	}
	return slices.DeleteFunc(ps, func(p foundPartition) bool { return there[p.name] }), nil
}

// relative lists the names of objects below a location.
func relative(ctx context.Context, loc storage.Location) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for o, err := range within(ctx, loc) {
			name := ""
			if err == nil {
				name = o.Key[len(loc.Prefix):]
			}
			if !yield(name, err) || err != nil {
				return
			}
		}
	}
}

// names are those of the objects below a location, or where directories are there by themselves, of the
// directories depth levels down and of what stands above them: an empty one is a partition, too.
func names(ctx context.Context, loc storage.Location, depth int) iter.Seq2[string, error] {
	if _, ok := storage.As[storage.Directories](loc.Bucket); !ok {
		return relative(ctx, loc)
	}
	return func(yield func(string, error) bool) { level(ctx, loc, loc.Prefix, depth, yield) }
}

// level yields the names of one level, or those below it. It returns false when nobody wants more.
func level(ctx context.Context, loc storage.Location, dir string, depth int, yield func(string, error) bool) bool {
	for e, err := range storage.ListDir(ctx, loc.Bucket, dir) {
		if err != nil {
			yield("", err)
			return false
		}
		name := e.Key[len(loc.Prefix):]
		switch {
		case partitions.Hidden(name):
		case e.Dir && depth > 1:
			if !level(ctx, loc, e.Key, depth-1, yield) {
				return false
			}
		case !yield(name, nil):
			return false
		}
	}
	return true
}

func (s *Session) isEmpty(ctx context.Context, url string) (bool, error) {
	loc, err := s.cfg.directory(ctx, url)
	if err != nil {
		return false, err
	}
	if dirs, ok := storage.As[storage.Directories](loc.Bucket); ok {
		there, err := dirs.HasDir(ctx, loc.Prefix)
		return !there, err
	}
	for _, err := range within(ctx, loc) {
		return false, err
	}
	return true, nil
}
