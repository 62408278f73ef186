package hiveql

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
	"github.com/skepdata/skep/storage"
)

// dropTableOrView runs DROP TABLE and DROP VIEW.
func (s *Session) dropTableOrView(ctx context.Context, n *syntax.DropTable) error {
	name, err := s.tableName(&n.Name)
	if err != nil {
		return err
	}
	t, err := s.cfg.Store.Table(ctx, name)
	if err != nil {
		return s.notDropped(n, name, err)
	}
	if n.Stored {
		what := "base table"
		if t.Type == metastore.View {
			what = "view"
		}
		return ddlFailed("Cannot drop a %s with DROP MATERIALIZED VIEW", what)
	}
	if isView := t.Type == metastore.View; isView != n.View {
		if n.IfExists {
			return nil
		}
		if isView {
			return semantic(&n.Name, 10093, "Cannot drop a view with DROP TABLE")
		}
		return semantic(&n.Name, 10093, "Cannot drop a base table with DROP VIEW")
	}
	return s.notDropped(n, name, s.dropTable(ctx, name))
}

// notDropped is what an error means to DROP TABLE, which may be that the table is not there, or not any more.
func (s *Session) notDropped(n *syntax.DropTable, name metastore.TableName, err error) error {
	switch {
	case !noTable(err):
		return err
	case n.IfExists || s.dropsQuietly():
		return nil
	}
	return s.tableError(&n.Name, name, err)
}

// dropsQuietly reports whether dropping what does not exist is no error, as it is by default
// in Hive.
func (s *Session) dropsQuietly() bool {
	return strings.EqualFold(s.Setting("hive.exec.drop.ignorenonexistent"), "true")
}

// dropTable removes a table from the metastore, and then its data if it is a managed one.
func (s *Session) dropTable(ctx context.Context, name metastore.TableName) error {
	return dropExactly(ctx, func(exact bool) error { return s.dropTableOnce(ctx, name, exact) })
}

func (s *Session) dropTableOnce(ctx context.Context, name metastore.TableName, exact bool) error {
	t, err := s.cfg.Store.Table(ctx, name)
	if err != nil {
		return err
	}
	s.finishMoves(ctx, t) // who loaded them will not know any more
	var places []string
	if t.Type == metastore.Managed || purges(t) {
		if places, err = s.places(ctx, t); err != nil {
			return err
		}
	}
	alone := t.Parameters[temporaryParam] != ""
	d := &dropping{s: s, table: name, home: t.Storage.Location, places: places, exact: exact, alone: alone, lasts: !alone}
	err = d.drop(ctx, func(tx metastore.Tx) ([]string, error) { return places, tx.DropTable(ctx, name) })
	if err != nil {
		return fmt.Errorf("drop table %s: %w", name, err)
	}
	return nil
}

func purges(t *metastore.Table) bool {
	return t.Type == metastore.External && strings.EqualFold(t.Parameters["external.table.purge"], "true")
}

// places are the locations of a table and of its partitions elsewhere.
func (s *Session) places(ctx context.Context, t *metastore.Table) ([]string, error) {
	elsewhere := map[string]bool{}
	if t.Partitioned() {
		for p, err := range s.cfg.Store.Partitions(ctx, t.TableName, nil) {
			if err != nil {
				return nil, err
			}
			if !strings.HasPrefix(p.Storage.Location, t.Storage.Location+"/") {
				elsewhere[p.Storage.Location] = true
			}
		}
	}
	return append([]string{t.Storage.Location}, slices.Sorted(maps.Keys(elsewhere))...), nil
}

// removeAll removes every object below a location, hidden ones too.
func (s *Session) removeAll(ctx context.Context, url string) error {
	return s.removeBelow(ctx, url, func(string, storage.Object) bool { return true })
}

// removeBelow removes the objects below a location that goes chooses by their names there.
func (s *Session) removeBelow(ctx context.Context, url string, goes func(name string, o storage.Object) bool) error {
	loc, err := s.cfg.directory(ctx, url)
	if err != nil {
		return err
	}
	if loc.Prefix == "" {
		return fmt.Errorf("%s is the root of a store; its objects are not removed", url)
	}
	_, err = storage.DeleteAll(ctx, loc.Bucket, loc.Prefix, func(o storage.Object) bool {
		return goes(o.Key[len(loc.Prefix):], o)
	})
	if err != nil {
		return err
	}
	return removeDirs(ctx, loc.Bucket, loc.Prefix)
}

// removeDirs removes a directory and those in it where directories are there by themselves, so that MSCK
// does not take them for partitions. One in which somebody has put something stays.
func removeDirs(ctx context.Context, b storage.Bucket, dir string) error {
	d, ok := storage.As[storage.Directories](b)
	if !ok {
		return nil
	}
	var below []string
	for e, err := range storage.ListDir(ctx, b, dir) {
		if err != nil {
			return err
		}
		if e.Dir {
			below = append(below, e.Key)
		}
	}
	for _, key := range below {
		if err := removeDirs(ctx, b, key); err != nil {
			return err
		}
	}
	err := d.RemoveDir(ctx, dir)
	if errors.Is(err, storage.ErrNotExist) || errors.Is(err, storage.ErrExist) {
		return nil
	}
	return err
}

// truncate runs TRUNCATE TABLE: an overwrite with nothing.
func (s *Session) truncate(ctx context.Context, _ *Result, n *syntax.Truncate) error {
	t, err := s.dataTable(ctx, &n.Table)
	if err != nil {
		return err
	}
	switch {
	case len(n.Columns) > 0:
		return s.truncateColumns(ctx, t, n)
	case t.Type == metastore.View:
		return semantic(&n.Table, 10146, "Cannot truncate a view %s.", t.Name)
	case n.Force: // as Hive, whatever kind of table it is
	case t.Type == metastore.External && !purges(t):
		return semantic(&n.Table, 10146, "Cannot truncate non-managed table %s.", t.Name)
	}
	j := &job{s: s, table: t, overwrite: true}
	if !t.Partitioned() {
		if n.Partition != nil {
			return semantic(n.Partition, 10098, "Table is not partitioned %s", t.Name)
		}
		j.targets = []*target{{location: t.Storage.Location}}
		return j.run(ctx)
	}
	var match partitions.Predicate
	if n.Partition != nil {
		if match, err = s.specPredicate(t, n.Partition); err != nil {
			return err
		}
	}
	for p, err := range s.cfg.Store.Partitions(ctx, t.TableName, match) {
		if err != nil {
			return err
		}
		sd := p.Storage.Clone()
		j.targets = append(j.targets, &target{values: p.Values, location: p.Storage.Location, storage: &sd})
	}
	if len(j.targets) == 0 {
		if n.Partition != nil {
			return semantic(n.Partition, 10006, "Partition not found %s", syntax.Print(n.Partition))
		}
		return nil
	}
	return j.run(ctx)
}
