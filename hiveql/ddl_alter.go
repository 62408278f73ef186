package hiveql

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// alterTable runs ALTER TABLE and ALTER VIEW.
func (s *Session) alterTable(ctx context.Context, r *Result, n *syntax.AlterTable) error {
	t, err := s.dataTable(ctx, &n.Name)
	if err != nil {
		return err
	}
	if isView := t.Type == metastore.View; isView != n.View {
		if isView {
			return semantic(&n.Name, 10131, "To alter a view you need to use the ALTER VIEW command.")
		}
		return semantic(&n.Name, 10132, "To alter a base table you need to use the ALTER TABLE command.")
	}
	if err = s.alterFound(ctx, r, t, n); errors.Is(err, metastore.ErrNoSuchTable) { // it was there
		return ddlFailed("Unable to alter table. hive.%s table not found%w", t.TableName, quiet(err))
	}
	return err
}

func (s *Session) alterFound(ctx context.Context, r *Result, t *metastore.Table, n *syntax.AlterTable) error {
	switch a := n.Action.(type) {
	case *syntax.AddPartitions:
		return s.addPartitions(ctx, t, a)
	case *syntax.DropPartitions:
		return s.dropPartitions(ctx, t, a)
	case *syntax.RenamePartition:
		return s.renamePartition(ctx, t, n.Partition, a)
	case *syntax.RenameTable:
		return s.renameTable(ctx, t, a)
	case *syntax.SetProperties:
		return s.setTableProperties(ctx, t, n.Partition, a)
	case *syntax.SetSerDe:
		return s.alterStorage(ctx, t, n.Partition, func(d *metastore.StorageDescriptor) error {
			before := d.Clone()
			d.SerDe.Library = a.Class
			setPropertiesOf(&d.SerDe.Parameters, a.Properties)
			return s.keepsFormat(t, &before, d)
		})
	case *syntax.SetFileFormat:
		return s.alterStorage(ctx, t, n.Partition, func(d *metastore.StorageDescriptor) error {
			before := d.Clone()
			f, err := s.storedAs(d, &a.Format, false)
			switch {
			case err != nil:
				return err
			case a.Format.SerDe != "":
				d.SerDe.Library = a.Format.SerDe
			case a.Format.Name != "" && f.serde != "": // classes alone leave the SerDe as it is
				d.SerDe.Library = f.serde
			}
			return s.keepsFormat(t, &before, d)
		})
	case *syntax.SetLocation:
		return s.setLocation(ctx, t, n.Partition, a)
	case *syntax.AddColumns:
		return s.addColumns(ctx, t, n.Partition, a)
	case *syntax.ChangeColumn:
		return s.changeColumn(ctx, t, n.Partition, a)
	case *syntax.SetViewQuery:
		return s.alterView(ctx, r, t, a)
	case *syntax.Concatenate:
		return s.concatenate(ctx, r, t, n.Partition, a)
	case *syntax.Touch:
		if n.Partition != nil {
			return s.alterPartitions(ctx, t, n.Partition, func(*metastore.Partition) error { return nil })
		}
		return s.alterRow(ctx, t.TableName, func(*metastore.Table) error { return nil })
	}
	return s.alterLayout(ctx, t, n)
}

// alterRow changes a table by fn in a transaction.
func (s *Session) alterRow(ctx context.Context, name metastore.TableName, fn func(*metastore.Table) error) error {
	return s.alterRowIn(ctx, name, func(_ metastore.Tx, t *metastore.Table) error { return fn(t) })
}

// alterRowIn is alterRow for changes of more than the row.
func (s *Session) alterRowIn(ctx context.Context, name metastore.TableName, fn func(metastore.Tx, *metastore.Table) error) error {
	return s.cfg.Store.Update(ctx, func(tx metastore.Tx) error {
		t, err := tx.Table(ctx, name)
		if err != nil {
			return err
		}
		if err := fn(tx, t); err != nil {
			return err
		}
		setParam(&t.Parameters, "transient_lastDdlTime", strconv.FormatInt(s.cfg.Now().Unix(), 10))
		return tx.AlterTable(ctx, name, t)
	})
}

