package analysis

import (
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
)

// exists plans EXISTS (query). The query may use the columns around it.
func (r *resolver) exists(e *syntax.Exists) (Expr, error) {
	if l := e.Query.Limit; l != nil && l.Offset != nil {
		return nil, failf(e.Query, 10424, "OFFSET is not supported in subquery of exists")
	}
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
	if u := q.cols[0].Type; x.Type().Text() && u.Numeric() || x.Type().Numeric() && u.Text() {
		return r.inNumbers(x, q, e.Not)
	}
	t, ok := hivetype.ForComparison(x.Type(), q.cols[0].Type)
	if !ok {
		return nil, failf(e, codeArgumentType, "Argument type mismatch %s: %s and %s cannot be compared",
			near(written(e.X)), x.Type(), q.cols[0].Type)
	}
	return &InQuery{X: convert(x, t), Query: r.a.aligned(q, []hivetype.Type{t}), Not: e.Not}, nil
}

// inNumbers plans text IN (query of numbers), and the other way around. They are compared as doubles,
// but unlike a NULL, text that is no number is just not equal to one: so the comparison is of texts,
// in which numbers have one form.
func (r *resolver) inNumbers(x Expr, q result, not bool) (Expr, error) {
	c := q.cols[0]
	p := &Project{Input: q.rel}
	sides := []Expr{x, &Ref{ID: c.ID, Name: c.Name, T: c.Type}}
	for i, side := range sides {
		sides[i] = convert(convert(side, double), text)
		if side.Type().Text() {
			sides[i] = &Case{T: text, Else: sides[i], Whens: []When{
				{Cond: &Call{Func: opIsNull, Args: []Expr{sides[i]}, T: boolean}, Then: convert(side, text)},
			}}
		}
	}
	p.Exprs = []Computed{{Column: r.a.column(c.Name, text), X: sides[1]}}
	return &InQuery{X: sides[0], Query: p, Not: not}, nil
}

// tupleInQuery plans (x, y) IN (query) as EXISTS, and asks also whether there is a row for which the
// comparison is unknown.
func (r *resolver) tupleInQuery(e *syntax.In, left *syntax.Tuple) (Expr, error) {
	found, err := r.tupleExists(e, left, false)
	if err != nil {
		return nil, err
	}
	perhaps, err := r.tupleExists(e, left, true)
	if err != nil {
		return nil, err
	}
	return &Case{T: boolean, Else: &Const{Value: e.Not, T: boolean}, Whens: []When{
		{Cond: found, Then: &Const{Value: !e.Not, T: boolean}}, {Cond: perhaps, Then: &Const{T: boolean}},
	}}, nil
}

// whetherTrue is a condition of which only matters whether it is true: false and NULL are the same. It
// does not ask for what makes the one or the other.
func whetherTrue(x Expr) Expr {
	switch x := x.(type) {
	case *Call:
		if x.Func == opAnd || x.Func == opOr {
			args := make([]Expr, len(x.Args))
			for i, a := range x.Args {
				args[i] = whetherTrue(a)
			}
			return &Call{Func: x.Func, Args: args, T: x.T}
		}
	case *Case:
		if len(x.Whens) == 2 && isTruth(x.Whens[0].Then, true) && isTruth(x.Whens[1].Then, nil) && isTruth(x.Else, false) {
			return x.Whens[0].Cond
		}
	}
	return x
}

func isTruth(x Expr, v any) bool {
	c, ok := x.(*Const)
	return ok && c.Value == v
}

// tupleExists asks for a row of the query that is equal to the tuple, or for one of which it is
// unknown whether it is.
func (r *resolver) tupleExists(e *syntax.In, left *syntax.Tuple, unknown bool) (Expr, error) {
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
	if unknown {
		cond = &Call{Func: opIsNull, Args: []Expr{cond}, T: boolean}
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
