package duck

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

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

	given []string // args, lowered
	where string   // filter, lowered
}

// by calls an aggregate function of DuckDB's with the modifiers of this call, on the rows that fulfil more.
func (c *aggregateCall) by(name, args string, more ...string) string {
	if c.distinct {
		args = "DISTINCT " + args
	}
	if c.where != "" {
		more = append(more, c.where)
	}
	s := name + "(" + args + ")"
	if len(more) > 0 {
		s += " FILTER (WHERE " + strings.Join(more, " AND ") + ")"
	}
	return s + c.over
}

// listed is a list of the values of the first argument that are not NULL.
func (c *aggregateCall) listed() string {
	return c.by("list", c.given[0], c.given[0]+" IS NOT NULL")
}

// set is a list of the different values, in the order in which they come first, as that of Hive's LinkedHashSet is. The
// order is DuckDB's where values are composed of others, and over windows.
func (l *lowerer) set(c *aggregateCall) string {
	x, given, s := c.given[0], "", ""
	switch t := c.args[0].Type(); {
	case c.over != "" || c.wide || !t.Primitive(): // windows: as decimalSum says
		c.distinct = true
		s = c.listed()
	case t.Text():
		given = x
	case t.Integer():
		given = x + "::BIGINT"
	case t.Kind == hivetype.Float, t.Kind == hivetype.Double:
		given = x + "::DOUBLE"
	default:
		given = x + "::VARCHAR"
	}
	if given != "" {
		c.distinct = false
		s = c.by("skep_set", given) + "::" + l.sqlType(c.t)
	}
	return "coalesce(" + s + ", []::" + l.sqlType(c.t) + ")"
}

func (l *lowerer) aggregateFunction(c aggregateCall) string {
	c.given = l.exprs(c.args)
	if c.filter != nil {
		c.where = l.expr(c.filter)
	}
	switch c.f.Name {
	case "count":
		return c.count()
	case "sum":
		return l.sum(&c)
	case "avg":
		return l.average(&c)
	case "collect_list":
		return "coalesce(" + c.listed() + ", []::" + l.sqlType(c.t) + ")"
	case "collect_set":
		return l.set(&c)
	case "min", "max":
		return l.extreme(&c)
	case "approx_distinct":
		return c.by("approx_count_distinct", c.given[0])
	case "compute_bit_vector_hll":
		return l.sketch(&c)
	case "percentile", "percentile_cont", "percentile_disc":
		return l.percentile(&c)
	case "percentile_approx":
		return l.overList(&c, percentileApprox)
	case "histogram_numeric":
		return l.overList(&c, histogramOf)
	case "ngrams":
		return l.overList(&c, ngramsOf)
	case "context_ngrams":
		return l.overList(&c, contextNgramsOf)
	case "regr_count":
		return c.by("regr_count", strings.Join(c.given, ", ")) + "::BIGINT"
	}
	if !slices.Contains(sameAggregates, c.f.Name) {
		return l.fail(unsupported("the aggregate function %s", c.f.Name))
	}
	s := c.by(c.f.Name, strings.Join(c.given, ", "))
	if c.f.Name == "corr" || strings.HasPrefix(c.f.Name, "regr_") {
		return "nullif(" + s + ", 'NaN'::DOUBLE)" // of too few or equal values
	}
	return s
}

// sameAggregates are called in DuckDB as in Hive.
var sameAggregates = []string{
	"corr", "covar_pop", "covar_samp", "regr_avgx", "regr_avgy", "regr_intercept",
	"regr_r2", "regr_slope", "regr_sxx", "regr_sxy", "regr_syy", "stddev_pop", "stddev_samp",
	"var_pop", "var_samp",
}

func (l *lowerer) sum(c *aggregateCall) string {
	switch c.t.Kind {
	case hivetype.BigInt:
		return "skep_to_bigint(" + c.by("sum", c.given[0]) + "::HUGEINT)"
	case hivetype.Decimal:
		sum := l.decimalSum(c)
		if !c.loose {
			sum = "TRY_CAST(" + sum + " AS " + l.sqlType(c.t) + ")"
		}
		return sum
	}
	return c.by("sum", c.given[0])
}

