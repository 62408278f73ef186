package hms

import (
	"context"
	"errors"
	"strings"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
)

// addConstraints adds the methods for constraints, none of which is enforced here.
func (s *Service) addConstraints(t *thrift.Service) {
	thrift.Handle(t, "get_primary_keys", func(ctx context.Context, a *requestArgs[primaryKeysRequest]) (*listOf[*sqlPrimaryKey], error) {
		w, err := s.constraints(ctx, a.Request.DbName, a.Request.TblName)
		return &listOf[*sqlPrimaryKey]{w.PrimaryKeys}, err
	}, throwsMN...)
	addConstraintsOf(s, t, "get_unique_constraints", func(w *sqlAllTableConstraints) []*sqlUniqueConstraint { return w.UniqueConstraints })
	addConstraintsOf(s, t, "get_not_null_constraints", func(w *sqlAllTableConstraints) []*sqlNotNullConstraint { return w.NotNullConstraints })
	addConstraintsOf(s, t, "get_default_constraints", func(w *sqlAllTableConstraints) []*sqlDefaultConstraint { return w.DefaultConstraints })
	addConstraintsOf(s, t, "get_check_constraints", func(w *sqlAllTableConstraints) []*sqlCheckConstraint { return w.CheckConstraints })
	thrift.Handle(t, "get_all_table_constraints", func(ctx context.Context, a *requestArgs[allTableConstraintsRequest]) (*allTableConstraintsResponse, error) {
		w, err := s.constraints(ctx, a.Request.DbName, a.Request.TblName)
		return &allTableConstraintsResponse{w}, err
	}, throwsMN...)
	thrift.Handle(t, "get_foreign_keys", s.foreignKeys, throwsMN...)
	s.addConstraintChanges(t)
}

// addConstraintsOf adds a method that gives the constraints of a kind.
func addConstraintsOf[T any](s *Service, t *thrift.Service, name string, pick func(*sqlAllTableConstraints) []T) {
	thrift.Handle(t, name, func(ctx context.Context, a *requestArgs[uniqueConstraintsRequest]) (*listOf[T], error) {
		w, err := s.constraints(ctx, a.Request.DbName, a.Request.TblName)
		return &listOf[T]{pick(w)}, err
	}, throwsMN...)
}

// addAdding adds a method that adds constraints of a kind.
func addAdding[T any](s *Service, t *thrift.Service, name string, all func([]T) *sqlAllTableConstraints) {
	thrift.Handle(t, name, func(ctx context.Context, a *requestArgs[listOf[T]]) (thrift.Void, error) {
		return thrift.Void{}, s.addAllConstraints(ctx, all(a.Request.List))
	}, throwsNM...)
}

// constraints finds those of a table. One that does not exist has none.
func (s *Service) constraints(ctx context.Context, db, table string) (*sqlAllTableConstraints, error) {
	out := &sqlAllTableConstraints{
		PrimaryKeys: []*sqlPrimaryKey{}, ForeignKeys: []*sqlForeignKey{}, UniqueConstraints: []*sqlUniqueConstraint{},
		NotNullConstraints: []*sqlNotNullConstraint{}, DefaultConstraints: []*sqlDefaultConstraint{},
		CheckConstraints: []*sqlCheckConstraint{},
	}
	name, err := tableName(db, table)
	if err != nil {
		return out, err
	}
	all, err := s.store(ctx).Constraints(ctx, name)
	if errors.Is(err, metastore.ErrNoSuchTable) || errors.Is(err, metastore.ErrNoSuchDatabase) {
		return out, nil
	}
	for i := range all {
		out.add(name, &all[i])
	}
	return out, err
}

