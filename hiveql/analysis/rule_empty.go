package analysis

// emptyRelations replaces filters that let nothing through, and inner joins with nothing, by no
// rows, so that what is below them is not read.
func emptyRelations(_ *analyzer, q *Query) error {
	q.Root = rewriteRels(q.Root, func(r Rel) Rel {
		switch r := r.(type) {
		case *Filter:
			switch c, ok := r.Cond.(*Const); {
			case isEmpty(r.Input), ok && c.Value != true:
				return nothing(r)
			case ok:
				return r.Input
			}
		case *Join:
			if emptyJoin(r) {
				return nothing(r)
			}
		case *Project:
			if isEmpty(r.Input) {
				return nothing(r)
			}
		case *Sort, *Distinct, *Window, *named:
			if isEmpty(inputs(r)[0]) {
				return nothing(r)
			}
		case *Limit:
			if r.Count == 0 || isEmpty(r.Input) {
				return nothing(r)
			}
		}
		return r
	})
	return nil
}

func nothing(r Rel) Rel { return &Values{Cols: r.Columns()} }

func isEmpty(r Rel) bool {
	v, ok := r.(*Values)
	return ok && len(v.Rows) == 0
}

func emptyJoin(j *Join) bool {
	l, r := isEmpty(j.L), isEmpty(j.R)
	if c, ok := j.On.(*Const); ok && c.Value != true && j.Kind == InnerJoin {
		return true
	}
	switch j.Kind {
	case InnerJoin, CrossJoin, SemiJoin:
		return l || r
	case LeftJoin, AntiJoin:
		return l
	case RightJoin:
		return r
	}
	return l && r
}
