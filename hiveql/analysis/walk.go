package analysis

import "slices"

// inputs are the relations directly below r, not those in its expressions.
func inputs(r Rel) []Rel {
	switch r := r.(type) {
	case *Filter:
		return []Rel{r.Input}
	case *Project:
		return []Rel{r.Input}
	case *Join:
		return []Rel{r.L, r.R}
	case *Aggregate:
		return []Rel{r.Input}
	case *Window:
		return []Rel{r.Input}
	case *Sort:
		return []Rel{r.Input}
	case *Limit:
		return []Rel{r.Input}
	case *SetOp:
		return []Rel{r.L, r.R}
	case *Distinct:
		return []Rel{r.Input}
	case *Lateral:
		return []Rel{r.Input}
	case *Transform:
		return []Rel{r.Input}
	case *named:
		return []Rel{r.Input}
	}
	return nil
}

// Relations calls f for all relations of a query, those of subqueries too, each after those that it
// takes columns from.
func (q *Query) Relations(f func(Rel)) {
	for _, root := range q.roots() {
		relations(root, f)
	}
}

// roots are the relations that together have all of the query below them, each after those that it
// uses.
func (q *Query) roots() []Rel {
	list := make([]Rel, 0, len(q.Shared)+1)
	for _, s := range q.Shared {
		list = append(list, s.Rel)
	}
	return append(list, q.Root)
}

func relations(root Rel, f func(Rel)) {
	for _, in := range inputs(root) {
		relations(in, f)
	}
	mapOwn(root, func(x Expr) Expr {
		subqueries(x, func(q Rel) { relations(q, f) })
		return x
	})
	f(root)
}

// subqueries calls f for the subqueries of an expression, but not for those inside them.
func subqueries(x Expr, f func(Rel)) {
	visit(x, func(x Expr) bool {
		if in, ok := x.(*InQuery); ok {
			subqueries(in.X, f)
		}
		q := queryOf(x)
		if q != nil {
			f(*q)
		}
		return q == nil
	})
}

// mapInputs replaces the relations directly below r.
func mapInputs(r Rel, f func(Rel) Rel) {
	switch r := r.(type) {
	case *Filter:
		r.Input = f(r.Input)
	case *Project:
		r.Input = f(r.Input)
	case *Join:
		r.L, r.R = f(r.L), f(r.R)
	case *Aggregate:
		r.Input = f(r.Input)
	case *Window:
		r.Input = f(r.Input)
	case *Sort:
		r.Input = f(r.Input)
	case *Limit:
		r.Input = f(r.Input)
	case *SetOp:
		r.L, r.R = f(r.L), f(r.R)
	case *Distinct:
		r.Input = f(r.Input)
	case *Lateral:
		r.Input = f(r.Input)
	case *Transform:
		r.Input = f(r.Input)
	case *named:
		r.Input = f(r.Input)
	}
}

// mapOwn replaces the expressions that r itself holds.
func mapOwn(r Rel, f func(Expr) Expr) {
	each := func(xs []Expr) {
		for i, x := range xs {
			xs[i] = f(x)
		}
	}
	switch r := r.(type) {
	case *Filter:
		r.Cond = f(r.Cond)
	case *Project:
		mapComputed(r.Exprs, f)
	case *Join:
		r.On = mapOptional(r.On, f)
	case *Aggregate:
		mapComputed(r.Keys, f)
		for i := range r.Aggs {
			each(r.Aggs[i].Args)
			r.Aggs[i].Filter = mapOptional(r.Aggs[i].Filter, f)
		}
	case *Window:
		for i := range r.Funcs {
			w := &r.Funcs[i]
			each(w.Args)
			each(w.PartitionBy)
			mapKeys(w.OrderBy, f)
		}
	case *Sort:
		mapKeys(r.Keys, f)
	case *Values:
		for _, row := range r.Rows {
			each(row)
		}
	case *Lateral:
		each(r.Args)
	case *Transform:
		each(r.Args)
	}
}

func mapComputed(xs []Computed, f func(Expr) Expr) {
	for i := range xs {
		xs[i].X = f(xs[i].X)
	}
}

func mapKeys(keys []SortKey, f func(Expr) Expr) {
	for i := range keys {
		keys[i].X = f(keys[i].X)
	}
}

func mapOptional(x Expr, f func(Expr) Expr) Expr {
	if x == nil {
		return nil
	}
	return f(x)
}

