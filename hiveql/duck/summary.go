package duck

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/footer"
	"github.com/skepdata/skep/hivetype"
)

// summary is an aggregate that needs no rows: of a table in Parquet or ORC, count, min and max are
// known from what its files say of themselves, as far as that is exact, and partition keys from the
// catalog. It becomes an aggregate over a row for all files that share their keys. ok is false where rows
// have to be read.
func (l *lowerer) summary(a *analysis.Aggregate) (sql string, ok bool) {
	if a.Sets != nil || a.GroupingID != nil {
		return "", false
	}
	b := &summed{l: l, constant: map[int]bool{}}
	if !b.below(a.Input) {
		return "", false
	}
	calls := make([]string, len(a.Aggs))
	for i, g := range a.Aggs {
		if calls[i], ok = b.call(g); !ok {
			return "", false
		}
	}
	for _, k := range a.Keys {
		if !b.constantOnly(k.X) {
			return "", false
		}
	}
	if !b.read(l.prepared[b.scan]) {
		return "", false
	}
	var list, inner, keys []string
	for _, k := range a.Keys {
		keys = append(keys, column(k.ID))
		list = append(list, column(k.ID))
		if !b.constant[k.ID] {
			inner = append(inner, l.expr(k.X)+" AS "+column(k.ID))
		}
	}
	for i, g := range a.Aggs {
		list = append(list, calls[i]+" AS "+column(g.ID))
	}
	if len(list) == 0 {
		list = []string{"count(*) AS one"}
	}
	sql = "SELECT " + strings.Join(list, ", ") + " FROM (SELECT " + strings.Join(append(inner, "*"), ", ") + " FROM " + b.relation()
	if len(b.filters) > 0 {
		sql += " WHERE " + strings.Join(b.filters, " AND ")
	}
	sql += ") AS " + l.fresh("r")
	if len(keys) > 0 {
		sql += " GROUP BY " + strings.Join(keys, ", ")
	}
	return sql, true
}

// summed is what the footers say of a scan.
type summed struct {
	l        *lowerer
	scan     *analysis.Scan
	constant map[int]bool // columns with one value a file
	filters  []string
	columns  []summedColumn
	rows     []summedRow
}

// summedColumn is a data column of which something is asked.
type summedColumn struct {
	analysis.ScanColumn
	place  int  // among the scan's columns
	bounds bool // not only how many are NULL
}

// summedRow is of the files with the same constants.
type summedRow struct {
	values []hivetype.Value
	count  int64
	of     []footer.Bounds // by summed.columns; Min and Max are nil where all are NULL
}

// below takes a scan, with conditions on constants above it.
func (b *summed) below(r analysis.Rel) bool {
	if f, ok := r.(*analysis.Filter); ok {
		if !b.below(f.Input) || !b.constantOnly(f.Cond) {
			return false
		}
		b.filters = append(b.filters, b.l.expr(f.Cond))
		return true
	}
	s, ok := r.(*analysis.Scan)
	if !ok {
		return false
	}
	b.scan = s
	for _, c := range constantColumns(s) {
		b.constant[c.ID] = true
	}
	return true
}

// constantOnly reports whether an expression has one value for each file.
func (b *summed) constantOnly(x analysis.Expr) bool {
	switch x := x.(type) {
	case *analysis.Const:
		return true
	case *analysis.Ref:
		return b.constant[x.ID]
	case *analysis.Cast:
		return b.constantOnly(x.X)
	case *analysis.In:
		return b.constantOnly(x.X) && !slices.ContainsFunc(x.List, func(x analysis.Expr) bool { return !b.constantOnly(x) })
	case *analysis.Call:
		return !x.Func.Volatile && !slices.ContainsFunc(x.Args, func(x analysis.Expr) bool { return !b.constantOnly(x) })
	}
	return false
}

// call is an aggregate function over the relation.
func (b *summed) call(g analysis.AggregateColumn) (string, bool) {
	if g.Filter != nil || len(g.Args) > 1 {
		return "", false
	}
	name := g.Func.Name
	if name == "count" && len(g.Args) == 0 {
		return "coalesce(sum(n), 0)::BIGINT", true
	}
	if len(g.Args) == 0 || name != "count" && name != "min" && name != "max" {
		return "", false
	}
	x := g.Args[0]
	if b.constantOnly(x) {
		text := b.l.expr(x)
		switch {
		case name != "count":
			return name + "(" + text + ")", true
		case g.Distinct:
			return "count(DISTINCT " + text + ")", true
		}
		return "coalesce(sum(CASE WHEN (" + text + ") IS NOT NULL THEN n END), 0)::BIGINT", true
	}
	ref, ok := x.(*analysis.Ref)
	if !ok || g.Distinct && name == "count" || !ref.T.Equal(g.Type) && name != "count" {
		return "", false
	}
	at := b.column(ref.ID, name != "count")
	if at < 0 {
		return "", false
	}
	switch name {
	case "count":
		return fmt.Sprintf("coalesce(sum(v%d), 0)::BIGINT", at), true
	case "min":
		return fmt.Sprintf("min(lo%d)", at), true
	}
	return fmt.Sprintf("max(hi%d)", at), true
}

