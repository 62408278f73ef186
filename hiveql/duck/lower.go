package duck

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// lowerer turns one plan into SQL. Its methods return SQL; the first thing that goes wrong is
// kept in err, and the SQL is then of no use.
type lowerer struct {
	ctx  context.Context // of the one call that the lowerer lives for
	exec *Executor
	conn *connection
	src  hiveql.Source

	err      error
	names    int      // for names of relations and lambda parameters
	decimals []string // decimal functions to register before the SQL runs
	computed []*computed
	ordered  bool   // whether scans are to give rows in the order of their files
	row      string // the column that numbers the rows of the relation that is read; may be ""
	feeds    *feeds
	prepared map[*analysis.Scan][]*scanGroup
	withs    map[*analysis.Shared]string
	urls     map[string]string // of the files that DuckDB reads, by their local paths
	release  []func()          // called when the query is over
	came     []came            // far Parquet files
	giveUp   func(error)       // ends the query for a reason that DuckDB does not know

	resolution resolution

	scanned map[int]scanned // numbers that are read, by the IDs of their columns
	spans   map[int]span    // of columns
	reaches map[analysis.Expr]compactable
	loose   map[int]bool // columns of another decimal type than Hive's, with the same scale
}

func (l *lowerer) fail(err error) string {
	if l.err == nil {
		l.err = err
	}
	return "NULL"
}

// fresh is a name that occurs nowhere else.
func (l *lowerer) fresh(prefix string) string {
	l.names++
	return fmt.Sprintf("%s%d", prefix, l.names)
}

func column(id int) string { return fmt.Sprintf("c%d", id) }

// columns lists columns for a SELECT. A relation without columns still has rows: it puts out
// one that nobody refers to.
func columns(cols []analysis.Column) string {
	if len(cols) == 0 {
		return "1 AS one"
	}
	list := make([]string, len(cols))
	for i, c := range cols {
		list[i] = column(c.ID)
	}
	return strings.Join(list, ", ")
}

// query is the SQL of a whole query: its output columns, named o0, o1 ... in order. The order of
// rows that the plan asks for is asked of the outermost SELECT.
func (l *lowerer) query(q *analysis.Query) string {
	if err := l.prepare(q); err != nil {
		return l.fail(err)
	}
	l.resolution = l.resolutionOf(q)
	l.feeds.resolution = l.resolution
	l.findCompact(q)
	return l.shared(q) + l.root(q)
}

// shared is the WITH clause for what a query reads more than once. Whether its rows are kept is left
// to DuckDB.
func (l *lowerer) shared(q *analysis.Query) string {
	var list []string
	for _, s := range q.Shared {
		sql := l.rel(s.Rel)
		name := l.fresh("w")
		l.withs[s] = name
		list = append(list, name+" AS ("+sql+")")
	}
	if len(list) == 0 {
		return ""
	}
	return "WITH " + strings.Join(list, ", ") + " "
}

// use reads what is shared.
func (l *lowerer) use(u *analysis.Use) string {
	name, ok := l.withs[u.Of]
	if !ok {
		return l.fail(&Error{Op: "plan", Msg: "what a query shares is read before it is made"})
	}
	list := make([]string, len(u.Cols))
	for i, c := range u.Cols {
		list[i] = column(c.From) + " AS " + column(c.ID)
	}
	if len(list) == 0 {
		list = []string{"1 AS one"}
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM " + name
}

func (l *lowerer) root(q *analysis.Query) string {
	outs := make([]string, len(q.Output))
	for i, o := range q.Output {
		if err := checkType(o.Type); err != nil {
			l.fail(err)
		}
		outs[i] = fmt.Sprintf("%s AS o%d", l.typed(o.ID, o.Type), i)
	}
	if len(outs) == 0 {
		outs = []string{"1 AS one"}
	}
	if p, ok := q.Root.(*analysis.Project); ok && sorted(p.Input) {
		return l.orderedQuery(q, p)
	}
	defer l.inOrder(q.Root)()
	rel, order := q.Root, ""
	limit, _ := rel.(*analysis.Limit)
	if limit != nil && sorted(limit.Input) {
		rel, order = limit.Input, limitClause(limit)
	}
	if s, ok := rel.(*analysis.Sort); ok {
		rel, order = s.Input, l.orderBy(s.Keys)+order
	}
	return "SELECT " + strings.Join(outs, ", ") + " FROM " + l.from(rel) + order
}

// sorted reports whether the rows of r come in an order that was asked for.
func sorted(r analysis.Rel) bool {
	switch r := r.(type) {
	case *analysis.Sort:
		return true
	case *analysis.Limit:
		return sorted(r.Input)
	}
	return false
}

// orderedQuery is the SQL of a query whose rows are sorted before its output is computed.
func (l *lowerer) orderedQuery(q *analysis.Query, p *analysis.Project) string {
	exprs := map[int]string{}
	for _, c := range p.Exprs {
		exprs[c.ID] = l.expr(c.X)
	}
	outs := make([]string, len(q.Output))
	for i, o := range q.Output {
		outs[i] = fmt.Sprintf("%s AS o%d", exprs[o.ID], i)
	}
	limit, rel := "", p.Input
	if r, ok := rel.(*analysis.Limit); ok {
		limit, rel = limitClause(r), r.Input
	}
	s, ok := rel.(*analysis.Sort)
	if !ok {
		return "SELECT " + strings.Join(outs, ", ") + " FROM " + l.from(p.Input)
	}
	return "SELECT " + strings.Join(outs, ", ") + " FROM " + l.from(s.Input) +
		l.orderBy(s.Keys) + limit
}

func limitClause(r *analysis.Limit) string {
	s := ""
	if r.Count >= 0 {
		s = fmt.Sprintf(" LIMIT %d", r.Count)
	}
	if r.Offset > 0 {
		s += fmt.Sprintf(" OFFSET %d", r.Offset)
	}
	return s
}

// orderBy leaves constants out, which order nothing; DuckDB refuses those of text.
func (l *lowerer) orderBy(keys []analysis.SortKey) string {
	keys = slices.DeleteFunc(slices.Clone(keys), func(k analysis.SortKey) bool {
		_, constant := k.X.(*analysis.Const)
		return constant
	})
	if len(keys) == 0 {
		return ""
	}
	return " ORDER BY " + l.sortKeys(keys)
}

func (l *lowerer) sortKeys(keys []analysis.SortKey) string {
	list := make([]string, len(keys))
	for i, k := range keys {
		direction, nulls := " ASC", " NULLS LAST"
		if k.Desc {
			direction = " DESC"
		}
		if k.NullsFirst {
			nulls = " NULLS FIRST"
		}
		list[i] = l.expr(k.X) + direction + nulls
	}
	return strings.Join(list, ", ")
}

// from is r as it stands in a FROM clause. Inner joins stand there by themselves: DuckDB finds the
// order for all joins of one clause, and not beyond a subselect.
func (l *lowerer) from(r analysis.Rel) string {
	if j, ok := r.(*analysis.Join); ok && inner(j) {
		return l.joined(j)
	}
	return "(" + l.rel(r) + ") AS " + l.fresh("r")
}

// condition is a boolean expression, or TRUE.
func (l *lowerer) condition(x analysis.Expr) string {
	if x == nil {
		return "TRUE"
	}
	return l.expr(x)
}

// castTo is an expression converted by Hive's rules.
func (l *lowerer) castTo(x analysis.Expr, to hivetype.Type) string {
	return l.cast(l.expr(x), x.Type(), to)
}
