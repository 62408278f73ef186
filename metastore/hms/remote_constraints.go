package hms

import (
	"context"
	"slices"
	"strings"

	"github.com/skepdata/skep/metastore"
)

// Constraints implements metastore.Reader.
func (r reader) Constraints(ctx context.Context, name metastore.TableName) ([]metastore.Constraint, error) {
	name = lower(name)
	list, err := r.constraints(ctx, name)
	if err != nil {
		return nil, failed("list constraints", name.String(), err)
	}
	return list, nil
}

func (r reader) constraints(ctx context.Context, name metastore.TableName) ([]metastore.Constraint, error) {
	if _, err := r.table(ctx, name); err != nil {
		return nil, err
	}
	w := &sqlAllTableConstraints{}
	var primary listOf[*sqlPrimaryKey]
	var foreign listOf[*sqlForeignKey]
	var unique listOf[*sqlUniqueConstraint]
	var notNull listOf[*sqlNotNullConstraint]
	var defaults listOf[*sqlDefaultConstraint]
	var checks listOf[*sqlCheckConstraint]
	of := &requestArgs[uniqueConstraintsRequest]{uniqueConstraintsRequest{catalog, name.Database, name.Name}}
	for _, ask := range []struct {
		method       string
		args, result any
	}{
		{"get_primary_keys", &requestArgs[primaryKeysRequest]{primaryKeysRequest{DbName: name.Database, TblName: name.Name}}, &primary},
		{"get_foreign_keys", &requestArgs[foreignKeysRequest]{foreignKeysRequest{ForeignDbName: name.Database, ForeignTblName: name.Name}}, &foreign},
		{"get_unique_constraints", of, &unique}, {"get_not_null_constraints", of, &notNull},
		{"get_default_constraints", of, &defaults}, {"get_check_constraints", of, &checks},
	} {
		if err := r.call(ctx, ask.method, ask.args, ask.result, throwsMN); err != nil && !unknown(err) { // of Hive 2, some are
			return nil, meaning(err, metastore.ErrNoSuchTable)
		}
	}
	w.PrimaryKeys, w.ForeignKeys, w.UniqueConstraints = primary.List, foreign.List, unique.List
	w.NotNullConstraints, w.DefaultConstraints, w.CheckConstraints = notNull.List, defaults.List, checks.List
	_, list, err := w.store()
	slices.SortFunc(list, func(a, b metastore.Constraint) int { return strings.Compare(a.Name, b.Name) })
	return list, err
}

// ForeignKeysTo implements metastore.Reader.
func (r reader) ForeignKeysTo(ctx context.Context, parent metastore.TableName) ([]metastore.TableName, error) {
	parent = lower(parent)
	var got listOf[*sqlForeignKey]
	err := r.call(ctx, "get_foreign_keys", &requestArgs[foreignKeysRequest]{
		foreignKeysRequest{ParentDbName: parent.Database, ParentTblName: parent.Name},
	}, &got, throwsMN)
	if err != nil {
		return nil, failed("list foreign keys", parent.String(), meaning(err, metastore.ErrNoSuchTable))
	}
	var tables []metastore.TableName
	for _, k := range got.List {
		tables = append(tables, lower(metastore.TableName{Database: k.FktableDb, Name: k.FktableName}))
	}
	slices.SortFunc(tables, func(a, b metastore.TableName) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(tables), nil
}

// AddConstraints implements metastore.Tx.
func (x *remoteTx) AddConstraints(ctx context.Context, name metastore.TableName, cs []metastore.Constraint) error {
	name = lower(name)
	if err := x.addConstraints(ctx, name, cs); err != nil {
		return failed("add constraints", name.String(), err)
	}
	return nil
}

func (x *remoteTx) addConstraints(ctx context.Context, name metastore.TableName, cs []metastore.Constraint) error {
	have, err := x.constraints(ctx, name)
	if err != nil {
		return err
	}
	w := &sqlAllTableConstraints{}
	for i := range cs {
		if err := cs[i].Validate(); err != nil {
			return err
		}
		if slices.ContainsFunc(have, func(c metastore.Constraint) bool { return strings.EqualFold(c.Name, cs[i].Name) }) {
			return metastore.ErrExists
		}
		w.add(name, &cs[i])
	}
	for _, add := range []struct {
		method string
		n      int
		args   any
	}{
		{"add_primary_key", len(w.PrimaryKeys), &requestArgs[listOf[*sqlPrimaryKey]]{listOf[*sqlPrimaryKey]{w.PrimaryKeys}}},
		{"add_foreign_key", len(w.ForeignKeys), &requestArgs[listOf[*sqlForeignKey]]{listOf[*sqlForeignKey]{w.ForeignKeys}}},
		{"add_unique_constraint", len(w.UniqueConstraints), &requestArgs[listOf[*sqlUniqueConstraint]]{listOf[*sqlUniqueConstraint]{w.UniqueConstraints}}},
		{"add_not_null_constraint", len(w.NotNullConstraints), &requestArgs[listOf[*sqlNotNullConstraint]]{listOf[*sqlNotNullConstraint]{w.NotNullConstraints}}},
		{"add_default_constraint", len(w.DefaultConstraints), &requestArgs[listOf[*sqlDefaultConstraint]]{listOf[*sqlDefaultConstraint]{w.DefaultConstraints}}},
		{"add_check_constraint", len(w.CheckConstraints), &requestArgs[listOf[*sqlCheckConstraint]]{listOf[*sqlCheckConstraint]{w.CheckConstraints}}},
	} {
		if add.n == 0 {
			continue
		}
		if err := x.call(ctx, add.method, add.args, nil, throwsNM); err != nil {
			return meaning(err, metastore.ErrNoSuchTable)
		}
	}
	return nil
}

// DropConstraint implements metastore.Tx.
func (x *remoteTx) DropConstraint(ctx context.Context, name metastore.TableName, constraint string) error {
	name = lower(name)
	have, err := x.constraints(ctx, name)
	if err == nil && !slices.ContainsFunc(have, func(c metastore.Constraint) bool { return strings.EqualFold(c.Name, constraint) }) {
		err = metastore.ErrNoConstraint
	}
	if err == nil {
		request := dropConstraintRequest{Dbname: name.Database, Tablename: name.Name, Constraintname: strings.ToLower(constraint)}
		err = meaning(x.call(ctx, "drop_constraint", &requestArgs[dropConstraintRequest]{request}, nil, throwsNM), metastore.ErrNoConstraint)
	}
	if err != nil {
		return failed("drop constraint", name.String(), err)
	}
	return nil
}
