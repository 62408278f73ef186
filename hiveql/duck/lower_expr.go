package duck

import (
	"fmt"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// expr is an expression, of the type sqlType says.
func (l *lowerer) expr(x analysis.Expr) string {
	if l.err != nil {
		return "NULL"
	}
	if l.computesCompact(x) {
		return "(" + l.compact(x) + ")::" + l.sqlType(x.Type())
	}
	switch x := x.(type) {
	case *analysis.Ref:
		return l.typed(x.ID, x.T)
	case *analysis.Const:
		if l.resolution == micros && hasDigits(x.Value) {
			l.src.Cut().Add(1)
		}
		s, err := l.resolution.literal(x.Value, x.T)
		if err != nil {
			return l.fail(err)
		}
		return s
	case *analysis.Call:
		return l.call(x)
	case *analysis.Cast:
		return l.castZoned(x)
	case *analysis.Case:
		return l.caseOf(x)
	case *analysis.In:
		return l.in(x)
	case *analysis.Scalar:
		return "(" + l.single(x.Query) + ")"
	case *analysis.Exists:
		return not(x.Not) + "EXISTS (" + l.rel(x.Query) + ")"
	case *analysis.InQuery:
		return "(" + l.expr(x.X) + " " + not(x.Not) + "IN (" + l.single(x.Query) + "))"
	}
	return l.fail(&Error{Op: "plan", Msg: fmt.Sprintf("an expression of type %T is unknown", x)})
}

func not(negated bool) string {
	if negated {
		return "NOT "
	}
	return ""
}

// single is a relation as a subquery of exactly one column.
func (l *lowerer) single(r analysis.Rel) string {
	cols := r.Columns()
	if len(cols) == 1 && !l.loose[cols[0].ID] {
		return l.rel(r)
	}
	if len(cols) == 0 {
		return l.fail(&Error{Op: "plan", Msg: "a subquery used as a value has no column"})
	}
	return "SELECT " + l.typed(cols[0].ID, cols[0].Type) + " FROM " + l.from(r)
}

func (l *lowerer) exprs(xs []analysis.Expr) []string {
	list := make([]string, len(xs))
	for i, x := range xs {
		list[i] = l.expr(x)
	}
	return list
}

func (l *lowerer) caseOf(x *analysis.Case) string {
	var b strings.Builder
	b.WriteString("CASE")
	for _, w := range x.Whens {
		b.WriteString(" WHEN " + l.expr(w.Cond) + " THEN " + l.expr(w.Then))
	}
	if x.Else != nil {
		b.WriteString(" ELSE " + l.expr(x.Else))
	} else {
		b.WriteString(" ELSE NULL::" + l.sqlType(x.T))
	}
	b.WriteString(" END")
	return b.String()
}

func (l *lowerer) in(x *analysis.In) string {
	if len(x.List) == 0 {
		return strings.ToUpper(fmt.Sprint(x.Not))
	}
	list := l.exprs(x.List)
	for i, e := range x.List {
		list[i] = l.sortedMaps(list[i], e.Type())
	}
	return "(" + l.sortedMaps(l.expr(x.X), x.X.Type()) + " " + not(x.Not) + "IN (" + strings.Join(list, ", ") + "))"
}

// decimal is an operation on two decimals by a C++ function: the exact result rounded half up
// to type t, NULL where it does not fit or the divisor is 0.
func (l *lowerer) decimal(op, a, b string, ta, tb, t hivetype.Type) string {
	fn := fmt.Sprintf("skep_decimal_%s_%d_%d_%d_%d", op, ta.Scale, tb.Scale, t.Precision, t.Scale)
	l.decimals = append(l.decimals, fn)
	return fmt.Sprintf("%s(%s::DECIMAL(38,%d), %s::DECIMAL(38,%d))::%s", fn, a, ta.Scale, b, tb.Scale, l.sqlType(t))
}
