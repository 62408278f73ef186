package hiveql

import (
	"context"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
)

// checkExpression analyzes the expression of a CHECK or DEFAULT over the columns of a table that
// need not exist yet: CHECK is a condition on one row, DEFAULT a constant or a call of one.
func (s *Session) checkExpression(ctx context.Context, t *metastore.Table, n *syntax.Constraint, columns []string) error {
	var bad error
	syntax.Inspect(n.X, func(x syntax.Node) bool {
		switch v := x.(type) {
		case *syntax.Query, *syntax.Window:
			bad = semantic(x, 10326, "Invalid Constraint syntax %s takes neither subqueries nor window functions", n.Kind)
		case *syntax.Name:
			if n.Kind == "DEFAULT" {
				bad = semantic(x, 10326, "Invalid Constraint syntax Invalid Default value: it speaks of %s", v.Ident.Name)
			}
		case *syntax.Call:
			if f, ok := analysis.Lookup(v.Func.Name); ok && f.Kind == analysis.AggregateFunction {
				bad = semantic(x, 10326, "Invalid Constraint syntax %s takes no aggregate functions", n.Kind)
			}
		}
		return bad == nil
	})
	if bad != nil {
		return bad
	}
	inner := &syntax.Select{Span: spanOf(n)}
	for _, c := range append(t.Storage.Columns[:len(t.Storage.Columns):len(t.Storage.Columns)], t.PartitionKeys...) {
		typ, err := syntax.ParseType(c.Type.String())
		if err != nil || !c.Type.Primitive() {
			continue
		}
		inner.Items = append(inner.Items, syntax.SelectItem{
			X:       &syntax.Cast{Span: spanOf(n), X: &syntax.Literal{Span: spanOf(n), Kind: syntax.NullLit}, Type: typ},
			Aliases: []syntax.Ident{{Span: spanOf(n), Name: c.Name, Quoted: true}},
		})
	}
	alias := syntax.Ident{Span: spanOf(n), Name: t.Name, Quoted: true}
	q := &syntax.Query{Span: spanOf(n), Body: &syntax.Select{
		Span:  spanOf(n),
		Items: []syntax.SelectItem{{Span: spanOf(n.X), X: syntax.CopyExpr(n.X, spanOf(n.X))}},
		From:  []syntax.TableExpr{&syntax.SubqueryRef{Span: spanOf(n), Query: &syntax.Query{Span: spanOf(n), Body: inner}, Alias: &alias}},
	}}
	plan, err := analysis.AnalyzeQuery(ctx, s.cfg.Store, s.env(), q)
	if err != nil {
		return err
	}
	if got := plan.Output[0].Type; n.Kind == "CHECK" && got.Kind != hivetype.Boolean && got.Kind != hivetype.Void {
		return semantic(n.X, 10326, "Invalid Constraint syntax Only boolean type is supported for CHECK constraint: %s is %s",
			syntax.Print(n.X), got)
	}
	if n.Kind == "DEFAULT" && len(columns) == 1 {
		if i := t.Storage.Column(columns[0]); i >= 0 {
			of, got := t.Storage.Columns[i].Type, plan.Output[0].Type
			if of.Numeric() && got.Numeric() && of.Kind != got.Kind {
				return semantic(n.X, 10326, "Invalid Constraint syntax Invalid type: %s for default value: %s. Please make sure that "+
					"the type is compatible with column type: %s", got, syntax.Print(n.X), of)
			}
		}
	}
	return nil
}
