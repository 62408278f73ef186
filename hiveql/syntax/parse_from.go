package syntax

// from parses the list behind FROM. A comma binds like a join, to the left: in
// `a, b JOIN c ON ...` the condition may speak of a, so that a and b are joined first.
func (p *parser) from() []TableExpr {
	start, links := p.i, 0
	var items []TableExpr
	for {
		item := p.tableAtom(len(items) == 0)
		items = append(items, item)
		for p.joinNext() && p.chain(&links) {
			left := items[0]
			for _, r := range items[1:] {
				left = &Join{Span: p.span(start), Kind: "CROSS", L: left, R: r}
			}
			items = []TableExpr{p.join(start, left)}
		}
		if !p.accept(",") || !p.chain(&links) {
			return items
		}
	}
}

// joinedTable parses the joins in parentheses as one table expression.
func (p *parser) joinedTable() TableExpr {
	start := p.i
	items := p.from()
	left := items[0]
	for _, r := range items[1:] {
		left = &Join{Span: p.span(start), Kind: "CROSS", L: left, R: r}
	}
	return left
}

func (p *parser) joinNext() bool {
	switch p.tok().text {
	case "JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS":
		return true
	}
	return false
}

func (p *parser) join(start int, left TableExpr) TableExpr {
	j := &Join{Kind: p.joinKind(), L: left}
	p.expect("JOIN")
	j.R = p.tableAtom(false)
	switch {
	case p.accept("ON"):
		j.On = p.expr()
	case p.accept("USING"):
		j.Using = p.parenIdents()
	}
	j.Span = p.span(start)
	return p.lateralViews(start, j)
}

func (p *parser) joinKind() string {
	switch word := p.tok().text; word {
	case "JOIN":
		return "INNER"
	case "INNER", "CROSS":
		p.next()
		return word
	case "LEFT":
		p.next()
		for _, w := range []string{"SEMI", "ANTI"} {
			if p.accept(w) {
				return "LEFT " + w
			}
		}
		p.accept("OUTER")
		return word
	default:
		p.next()
		p.accept("OUTER")
		return word
	}
}

// tableAtom parses one table, subquery or parenthesised join, with its lateral views. As in Hive
// a join in parentheses can only be the first.
func (p *parser) tableAtom(first bool) TableExpr {
	if !p.enter() {
		return nil
	}
	defer p.leave()
	start := p.i
	var t TableExpr
	switch {
	case p.queryAt(p.i):
		t = p.subquery(start, p.parenQuery())
	case p.at("("):
		open := p.tok()
		p.next()
		t = p.joinedTable()
		p.expect(")")
		if !first && isJoin(bottom(t)) {
			p.fail(open, "a join in parentheses stands behind another table", "put it first, or make it a subquery")
		}
	case p.at("TABLE", "("):
		p.next()
		t = p.subquery(start, p.parenQuery())
	case p.isIdent(p.tok()) && p.ahead(1).text == "(" && p.ahead(2).text == "ON":
		t = p.tableFunction()
	case p.at("UNIQUEJOIN"):
		p.unsupported(p.tok(), "UNIQUEJOIN")
	default:
		t = p.tableRef()
	}
	return p.lateralViews(start, t)
}

// subquery parses the alias behind a query in parentheses.
func (p *parser) subquery(start int, q *Query) TableExpr {
	s := &SubqueryRef{Query: q, Alias: p.alias()}
	if s.Alias != nil && p.at("(") {
		s.Columns = p.parenIdents()
	}
	s.Span = p.span(start)
	return s
}

// alias parses [AS] name; it is nil where there is none.
func (p *parser) alias() *Ident {
	if !p.accept("AS") && !p.aliasNext() {
		return nil
	}
	id := p.ident()
	return &id
}

func (p *parser) tableRef() TableExpr {
	start := p.i
	t := &TableRef{Name: p.objectName()}
	if p.at("(") && p.ahead(1).kind == tString {
		t.Properties = p.properties()
	}
	if p.at("FOR") && (p.ahead(1).text == "SYSTEM_TIME" || p.ahead(1).text == "SYSTEM_VERSION") {
		p.unsupported(p.tok(), "time travel (FOR "+p.ahead(1).text+")")
	}
	if p.at("TABLESAMPLE") {
		t.Sample = p.sample()
	}
	t.Alias = p.alias()
	if t.Sample == nil && p.at("TABLESAMPLE") {
		t.Sample = p.sample()
	}
	t.Span = p.span(start)
	return t
}