// alterStorage changes the storage descriptor of a table, or of the partitions of a spec.
func (s *Session) alterStorage(
	ctx context.Context, t *metastore.Table, spec *syntax.PartitionSpec, fn func(*metastore.StorageDescriptor) error,
) error {
	if spec == nil {
		return s.alterRow(ctx, t.TableName, func(t *metastore.Table) error { return fn(&t.Storage) })
	}
	return s.alterPartitions(ctx, t, spec, func(p *metastore.Partition) error { return fn(&p.Storage) })
}

// alterPartitions changes the partitions that agree with a spec, all of them if it is nil.
func (s *Session) alterPartitions(
	ctx context.Context, t *metastore.Table, spec *syntax.PartitionSpec, fn func(*metastore.Partition) error,
) error {
	return s.alterPartitionsIn(ctx, t, spec, func(_ metastore.Tx, p *metastore.Partition) error { return fn(p) })
}

// alterPartitionsIn is alterPartitions for changes of more than the partitions.
func (s *Session) alterPartitionsIn(
	ctx context.Context, t *metastore.Table, spec *syntax.PartitionSpec, fn func(metastore.Tx, *metastore.Partition) error,
) error {
	var match partitions.Predicate
	if spec != nil {
		var err error
		if match, err = s.specPredicate(t, spec); err != nil {
			return err
		}
		if !fullSpec(t, spec) && s.Setting("hive.exec.dynamic.partition") == "false" {
			return semantic(spec, 10095, "Dynamic partition is disabled. Either enable it by setting "+
				"hive.exec.dynamic.partition=true or specify partition column values")
		}
	}
	return s.cfg.Store.Update(ctx, func(tx metastore.Tx) error {
		var ps []*metastore.Partition
		for p, err := range tx.Partitions(ctx, t.TableName, match) {
			if err != nil {
				return err
			}
			ps = append(ps, p)
		}
		if len(ps) == 0 && spec != nil {
			return semantic(spec, 10006, "Partition not found %s", syntax.Print(spec))
		}
		for _, p := range ps {
			p.Storage = p.Storage.Clone()
			if err := fn(tx, p); err != nil {
				return err
			}
		}
		return tx.AlterPartitions(ctx, t.TableName, ps)
	})
}

// fullSpec reports whether a spec gives every key a value.
func fullSpec(t *metastore.Table, spec *syntax.PartitionSpec) bool {
	valued := 0
	for _, f := range spec.Fields {
		if f.Value != nil {
			valued++
		}
	}
	return valued == len(t.PartitionKeys)
}

func setPropertiesOf(params *map[string]string, list []syntax.Property) {
	for _, p := range list {
		setParam(params, p.Key, p.Value)
	}
}

func (s *Session) setTableProperties(
	ctx context.Context, t *metastore.Table, spec *syntax.PartitionSpec, a *syntax.SetProperties,
) error {
	if !a.Unset && strings.EqualFold(propertyOf(a.Properties, "transactional"), "true") {
		return unsupported(a, "a transactional (ACID) table")
	}
	for i := range a.Properties {
		if strings.HasPrefix(a.Properties[i].Key, hiddenParams) {
			return semantic(&a.Properties[i], 0, "table properties that begin with %s are reserved", hiddenParams)
		}
	}
	apply := func(params *map[string]string) error { return applyProperties(params, a) }
	after := t.Clone()
	if params := &after.Parameters; spec == nil {
		if a.SerDe {
			params = &after.Storage.SerDe.Parameters
		}
		if err := apply(params); err != nil {
			return err
		}
		if err := s.takeAvro(ctx, after); err != nil {
			return err
		}
	}
	if a.SerDe && spec == nil {
		return s.alterRow(ctx, t.TableName, func(t *metastore.Table) error {
			err := apply(&t.Storage.SerDe.Parameters)
			avroFollows(t, after)
			return err
		})
	}
	if a.SerDe {
		return s.alterStorage(ctx, t, spec, func(d *metastore.StorageDescriptor) error { return apply(&d.SerDe.Parameters) })
	}
	if spec != nil {
		return s.alterPartitions(ctx, t, spec, func(p *metastore.Partition) error { return apply(&p.Parameters) })
	}
	return s.alterRow(ctx, t.TableName, func(t *metastore.Table) error {
		if err := apply(&t.Parameters); err != nil {
			return err
		}
		avroFollows(t, after)
		external := strings.EqualFold(t.Parameters["EXTERNAL"], "TRUE")
		switch {
		case t.Type == metastore.Managed && external:
			t.Type = metastore.External
			delete(t.Parameters, trackingParam)
		case t.Type == metastore.External && !external:
			t.Type = metastore.Managed
		}
		return nil
	})
}

