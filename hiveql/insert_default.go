package hiveql

import (
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
)

// withDefaults is an INSERT in which columns that it does not name, and the word DEFAULT in
// VALUES, have the values that DEFAULT constraints give them.
func withDefaults(t *metastore.Table, constraints []metastore.Constraint, n *syntax.Insert) (*syntax.Insert, error) {
	defaults := map[string]string{}
	for _, c := range constraints {
		if c.Kind == metastore.Default && c.Enable {
			defaults[columnOf(&c)] = c.Expression
		}
	}
	c := *n
	names := make([]string, 0, len(t.Storage.Columns))
	for _, col := range t.Storage.Columns {
		names = append(names, col.Name)
	}
	if len(n.Columns) > 0 {
		names = names[:0]
		for _, id := range n.Columns {
			names = append(names, strings.ToLower(id.Name))
		}
	}
	if err := fillDefaultWords(&c, names, defaults); err != nil || len(n.Columns) == 0 || len(defaults) == 0 {
		return &c, err
	}
	var missing []syntax.Ident
	var values []syntax.Expr
	for _, col := range t.Storage.Columns {
		text, ok := defaults[col.Name]
		if !ok || slices.Contains(names, col.Name) {
			continue
		}
		x, err := defaultValue(n, text)
		if err != nil {
			return nil, err
		}
		missing = append(missing, syntax.Ident{Span: spanOf(n), Name: col.Name})
		values = append(values, x)
	}
	if len(missing) == 0 {
		return &c, nil
	}
	q, err := addOutputs(n.Query, len(n.Columns), values)
	c.Query, c.Columns = q, slices.Concat(n.Columns, missing)
	return &c, err
}

func spanOf(n syntax.Node) syntax.Span { return syntax.Span{From: n.Pos(), To: n.End()} }

func defaultValue(at syntax.Node, text string) (syntax.Expr, error) {
	x, err := syntax.ParseExpr(text)
	if err != nil {
		return nil, err
	}
	return syntax.CopyExpr(x, spanOf(at)), nil
}

// fillDefaultWords replaces the word DEFAULT in VALUES.
func fillDefaultWords(n *syntax.Insert, names []string, defaults map[string]string) error {
	v, ok := n.Query.Body.(*syntax.Values)
	if !ok {
		return nil
	}
	for _, row := range v.Rows {
		for i, x := range row {
			name, ok := x.(*syntax.Name)
			if !ok || name.Ident.Quoted || !strings.EqualFold(name.Ident.Name, "DEFAULT") {
				continue
			}
			row[i] = &syntax.Literal{Span: name.Span, Kind: syntax.NullLit}
			if i >= len(names) || defaults[names[i]] == "" {
				continue
			}
			var err error
			if row[i], err = defaultValue(name, defaults[names[i]]); err != nil {
				return err
			}
		}
	}
	return nil
}

// addOutputs is a query that puts out more values, from place at on.
func addOutputs(q *syntax.Query, at int, values []syntax.Expr) (*syntax.Query, error) {
	c := *q
	switch body := q.Body.(type) {
	case *syntax.Values:
		v := *body
		v.Rows = slices.Clone(body.Rows)
		for i, row := range v.Rows {
			v.Rows[i] = slices.Insert(slices.Clone(row), min(at, len(row)), values...)
		}
		v.Names = nil
		c.Body = &v
		return &c, nil
	case *syntax.Select:
		star := slices.ContainsFunc(body.Items, func(it syntax.SelectItem) bool { _, ok := it.X.(*syntax.Star); return ok })
		if body.Distinct || body.Transform != nil || star || len(body.Items) < at {
			break
		}
		s := *body
		items := make([]syntax.SelectItem, len(values))
		for i, x := range values {
			items[i] = syntax.SelectItem{Span: spanOf(x), X: x}
		}
		s.Items = slices.Insert(slices.Clone(body.Items), at, items...)
		c.Body = &s
		return &c, nil
	}
	return nil, unsupported(q, "leaving out columns that have a DEFAULT, where the query is not VALUES or a plain SELECT list,")
}
