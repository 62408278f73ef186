package hiveql

import (
	"context"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
)

// macro is a function that a session has made of an expression. A call of it is replaced by the
// expression before the statement is analyzed.
type macro struct {
	params []syntax.ColumnDef
	body   syntax.Expr
}

// createMacro runs CREATE TEMPORARY MACRO. The body is analyzed now, with parameters that are
// NULL, so that a macro that cannot work is not made. It may use the macros made before it.
func (s *Session) createMacro(ctx context.Context, n *syntax.CreateMacro) error {
	seen := map[string]bool{}
	for i := range n.Params {
		p := &n.Params[i]
		name := strings.ToLower(p.Name.Name)
		if seen[name] {
			return semantic(&p.Name, 0, "At least one parameter name was used more than once: %s", name)
		}
		seen[name] = true
		if _, err := analysis.TypeOf(p.Type); err != nil {
			return err
		}
	}
	m := macro{params: n.Params, body: n.Body}
	call := &syntax.Call{Span: n.Span, Func: n.Name}
	for range n.Params {
		call.Args = append(call.Args, &syntax.Literal{Span: n.Span, Kind: syntax.NullLit})
	}
	body, err := m.expand(call)
	if err != nil {
		return err
	}
	q := &syntax.Query{Span: n.Span, Body: &syntax.Select{
		Span: n.Span, Items: []syntax.SelectItem{{Span: n.Span, X: body}},
	}}
	if _, err := analysis.AnalyzeQuery(ctx, s.cfg.Store, s.env(), q); err != nil {
		return err
	}
	if s.macros == nil {
		s.macros = map[string]macro{}
	}
	s.macros[strings.ToLower(n.Name.Name)] = m
	delete(s.functions, strings.ToLower(n.Name.Name))
	return nil
}

// expand is the body of the macro with the arguments of a call in the place of its parameters,
// each converted to the type of its parameter.
func (m macro) expand(call *syntax.Call) (syntax.Expr, error) {
	if len(call.Args) != len(m.params) || call.Distinct || call.Over != nil || call.Filter != nil {
		return nil, semantic(call, 10015, "The macro %s takes %d arguments, and nothing else",
			call.Func.Name, len(m.params))
	}
	at := syntax.Span{From: call.Pos(), To: call.End()}
	holder := &syntax.Unary{X: syntax.CopyExpr(m.body, at)}
	syntax.ReplaceExprs(holder, func(x syntax.Expr) syntax.Expr {
		name, ok := x.(*syntax.Name)
		if !ok {
			return x
		}
		for i, p := range m.params {
			if strings.EqualFold(p.Name.Name, name.Ident.Name) {
				arg := call.Args[i]
				return &syntax.Cast{Span: syntax.Span{From: arg.Pos(), To: arg.End()}, X: arg, Type: p.Type}
			}
		}
		return x
	})
	return holder.X, nil
}

// expandMacros replaces the calls of the session's macros and functions in a statement.
func (s *Session) expandMacros(stmt syntax.Stmt) error {
	s.renameFunctions(stmt)
	if len(s.macros) == 0 {
		return nil
	}
	var first error
	syntax.ReplaceExprs(stmt, func(x syntax.Expr) syntax.Expr {
		call, ok := x.(*syntax.Call)
		if !ok || call.Database != nil {
			return x
		}
		m, ok := s.macros[strings.ToLower(call.Func.Name)]
		if !ok {
			return x
		}
		body, err := m.expand(call)
		if err != nil {
			if first == nil {
				first = err
			}
			return x
		}
		return body
	})
	return first
}
