package analysis

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/skepdata/skep/hivetype"
)

// The operators are functions named by their symbols, with arguments already converted. An
// executor implements exactly these:
//
//   - - *              both arguments of the result's type, an integer or floating one. For
//     decimals each argument has a decimal type of its own and the result the
//     type that Hive gives it. + and - also take date and timestamp with an
//     interval (date + interval_day_time is a timestamp), a date with an int, the
//     number of days, two intervals of one kind, and - two dates or two timestamps (an interval_day_time)
//     /                  double and double, or decimals as above; NULL where the divisor is 0
//     div                bigint and bigint: the integer quotient, NULL where the divisor is 0
//     %                  both of the result's type, or decimals as above; the sign is that of the
//     dividend, NULL where the divisor is 0
//     neg                one number or interval; the result has its type
//     & | ^ ~            integers of the result's type
//     = <> < <= > >=     two arguments of one type; boolean
//     <=>                as =, but NULL <=> NULL is true; never NULL
//     and or not         booleans, three-valued
//     isnull isnotnull   one argument of any type; boolean, never NULL
//     istrue isfalse     one boolean; boolean, never NULL
//     like               string, string: % and _, escaped by \
//     rlike              string, string: found anywhere, in Java's regular expressions
//     ||                 string and string, or binary and binary; NULL if one is
//     index              array and int, counted from 0, NULL outside; or map and key, NULL where
//     there is none
//     field              struct and a constant string, the name of the field as declared; or
//     array of struct, giving the array of the fields
//     cast_format        date or timestamp, a constant pattern of hivetype.DatePattern and today: a
//     string; or a string and the same: the date or timestamp, NULL where it does not fit
//
// Operators, by their symbols.
var (
	opAdd       = operator("+", bindAdd)
	opSub       = operator("-", bindSub)
	opMul       = operator("*", arithmetic(hivetype.DecimalMul, asWritten))
	opDiv       = operator("/", bindDiv)
	opIntDiv    = operator("div", bindIntDiv)
	opMod       = operator("%", arithmetic(hivetype.DecimalMod, asWritten))
	opNeg       = operator("neg", bindNeg)
	opEq        = operator("=", equality)
	opNe        = operator("<>", equality)
	opLt        = operator("<", ordering)
	opLe        = operator("<=", ordering)
	opGt        = operator(">", ordering)
	opGe        = operator(">=", ordering)
	opSame      = operator("<=>", equality)
	opAnd       = operator("and", booleans)
	opOr        = operator("or", booleans)
	opNot       = operator("not", booleans)
	opIsNull    = operator("isnull", anything)
	opIsNotNull = operator("isnotnull", anything)
	opIsTrue    = operator("istrue", booleans)
	opIsFalse   = operator("isfalse", booleans)
	opLike      = operator("like", texts)
	opRlike     = operator("rlike", texts)
	opConcat    = operator("||", bindConcat)
	opBitAnd    = operator("&", integers)
	opBitOr     = operator("|", integers)
	opBitXor    = operator("^", integers)
	opBitNot    = operator("~", integers)
	opIndex     = operator("index", bindIndex)
	opField     = operator("field", bindField)

	// opCastFormat is made by castFormat only, with the types that it has.
	opCastFormat = operator("cast_format", nil)
)

// in binds IN; it is no operator of plans, which have In.
var in = operator("in", bindIn)

// Operators lists the operators, for executors to check that they know them all.
func Operators() []*Function {
	return []*Function{
		opAdd, opSub, opMul, opDiv, opIntDiv, opMod, opNeg, opEq, opNe, opLt, opLe, opGt, opGe, opSame,
		opAnd, opOr, opNot, opIsNull, opIsNotNull, opIsTrue, opIsFalse, opLike, opRlike, opConcat,
		opBitAnd, opBitOr, opBitXor, opBitNot, opIndex, opField,
		opCastFormat,
	}
}

// OperatorNames are the names under which Hive lists what is no function in the catalogue: the
// operators, by all their spellings, and the forms of expressions.
func OperatorNames() []string {
	names := strings.Fields("! != == between case grouping in is_not_distinct_from isnotfalse isnottrue likeall likeany regexp when " +
		"udftoboolean udftobyte udftodouble udftofloat udftointeger udftolong udftoshort")
	for _, f := range Operators() {
		if f != opNeg && f != opConcat { // which Hive calls negative and concat
			names = append(names, f.Name)
		}
	}
	return names
}

