package duck

import (
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
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
