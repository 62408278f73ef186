package syntax

// exprLevel is the level on which the expression stands by itself, without parentheses.
func exprLevel(x Expr) int {
	switch x := x.(type) {
	case *Binary:
		switch x.Op {
		case "OR":
			return levelOr
		case "AND":
			return levelAnd
		case "=", "<>", "<=>":
			return levelEqual
		case "<", "<=", ">", ">=":
			return levelSimilar
		}
		return binaryLevel(x.Op)
	case *Unary:
		if x.Op == "NOT" {
			return levelNot
		}
		return levelUnary
	case *Quantified:
		if x.Op == "=" || x.Op == "<>" || x.Op == "<=>" {
			return levelEqual
		}
		return levelSimilar
	case *Between, *In, *Like, *Exists:
		return levelSimilar
	case *Is:
		return levelEqual
	case *Index, *Dot:
		return levelSubscript
	case *Literal:
		if len(x.Value) > 0 && x.Value[0] == '-' && x.Kind != StringLit {
			return levelUnary
		}
	}
	return levelAtom
}

// expr prints x where an expression of at least that level is wanted.
func (p *printer) expr(x Expr, level int) {
	own := exprLevel(x)
	parens := own < level || p.parens && own < levelSubscript
	p.when(parens, "(")
	p.operation(x, own)
	p.when(parens, ")")
}

// operation prints x without parentheses of its own.
func (p *printer) operation(x Expr, level int) {
	switch x := x.(type) {
	case *Unary:
		p.unary(x, level)
	case *Binary:
		p.binary(x, level)
	case *Quantified:
		p.expr(x.X, quantifiedLeft(level))
		p.w(" ", x.Op, " ", x.Quantifier, " ")
		p.parenQuery(x.Query)
	case *Between:
		p.expr(x.X, levelBitOr)
		p.when(x.Not, " NOT")
		p.w(" BETWEEN ")
		p.expr(x.Lo, levelBitOr)
		p.w(" AND ")
		p.expr(x.Hi, levelBitOr)
	case *In:
		p.in(x)
	case *Like:
		p.like(x)
	case *Is:
		p.is(x)
	case *Exists:
		p.w("EXISTS ")
		p.parenQuery(x.Query)
	case *Dot:
		p.expr(x.X, subscriptedLevel(x.X))
		p.w(".")
		p.ident(x.Field)
	case *Index:
		p.expr(x.X, levelSubscript)
		p.w("[")
		p.expr(x.I, levelOr)
		p.w("]")
	default:
		p.atom(x)
	}
}

// quantifiedLeft is the level of what stands left of a comparison with ANY or ALL.
func quantifiedLeft(level int) int {
	if level == levelSimilar {
		return levelBitOr
	}
	return level
}

// subscriptedLevel is the level that x must have in front of a dot: a number would swallow
// the dot.
func subscriptedLevel(x Expr) int {
	if _, ok := x.(*Literal); ok {
		return levelAtom + 1
	}
	return levelSubscript
}

func (p *printer) unary(x *Unary, level int) {
	p.w(x.Op)
	if x.Op == "NOT" {
		p.w(" ")
	} else if x.Op == "-" && startsWithMinus(x.X) {
		p.w(" ") // two minus signs would begin a comment
	}
	p.expr(x.X, level)
}

func startsWithMinus(x Expr) bool {
	switch x := x.(type) {
	case *Unary:
		return x.Op == "-"
	case *Literal:
		return exprLevel(x) == levelUnary
	}
	return false
}

// binary prints an operation that associates to the left; the comparisons of levelSimilar do
// not associate at all.
func (p *printer) binary(x *Binary, level int) {
	left := level
	if level == levelSimilar {
		left++
	}
	p.expr(x.L, left)
	p.w(" ", x.Op, " ")
	p.expr(x.R, level+1)
}

func (p *printer) exprs(xs []Expr) {
	commas(p, xs, func(x Expr) { p.expr(x, levelOr) })
}

func (p *printer) in(x *In) {
	p.expr(x.X, levelBitOr)
	p.when(x.Not, " NOT")
	p.w(" IN ")
	if x.Query != nil {
		p.parenQuery(x.Query)
		return
	}
	p.w("(")
	p.exprs(x.List)
	p.w(")")
}

