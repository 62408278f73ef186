package duck

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// Hive's decimals grow with every operation: of two decimal(15,2) the product is a decimal(31,4),
// which DuckDB keeps in 128 bits and computes several times as slowly as what fits into 64. Most
// values are far smaller than their types. Where statistics and types prove that neither the result
// nor anything on the way to it has more than 18 digits, it is computed in 64 bits; it has Hive's type
// again where it leaves the query, or where something else is done with it. The proof is of all
// values of the files that are read; DuckDB still checks each product.

// compactDigits is how many digits DuckDB keeps in 64 bits.
const compactDigits = 18

// compactable is whether an expression can be computed in 64 bits, and then the span of its values.
type compactable struct {
	span
	ok bool
}

// findCompact finds what is compact of the columns that a plan makes, from its scans up.
func (l *lowerer) findCompact(q *analysis.Query) {
	for s := range l.prepared {
		for _, c := range s.Cols {
			if c.Source == analysis.DataColumn && (c.Type.Kind == hivetype.Decimal || c.Type.Integer()) {
				l.scanned[c.ID] = scanned{s, c}
			}
		}
	}
	q.Relations(func(r analysis.Rel) {
		switch r := r.(type) {
		case *analysis.Project:
			l.computedColumns(r.Exprs)
		case *analysis.Aggregate:
			l.computedColumns(r.Keys)
			for _, g := range r.Aggs {
				l.aggregatedColumn(g)
			}
		case *analysis.Use:
			l.usedColumns(r)
		}
	})
}

// computedColumns notes which of some columns are of another decimal type than Hive's.
func (l *lowerer) computedColumns(list []analysis.Computed) {
	for _, c := range list {
		if c.Type.Kind != hivetype.Decimal || !c.X.Type().Equal(c.Type) {
			continue
		}
		reach := l.compactable(c.X)
		if reach.ok {
			l.spans[c.ID] = reach.span
		}
		ref, isRef := c.X.(*analysis.Ref)
		switch {
		case isRef && l.loose[ref.ID]:
			l.loose[c.ID] = true
		case !isRef && reach.ok && c.Type.Precision > compactDigits:
			l.loose[c.ID] = true
		}
	}
}

// usedColumns notes of the columns of a shared relation what is known of them there.
func (l *lowerer) usedColumns(u *analysis.Use) {
	for _, c := range u.Cols {
		if c.Type.Kind == hivetype.Decimal || c.Type.Integer() {
			l.spans[c.ID] = l.columnSpan(c.From, c.Type)
			l.loose[c.ID] = l.loose[c.From]
		}
	}
}

// aggregatedColumn notes the same of a sum that is sure to have Hive's type, and of the least and the
// greatest value.
func (l *lowerer) aggregatedColumn(g analysis.AggregateColumn) {
	if g.Type.Kind != hivetype.Decimal || len(g.Args) != 1 {
		return
	}
	switch g.Func.Name {
	case "sum":
		l.loose[g.ID] = l.sumFits(g.Args[0], g.Type)
	case "min", "max":
		if reach := l.compactable(g.Args[0]); reach.ok && g.Args[0].Type().Equal(g.Type) {
			l.spans[g.ID] = reach.span
			l.loose[g.ID] = g.Type.Precision > compactDigits
		}
	}
}

// sumFits reports whether the sum of as many values as there can be has type t.
func (l *lowerer) sumFits(x analysis.Expr, t hivetype.Type) bool {
	reach := l.compactable(x)
	return reach.ok && x.Type().Scale == t.Scale && reach.times(spanOf(mostRows)).fits(t.Precision)
}

// compactable reports whether a decimal expression can be computed in 64 bits.
func (l *lowerer) compactable(x analysis.Expr) compactable {
	if x.Type().Kind != hivetype.Decimal {
		return compactable{}
	}
	if found, ok := l.reaches[x]; ok {
		return found
	}
	s, ok := l.reach(x)
	// In Hive what has more digits than its type is NULL.
	found := compactable{s, ok && s.fits(min(compactDigits, x.Type().Precision))}
	l.reaches[x] = found
	return found
}

