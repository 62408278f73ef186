package duck

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// aggregate computes the keys in a SELECT of their own, so that GROUP BY sees only names.
func (l *lowerer) aggregate(a *analysis.Aggregate) string {
	if sql, ok := l.summary(a); ok {
		return sql
	}
	keys, list := make([]string, len(a.Keys)), []string{}
	inner := []string{}
	for _, c := range a.Input.Columns() {
		inner = append(inner, column(c.ID))
	}
	for i, k := range a.Keys {
		keys[i] = column(k.ID)
		if a.Sets != nil && !inSome(a.Sets, i) {
			list = append(list, "NULL::"+l.sqlType(k.Type)+" AS "+keys[i])
		} else {
			list = append(list, keys[i])
		}
		if !slices.Contains(inner, keys[i]) {
			inner = append(inner, l.columnValue(k)+" AS "+keys[i])
		}
	}
	if len(inner) == 0 {
		inner = []string{"1 AS one"}
	}
	for _, g := range a.Aggs {
		call := aggregateCall{f: g.Func, args: g.Args, distinct: g.Distinct, filter: g.Filter, t: g.Type, loose: l.loose[g.ID]}
		list = append(list, l.ofGroupedRows(a, call)+" AS "+column(g.ID))
	}
	if a.GroupingID != nil {
		list = append(list, groupingID(keys, a.Sets)+" AS "+column(a.GroupingID.ID))
	}
	if len(list) == 0 {
		list = []string{"count(*) AS one"} // one row, whatever there is below
	}
	s := "SELECT " + strings.Join(list, ", ") + " FROM (SELECT " + strings.Join(inner, ", ") +
		" FROM " + l.from(a.Input) + ") AS " + l.fresh("r")
	switch {
	case a.Sets != nil:
		s += " GROUP BY GROUPING SETS (" + groupingSets(keys, a.Sets) + ")"
	case len(keys) > 0:
		s += " GROUP BY " + strings.Join(keys, ", ")
	}
	return s
}

// ofGroupedRows is an aggregate function. One that takes DISTINCT values of a key of GROUPING SETS
// finds only NULLs where the rows are not grouped by the key, as in Hive.
func (l *lowerer) ofGroupedRows(a *analysis.Aggregate, c aggregateCall) string {
	x := l.aggregateFunction(c)
	if !c.distinct || a.Sets == nil {
		return x
	}
	var grouped []string
	for i, k := range a.Keys {
		same := func(arg analysis.Expr) bool {
			if c, ok := arg.(*analysis.Cast); ok {
				arg = c.X // to the type in which the function computes
			}
			return l.expr(arg) == l.expr(k.X)
		}
		switch {
		case !slices.ContainsFunc(c.args, same):
		case inSome(a.Sets, i):
			grouped = append(grouped, "grouping("+column(k.ID)+") = 0")
		default:
			grouped = append(grouped, "FALSE")
		}
	}
	if grouped == nil {
		return x
	}
	none := "NULL::" + l.sqlType(c.t)
	if c.f.Name == "count" {
		none = "0::BIGINT"
	}
	return "CASE WHEN " + strings.Join(grouped, " AND ") + " THEN " + x + " ELSE " + none + " END"
}

// inSome reports whether a key is in one of the sets. One that is in none is always NULL, and
// DuckDB does not know it.
func inSome(sets [][]int, key int) bool {
	return slices.ContainsFunc(sets, func(set []int) bool { return slices.Contains(set, key) })
}

// groupingID has a bit for each key, the last key's lowest, that is 1 where the row is not grouped
// by it.
func groupingID(keys []string, sets [][]int) string {
	id := "0::BIGINT"
	for i, k := range keys {
		bit := "0"
		switch {
		case sets == nil:
		case inSome(sets, i):
			bit = "grouping(" + k + ")"
		default:
			bit = "1"
		}
		id = "(" + id + " * 2 + " + bit + ")"
	}
	return id + "::BIGINT"
}

