package hiveql

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// newPartition is a partition as ADD PARTITION and MSCK make it.
func (s *Session) newPartition(t *metastore.Table, values partitions.Values, location string) *metastore.Partition {
	p := &metastore.Partition{
		Values: values, CreateTime: s.cfg.Now(), Storage: t.Storage.Clone(),
		Parameters: map[string]string{"transient_lastDdlTime": fmt.Sprint(s.cfg.Now().Unix())},
	}
	p.Storage.Location = location
	return p
}

func (s *Session) addPartitions(ctx context.Context, t *metastore.Table, a *syntax.AddPartitions) error {
	if !t.Partitioned() {
		return semantic(a, 10098, "Table is not partitioned %s", t.Name)
	}
	var ps []*metastore.Partition
	for i := range a.Partitions {
		one := &a.Partitions[i]
		values, err := s.partitionValues(t, &one.Spec)
		if err != nil {
			return err
		}
		if t.Type == metastore.View {
			if one.Location != nil {
				return semantic(one, 10094, "LOCATION cannot be specified for view partitions")
			}
			ps = append(ps, s.newPartition(t, values, ""))
			continue
		}
		location, err := locationOf(t, values)
		if err != nil {
			return err
		}
		if one.Location != nil {
			location = *one.Location
			if !strings.Contains(location, ":/") && !strings.HasPrefix(location, "/") {
				location = t.Storage.Location + "/" + location
			}
		}
		if location, err = s.canonical(ctx, location); err != nil {
			return err
		}
		ps = append(ps, s.newPartition(t, values, location))
	}
	places := []string{t.Storage.Location}
	for _, p := range ps {
		if !isBelow(p.Storage.Location, t.Storage.Location) {
			places = append(places, p.Storage.Location)
		}
	}
	if err := s.recoverIntents(ctx, t.Database, places...); err != nil { // dropped data must not come back
		return err
	}
	var left inheritance
	err := s.cfg.Store.Update(ctx, func(tx metastore.Tx) (err error) {
		if left, err = inheritAt(ctx, tx, t.TableName, places[1:]); err != nil {
			return err
		}
		return tx.AddPartitions(ctx, t.TableName, ps, a.IfNotExists)
	})
	if err == nil {
		s.inherited(t.TableName, left)
	}
	if errors.Is(err, metastore.ErrExists) {
		e := ddlFailed("AlreadyExistsException(message:%v)", err)
		e.Err, e.Hint = err, "ADD IF NOT EXISTS leaves the partitions that exist as they are"
		return e
	}
	return err
}

func (s *Session) dropPartitions(ctx context.Context, t *metastore.Table, a *syntax.DropPartitions) error {
	if !t.Partitioned() {
		return semantic(a, 10098, "Table is not partitioned %s", t.Name)
	}
	var chosen partitions.Or
	for i := range a.Specs {
		p, err := analysis.DropPredicate(t, &a.Specs[i], s.temporary.has(t.TableName))
		if err != nil {
			return err
		}
		chosen = append(chosen, p)
		if a.IfExists || s.dropsQuietly() {
			continue
		}
		if found, err := s.anyPartition(ctx, t, p); err != nil {
			return err
		} else if !found {
			return semantic(&a.Specs[i], 10006, "Partition not found %s", syntax.Print(&a.Specs[i]))
		}
	}
	return dropExactly(ctx, func(exact bool) error { return s.dropChosen(ctx, t, chosen, exact) })
}

// dropChosen drops the partitions that a predicate chooses.
func (s *Session) dropChosen(ctx context.Context, t *metastore.Table, chosen partitions.Predicate, exact bool) error {
	_, places, err := partitionPlaces(t, s.cfg.Store.Partitions(ctx, t.TableName, chosen))
	if err != nil {
		return err
	}
	d := &dropping{s: s, table: t.TableName, home: t.Storage.Location, places: places, exact: exact, stays: true,
		lasts: !s.temporary.has(t.TableName)}
	return d.drop(ctx, func(tx metastore.Tx) ([]string, error) {
		values, places, err := partitionPlaces(t, tx.Partitions(ctx, t.TableName, chosen))
		if err != nil {
			return nil, err
		}
		return places, tx.DropPartitions(ctx, t.TableName, values...)
	})
}

// partitionPlaces are the values of partitions, and the places of those whose data goes with them.
func partitionPlaces(
	t *metastore.Table, ps iter.Seq2[*metastore.Partition, error],
) (values []partitions.Values, places []string, err error) {
	goes := t.Type == metastore.Managed || purges(t)
	for p, err := range ps {
		if err != nil {
			return nil, nil, err
		}
		values = append(values, p.Values)
		if goes {
			places = append(places, p.Storage.Location)
		}
	}
	return values, places, nil
}

func (s *Session) anyPartition(ctx context.Context, t *metastore.Table, p partitions.Predicate) (bool, error) {
	for _, err := range s.cfg.Store.Partitions(ctx, t.TableName, p) {
		return err == nil, err
	}
	return false, nil
}

// renamePartition runs PARTITION (...) RENAME TO PARTITION (...). Data at the usual place of a
// managed table moves along.
func (s *Session) renamePartition(
	ctx context.Context, t *metastore.Table, from *syntax.PartitionSpec, a *syntax.RenamePartition,
) error {
	if from == nil {
		return semantic(a, 0, "RENAME TO PARTITION needs the PARTITION (...) to rename before it")
	}
	oldValues, err := s.partitionValues(t, from)
	if err != nil {
		return err
	}
	newValues, err := s.partitionValues(t, &a.To)
	if err != nil {
		return err
	}
	p, err := s.cfg.Store.Partition(ctx, t.TableName, oldValues)
	if errors.Is(err, metastore.ErrNoSuchPartition) {
		return semantic(from, 10006, "Partition not found %s", syntax.Print(from))
	}
	if err != nil || slices.Equal(oldValues, newValues) {
		return err
	}
	usual, err := locationOf(t, oldValues)
	if err != nil {
		return err
	}
	exists := func() error {
		return ddlFailed("Unable to rename partition. Partition already exists: %s%w", syntax.Print(&a.To), quiet(metastore.ErrExists))
	}
	switch _, err := s.cfg.Store.Partition(ctx, t.TableName, newValues); {
	case err == nil:
		return exists()
	case !errors.Is(err, metastore.ErrNoSuchPartition):
		return err
	}
	p.Values = newValues
	if t.Type == metastore.Managed && p.Storage.Location == usual {
		err = s.movePartition(ctx, t, oldValues, p)
	} else {
		err = s.cfg.Store.Update(ctx, func(tx metastore.Tx) error { return replacePartition(ctx, tx, t.TableName, oldValues, p) })
	}
	if e := (*Error)(nil); errors.Is(err, metastore.ErrExists) && !errors.As(err, &e) {
		return exists()
	}
	return err
}

// replacePartition has a partition under another name.
func replacePartition(ctx context.Context, tx metastore.Tx, t metastore.TableName, old partitions.Values, p *metastore.Partition) error {
	if err := tx.AddPartitions(ctx, t, []*metastore.Partition{p}, false); err != nil {
		return err
	}
	return tx.DropPartitions(ctx, t, old)
}