// column is the number of a data column of which something is asked, or -1.
func (b *summed) column(id int, bounds bool) int {
	for i := range b.columns {
		if b.columns[i].ID == id {
			b.columns[i].bounds = b.columns[i].bounds || bounds
			return i
		}
	}
	for i, c := range b.scan.Cols {
		if c.ID == id && c.Source == analysis.DataColumn && c.Type.Primitive() {
			b.columns = append(b.columns, summedColumn{c, i, bounds})
			return len(b.columns) - 1
		}
	}
	return -1
}

// read adds up what the files say, and reports whether they say all that is needed.
func (b *summed) read(groups []*scanGroup) bool {
	at := map[string]int{}
	for _, g := range groups {
		for _, f := range g.files {
			key := fmt.Sprintf("%T %v", f.values, f.values)
			i, ok := at[key]
			if !ok {
				i = len(b.rows)
				at[key] = i
				b.rows = append(b.rows, summedRow{values: f.values, of: make([]footer.Bounds, len(b.columns))})
			}
			switch {
			case f.footer != nil:
				ok = b.add(&b.rows[i], f.footer)
			case f.orc != nil:
				ok = b.addStripes(&b.rows[i], f.orc)
			default:
				ok = false
			}
			if !ok {
				return false
			}
		}
	}
	b.rows = slices.DeleteFunc(b.rows, func(r summedRow) bool { return r.count == 0 })
	return true
}

func (b *summed) add(row *summedRow, f *footer.File) bool {
	rows := int64(0)
	for i := range f.Groups {
		g := &f.Groups[i]
		rows += g.Rows
		for k, c := range b.columns {
			if g.Rows > 0 && !c.add(&row.of[k], dataColumn(b.scan, c.ScanColumn, f), g) {
				return false
			}
		}
	}
	row.count += rows
	return rows == f.Rows
}

// addStripes adds up what an ORC file says of its stripes. An error about that is left to those who read rows.
func (b *summed) addStripes(row *summedRow, o *orcFile) bool {
	rows := int64(0)
	for i := range o.orc.Stripes() {
		n := o.orc.StripeRows(i)
		rows += n
		for k, c := range b.columns {
			of := footer.Bounds{Nulls: n, Rows: n}
			if at := o.columns[c.place]; at >= 0 {
				known, err := o.bounds(b.l.ctx, i, at)
				if err != nil || !o.orc.Type(at).Equal(c.Type) {
					return false
				}
				of = footer.Bounds{Min: known.Min, Max: known.Max, Exact: known.Exact, Nulls: known.Nulls, Rows: n}
			}
			if n > 0 && !c.take(&row.of[k], of) {
				return false
			}
		}
	}
	row.count += rows
	return rows == o.orc.Rows()
}

// add takes a row group's values of a column into account.
func (c summedColumn) add(to *footer.Bounds, col *footer.Column, g *footer.Group) bool {
	if col == nil {
		return c.take(to, footer.Bounds{Nulls: g.Rows, Rows: g.Rows})
	}
	return keepsNulls(col, c.Type) && c.take(to, col.Bounds(g, c.Type))
}

// take adds what is known of some values, and reports whether that is enough.
func (c summedColumn) take(to *footer.Bounds, of footer.Bounds) bool {
	if of.Nulls < 0 {
		return false
	}
	to.Rows += of.Rows
	to.Nulls += of.Nulls
	if !c.bounds || of.Nulls == of.Rows {
		return true
	}
	if !of.Exact || of.Min == nil || of.Max == nil {
		return false
	}
	if to.Min == nil || hivetype.Compare(of.Min, to.Min, c.Type) < 0 {
		to.Min = of.Min
	}
	if to.Max == nil || hivetype.Compare(of.Max, to.Max, c.Type) > 0 {
		to.Max = of.Max
	}
	return true
}

// relation has the rows, as it stands in a FROM clause.
func (b *summed) relation() string {
	names, types := []string{"n"}, []string{"NULL::BIGINT"}
	constants := constantColumns(b.scan)
	literal := func(v hivetype.Value, t hivetype.Type) string { return b.l.expr(&analysis.Const{Value: v, T: t}) }
	for _, c := range constants {
		names, types = append(names, column(c.ID)), append(types, literal(nil, c.Type))
	}
	for i, c := range b.columns {
		names = append(names, fmt.Sprintf("v%d", i), fmt.Sprintf("lo%d", i), fmt.Sprintf("hi%d", i))
		types = append(types, "NULL::BIGINT", literal(nil, c.Type), literal(nil, c.Type))
	}
	alias := " AS " + b.l.fresh("v") + "(" + strings.Join(names, ", ") + ")"
	if len(b.rows) == 0 {
		return "(SELECT " + strings.Join(types, ", ") + " WHERE FALSE)" + alias
	}
	rows := make([]string, len(b.rows))
	for i, r := range b.rows {
		items := []string{fmt.Sprintf("%d::BIGINT", r.count)}
		for k, c := range constants {
			items = append(items, literal(r.values[k], c.Type))
		}
		for k, c := range b.columns {
			of := r.of[k]
			items = append(items, fmt.Sprintf("%d::BIGINT", of.Rows-of.Nulls), literal(of.Min, c.Type), literal(of.Max, c.Type))
		}
		rows[i] = "(" + strings.Join(items, ", ") + ")"
	}
	return "(VALUES " + strings.Join(rows, ", ") + ")" + alias
}
