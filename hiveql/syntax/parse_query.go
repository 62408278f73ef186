package syntax

import (
	"slices"
	"strings"
)

// queryAt reports whether the parenthesis at token i opens a query, rather than an
// expression or a join that merely begins with one.
func (p *parser) queryAt(i int) bool {
	first := i
	for p.toks[i].text == "(" && i-first <= maxDepth {
		i++
	}
	if i == first || !startsQuery(&p.toks[i]) {
		return false
	}
	// Behind each inner parenthesis the query must end or go on.
	for i--; i > first; i-- {
		if match := p.toks[i].match; match == 0 || !continuesQuery(&p.toks[match+1]) {
			return false
		}
	}
	return true
}

func startsQuery(t *token) bool {
	switch t.text {
	case "SELECT", "WITH", "FROM", "VALUES":
		return true
	}
	return false
}

func continuesQuery(t *token) bool {
	switch t.text {
	case ")", "UNION", "INTERSECT", "EXCEPT", "MINUS", "ORDER", "LIMIT", "CLUSTER", "DISTRIBUTE", "SORT":
		return true
	}
	return false
}

// parenQuery parses a query in parentheses.
func (p *parser) parenQuery() *Query {
	p.expect("(")
	q := p.query()
	p.expect(")")
	return q
}

// query parses [WITH] body [ORDER BY ...] [LIMIT].
func (p *parser) query() *Query {
	start := p.i
	return p.queryAfter(start, p.with(), nil)
}

// queryAfter parses the query behind its WITH, or even behind its first SELECT block.
func (p *parser) queryAfter(start int, with []CTE, first QueryBody) *Query {
	q := &Query{}
	if !p.enter() {
		return q
	}
	defer p.leave()
	q.With = with
	if first == nil {
		first = p.operand()
	}
	q.Body = p.setOps(start, first)
	p.queryTail(q)
	q.Span = p.span(start)
	if inner, ok := q.Body.(*Query); ok && q.bare() {
		return inner
	}
	return q
}

// bare reports whether nothing stands around the body.
func (q *Query) bare() bool {
	return len(q.With) == 0 && len(q.OrderBy) == 0 && len(q.DistributeBy) == 0 && len(q.SortBy) == 0 &&
		len(q.ClusterBy) == 0 && q.Limit == nil
}

// queryTail parses ORDER BY and its like, and LIMIT.
func (p *parser) queryTail(q *Query) {
	for {
		switch {
		case q.OrderBy == nil && p.accept("ORDER", "BY"):
			q.OrderBy = p.sortItems()
		case q.ClusterBy == nil && p.accept("CLUSTER", "BY"):
			q.ClusterBy = p.groupedExprs()
		case q.DistributeBy == nil && p.accept("DISTRIBUTE", "BY"):
			q.DistributeBy = p.groupedExprs()
		case q.SortBy == nil && p.accept("SORT", "BY"):
			q.SortBy = p.sortItems()
		case q.Limit == nil && p.at("LIMIT"):
			q.Limit = p.limit()
		default:
			return
		}
	}
}

func (p *parser) with() []CTE {
	if !p.accept("WITH") {
		return nil
	}
	return list(p, func() CTE {
		start := p.i
		c := CTE{Name: p.ident()}
		if p.at("(") {
			c.Columns = p.parenIdents()
		}
		p.expect("AS")
		c.Query = p.parenQuery()
		c.Span = p.span(start)
		return c
	})
}

// setOps parses the operands behind the first; in Hive all set operations bind alike, to the left.
func (p *parser) setOps(start int, body QueryBody) QueryBody {
	links := 0
	for p.atAny("UNION", "INTERSECT", "EXCEPT", "MINUS") && p.chain(&links) {
		op := p.tok().text
		if op == "MINUS" {
			op = "EXCEPT"
		}
		p.next()
		all := p.accept("ALL")
		if !all {
			p.accept("DISTINCT")
		}
		r := p.operand()
		body = &SetOp{Span: p.span(start), Op: op, All: all, L: body, R: r}
	}
	return body
}

// operand parses what stands between set operations.
func (p *parser) operand() QueryBody {
	switch {
	case p.at("("):
		q := p.parenQuery()
		if q.bare() {
			switch q.Body.(type) {
			case *Select, *Values:
				return q.Body
			}
		}
		return q
	case p.at("VALUES"):
		return p.values()
	case p.at("FROM"):
		start := p.i
		p.next()
		return p.selectBlock(start, p.from())
	case p.atAny("SELECT", "MAP", "REDUCE"):
		return p.selectBlock(p.i, nil)
	}
	p.failExpected("a query")
	return &Select{}
}

