package hivetype

import (
	"bytes"
	"math"
	"math/big"
	"strconv"
	"time"
)

// AppendText appends v as the Hive CLI prints a column of type t: NULL; true; 1.0E7 (doubles as
// Java prints them, in the fewest digits that read back the same); decimals with all digits of
// the type's scale; 2020-01-05; 2020-01-05 10:11:12.5 (no trailing zeros, no fraction if it is
// zero, as since Hive 3.1); text and binary as they are; nested values as JSON without spaces,
// where NULL is null, text and dates are quoted, decimals lose their trailing zeros, and keys
// of maps are printed as values of their type: [1,null], {"a":1,"b":"x"}, {7:"seven"}.
func AppendText(dst []byte, v Value, t Type) []byte {
	if v == nil {
		return append(dst, "NULL"...)
	}
	if !t.Primitive() {
		return appendJSON(dst, v, t)
	}
	return appendPrimitive(dst, v, t)
}

func appendPrimitive(dst []byte, v Value, t Type) []byte {
	switch t.Kind {
	case Boolean:
		return strconv.AppendBool(dst, v.(bool))
	case TinyInt, SmallInt, Int, BigInt:
		return strconv.AppendInt(dst, v.(int64), 10)
	case Float:
		return appendFloat(dst, float64(v.(float32)), 32)
	case Double:
		return appendFloat(dst, v.(float64), 64)
	case Decimal:
		return v.(Dec).rescale(t.Scale).append(dst)
	case String, Varchar, Char:
		return append(dst, v.(string)...)
	case Binary:
		return append(dst, v.([]byte)...)
	case Date:
		return appendDate(dst, v.(time.Time))
	case Timestamp:
		return appendFraction(appendClock(dst, v.(time.Time)), v.(time.Time).Nanosecond(), 0)
	case TimestampLocalTZ:
		ts := v.(time.Time)
		dst = appendFraction(appendClock(dst, ts), ts.Nanosecond(), 1)
		return append(append(dst, ' '), ts.Location().String()...)
	case IntervalYearMonth:
		return appendMonths(dst, v.(int64))
	case IntervalDayTime:
		return appendInterval(dst, v.(Interval))
	}
	return append(dst, "NULL"...)
}

// appendFloat prints as java.lang.Double.toString and Float.toString do before Java 19, under which
// Hive runs: plain between 1e-3 and 1e7, otherwise with an exponent, always with a digit after
// the point. Of whole numbers that need more bits than there are it prints a digit more than the
// shortest form at times; see wholeDigits.
func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	if abs := math.Abs(f); abs == 0 || (abs >= 1e-3 && abs < 1e7) {
		start := len(dst)
		dst = strconv.AppendFloat(dst, f, 'f', -1, bits)
		for _, c := range dst[start:] {
			if c == '.' {
				return dst
			}
		}
		return append(dst, ".0"...)
	}
	var buf [32]byte
	if digits, ok := wholeDigits(buf[:0], f, bits); ok {
		return appendWhole(dst, f < 0, digits)
	}
	text := strconv.AppendFloat(buf[:0], f, 'e', -1, bits) // d.ddde+XX or de+XX
	e := bytes.IndexByte(text, 'e')
	if e <= 2 && !bytes.ContainsRune(text, '.') {
		// Java prints two digits at least, and the nearest ones: 4.9E-324, not 5.0E-324.
		text = strconv.AppendFloat(buf[:0], f, 'e', 1, bits)
		e = bytes.IndexByte(text, 'e')
	}
	dst = append(append(dst, text[:e]...), 'E')
	exponent, sign := text[e+2:], text[e+1]
	if sign == '-' {
		dst = append(dst, '-')
	}
	if len(exponent) > 1 && exponent[0] == '0' {
		exponent = exponent[1:]
	}
	return append(dst, exponent...)
}

// wholeDigits are the digits of a whole number below 2^63 that is too large for the bits of its
// type: Java leaves out as many of the last ones as the missing bits stand for, and rounds.
func wholeDigits(dst []byte, f float64, bits int) ([]byte, bool) {
	significant := 53
	if bits == 32 {
		significant = 24
	}
	_, exponent := math.Frexp(f) // of a number from 1/2 on
	missing := exponent - 1 - significant
	if missing < 0 || exponent > 63 {
		return nil, false
	}
	n := int64(math.Abs(f))
	// log10(2) is 0.30103.
	insignificant := max(missing-1, 0) * 30103 / 100000
	if missing-1 <= 1 {
		insignificant = 0
	}
	zeros := insignificant
	unit := int64(1)
	for range insignificant {
		unit *= 10
	}
	rest := n % unit
	if n /= unit; unit > 1 && rest >= unit/2 {
		n++
	}
	dst = strconv.AppendInt(dst, n, 10)
	for range zeros {
		dst = append(dst, '0')
	}
	return dst, true
}

