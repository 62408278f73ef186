package analysis

import "slices"

// dropUnusedColumns takes out the columns that nothing above uses, so that a Scan reads only
// those that the query needs. A relation may be left without columns, as under count(*); its
// rows still count.
func dropUnusedColumns(_ *analyzer, q *Query) error {
	used := map[int]bool{}
	for _, o := range q.Output {
		used[o.ID] = true
	}
	for _, root := range slices.Backward(q.roots()) { // those that use others come first
		pruneColumns(root, used)
	}
	return nil
}

// pruneColumns keeps of r the columns in used. It adds to used those that r itself needs of its
// inputs; column numbers are unique, so one set serves the whole plan.
func pruneColumns(r Rel, used map[int]bool) {
	switch r := r.(type) {
	case *Scan:
		r.Cols = slices.DeleteFunc(r.Cols, func(c ScanColumn) bool { return !used[c.ID] })
	case *Project:
		r.Exprs = slices.DeleteFunc(r.Exprs, func(c Computed) bool { return !used[c.ID] })
	case *Aggregate:
		if len(r.Keys) == 0 && len(r.Aggs) > 0 && !slices.ContainsFunc(r.Aggs, func(g AggregateColumn) bool { return used[g.ID] }) {
			used[r.Aggs[0].ID] = true // something must say that the rows are one group
		}
		r.Aggs = slices.DeleteFunc(r.Aggs, func(g AggregateColumn) bool { return !used[g.ID] })
	case *Window:
		r.Funcs = slices.DeleteFunc(r.Funcs, func(w WindowColumn) bool { return !used[w.ID] })
	case *Distinct:
		need(used, r.Input.Columns())
	case *SetOp:
		pruneSetOp(r, used)
	case *Use:
		r.Cols = slices.DeleteFunc(r.Cols, func(c UsedColumn) bool { return !used[c.ID] })
		for _, c := range r.Cols {
			used[c.From] = true
		}
	}
	// The subqueries first: they may use columns of the relations around them.
	eachSubquery(r, func(x Expr, q Rel) {
		cols := q.Columns()
		if _, ok := x.(*Exists); ok && len(cols) > 1 {
			cols = cols[:1] // only whether there is a row matters
		}
		need(used, cols)
		pruneColumns(q, used)
	})
	mapOwn(r, func(x Expr) Expr {
		for id := range refs(x).all() {
			used[id] = true
		}
		return x
	})
	for _, in := range inputs(r) {
		pruneColumns(in, used)
	}
}

func need(used map[int]bool, cols []Column) {
	for _, c := range cols {
		used[c.ID] = true
	}
}

// pruneSetOp drops columns of UNION ALL from both sides; the other operations compare whole
// rows.
func pruneSetOp(s *SetOp, used map[int]bool) {
	l, r := s.L.Columns(), s.R.Columns()
	if s.Op != "UNION" || !s.All || !prunable(s.L) || !prunable(s.R) {
		need(used, l)
		need(used, r)
		return
	}
	var kept []Column
	for i, c := range s.Cols {
		if used[c.ID] {
			kept = append(kept, c)
			used[l[i].ID], used[r[i].ID] = true, true
		}
	}
	if len(kept) == 0 { // a set operation of no columns has no meaning in SQL
		kept = s.Cols[:1]
		used[l[0].ID], used[r[0].ID] = true, true
	}
	s.Cols = kept
}

// prunable reports whether pruning leaves exactly the columns used, so that the sides of a set
// operation keep the same shape.
func prunable(r Rel) bool {
	switch r := r.(type) {
	case *Project:
		return true
	case *SetOp:
		return r.Op == "UNION" && r.All && prunable(r.L) && prunable(r.R)
	}
	return false
}