// tableFunction parses f(ON input [PARTITION BY ...] [ORDER BY ...] [name(value), ...]) alias.
func (p *parser) tableFunction() TableExpr {
	if !p.enter() {
		return nil
	}
	defer p.leave()
	start := p.i
	f := &TableFunction{Func: p.ident()}
	p.expect("(", "ON")
	at := p.i
	switch {
	case p.queryAt(p.i):
		f.Input = p.subquery(at, p.parenQuery())
	case p.ahead(1).text == "(" && p.ahead(2).text == "ON":
		f.Input = p.tableFunction()
	default:
		f.Input = p.tableRef()
	}
	f.PartitionBy, f.OrderBy = p.partitioning()
	if !p.at(")") {
		f.Args = list(p, p.functionArgument)
	}
	p.expect(")")
	f.Alias = p.alias()
	f.Span = p.span(start)
	return f
}

// functionArgument parses one name(value) of a partitioned table function.
func (p *parser) functionArgument() *Call {
	start := p.i
	c := &Call{Func: p.ident()}
	p.expect("(")
	c.Args = []Expr{p.expr()}
	p.expect(")")
	c.Span = p.span(start)
	return c
}

func (p *parser) sample() *Sample {
	start := p.i
	p.next()
	p.expect("(")
	s := &Sample{}
	t := p.tok()
	switch {
	case p.accept("BUCKET"):
		s.Kind = "BUCKET"
		from := p.i
		p.count()
		p.expect("OUT", "OF")
		p.count()
		s.Amount = p.source(from)
		if p.accept("ON") {
			s.On = p.exprs()
		}
	case t.kind == tByteLength:
		s.Kind, s.Amount = "BYTES", p.src[t.off:t.end]
		p.next()
	case t.kind == tInteger || t.kind == tDecimal:
		s.Amount = p.src[t.off:t.end]
		p.next()
		if s.Kind = p.tok().text; s.Kind != "PERCENT" && s.Kind != "ROWS" {
			p.failExpected("PERCENT or ROWS")
		}
		p.next()
	default:
		p.failExpected("BUCKET, a number of rows, a percentage or a length in bytes")
	}
	p.expect(")")
	s.Span = p.span(start)
	return s
}

// lateralViews parses the lateral views behind a table.
func (p *parser) lateralViews(start int, from TableExpr) TableExpr {
	links := 0
	for (p.at("LATERAL") || p.at(",", "LATERAL")) && p.chain(&links) {
		p.accept(",")
		p.next()
		v := &LateralView{From: from}
		if p.at("TABLE", "(") {
			p.lateralTable(v)
		} else {
			p.expect("VIEW")
			v.Outer = p.accept("OUTER")
			p.lateralFunction(v)
		}
		v.Span = p.span(start)
		from = v
	}
	return from
}

func (p *parser) lateralFunction(v *LateralView) {
	x := p.nameOrCall()
	c, ok := x.(*Call)
	if !ok {
		p.failExpected("( behind the function's name")
		return
	}
	v.Func = c
	if v.Table = p.ident(); p.accept("AS") {
		v.Columns = append(v.Columns, p.ident())
		for p.at(",") && p.isIdent(p.ahead(1)) {
			p.next()
			v.Columns = append(v.Columns, p.ident())
		}
	}
}

// lateralTable parses LATERAL TABLE(VALUES ...) AS t(a, b), which is a lateral view of
// inline(array(struct(...), ...)).
func (p *parser) lateralTable(v *LateralView) {
	start := p.i
	p.next()
	p.expect("(")
	if !p.at("VALUES") {
		p.failExpected("VALUES")
	}
	rows := p.values().Rows
	p.expect(")")
	span := p.span(start)
	array := &Call{Span: span, Func: Ident{Span: span, Name: "array"}}
	for _, r := range rows {
		array.Args = append(array.Args, &Call{Span: span, Func: Ident{Span: span, Name: "struct"}, Args: r})
	}
	v.Func = &Call{Span: span, Func: Ident{Span: span, Name: "inline"}, Args: []Expr{array}}
	p.accept("AS")
	v.Table = p.ident()
	if p.at("(") {
		v.Columns = p.parenIdents()
	}
}