func (p *parser) values() *Values {
	start := p.i
	p.next()
	n := &Values{}
	n.Rows = list(p, func() []Expr {
		row, names := p.valuesRow()
		if n.Names == nil {
			n.Names = names
		}
		return row
	})
	if !slices.ContainsFunc(n.Names, func(id Ident) bool { return id.Name != "" }) {
		n.Names = nil
	}
	n.Span = p.span(start)
	return n
}

// valuesRow parses (a, b AS c) and gives the aliases, an empty Ident where there is none.
func (p *parser) valuesRow() (row []Expr, names []Ident) {
	row = parenList(p, func() Expr {
		x := p.expr()
		if alias := p.alias(); alias != nil {
			names = append(names, *alias)
		} else {
			names = append(names, Ident{})
		}
		return x
	})
	return row, names
}

// selectBlock parses SELECT and its clauses. The source is given where FROM came first.
func (p *parser) selectBlock(start int, from []TableExpr) *Select {
	s := &Select{From: from}
	p.selectClause(s)
	switch {
	case p.accept("FROM"):
		if from != nil {
			p.fail(&p.toks[p.i-1], "a FROM clause stands in front of SELECT already", "")
		}
		s.From = p.from()
	case p.at("LATERAL") && from != nil:
		last := len(from) - 1
		s.From[last] = p.lateralViews(start, from[last])
	case p.at("LATERAL"):
		s.From = []TableExpr{p.lateralViews(p.i, nil)}
	}
	p.selectFilters(s)
	s.Span = p.span(start)
	return s
}

// selectClause parses SELECT with its list, or the words that call a script.
func (p *parser) selectClause(s *Select) {
	if p.atAny("MAP", "REDUCE") {
		p.next()
		s.Transform = p.transform(list(p, p.argument))
		return
	}
	p.expect("SELECT")
	if t := p.tok(); t.kind == tHint {
		s.Hint = strings.TrimSpace(p.src[t.off+len("/*+") : t.end-len("*/")])
		p.next()
	}
	if p.at("TRANSFORM", "(") {
		p.next()
		s.Transform = p.transform(parenList(p, p.argument))
		return
	}
	s.Distinct = p.accept("DISTINCT")
	if !s.Distinct {
		p.accept("ALL")
	}
	s.Items = list(p, p.selectItem)
}

// selectFilters parses WHERE and the clauses behind it.
func (p *parser) selectFilters(s *Select) {
	if p.accept("WHERE") {
		s.Where = p.expr()
	}
	if p.at("GROUP", "BY") {
		s.GroupBy = p.groupBy()
	}
	if p.accept("HAVING") {
		s.Having = p.expr()
	}
	for {
		switch {
		case s.Windows == nil && p.accept("WINDOW"):
			s.Windows = list(p, p.namedWindow)
		case s.Qualify == nil && p.accept("QUALIFY"):
			s.Qualify = p.expr()
		default:
			return
		}
	}
}

func (p *parser) namedWindow() NamedWindow {
	start := p.i
	w := NamedWindow{Name: p.ident()}
	p.expect("AS")
	w.Window = p.window()
	w.Span = p.span(start)
	return w
}

// selectItem parses *, t.*, or an expression with its alias or aliases.
func (p *parser) selectItem() SelectItem {
	start := p.i
	it := SelectItem{X: p.star()}
	if it.X == nil {
		it.X = p.expr()
		switch {
		case p.accept("AS"):
			if p.at("(") {
				it.Aliases = p.parenIdents()
			} else {
				it.Aliases = []Ident{p.ident()}
			}
		case p.aliasNext():
			it.Aliases = []Ident{p.ident()}
		}
	}
	it.Span = p.span(start)
	return it
}

// aliasNext reports whether the next word is an alias without AS, and not the beginning of
// the next clause.
func (p *parser) aliasNext() bool {
	t, next := p.tok(), p.ahead(1)
	switch t.text {
	case "SORT", "CLUSTER", "DISTRIBUTE":
		return next.text != "BY"
	case "LIMIT", "OFFSET":
		return next.kind != tInteger && next.text != "("
	case "ANTI":
		return next.text != "JOIN"
	}
	return p.isIdent(t)
}

