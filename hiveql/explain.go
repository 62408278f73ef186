package hiveql

import (
	"context"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
)

// explain runs EXPLAIN: the plan of the statement, with the partitions it would read. The words
// behind EXPLAIN, such as EXTENDED, change nothing. A statement without a plan is shown as it was
// understood.
func (s *Session) explain(ctx context.Context, r *Result, n *syntax.Explain) error {
	plans, err := s.plansOf(ctx, n.Stmt)
	if err != nil {
		return err
	}
	if plans == nil {
		r.showLines("Explain", []string{"No query is planned for", "  " + syntax.Print(n.Stmt)})
		return nil
	}
	var lines []string
	for i, plan := range plans {
		if i > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, strings.Split(strings.TrimRight(analysis.Format(plan), "\n"), "\n")...)
	}
	r.showLines("Explain", lines)
	return nil
}

// plansOf analyzes a statement: it has one plan, several, or none.
func (s *Session) plansOf(ctx context.Context, stmt syntax.Stmt) ([]any, error) {
	query := func(q *syntax.Query) ([]any, error) {
		plan, err := analysis.AnalyzeQuery(ctx, s.cfg.Store, s.env(), q)
		return []any{plan}, err
	}
	switch n := stmt.(type) {
	case *syntax.QueryStmt:
		return query(n.Query)
	case *syntax.Insert:
		t, err := s.table(ctx, &n.Table)
		if err != nil {
			return nil, err
		}
		if n, err = withDefaults(t, n); err != nil {
			return nil, err
		}
		checks, err := s.checksOf(t)
		if err != nil {
			return nil, err
		}
		plan, err := analysis.AnalyzeInsert(ctx, s.cfg.Store, s.env(), n, checks...)
		return []any{plan}, err
	case *syntax.InsertDirectory:
		return query(n.Query)
	case *syntax.CreateView:
		return query(n.Query)
	case *syntax.CreateTable:
		if n.Query != nil {
			return query(n.Query)
		}
	case *syntax.MultiInsert:
		var plans []any
		for _, one := range n.Inserts {
			more, err := s.plansOf(ctx, insertOf(n, one))
			if err != nil {
				return nil, err
			}
			plans = append(plans, more...)
		}
		return plans, nil
	}
	return nil, nil
}
