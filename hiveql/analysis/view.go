package analysis

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
)

// view plans a view where it is used.
func (a *analyzer) view(n syntax.Node, view *metastore.Table) (result, error) {
	if slices.Contains(a.expanding, view.TableName) {
		return result{}, failf(n, 0, "Recursive view %s detected (cycle: %s -> %s)",
			view.TableName, joinNames(a.expanding), view.TableName)
	}
	r, err := a.viewQuery(view)
	var inner *Error
	if errors.As(err, &inner) {
		e := failf(n, inner.Code, "the view %s no longer works: %s", view.TableName, inner.Msg)
		e.Err, e.Hint = inner.Err, "change the view with ALTER VIEW ... AS, or drop it"
		return r, e
	}
	return r, err
}

func (a *analyzer) viewQuery(view *metastore.Table) (result, error) {
	sql := view.ViewExpandedText
	if sql == "" {
		sql = view.ViewOriginalText
	}
	stmts, err := syntax.Parse(sql)
	if err != nil {
		return result{}, fmt.Errorf("the text of view %s: %w", view.TableName, err)
	}
	var q *syntax.QueryStmt
	if len(stmts) == 1 {
		q, _ = stmts[0].(*syntax.QueryStmt)
	}
	if q == nil {
		return result{}, fmt.Errorf("the text of view %s is not a query", view.TableName)
	}
	env, spelled := a.env, a.spelled
	a.env.Database, a.spelled = view.Database, nil
	a.expanding = append(a.expanding, view.TableName)
	r, err := a.query(q.Query, nil, nil)
	a.env, a.spelled = env, spelled
	a.expanding = a.expanding[:len(a.expanding)-1]
	if err != nil {
		return r, err
	}
	return a.asView(view, r)
}

// asView gives the query's columns the names, and where tables below changed, the types that
// the view was made with.
func (a *analyzer) asView(view *metastore.Table, r result) (result, error) {
	declared := append(slices.Clone(view.Storage.Columns), view.PartitionKeys...)
	if len(declared) == 0 {
		return r, nil
	}
	if len(declared) != len(r.cols) {
		return r, fmt.Errorf("the view %s has %d columns, but its query has %d: change it with ALTER VIEW ... AS",
			view.TableName, len(declared), len(r.cols))
	}
	p := &Project{Input: r.rel}
	cols := make([]Column, len(declared))
	for i, d := range declared {
		c := r.cols[i]
		cols[i] = a.column(d.Name, d.Type)
		p.Exprs = append(p.Exprs, Computed{Column: cols[i], X: convert(&Ref{ID: c.ID, Name: c.Name, T: c.Type}, d.Type)})
	}
	return result{rel: p, cols: cols}, nil
}

func joinNames(list []metastore.TableName) string {
	parts := make([]string, len(list))
	for i, n := range list {
		parts[i] = n.String()
	}
	return strings.Join(parts, " -> ")
}
