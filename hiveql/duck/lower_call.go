package duck

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// rule makes SQL of a call whose arguments are SQL already.
type rule func(l *lowerer, x *analysis.Call, args []string) string

// rules has one rule for every scalar function and operator, by name.
var rules = sync.OnceValue(func() map[string]rule {
	all := map[string]rule{}
	for _, list := range []map[string]rule{
		operatorRules(), mathRules(), textRules(), patternRules(), dateRules(), valueRules(), collectionRules(),
		xmlRules(), computedTextRules(),
	} {
		for name, r := range list {
			all[name] = r
		}
	}
	return all
})

func (l *lowerer) call(x *analysis.Call) string {
	if x.Func.Name == "enforce_constraint" { // which nobody can call
		return l.fill("skep_enforce(coalesce($1, FALSE), $2)", x, l.exprs(x.Args))
	}
	r, ok := rules()[x.Func.Name]
	if !ok {
		return l.fail(unsupported("the function %s", x.Func.Name))
	}
	if err := checkType(x.T); err != nil {
		return l.fail(err)
	}
	switch x.Func.Name {
	case "and", "or":
		return l.chain(x, " "+strings.ToUpper(x.Func.Name)+" ")
	case "||":
		return l.chain(x, " || ")
	case "/":
		if s, ok := l.byInverse(x); ok {
			return s
		}
	}
	if l.resolution == nanos && takesClocks(x) && (hasTime(x.T) || slices.ContainsFunc(x.Args, func(a analysis.Expr) bool { return hasTime(a.Type()) })) {
		return l.clocked(x, r)
	}
	if isComparison(x.Func.Name) && len(x.Args) == 2 {
		return r(l, x, l.compared(x.Args))
	}
	return r(l, x, l.exprs(x.Args))
}

// chain writes a OR b OR c without parentheses inside, since DuckDB limits how deep an
// expression is nested but not how long it is. The operator must be associative.
func (l *lowerer) chain(x *analysis.Call, operator string) string {
	var operands []string
	var walk func(e analysis.Expr)
	walk = func(e analysis.Expr) {
		for {
			c, ok := e.(*analysis.Call)
			if !ok || c.Func.Name != x.Func.Name || len(c.Args) != 2 {
				break
			}
			walk(c.Args[0])
			e = c.Args[1]
		}
		operands = append(operands, l.expr(e))
	}
	walk(x)
	return "(" + strings.Join(operands, operator) + ")"
}

// as is a rule by a template: $1, $2 ... are the arguments, $* all of them, $T the type of the
// result.
func as(template string) rule {
	return func(l *lowerer, x *analysis.Call, args []string) string { return l.fill(template, x, args) }
}

func (l *lowerer) fill(template string, x *analysis.Call, args []string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(template, "$")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		switch c := after[0]; c {
		case '*':
			b.WriteString(strings.Join(args, ", "))
		case 'T':
			b.WriteString(l.sqlType(x.T))
		default:
			b.WriteString(args[c-'1'])
		}
		template = after[1:]
	}
}

// byCount is a rule by templates for one, two ... arguments; "" where there may not be so few.
func byCount(templates ...string) rule {
	return func(l *lowerer, x *analysis.Call, args []string) string {
		return l.fill(templates[len(args)-1], x, args)
	}
}

// constantText is argument i as a constant.
func constantText(x *analysis.Call, i int) (string, bool) {
	arg := x.Args[i]
	for {
		c, ok := arg.(*analysis.Cast)
		if !ok || !c.X.Type().Text() {
			break
		}
		arg = c.X
	}
	c, ok := arg.(*analysis.Const)
	if !ok {
		return "", false
	}
	s, ok := c.Value.(string)
	return s, ok
}

func constantInt(x *analysis.Call, i int) (int64, bool) {
	arg := x.Args[i]
	if c, ok := arg.(*analysis.Cast); ok {
		arg = c.X
	}
	c, ok := arg.(*analysis.Const)
	if !ok {
		return 0, false
	}
	n, ok := c.Value.(int64)
	return n, ok
}

