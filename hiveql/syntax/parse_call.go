package syntax

import "strings"

// nameOrCall parses a name, or f(...), or db.f(...).
func (p *parser) nameOrCall() Expr {
	start := p.i
	if p.ahead(1).text == "(" {
		return p.call(start, nil)
	}
	if p.ahead(1).text == "." && p.isIdent(p.ahead(2)) && p.ahead(3).text == "(" {
		db := p.ident()
		p.next()
		return p.call(start, &db)
	}
	id := p.ident()
	return &Name{Span: id.Span, Ident: id}
}

// funcName parses the name of a function, which may be a reserved word.
func (p *parser) funcName() Ident {
	start, t := p.i, p.tok()
	if t.kind == tWord && t.reserved && functionWord(t.text) {
		p.next()
		return Ident{Span: p.span(start), Name: p.src[t.off:t.end]}
	}
	return p.ident()
}

func (p *parser) call(start int, db *Ident) *Call {
	c := &Call{Database: db, Func: p.funcName()}
	p.expect("(")
	name := ""
	if db == nil {
		name = strings.ToLower(c.Func.Name)
	}
	switch {
	case p.at(")"):
	case name == "trim" && p.trimForm(c):
	default:
		p.arguments(c)
		if name == "floor" && p.accept("TO") {
			c.Args = append(c.Args, p.unitArgument())
		}
	}
	p.expect(")")
	p.callSuffix(c)
	c.Span = p.span(start)
	return c
}

func (p *parser) arguments(c *Call) {
	c.Distinct = p.accept("DISTINCT")
	if !c.Distinct {
		p.accept("ALL")
	}
	c.Args = list(p, p.argument)
	if !p.at(")") {
		c.Nulls = p.nullTreatment()
	}
}

// argument parses an expression, *, or t.*.
func (p *parser) argument() Expr {
	if s := p.star(); s != nil {
		return s
	}
	return p.expr()
}

// star parses *, t.* or db.t.*; it is nil where there is none.
func (p *parser) star() Expr {
	n := 0
	for p.isIdent(p.ahead(n)) && p.ahead(n+1).text == "." {
		n += 2
	}
	if p.ahead(n).text != "*" {
		return nil
	}
	start := p.i
	s := &Star{}
	for range n / 2 {
		s.Qualifier = append(s.Qualifier, p.ident())
		p.next()
	}
	p.next()
	s.Span = p.span(start)
	return s
}

func (p *parser) nullTreatment() string {
	for _, w := range []string{"IGNORE", "RESPECT"} {
		if p.accept(w, "NULLS") {
			return w
		}
	}
	return ""
}

// trimForm parses TRIM([BOTH|LEADING|TRAILING] [chars] FROM x), which is trim, ltrim or rtrim
// of x and chars.
func (p *parser) trimForm(c *Call) bool {
	word := p.tok().text
	side := ""
	switch word {
	case "BOTH":
		side = "trim"
	case "LEADING":
		side = "ltrim"
	case "TRAILING":
		side = "rtrim"
	}
	if next := p.ahead(1); side == "" || next.text == ")" || next.text == "," || next.text == "." {
		return false
	}
	p.next()
	c.Func.Name = side
	if p.accept("FROM") {
		c.Args = []Expr{p.expr()}
		return true
	}
	chars := p.expr()
	p.expect("FROM")
	c.Args = []Expr{p.expr(), chars}
	return true
}

// extract parses EXTRACT(unit FROM x); the unit becomes the first argument, a string.
func (p *parser) extract() Expr {
	start := p.i
	c := &Call{Func: Ident{Name: p.src[p.tok().off:p.tok().end]}}
	p.next()
	c.Func.Span = p.span(start)
	p.expect("(")
	c.Args = append(c.Args, p.unitArgument())
	p.expect("FROM")
	c.Args = append(c.Args, p.expr())
	p.expect(")")
	c.Span = p.span(start)
	return c
}

// timeUnit is the canonical name of a unit that EXTRACT and FLOOR know, or "".
func timeUnit(word string) string {
	switch word {
	case "QUARTER", "WEEK", "DAYOFWEEK":
		return word
	case "WEEKS":
		return "WEEK"
	}
	return unitOf(word)
}

func (p *parser) unitArgument() Expr {
	start := p.i
	unit := timeUnit(p.tok().text)
	if unit == "" {
		p.failExpected("a unit of time")
		return nil
	}
	p.next()
	return &Literal{Span: p.span(start), Kind: StringLit, Value: unit}
}

// callSuffix parses what may stand behind the arguments of an aggregate or a window function.
func (p *parser) callSuffix(c *Call) {
	if p.accept("WITHIN", "GROUP") {
		p.expect("(", "ORDER", "BY")
		c.WithinGroup = list(p, p.sortItem)
		p.expect(")")
	}
	if p.at("FILTER", "(") {
		p.next()
		p.expect("(", "WHERE")
		c.Filter = p.expr()
		p.expect(")")
	}
	if n := p.nullTreatment(); n != "" {
		c.Nulls = n
	}
	if p.accept("OVER") {
		w := p.window()
		c.Over = &w
	}
}

// window parses a window's name, or its specification in parentheses.
func (p *parser) window() Window {
	start := p.i
	w := Window{}
	if !p.at("(") {
		name := p.ident()
		w.Ref = &name
		w.Span = p.span(start)
		return w
	}
	p.next()
	if p.isIdent(p.tok()) && !p.atAny("SORT", "DISTRIBUTE", "CLUSTER") {
		name := p.ident()
		w.Ref = &name
	}
	w.PartitionBy, w.OrderBy = p.partitioning()
	if p.atAny("ROWS", "RANGE") {
		w.Frame = p.frame()
	}
	p.expect(")")
	w.Span = p.span(start)
	return w
}

// partitioning parses PARTITION BY and ORDER BY, or the words that mean both at once.
func (p *parser) partitioning() (by []Expr, order []SortItem) {
	switch {
	case p.accept("CLUSTER", "BY"):
		by = p.groupedExprs()
		for _, x := range by {
			order = append(order, SortItem{X: x})
		}
	case p.accept("DISTRIBUTE", "BY"):
		by = p.groupedExprs()
		if p.accept("SORT", "BY") {
			order = p.sortItems()
		}
	case p.accept("SORT", "BY"):
		order = p.sortItems()
	default:
		if p.accept("PARTITION", "BY") {
			by = p.groupedExprs()
		}
		if p.accept("ORDER", "BY") {
			order = p.sortItems()
		}
	}
	return by, order
}

func (p *parser) frame() *Frame {
	start := p.i
	f := &Frame{Unit: p.tok().text}
	p.next()
	if p.accept("BETWEEN") {
		f.Start = p.frameBound()
		p.expect("AND")
		f.Stop = p.frameBound()
	} else {
		f.Start = p.frameBound()
		f.Stop = FrameBound{Kind: "CURRENT ROW"}
	}
	f.Span = p.span(start)
	return f
}

func (p *parser) frameBound() FrameBound {
	start := p.i
	b := FrameBound{}
	switch {
	case p.accept("CURRENT", "ROW"):
		b.Kind = "CURRENT ROW"
	case p.accept("UNBOUNDED"):
		b.Kind = "UNBOUNDED " + p.direction()
	default:
		b.N = p.binary(levelAdd)
		b.Kind = p.direction()
	}
	b.Span = p.span(start)
	return b
}

func (p *parser) direction() string {
	word := p.tok().text
	if word != "PRECEDING" && word != "FOLLOWING" {
		p.failExpected("PRECEDING or FOLLOWING")
	}
	p.next()
	return word
}
