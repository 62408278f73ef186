package analysis

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
)

// TypeOf is the Hive type that is written in a cast or a column's definition. Unknown and
// impossible types (decimal(50,2)) are *Error.
func TypeOf(t syntax.Type) (hivetype.Type, error) {
	out, err := hivetype.Parse(typeText(t))
	if err != nil {
		var parse *hivetype.ParseError
		if errors.As(err, &parse) {
			return out, failf(t, 0, "%s", parse.Msg)
		}
		return out, failf(t, 0, "%v", err)
	}
	setComments(&out, t)
	return out, nil
}

func typeText(t syntax.Type) string {
	var b strings.Builder
	b.WriteString(t.Kind)
	for i, n := range t.Args {
		b.WriteString([]string{"(", ","}[min(i, 1)] + strconv.Itoa(n))
	}
	if len(t.Args) > 0 {
		b.WriteByte(')')
	}
	switch {
	case len(t.Elems) > 0:
		for i, e := range t.Elems {
			b.WriteString([]string{"<", ","}[min(i, 1)] + typeText(e))
		}
		b.WriteByte('>')
	case len(t.Fields) > 0:
		for i, f := range t.Fields {
			b.WriteString([]string{"<", ","}[min(i, 1)] + "`" + f.Name.Name + "`:" + typeText(f.Type))
		}
		b.WriteByte('>')
	}
	return b.String()
}

func setComments(out *hivetype.Type, t syntax.Type) {
	for i, f := range t.Fields {
		if i < len(out.Fields) {
			out.Fields[i].Comment = f.Comment
			setComments(&out.Fields[i].Type, f.Type)
		}
	}
	elems := []*hivetype.Type{out.Elem}
	if out.Key != nil {
		elems = []*hivetype.Type{out.Key, out.Elem}
	}
	for i, e := range t.Elems {
		switch {
		case out.Kind == hivetype.Union:
			setComments(&out.Fields[i].Type, e)
		case i < len(elems) && elems[i] != nil:
			setComments(elems[i], e)
		}
	}
}

// literal is the constant that a literal means. The size of an integer decides its type, and
// decimals lose the zeros at their end, as in Hive.
func literal(l *syntax.Literal) (Expr, error) {
	number := func(kind hivetype.Kind) (Expr, error) {
		if c := constant(l, kind); c != nil {
			return c, nil
		}
		return nil, badNumber(l, "")
	}
	moment := func(kind hivetype.Kind, example string) (Expr, error) {
		if c := constant(l, kind); c != nil {
			return c, nil
		}
		return nil, failf(l, codeArguments, "Wrong arguments %s: not a %v as %s", near(l.Value), hivetype.Of(kind), example)
	}
	switch l.Kind {
	case syntax.NullLit:
		return &Const{}, nil
	case syntax.BoolLit:
		return &Const{Value: l.Value == "true", T: boolean}, nil
	case syntax.StringLit:
		return &Const{Value: l.Value, T: text}, nil
	case syntax.IntegerLit:
		return integerLiteral(l)
	case syntax.TinyIntLit:
		return number(hivetype.TinyInt)
	case syntax.SmallIntLit:
		return number(hivetype.SmallInt)
	case syntax.BigIntLit:
		return number(hivetype.BigInt)
	case syntax.DecimalLit:
		return decimalLiteral(l)
	case syntax.DoubleLit:
		return number(hivetype.Double)
	case syntax.DateLit:
		return moment(hivetype.Date, "2024-01-31")
	case syntax.TimestampLit:
		if v, ok := hivetype.ParseClock(l.Value); ok {
			return &Const{Value: v, T: timestamp}, nil
		}
		if v, ok := hivetype.ParseClock(l.Value + " 00:00:00"); ok {
			return &Const{Value: v, T: timestamp}, nil
		}
		return nil, failf(l, codeArguments, "Wrong arguments %s: not a timestamp as 2024-01-31 12:00:00", near(l.Value))
	case syntax.TimestampTZLit:
		return moment(hivetype.TimestampLocalTZ, "2024-01-31 12:00:00 Europe/Berlin")
	case syntax.BadNumberLit:
		return nil, badNumber(l, "the letters behind a number are upper case: "+near(strings.ToUpper(l.Value)))
	}
	return nil, badNumber(l, "")
}

// constant is the literal's text as a value of the kind, or nil where it is none.
func constant(l *syntax.Literal, kind hivetype.Kind) Expr {
	t := hivetype.Of(kind)
	if v, ok := hivetype.ParseValue(l.Value, t); ok {
		return &Const{Value: v, T: t}
	}
	return nil
}

// badNumber says that a number is none of the type that its suffix says.
func badNumber(l *syntax.Literal, hint string) *Error {
	err := failf(l, codeNumber, "Invalid numerical constant %s", near(written(l)))
	err.Hint = hint
	return err
}

func integerLiteral(l *syntax.Literal) (Expr, error) {
	n, err := strconv.ParseInt(l.Value, 10, 64)
	switch {
	case err != nil:
		return decimalLiteral(l)
	case n >= math.MinInt32 && n <= math.MaxInt32:
		return &Const{Value: n, T: hivetype.Of(hivetype.Int)}, nil
	}
	return &Const{Value: n, T: bigint}, nil
}