func operatorRules() map[string]rule {
	return map[string]rule{
		"+": arithmeticRule("add", "+"), "-": arithmeticRule("sub", "-"), "*": arithmeticRule("mul", "*"),
		"/": func(l *lowerer, x *analysis.Call, args []string) string {
			if x.T.Kind == hivetype.Decimal {
				return l.decimalCall("div", x, args)
			}
			return l.fill("($1 / nullif($2, 0))", x, args)
		},
		"div": as("skep_divide($1, $2)"),
		"%":   moduloRule("mod", "skep_modulo"),
		"mod": moduloRule("mod", "skep_modulo"),
		"neg": negate, "negative": negate,
		"&": as("($1 & $2)::$T"), "|": as("($1 | $2)::$T"), "^": as("xor($1, $2)::$T"), "~": as("(~($1))::$T"),
		"=": as("($1 = $2)"), "<>": as("($1 <> $2)"), "<": as("($1 < $2)"), "<=": as("($1 <= $2)"),
		">": as("($1 > $2)"), ">=": as("($1 >= $2)"), "<=>": as("($1 IS NOT DISTINCT FROM $2)"),
		"and": as("($1 AND $2)"), "or": as("($1 OR $2)"), "not": as("(NOT $1)"),
		"isnull": as("($1 IS NULL)"), "isnotnull": as("($1 IS NOT NULL)"),
		"istrue": as("($1 IS TRUE)"), "isfalse": as("($1 IS FALSE)"),
		"like": like, "rlike": rlike,
		"||": as("($1 || $2)"), "index": index, "field": fieldOrIndex,
	}
}

var integerFunctions = map[string]string{"add": "skep_add", "sub": "skep_subtract", "mul": "skep_multiply"}

// arithmeticRule is for + - *: integers wrap around, decimals round and are NULL where they do
// not fit, dates move by intervals.
func arithmeticRule(op, symbol string) rule {
	return func(l *lowerer, x *analysis.Call, args []string) string {
		a, b := x.Args[0].Type(), x.Args[1].Type()
		switch {
		case x.T.Integer():
			return l.fill(integerFunctions[op]+"($1, $2)", x, args)
		case x.T.Kind == hivetype.Decimal:
			return l.decimalArithmetic(op, symbol, x, args)
		case x.T.Kind == hivetype.IntervalDayTime && instant(a) && instant(b):
			return l.fill("(($1)::TIMESTAMP - ($2)::TIMESTAMP)", x, args)
		case a.Kind == hivetype.Date && b.Kind == hivetype.Int && op == "add":
			return l.fill("skep_add_days($1, $2)", x, args)
		case a.Kind == hivetype.Date && b.Kind == hivetype.Int:
			return l.fill("skep_add_days($1, skep_negate($2))", x, args)
		case instant(x.T):
			return l.fill("($1 "+symbol+" $2)::$T", x, args)
		}
		return l.fill("($1 "+symbol+" $2)", x, args)
	}
}

// decimalArithmetic is DuckDB's own where the exact result fits by its type.
func (l *lowerer) decimalArithmetic(op, symbol string, x *analysis.Call, args []string) string {
	a, b := x.Args[0].Type(), x.Args[1].Type()
	switch {
	case op == "mul" && a.Precision+b.Precision < hivetype.MaxPrecision && x.T.Scale == a.Scale+b.Scale:
		if a.Precision+b.Precision > compactDigits && max(a.Precision, b.Precision) <= compactDigits { // of which the product would have to be as short
			return l.fill("(($1)::"+l.sqlType(hivetype.DecimalOf(compactDigits+1, a.Scale))+" * $2)::$T", x, args)
		}
		return l.fill("($1 * $2)::$T", x, args)
	case op != "mul" && x.T.Precision < hivetype.MaxPrecision && x.T.Scale == max(a.Scale, b.Scale):
		return l.fill("(($1)::$T "+symbol+" ($2)::$T)::$T", x, args)
	}
	return l.decimalCall(op, x, args)
}

func (l *lowerer) decimalCall(op string, x *analysis.Call, args []string) string {
	return l.decimal(op, args[0], args[1], x.Args[0].Type(), x.Args[1].Type(), x.T)
}

