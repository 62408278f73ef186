package analysis

import (
	"slices"
	"strings"

	"github.com/skepdata/skep/hivetype"
)

// Range is what is known of the values that a column has in some rows.
type Range struct {
	// Min and Max are values of the column's type, nil if they are not known. All values but NULL
	// are between them.
	Min, Max hivetype.Value
	// NoNulls says that none is NULL, OnlyNulls that all are.
	NoNulls, OnlyNulls bool
	// Lacks, if not nil, reports whether a value is known not to be among those of the column. It
	// is asked last, of few values.
	Lacks func(hivetype.Value) bool
}

// mostLacking is of how many values Lacks is asked at once.
const mostLacking = 64

// lacks reports whether none of some values is in the range.
func (r Range) lacks(values []hivetype.Value) bool {
	if r.Lacks == nil || len(values) > mostLacking {
		return false
	}
	return !slices.ContainsFunc(values, func(v hivetype.Value) bool { return !r.Lacks(v) })
}

// one is the only value that there is in the range, beside NULL; nil if that is not known.
func (r Range) one(t hivetype.Type) []hivetype.Value {
	if r.Min == nil || r.Max == nil || hivetype.Compare(r.Min, r.Max, t) != 0 {
		return nil
	}
	return []hivetype.Value{r.Min}
}

// MayHold reports whether there may be a row, of those that the ranges speak of, for which all of
// the conditions are true. cols has the ranges by columns' IDs; of others nothing is known. It
// looks at each condition alone, and takes for possible what it does not understand.
func MayHold(conds []Expr, cols map[int]Range) bool {
	for _, x := range conds {
		if holds, _ := outcomes(x, cols); !holds {
			return false
		}
	}
	return true
}

// MayFail reports whether there may be a row, of those that the ranges speak of, for which one of the conditions is false:
// otherwise to look closer at parts of them is of no use.
func MayFail(conds []Expr, cols map[int]Range) bool {
	for _, x := range conds {
		if _, fails := outcomes(x, cols); fails {
			return true
		}
	}
	return false
}

// Mentioned reports whether one of the conditions names a column.
func Mentioned(conds []Expr, id int) bool {
	return slices.ContainsFunc(conds, func(x Expr) bool { return refs(x).has(id) })
}

// outcomes are whether a condition may be true, and whether it may be false, for one of the rows.
// NULL is neither.
func outcomes(x Expr, cols map[int]Range) (holds, fails bool) {
	switch x := x.(type) {
	case *Const:
		return x.Value == true, x.Value == false
	case *In:
		return inOutcomes(x, cols)
	case *Call:
		return callOutcomes(x, cols)
	case *member:
		return memberOutcomes(x, cols)
	}
	return true, true
}

// memberOutcomes: a value may be among those of an answer if one of these is within its range.
func memberOutcomes(x *member, cols map[int]Range) (holds, fails bool) {
	r, ok := rangeOf(x.x, cols)
	switch {
	case !ok || !x.ask.known:
		return true, true
	case r.OnlyNulls || len(x.ask.values) == 0:
		return false, true
	}
	at, t := 0, x.x.Type()
	if r.Min != nil {
		at, _ = slices.BinarySearchFunc(x.ask.values, r.Min, func(a, b hivetype.Value) int { return hivetype.Compare(a, b, t) })
	}
	end := at
	for end < len(x.ask.values) && end <= at+mostLacking && (r.Max == nil || hivetype.Compare(x.ask.values[end], r.Max, t) <= 0) {
		end++
	}
	return end > at && !r.lacks(x.ask.values[at:end]), true
}

func callOutcomes(x *Call, cols map[int]Range) (holds, fails bool) {
	switch x.Func {
	case opAnd:
		holds = true
		for _, a := range x.Args {
			h, f := outcomes(a, cols)
			holds, fails = holds && h, fails || f
		}
		return holds, fails
	case opOr:
		fails = true
		for _, a := range x.Args {
			h, f := outcomes(a, cols)
			holds, fails = holds || h, fails && f
		}
		return holds, fails
	case opNot:
		holds, fails = outcomes(x.Args[0], cols)
		return fails, holds
	case opIsNull, opIsNotNull:
		r, ok := rangeOf(x.Args[0], cols)
		if _, isRef := x.Args[0].(*Ref); !ok || !isRef {
			return true, true // a conversion may make NULLs
		}
		if x.Func == opIsNull {
			return !r.NoNulls, !r.OnlyNulls
		}
		return !r.OnlyNulls, !r.NoNulls
	case opEq, opNe, opLt, opLe, opGt, opGe:
		return compareOutcomes(x, cols)
	case opLike:
		return likeOutcomes(x, cols)
	}
	return true, true
}

