package analysis

import (
	"math/big"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/skepdata/skep/hivetype"
)

// evaluate computes x with the given values for columns. It reports false where it cannot, or
// where it is not certain to give what the engine would: it exists to fold constants and to
// choose partitions, and both can do without an answer.
func evaluate(x Expr, cols map[int]hivetype.Value) (hivetype.Value, bool) {
	switch x := x.(type) {
	case *Const:
		return x.Value, true
	case *Ref:
		v, ok := cols[x.ID]
		return v, ok
	case *Cast:
		v, ok := evaluate(x.X, cols)
		if !ok {
			return nil, false
		}
		return castValue(v, x.X.Type(), x.T)
	case *In:
		return evaluateIn(x, cols)
	case *Case:
		return evaluateCase(x, cols)
	case *Call:
		return evaluateCall(x, cols)
	case *member, *held:
		return evaluateAnswer(x, cols)
	}
	return nil, false
}

func evaluateIn(x *In, cols map[int]hivetype.Value) (hivetype.Value, bool) {
	v, ok := evaluate(x.X, cols)
	if !ok {
		return nil, false
	}
	null := v == nil
	for _, e := range x.List {
		w, ok := evaluate(e, cols)
		switch {
		case !ok:
			return nil, false
		case v != nil && w != nil && hivetype.Compare(v, w, x.X.Type()) == 0:
			return !x.Not, true
		case w == nil:
			null = true
		}
	}
	if null {
		return nil, true
	}
	return x.Not, true
}

func evaluateCase(x *Case, cols map[int]hivetype.Value) (hivetype.Value, bool) {
	for _, w := range x.Whens {
		c, ok := evaluate(w.Cond, cols)
		if !ok {
			return nil, false
		}
		if c == true {
			return evaluate(w.Then, cols)
		}
	}
	if x.Else == nil {
		return nil, true
	}
	return evaluate(x.Else, cols)
}

func evaluateCall(x *Call, cols map[int]hivetype.Value) (hivetype.Value, bool) {
	if x.Func == opAnd || x.Func == opOr {
		return evaluateLogic(x.Args, cols, x.Func == opOr)
	}
	args := make([]hivetype.Value, len(x.Args))
	null := false
	for i, a := range x.Args {
		v, ok := evaluate(a, cols)
		if !ok {
			return nil, false
		}
		args[i] = v
		null = null || v == nil
	}
	switch x.Func {
	case opIsNull:
		return args[0] == nil, true
	case opIsNotNull:
		return args[0] != nil, true
	case opIsTrue:
		return args[0] == true, true
	case opIsFalse:
		return args[0] == false, true
	case opSame:
		return hivetype.Compare(args[0], args[1], x.Args[0].Type()) == 0, true
	}
	if null && strict(x.Func) {
		return nil, true
	}
	if null {
		return nil, false
	}
	return evaluateStrict(x, args)
}

// strict reports whether a function of NULL is NULL, among those that evaluateStrict knows and
// those that compare.
func strict(f *Function) bool {
	switch f {
	case opAdd, opSub, opMul, opDiv, opIntDiv, opMod, opNeg, opEq, opNe, opLt, opLe, opGt, opGe, opNot,
		opLike, opRlike, opConcat, opBitAnd, opBitOr, opBitXor, opBitNot:
		return true
	}
	switch f.Name {
	case "substr", "substring", "date_add", "date_sub":
		return true
	}
	return f.Kind == ScalarFunction && datePart(f.Name) != nil
}

// evaluateLogic is AND, or with or set OR, of which one operand may decide alone.
func evaluateLogic(xs []Expr, cols map[int]hivetype.Value, or bool) (hivetype.Value, bool) {
	null, unknown := false, false
	for _, x := range xs {
		v, ok := evaluate(x, cols)
		switch {
		case !ok:
			unknown = true
		case v == nil:
			null = true
		case v == or:
			return or, true
		}
	}
	switch {
	case unknown:
		return nil, false
	case null:
		return nil, true
	}
	return !or, true
}

func evaluateStrict(x *Call, args []hivetype.Value) (hivetype.Value, bool) {
	switch x.Func {
	case opEq, opNe, opLt, opLe, opGt, opGe:
		return compareValues(x.Func, hivetype.Compare(args[0], args[1], x.Args[0].Type())), true
	case opNot:
		b, ok := args[0].(bool)
		return !b, ok
	case opAdd, opSub, opMul, opNeg, opIntDiv, opMod:
		if v, ok := evaluateDate(x, args); ok {
			return v, true
		}
		return evaluateInteger(x, args)
	case opConcat:
		l, ok := args[0].(string)
		r, ok2 := args[1].(string)
		return l + r, ok && ok2
	case opLike:
		return like(args[0].(string), args[1].(string))
	}
	if part := datePart(x.Func.Name); part != nil && len(args) == 1 {
		if s, isText := args[0].(string); isText {
			if v, ok := hivetype.ParseValue(s, hivetype.Of(hivetype.Date)); ok && len(s) == len("2006-01-02") {
				return part(v.(time.Time)), true
			}
			return nil, false
		}
		if t, ok := args[0].(time.Time); ok && x.Args[0].Type().Kind != hivetype.TimestampLocalTZ {
			return part(t.UTC()), true
		}
	}
	switch x.Func.Name {
	case "substr", "substring":
		return substr(args)
	case "date_add", "date_sub":
		return dateAdd(args, x.Func.Name == "date_sub", x.T)
	}
	return nil, false
}

