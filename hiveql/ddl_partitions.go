package hiveql

import (
	"context"
	"errors"
	"fmt"
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
	err := s.cfg.Store.Update(ctx, func(tx metastore.Tx) error {
		return tx.AddPartitions(ctx, t.TableName, ps, a.IfNotExists)
	})
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
	var dropping partitions.Or
	for i := range a.Specs {
		p, err := analysis.DropPredicate(t, &a.Specs[i])
		if err != nil {
			return err
		}
		dropping = append(dropping, p)
		if a.IfExists || s.dropsQuietly() {
			continue
		}
		if found, err := s.anyPartition(ctx, t, p); err != nil {
			return err
		} else if !found {
			return semantic(&a.Specs[i], 10006, "Partition not found %s", syntax.Print(&a.Specs[i]))
		}
	}
	var dropped []*metastore.Partition
	err := s.cfg.Store.Update(ctx, func(tx metastore.Tx) error {
		dropped = dropped[:0]
		var values []partitions.Values
		for p, err := range tx.Partitions(ctx, t.TableName, dropping) {
			if err != nil {
				return err
			}
			dropped = append(dropped, p)
			values = append(values, p.Values)
		}
		return tx.DropPartitions(ctx, t.TableName, values...)
	})
	if err != nil || t.Type != metastore.Managed && !purges(t) {
		return err
	}
	for _, p := range dropped {
		if err := s.removeAll(ctx, p.Storage.Location); err != nil {
			return fmt.Errorf("the partitions are dropped, but not all of their data: %w", err)
		}
	}
	return nil
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
	source := p.Storage.Location
	moves := t.Type == metastore.Managed && source == usual
	if moves {
		if p.Storage.Location, err = locationOf(t, newValues); err != nil {
			return err
		}
		if err := s.copyAll(ctx, source, p.Storage.Location); err != nil {
			return err
		}
	}
	p.Values = newValues
	delete(p.Parameters, filesParam) // the files are others, also when they come back some day
	err = s.cfg.Store.Update(ctx, func(tx metastore.Tx) error {
		if err := tx.AddPartitions(ctx, t.TableName, []*metastore.Partition{p}, false); err != nil {
			return err
		}
		return tx.DropPartitions(ctx, t.TableName, oldValues)
	})
	if errors.Is(err, metastore.ErrExists) {
		return ddlFailed("Unable to rename partition. Partition already exists: %s%w", syntax.Print(&a.To), quiet(err))
	}
	if err != nil || !moves {
		return err
	}
	return s.removeAll(ctx, source)
}