func (l *lowerer) average(c *aggregateCall) string {
	if c.t.Kind != hivetype.Decimal {
		return c.by("avg", c.given[0])
	}
	sum := hivetype.DecimalOf(hivetype.MaxPrecision, c.args[0].Type().Scale)
	return l.decimal("div", l.decimalSum(c), c.by("count", c.given[0]), sum, hivetype.DecimalOf(19, 0), c.t)
}

// extreme is the least or the greatest value. A NULL inside a struct is the least to Hive, to DuckDB the greatest.
func (l *lowerer) extreme(c *aggregateCall) string {
	t, x := c.args[0].Type(), c.given[0]
	switch {
	case c.loose:
		return c.by(c.f.Name, l.compact(c.args[0]))
	case c.f.Name == "max" && t.Kind == hivetype.Struct:
		return c.by("arg_max", x+", "+nullsLeast(x, t), x+" IS NOT NULL")
	}
	return c.by(c.f.Name, x)
}

// decimalSum adds up decimals. Where the sum might leave the range in which DuckDB adds, and end
// in an error instead of NULL, it is our own.
func (l *lowerer) decimalSum(c *aggregateCall) string {
	const safe = 28 // digits to which ten billion can be added
	t, x := c.args[0].Type(), c.given[0]
	if l.compactable(c.args[0]).ok {
		return c.by("sum", l.compact(c.args[0]))
	}
	// DuckDB hands aggregates of C one state for all rows of a partition, where they expect as many.
	if t.Kind != hivetype.Decimal || t.Precision <= safe || c.wide {
		return c.by("sum", x)
	}
	name := fmt.Sprintf("%s%d", sumPrefix, t.Scale)
	if !slices.Contains(l.decimals, name) {
		l.decimals = append(l.decimals, name)
	}
	return c.by(name, "("+x+")::"+l.sqlType(hivetype.DecimalOf(hivetype.MaxPrecision, t.Scale)))
}

// count counts rows where no argument is NULL.
func (c *aggregateCall) count() string {
	switch len(c.given) {
	case 0:
		return c.by("count", "*")
	case 1:
		return c.by("count", c.given[0])
	}
	var notNull []string
	for _, x := range c.given {
		notNull = append(notNull, x+" IS NOT NULL")
	}
	if c.distinct {
		return c.by("count", "("+strings.Join(c.given, ", ")+")", notNull...)
	}
	return c.by("count", "1", notNull...)
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
func (l *lowerer) percentile(c *aggregateCall) string {
	if !constant(c.args[1]) {
		return l.fail(unsupported("%s with a percentile that is not a constant", c.f.Name))
	}
	if c.f.Name == "percentile_disc" {
		return c.by("quantile_disc", c.given[0]+", "+c.given[1])
	}
	return c.by("quantile_cont", c.given[0]+", "+c.given[1])
}

// overList is an aggregate function that Go computes from a list of all values of a group that are
// not NULL, and the other arguments, which are constants.
func (l *lowerer) overList(c *aggregateCall, call compute) string {
	f := &computed{name: c.f.Name, result: c.t, start: func() compute { return call }}
	for i, x := range c.args {
		if i > 0 && !constant(x) {
			return l.fail(unsupported("%s with an argument %d that is not a constant", c.f.Name, i+1))
		}
		f.args = append(f.args, x.Type())
	}
	f.args[0] = hivetype.ArrayOf(f.args[0])
	return l.compute(f, append([]string{c.listed()}, c.given[1:]...))
}

// sketch is Hive's sketch of the different values of an argument.
func (l *lowerer) sketch(c *aggregateCall) string {
	x := c.given[0]
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
	return l.compute(finish, []string{c.by("skep_sketch", x)})
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
