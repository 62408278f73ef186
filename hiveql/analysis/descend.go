package analysis

import "slices"

// descendAll is descend for all of a query: nothing is known of what is shared beyond what it says
// itself.
func (a *analyzer) descendAll(q *Query, at func(*Scan, []Expr)) {
	for _, root := range q.roots() {
		a.descend(root, nil, at)
	}
}

// descend carries conditions from r down to the scans and calls at for each. known are
// conditions over r's columns that hold for every row of r that matters above: rows for which
// one of them is false or NULL may be missing from r without changing the result.
func (a *analyzer) descend(r Rel, known []Expr, at func(*Scan, []Expr)) {
	eachSubquery(r, func(_ Expr, q Rel) { a.descend(q, nil, at) })
	switch r := r.(type) {
	case *Scan:
		at(r, known)
	case *Filter:
		conds := conjuncts(r.Cond)
		a.descend(r.Input, slices.Concat(known, conds, a.answerable(conds)), at)
	case *Project:
		a.descend(r.Input, through(known, r.Exprs), at)
	case *Join:
		a.descendJoin(r, known, at)
	case *Aggregate:
		a.descendAggregate(r, known, at)
	case *Window:
		a.descend(r.Input, inEveryPartition(r, known), at)
	case *Lateral:
		a.descend(r.Input, over(known, idsOf(r.Input)), at)
	case *SetOp:
		for _, side := range []Rel{r.L, r.R} {
			cols := side.Columns()
			as := make([]Computed, len(cols))
			for i, c := range cols {
				as[i] = Computed{Column: r.Cols[i], X: &Ref{ID: c.ID, Name: c.Name, T: c.Type}}
			}
			a.descend(side, through(known, as), at)
		}
	case *Transform:
		a.descend(r.Input, nil, at) // what a program does to a row nobody knows
	case *Limit:
		if !r.Sample {
			known = nil // which rows are passed depends on those there are
		}
		a.descend(r.Input, known, at)
	default:
		for _, in := range inputs(r) {
			a.descend(in, known, at)
		}
	}
}

// through says conditions in terms of what columns were computed from. Conditions on what
// cannot be repeated are left out, as are those on columns that are not there.
func through(known []Expr, cols []Computed) []Expr {
	from := map[int]Expr{}
	for _, c := range cols {
		if repeatable(c.X) {
			from[c.ID] = c.X
		}
	}
	var out []Expr
	for _, x := range known {
		if !repeatable(x) {
			continue
		}
		ok := true
		y := replace(x, func(x Expr) (Expr, bool) {
			ref, isRef := x.(*Ref)
			if !isRef {
				return nil, false
			}
			z := from[ref.ID]
			if z == nil {
				ok = false
				return ref, true
			}
			return z, true
		})
		if ok {
			out = append(out, y)
		}
	}
	return out
}

// repeatable reports whether computing x twice gives the same. Subqueries count as not, since
// their plans must not be shared.
func repeatable(x Expr) bool {
	ok := true
	visit(x, func(x Expr) bool {
		if c, isCall := x.(*Call); isCall && c.Func.Volatile || queryOf(x) != nil {
			ok = false
		}
		return ok
	})
	return ok
}

// over are the conditions that use only the given columns.
func over(known []Expr, cols *idSet) []Expr {
	var out []Expr
	for _, x := range known {
		if repeatable(x) && within(x, cols) {
			out = append(out, x)
		}
	}
	return out
}

// within reports whether x uses only the given columns.
func within(x Expr, cols *idSet) bool {
	ok := true
	visit(x, func(x Expr) bool {
		if r, isRef := x.(*Ref); isRef && !cols.has(r.ID) {
			ok = false
		}
		return ok
	})
	return ok
}

// descendJoin: a condition on one side goes to that side, unless the join fills it with NULLs
// and the condition accepts those. The join's own condition holds for the rows of a side that
// is dropped where it does not match.
func (a *analyzer) descendJoin(j *Join, known []Expr, at func(*Scan, []Expr)) {
	l, r := idsOf(j.L), idsOf(j.R)
	on := conjuncts(j.On)
	all := append(slices.Clone(known), on...)
	var left, right []Expr
	switch j.Kind {
	case InnerJoin, CrossJoin, SemiJoin:
		all = append(all, equalities(all, on)...)
		left, right = over(all, l), over(all, r)
		left, right = append(left, a.members(all, l, j.R, right)...), append(right, a.members(all, r, j.L, left)...)
	case LeftJoin, AntiJoin:
		left = over(known, l)
		// Whether a right row matches matters only for left rows that count.
		right = over(append(slices.Clone(on), equalities(left, on)...), r)
		right = append(right, a.members(on, r, j.L, left)...)
		if j.Kind == LeftJoin {
			right = append(right, rejecting(over(known, r), r)...)
		}
	case RightJoin:
		right = over(known, r)
		left = over(append(slices.Clone(on), equalities(right, on)...), l)
		left = append(left, a.members(on, l, j.R, right)...)
		left = append(left, rejecting(over(known, l), l)...)
	}
	a.descend(j.L, left, at)
	a.descend(j.R, right, at)
}

// equalities are the conditions on one column, said of the columns that on sets equal to it.
func equalities(known, on []Expr) []Expr {
	same := map[int][]*Ref{}
	for _, x := range on {
		c, ok := x.(*Call)
		if !ok || c.Func != opEq {
			continue
		}
		l, ok := c.Args[0].(*Ref)
		r, ok2 := c.Args[1].(*Ref)
		if ok && ok2 {
			same[l.ID] = append(same[l.ID], r)
			same[r.ID] = append(same[r.ID], l)
		}
	}
	var out []Expr
	for _, x := range known {
		used := refs(x)
		if used.count() != 1 || !repeatable(x) {
			continue
		}
		for id := range used.all() {
			for _, other := range same[id] {
				out = append(out, replace(x, func(x Expr) (Expr, bool) {
					if ref, ok := x.(*Ref); ok && ref.ID == id {
						return other, true
					}
					return nil, false
				}))
			}
		}
	}
	return out
}

// rejecting are the conditions that are not true where all the columns are NULL.
func rejecting(known []Expr, cols *idSet) []Expr {
	if len(known) == 0 {
		return nil
	}
	nulls := map[int]any{}
	for id := range cols.all() {
		nulls[id] = nil
	}
	var out []Expr
	for _, x := range known {
		if v, ok := evaluate(x, nulls); ok && v != true {
			out = append(out, x)
		}
	}
	return out
}

// descendAggregate: conditions on keys choose whole groups. Without keys, and with grouping
// sets, where keys are NULL for other reasons, all rows count.
func (a *analyzer) descendAggregate(g *Aggregate, known []Expr, at func(*Scan, []Expr)) {
	if g.Sets != nil || len(g.Keys) == 0 {
		known = nil
	}
	a.descend(g.Input, through(known, g.Keys), at)
}

// inEveryPartition are the conditions that hold for all or none of the rows that any window
// function of w sees together.
func inEveryPartition(w *Window, known []Expr) []Expr {
	for _, f := range w.Funcs {
		by := &idSet{}
		for _, x := range f.PartitionBy {
			if ref, ok := x.(*Ref); ok {
				by.add(ref.ID)
			}
		}
		known = over(known, by)
	}
	return known
}
