package hiveql

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
	"github.com/skepdata/skep/storage"
)

// msck runs MSCK TABLE: it compares the partitions in the metastore with the directories below
// the table's location and says where they differ; with REPAIR it makes the metastore agree.
func (s *Session) msck(ctx context.Context, r *Result, n *syntax.Msck) error {
	t, err := s.table(ctx, &n.Table)
	if err != nil {
		return err
	}
	if t.Type == metastore.View {
		return semantic(&n.Table, 10131, "MSCK checks tables, and %s is a view", t.Name)
	}
	shown := t.Name
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
			names[i] = shown + ":" + p.name
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
		for _, v := range gone {
			if err := tx.DropPartitions(ctx, t.TableName, v); err != nil {
				return err
			}
		}
		return nil
	})
}

// comparison is how the metastore and the store differ.
type comparison struct {
	added   []foundPartition // directories that are no partitions yet
	missing []foundPartition // partitions without a directory
	wrong   []string         // directories that cannot be partitions
}

type foundPartition struct {
	values    partitions.Values
	name, dir string
}

// only leaves the partitions that a condition chooses.
func (c *comparison) only(t *metastore.Table, spec *syntax.PartitionSpec) error {
	p, err := analysis.DropPredicate(t, spec)
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

func (s *Session) comparePartitions(ctx context.Context, t *metastore.Table) (comparison, error) {
	var c comparison
	known := map[string]bool{}
	elsewhere := map[string]partitions.Values{}
	for p, err := range s.cfg.Store.Partitions(ctx, t.TableName, nil) {
		if err != nil {
			return c, err
		}
		name, err := t.Keys().Name(p.Values)
		if err != nil {
			return c, err
		}
		known[name] = false // until its directory is seen
		if !strings.HasPrefix(p.Storage.Location, t.Storage.Location+"/") {
			elsewhere[name] = p.Values
			known[name] = true
			if empty, err := s.isEmpty(ctx, p.Storage.Location); err != nil {
				return c, err
			} else if empty {
				c.missing = append(c.missing, foundPartition{values: p.Values, name: name})
			}
		}
	}
	loc, err := s.cfg.directory(ctx, t.Storage.Location)
	if err != nil {
		return c, err
	}
	for f, err := range partitions.Discover(t.Keys(), relative(ctx, loc)) {
		if err != nil {
			return c, err
		}
		if f.Err != nil {
			c.wrong = append(c.wrong, f.Dir)
			continue
		}
		name, err := t.Keys().Name(f.Values)
		if err != nil {
			return c, err
		}
		if _, ok := known[name]; !ok {
			c.added = append(c.added, foundPartition{f.Values, name, strings.TrimSuffix(f.Dir, "/")})
		}
		known[name] = true
	}
	for p, err := range s.cfg.Store.Partitions(ctx, t.TableName, nil) {
		if err != nil {
			return c, err
		}
		if name, err := t.Keys().Name(p.Values); err == nil && !known[name] {
			c.missing = append(c.missing, foundPartition{values: p.Values, name: name})
		}
	}
	return c, nil
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

func (s *Session) isEmpty(ctx context.Context, url string) (bool, error) {
	loc, err := s.cfg.directory(ctx, url)
	if err != nil {
		return false, err
	}
	for _, err := range within(ctx, loc) {
		return false, err
	}
	return true, nil
}