// decimalLiteral rounds behind the point what has more digits than a decimal. What has too many
// before it is a double, or NULL where BD asks for a decimal, as in Hive.
func decimalLiteral(l *syntax.Literal) (Expr, error) {
	tooLong := func() (Expr, error) {
		if l.Kind == syntax.DecimalLit && !strings.Contains(l.Value, ".") {
			return &Const{T: hivetype.DecimalOf(hivetype.MaxPrecision, 0)}, nil
		}
		return constant(l, hivetype.Double), nil
	}
	d, ok := hivetype.ParseDec(l.Value)
	if !ok {
		return tooLong()
	}
	d = trimZeros(d)
	if d.Scale < 0 {
		d, _ = d.Round(hivetype.MaxPrecision, 0)
	}
	digits := len(d.Unscaled.Text(10))
	if d.Scale > hivetype.MaxPrecision || digits > hivetype.MaxPrecision {
		d, ok = d.Round(hivetype.MaxPrecision, max(0, hivetype.MaxPrecision-(digits-d.Scale)))
		if !ok {
			return tooLong()
		}
		digits = len(d.Unscaled.Text(10))
	}
	return &Const{Value: d, T: hivetype.DecimalOf(max(digits, d.Scale, 1), d.Scale)}, nil
}

func trimZeros(d hivetype.Dec) hivetype.Dec {
	if d.Unscaled.Sign() == 0 {
		return hivetype.Dec{Unscaled: new(big.Int)}
	}
	ten, u := big.NewInt(10), new(big.Int).Set(d.Unscaled)
	for d.Scale > 0 {
		q, m := new(big.Int).QuoRem(u, ten, new(big.Int))
		if m.Sign() != 0 {
			break
		}
		u, d.Scale = q, d.Scale-1
	}
	return hivetype.Dec{Unscaled: u, Scale: d.Scale}
}

// interval is INTERVAL '1-2' YEAR TO MONTH and its like, of constants.
func (r *resolver) interval(e *syntax.IntervalLit) (Expr, error) {
	x, err := r.expr(e.Value)
	if err != nil {
		return nil, err
	}
	c, ok := x.(*Const)
	if !ok {
		return r.computedInterval(e, x)
	}
	s := strings.TrimSpace(string(hivetype.AppendText(nil, c.Value, c.T)))
	negative := strings.HasPrefix(s, "-")
	s = strings.TrimLeft(s, "+-")
	months, length, ok := readInterval(s, e.Unit)
	if !ok {
		return nil, failf(e, codeArguments, "Wrong arguments %s: not an interval of %s", near(written(e.Value)), e.Unit)
	}
	if negative {
		months, length = -months, length.Neg()
	}
	switch e.Unit {
	case "YEAR", "MONTH", "YEAR TO MONTH":
		return &Const{Value: months, T: hivetype.Of(hivetype.IntervalYearMonth)}, nil
	}
	return &Const{Value: length, T: hivetype.Of(hivetype.IntervalDayTime)}, nil
}

// computedInterval is so many units, or text that is an interval of both.
func (r *resolver) computedInterval(e *syntax.IntervalLit, x Expr) (Expr, error) {
	kinds := map[string]hivetype.Kind{"YEAR TO MONTH": hivetype.IntervalYearMonth, "DAY TO SECOND": hivetype.IntervalDayTime}
	kind, both := kinds[e.Unit]
	switch {
	case both && x.Type().Text():
		return convert(x, hivetype.Of(kind)), nil
	case both || x.Type().Text():
		return nil, unsupported(e, "an interval of "+e.Unit+" that is not constant and of type "+x.Type().String())
	}
	fn, _ := Lookup("internal_interval")
	return r.a.bind(e, fn, codeArguments, []Expr{&Const{Value: e.Unit, T: text}, x})
}

func readInterval(s, unit string) (months int64, length hivetype.Interval, ok bool) {
	number := func(s string) int64 {
		n, err := strconv.ParseInt(s, 10, 32)
		ok = ok && err == nil && n >= 0
		return n
	}
	ok = true
	var none hivetype.Interval
	switch unit {
	case "YEAR":
		return 12 * number(s), none, ok
	case "MONTH":
		return number(s), none, ok
	case "YEAR TO MONTH":
		years, rest, found := strings.Cut(s, "-")
		months = 12*number(years) + number(rest)
		return months, none, ok && found
	case "DAY":
		return 0, hivetype.IntervalOf(number(s)*86400, 0), ok
	case "HOUR":
		return 0, hivetype.IntervalOf(number(s)*3600, 0), ok
	case "MINUTE":
		return 0, hivetype.IntervalOf(number(s)*60, 0), ok
	case "SECOND":
		length, err := time.ParseDuration(s + "s")
		return 0, hivetype.IntervalOf(0, int64(length)), err == nil
	case "DAY TO SECOND":
		days, clock, found := strings.Cut(s, " ")
		parts := strings.Split(clock, ":")
		if !found || len(parts) != 3 {
			return 0, none, false
		}
		length, err := time.ParseDuration(parts[2] + "s")
		seconds := number(days)*86400 + number(parts[0])*3600 + number(parts[1])*60
		return 0, hivetype.IntervalOf(seconds, int64(length)), ok && err == nil
	}
	return 0, none, false
}