func (p *parser) groupBy() *GroupBy {
	start := p.i
	p.next()
	p.next()
	g := &GroupBy{}
	switch {
	case p.at("(", ")"):
		p.next()
		p.next()
		g.Kind, g.Sets = "GROUPING SETS", [][]Expr{nil}
	case p.atAny("ROLLUP", "CUBE") && p.ahead(1).text == "(":
		g.Kind = p.tok().text
		p.next()
		g.Exprs = parenList(p, p.expr)
	default:
		g.Exprs = p.exprs()
		switch {
		case p.accept("WITH", "ROLLUP"):
			g.Kind = "ROLLUP"
		case p.accept("WITH", "CUBE"):
			g.Kind = "CUBE"
		case p.accept("GROUPING", "SETS"):
			g.Kind = "GROUPING SETS"
			g.Sets = parenList(p, p.groupingSet)
		}
	}
	g.Span = p.span(start)
	return g
}

// groupingSet parses (a, b), (), or one expression.
func (p *parser) groupingSet() []Expr {
	if p.accept("(", ")") {
		return nil
	}
	x := p.expr()
	if t, ok := x.(*Tuple); ok {
		return t.Elems
	}
	return []Expr{x}
}

// groupedExprs parses a list that may stand in parentheses, as in DISTRIBUTE BY (a, b).
func (p *parser) groupedExprs() []Expr {
	xs := p.exprs()
	if t, ok := xs[0].(*Tuple); ok && len(xs) == 1 {
		return t.Elems
	}
	return xs
}

// sortItems parses the keys of ORDER BY or SORT BY, whose list may stand in parentheses.
func (p *parser) sortItems() []SortItem {
	if match := p.tok().match; p.at("(") && match > 0 && p.endsSort(&p.toks[match+1]) && !p.queryAt(p.i) {
		return parenList(p, p.sortItem)
	}
	return list(p, p.sortItem)
}

// endsSort reports whether a sort key cannot go on with t.
func (p *parser) endsSort(t *token) bool {
	switch t.text {
	case ")", "LIMIT", "ROWS", "RANGE", "UNION", "INSERT", "SELECT", "CLUSTER", "DISTRIBUTE":
		return true
	}
	return t.kind == tEOF || t.kind == tWord && !t.reserved && t.text == "" || t.kind == tQuoted
}

func (p *parser) sortItem() SortItem {
	start := p.i
	it := SortItem{X: p.expr()}
	if !p.accept("ASC") {
		it.Desc = p.accept("DESC")
	}
	for _, w := range []string{"FIRST", "LAST"} {
		if p.accept("NULLS", w) {
			it.Nulls = w
		}
	}
	it.Span = p.span(start)
	return it
}

func (p *parser) limit() *Limit {
	start := p.i
	p.next()
	l := &Limit{Count: p.wholeNumber()}
	switch {
	case p.accept(","):
		l.Offset = l.Count
		l.Count = p.wholeNumber()
	case p.accept("OFFSET"):
		l.Offset = p.wholeNumber()
	}
	l.Span = p.span(start)
	return l
}

func (p *parser) wholeNumber() Expr {
	if p.tok().kind != tInteger {
		p.failExpected("a whole number")
		return nil
	}
	return p.literal()
}

// transform parses what stands behind the arguments of TRANSFORM, MAP or REDUCE.
func (p *parser) transform(args []Expr) *Transform {
	start := p.i
	t := &Transform{Args: args}
	t.In = p.rowFormat()
	if p.accept("RECORDWRITER") {
		t.RecordWriter = p.str()
	}
	p.expect("USING")
	t.Command = p.str()
	if p.accept("AS") {
		if p.at("(") {
			t.Columns = parenList(p, p.scriptColumn)
		} else {
			t.Columns = list(p, p.scriptColumn)
		}
	}
	t.Out = p.rowFormat()
	if p.accept("RECORDREADER") {
		t.RecordReader = p.str()
	}
	t.Span = p.span(start)
	return t
}

// scriptColumn parses a column that a script gives: a name and perhaps a type.
func (p *parser) scriptColumn() ColumnDef {
	start := p.i
	c := ColumnDef{Name: p.ident()}
	if t := p.tok(); t.kind == tWord && isTypeWord(t.text) {
		c.Type = p.typ()
	}
	if p.accept("COMMENT") {
		c.Comment = p.str()
	}
	c.Span = p.span(start)
	return c
}

func isTypeWord(word string) bool {
	switch word {
	case "TINYINT", "SMALLINT", "INT", "INTEGER", "BIGINT", "BOOLEAN", "FLOAT", "REAL", "DOUBLE", "DATE",
		"DATETIME", "TIMESTAMP", "TIMESTAMPLOCALTZ", "STRING", "BINARY", "DECIMAL", "DEC", "NUMERIC",
		"VARCHAR", "CHAR", "ARRAY", "MAP", "UNIONTYPE", "STRUCT":
		return true
	}
	return false
}
