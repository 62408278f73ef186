package analysis

import (
	"context"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// AnalyzeInsert plans INSERT INTO and INSERT OVERWRITE. Without a PARTITION clause all keys of
// a partitioned table are dynamic. A row that does not pass the checks is an error of the query.
func AnalyzeInsert(ctx context.Context, cat Catalog, env Env, s *syntax.Insert, checks ...Check) (*Write, error) {
	a := newAnalyzer(bind(ctx, cat), env)
	t, err := a.table(&s.Table)
	if err != nil {
		return nil, err
	}
	if t.Type == metastore.View {
		return nil, failf(&s.Table, 10090, "A view cannot be used as target table for LOAD or INSERT: %s", t.TableName)
	}
	spec, err := a.insertSpec(t, s)
	if err != nil {
		return nil, err
	}
	r, err := a.query(s.Query, nil, nil)
	if err != nil {
		return nil, err
	}
	w := &Write{Table: t, Overwrite: s.Overwrite, Spec: spec, IfNotExists: s.IfNotExists}
	if err := a.writeColumns(w, &s.Table, s.Columns, r); err != nil {
		return nil, err
	}
	if err := a.enforce(w, checks); err != nil {
		return nil, err
	}
	return w, a.optimize(w.Query)
}

// WriteTo makes a plan that writes the rows of q to a table: for CREATE TABLE AS SELECT and
// other statements that are INSERTs at heart. q's columns are the table's data columns in order
// and then the dynamic keys of spec, which has an entry for every key of the table. q must come
// from this package and is part of the result.
func WriteTo(table *metastore.Table, spec partitions.Spec, overwrite bool, q *Query) (*Write, error) {
	a := newAnalyzer(noCatalog(), Env{})
	r := result{rel: q.Root}
	for _, o := range q.Output {
		r.cols = append(r.cols, Column{ID: o.ID, Name: o.Name, Type: o.Type})
	}
	a.lastID = lastID(q)
	w := &Write{Table: table, Overwrite: overwrite, Spec: spec}
	name := &syntax.ObjectName{Parts: []syntax.Ident{{Name: table.Database}, {Name: table.Name}}}
	if err := a.writeColumns(w, name, nil, r); err != nil {
		return nil, err
	}
	w.Query.Shared = q.Shared
	return w, dropUnusedColumns(a, w.Query)
}

func lastID(q *Query) int {
	last := 0
	q.Relations(func(r Rel) {
		for _, c := range r.Columns() {
			last = max(last, c.ID)
		}
	})
	return last
}

// insertSpec is the PARTITION clause with every key of the table: values first, dynamic ones
// after them.
func (a *analyzer) insertSpec(t *metastore.Table, s *syntax.Insert) (partitions.Spec, error) {
	if s.Partition == nil && !t.Partitioned() {
		return nil, nil
	}
	var given partitions.Spec
	if s.Partition != nil {
		var err error
		if given, err = PartitionSpec(t, namedOnce(t.Keys(), s.Partition), false); err != nil {
			return nil, err
		}
		if len(given) < len(t.PartitionKeys) {
			return nil, failf(s.Partition, codePartitionSpec, "Invalid partition spec specified: the table %s is partitioned by (%s), all of which must stand there",
				t.TableName, strings.Join(t.Keys().Names(), ", "))
		}
	} else {
		for _, k := range t.PartitionKeys {
			given = append(given, partitions.SpecField{Name: k.Name})
		}
	}
	var at syntax.Node = &s.Table
	if s.Partition != nil {
		at = s.Partition
	}
	return given, a.checkDynamic(at, given, s.IfNotExists)
}

// namedOnce is a PARTITION clause in which a dynamic key that stands there again counts for one that does
// not: Hive only counts them.
func namedOnce(keys partitions.Keys, spec *syntax.PartitionSpec) *syntax.PartitionSpec {
	seen := make([]bool, len(keys))
	out := *spec
	out.Fields = nil
	var again []syntax.PartitionField
	for _, f := range spec.Fields {
		k := keys.Find(f.Key.Name)
		if k >= 0 && seen[k] && f.Value == nil {
			again = append(again, f)
			continue
		}
		if k >= 0 {
			seen[k] = true
		}
		out.Fields = append(out.Fields, f)
	}
	for _, f := range again {
		if k := slices.Index(seen, false); k >= 0 {
			f.Key.Name, seen[k] = keys[k].Name, true
			out.Fields = append(out.Fields, f)
		}
	}
	return &out
}

func (a *analyzer) checkDynamic(at syntax.Node, spec partitions.Spec, ifNotExists bool) error {
	static, dynamic := 0, 0
	for _, f := range spec {
		switch {
		case !f.Set:
			dynamic++
		case dynamic > 0:
			e := failf(at, codeDynamicOrder, "Dynamic partition cannot be the parent of a static partition %s", near(f.Name))
			e.Hint = "give values to the first keys only; they are in the order of PARTITIONED BY"
			return e
		default:
			static++
		}
	}
	switch {
	case dynamic == 0:
		return nil
	case a.env.setting("hive.exec.dynamic.partition", "true") != "true":
		return failf(at, codeDynamicDisabled, "Dynamic partition is disabled. Either enable it by setting hive.exec.dynamic.partition=true or specify partition column values")
	case static == 0 && a.env.setting("hive.exec.dynamic.partition.mode", "nonstrict") == "strict":
		return failf(at, codeDynamicStrict, "Dynamic partition strict mode requires at least one static partition column. To turn this off set hive.exec.dynamic.partition.mode=nonstrict")
	case ifNotExists:
		return failf(at, 10127, "Dynamic partitions do not support IF NOT EXISTS. Specified partitions with value : %s", dynamicNames(spec))
	}
	return nil
}

func dynamicNames(spec partitions.Spec) string {
	var names []string
	for _, f := range spec {
		if !f.Set {
			names = append(names, f.Name)
		}
	}
	return strings.Join(names, ", ")
}

// writeColumns converts the query's columns to the table's: its data columns, or those of the
// list, and then the dynamic keys as text.
func (a *analyzer) writeColumns(w *Write, at *syntax.ObjectName, columns []syntax.Ident, r result) error {
	targets, err := insertTargets(w, columns)
	if err != nil {
		return err
	}
	if len(targets) != len(r.cols) {
		return failf(at, codeInsertMismatch, "Cannot insert into target table because column number/types are different %s: the table has %d columns, but query has %d columns.",
			near(w.Table.Name), len(targets), len(r.cols))
	}
	p := &Project{Input: r.rel}
	w.Query = &Query{Root: p}
	value := map[string]Expr{}
	for i, c := range targets {
		in := r.cols[i]
		if !hivetype.Castable(in.Type, c.Type) {
			return failf(at, codeInsertMismatch, "Cannot insert into target table because column number/types are different %s: Cannot convert column %d from %s to %s.",
				near(w.Table.Name), i, in.Type, c.Type)
		}
		value[c.Name] = convert(&Ref{ID: in.ID, Name: in.Name, T: in.Type}, c.Type)
	}
	put := func(name string, x Expr) {
		c := a.column(name, x.Type())
		p.Exprs = append(p.Exprs, Computed{Column: c, X: x})
		w.Query.Output = append(w.Query.Output, Output{Name: name, ID: c.ID, Type: c.Type})
	}
	for _, c := range w.Table.Storage.Columns {
		x := value[c.Name]
		if x == nil {
			x = &Const{T: c.Type}
		}
		put(c.Name, x)
	}
	for i, k := range w.Table.PartitionKeys {
		if w.Spec[i].Set {
			continue
		}
		x := value[k.Name]
		if x == nil {
			x = &Const{T: k.Type}
		}
		put(k.Name, keyTextOf(x))
	}
	return nil
}

// insertTargets are the columns that the query's columns go to, in order.
func insertTargets(w *Write, columns []syntax.Ident) ([]metastore.Column, error) {
	if len(w.Spec) != len(w.Table.PartitionKeys) {
		return nil, &Error{Code: codePartitionSpec, Msg: "Invalid partition spec specified: it does not have every key of " + w.Table.TableName.String()}
	}
	all := slices.Clone(w.Table.Storage.Columns)
	for i, k := range w.Table.PartitionKeys {
		if !w.Spec[i].Set {
			all = append(all, k)
		}
	}
	if columns == nil {
		return all, nil
	}
	var targets []metastore.Column
	for _, id := range columns {
		i := slices.IndexFunc(all, func(c metastore.Column) bool { return strings.EqualFold(c.Name, id.Name) })
		if i < 0 {
			e := failf(id, codeNoColumn, "Invalid column reference %s: the table %s has no such column to insert into",
				near(id.Name), w.Table.TableName)
			var known []string
			for _, c := range all {
				known = append(known, c.Name)
			}
			e.Hint = Suggest(id.Name, known)
			return nil, e
		}
		if slices.ContainsFunc(targets, func(c metastore.Column) bool { return c.Name == all[i].Name }) {
			return nil, failf(id, 10036, "Duplicate column name: %s", id.Name)
		}
		targets = append(targets, all[i])
	}
	// Dynamic keys that the list leaves out are filled from behind it, as in Hive.
	for i, k := range w.Table.PartitionKeys {
		listed := slices.ContainsFunc(targets, func(c metastore.Column) bool { return c.Name == k.Name })
		if !w.Spec[i].Set && !listed {
			targets = append(targets, k)
		}
	}
	return targets, nil
}

// keyTextOf is the value of a dynamic key as text, in which the empty string cannot be told
// from NULL.
func keyTextOf(x Expr) Expr {
	if !x.Type().Text() {
		return convert(x, text)
	}
	s := convert(x, text)
	empty := &Call{Func: opEq, Args: []Expr{s, &Const{Value: "", T: text}}, T: boolean}
	return folded(&Case{Whens: []When{{Cond: empty, Then: &Const{T: text}}}, Else: s, T: text})
}