// appendWhole prints the digits of a whole number with an exponent.
func appendWhole(dst []byte, negative bool, digits []byte) []byte {
	if negative {
		dst = append(dst, '-')
	}
	exponent := len(digits) - 1
	rest := bytes.TrimRight(digits[1:], "0")
	if len(rest) == 0 {
		rest = []byte("0")
	}
	dst = append(append(append(dst, digits[0], '.'), rest...), 'E')
	return strconv.AppendInt(dst, int64(exponent), 10)
}

func appendDate(dst []byte, t time.Time) []byte {
	y, m, d := t.Date()
	switch {
	case y < 0:
		dst, y = append(dst, '-'), -y
	case y > 9999:
		dst = append(dst, '+')
	}
	dst = appendPadded(dst, y, 4)
	dst = appendPadded(append(dst, '-'), int(m), 2)
	return appendPadded(append(dst, '-'), d, 2)
}

func appendClock(dst []byte, t time.Time) []byte {
	dst = append(appendDate(dst, t), ' ')
	h, m, s := t.Clock()
	dst = appendPadded(dst, h, 2)
	dst = appendPadded(append(dst, ':'), m, 2)
	return appendPadded(append(dst, ':'), s, 2)
}

// appendFraction prints nanoseconds without trailing zeros, but at least atLeast digits.
func appendFraction(dst []byte, nanos, atLeast int) []byte {
	if nanos == 0 && atLeast == 0 {
		return dst
	}
	dst = append(dst, '.')
	start := len(dst)
	dst = appendPadded(dst, nanos, 9)
	for len(dst)-start > max(atLeast, 1) && dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

func appendPadded(dst []byte, n, width int) []byte {
	for limit := int(math.Pow10(width - 1)); n < limit && limit > 1; limit /= 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, int64(n), 10)
}

// appendMonths prints 1-2 for a year and two months.
func appendMonths(dst []byte, months int64) []byte {
	if months < 0 {
		dst, months = append(dst, '-'), -months
	}
	dst = strconv.AppendInt(dst, months/12, 10)
	return strconv.AppendInt(append(dst, '-'), months%12, 10)
}

// appendInterval prints 1 02:03:04.000000000.
func appendInterval(dst []byte, i Interval) []byte {
	if i.Seconds < 0 {
		dst, i = append(dst, '-'), i.Neg()
	}
	seconds, nanos := i.Seconds, i.Nanos
	dst = strconv.AppendInt(dst, seconds/86400, 10)
	dst = appendPadded(append(dst, ' '), int(seconds/3600%24), 2)
	dst = appendPadded(append(dst, ':'), int(seconds/60%60), 2)
	dst = appendPadded(append(dst, ':'), int(seconds%60), 2)
	return appendPadded(append(dst, '.'), int(nanos), 9)
}

// appendJSON prints a part of a nested value.
func appendJSON(dst []byte, v Value, t Type) []byte {
	if v == nil {
		return append(dst, "null"...)
	}
	switch t.Kind {
	case String, Varchar, Char:
		return AppendQuoted(dst, v.(string))
	case Date, Timestamp, TimestampLocalTZ: // intervals have no quotes, as in Hive
		return append(appendPrimitive(append(dst, '"'), v, t), '"')
	case Decimal:
		return v.(Dec).trim().append(dst)
	case Array:
		dst = append(dst, '[')
		for i, e := range v.([]any) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, e, *t.Elem)
		}
		return append(dst, ']')
	case Map:
		dst = append(dst, '{')
		for i, e := range v.([]Entry) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendJSON(dst, e.Key, *t.Key), ':')
			dst = appendJSON(dst, e.Value, *t.Elem)
		}
		return append(dst, '}')
	case Union:
		u := v.(Variant)
		dst = append(strconv.AppendInt(append(dst, '{'), int64(u.Tag), 10), ':')
		return append(appendJSON(dst, u.Value, t.Fields[u.Tag].Type), '}')
	case Struct:
		dst = append(dst, '{')
		for i, e := range v.([]any) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(append(append(dst, '"'), t.Fields[i].Name...), '"', ':')
			dst = appendJSON(dst, e, t.Fields[i].Type)
		}
		return append(dst, '}')
	}
	return appendPrimitive(dst, v, t)
}

// trim drops zeros at the end of the fraction.
func (d Dec) trim() Dec {
	u, r, ten := new(big.Int).Set(d.Unscaled), new(big.Int), big.NewInt(10)
	if u.Sign() == 0 {
		return Dec{Unscaled: u}
	}
	for q := new(big.Int); d.Scale > 0; d.Scale-- {
		if q.QuoRem(u, ten, r); r.Sign() != 0 {
			break
		}
		u.Set(q)
	}
	return Dec{Unscaled: u, Scale: d.Scale}
}

// AppendQuoted appends text in double quotes, escaped as in JSON, as Hive prints it within nested values and writes it in
// JSON. Bytes that are no UTF-8 stay as they are.
func AppendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\b':
			dst = append(dst, '\\', 'b')
		case c == '\f':
			dst = append(dst, '\\', 'f')
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < ' ':
			const hex = "0123456789abcdef"
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
