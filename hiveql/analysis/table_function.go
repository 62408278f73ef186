package analysis

import (
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
)

// tableFunction plans a partitioned table function. Those called noop give their input as it
// is: how it is partitioned and ordered on the way cannot be seen in the result.
func (a *analyzer) tableFunction(f *syntax.TableFunction, outer *scope, ctes *cteScope) (Rel, *scope, error) {
	switch name := strings.ToLower(f.Func.Name); name {
	case "noop", "noopwithmap", "noopstreaming", "noopwithmapstreaming":
	case "matchpath", "windowingtablefunction":
		return nil, nil, unsupported(f, "the partitioned table function "+name)
	default:
		return nil, nil, failf(f, 10011, "Invalid function %s", name)
	}
	if len(f.Args) > 0 {
		return nil, nil, failf(f.Args[0], 0, "%s takes no arguments behind its input", f.Func.Name)
	}
	rel, sc, err := a.tableExpr(f.Input, outer, ctes)
	if err != nil {
		return nil, nil, err
	}
	r := &resolver{a: a, sc: sc, ctes: ctes, place: "PARTITION BY"}
	for _, x := range f.PartitionBy {
		if _, err := r.expr(x); err != nil {
			return nil, nil, err
		}
	}
	for i := range f.OrderBy {
		if _, err := r.expr(f.OrderBy[i].X); err != nil {
			return nil, nil, err
		}
	}
	if f.Alias == nil {
		return rel, sc, nil
	}
	s := *sc.sources[0]
	s.alias, s.database = strings.ToLower(f.Alias.Name), ""
	return rel, &scope{outer: outer, sources: []*source{&s}}, nil
}
