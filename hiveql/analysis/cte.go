package analysis

import (
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
)

// cteScope is the chain of WITH queries that can be seen, the nearest first.
type cteScope struct {
	outer *cteScope
	cte   *syntax.CTE
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

// with adds the queries of a WITH clause. Each sees those before it, and none itself, so that a
// table of its name can be read in it.
func with(outer *cteScope, list []syntax.CTE) *cteScope {
	for i := range list {
		outer = &cteScope{outer: outer, cte: &list[i]}
	}
	return outer
}

func (s *cteScope) find(name string) *cteScope {
	for ; s != nil; s = s.outer {
		if strings.EqualFold(s.cte.Name.Name, name) {
			return s
		}
	}
	return nil
}

// cteQuery plans a WITH query at one of its uses.
func (a *analyzer) cteQuery(s *cteScope) (result, error) {
	r, err := a.query(s.cte.Query, nil, s.outer)
	if err == nil && len(s.cte.Columns) > 0 {
		r.cols, err = renamed(s.cte, r.cols, s.cte.Columns)
	}
	if err == nil {
		r.rel = &named{Input: r.rel, cte: s.cte}
	}
	return r, err
}
