package hiveql

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
)

// explain runs EXPLAIN: the plan of the statement, with the partitions it would read. A statement
// without a plan is shown as it was understood. EXPLAIN ANALYZE runs a query and shows what it
// cost, and EXPLAIN DEPENDENCY what the statement reads; the other words behind EXPLAIN, such as EXTENDED, change
// nothing.
func (s *Session) explain(ctx context.Context, r *Result, n *syntax.Explain) error {
	if q, ok := n.Stmt.(*syntax.QueryStmt); ok && n.Mode == "ANALYZE" {
		return s.explainAnalyze(ctx, r, q)
	}
	if n.Mode == "DEPENDENCY" {
		return s.explainDependency(ctx, r, n.Stmt)
	}
	plans, err := s.plansOf(ctx, s.cfg.Store, n.Stmt)
	if err != nil {
		return err
	}
	for _, plan := range plans {
		if err := s.reduced(ctx, plan, &r.counts); err != nil {
			return err
		}
	}
	if plans == nil {
		r.showLines("Explain", []string{"No query is planned for", "  " + syntax.Print(n.Stmt)})
		return nil
	}
	r.showLines("Explain", planLines(plans))
	return nil
}

// reduced leaves out the partitions that running the plan would leave out.
func (s *Session) reduced(ctx context.Context, plan any, c *counts) error {
	q, ok := plan.(*analysis.Query)
	if w, isWrite := plan.(*analysis.Write); isWrite {
		q, ok = w.Query, true
	}
	if !ok || q == nil || len(q.Reductions) == 0 {
		return nil
	}
	return s.reduce(ctx, q, s.emptySource(c))
}

func planLines(plans []any) []string {
	var lines []string
	for i, plan := range plans {
		if i > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, strings.Split(strings.TrimRight(analysis.Format(plan), "\n"), "\n")...)
	}
	return lines
}

// explainAnalyze runs a query, drops its rows, and shows its plan and its costs.
func (s *Session) explainAnalyze(ctx context.Context, r *Result, q *syntax.QueryStmt) error {
	plans, err := s.plansOf(ctx, s.cfg.Store, q)
	if err != nil {
		return err
	}
	for _, plan := range plans {
		if err := s.reduced(ctx, plan, &counts{}); err != nil {
			return err
		}
	}
	ran := s.newResult(r.Text, r.At)
	if err := s.query(ctx, ran, q.Query); err != nil {
		return err
	}
	for ran.Rows.Next() {
	}
	if err := errors.Join(ran.Rows.Err(), ran.finish()); err != nil {
		return err
	}
	partitions, err := ran.PartitionsRead(ctx)
	if err != nil {
		return err
	}
	r.showLines("Explain", append(append(planLines(plans), ""), ran.Stats().lines(partitions)...))
	return nil
}

// lines says the costs to people.
func (st Stats) lines(partitions string) []string {
	seconds := func(d time.Duration) string { return fmt.Sprintf("%.3f s", d.Seconds()) }
	rows := fmt.Sprintf("Rows: %d in %s", st.Rows, seconds(st.Elapsed))
	if st.Rows > 0 {
		rows += ", the first after " + seconds(st.FirstRow)
	}
	lines := []string{
		rows,
		fmt.Sprintf("Partitions: %s, in %d listings", partitions, st.Lists),
		fmt.Sprintf("Files: %d of %d opened, %d of them pruned", st.Files, st.FilesListed, st.FilesPruned),
	}
	if st.RowGroups > 0 {
		lines = append(lines, fmt.Sprintf("Row groups: %d of %d pruned", st.RowGroupsPruned, st.RowGroups))
	}
	lines = append(lines, fmt.Sprintf("Bytes: %d fetched by %d requests, %d from the cache, of %d in the files opened",
		st.BytesFetched, st.Gets, st.BytesFound, st.BytesRead))
	if st.BytesCompared > 0 {
		lines = append(lines, fmt.Sprintf("Confirmed: %d of the bytes fetched were only compared with what had come", st.BytesCompared))
	}
	if st.BlocksChanged > 0 {
		lines = append(lines, fmt.Sprintf("Changed on the way: %d blocks of 64 KiB, fetched again", st.BlocksChanged))
	}
	return lines
}

// plansOf analyzes a statement: it has one plan, several, or none.
func (s *Session) plansOf(ctx context.Context, cat analysis.Catalog, stmt syntax.Stmt) ([]any, error) {
	query := func(q *syntax.Query) ([]any, error) {
		plan, err := analysis.AnalyzeQuery(ctx, cat, s.env(), q)
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
		n, checks, err := s.constrained(ctx, t, n)
		if err != nil {
			return nil, err
		}
		plan, err := analysis.AnalyzeInsert(ctx, cat, s.env(), n, checks...)
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
			more, err := s.plansOf(ctx, cat, insertOf(n, one))
			if err != nil {
				return nil, err
			}
			plans = append(plans, more...)
		}
		return plans, nil
	}
	return nil, nil
}
