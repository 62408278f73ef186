package analysis

import (
	"regexp"
	"slices"
	"strconv"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
)

// shareQueries makes one relation of the plans of a WITH query that is used more than once, where
// computing it again would cost more than reading its rows again: where it groups, or computes
// windows, and where it joins and no use says more of the rows of its tables than it says itself. Others
// stay as they are at each use, since what is asked of their rows there may spare reading most of
// them; so do all that read other partitions at one use than at another, and those that give other
// rows each time. The rule runs when partitions are chosen.
func shareQueries(a *analyzer, q *Query) error {
	programs := false
	q.Relations(func(r Rel) {
		_, program := r.(*Transform) // the input of which is run by itself
		programs = programs || program
	})
	for {
		uses := outermost(q)
		if len(uses) == 0 {
			break
		}
		var made *Shared
		if !programs {
			made = a.share(uses)
		}
		for _, root := range q.rootPlaces() {
			*root = rewriteRels(*root, func(r Rel) Rel {
				n, ok := r.(*named)
				switch {
				case !ok || n.cte != uses[0].cte:
					return r
				case made != nil:
					return useOf(made, n)
				}
				return n.Input
			})
		}
		if made != nil {
			q.Shared = slices.Insert(q.Shared, 0, made)
		}
	}
	if len(q.Shared) > 0 { // what is known at one use need not be at another
		a.descendAll(q, func(s *Scan, known []Expr) { s.Known = over(known, idsOf(s)) })
	}
	return nil
}

// rootPlaces is where the relations of roots are.
func (q *Query) rootPlaces() []*Rel {
	var list []*Rel
	for _, s := range q.Shared {
		list = append(list, &s.Rel)
	}
	return append(list, &q.Root)
}

// outermost are the uses of a WITH query that no other WITH query uses, if there is one.
func outermost(q *Query) []*named {
	var order []*syntax.CTE
	uses := map[*syntax.CTE][]*named{}
	within := map[*syntax.CTE]bool{}
	q.Relations(func(r Rel) {
		n, ok := r.(*named)
		if !ok {
			return
		}
		if uses[n.cte] == nil {
			order = append(order, n.cte)
		}
		uses[n.cte] = append(uses[n.cte], n)
		relations(n.Input, func(r Rel) {
			if below, ok := r.(*named); ok {
				within[below.cte] = true
			}
		})
	})
	for _, c := range order {
		if !within[c] {
			return uses[c]
		}
	}
	return nil
}

// share is the relation for some uses of one WITH query, if it is to be shared.
func (a *analyzer) share(uses []*named) *Shared {
	first := uses[0]
	if len(uses) < 2 || !alike(uses) {
		return nil
	}
	switch last(first.Input).(type) {
	case *Aggregate, *Window, *Distinct:
	case *Join:
		if slices.ContainsFunc(uses, a.narrowed) {
			return nil
		}
	default:
		return nil
	}
	return &Shared{Name: first.cte.Name.Name, Rel: first.Input}
}

// last is the last thing of weight that a relation does.
func last(r Rel) Rel {
	switch r.(type) {
	case *Filter, *Project, *Sort, *Limit, *named:
		return last(inputs(r)[0])
	}
	return r
}

// narrowed reports whether more is known of a scan at this use of a WITH query than that says itself.
func (a *analyzer) narrowed(n *named) bool {
	found := false
	a.descend(n.Input, nil, func(s *Scan, known []Expr) {
		found = found || len(s.Known) > len(over(known, idsOf(s)))
	})
	return found
}

var columnNumber = regexp.MustCompile(`#\d+`)

// alike reports whether uses of one query are planned alike, but for the numbers of their columns,
// and give the same rows.
func alike(uses []*named) bool {
	form := func(r Rel) (string, []*Scan) {
		numbers := map[string]string{}
		return columnNumber.ReplaceAllStringFunc(Format(r), func(s string) string {
			if numbers[s] == "" {
				numbers[s] = "#" + strconv.Itoa(len(numbers))
			}
			return numbers[s]
		}), scansBelow(r, nil)
	}
	text, scans := form(uses[0].Input)
	if fickle(uses[0].Input) {
		return false
	}
	for _, u := range uses[1:] {
		otherText, otherScans := form(u.Input)
		if text != otherText || !slices.EqualFunc(scans, otherScans, sameFiles) {
			return false
		}
	}
	return true
}

func sameFiles(a, b *Scan) bool {
	return a.Table == b.Table && slices.EqualFunc(a.Partitions, b.Partitions, func(p, q *metastore.Partition) bool {
		return slices.Equal(p.Values, q.Values)
	})
}

// fickle reports whether a relation calls functions whose results differ from call to call.
func fickle(r Rel) bool {
	found := false
	visitBelow(r, func(x Expr) bool {
		c, ok := x.(*Call)
		found = found || ok && c.Func.Volatile
		return !found
	})
	return found
}

// useOf reads a shared relation in the place of a plan of its own.
func useOf(s *Shared, n *named) *Use {
	u := &Use{Of: s}
	from := s.Rel.Columns()
	for i, c := range n.Columns() {
		u.Cols = append(u.Cols, UsedColumn{Column: c, From: from[i].ID})
	}
	return u
}

// usedBy are the shared relations that a relation reads, and those that they read, in order.
func usedBy(r Rel) []*Shared {
	var list []*Shared
	relations(r, func(r Rel) {
		u, ok := r.(*Use)
		if !ok || slices.Contains(list, u.Of) {
			return
		}
		for _, s := range append(usedBy(u.Of.Rel), u.Of) {
			if !slices.Contains(list, s) {
				list = append(list, s)
			}
		}
	})
	return list
}