// applyProperties sets properties, or takes them away.
func applyProperties(params *map[string]string, a *syntax.SetProperties) error {
	if !a.Unset {
		setPropertiesOf(params, a.Properties)
		return nil
	}
	for i := range a.Properties {
		p := &a.Properties[i]
		again := slices.ContainsFunc(a.Properties[:i], func(q syntax.Property) bool { return q.Key == p.Key })
		if _, ok := (*params)[p.Key]; !ok && !again && !a.IfExists {
			return semantic(p, 10215, "Please use the following syntax if not sure whether the property existed or not: "+
				"ALTER TABLE tableName UNSET TBLPROPERTIES IF EXISTS (key1, key2, ...): there is no property %s", p.Key)
		}
		delete(*params, p.Key)
	}
	return nil
}

func (s *Session) alterView(ctx context.Context, r *Result, t *metastore.Table, a *syntax.SetViewQuery) error {
	v := t.Clone()
	if err := s.viewQuery(ctx, r, v, a.Query, nil); err != nil {
		return err
	}
	var keys []syntax.Ident
	for _, k := range t.PartitionKeys {
		keys = append(keys, syntax.Ident{Span: syntax.Span{From: a.Pos(), To: a.End()}, Name: k.Name})
	}
	if err := partitionView(v, keys); err != nil {
		return err
	}
	return s.alterRow(ctx, t.TableName, func(t *metastore.Table) error {
		t.Storage.Columns, t.PartitionKeys = v.Storage.Columns, v.PartitionKeys
		t.ViewOriginalText, t.ViewExpandedText = v.ViewOriginalText, v.ViewExpandedText
		return nil
	})
}

// addColumns runs ADD COLUMNS and REPLACE COLUMNS.
func (s *Session) addColumns(
	ctx context.Context, t *metastore.Table, spec *syntax.PartitionSpec, a *syntax.AddColumns,
) error {
	added, err := columns(a.Columns)
	if err != nil {
		return err
	}
	for i, c := range added {
		if t.Keys().Find(c.Name) >= 0 {
			return semantic(&a.Columns[i].Name, 10036,
				"Partition column name %s conflicts with table columns.", c.Name)
		}
	}
	if err := avroKeepsColumns(t, a); err != nil {
		return err
	}
	apply := func(d *metastore.StorageDescriptor) error {
		if a.Replace {
			if err := s.keepsColumns(t, d, len(added), false, a.Cascade); err != nil {
				return err
			}
			d.Columns = slices.Clone(added)
			return nil
		}
		for i, c := range added {
			if d.Column(c.Name) >= 0 {
				return semantic(&a.Columns[i].Name, 10036, "Duplicate column name: %s", c.Name)
			}
		}
		d.Columns = append(d.Columns, added...)
		return nil
	}
	return s.alterColumns(ctx, t, spec, a.Cascade, apply)
}

// alterColumns changes the columns of a table, and with CASCADE gives them to its partitions too.
func (s *Session) alterColumns(
	ctx context.Context, t *metastore.Table, spec *syntax.PartitionSpec, cascade bool, apply func(*metastore.StorageDescriptor) error,
) error {
	if cascade && !t.Partitioned() {
		return semantic(nil, 10410, "Alter table with non-partitioned table does not support cascade")
	}
	var now []metastore.Column
	noted := func(d *metastore.StorageDescriptor) error {
		err := apply(d)
		now = d.Columns
		return err
	}
	if err := s.alterColumnsOf(ctx, t, spec, noted); err != nil || spec != nil || !cascade || !t.Partitioned() {
		return err
	}
	return s.alterPartitions(ctx, t, nil, func(p *metastore.Partition) error {
		p.Storage.Columns = slices.Clone(now) // as in Hive, whatever the partition had
		return nil
	})
}

