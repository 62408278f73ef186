package syntax

// Hive's operators bind as follows, the loosest first; the levels are also the printer's.
const (
	levelOr        = iota + 1
	levelAnd       //
	levelNot       // NOT, !
	levelEqual     // = <=> <> IS [NOT] NULL, TRUE, FALSE, DISTINCT FROM, to the left
	levelSimilar   // < <= > >= LIKE RLIKE REGEXP IN BETWEEN EXISTS, one only
	levelBitOr     // |
	levelBitAnd    // &
	levelConcat    // ||
	levelAdd       // + -
	levelMultiply  // * / % DIV
	levelBitXor    // ^
	levelUnary     // - + ~
	levelSubscript // x.f, x[i]
	levelAtom
)

// binaryLevel is the level of an operator that needs no rule of its own, or 0.
func binaryLevel(op string) int {
	switch op {
	case "|":
		return levelBitOr
	case "&":
		return levelBitAnd
	case "||":
		return levelConcat
	case "+", "-":
		return levelAdd
	case "*", "/", "%", "DIV":
		return levelMultiply
	case "^":
		return levelBitXor
	}
	return 0
}

// expr parses an expression.
func (p *parser) expr() Expr {
	if !p.enter() {
		return nil
	}
	defer p.leave()
	return p.or()
}

func (p *parser) exprs() []Expr { return list(p, p.expr) }

func (p *parser) or() Expr {
	start, links := p.i, 0
	x := p.and()
	for p.at("OR") && p.chain(&links) {
		at := p.tok().from()
		p.next()
		r := p.and()
		x = &Binary{Span: p.span(start), Op: "OR", L: x, R: r, OpAt: at}
	}
	return x
}

func (p *parser) and() Expr {
	start, links := p.i, 0
	x := p.not()
	for p.at("AND") && p.chain(&links) {
		at := p.tok().from()
		p.next()
		r := p.not()
		x = &Binary{Span: p.span(start), Op: "AND", L: x, R: r, OpAt: at}
	}
	return x
}

func (p *parser) not() Expr {
	if !p.at("NOT") {
		return p.equality()
	}
	if !p.enter() {
		return nil
	}
	defer p.leave()
	start := p.i
	p.next()
	x := p.not()
	return &Unary{Span: p.span(start), Op: "NOT", X: x}
}

func (p *parser) equality() Expr {
	start, links := p.i, 0
	x := p.similar()
	for p.chain(&links) {
		at := p.tok().from()
		switch op := p.tok().text; {
		case op == "=" || op == "<>" || op == "<=>":
			p.next()
			x = p.comparison(start, op, at, x, (*parser).similar)
		case p.accept("IS"):
			x = p.is(start, x)
		default:
			return x
		}
	}
	return x
}

// comparison parses the right side of a comparison whose operator has been read.
func (p *parser) comparison(start int, op string, at Pos, l Expr, operand func(*parser) Expr) Expr {
	word := p.tok().text
	if (word == "ANY" || word == "ALL" || word == "SOME") && p.ahead(1).text == "(" && p.queryAt(p.i+1) {
		if word == "SOME" {
			word = "ANY"
		}
		p.next()
		q := p.parenQuery()
		return &Quantified{Span: p.span(start), X: l, Op: op, Quantifier: word, Query: q}
	}
	r := operand(p)
	return &Binary{Span: p.span(start), Op: op, L: l, R: r, OpAt: at}
}