// groupingSets leaves out sets that are there already, as Hive does.
func groupingSets(keys []string, sets [][]int) string {
	var list []string
	for _, set := range sets {
		names := make([]string, len(set))
		for k, index := range set {
			names[k] = keys[index]
		}
		slices.Sort(names)
		if s := "(" + strings.Join(names, ", ") + ")"; !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return strings.Join(list, ", ")
}

// aggregateCall is an aggregate function over a group or, with over, over a window.
type aggregateCall struct {
	f        *analysis.Function
	args     []analysis.Expr
	distinct bool
	filter   analysis.Expr
	t        hivetype.Type
	over     string
	wide     bool // over is the same for all rows of a partition
	loose    bool // any decimal type will do
}

func (l *lowerer) aggregateFunction(c aggregateCall) string {
	args := l.exprs(c.args)
	var conditions []string
	if c.filter != nil {
		conditions = append(conditions, l.expr(c.filter))
	}
	// whole calls a DuckDB aggregate with the modifiers of this call.
	whole := func(name, args string, more ...string) string {
		if c.distinct {
			args = "DISTINCT " + args
		}
		s := name + "(" + args + ")"
		if where := append(more, conditions...); len(where) > 0 {
			s += " FILTER (WHERE " + strings.Join(where, " AND ") + ")"
		}
		return s + c.over
	}
	switch c.f.Name {
	case "count":
		return l.count(args, c, whole)
	case "sum":
		switch c.t.Kind {
		case hivetype.BigInt:
			return "skep_to_bigint(" + whole("sum", args[0]) + "::HUGEINT)"
		case hivetype.Decimal:
			sum := l.decimalSum(c, whole, args[0])
			if !c.loose {
				sum = "TRY_CAST(" + sum + " AS " + l.sqlType(c.t) + ")"
			}
			return sum
		default:
			return whole("sum", args[0])
		}
	case "avg":
		if c.t.Kind != hivetype.Decimal {
			return whole("avg", args[0])
		}
		sum := hivetype.DecimalOf(hivetype.MaxPrecision, c.args[0].Type().Scale)
		return l.decimal("div", l.decimalSum(c, whole, args[0]), whole("count", args[0]), sum, hivetype.DecimalOf(19, 0), c.t)
	case "collect_list", "collect_set":
		c.distinct = c.distinct || c.f.Name == "collect_set"
		return "coalesce(" + whole("list", args[0], args[0]+" IS NOT NULL") + ", []::" + l.sqlType(c.t) + ")"
	case "min", "max":
		if c.loose {
			return whole(c.f.Name, l.compact(c.args[0]))
		}
		if c.f.Name == "max" && c.args[0].Type().Kind == hivetype.Struct {
			return whole("arg_max", args[0]+", "+nullsLeast(args[0], c.args[0].Type()), args[0]+" IS NOT NULL")
		}
	case "approx_distinct":
		return whole("approx_count_distinct", args[0])
	case "compute_bit_vector_hll":
		return l.sketch(c, whole, args[0])
	case "percentile", "percentile_cont", "percentile_disc":
		return l.percentile(c, whole, args)
	case "percentile_approx":
		return l.overList(c, percentileApprox, whole, args)
	case "histogram_numeric":
		return l.overList(c, histogramOf, whole, args)
	case "ngrams":
		return l.overList(c, ngramsOf, whole, args)
	case "context_ngrams":
		return l.overList(c, contextNgramsOf, whole, args)
	case "regr_count":
		return whole("regr_count", strings.Join(args, ", ")) + "::BIGINT"
	}
	if !slices.Contains(sameAggregates, c.f.Name) {
		return l.fail(unsupported("the aggregate function %s", c.f.Name))
	}
	s := whole(c.f.Name, strings.Join(args, ", "))
	if c.f.Name == "corr" || strings.HasPrefix(c.f.Name, "regr_") {
		return "nullif(" + s + ", 'NaN'::DOUBLE)" // of too few or equal values
	}
	return s
}

// decimalSum adds up decimals. Where the sum might leave the range in which DuckDB adds, and end
// in an error instead of NULL, it is our own.
func (l *lowerer) decimalSum(c aggregateCall, whole func(string, string, ...string) string, x string) string {
	const safe = 28 // digits to which ten billion can be added
	t := c.args[0].Type()
	if l.compactable(c.args[0]).ok {
		return whole("sum", l.compact(c.args[0]))
	}
	// DuckDB hands aggregates of C one state for all rows of a partition, where they expect as many.
	if t.Kind != hivetype.Decimal || t.Precision <= safe || c.wide {
		return whole("sum", x)
	}
	name := fmt.Sprintf("%s%d", sumPrefix, t.Scale)
	if !slices.Contains(l.decimals, name) {
		l.decimals = append(l.decimals, name)
	}
	return whole(name, "("+x+")::"+l.sqlType(hivetype.DecimalOf(hivetype.MaxPrecision, t.Scale)))
}

// sameAggregates are called in DuckDB as in Hive.
var sameAggregates = []string{
	"max", "min", "corr", "covar_pop", "covar_samp", "regr_avgx", "regr_avgy", "regr_intercept",
	"regr_r2", "regr_slope", "regr_sxx", "regr_sxy", "regr_syy", "stddev_pop", "stddev_samp",
	"var_pop", "var_samp",
}

// count counts rows where no argument is NULL.
func (l *lowerer) count(args []string, c aggregateCall, whole func(string, string, ...string) string) string {
	switch len(args) {
	case 0:
		c.distinct = false
		return whole("count", "*")
	case 1:
		return whole("count", args[0])
	}
	var notNull []string
	for _, a := range args {
		notNull = append(notNull, a+" IS NOT NULL")
	}
	if c.distinct {
		return whole("count", "("+strings.Join(args, ", ")+")", notNull...)
	}
	return whole("count", "1", notNull...)
}

// nullsLeast is a value that sorts as x, a struct or a part of one, but with NULLs inside it first.
func nullsLeast(x string, t hivetype.Type) string {
	if t.Kind != hivetype.Struct {
		return "struct_pack(n := " + x + " IS NOT NULL, v := " + x + ")"
	}
	fields := make([]string, len(t.Fields))
	for i, f := range t.Fields {
		fields[i] = fmt.Sprintf("f%d := %s", i, nullsLeast("struct_extract("+x+", "+quote(f.Name)+")", f.Type))
	}
	return "struct_pack(n := " + x + " IS NOT NULL, " + strings.Join(fields, ", ") + ")"
}

// percentile wants its second argument as a constant, which DuckDB does too.
func (l *lowerer) percentile(c aggregateCall, whole func(string, string, ...string) string, args []string) string {
	if !constant(c.args[1]) {
		return l.fail(unsupported("%s with a percentile that is not a constant", c.f.Name))
	}
	if c.f.Name == "percentile_disc" {
		return whole("quantile_disc", args[0]+", "+args[1])
	}
	return whole("quantile_cont", args[0]+", "+args[1])
}

// overList is an aggregate function that Go computes from a list of all values of a group that are
// not NULL, and the other arguments, which are constants.
func (l *lowerer) overList(c aggregateCall, call compute, whole func(string, string, ...string) string, args []string) string {
	f := &computed{name: c.f.Name, result: c.t, start: func() compute { return call }}
	for i, x := range c.args {
		if i > 0 && !constant(x) {
			return l.fail(unsupported("%s with an argument %d that is not a constant", c.f.Name, i+1))
		}
		f.args = append(f.args, x.Type())
	}
	f.args[0] = hivetype.ArrayOf(f.args[0])
	return l.compute(f, append([]string{whole("list", args[0], args[0]+" IS NOT NULL")}, args[1:]...))
}

// sketch is Hive's sketch of the different values of an argument.
func (l *lowerer) sketch(c aggregateCall, whole func(string, string, ...string) string, x string) string {
	switch kind := c.args[0].Type().Kind; {
	case c.over != "" || c.wide: // as decimalSum says
		return l.fail(unsupported("%s as a window function", c.f.Name))
	case kind == hivetype.Date:
		x = "(" + x + " - DATE '1970-01-01')"
	case kind == hivetype.BigInt, kind == hivetype.Double, kind == hivetype.String:
	default:
		return l.fail(unsupported("%s of %s", c.f.Name, c.args[0].Type()))
	}
	finish := &computed{name: c.f.Name, args: []hivetype.Type{c.t}, result: c.t, start: func() compute { return sketchBytes }}
	return l.compute(finish, []string{whole("skep_sketch", x)})
}

// constant reports whether an expression refers to no column.
func constant(x analysis.Expr) bool {
	switch x := x.(type) {
	case *analysis.Const:
		return true
	case *analysis.Cast:
		return constant(x.X)
	case *analysis.Call:
		return !x.Func.Volatile && !slices.ContainsFunc(x.Args, func(a analysis.Expr) bool { return !constant(a) })
	}
	return false
}

func (l *lowerer) window(w *analysis.Window) string {
	list := []string{}
	for _, c := range w.Input.Columns() {
		list = append(list, column(c.ID))
	}
	for _, f := range w.Funcs {
		list = append(list, l.windowFunction(f)+" AS "+column(f.ID))
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM " + l.from(w.Input)
}

func (l *lowerer) windowFunction(f analysis.WindowColumn) string {
	over := l.over(f, "")
	b := f.Frame
	if b == nil || b.Unit != "RANGE" || b.Start.N == nil && b.Stop.N == nil || len(f.OrderBy) != 1 {
		return l.overWindow(f, over)
	}
	var without string
	switch frame := frameWithoutKey(b, f.OrderBy[0]); frame {
	case "":
		without = "NULL::" + l.sqlType(f.Type)
		if f.Func.Name == "count" {
			without = "0::BIGINT"
		}
	default:
		without = l.overWindow(f, l.over(f, frame))
	}
	return "CASE WHEN " + l.expr(f.OrderBy[0].X) + " IS NULL THEN " + without + " ELSE " + l.overWindow(f, over) + " END"
}

// frameWithoutKey is the RANGE frame of the rows whose key is NULL, which are at no distance from
// any row. Hive has it begin and end where such rows do, or with the partition; it is empty where
// no row is in it.
func frameWithoutKey(b *analysis.Frame, key analysis.SortKey) string {
	last := !key.NullsFirst || key.Desc // the case in which Hive takes the partition's end for a bound
	start, stop, exclude := b.Start.Kind, b.Stop.Kind, ""
	if b.Start.N != nil {
		switch {
		case b.Start.Kind == "PRECEDING" && last:
			start = "CURRENT ROW"
		case b.Start.Kind == "PRECEDING":
			start = "UNBOUNDED PRECEDING"
		case last, b.Stop.N != nil:
			return ""
		default: // the rows that have a key
			start, exclude = "CURRENT ROW", " EXCLUDE GROUP"
		}
	}
	if b.Stop.N != nil {
		switch {
		case last:
			stop = "UNBOUNDED FOLLOWING"
		case b.Stop.Kind == "PRECEDING":
			return ""
		default:
			stop = "CURRENT ROW"
		}
	}
	return fmt.Sprintf("RANGE BETWEEN %s AND %s%s", start, stop, exclude)
}

func (l *lowerer) overWindow(f analysis.WindowColumn, over string) string {
	if f.Func.Kind == analysis.AggregateFunction {
		wide := len(f.OrderBy) == 0 || strings.HasSuffix(over, "UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)")
		return l.aggregateFunction(aggregateCall{f: f.Func, args: f.Args, distinct: f.Distinct, t: f.Type, over: over, wide: wide})
	}
	args := l.exprs(f.Args)
	skip := f.IgnoreNulls
	switch f.Func.Name {
	case "first_value", "last_value":
		if len(f.Args) == 2 {
			c, ok := f.Args[1].(*analysis.Const)
			if !ok {
				return l.fail(unsupported("%s with a second argument that is not a constant", f.Func.Name))
			}
			skip = skip || c.Value == true
			args = args[:1]
		}
	case "lag", "lead":
		if len(args) > 1 {
			args[1] += "::BIGINT"
		}
	case "row_number", "rank", "dense_rank", "ntile", "cume_dist", "percent_rank":
	default:
		return l.fail(unsupported("the window function %s", f.Func.Name))
	}
	text := strings.Join(args, ", ")
	if skip {
		text += " IGNORE NULLS"
	}
	return "(" + f.Func.Name + "(" + text + ")" + over + ")::" + l.sqlType(f.Type)
}

// over is the window of f, with a frame of its own or the one given.
func (l *lowerer) over(f analysis.WindowColumn, frame string) string {
	var clauses []string
	if len(f.PartitionBy) > 0 {
		clauses = append(clauses, "PARTITION BY "+strings.Join(l.exprs(f.PartitionBy), ", "))
	}
	offsets := frame == "" && f.Frame != nil && f.Frame.Unit == "RANGE" && (f.Frame.Start.N != nil || f.Frame.Stop.N != nil)
	if len(f.OrderBy) > 0 {
		keys := f.OrderBy
		if offsets {
			keys = l.distanceKeys(keys)
		}
		clauses = append(clauses, "ORDER BY "+l.sortKeys(keys))
	}
	switch {
	case frame != "":
		clauses = append(clauses, frame)
	case f.Frame != nil:
		start, stop := l.bound(f.Frame.Start, offsets), l.bound(f.Frame.Stop, offsets)
		if offsets {
			start, stop = l.distant(start, "FOLLOWING", f.Frame.Start, f.OrderBy), l.distant(stop, "PRECEDING", f.Frame.Stop, f.OrderBy)
		}
		clauses = append(clauses, fmt.Sprintf("%s BETWEEN %s AND %s", f.Frame.Unit, start, stop))
	}
	return " OVER (" + strings.Join(clauses, " ") + ")"
}

// distanceKeys makes the key of a RANGE frame with offsets a double: of dates in days, of
// timestamps in seconds.
func (l *lowerer) distanceKeys(keys []analysis.SortKey) []analysis.SortKey {
	if len(keys) != 1 {
		l.fail(unsupported("a RANGE frame with an offset and %d keys of ORDER BY", len(keys)))
		return keys
	}
	k := keys[0]
	switch t := k.X.Type(); {
	case t.Numeric():
		k.X = &analysis.Cast{X: k.X, T: hivetype.Of(hivetype.Double)}
	case t.Kind == hivetype.Date:
		days := &analysis.Function{Name: "datediff"}
		epoch := &analysis.Const{Value: time.Unix(0, 0).UTC(), T: t}
		k.X = &analysis.Cast{T: hivetype.Of(hivetype.Double),
			X: &analysis.Call{Func: days, Args: []analysis.Expr{k.X, epoch}, T: hivetype.Of(hivetype.Int)}}
	case instant(t):
		k.X = &analysis.Cast{X: k.X, T: hivetype.Of(hivetype.Double)}
	default:
		l.fail(unsupported("a RANGE frame with an offset over %s", t))
	}
	return []analysis.SortKey{k}
}

// distant is a bound of a RANGE frame with offsets. Hive takes away from the row, which it is where it
// has the direction given, what is farther than the offset, and not what is exactly as far. Of decimals it
// compares whole distances.
func (l *lowerer) distant(bound, away string, b analysis.FrameBound, keys []analysis.SortKey) string {
	if b.N == nil {
		return bound
	}
	n := strings.TrimSuffix(bound, " "+b.Kind)
	little := "(coalesce(abs(" + l.expr(l.distanceKeys(keys)[0].X) + "), 0) + " + n + ") * 4.5e-16::DOUBLE"
	decimal := keys[0].X.Type().Kind == hivetype.Decimal
	switch {
	case decimal && b.Kind == away:
		n = "(" + n + " + 1)"
	case decimal:
		n = "(" + n + " + 1 - " + little + ")"
	case b.Kind == away:
		n = "(" + n + " + " + little + ")"
	}
	return n + " " + b.Kind
}

func (l *lowerer) bound(b analysis.FrameBound, distance bool) string {
	switch {
	case b.N == nil:
		return b.Kind
	case distance:
		return l.castTo(b.N, hivetype.Of(hivetype.Double)) + " " + b.Kind
	}
	return l.expr(b.N) + " " + b.Kind
}
