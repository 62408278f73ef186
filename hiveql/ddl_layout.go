package hiveql

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// alterLayout runs the actions of ALTER TABLE that say how data is divided, and what is known
// of it.
func (s *Session) alterLayout(ctx context.Context, t *metastore.Table, n *syntax.AlterTable) error {
	switch a := n.Action.(type) {
	case *syntax.ExchangePartition:
		return s.exchangePartition(ctx, t, a)
	case *syntax.ChangeKey:
		return s.changeKey(ctx, t, a)
	case *syntax.SetLayout:
		return s.setLayout(ctx, t, n.Partition, a)
	case *syntax.UpdateStatistics:
		return s.updateStatistics(ctx, t, n.Partition, a)
	case *syntax.AddConstraint:
		return s.alterRowIn(ctx, t.TableName, func(tx metastore.Tx, t *metastore.Table) error {
			return s.giveConstraints(ctx, tx, t, nil, a.Constraint)
		})
	case *syntax.DropConstraint:
		return s.alterRowIn(ctx, t.TableName, func(tx metastore.Tx, t *metastore.Table) error { return dropConstraint(ctx, tx, t, a) })
	case *syntax.SetSkewedLocation:
		return s.alterStorage(ctx, t, n.Partition, func(d *metastore.StorageDescriptor) error { return setSkewedLocations(d, a) })
	case *syntax.SetOwner:
		return s.alterRow(ctx, t.TableName, func(t *metastore.Table) error {
			t.Owner = a.Owner.Name
			return nil
		})
	case *syntax.UpdateColumns:
		return s.updateColumns(ctx, t, n.Partition, a)
	case *syntax.Archive:
		e := unsupported(a, "ALTER TABLE ... "+strings.Fields(syntax.Print(a))[0])
		e.Hint = "archives (HAR) are files of Hadoop's; small files are joined by OPTIMIZE TABLE or CONCATENATE"
		return e
	}
	return unsupported(n.Action, "ALTER TABLE ... "+strings.Fields(syntax.Print(n.Action))[0])
}

// setLayout records buckets. As in CREATE TABLE, they and SKEWED BY do not change how rows are
// written.
func (s *Session) setLayout(
	ctx context.Context, t *metastore.Table, spec *syntax.PartitionSpec, a *syntax.SetLayout,
) error {
	return s.alterStorage(ctx, t, spec, func(d *metastore.StorageDescriptor) error {
		switch {
		case a.Bucketing != nil && len(a.Bucketing.Columns) == 0:
			d.NumBuckets = a.Bucketing.Buckets
		case a.Bucketing != nil:
			changed := t.Clone()
			changed.Storage = d.Clone()
			if err := s.bucketing(changed, a.Bucketing); err != nil {
				return err
			}
			*d = changed.Storage
		case a.Not == "CLUSTERED":
			d.NumBuckets, d.BucketColumns, d.SortColumns = -1, nil, nil
		case a.Not == "SORTED":
			d.SortColumns = nil
		case a.Skewed != nil:
			return takeSkew(d, a.Skewed)
		case a.Not == "SKEWED":
			d.Skewed = nil
		case a.Not == "STORED AS DIRECTORIES" && d.Skewed != nil:
			d.Skewed = d.Skewed.Clone()
			d.Skewed.Directories = false
		}
		return nil
	})
}