// reach is the span of an expression whose parts are compactable.
func (l *lowerer) reach(x analysis.Expr) (span, bool) {
	none := span{new(big.Int), new(big.Int)}
	switch x := x.(type) {
	case *analysis.Ref:
		return l.columnSpan(x.ID, x.T), true
	case *analysis.Const:
		if x.Value == nil {
			return none, true
		}
		v, ok := unscaled(x.Value, x.T)
		return span{v, v}, ok
	case *analysis.Cast:
		from := x.X.Type()
		more := x.T.Scale - from.Scale // integers have the scale 0
		if from.Integer() {
			return l.integerSpan(x.X).moved(x.T.Scale), true
		}
		c := l.compactable(x.X)
		if !c.ok || more < 0 {
			return none, false
		}
		return c.moved(more), true
	case *analysis.Case:
		all := none
		for _, branch := range branches(x) {
			c := l.compactable(branch)
			if !c.ok || branch.Type().Scale != x.T.Scale {
				return none, false
			}
			all = all.and(c.span)
		}
		return all, true
	case *analysis.Call:
		return l.callReach(x)
	}
	return none, false
}

// branches are what a CASE can result in, besides NULL.
func branches(x *analysis.Case) []analysis.Expr {
	var list []analysis.Expr
	for _, w := range x.Whens {
		list = append(list, w.Then)
	}
	if x.Else != nil {
		list = append(list, x.Else)
	}
	return list
}

func (l *lowerer) callReach(x *analysis.Call) (span, bool) {
	var parts []compactable
	scale := 0
	for _, arg := range x.Args {
		c := l.compactable(arg)
		if !c.ok {
			return span{}, false
		}
		parts = append(parts, c)
		scale = max(scale, arg.Type().Scale)
	}
	switch {
	case len(parts) == 1 && (x.Func.Name == "neg" || x.Func.Name == "negative"):
		return parts[0].negated(), x.T.Scale == scale
	case len(parts) != 2:
	case x.Func.Name == "*":
		digits := x.Args[0].Type().Scale + x.Args[1].Type().Scale
		return parts[0].times(parts[1].span), x.T.Scale == digits && digits < compactDigits
	case x.Func.Name == "+" || x.Func.Name == "-":
		a, b := parts[0].moved(scale-x.Args[0].Type().Scale), parts[1].moved(scale-x.Args[1].Type().Scale)
		ok := x.T.Scale == scale && a.fits(compactDigits) && b.fits(compactDigits)
		if x.Func.Name == "-" {
			b = b.negated()
		}
		return a.plus(b), ok
	}
	return span{}, false
}

// integerSpan is the span of an integer.
func (l *lowerer) integerSpan(x analysis.Expr) span {
	switch x := x.(type) {
	case *analysis.Ref:
		return l.columnSpan(x.ID, x.T)
	case *analysis.Const:
		if v, ok := unscaled(x.Value, x.T); ok {
			return span{v, v}
		}
	}
	return typeSpan(x.Type())
}

// compact is an expression that is compactable, as a decimal of Hive's scale in 64 bits or fewer.
func (l *lowerer) compact(x analysis.Expr) string {
	t := l.sqlType(hivetype.DecimalOf(compactDigits, x.Type().Scale))
	switch x := x.(type) {
	case *analysis.Ref:
		if x.T.Precision > compactDigits || l.loose[x.ID] {
			return column(x.ID) + "::" + t
		}
		return column(x.ID)
	case *analysis.Const:
		if v, ok := unscaled(x.Value, x.T); ok { // in no more digits than it has
			digits := max(len(new(big.Int).Abs(v).String()), x.T.Scale, 1)
			return fmt.Sprintf("%s::DECIMAL(%d,%d)", quote(x.Value.(hivetype.Dec).String()), digits, x.T.Scale)
		}
		return "NULL::" + t
	case *analysis.Cast:
		if x.X.Type().Kind == hivetype.Decimal {
			return l.scaled(x.X, x.T.Scale)
		}
		return "(" + l.expr(x.X) + ")::" + t
	case *analysis.Case:
		t = sqlType(hivetype.DecimalOf(min(compactDigits, x.T.Precision), x.T.Scale)) // what fits is left as it is
		s := "CASE"
		for _, w := range x.Whens {
			s += " WHEN " + l.expr(w.Cond) + " THEN (" + l.compact(w.Then) + ")::" + t
		}
		if x.Else != nil {
			s += " ELSE (" + l.compact(x.Else) + ")::" + t
		}
		return s + " END"
	case *analysis.Call:
		switch {
		case len(x.Args) == 1:
			return "(-" + l.compact(x.Args[0]) + ")"
		case x.Func.Name == "*":
			return "(" + l.compact(x.Args[0]) + " * " + l.compact(x.Args[1]) + ")"
		}
		return "(" + l.scaled(x.Args[0], x.T.Scale) + " " + x.Func.Name + " " + l.scaled(x.Args[1], x.T.Scale) + ")"
	}
	return l.fail(&Error{Op: "plan", Msg: fmt.Sprintf("an expression of type %T is not compact", x)})
}

