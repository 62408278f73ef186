package analysis

import (
	"errors"
	"strconv"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
)

// query plans a query within outer, whose columns it may use, and ctes, which its FROM may.
func (a *analyzer) query(q *syntax.Query, outer *scope, ctes *cteScope) (result, error) {
	ctes = with(ctes, q.With)
	order, err := sortItems(q)
	if err != nil {
		return result{}, err
	}
	var r result
	if s, ok := q.Body.(*syntax.Select); ok {
		r, err = a.selectBlock(s, order, q.DistributeBy, outer, ctes)
	} else if r, err = a.body(q.Body, outer, ctes); err == nil {
		r, err = a.sorted(r, order, outer, ctes)
	}
	if err != nil || q.Limit == nil {
		return r, err
	}
	l := &Limit{Input: r.rel}
	if l.Count, err = a.rowCount(q.Limit.Count); err != nil {
		return r, err
	}
	if q.Limit.Offset != nil {
		if l.Offset, err = a.rowCount(q.Limit.Offset); err != nil {
			return r, err
		}
	}
	r.rel = l
	return r, nil
}

// sortItems is what orders the result: ORDER BY, or SORT BY and CLUSTER BY, for which one
// sorted whole is as good as sorted pieces. DISTRIBUTE BY alone asks for no order and is only
// checked.
func sortItems(q *syntax.Query) ([]syntax.SortItem, error) {
	switch {
	case len(q.OrderBy) > 0 && len(q.DistributeBy) > 0:
		return nil, failf(q, 10047, "Cannot have both ORDER BY and DISTRIBUTE BY clauses")
	case len(q.OrderBy) > 0 && len(q.SortBy) > 0:
		return nil, failf(q, 10049, "Cannot have both ORDER BY and SORT BY clauses")
	case len(q.OrderBy) > 0 && len(q.ClusterBy) > 0:
		return nil, failf(q, 10050, "Cannot have both CLUSTER BY and ORDER BY clauses")
	case len(q.ClusterBy) > 0 && len(q.DistributeBy) > 0:
		return nil, failf(q, 10046, "Cannot have both CLUSTER BY and DISTRIBUTE BY clauses")
	case len(q.ClusterBy) > 0 && len(q.SortBy) > 0:
		return nil, failf(q, 10048, "Cannot have both CLUSTER BY and SORT BY clauses")
	case len(q.OrderBy) > 0:
		return q.OrderBy, nil
	case len(q.SortBy) > 0:
		return q.SortBy, nil
	}
	var items []syntax.SortItem
	for _, x := range q.ClusterBy {
		items = append(items, syntax.SortItem{Span: syntax.Span{From: x.Pos(), To: x.End()}, X: x})
	}
	return items, nil
}

func (a *analyzer) rowCount(e syntax.Expr) (int64, error) {
	c, err := a.constant(e)
	if err != nil {
		return 0, err
	}
	n, ok := c.Value.(int64)
	if !ok || n < 0 {
		return 0, failf(e, codeArguments, "Wrong arguments %s: LIMIT takes a number of rows", near(written(e)))
	}
	return n, nil
}

// constant resolves an expression without columns, which must fold.
func (a *analyzer) constant(e syntax.Expr) (*Const, error) {
	r := &resolver{a: a, sc: &scope{}, place: "a constant"}
	x, err := r.expr(e)
	if err != nil && !errors.Is(err, errNoTables) {
		return nil, err
	}
	c, ok := x.(*Const)
	if !ok {
		return nil, failf(e, codeArguments, "Wrong arguments %s: expected a constant", near(written(e)))
	}
	return c, nil
}

// body plans what is not one SELECT with its ORDER BY.
func (a *analyzer) body(b syntax.QueryBody, outer *scope, ctes *cteScope) (result, error) {
	if err := a.count(b); err != nil {
		return result{}, err
	}
	switch b := b.(type) {
	case *syntax.Query:
		return a.query(b, outer, ctes)
	case *syntax.Select:
		return a.selectBlock(b, nil, nil, outer, ctes)
	case *syntax.SetOp:
		return a.setOp(b, outer, ctes)
	case *syntax.Values:
		return a.values(b, outer, ctes)
	}
	return result{}, unsupported(b, "this kind of query")
}