// replace rewrites an expression from the top: where f returns a replacement, that stands;
// elsewhere the parts are rewritten and the rest copied. Subqueries are rewritten in place,
// since nothing else refers to them.
func replace(x Expr, f func(Expr) (Expr, bool)) Expr {
	if x == nil {
		return nil
	}
	if y, ok := f(x); ok {
		return y
	}
	again := func(x Expr) Expr { return replace(x, f) }
	all := func(xs []Expr) []Expr {
		out := make([]Expr, len(xs))
		for i, x := range xs {
			out[i] = again(x)
		}
		return out
	}
	switch x := x.(type) {
	case *Call:
		return &Call{Func: x.Func, Args: all(x.Args), T: x.T}
	case *Cast:
		return &Cast{X: again(x.X), T: x.T, Zone: x.Zone}
	case *Case:
		c := &Case{Whens: make([]When, len(x.Whens)), Else: again(x.Else), T: x.T}
		for i, w := range x.Whens {
			c.Whens[i] = When{Cond: again(w.Cond), Then: again(w.Then)}
		}
		return c
	case *In:
		return &In{X: again(x.X), List: all(x.List), Not: x.Not}
	case *InQuery:
		replaceBelow(x.Query, f)
		return &InQuery{X: again(x.X), Query: x.Query, Not: x.Not}
	case *Scalar:
		replaceBelow(x.Query, f)
	case *Exists:
		replaceBelow(x.Query, f)
	case *aggregateCall:
		y := *x
		y.args, y.filter = all(x.args), again(x.filter)
		return &y
	case *member:
		return &member{x: again(x.x), ask: x.ask}
	case *groupingCall:
		return &groupingCall{args: all(x.args)}
	case *windowCall:
		y := *x
		y.args, y.partitionBy = all(x.args), all(x.partitionBy)
		y.orderBy = append([]SortKey(nil), x.orderBy...)
		mapKeys(y.orderBy, again)
		return &y
	}
	return x
}

func replaceBelow(r Rel, f func(Expr) (Expr, bool)) {
	mapOwn(r, func(x Expr) Expr { return replace(x, f) })
	for _, in := range inputs(r) {
		replaceBelow(in, f)
	}
}

// visit calls f for x and its parts, from the top, also within subqueries' expressions. Where
// f returns false, the parts are left out.
func visit(x Expr, f func(Expr) bool) {
	if x == nil || !f(x) {
		return
	}
	each := func(xs ...Expr) {
		for _, x := range xs {
			visit(x, f)
		}
	}
	switch x := x.(type) {
	case *Call:
		each(x.Args...)
	case *Cast:
		each(x.X)
	case *Case:
		for _, w := range x.Whens {
			each(w.Cond, w.Then)
		}
		each(x.Else)
	case *In:
		each(x.X)
		each(x.List...)
	case *InQuery:
		each(x.X)
		visitBelow(x.Query, f)
	case *Scalar:
		visitBelow(x.Query, f)
	case *Exists:
		visitBelow(x.Query, f)
	case *aggregateCall:
		each(x.args...)
		each(x.filter)
	case *member:
		each(x.x)
	case *groupingCall:
		each(x.args...)
	case *windowCall:
		each(x.args...)
		each(x.partitionBy...)
		for _, k := range x.orderBy {
			each(k.X)
		}
	}
}

func visitBelow(r Rel, f func(Expr) bool) {
	mapOwn(r, func(x Expr) Expr { visit(x, f); return x })
	for _, in := range inputs(r) {
		visitBelow(in, f)
	}
}

// refs collects the columns an expression uses, including those that its subqueries use.
func refs(x Expr) *idSet {
	ids := &idSet{}
	visit(x, func(x Expr) bool {
		if r, ok := x.(*Ref); ok {
			ids.add(r.ID)
		}
		return true
	})
	return ids
}

// queryOf is the subquery of an expression, if it is one.
func queryOf(x Expr) *Rel {
	switch x := x.(type) {
	case *Scalar:
		return &x.Query
	case *Exists:
		return &x.Query
	case *InQuery:
		return &x.Query
	}
	return nil
}

// conjuncts splits a condition at its ANDs.
func conjuncts(x Expr) []Expr {
	if x == nil {
		return nil
	}
	return operands(x, opAnd)
}

// operands splits x at a binary operator that may be nested in any way, from left to right.
func operands(x Expr, op *Function) []Expr {
	var list []Expr
	for todo := []Expr{x}; len(todo) > 0; {
		last := len(todo) - 1
		x, todo = todo[last], todo[:last]
		if c, ok := x.(*Call); ok && c.Func == op {
			for _, arg := range slices.Backward(c.Args) {
				todo = append(todo, arg)
			}
			continue
		}
		list = append(list, x)
	}
	return list
}

// Expressions calls f for every expression of a plan and for each of its parts, those of subqueries
// too.
func Expressions(root Rel, f func(Expr)) {
	visitBelow(root, func(x Expr) bool {
		f(x)
		return true
	})
}