// dateAdd is date_add or date_sub of a date and a number of days.
func dateAdd(args []hivetype.Value, sub bool, t hivetype.Type) (hivetype.Value, bool) {
	day, ok := args[0].(time.Time)
	n, ok2 := args[1].(int64)
	const most = 1 << 20
	if !ok || !ok2 || n > most || n < -most || t.Kind != hivetype.Date {
		return nil, false
	}
	if sub {
		n = -n
	}
	return day.UTC().Truncate(24*time.Hour).AddDate(0, 0, int(n)), true
}

// evaluateDate adds an interval of days and time to a date or timestamp, or a number of days to a date, or takes it away.
func evaluateDate(x *Call, args []hivetype.Value) (hivetype.Value, bool) {
	if len(args) != 2 || (x.Func != opAdd && x.Func != opSub) {
		return nil, false
	}
	if x.T.Kind == hivetype.Date && x.Args[1].Type().Kind == hivetype.Int { // and no interval
		return dateAdd(args, x.Func == opSub, x.T)
	}
	if x.T.Kind != hivetype.Timestamp {
		return nil, false
	}
	t, ok := args[0].(time.Time)
	d, ok2 := args[1].(hivetype.Interval)
	if !ok || !ok2 {
		return nil, false
	}
	if x.Func == opSub {
		d = d.Neg()
	}
	return time.Unix(t.Unix()+d.Seconds, int64(t.Nanosecond())+int64(d.Nanos)).UTC(), true
}

func compareValues(op *Function, c int) bool {
	switch op {
	case opEq:
		return c == 0
	case opNe:
		return c != 0
	case opLt:
		return c < 0
	case opLe:
		return c <= 0
	case opGt:
		return c > 0
	}
	return c >= 0
}

// evaluateInteger computes with integers where nothing overflows, and negates decimals and
// doubles.
func evaluateInteger(x *Call, args []hivetype.Value) (hivetype.Value, bool) {
	if x.Func == opNeg {
		switch v := args[0].(type) {
		case hivetype.Dec:
			return hivetype.Dec{Unscaled: new(big.Int).Neg(v.Unscaled), Scale: v.Scale}, true
		case float64:
			return -v, true
		case int64:
			return -v, fits(-v, x.T)
		}
		return nil, false
	}
	a, ok := args[0].(int64)
	b, ok2 := args[1].(int64)
	const safe = 1 << 31
	if !ok || !ok2 || !x.T.Integer() || a >= safe || a <= -safe || b >= safe || b <= -safe {
		return nil, false
	}
	var n int64
	switch x.Func {
	case opAdd:
		n = a + b
	case opSub:
		n = a - b
	case opMul:
		n = a * b
	default:
		if b == 0 {
			return nil, true
		}
		if n = a / b; x.Func == opMod {
			n = a % b
		}
	}
	return n, fits(n, x.T)
}

// datePart is the function of that name that takes a number out of a date.
func datePart(name string) func(time.Time) hivetype.Value {
	switch name {
	case "year":
		return func(t time.Time) hivetype.Value { return int64(t.Year()) }
	case "month":
		return func(t time.Time) hivetype.Value { return int64(t.Month()) }
	case "day", "dayofmonth":
		return func(t time.Time) hivetype.Value { return int64(t.Day()) }
	case "quarter":
		return func(t time.Time) hivetype.Value { return int64(t.Month()+2) / 3 }
	}
	return nil
}

// substr is the function for a start counted from 1 and within ASCII text.
func substr(args []hivetype.Value) (hivetype.Value, bool) {
	s, ok := args[0].(string)
	if !ok || len(args) < 2 || utf8.RuneCountInString(s) != len(s) {
		return nil, false
	}
	from, ok := args[1].(int64)
	if !ok || from < 1 {
		return nil, false
	}
	rest := s[min(int(min(from-1, int64(len(s)))), len(s)):]
	if len(args) == 3 {
		n, ok := args[2].(int64)
		if !ok {
			return nil, false
		}
		rest = rest[:max(0, min(n, int64(len(rest))))]
	}
	return rest, true
}

// like decides patterns without escapes that are a prefix, a suffix or the whole.
func like(s, pattern string) (hivetype.Value, bool) {
	body := strings.Trim(pattern, "%")
	if strings.ContainsAny(body, `%_\`) {
		return nil, false
	}
	front, back := strings.HasPrefix(pattern, "%"), strings.HasSuffix(pattern, "%")
	switch {
	case front && back:
		return strings.Contains(s, body), true
	case front:
		return strings.HasSuffix(s, body), true
	case back:
		return strings.HasPrefix(s, body), true
	}
	return s == body, true
}

// constantParts reports whether x may be constant, its own parts being folded already.
func constantParts(x Expr) bool {
	isConst := func(x Expr) bool {
		_, ok := x.(*Const)
		return ok
	}
	switch x := x.(type) {
	case *Call:
		if x.Func == opAnd || x.Func == opOr {
			return slices.ContainsFunc(x.Args, isConst)
		}
		return !slices.ContainsFunc(x.Args, func(x Expr) bool { return !isConst(x) })
	case *Cast:
		return isConst(x.X)
	case *In:
		return isConst(x.X)
	case *Case:
		return isConst(x.Whens[0].Cond)
	}
	return false
}

// folded is x as a constant if it has the same value everywhere, otherwise x itself.
func folded(x Expr) Expr {
	if _, done := x.(*Const); done {
		return x
	}
	if v, ok := evaluate(x, nil); ok {
		c, call := x.(*Call)
		return &Const{Value: v, T: x.Type(), Computed: call && arithmeticOperator(c.Func)}
	}
	return x
}
