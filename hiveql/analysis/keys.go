package analysis

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/skepdata/skep/hivetype"
)

// exprKeys numbers expressions so that two have the same number exactly when they compute the
// same. Each part of an expression is looked at once, however often it is asked for.
type exprKeys struct {
	byExpr map[Expr]int
	byText map[string]int
}

// key is the number of x.
func (a *analyzer) key(x Expr) int {
	if x == nil {
		return 0
	}
	k := &a.keys
	if n, ok := k.byExpr[x]; ok {
		return n
	}
	if k.byText == nil {
		k.byExpr, k.byText = map[Expr]int{}, map[string]int{}
	}
	text := a.keyText(x)
	n, ok := k.byText[text]
	if !ok {
		n = len(k.byText) + 1
		k.byText[text] = n
	}
	k.byExpr[x] = n
	return n
}

// keyText says what x is in terms of the numbers of its parts.
func (a *analyzer) keyText(x Expr) string {
	switch x := x.(type) {
	case *Ref:
		return "column " + strconv.Itoa(x.ID)
	case *Const:
		if x.Value == nil {
			return "null " + x.T.String()
		}
		return "const " + x.T.String() + " " + string(hivetype.AppendText(nil, x.Value, x.T))
	case *Call:
		if x.Func.Volatile {
			return fmt.Sprintf("volatile %p", x)
		}
		return fmt.Sprintf("call %p %s", x.Func, a.keyList(x.Args))
	case *Cast:
		return "cast " + x.T.String() + a.keyList([]Expr{x.X})
	case *Case:
		parts := []Expr{x.Else}
		for _, w := range x.Whens {
			parts = append(parts, w.Cond, w.Then)
		}
		return "case " + a.keyList(parts)
	case *In:
		return fmt.Sprintf("in %t %d %s", x.Not, a.key(x.X), a.keyList(x.List))
	case *aggregateCall:
		return fmt.Sprintf("aggregate %p %t %d %s", x.fn, x.distinct, a.key(x.filter), a.keyList(x.args))
	case *groupingCall:
		return "grouping " + a.keyList(x.args)
	case *windowCall:
		return a.windowKey(x)
	}
	return fmt.Sprintf("%p", x) // subqueries, which are equal only to themselves
}

func (a *analyzer) windowKey(x *windowCall) string {
	var b strings.Builder
	fmt.Fprintf(&b, "window %p %t %t %s by %s", x.fn, x.distinct, x.ignoreNulls, a.keyList(x.args), a.keyList(x.partitionBy))
	for _, k := range x.orderBy {
		fmt.Fprintf(&b, " order %d %t %t", a.key(k.X), k.Desc, k.NullsFirst)
	}
	if f := x.frame; f != nil {
		fmt.Fprintf(&b, " %s %s %d %s %d", f.Unit, f.Start.Kind, a.key(f.Start.N), f.Stop.Kind, a.key(f.Stop.N))
	}
	return b.String()
}

func (a *analyzer) keyList(xs []Expr) string {
	var b strings.Builder
	for _, x := range xs {
		b.WriteByte(' ')
		b.WriteString(strconv.Itoa(a.key(x)))
	}
	return b.String()
}