func (w *sqlAllTableConstraints) add(t metastore.TableName, c *metastore.Constraint) {
	for i, column := range c.Columns {
		seq := int32(i + 1)
		switch c.Kind {
		case metastore.PrimaryKey:
			w.PrimaryKeys = append(w.PrimaryKeys, &sqlPrimaryKey{
				t.Database, t.Name, column, seq, c.Name, c.Enable, c.Validated, c.Rely, catalog})
		case metastore.ForeignKey:
			k := &sqlForeignKey{
				PktableDb: c.Parent.Database, PktableName: c.Parent.Name, FktableDb: t.Database, FktableName: t.Name,
				FkcolumnName: column, KeySeq: seq, UpdateRule: int32(c.UpdateRule), DeleteRule: int32(c.DeleteRule),
				FkName: c.Name, EnableCstr: c.Enable, ValidateCstr: c.Validated, RelyCstr: c.Rely, CatName: catalog,
			}
			if i < len(c.References) {
				k.PkcolumnName = c.References[i]
			}
			w.ForeignKeys = append(w.ForeignKeys, k)
		case metastore.Unique:
			w.UniqueConstraints = append(w.UniqueConstraints, &sqlUniqueConstraint{
				catalog, t.Database, t.Name, column, seq, c.Name, c.Enable, c.Validated, c.Rely})
		case metastore.NotNull:
			w.NotNullConstraints = append(w.NotNullConstraints, &sqlNotNullConstraint{
				catalog, t.Database, t.Name, column, c.Name, c.Enable, c.Validated, c.Rely})
		case metastore.Default:
			w.DefaultConstraints = append(w.DefaultConstraints, &sqlDefaultConstraint{
				catalog, t.Database, t.Name, column, c.Expression, c.Name, c.Enable, c.Validated, c.Rely})
		}
	}
	if c.Kind == metastore.Check {
		column := ""
		if len(c.Columns) == 1 {
			column = c.Columns[0]
		}
		w.CheckConstraints = append(w.CheckConstraints, &sqlCheckConstraint{
			catalog, t.Database, t.Name, column, c.Expression, c.Name, c.Enable, c.Validated, c.Rely})
	}
}

// foreignKeys finds the foreign keys of a table, or to a table, or both.
func (s *Service) foreignKeys(ctx context.Context, a *requestArgs[foreignKeysRequest]) (*listOf[*sqlForeignKey], error) {
	r := a.Request
	out := &listOf[*sqlForeignKey]{List: []*sqlForeignKey{}}
	var children []metastore.TableName
	parent, err := tableName(r.ParentDbName, r.ParentTblName)
	if err != nil {
		return nil, err
	}
	switch {
	case r.ForeignTblName != "":
		child, err := tableName(r.ForeignDbName, r.ForeignTblName)
		if err != nil {
			return nil, err
		}
		children = append(children, child)
	case r.ParentTblName != "":
		if children, err = s.store(ctx).ForeignKeysTo(ctx, parent); err != nil {
			return nil, err
		}
	}
	for _, child := range children {
		w, err := s.constraints(ctx, child.Database, child.Name)
		if err != nil {
			return nil, err
		}
		for _, k := range w.ForeignKeys {
			if r.ParentTblName == "" || k.PktableDb == parent.Database && k.PktableName == parent.Name {
				out.List = append(out.List, k)
			}
		}
	}
	return out, nil
}

// addConstraintChanges adds the methods that add and drop constraints.
func (s *Service) addConstraintChanges(t *thrift.Service) {
	addAdding(s, t, "add_primary_key", func(list []*sqlPrimaryKey) *sqlAllTableConstraints {
		return &sqlAllTableConstraints{PrimaryKeys: list}
	})
	addAdding(s, t, "add_foreign_key", func(list []*sqlForeignKey) *sqlAllTableConstraints {
		return &sqlAllTableConstraints{ForeignKeys: list}
	})
	addAdding(s, t, "add_unique_constraint", func(list []*sqlUniqueConstraint) *sqlAllTableConstraints {
		return &sqlAllTableConstraints{UniqueConstraints: list}
	})
	addAdding(s, t, "add_not_null_constraint", func(list []*sqlNotNullConstraint) *sqlAllTableConstraints {
		return &sqlAllTableConstraints{NotNullConstraints: list}
	})
	addAdding(s, t, "add_default_constraint", func(list []*sqlDefaultConstraint) *sqlAllTableConstraints {
		return &sqlAllTableConstraints{DefaultConstraints: list}
	})
	addAdding(s, t, "add_check_constraint", func(list []*sqlCheckConstraint) *sqlAllTableConstraints {
		return &sqlAllTableConstraints{CheckConstraints: list}
	})
	thrift.Handle(t, "drop_constraint", func(ctx context.Context, a *requestArgs[dropConstraintRequest]) (thrift.Void, error) {
		name, err := tableName(a.Request.Dbname, a.Request.Tablename)
		if err != nil {
			return thrift.Void{}, err
		}
		err = s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
			return tx.DropConstraint(ctx, name, a.Request.Constraintname)
		})
		if errors.Is(err, metastore.ErrNoConstraint) {
			return thrift.Void{}, &noSuchObject{"The constraint: " + a.Request.Constraintname + " does not exist for the associated table: " + name.String()}
		}
		return thrift.Void{}, missing(err, name.Database, name.Name)
	}, throwsNM...)
}

