package hivetype

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// ParseValue reads the text of a value of the primitive type t as Hive's text SerDe does. It
// reports false, which Hive shows as NULL, where the text is not one. No blanks are skipped
// around booleans, integers and decimals. In detail:
//
//   - Integers may have a fraction of digits, which is cut off, as in Hive 3 and 4: "1.9" is 1.
//     Out of range is false.
//   - Doubles are what Java reads: "1e3", "1.", "NaN", "Infinity", "2.5f", blanks around.
//   - Decimals are rounded half up to the scale, and false when too large for the precision.
//   - Booleans are true and false in any case, nothing else.
//   - Dates are year-month-day of which month and day may have one digit; what follows, unless it is a
//     digit, is ignored; days that do not exist are false.
//   - Timestamps are a date and a time with up to nine digits of fraction, separated by a blank or a T.
//     Behind a blank, parts of the time may have one digit, and where none does a zone may follow, which is
//     ignored; behind a T, seconds may be left out. A date with anything else behind it is midnight.
//   - Char is padded to its length, varchar cut to it, both in characters.
//   - Strings are taken as they are, binary too.
//
// Nested types, void and intervals are always false.
func ParseValue(s string, t Type) (Value, bool) {
	switch t.Kind {
	case Boolean:
		switch {
		case strings.EqualFold(s, "true"):
			return true, true
		case strings.EqualFold(s, "false"):
			return false, true
		}
	case TinyInt:
		return parseInteger(s, 8)
	case SmallInt:
		return parseInteger(s, 16)
	case Int:
		return parseInteger(s, 32)
	case BigInt:
		return parseInteger(s, 64)
	case Float:
		if f, ok := parseFloat(s, 32); ok {
			return float32(f), true
		}
	case Double:
		if f, ok := parseFloat(s, 64); ok {
			return f, true
		}
	case Decimal:
		if d, ok := parseDecimal(s, t.Precision, t.Scale); ok {
			return d, true
		}
	case String:
		return s, true
	case Varchar:
		return truncate(s, t.Length), true
	case Char:
		s = strings.TrimRight(truncate(s, t.Length), " ")
		return s + strings.Repeat(" ", max(0, t.Length-utf8.RuneCountInString(s))), true
	case Binary:
		return []byte(s), true
	case Date:
		if d, ok := parseDate(s); ok {
			return d, true
		}
	case Timestamp:
		if ts, _, ok := castClock(s); ok {
			return ts, true
		}
	case TimestampLocalTZ:
		if at, ok := ParseInstant(s, time.UTC); ok {
			return at, true
		}
	}
	return nil, false
}

func truncate(s string, characters int) string {
	if len(s) <= characters {
		return s
	}
	for i := range s {
		if characters == 0 {
			return s[:i]
		}
		characters--
	}
	return s
}

func parseInteger(s string, bits int) (Value, bool) {
	digits, negative := s, false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		digits, negative = s[1:], s[0] == '-'
	}
	limit := uint64(1) << (bits - 1) // the magnitude of the smallest value
	var n uint64
	i := 0
	for ; i < len(digits) && digits[i] != '.'; i++ {
		c := digits[i] - '0'
		if c > 9 || n > limit/10 {
			return nil, false
		}
		n = n*10 + uint64(c)
	}
	if n > limit || (n == limit && !negative) {
		return nil, false
	}
	hasDigit := i > 0
	for i++; i < len(digits); i++ {
		if digits[i] < '0' || digits[i] > '9' {
			return nil, false
		}
		hasDigit = true
	}
	if !hasDigit {
		return nil, false
	}
	if negative {
		return -int64(n), true
	}
	return int64(n), true
}