// compareOutcomes compares two ranges.
func compareOutcomes(x *Call, cols map[int]Range) (holds, fails bool) {
	l, ok := rangeOf(x.Args[0], cols)
	if !ok {
		return true, true
	}
	r, ok := rangeOf(x.Args[1], cols)
	if !ok {
		return true, true
	}
	if l.OnlyNulls || r.OnlyNulls {
		return false, false
	}
	t := x.Args[0].Type()
	// Whether some value of a may be less than one of b, or as small.
	less := func(a, b Range) bool {
		return a.Min == nil || b.Max == nil || hivetype.Compare(a.Min, b.Max, t) < 0
	}
	atMost := func(a, b Range) bool {
		return a.Min == nil || b.Max == nil || hivetype.Compare(a.Min, b.Max, t) <= 0
	}
	switch x.Func {
	case opLt:
		return less(l, r), atMost(r, l)
	case opLe:
		return atMost(l, r), less(r, l)
	case opGt:
		return less(r, l), atMost(l, r)
	case opGe:
		return atMost(r, l), less(l, r)
	}
	holds = atMost(l, r) && atMost(r, l)
	fails = less(l, r) || less(r, l)
	if holds && (l.Lacks != nil || r.Lacks != nil) {
		if v := r.one(t); v != nil && l.lacks(v) {
			holds = false
		}
		if v := l.one(t); v != nil && r.lacks(v) {
			holds = false
		}
	}
	if x.Func == opNe {
		return fails, holds
	}
	return holds, fails
}

// inOutcomes: X IN (list) may hold if one of the list is within the range of X.
func inOutcomes(x *In, cols map[int]Range) (holds, fails bool) {
	r, ok := rangeOf(x.X, cols)
	if !ok || x.Not {
		return true, true
	}
	if r.OnlyNulls {
		return false, false
	}
	t := x.X.Type()
	var within []hivetype.Value
	for _, e := range x.List {
		v, ok := evaluate(e, nil)
		if !ok {
			return true, true
		}
		if v == nil {
			continue
		}
		if (r.Min == nil || hivetype.Compare(r.Min, v, t) <= 0) && (r.Max == nil || hivetype.Compare(v, r.Max, t) <= 0) {
			within = append(within, v)
		}
	}
	return len(within) > 0 && !r.lacks(within), true
}

// likeOutcomes: what is like 'abc%' begins with abc.
func likeOutcomes(x *Call, cols map[int]Range) (holds, fails bool) {
	r, ok := rangeOf(x.Args[0], cols)
	pattern, isConst := x.Args[1].(*Const)
	if !ok || !isConst || x.Args[0].Type().Kind != hivetype.String {
		return true, true
	}
	if r.OnlyNulls {
		return false, false
	}
	prefix, isText := pattern.Value.(string)
	if !isText {
		return true, true
	}
	if i := strings.IndexAny(prefix, `%_\`); i >= 0 {
		prefix = prefix[:i]
	}
	if low, ok := r.Min.(string); ok && low > prefix && !strings.HasPrefix(low, prefix) {
		return false, true
	}
	if high, ok := r.Max.(string); ok && high < prefix {
		return false, true
	}
	return true, true
}

// rangeOf is the range of an expression: of a column, of a column converted so that the order
// stays, of a constant.
func rangeOf(x Expr, cols map[int]Range) (Range, bool) {
	switch x := x.(type) {
	case *Ref:
		r, ok := cols[x.ID]
		return r, ok
	case *Cast:
		if !keepsOrder(x.X.Type(), x.T) {
			break
		}
		r, ok := rangeOf(x.X, cols)
		if !ok {
			return r, false
		}
		r.Lacks = lacksConverted(r.Lacks, x.X.Type(), x.T)
		if r.Min != nil {
			if r.Min, ok = castValue(r.Min, x.X.Type(), x.T); !ok {
				return Range{}, false
			}
		}
		if r.Max != nil {
			if r.Max, ok = castValue(r.Max, x.X.Type(), x.T); !ok {
				return Range{}, false
			}
		}
		return r, true
	}
	v, ok := evaluate(x, nil)
	if !ok {
		return Range{}, false
	}
	return Range{Min: v, Max: v, NoNulls: v != nil, OnlyNulls: v == nil}, true
}

// keepsOrder reports whether a conversion keeps values in order and makes none of them NULL.
func keepsOrder(from, to hivetype.Type) bool {
	switch {
	case exact(from) && exact(to):
		return widens(from, to)
	case from.Integer() && to.Kind == hivetype.Double:
		return true
	case from.Kind == hivetype.Date && to.Kind == hivetype.Timestamp:
		return true
	}
	return from.Equal(to)
}

// lacksConverted asks of values after a conversion. Whole numbers as double are not asked for: several
// of them become one.
func lacksConverted(lacks func(hivetype.Value) bool, from, to hivetype.Type) func(hivetype.Value) bool {
	switch {
	case lacks == nil || from.Equal(to):
		return lacks
	case !exact(from) || !exact(to):
		return nil
	}
	return func(v hivetype.Value) bool {
		w, ok := castValue(v, to, from)
		if !ok || w == nil {
			return false
		}
		back, ok := castValue(w, from, to)
		return ok && back != nil && hivetype.Compare(back, v, to) == 0 && lacks(w)
	}
}
