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
	t, ok := comparable(x.Type(), q.cols[0].Type)
	if !ok {
		return nil, failf(e, codeArgumentType, "Argument type mismatch %s: %s and %s cannot be compared",
			near(written(e.X)), x.Type(), q.cols[0].Type)
	}
	return &InQuery{X: convert(x, t), Query: r.a.aligned(q, []hivetype.Type{t}), Not: e.Not}, nil
}

func (r *resolver) oneColumn(n syntax.Node, query *syntax.Query) (result, error) {
	q, err := r.a.query(query, r.sc, r.ctes)
	if err == nil && len(q.cols) != 1 {
		err = failf(n, codeSubquery, "Unsupported SubQuery Expression: the subquery has %d columns, expected one", len(q.cols))
	}
	return q, err
}