// addAllConstraints adds the constraints of one table.
func (s *Service) addAllConstraints(ctx context.Context, w *sqlAllTableConstraints) error {
	name, list, err := w.store()
	if err != nil || len(list) == 0 {
		return err
	}
	err = s.update(ctx, func(ctx context.Context, tx metastore.Tx) error { return tx.AddConstraints(ctx, name, list) })
	if errors.Is(err, metastore.ErrExists) || errors.Is(err, metastore.ErrInvalid) {
		return metaf("%v", err)
	}
	return missing(err, name.Database, name.Name)
}

// store reads constraints, whose columns come one by one. Those without a name get one.
func (w *sqlAllTableConstraints) store() (metastore.TableName, []metastore.Constraint, error) {
	var table metastore.TableName
	var list []metastore.Constraint
	var err error
	// one finds or makes the constraint that a column belongs to.
	one := func(kind metastore.ConstraintKind, db, tbl, name, column string, enable, validated, rely bool) *metastore.Constraint {
		if table, err = tableName(db, tbl); err != nil {
			return &metastore.Constraint{}
		}
		if name == "" {
			name = strings.ToLower(strings.ReplaceAll(string(kind), " ", "_")) + "_" + table.Name
			if kind != metastore.PrimaryKey && kind != metastore.ForeignKey && kind != metastore.Unique {
				name += "_" + strings.ToLower(column)
			}
		}
		for i := range list {
			if list[i].Kind == kind && list[i].Name == strings.ToLower(name) {
				list[i].Columns = append(list[i].Columns, strings.ToLower(column))
				return &list[i]
			}
		}
		c := metastore.Constraint{Name: strings.ToLower(name), Kind: kind, Enable: enable, Validated: validated, Rely: rely}
		if column != "" {
			c.Columns = []string{strings.ToLower(column)}
		}
		list = append(list, c)
		return &list[len(list)-1]
	}
	for _, k := range w.PrimaryKeys {
		one(metastore.PrimaryKey, k.TableDb, k.TableName, k.PkName, k.ColumnName, k.EnableCstr, k.ValidateCstr, k.RelyCstr)
	}
	for _, k := range w.ForeignKeys {
		c := one(metastore.ForeignKey, k.FktableDb, k.FktableName, k.FkName, k.FkcolumnName, k.EnableCstr, k.ValidateCstr, k.RelyCstr)
		c.References = append(c.References, strings.ToLower(k.PkcolumnName))
		c.UpdateRule, c.DeleteRule = int(k.UpdateRule), int(k.DeleteRule)
		if err == nil {
			c.Parent, err = tableName(k.PktableDb, k.PktableName)
		}
	}
	for _, k := range w.UniqueConstraints {
		one(metastore.Unique, k.TableDb, k.TableName, k.UkName, k.ColumnName, k.EnableCstr, k.ValidateCstr, k.RelyCstr)
	}
	for _, k := range w.NotNullConstraints {
		one(metastore.NotNull, k.TableDb, k.TableName, k.NnName, k.ColumnName, k.EnableCstr, k.ValidateCstr, k.RelyCstr)
	}
	for _, k := range w.DefaultConstraints {
		one(metastore.Default, k.TableDb, k.TableName, k.DcName, k.ColumnName, k.EnableCstr, k.ValidateCstr, k.RelyCstr).Expression = k.DefaultValue
	}
	for _, k := range w.CheckConstraints {
		one(metastore.Check, k.TableDb, k.TableName, k.DcName, k.ColumnName, k.EnableCstr, k.ValidateCstr, k.RelyCstr).Expression = k.CheckExpression
	}
	return table, list, err
}