// setOp plans UNION, INTERSECT and EXCEPT. The left side names the columns.
func (a *analyzer) setOp(b *syntax.SetOp, outer *scope, ctes *cteScope) (result, error) {
	l, err := a.body(b.L, outer, ctes)
	if err != nil {
		return l, err
	}
	r, err := a.body(b.R, outer, ctes)
	if err != nil {
		return r, err
	}
	if len(l.cols) != len(r.cols) {
		return r, failf(b.R, 0, "Schema of both sides of %s should match: the first has %d columns, this one has %d",
			unionName(b.Op), len(l.cols), len(r.cols))
	}
	s := &SetOp{Op: b.Op, All: b.All}
	types := make([]hivetype.Type, len(l.cols))
	for i, c := range l.cols {
		t, ok := hivetype.ForUnion(c.Type, r.cols[i].Type)
		if !ok {
			e := failf(b.R, 0, "Schema of both sides of %s should match: Column %s is of type %s on first table and type %s on second table",
				unionName(b.Op), c.Name, c.Type, r.cols[i].Type)
			e.Hint = "convert one of the two with CAST"
			return r, e
		}
		types[i] = t
		s.Cols = append(s.Cols, a.column(c.Name, t))
	}
	s.L, s.R = a.aligned(l, types), a.aligned(r, types)
	return result{rel: s, cols: s.Columns()}, nil
}

func unionName(op string) string {
	switch op {
	case "INTERSECT":
		return "intersect"
	case "EXCEPT":
		return "except"
	}
	return "union"
}

// aligned is a relation of exactly the result's columns, in order and of the given types.
func (a *analyzer) aligned(r result, types []hivetype.Type) Rel {
	p := &Project{Input: r.rel}
	as := r.rel.Columns()
	plain := len(as) == len(r.cols)
	for i, c := range r.cols {
		plain = plain && as[i].ID == c.ID && c.Type.Equal(types[i])
		p.Exprs = append(p.Exprs, Computed{
			Column: a.column(c.Name, types[i]), X: convert(&Ref{ID: c.ID, Name: c.Name, T: c.Type}, types[i]),
		})
	}
	if plain {
		return r.rel
	}
	return p
}

// values plans VALUES, whose columns are col1, col2 and so on.
func (a *analyzer) values(b *syntax.Values, outer *scope, ctes *cteScope) (result, error) {
	res := &resolver{a: a, sc: &scope{outer: outer}, ctes: ctes, place: "VALUES"}
	v := &Values{}
	var types []hivetype.Type
	for n, list := range b.Rows {
		if n > 0 && len(list) != len(types) {
			return result{}, failf(list[0], 0, "Expected %d columns in row %d of VALUES, got %d", len(types), n+1, len(list))
		}
		row, err := res.exprs(list)
		if err != nil {
			return result{}, err
		}
		for i, x := range row {
			if n == 0 {
				types = append(types, x.Type())
				continue
			}
			t, ok := hivetype.Common(types[i], x.Type())
			if !ok {
				return result{}, failf(list[i], codeArgumentType, "Argument type mismatch %s: the rows before have %s in column %d, this one has %s",
					near(written(list[i])), types[i], i+1, x.Type())
			}
			types[i] = t
		}
		v.Rows = append(v.Rows, row)
	}
	for _, row := range v.Rows {
		for i := range row {
			row[i] = convert(row[i], types[i])
		}
	}
	for i, t := range types {
		v.Cols = append(v.Cols, a.column("col"+strconv.Itoa(i+1), t))
	}
	return result{rel: v, cols: v.Columns()}, nil
}

// sorted orders a result that is not one SELECT: by its columns, or by their numbers.
func (a *analyzer) sorted(r result, items []syntax.SortItem, outer *scope, ctes *cteScope) (result, error) {
	if len(items) == 0 {
		return r, nil
	}
	sc := &scope{outer: outer, sources: []*source{{cols: r.cols}}}
	res := &resolver{a: a, sc: sc, ctes: ctes, place: "the ORDER BY of a set operation"}
	s := &Sort{Input: r.rel}
	for _, item := range items {
		n, err := a.position(item.X, len(r.cols), codeOrderByPosition)
		if err != nil {
			return r, err
		}
		var x Expr
		if n > 0 {
			c := r.cols[n-1]
			x = &Ref{ID: c.ID, Name: c.Name, T: c.Type}
		} else if x, err = res.expr(item.X); err != nil {
			return r, err
		}
		s.Keys = append(s.Keys, a.sortKey(x, item))
	}
	r.rel = s
	return r, nil
}

// position is the number of a column when e is such a number, otherwise 0.
//
// ORDER BY 1 means the first column unless a setting says otherwise; GROUP BY 1 means it only
// where a setting says so.
func (a *analyzer) position(e syntax.Expr, columns int, code int) (int, error) {
	l, ok := e.(*syntax.Literal)
	if !ok || l.Kind != syntax.IntegerLit {
		return 0, nil
	}
	clause, on := "Order By", a.env.setting("hive.orderby.position.alias", "true")
	if code == codeGroupByPosition {
		clause, on = "Group By", a.env.setting("hive.groupby.position.alias", "false")
	}
	if on != "true" && a.env.setting("hive.groupby.orderby.position.alias", "false") != "true" {
		return 0, nil
	}
	n, err := strconv.Atoi(l.Value)
	if err != nil || n < 1 || n > columns {
		return 0, failf(e, code, "Invalid position alias in %s: Position alias: %s does not exist, the select list has %d columns",
			clause, l.Value, columns)
	}
	return n, nil
}