func (p *printer) like(x *Like) {
	p.expr(x.X, levelBitOr)
	p.when(x.Not, " NOT")
	p.w(" ", x.Op, " ")
	if x.Quantifier == "" {
		p.expr(x.Patterns[0], levelBitOr)
		return
	}
	p.w(x.Quantifier, " (")
	p.exprs(x.Patterns)
	p.w(")")
}

func (p *printer) is(x *Is) {
	p.expr(x.X, levelEqual)
	p.w(" IS ")
	p.when(x.Not, "NOT ")
	p.w(x.What)
	if x.What == "DISTINCT FROM" {
		p.w(" ")
		p.expr(x.Y, levelSimilar)
	}
}

// atom prints what needs no parentheses anywhere.
func (p *printer) atom(x Expr) {
	switch x := x.(type) {
	case *Literal:
		p.literal(x)
	case *IntervalLit:
		p.interval(x)
	case *Name:
		p.ident(x.Ident)
	case *Star:
		for _, q := range x.Qualifier {
			p.ident(q)
			p.w(".")
		}
		p.w("*")
	case *Tuple:
		p.w("(")
		p.exprs(x.Elems)
		p.w(")")
	case *Subquery:
		p.parenQuery(x.Query)
	case *Case:
		p.caseExpr(x)
	case *Cast:
		p.w("CAST(")
		p.expr(x.X, levelOr)
		p.w(" AS ")
		p.typ(x.Type)
		if x.Format != "" {
			p.w(" FORMAT ")
			p.str(x.Format)
		}
		p.w(")")
	case *Call:
		p.call(x)
	}
}

func (p *printer) literal(x *Literal) {
	switch x.Kind {
	case NullLit:
		p.w("NULL")
	case BoolLit:
		p.when(x.Value == "true", "TRUE")
		p.when(x.Value != "true", "FALSE")
	case StringLit:
		p.str(x.Value)
	case DateLit:
		p.w("DATE ")
		p.str(x.Value)
	case TimestampLit:
		p.w("TIMESTAMP ")
		p.str(x.Value)
	case TimestampTZLit:
		p.w("TIMESTAMPLOCALTZ ")
		p.str(x.Value)
	default:
		p.w(x.Value, numberSuffixOf(x))
	}
}

// numberSuffixOf is the letter that makes the number's text a literal of its kind.
func numberSuffixOf(x *Literal) string {
	plain := IntegerLit
	for i := range len(x.Value) {
		switch x.Value[i] {
		case '.':
			plain = DecimalLit
		case 'e', 'E':
			plain = DoubleLit
		}
		if plain == DoubleLit {
			break
		}
	}
	switch x.Kind {
	case TinyIntLit:
		return "Y"
	case SmallIntLit:
		return "S"
	case BigIntLit:
		return "L"
	case DecimalLit:
		if plain != DecimalLit {
			return "BD"
		}
	case DoubleLit:
		if plain != DoubleLit {
			return "D"
		}
	}
	return ""
}

func (p *printer) interval(x *IntervalLit) {
	p.w("INTERVAL ")
	plain := false
	if l, ok := x.Value.(*Literal); ok {
		switch l.Kind {
		case StringLit, IntegerLit, DecimalLit, DoubleLit:
			plain = numberSuffixOf(l) == "" || l.Kind == StringLit
		}
	}
	if plain {
		p.expr(x.Value, levelOr)
	} else {
		p.w("(")
		p.expr(x.Value, levelOr)
		p.w(")")
	}
	p.w(" ", x.Unit)
}

func (p *printer) caseExpr(x *Case) {
	p.w("CASE")
	if x.Operand != nil {
		p.w(" ")
		p.expr(x.Operand, levelOr)
	}
	for _, w := range x.Whens {
		p.w(" WHEN ")
		p.expr(w.Cond, levelOr)
		p.w(" THEN ")
		p.expr(w.Then, levelOr)
	}
	if x.Else != nil {
		p.w(" ELSE ")
		p.expr(x.Else, levelOr)
	}
	p.w(" END")
}
