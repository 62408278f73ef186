package analysis

import (
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
)

// exists plans EXISTS (query). The query may use the columns around it.
func (r *resolver) exists(e *syntax.Exists) (Expr, error) {
	q, err := r.a.query(e.Query, r.sc, r.ctes)
	if err != nil {
		return nil, err
	}
	return &Exists{Query: q.rel}, nil
}

// scalar plans a query used as a value.
func (r *resolver) scalar(e *syntax.Subquery) (Expr, error) {
	q, err := r.oneColumn(e, e.Query)
	if err != nil {
		return nil, err
	}
	t := q.cols[0].Type
	return &Scalar{Query: r.a.aligned(q, []hivetype.Type{t}), T: t}, nil
}

// inQuery plans x IN (query).
func (r *resolver) inQuery(e *syntax.In) (Expr, error) {
	x, err := r.expr(e.X)
	if err != nil {
		return nil, err
	}
	q, err := r.oneColumn(e, e.Query)
	if err != nil {
		return nil, err
	}
	t, ok := memberOf(x.Type(), q.cols[0].Type)
	if !ok {
		return nil, failf(e, codeArgumentType, "Argument type mismatch %s: %s and %s cannot be compared",
			near(written(e.X)), x.Type(), q.cols[0].Type)
	}
	return &InQuery{X: convert(x, t), Query: r.a.aligned(q, []hivetype.Type{t}), Not: e.Not}, nil
}

// memberOf is the type as which IN compares with a subquery: text with a number as text.
func memberOf(a, b hivetype.Type) (hivetype.Type, bool) {
	if a.Text() && b.Numeric() || a.Numeric() && b.Text() {
		return common(a, b)
	}
	return comparedAs(a, b)
}

// tupleInQuery plans (x, y) IN (query) as EXISTS. Where it would be NULL it is false, so that NOT IN
// cannot be said with it.
func (r *resolver) tupleInQuery(e *syntax.In, left *syntax.Tuple) (Expr, error) {
	if e.Not {
		return nil, unsupported(e, "several columns NOT IN a subquery")
	}
	xs, err := r.exprs(left.Elems)
	if err != nil {
		return nil, err
	}
	q, err := r.a.query(e.Query, r.sc, r.ctes)
	if err != nil {
		return nil, err
	}
	if len(q.cols) != len(xs) {
		return nil, failf(e, codeSubquery, "Unsupported SubQuery Expression: the subquery has %d columns, expected %d", len(q.cols), len(xs))
	}
	var cond Expr
	for i, x := range xs {
		c := q.cols[i]
		eq, err := r.a.bind(left.Elems[i], opEq, codeArguments, []Expr{x, &Ref{ID: c.ID, Name: c.Name, T: c.Type}})
		if err != nil {
			return nil, err
		}
		if cond == nil {
			cond = eq
		} else {
			cond = both(cond, eq)
		}
	}
	return &Exists{Query: &Filter{Input: q.rel, Cond: cond}}, nil
}

func (r *resolver) oneColumn(n syntax.Node, query *syntax.Query) (result, error) {
	q, err := r.a.query(query, r.sc, r.ctes)
	if err == nil && len(q.cols) != 1 {
		err = failf(n, codeSubquery, "Unsupported SubQuery Expression: the subquery has %d columns, expected one", len(q.cols))
	}
	return q, err
}

// quantified plans x op ANY (query) and x op ALL (query). = ANY is IN and <> ALL is NOT IN. The
// others ask whether there is a row for which the comparison is true, and if not, whether there
// is one for which it is unknown; ALL is the negation of ANY with the opposite comparison.
func (r *resolver) quantified(e *syntax.Quantified) (Expr, error) {
	all := e.Quantifier == "ALL"
	switch {
	case e.Op == "=" && !all:
		return r.inQuery(&syntax.In{Span: e.Span, X: e.X, Query: e.Query})
	case e.Op == "<>" && all:
		return r.inQuery(&syntax.In{Span: e.Span, X: e.X, Query: e.Query, Not: true})
	}
	op := binaryOperator(e.Op)
	if all {
		op = opposite(op)
	}
	if op == nil {
		return nil, unsupported(e, e.Op+" with ANY or ALL")
	}
	x, err := r.expr(e.X)
	if err != nil {
		return nil, err
	}
	some := &Case{Else: &Const{Value: false, T: boolean}, T: boolean}
	for _, outcome := range []*Const{{Value: true, T: boolean}, {T: boolean}} {
		q, err := r.oneColumn(e, e.Query)
		if err != nil {
			return nil, err
		}
		c := q.cols[0]
		cond, err := r.a.bind(e, op, codeArguments, []Expr{x, &Ref{ID: c.ID, Name: c.Name, T: c.Type}})
		if err != nil {
			return nil, err
		}
		if outcome.Value == nil {
			cond = &Call{Func: opIsNull, Args: []Expr{cond}, T: boolean}
		}
		some.Whens = append(some.Whens, When{Cond: &Exists{Query: &Filter{Input: q.rel, Cond: cond}}, Then: outcome})
	}
	return negateIf(all, some), nil
}

// opposite is the comparison that is true where op is false.
func opposite(op *Function) *Function {
	switch op {
	case opEq:
		return opNe
	case opNe:
		return opEq
	case opLt:
		return opGe
	case opLe:
		return opGt
	case opGt:
		return opLe
	case opGe:
		return opLt
	}
	return nil
}