// similar parses what may be compared only once on its level: a < b < c is an error.
func (p *parser) similar() Expr {
	if p.at("EXISTS") {
		return p.exists()
	}
	start := p.i
	x := p.binary(levelBitOr)
	at := p.tok().from()
	not := p.at("NOT") && (p.ahead(1).text == "IN" || p.ahead(1).text == "BETWEEN" || isRegexp(p.ahead(1).text))
	if not {
		p.next()
	}
	switch op := p.tok().text; op {
	case "<", "<=", ">", ">=":
		p.next()
		return p.comparison(start, op, at, x, func(p *parser) Expr { return p.binary(levelBitOr) })
	case "BETWEEN":
		p.next()
		lo := p.binary(levelBitOr)
		p.expect("AND")
		hi := p.binary(levelBitOr)
		return &Between{Span: p.span(start), X: x, Lo: lo, Hi: hi, Not: not}
	case "IN":
		p.next()
		return p.in(start, x, not)
	case "LIKE", "RLIKE", "REGEXP":
		p.next()
		return p.like(start, x, op, not)
	}
	return x
}

func isRegexp(op string) bool { return op == "LIKE" || op == "RLIKE" || op == "REGEXP" }

func (p *parser) exists() Expr {
	start := p.i
	p.next()
	q := p.parenQuery()
	return &Exists{Span: p.span(start), Query: q}
}

func (p *parser) in(start int, x Expr, not bool) Expr {
	n := &In{X: x, Not: not}
	if p.queryAt(p.i) {
		n.Query = p.parenQuery()
	} else {
		n.List = parenList(p, p.expr)
	}
	n.Span = p.span(start)
	return n
}

func (p *parser) like(start int, x Expr, op string, not bool) Expr {
	n := &Like{X: x, Op: op, Not: not}
	if op == "REGEXP" {
		n.Op = "RLIKE"
	}
	if op == "LIKE" && p.atAny("ANY", "ALL", "SOME") {
		n.Quantifier = p.tok().text
		if n.Quantifier == "SOME" {
			n.Quantifier = "ANY"
		}
		p.next()
		n.Patterns = parenList(p, p.expr)
	} else {
		n.Patterns = []Expr{p.binary(levelBitOr)}
	}
	n.Span = p.span(start)
	return n
}

// binary parses the operators of level and the tighter ones, by precedence climbing. All of
// them associate to the left.
func (p *parser) binary(level int) Expr {
	start, links := p.i, 0
	x := p.unary()
	for {
		op := p.tok().text
		l := binaryLevel(op)
		if l < level || l == 0 || !p.chain(&links) {
			return x
		}
		at := p.tok().from()
		p.next()
		r := p.binary(l + 1)
		x = &Binary{Span: p.span(start), Op: op, L: x, R: r, OpAt: at}
	}
}

// is parses what stands behind x and IS: NULL and its like, or DISTINCT FROM and an operand.
func (p *parser) is(start int, x Expr) Expr {
	n := &Is{X: x, Not: p.accept("NOT")}
	switch word := p.tok().text; word {
	case "NULL", "TRUE", "FALSE":
		n.What = word
		p.next()
	case "UNKNOWN":
		n.What = "NULL"
		p.next()
	case "DISTINCT":
		p.expect("DISTINCT", "FROM")
		n.What = "DISTINCT FROM"
		n.Y = p.similar()
	default:
		p.failExpected("NULL, TRUE, FALSE or DISTINCT FROM")
	}
	n.Span = p.span(start)
	return n
}

func (p *parser) unary() Expr {
	if !p.atAny("-", "+", "~") {
		return p.subscripts()
	}
	if !p.enter() {
		return nil
	}
	defer p.leave()
	start, op := p.i, p.tok().text
	p.next()
	x := p.unary()
	return &Unary{Span: p.span(start), Op: op, X: x}
}

// subscripts parses an atom with the .fields and [indexes] behind it.
func (p *parser) subscripts() Expr {
	start, links := p.i, 0
	x := p.atom()
	for p.chain(&links) {
		switch {
		case p.accept("["):
			i := p.expr()
			p.expect("]")
			x = &Index{Span: p.span(start), X: x, I: i}
		case p.at(".") && p.ahead(1).text != "*":
			p.next()
			f := p.ident()
			x = &Dot{Span: p.span(start), X: x, Field: f}
		default:
			return x
		}
	}
	return x
}
