package duck

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/skepdata/skep/hivetype"
)

// hash is %h: what Java's hashCode says of a value, in hexadecimal.
func (c *conversion) hash(v hivetype.Value, t hivetype.Type) (string, error) {
	for _, flag := range "#+ 0,(" {
		if c.has(byte(flag)) {
			return "", c.fail("has no flag " + string(flag))
		}
	}
	if v == nil {
		return c.pad(c.cut("null")), nil
	}
	h, ok := hashCode(v, t)
	if !ok {
		return "", c.fail("of a value of type " + t.String() + " is not supported yet")
	}
	return c.pad(c.cut(strconv.FormatUint(uint64(uint32(h)), 16))), nil
}

// hashCode is the hashCode of the Java object that Hive has for a value: a decimal is a Double.
func hashCode(v hivetype.Value, t hivetype.Type) (h int32, ok bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1231, true
		}
		return 1237, true
	case int64:
		if t.Kind == hivetype.BigInt {
			return foldHash(uint64(v)), true
		}
		return int32(v), true
	case float32:
		return int32(math.Float32bits(v)), true
	case float64:
		return foldHash(math.Float64bits(v)), true
	case hivetype.Dec:
		f, _ := floatOf(v, t)
		return foldHash(math.Float64bits(f)), true
	case string:
		if t.Kind == hivetype.Char {
			v = strings.TrimRight(v, " ")
		}
		for _, unit := range utf16.Encode([]rune(v)) {
			h = h*31 + int32(unit)
		}
		return h, true
	case time.Time:
		switch t.Kind {
		case hivetype.Date:
			return int32(floorDiv(v.Unix(), 86400)), true
		case hivetype.Timestamp:
			u := v.UTC()
			year, month, day := u.Date()
			date := int32(year)&^0x7FF ^ (int32(year)<<11 + int32(month)<<6 + int32(day))
			return date ^ foldHash(uint64(u.Sub(time.Date(year, month, day, 0, 0, 0, 0, time.UTC)))), true
		}
	}
	return 0, false
}

func foldHash(u uint64) int32 { return int32(uint32(u ^ u>>32)) }

// floatOf is a number with a fraction as a double.
func floatOf(v hivetype.Value, t hivetype.Type) (float64, bool) {
	switch v := v.(type) {
	case float32:
		return float64(v), true
	case float64:
		return v, true
	case hivetype.Dec:
		f, err := strconv.ParseFloat(string(hivetype.AppendText(nil, v, t)), 64)
		return f, err == nil
	}
	return 0, false
}

// hexReal is %a, as Java's Double.toHexString has it: with the exponent that the number has in memory, and at least
// one digit behind the point.
func (c *conversion) hexReal(v hivetype.Value, t hivetype.Type) (string, error) {
	f, ok := floatOf(v, t)
	switch {
	case !ok:
		return "", c.fail("takes a number with a fraction, got " + t.String())
	case math.IsNaN(f) || math.IsInf(f, 0):
		return c.pad(string(hivetype.AppendText(nil, f, hivetype.Of(hivetype.Double)))), nil
	}
	sign := ""
	switch {
	case math.Signbit(f):
		sign = "-"
	case c.has('+'):
		sign = "+"
	case c.has(' '):
		sign = " "
	}
	digits := hexDigits(math.Abs(f), c.precision)
	if missing := c.width - len(sign) - len("0x") - len(digits); c.has('0') && missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	return c.pad(sign + "0x" + digits), nil
}

// hexDigits has precision digits behind the point, or as many as there are, but at least one.
func hexDigits(f float64, precision int) string {
	places := precision
	if precision >= 0 {
		places = max(precision, 1)
	}
	least := math.Float64frombits(1 << 52)
	low := f > 0 && f < least && places < 0
	if low { // has no one before its point
		f += least
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'x', places, 64)[len("0x"):], "p")
	if low {
		mantissa = "0" + mantissa[1:]
	}
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	n, _ := strconv.Atoi(exponent) // which FormatFloat has written
	return mantissa + "p" + strconv.Itoa(n)
}
