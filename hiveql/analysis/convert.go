package analysis

import (
	"math"
	"math/big"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/skepdata/skep/hivetype"
)

// convert makes x of type t, by a cast unless it is already. Constants are converted here where
// that is certain to give what the engine would.
func convert(x Expr, t hivetype.Type) Expr {
	if x.Type().Same(t) {
		return x
	}
	if c, ok := x.(*Const); ok {
		if v, ok := castValue(c.Value, c.T, t); ok {
			return &Const{Value: v, T: t}
		}
	}
	return &Cast{X: x, T: t}
}

// castValue converts a value as CAST does, for the cases whose result is beyond doubt; it
// reports false for the others.
func castValue(v hivetype.Value, from, to hivetype.Type) (hivetype.Value, bool) {
	if v == nil || from.Equal(to) {
		return v, true
	}
	switch {
	case from.Integer() || from.Kind == hivetype.Decimal:
		return castExact(v, from, to)
	case from.Kind == hivetype.Double && to.Kind == hivetype.Double, from.Kind == hivetype.Float && to.Kind == hivetype.Double:
		if f, ok := v.(float32); ok {
			return float64(f), true
		}
		return v, true
	case from.Kind == hivetype.Double && to.Kind == hivetype.Float:
		return float32(v.(float64)), true
	case approximate(from) && to.Kind == hivetype.Decimal:
		d, ok := decimalOfFloat(&Const{Value: v, T: from})
		if !ok {
			return nil, false
		}
		return d.Round(to.Precision, to.Scale)
	case from.Kind == hivetype.Char: // without the blanks that fill it up
		return castText(strings.TrimRight(v.(string), " "), to)
	case from.Text():
		return castText(v.(string), to)
	case from.Kind == hivetype.Date || from.Kind == hivetype.Timestamp:
		return castInstant(v.(time.Time), from, to)
	case from.Kind == hivetype.Boolean && to.Text():
		return castText(strings.ToUpper(string(hivetype.AppendText(nil, v, from))), to)
	}
	return nil, false
}

// castExact converts an integer or a decimal.
func castExact(v hivetype.Value, from, to hivetype.Type) (hivetype.Value, bool) {
	d := decimalOf(v)
	switch {
	case to.Integer():
		if from.Kind == hivetype.Decimal {
			return nil, false
		}
		return v, fits(v.(int64), to)
	case to.Kind == hivetype.Decimal:
		d, ok := d.Round(to.Precision, to.Scale)
		return d, ok
	case to.Kind == hivetype.Double, to.Kind == hivetype.Float:
		f, _ := new(big.Float).SetString(d.String())
		if to.Kind == hivetype.Float {
			g, _ := f.Float32()
			return g, true
		}
		g, _ := f.Float64()
		return g, true
	case to.Text():
		return castText(string(hivetype.AppendText(nil, v, from)), to)
	case to.Kind == hivetype.Boolean:
		return d.Unscaled.Sign() != 0, true
	}
	return nil, false
}

func decimalOf(v hivetype.Value) hivetype.Dec {
	if n, ok := v.(int64); ok {
		return hivetype.Dec{Unscaled: big.NewInt(n)}
	}
	return v.(hivetype.Dec)
}

func fits(n int64, t hivetype.Type) bool {
	switch t.Kind {
	case hivetype.TinyInt:
		return n == int64(int8(n))
	case hivetype.SmallInt:
		return n == int64(int16(n))
	case hivetype.Int:
		return n == int64(int32(n))
	}
	return t.Kind == hivetype.BigInt
}

// castText converts text that is plainly written: numbers of digits, and dates. What is odd
// (blanks, exponents beyond digits, zones) is left to the engine.
func castText(s string, to hivetype.Type) (hivetype.Value, bool) {
	switch to.Kind {
	case hivetype.String:
		return s, true
	case hivetype.Varchar:
		if utf8.RuneCountInString(s) <= to.Length {
			return s, true
		}
		return hivetype.ParseValue(s, to)
	case hivetype.Char, hivetype.Date:
		return hivetype.ParseValue(s, to)
	case hivetype.Timestamp:
		if strings.Trim(s, "0123456789-: .") != "" {
			return nil, false
		}
		return hivetype.ParseValue(s, to)
	}
	if to.Numeric() && plainNumber(s, to) {
		v, ok := hivetype.ParseValue(s, to)
		if f, isFloat := v.(float64); isFloat && math.IsInf(f, 0) {
			return nil, false
		}
		return v, ok
	}
	return nil, false
}

// plainNumber reports whether s is an optional minus, digits, and unless t is an integer type
// optionally a point and digits.
func plainNumber(s string, t hivetype.Type) bool {
	whole, fraction, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	digits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	return digits(whole) && (!point || (digits(fraction) && !t.Integer()))
}

// isNumber reports whether the constant text is a value of the integer or decimal type t.
func isNumber(c *Const, t hivetype.Type) bool {
	s, ok := c.Value.(string)
	if !ok || !plainNumber(s, t) {
		return false
	}
	if t.Integer() {
		_, ok = hivetype.ParseValue(s, t)
		return ok
	}
	d, ok := hivetype.ParseDec(s)
	if !ok {
		return false
	}
	r, ok := d.Round(t.Precision, t.Scale)
	return ok && r.Cmp(d) == 0
}

func castInstant(v time.Time, from, to hivetype.Type) (hivetype.Value, bool) {
	switch {
	case to.Kind == hivetype.Timestamp:
		return v, true
	case to.Kind == hivetype.Date:
		return v.UTC().Truncate(24 * time.Hour), true
	case to.Text():
		return castText(string(hivetype.AppendText(nil, v, from)), to)
	}
	return nil, false
}