// updateStatistics runs UPDATE STATISTICS, which says what ANALYZE TABLE would have found.
func (s *Session) updateStatistics(
	ctx context.Context, t *metastore.Table, spec *syntax.PartitionSpec, a *syntax.UpdateStatistics,
) error {
	apply := func(_ metastore.Tx, _ partitions.Values, params *map[string]string) error {
		setPropertiesOf(params, a.Properties)
		return nil
	}
	if a.Column != nil {
		at := t.Storage.Column(a.Column.Name)
		if at < 0 {
			return semantic(a.Column, 10002, "Invalid column reference '%s'", a.Column.Name)
		}
		col := t.Storage.Columns[at]
		apply = func(tx metastore.Tx, v partitions.Values, _ *map[string]string) error {
			return updateColumnStats(ctx, tx, t.TableName, v, col, a)
		}
	}
	for i := range a.Properties {
		if strings.HasPrefix(a.Properties[i].Key, hiddenParams) {
			return semantic(&a.Properties[i], 0, "statistics that begin with %s are reserved", hiddenParams)
		}
	}
	if spec != nil {
		return s.alterPartitionsIn(ctx, t, spec, func(tx metastore.Tx, p *metastore.Partition) error {
			return apply(tx, p.Values, &p.Parameters)
		})
	}
	return s.alterRowIn(ctx, t.TableName, func(tx metastore.Tx, t *metastore.Table) error { return apply(tx, nil, &t.Parameters) })
}

// changeKey runs PARTITION COLUMN: another type for a partition key. Values are put into the
// text form of the new type, and data stays where it is.
func (s *Session) changeKey(ctx context.Context, t *metastore.Table, a *syntax.ChangeKey) error {
	at := t.Keys().Find(a.Key.Name.Name)
	if at < 0 {
		return semantic(&a.Key.Name, 10002, "Invalid column reference '%s': it is not a partition key of %s",
			a.Key.Name.Name, t.TableName)
	}
	typ, err := analysis.TypeOf(a.Key.Type)
	if err != nil {
		return err
	}
	if !typ.Primitive() {
		return semantic(&a.Key.Name, 10126, "Partition columns can only be of primitive type: %s is %s", a.Key.Name.Name, typ)
	}
	return s.cfg.Store.Update(ctx, func(tx metastore.Tx) error {
		now, err := tx.Table(ctx, t.TableName)
		if err != nil {
			return err
		}
		if at >= len(now.PartitionKeys) || now.PartitionKeys[at].Name != t.PartitionKeys[at].Name {
			return fmt.Errorf("alter %s: %w", t.TableName, metastore.ErrConflict)
		}
		now.PartitionKeys = slices.Clone(now.PartitionKeys)
		now.PartitionKeys[at].Type = typ
		var all []*metastore.Partition
		var before []partitions.Values
		for p, err := range tx.Partitions(ctx, t.TableName, nil) {
			if err != nil {
				return err
			}
			before = append(before, p.Values)
			values, err := now.Keys().Normalize(p.Values)
			if err != nil {
				return semantic(&a.Key.Name, 0, "the type of partition key %s cannot change: there is a partition %s: %v",
					now.PartitionKeys[at].Name, strings.Join(p.Values, "/"), err)
			}
			p.Values = values
			all = append(all, p)
		}
		// A store keeps partitions in the order of their keys' types, so they are made anew.
		if err := tx.DropPartitions(ctx, t.TableName, before...); err != nil {
			return err
		}
		if err := tx.AlterTable(ctx, t.TableName, now); err != nil {
			return err
		}
		err = tx.AddPartitions(ctx, t.TableName, all, false)
		if errors.Is(err, metastore.ErrExists) {
			return semantic(&a.Key.Name, 0, "the type of partition key %s cannot change: two partitions would have one value: %v",
				now.PartitionKeys[at].Name, err)
		}
		return err
	})
}

// exchangePartition runs EXCHANGE PARTITION: partitions move here from another table, with
// their data. One transaction makes them partitions of this table and takes them from the other one.
func (s *Session) exchangePartition(ctx context.Context, t *metastore.Table, a *syntax.ExchangePartition) error {
	from, err := s.dataTable(ctx, &a.From)
	if err != nil {
		return err
	}
	if from.TableName == t.TableName {
		return semantic(&a.From, 0, "a table cannot exchange partitions with itself")
	}
	if err := sameSchema(t, from, a); err != nil {
		return err
	}
	j := &job{s: s, table: t}
	moved, files, err := s.movingPartitions(ctx, from, j, a)
	if err != nil {
		return err
	}
	if len(moved) == 0 {
		return semantic(&a.Spec, 10006, "Partition not found %s", syntax.Print(&a.Spec))
	}
	j.upload = func(ctx context.Context, id string) error {
		all := make([]delivery, len(j.targets))
		for i, to := range j.targets {
			all[i] = delivery{files: files[to], url: to.location}
		}
		return s.copyFiles(ctx, id, all...)
	}
	j.commitBy = func(ctx context.Context, commit func(metastore.Tx) error) error {
		return s.leavePartitions(ctx, from, moved, commit)
	}
	return j.run(ctx)
}

