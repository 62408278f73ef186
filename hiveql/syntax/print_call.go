package syntax

import "strings"

func (p *printer) call(x *Call) {
	if x.Database != nil {
		p.ident(*x.Database)
		p.w(".")
	}
	switch {
	case x.Func.Quoted || x.Database != nil:
		p.ident(x.Func)
	case functionWord(lookUp(x.Func.Name).text) || strings.EqualFold(x.Func.Name, "extract"):
		p.w(x.Func.Name)
	default:
		p.ident(x.Func)
	}
	p.w("(")
	p.arguments(x)
	p.w(")")
	if len(x.WithinGroup) > 0 {
		p.w(" WITHIN GROUP (ORDER BY ")
		commas(p, x.WithinGroup, p.sortItem)
		p.w(")")
	}
	if x.Filter != nil {
		p.w(" FILTER (WHERE ")
		p.expr(x.Filter, levelOr)
		p.w(")")
	}
	if x.Nulls != "" {
		p.w(" ", x.Nulls, " NULLS")
	}
	if x.Over != nil {
		p.w(" OVER ")
		p.window(x.Over)
	}
}

func (p *printer) arguments(x *Call) {
	unit, rest := x.unit()
	switch {
	case unit != "" && strings.EqualFold(x.Func.Name, "extract"):
		p.w(unit, " FROM ")
		p.expr(rest, levelOr)
	case unit != "":
		p.expr(rest, levelOr)
		p.w(" TO ", unit)
	default:
		p.when(x.Distinct, "DISTINCT ")
		p.exprs(x.Args)
	}
}

// unit is the unit of time among the arguments of EXTRACT and FLOOR, and the other argument.
func (x *Call) unit() (string, Expr) {
	if len(x.Args) != 2 || x.Distinct || x.Database != nil {
		return "", nil
	}
	u, rest := x.Args[1], x.Args[0]
	switch strings.ToLower(x.Func.Name) {
	case "extract":
		u, rest = rest, u
	case "floor":
	default:
		return "", nil
	}
	if l, ok := u.(*Literal); ok && l.Kind == StringLit && timeUnit(l.Value) == l.Value {
		return l.Value, rest
	}
	return "", nil
}

func (p *printer) sortItem(it SortItem) {
	p.expr(it.X, levelOr)
	p.when(it.Desc, " DESC")
	if it.Nulls != "" {
		p.w(" NULLS ", it.Nulls)
	}
}

func (p *printer) window(w *Window) {
	if w.Ref != nil && len(w.PartitionBy) == 0 && len(w.OrderBy) == 0 && w.Frame == nil {
		p.ident(*w.Ref)
		return
	}
	p.w("(")
	sep := ""
	if w.Ref != nil {
		p.ident(*w.Ref)
		sep = " "
	}
	if len(w.PartitionBy) > 0 {
		p.w(sep, "PARTITION BY ")
		p.exprs(w.PartitionBy)
		sep = " "
	}
	if len(w.OrderBy) > 0 {
		p.w(sep, "ORDER BY ")
		commas(p, w.OrderBy, p.sortItem)
		sep = " "
	}
	if w.Frame != nil {
		p.w(sep, w.Frame.Unit, " BETWEEN ")
		p.frameBound(w.Frame.Start)
		p.w(" AND ")
		p.frameBound(w.Frame.Stop)
	}
	p.w(")")
}

func (p *printer) frameBound(b FrameBound) {
	if b.N != nil {
		p.expr(b.N, levelAdd)
		p.w(" ")
	}
	p.w(b.Kind)
}
