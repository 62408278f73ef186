package analysis

import (
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
)

// cteScope is one WITH clause, seen from its main query or from within one of its queries.
type cteScope struct {
	outer *cteScope    // what surrounds the clause
	list  []syntax.CTE // the queries of the clause
	at    int          // which of them it is seen from; len(list) in the main query
	from  *cteScope    // where the query at which it is seen is used; nil in the main query
}

// named is what a WITH query is planned to at one of its uses. It puts out what its input does; rule
// shareQueries takes it away.
type named struct {
	Input Rel
	cte   *syntax.CTE
}

func (*named) rel() {}

// Columns are the input's.
func (n *named) Columns() []Column { return n.Input.Columns() }

// with adds the queries of a WITH clause. Each sees all others, those before it first, as in Hive, but not
// itself, so that a table of its name can be read in it.
func with(outer *cteScope, list []syntax.CTE) *cteScope {
	if len(list) == 0 {
		return outer
	}
	return &cteScope{outer: outer, list: list, at: len(list)}
}

// find is the query of a name, as the scope that its body sees; nil where there is none.
func (s *cteScope) find(name string) *cteScope {
	for ; s != nil; s = s.outer {
		for i := s.at - 1; i >= 0; i-- {
			if strings.EqualFold(s.list[i].Name.Name, name) {
				return s.within(i)
			}
		}
		for i := s.at + 1; i < len(s.list); i++ {
			if strings.EqualFold(s.list[i].Name.Name, name) {
				return s.within(i)
			}
		}
	}
	return nil
}

func (s *cteScope) within(i int) *cteScope {
	return &cteScope{outer: s.outer, list: s.list, at: i, from: s}
}

func (s *cteScope) cte() *syntax.CTE { return &s.list[s.at] }

// cycle is the way by which a query comes to use itself, or nil.
func (s *cteScope) cycle() []string {
	way := []string{s.cte().Name.Name}
	for u := s.from; u != nil && u.at < len(u.list); u = u.from {
		way = append(way, u.cte().Name.Name)
		if u.cte() == s.cte() {
			slices.Reverse(way)
			return way
		}
	}
	return nil
}

// cteQuery plans a WITH query at one of its uses, which is what s was found for.
func (a *analyzer) cteQuery(use syntax.Node, s *cteScope) (result, error) {
	cte := s.cte()
	if way := s.cycle(); way != nil {
		return result{}, failf(use, 0, "Recursive cte %s detected (cycle: %s)", cte.Name.Name, strings.Join(way, " -> "))
	}
	r, err := a.query(cte.Query, nil, s)
	if err == nil && len(cte.Columns) > 0 {
		r.cols, err = renamed(cte, r.cols, cte.Columns)
	}
	if err == nil {
		r.rel = &named{Input: r.rel, cte: cte}
	}
	return r, err
}