// movingPartitions finds the partitions of a table that go to the table of a job and the files of each, and makes targets
// of the job for them.
func (s *Session) movingPartitions(ctx context.Context, from *metastore.Table, j *job, a *syntax.ExchangePartition) (
	moved []*metastore.Partition, files map[*target][]File, err error,
) {
	match, err := s.specPredicate(from, &a.Spec)
	if err != nil {
		return nil, nil, err
	}
	files = map[*target][]File{}
	list := newLister(s.cfg, from)
	for p, err := range s.cfg.Store.Partitions(ctx, from.TableName, match) {
		if err != nil {
			return nil, nil, err
		}
		if p.Storage.InputFormat != j.table.Storage.InputFormat || p.Storage.SerDe.Library != j.table.Storage.SerDe.Library {
			return nil, nil, semantic(&a.Spec, 10235, "Tables have incompatible schemas and their partitions cannot be exchanged: "+
				"partition %s has a format of its own", strings.Join(p.Values, "/"))
		}
		to, exists, err := s.partitionTarget(ctx, j.table, p.Values, false)
		if err != nil {
			return nil, nil, err
		}
		if exists {
			return nil, nil, semantic(&a.Spec, 10118, "Partition already exists [%s(%s)]", j.table.TableName, strings.Join(p.Values, "/"))
		}
		storage := p.Storage.Clone()
		to.storage, to.rows = &storage, -1
		if files[to], err = list.files(ctx, p.Storage.Location, p.Parameters); err != nil {
			return nil, nil, err
		}
		for _, f := range files[to] {
			to.files++
			to.bytes += f.Object.Size
		}
		j.targets = append(j.targets, to)
		moved = append(moved, p)
	}
	return moved, files, nil
}

// leavePartitions drops partitions of a table, in the transaction of a commit to another one, and of a managed
// table their data. They must be what they were.
func (s *Session) leavePartitions(
	ctx context.Context, t *metastore.Table, list []*metastore.Partition, commit func(metastore.Tx) error,
) error {
	values, places, err := partitionPlaces(t, func(yield func(*metastore.Partition, error) bool) {
		for _, p := range list {
			if !yield(p, nil) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	d := &dropping{s: s, table: t.TableName, home: t.Storage.Location, places: places, stays: true, lasts: !s.temporary.has(t.TableName)}
	return d.drop(ctx, func(tx metastore.Tx) ([]string, error) {
		there, err := partitionsOf(tx.PartitionsNamed(ctx, t.TableName, values))
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			now := there[valuesKey(p.Values)]
			if now == nil || now.Storage.Location != p.Storage.Location || !maps.Equal(now.Parameters, p.Parameters) {
				return nil, fmt.Errorf("partition %v of %s: %w", p.Values, t.TableName, metastore.ErrConflict)
			}
		}
		if err := commit(tx); err != nil {
			return nil, err
		}
		return places, tx.DropPartitions(ctx, t.TableName, values...)
	})
}

func sameSchema(a, b *metastore.Table, n *syntax.ExchangePartition) error {
	same := func(x, y metastore.Column) bool { return x.Name == y.Name && x.Type.String() == y.Type.String() }
	if !slices.EqualFunc(a.Storage.Columns, b.Storage.Columns, same) ||
		!slices.EqualFunc(a.PartitionKeys, b.PartitionKeys, same) {
		return semantic(n, 10235, "Tables have incompatible schemas and their partitions cannot be exchanged.")
	}
	return nil
}
