package analysis

import (
	"context"
	"fmt"

	"github.com/skepdata/skep/metastore"
)

// CheckRefs reports the first column that an expression of the plan uses and that neither the
// relation's inputs nor a query around it put out, or that has another type there. It also
// reports what should not be left in a finished plan.
func CheckRefs(q *Query) error {
	for _, root := range q.roots() {
		if err := checkRefs(root, nil); err != nil {
			return err
		}
	}
	return nil
}

func checkRefs(r Rel, outer map[int]Column) error {
	have := map[int]Column{}
	for id, c := range outer {
		have[id] = c
	}
	for _, in := range inputs(r) {
		if err := checkRefs(in, outer); err != nil {
			return err
		}
		for _, c := range in.Columns() {
			have[c.ID] = c
		}
	}
	var err error
	mapOwn(r, func(x Expr) Expr {
		if e := checkExpr(x, have); e != nil && err == nil {
			err = fmt.Errorf("%w\n%s", e, Format(r))
		}
		return x
	})
	if u, ok := r.(*Use); ok && err == nil {
		err = checkUse(u)
	}
	if _, ok := r.(*named); ok {
		err = fmt.Errorf("a WITH query is left in the plan\n%s", Format(r))
	}
	if s, ok := r.(*SetOp); ok && err == nil {
		for _, side := range []Rel{s.L, s.R} {
			if got, want := len(side.Columns()), len(s.Cols); got != want {
				err = fmt.Errorf("a side of %s has %d columns, not %d\n%s", s.Op, got, want, Format(r))
			}
		}
	}
	return err
}

// checkUse requires that what is used of a shared relation is there.
func checkUse(u *Use) error {
	have := map[int]Column{}
	for _, c := range u.Of.Rel.Columns() {
		have[c.ID] = c
	}
	for _, c := range u.Cols {
		if from, ok := have[c.From]; !ok || !from.Type.Equal(c.Type) {
			return fmt.Errorf("%s has no column #%d of type %s\n%s", u.Of.Name, c.From, c.Type, Format(u.Of.Rel))
		}
	}
	return nil
}

func checkExpr(x Expr, have map[int]Column) error {
	var err error
	visitOwn(x, func(x Expr) {
		if err != nil {
			return
		}
		switch x := x.(type) {
		case *Ref:
			if c, ok := have[x.ID]; !ok {
				err = fmt.Errorf("nothing puts out %s#%d", x.Name, x.ID)
			} else if !c.Type.Equal(x.T) {
				err = fmt.Errorf("%s#%d is used as %s, but is %s", x.Name, x.ID, x.T, c.Type)
			}
		case *aggregateCall, *windowCall, *groupingCall:
			err = fmt.Errorf("%T is left in the plan", x)
		case *Scalar, *Exists, *InQuery:
			err = checkRefs(*queryOf(x), have)
		}
	})
	return err
}

// visitOwn is visit without the insides of subqueries.
func visitOwn(x Expr, f func(Expr)) {
	visit(x, func(x Expr) bool {
		f(x)
		if in, ok := x.(*InQuery); ok {
			visitOwn(in.X, f)
		}
		return queryOf(x) == nil
	})
}

// Evaluate computes an expression with values for columns, where that can be done.
func Evaluate(x Expr, cols map[int]any) (any, bool) { return evaluate(x, cols) }

// ExpandView plans the query of a view, with names looked up from the view's own database. Its
// output has the names and the order of the view's columns.
func ExpandView(ctx context.Context, cat Catalog, env Env, view *metastore.Table) (*Query, error) {
	a := newAnalyzer(bind(ctx, cat), env)
	r, err := a.viewQuery(view)
	if err != nil {
		return nil, err
	}
	plan := &Query{Root: r.rel}
	for _, c := range r.cols {
		plan.Output = append(plan.Output, Output{Name: c.Name, ID: c.ID, Type: c.Type})
	}
	return plan, a.optimize(plan)
}