// alterColumnsOf changes the columns of a table, or of the partitions of a spec, and forgets the
// statistics of columns that are gone or of another type.
func (s *Session) alterColumnsOf(
	ctx context.Context, t *metastore.Table, spec *syntax.PartitionSpec, apply func(*metastore.StorageDescriptor) error,
) error {
	change := func(d *metastore.StorageDescriptor, params *map[string]string) error {
		before := slices.Clone(d.Columns)
		if err := apply(d); err != nil {
			return err
		}
		if spec == nil && !strings.EqualFold(s.Setting("hive.metastore.disallow.incompatible.col.type.changes"), "false") {
			if err := metastore.CheckTypeChanges(before, d.Columns); err != nil {
				e := ddlFailed("Unable to alter table. %s", strings.TrimPrefix(err.Error(), metastore.ErrInvalid.Error()+": "))
				e.Err, e.Hint = err, "SET hive.metastore.disallow.incompatible.col.type.changes=false allows it"
				return e
			}
		}
		return forgetAccuracy(params, before, d.Columns)
	}
	if spec == nil {
		return s.alterRow(ctx, t.TableName, func(t *metastore.Table) error { return change(&t.Storage, &t.Parameters) })
	}
	return s.alterPartitions(ctx, t, spec, func(p *metastore.Partition) error { return change(&p.Storage, &p.Parameters) })
}

// changeColumn runs CHANGE COLUMN: a new name, type, comment or place.
func (s *Session) changeColumn(
	ctx context.Context, t *metastore.Table, spec *syntax.PartitionSpec, a *syntax.ChangeColumn,
) error {
	typ, err := analysis.TypeOf(a.New.Type)
	if err != nil {
		return err
	}
	if err := avroKeepsColumns(t, a); err != nil {
		return err
	}
	col := metastore.Column{Name: strings.ToLower(a.New.Name.Name), Type: typ, Comment: a.New.Comment}
	if t.Keys().Find(col.Name) >= 0 {
		return semantic(&a.New.Name, 10036, "Partition column name %s conflicts with table columns.", col.Name)
	}
	apply := func(d *metastore.StorageDescriptor) error {
		at := d.Column(a.Old.Name)
		if at < 0 {
			return semantic(&a.Old, 10002, "Invalid column reference '%s'", a.Old.Name)
		}
		if same := d.Column(col.Name); same >= 0 && same != at {
			return semantic(&a.New.Name, 10036, "Duplicate column name: %s", col.Name)
		}
		if err := s.keepsColumns(t, d, len(d.Columns), a.First || a.After != nil, a.Cascade); err != nil {
			return err
		}
		now := col
		if now.Comment == "" {
			now.Comment = d.Columns[at].Comment
		}
		cols := slices.Clone(d.Columns)
		cols[at] = now
		switch {
		case a.First:
			cols = slices.Insert(slices.Delete(cols, at, at+1), 0, now)
		case a.After != nil:
			after := slices.IndexFunc(cols, func(c metastore.Column) bool { return strings.EqualFold(c.Name, a.After.Name) })
			if after < 0 || after == at {
				return semantic(a.After, 10002, "Invalid column reference '%s'", a.After.Name)
			}
			cols = slices.Delete(cols, at, at+1)
			if after > at {
				after--
			}
			cols = slices.Insert(cols, after+1, now)
		}
		d.Columns = cols
		return nil
	}
	if err := s.alterColumns(ctx, t, spec, a.Cascade, apply); err != nil || spec != nil {
		return err
	}
	return s.columnConstraints(ctx, t, a)
}

// columnConstraints lets constraints follow a column that was changed, and adds those that CHANGE
// COLUMN gives it.
func (s *Session) columnConstraints(ctx context.Context, t *metastore.Table, a *syntax.ChangeColumn) error {
	renamed := !strings.EqualFold(a.Old.Name, a.New.Name.Name)
	if !renamed && len(a.New.Constraints) == 0 {
		return nil
	}
	return s.alterRowIn(ctx, t.TableName, func(tx metastore.Tx, t *metastore.Table) error {
		if err := renameInConstraints(ctx, tx, t, a.Old.Name, strings.ToLower(a.New.Name.Name)); err != nil {
			return err
		}
		return s.giveConstraints(ctx, tx, t, &a.New.Name, a.New.Constraints...)
	})
}