// like leaves out the escape character where the pattern has none: DuckDB then looks for the parts
// of the pattern, which is several times as fast.
func like(l *lowerer, x *analysis.Call, args []string) string {
	if c, ok := x.Args[1].(*analysis.Const); ok {
		if pattern, ok := c.Value.(string); ok && !strings.Contains(pattern, `\`) {
			return l.fill("($1 LIKE $2)", x, args)
		}
	}
	return l.fill(`($1 LIKE $2 ESCAPE '\')`, x, args)
}

func moduloRule(op, function string) rule {
	return func(l *lowerer, x *analysis.Call, args []string) string {
		switch x.T.Kind {
		case hivetype.Decimal:
			return l.decimalCall(op, x, args)
		case hivetype.Float:
			return l.fill(function+"(($1)::DOUBLE, ($2)::DOUBLE)::FLOAT", x, args)
		}
		return l.fill(function+"($1, $2)", x, args)
	}
}

func negate(l *lowerer, x *analysis.Call, args []string) string {
	if x.T.Integer() {
		return l.fill("skep_negate($1)", x, args)
	}
	return l.fill("(-($1))", x, args)
}

func index(l *lowerer, x *analysis.Call, args []string) string {
	if x.Args[0].Type().Kind == hivetype.Map {
		return l.fill("($1)[$2]", x, args)
	}
	if n, ok := constantInt(x, 1); ok {
		if n < 0 {
			return "NULL::" + l.sqlType(x.T)
		}
		return "(" + args[0] + ")[" + strconv.FormatInt(n+1, 10) + "]"
	}
	return l.fill("skep_index($1, $2)", x, args)
}

// fieldOrIndex is the operator, a field of a struct, or the function of the same name, the
// index of a value in a list. They are told apart by their first argument.
func fieldOrIndex(l *lowerer, x *analysis.Call, args []string) string {
	switch t := x.Args[0].Type(); {
	case t.Kind == hivetype.Struct && x.Func.Kind == analysis.ScalarFunction && len(x.Args) == 2 && x.Args[1].Type().Text():
		f, _ := constantText(x, 1)
		return "struct_extract(" + args[0] + ", " + quote(f) + ")"
	case t.Kind == hivetype.Array && len(x.Args) == 2 && x.Args[1].Type().Text():
		f, _ := constantText(x, 1)
		e := l.fresh("e")
		return "list_transform(" + args[0] + ", lambda " + e + ": struct_extract(" + e + ", " + quote(f) + "))"
	}
	var b strings.Builder
	b.WriteString("CASE")
	for i, a := range args[1:] {
		b.WriteString(" WHEN " + args[0] + " = " + a + " THEN " + strconv.Itoa(i+1) + "::INTEGER")
	}
	return b.String() + " ELSE 0::INTEGER END"
}

func mathRules() map[string]rule {
	all := map[string]rule{
		"acos": as("CASE WHEN isnan($1) THEN $1 WHEN abs($1) <= 1 THEN acos($1) END"),
		"asin": as("CASE WHEN isnan($1) THEN $1 WHEN abs($1) <= 1 THEN asin($1) END"),
		"e":    as("2.718281828459045::DOUBLE"), "pi": as("3.141592653589793::DOUBLE"),
		"sqrt": as("sqrt(CASE WHEN $1 >= 0 THEN $1 END)"),
		"ln":   as("ln(CASE WHEN $1 > 0 THEN $1 END)"), "log10": as("log10(CASE WHEN $1 > 0 THEN $1 END)"),
		"log2": as("log2(CASE WHEN $1 > 0 THEN $1 END)"),
		"log": byCount("ln(CASE WHEN $1 > 0 THEN $1 END)",
			"(ln(CASE WHEN $2 > 0 THEN $2 END) / ln(CASE WHEN $1 > 1 THEN $1 END))"),
		"abs": absolute, "cbrt": as("skep_cbrt($1)"), "power": as("pow($1, $2)"), "bin": as("skep_bin($1)"),
		"conv": as("skep_conv($1, $2, $3)"), "factorial": as("skep_factorial($1)"),
		"pmod": moduloRule("pmod", "skep_pmod"), "positive": as("$1"),
		"rand": random,
		"sign": sign, "width_bucket": as("skep_width_bucket($1, $2, $3, $4)::INTEGER"),
		"shiftleft": as("skep_shiftleft($1, $2)"), "shiftright": as("skep_shiftright($1, $2)"),
		"shiftrightunsigned": as("skep_shiftrightunsigned($1, $2)"),
		"greatest":           extreme, "least": extreme,
		"floor": floor, "ceil": floor, "round": round, "bround": round,
	}
	for _, f := range strings.Fields("atan cosh degrees exp radians sinh tanh") {
		all[f] = as(f + "($1)")
	}
	for _, f := range strings.Fields("cos sin tan") { // DuckDB refuses what is infinite
		all[f] = as("CASE WHEN isinf($1) THEN 'NaN'::DOUBLE ELSE " + f + "($1) END")
	}
	return all
}

// sign is -1 of what is no number, as in Hive.
func sign(l *lowerer, x *analysis.Call, args []string) string {
	if approximate := x.Args[0].Type().Kind; approximate == hivetype.Double || approximate == hivetype.Float {
		return l.fill("CASE WHEN isnan($1) THEN -1 ELSE sign($1) END::$T", x, args)
	}
	return l.fill("sign($1)::$T", x, args)
}

// absolute leaves the least integer of a type, which has no positive one, as it is.
func absolute(l *lowerer, x *analysis.Call, args []string) string {
	if x.T.Integer() {
		return l.fill("CASE WHEN $1 < 0 THEN skep_negate($1) ELSE $1 END", x, args)
	}
	return l.fill("abs($1)::$T", x, args)
}

// random with a seed gives each row the number that Java's generator has for it, by the number of
// the row, which only SELECT and WHERE know.
func random(l *lowerer, x *analysis.Call, args []string) string {
	switch {
	case len(args) == 0:
		return "random()"
	case l.row == "":
		return l.fail(unsupported("rand with a seed outside of SELECT and WHERE"))
	}
	return "skep_rand(" + args[0] + ", " + l.row + ")"
}

func extreme(l *lowerer, x *analysis.Call, args []string) string {
	nulls := make([]string, len(args))
	for i, a := range args {
		nulls[i] = a + " IS NULL"
	}
	return "CASE WHEN " + strings.Join(nulls, " OR ") + " THEN NULL ELSE " + l.fill(x.Func.Name+"($*)", x, args) + " END"
}

func floor(l *lowerer, x *analysis.Call, args []string) string {
	if len(args) == 2 {
		unit, _ := constantText(x, 1)
		return floorTime(strings.ToLower(unit))(l, x, args)
	}
	switch t := x.Args[0].Type(); {
	case t.Integer():
		return l.fill("($1)::BIGINT", x, args)
	case t.Kind == hivetype.Decimal:
		return l.fill(x.Func.Name+"($1)::$T", x, args)
	}
	return l.fill("skep_to_bigint("+x.Func.Name+"(($1)::DOUBLE))", x, args)
}

// round takes halves away from zero, bround to the even neighbour.
func round(l *lowerer, x *analysis.Call, args []string) string {
	if len(args) == 1 {
		args = append(args, "0::INTEGER")
	}
	function := "skep_" + x.Func.Name
	switch t := x.Args[0].Type(); {
	case t.Integer():
		return l.fill(function+"(($1)::BIGINT, $2)::$T", x, args)
	case t.Kind == hivetype.Float:
		return l.fill(function+"(skep_to_double(skep_print($1)), $2)::FLOAT", x, args)
	case t.Kind == hivetype.Decimal:
		places := int64(0)
		if len(x.Args) == 2 {
			places, _ = constantInt(x, 1)
		}
		if x.Func.Name == "round" && places >= 0 {
			return l.castDecimal(args[0], t, x.T)
		}
		return l.fill("TRY_CAST(skep_number(skep_print("+function+"(($1)::DOUBLE, $2))) AS $T)", x, args)
	}
	return l.fill(function+"($1, $2)", x, args)
}