// binaryOperator is the operator of a syntax.Binary.
func binaryOperator(symbol string) *Function {
	switch symbol {
	case "OR":
		return opOr
	case "AND":
		return opAnd
	case "DIV":
		return opIntDiv
	}
	for _, f := range Operators() {
		if f.Name == symbol {
			return f
		}
	}
	return nil
}

func operator(name string, bind func([]Arg) (Binding, error)) *Function {
	return &Function{Name: name, Usage: "the operator " + name, Bind: bind}
}

var (
	boolean = hivetype.Of(hivetype.Boolean)
	text    = hivetype.Of(hivetype.String)
	bigint  = hivetype.Of(hivetype.BigInt)
	double  = hivetype.Of(hivetype.Double)
)

// same is the binding of arguments that all become t.
func same(args []Arg, t, result hivetype.Type) Binding {
	b := Binding{Args: make([]hivetype.Type, len(args)), Result: result}
	for i := range args {
		b.Args[i] = t
	}
	return b
}

// arithmetic binds *, % and the numeric cases of + and -. Types without fraction widen to the
// larger; a decimal with an integer follows the decimal rule, the integer being taken for what as
// says; all else, text included, is computed in floating point, and so is a decimal with NULL.
func arithmetic(decimal func(a, b hivetype.Type) hivetype.Type, as operand) func([]Arg) (Binding, error) {
	return func(args []Arg) (Binding, error) {
		l, r := args[0].Type, args[1].Type
		if l.Kind == hivetype.Void && r.Kind != hivetype.Decimal {
			l = r
		}
		if r.Kind == hivetype.Void && l.Kind != hivetype.Decimal {
			r = l
		}
		switch {
		case !computable(l) || !computable(r):
			return Binding{}, notComputable(args)
		case l.Integer() && r.Integer():
			t := hivetype.Of(max(l.Kind, r.Kind))
			return same(args, t, t), nil
		case exact(l) && exact(r):
			a, b := as(args[0]), as(args[1])
			return Binding{Args: []hivetype.Type{a, b}, Result: decimal(a, b)}, nil
		case floats(l, r):
			t := hivetype.Of(hivetype.Float)
			return same(args, t, t), nil
		}
		return same(args, double, double), nil
	}
}

func computable(t hivetype.Type) bool {
	return t.Numeric() || t.Text() || t.Kind == hivetype.Void
}

func exact(t hivetype.Type) bool { return t.Integer() || t.Kind == hivetype.Decimal }

// floats reports whether the result is single precision: float with float, an integer or a decimal.
func floats(a, b hivetype.Type) bool {
	f := func(t hivetype.Type) bool { return t.Kind == hivetype.Float }
	return (f(a) && (f(b) || exact(b))) || (f(b) && exact(a))
}

func notComputable(args []Arg) error {
	for _, a := range args {
		if !computable(a.Type) {
			return fmt.Errorf("expected a number, got %s", a.Type)
		}
	}
	return fmt.Errorf("expected numbers")
}

// days is a date and whole days after it.
func days(l, r hivetype.Type) (Binding, bool) {
	if l.Kind != hivetype.Date || !r.Integer() || r.Kind == hivetype.BigInt {
		return Binding{}, false
	}
	return Binding{Args: []hivetype.Type{l, hivetype.Of(hivetype.Int)}, Result: l}, true
}

func bindAdd(args []Arg) (Binding, error) {
	if b, ok := days(args[0].Type, args[1].Type); ok {
		return b, nil
	}
	if b, ok := dateArithmetic(args[0].Type, args[1].Type); ok {
		return b, nil
	}
	if b, ok := dateArithmetic(args[1].Type, args[0].Type); ok {
		b.Args[0], b.Args[1] = b.Args[1], b.Args[0]
		return b, nil
	}
	return arithmetic(hivetype.DecimalAdd, asItIs)(args)
}

func bindSub(args []Arg) (Binding, error) {
	l, r := args[0].Type, args[1].Type
	if b, ok := days(l, r); ok {
		return b, nil
	}
	if b, ok := dateArithmetic(l, r); ok {
		return b, nil
	}
	if instant(l) && instant(r) || instant(l) && r.Text() || l.Text() && instant(r) {
		t := hivetype.Of(hivetype.Timestamp)
		if l.Kind == hivetype.Date && r.Kind == hivetype.Date {
			t = l
		}
		return same(args, t, hivetype.Of(hivetype.IntervalDayTime)), nil
	}
	return arithmetic(hivetype.DecimalAdd, asItIs)(args)
}