// scaled is a compact expression with a number of digits after the point.
func (l *lowerer) scaled(x analysis.Expr, scale int) string {
	if x.Type().Scale == scale {
		return l.compact(x)
	}
	if c, ok := x.(*analysis.Const); ok {
		return l.compact(&analysis.Const{Value: c.Value, T: hivetype.DecimalOf(compactDigits, scale)})
	}
	return "(" + l.compact(x) + ")::" + l.sqlType(hivetype.DecimalOf(compactDigits, scale))
}

// computesCompact reports whether something is gained by computing an expression in 64 bits.
func (l *lowerer) computesCompact(x analysis.Expr) bool {
	t := x.Type()
	if t.Kind != hivetype.Decimal || t.Precision <= compactDigits {
		return false
	}
	switch x := x.(type) {
	case *analysis.Call, *analysis.Case:
		return l.compactable(x).ok
	case *analysis.Cast:
		return l.computesCompact(x.X) && l.compactable(x).ok
	}
	return false
}

// looseExpr is an expression with the values and the scale of Hive's, but possibly of another decimal
// type: for what compares values, or takes them on.
func (l *lowerer) looseExpr(x analysis.Expr) string {
	if ref, ok := x.(*analysis.Ref); ok {
		return column(ref.ID)
	}
	if l.computesCompact(x) {
		return l.compact(x)
	}
	return l.expr(x)
}

// compared are the operands of a comparison. They have one type.
func (l *lowerer) compared(args []analysis.Expr) []string {
	t := args[0].Type()
	list := make([]string, len(args))
	narrow := t.Kind == hivetype.Decimal && t.Precision > compactDigits
	for _, x := range args {
		narrow = narrow && x.Type().Equal(t) && l.compactable(x).ok
	}
	for i, x := range args {
		switch {
		case narrow:
			list[i] = l.compact(x)
		case t.Kind == hivetype.Decimal:
			list[i] = l.looseExpr(x)
		default:
			list[i] = l.sortedMaps(l.expr(x), t)
		}
	}
	return list
}

// typed is a column of a relation, of the type that Hive gives it.
func (l *lowerer) typed(id int, t hivetype.Type) string {
	if l.loose[id] {
		return column(id) + "::" + l.sqlType(t)
	}
	return column(id)
}

// isComparison reports whether an operator compares two values.
func isComparison(name string) bool {
	return strings.Contains(" = <> < <= > >= <=> ", " "+name+" ")
}

// byInverse divides a decimal by a constant like 2 or 2.5: it multiplies by the inverse, if that is exact
// and can be computed in 64 bits.
func (l *lowerer) byInverse(x *analysis.Call) (string, bool) {
	c, ok := x.Args[1].(*analysis.Const)
	if !ok || x.T.Kind != hivetype.Decimal || x.Args[0].Type().Kind != hivetype.Decimal {
		return "", false
	}
	inverse := inverseOf(c)
	if inverse == nil {
		return "", false
	}
	product := &analysis.Call{Func: &analysis.Function{Name: "*"}, Args: []analysis.Expr{x.Args[0], inverse},
		T: hivetype.DecimalOf(compactDigits, x.Args[0].Type().Scale+inverse.T.Scale)}
	if product.T.Scale > x.T.Scale || !l.compactable(product).ok {
		return "", false
	}
	return "TRY_CAST(" + l.compact(product) + " AS " + l.sqlType(x.T) + ")", true
}

// inverseDigits is how many digits an inverse may have after the point.
const inverseDigits = 6

// inverseOf is one by c, nil if that has too many digits.
func inverseOf(c *analysis.Const) *analysis.Const {
	v, ok := unscaled(c.Value, c.T)
	if !ok || v.Sign() == 0 {
		return nil
	}
	for digits := range inverseDigits + 1 {
		one := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(c.T.Scale+digits)), nil)
		if one, rest := one.QuoRem(one, v, new(big.Int)); rest.Sign() == 0 {
			d := hivetype.Dec{Unscaled: one, Scale: digits}
			return &analysis.Const{Value: d, T: hivetype.DecimalOf(max(len(one.String()), digits, 1), digits)}
		}
	}
	return nil
}
