package analysis

// orderLimits decides which rows LIMIT passes where the query does not say: the first ones in
// the order of the window functions or groups below it. Any rows would do, but Hive's last step
// has sorted them so, and two runs of a query then return the same.
func orderLimits(a *analyzer, q *Query) error {
	q.Root = rewriteRels(q.Root, func(r Rel) Rel {
		if l, ok := r.(*Limit); ok && !l.Sample {
			l.Input = a.sortedBelow(l.Input)
		}
		return r
	})
	return nil
}

// sortedBelow puts a Sort on the first relation below r whose rows have an order of their own, as
// long as what lies between keeps the order.
func (a *analyzer) sortedBelow(r Rel) Rel {
	switch r := r.(type) {
	case *Project:
		r.Input = a.sortedBelow(r.Input)
	case *Filter:
		r.Input = a.sortedBelow(r.Input)
	case *named:
		r.Input = a.sortedBelow(r.Input)
	case *Window:
		if keys := a.windowOrder(r); len(keys) > 0 {
			return &Sort{Input: r, Keys: keys}
		}
	case *Aggregate:
		if r.Sets != nil || len(r.Keys) == 0 {
			return r
		}
		s := &Sort{Input: r}
		for _, k := range r.Keys {
			if k.Type.Primitive() {
				s.Keys = append(s.Keys, SortKey{X: &Ref{ID: k.ID, Name: k.Name, T: k.Type}, NullsFirst: true})
			}
		}
		if len(s.Keys) > 0 {
			return s
		}
	}
	return r
}

// windowOrder is the order in which the window functions are computed that come last: functions
// of the same PARTITION BY and ORDER BY are computed together, in the order in which these first
// occur.
func (a *analyzer) windowOrder(w *Window) []SortKey {
	var last []SortKey
	seen := map[string]bool{}
	for _, f := range w.Funcs {
		var keys []SortKey
		for _, x := range f.PartitionBy {
			if _, constant := x.(*Const); !constant {
				keys = append(keys, SortKey{X: x, NullsFirst: true})
			}
		}
		keys = append(keys, f.OrderBy...)
		if text := sortText(keys); !seen[text] {
			seen[text] = true
			last = keys
		}
	}
	return last
}