func instant(t hivetype.Type) bool {
	return t.Kind == hivetype.Date || t.Kind == hivetype.Timestamp
}

// dateArithmetic is date or timestamp with an interval, or two intervals of one kind.
func dateArithmetic(l, r hivetype.Type) (Binding, bool) {
	months, seconds := r.Kind == hivetype.IntervalYearMonth, r.Kind == hivetype.IntervalDayTime
	if !months && !seconds {
		return Binding{}, false
	}
	if l.Text() {
		l = hivetype.Of(hivetype.Timestamp)
	}
	switch {
	case l.Kind == r.Kind, l.Kind == hivetype.Timestamp, l.Kind == hivetype.Date && months:
		return Binding{Args: []hivetype.Type{l, r}, Result: l}, true
	case l.Kind == hivetype.Date:
		t := hivetype.Of(hivetype.Timestamp)
		return Binding{Args: []hivetype.Type{t, r}, Result: t}, true
	}
	return Binding{}, false
}

func bindDiv(args []Arg) (Binding, error) {
	l, r := args[0].Type, args[1].Type
	switch {
	case !computable(l) || !computable(r):
		return Binding{}, notComputable(args)
	case exact(l) && exact(r) && (l.Kind == hivetype.Decimal || r.Kind == hivetype.Decimal):
		a, b := asWritten(args[0]), asWritten(args[1])
		return Binding{Args: []hivetype.Type{a, b}, Result: hivetype.DecimalDiv(a, b)}, nil
	}
	return same(args, double, double), nil
}

func bindIntDiv(args []Arg) (Binding, error) {
	for _, a := range args {
		if !a.Type.Integer() && a.Type.Kind != hivetype.Void {
			return Binding{}, fmt.Errorf("DIV takes integers, got %s; use floor(a / b)", a.Type)
		}
	}
	return same(args, bigint, bigint), nil
}

func bindNeg(args []Arg) (Binding, error) {
	t := args[0].Type
	switch {
	case t.Text() || t.Kind == hivetype.Void:
		t = double
	case !t.Numeric() && t.Kind != hivetype.IntervalDayTime && t.Kind != hivetype.IntervalYearMonth:
		return Binding{}, notComputable(args)
	}
	return same(args, t, t), nil
}

func integers(args []Arg) (Binding, error) {
	kind := hivetype.Void
	for _, a := range args {
		if !a.Type.Integer() && a.Type.Kind != hivetype.Void {
			return Binding{}, fmt.Errorf("expected an integer, got %s", a.Type)
		}
		kind = max(kind, a.Type.Kind)
	}
	if kind == hivetype.Void {
		kind = hivetype.Int
	}
	return same(args, hivetype.Of(kind), hivetype.Of(kind)), nil
}

// bindIn binds the arguments of IN: the value, and then the list.
func bindIn(args []Arg) (Binding, error) {
	t, err := comparison(args)
	return same(args, t, boolean), err
}

// equality binds = and its like, which compare any two values of a common type. Maps are equal that have the same
// entries in any order.
func equality(args []Arg) (Binding, error) {
	t, err := comparison(args)
	return same(args, t, boolean), err
}

// ordering binds < and its like, which want primitive values.
func ordering(args []Arg) (Binding, error) {
	t, err := comparison(args)
	if err == nil && !t.Primitive() {
		err = fmt.Errorf("%s values have no order", t.Kind)
	}
	return same(args, t, boolean), err
}

// comparison is the type as which all arguments are compared.
func comparison(args []Arg) (hivetype.Type, error) {
	return commonOf(constantsAs(args), hivetype.ForComparison)
}

func commonOf(types []hivetype.Type, common func(a, b hivetype.Type) (hivetype.Type, bool)) (hivetype.Type, error) {
	t := types[0]
	for _, u := range types[1:] {
		c, ok := common(t, u)
		if !ok {
			return t, fmt.Errorf("%s and %s cannot be compared", t, u)
		}
		t = c
	}
	return t, nil
}