// parseFloat accepts what Java does and Go's ParseFloat does not, and the other way round.
func parseFloat(s string, bits int) (float64, bool) {
	s = strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
	switch strings.TrimLeft(s, "+-") {
	case "NaN":
		return math.NaN(), len(s) <= 4
	case "Infinity":
		if len(s) > 9 {
			return 0, false
		}
		if s[0] == '-' {
			return math.Inf(-1), true
		}
		return math.Inf(1), true
	}
	if n := len(s); n > 1 && strings.IndexByte("fFdD", s[n-1]) >= 0 {
		s = s[:n-1]
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && strings.IndexByte("+-.eE", c) < 0 {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(s, bits)
	if err != nil && math.IsInf(f, 0) {
		return f, true // too large is infinite in Java
	}
	return f, err == nil
}

func parseDecimal(s string, precision, scale int) (Dec, bool) {
	if n, ok := parseSmallDecimal(s, scale); ok {
		d := Dec{Unscaled: big.NewInt(n), Scale: scale}
		if precision >= smallDigits {
			return d, true
		}
		limit := smallPower(precision)
		return d, n < limit && n > -limit
	}
	d, ok := ParseDec(s)
	if !ok {
		return Dec{}, false
	}
	return d.Round(precision, scale)
}

// smallDigits is how many digits of any kind an int64 holds.
const smallDigits = 18

func smallPower(n int) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}

// parseSmallDecimal reads what nearly all decimals in files look like, a few digits without an
// exponent, as a number of units of the scale. It reports false for everything else, be it
// right or wrong.
func parseSmallDecimal(s string, scale int) (int64, bool) {
	digits := s
	if s != "" && (s[0] == '-' || s[0] == '+') {
		digits = s[1:]
	}
	if len(digits) > smallDigits || scale > smallDigits {
		return 0, false
	}
	var n int64
	seen, point := 0, -1
	for i := range len(digits) {
		switch c := digits[i]; {
		case c >= '0' && c <= '9':
			n = n*10 + int64(c-'0')
			seen++
		case c == '.' && point < 0:
			point = i
		default:
			return 0, false
		}
	}
	if seen == 0 {
		return 0, false
	}
	fraction := 0
	if point >= 0 {
		fraction = len(digits) - point - 1
	}
	switch {
	case fraction > scale:
		by := smallPower(fraction - scale)
		n, fraction = (n+by/2)/by, scale
	case seen+scale-fraction > smallDigits:
		return 0, false
	}
	n *= smallPower(scale - fraction)
	if s[0] == '-' {
		n = -n
	}
	return n, true
}

// ParseDec reads [sign] digits [. digits] [e [sign] digits] exactly, as long as that takes no
// more than 2*MaxPrecision digits. It reports false for other text and for numbers larger than
// any decimal; what is smaller than any is zero.
func ParseDec(s string) (Dec, bool) {
	mantissa, exponent := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		var err error
		exponent, err = strconv.Atoi(s[i+1:])
		if err != nil || strings.Contains(s[i:], "_") {
			return Dec{}, false
		}
		mantissa = s[:i]
	}
	negative := false
	if mantissa != "" && (mantissa[0] == '-' || mantissa[0] == '+') {
		negative, mantissa = mantissa[0] == '-', mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return Dec{}, false
	}
	scale := len(fraction) - exponent
	digits = strings.TrimLeft(digits, "0")
	switch significant := len(digits); {
	case significant == 0, scale-significant > MaxPrecision:
		return Dec{Unscaled: new(big.Int)}, true
	case significant-scale > MaxPrecision:
		return Dec{}, false
	case significant > 2*MaxPrecision:
		// Of the digits this far behind, all that can matter is that they are not nothing.
		scale -= significant - 2*MaxPrecision - 1
		digits = digits[:2*MaxPrecision] + "1"
	}
	u := new(big.Int)
	if len(digits) <= 18 {
		n, _ := strconv.ParseInt(digits, 10, 64)
		u.SetInt64(n)
	} else {
		u.SetString(digits, 10)
	}
	if negative {
		u.Neg(u)
	}
	return Dec{Unscaled: u, Scale: scale}, true
}