// constantsAs are the types of the arguments, those of constants being adapted to the columns
// that they are compared with, as in Hive: text that is an integer counts as that integer
// against an integer, which compares exactly, where double would not; a number against a float
// or double becomes one, so that f = 0.1 is true of the float 0.1; a float against a decimal
// becomes the decimal that it is written as; and text against a char becomes a char, so that
// trailing blanks do not count.
func constantsAs(args []Arg) []hivetype.Type {
	types := make([]hivetype.Type, len(args))
	var columns []hivetype.Type // of what is not constant, each once
	for i, a := range args {
		types[i] = a.Type
		if a.Const == nil && !slices.ContainsFunc(columns, a.Type.Equal) {
			columns = append(columns, a.Type)
		}
	}
	for i, a := range args {
		if a.Const == nil || a.Const.Value == nil {
			continue
		}
		for _, t := range columns {
			switch {
			case a.Type.Numeric() && approximate(t), a.Type.Text() && exact(t) && isNumber(a.Const, t):
				types[i] = t
			case approximate(a.Type) && t.Kind == hivetype.Decimal:
				types[i] = decimalTypeOf(a.Const)
			case a.Type.Kind == hivetype.String && t.Kind == hivetype.Char:
				types[i] = charOf(a.Const)
			}
		}
	}
	return types
}

// decimalTypeOf is the decimal that holds a floating point constant as it is written, or its
// own type where none does.
func decimalTypeOf(c *Const) hivetype.Type {
	d, ok := decimalOfFloat(c)
	if !ok {
		return c.T
	}
	d = trimZeros(d)
	digits := len(d.Unscaled.Text(10))
	if d.Scale < 0 || d.Scale > hivetype.MaxPrecision || digits > hivetype.MaxPrecision {
		return c.T
	}
	return hivetype.DecimalOf(max(digits, d.Scale, 1), d.Scale)
}

func decimalOfFloat(c *Const) (hivetype.Dec, bool) {
	return hivetype.ParseDec(string(hivetype.AppendText(nil, c.Value, c.T)))
}

// charOf is the char that holds a constant text, or string where none does.
func charOf(c *Const) hivetype.Type {
	s, _ := c.Value.(string)
	if n := utf8.RuneCountInString(s); n <= hivetype.MaxChar {
		return hivetype.CharOf(max(n, 1))
	}
	return text
}

func approximate(t hivetype.Type) bool {
	return t.Kind == hivetype.Float || t.Kind == hivetype.Double
}

func booleans(args []Arg) (Binding, error) {
	for _, a := range args {
		if !hivetype.Castable(a.Type, boolean) {
			return Binding{}, fmt.Errorf("expected a boolean, got %s", a.Type)
		}
	}
	return same(args, boolean, boolean), nil
}

func anything(args []Arg) (Binding, error) {
	b := Binding{Result: boolean}
	for _, a := range args {
		b.Args = append(b.Args, a.Type)
	}
	return b, nil
}

func texts(args []Arg) (Binding, error) {
	for _, a := range args {
		if !a.Type.Primitive() {
			return Binding{}, fmt.Errorf("expected a string, got %s", a.Type)
		}
	}
	return same(args, text, boolean), nil
}

func bindConcat(args []Arg) (Binding, error) {
	if args[0].Type.Kind == hivetype.Binary && args[1].Type.Kind == hivetype.Binary {
		return same(args, args[0].Type, args[0].Type), nil
	}
	b, err := texts(args)
	b.Result = joined(args[0].Type, args[1].Type)
	return b, err
}

func bindIndex(args []Arg) (Binding, error) {
	x, i := args[0].Type, args[1].Type
	switch x.Kind {
	case hivetype.Array:
		if !i.Integer() && i.Kind != hivetype.Void {
			return Binding{}, fmt.Errorf("an array is indexed by an int, got %s", i)
		}
		return Binding{Args: []hivetype.Type{x, hivetype.Of(hivetype.Int)}, Result: *x.Elem}, nil
	case hivetype.Map:
		if !hivetype.Implicit(i, *x.Key) && !(exact(i) && exact(*x.Key)) {
			return Binding{}, fmt.Errorf("the keys of the map are of type %s, got %s", *x.Key, i)
		}
		return Binding{Args: []hivetype.Type{x, *x.Key}, Result: *x.Elem}, nil
	}
	return Binding{}, fmt.Errorf("%s has no elements", x)
}

func bindField(args []Arg) (Binding, error) {
	of := args[0].Type
	if of.Kind == hivetype.Array {
		of = *of.Elem
	}
	for _, f := range of.Fields {
		if f.Name == args[1].Const.Value {
			t := f.Type
			if args[0].Type.Kind == hivetype.Array {
				t = hivetype.ArrayOf(t)
			}
			return Binding{Args: []hivetype.Type{args[0].Type, text}, Result: t}, nil
		}
	}
	return Binding{}, fmt.Errorf("%s has no field %v", of, args[1].Const.Value)
}
