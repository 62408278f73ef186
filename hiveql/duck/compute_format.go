package duck

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// formatRule is printf, which is Java's Formatter: unlike C's it rounds halves up in decimal, and
// its %s takes any value. An argument may be NULL, a format not.
func formatRule(l *lowerer, x *analysis.Call, args []string) string {
	types := computedCall(x, nil).args
	f := computedCall(x, func() compute {
		return func(args []hivetype.Value) (hivetype.Value, error) {
			format, ok := args[0].(string)
			if !ok {
				return nil, nil
			}
			return javaFormat(format, args[1:], types[1:])
		}
	})
	f.nulls = true
	return l.compute(f, args)
}

// conversion is one %[index$][flags][width][.precision]letter.
type conversion struct {
	flags            string
	width, precision int // -1 where there is none
	letter           byte
}

func (c *conversion) has(flag byte) bool { return strings.IndexByte(c.flags, flag) >= 0 }

func (c *conversion) fail(why string) error {
	return &Error{Op: "run", Msg: fmt.Sprintf("printf: %%%c %s", c.letter, why)}
}

func javaFormat(format string, args []hivetype.Value, types []hivetype.Type) (string, error) {
	var b strings.Builder
	next, last := 0, -1
	for i := 0; i < len(format); {
		if format[i] != '%' {
			b.WriteByte(format[i])
			i++
			continue
		}
		c, index, size, err := parseConversion(format[i:])
		if err != nil {
			return "", err
		}
		i += size
		switch c.letter {
		case '%':
			b.WriteString(c.pad("%"))
			continue
		case 'n':
			b.WriteByte('\n')
			continue
		}
		switch {
		case index == 0:
			index, next = next, next+1
		case index == -1:
			index = last
		default:
			index--
		}
		if last = index; index < 0 || index >= len(args) {
			return "", c.fail("has no argument")
		}
		s, err := c.format(args[index], types[index])
		if err != nil {
			return "", err
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

// parseConversion reads what begins with %. index is the number of the argument, 0 for the next
// one, -1 for the one before.
func parseConversion(s string) (c *conversion, index, size int, err error) {
	c = &conversion{width: -1, precision: -1}
	i := 1
	number := func() int {
		n, start := 0, i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' && n < 100000 {
			n = n*10 + int(s[i]-'0')
			i++
		}
		if i == start {
			return -1
		}
		return n
	}
	if n := number(); n > 0 && i < len(s) && s[i] == '$' {
		index = n
		i++
	} else {
		i = 1
	}
	for i < len(s) && strings.IndexByte("-#+ 0,(<", s[i]) >= 0 {
		if s[i] == '<' {
			index = -1
		}
		c.flags += s[i : i+1]
		i++
	}
	c.width = number()
	if i < len(s) && s[i] == '.' {
		i++
		c.precision = number()
	}
	if i >= len(s) {
		return nil, 0, 0, &Error{Op: "run", Msg: "printf: the format ends in the middle of a %"}
	}
	c.letter = s[i]
	return c, index, i + 1, nil
}

// pad fills up to the width.
func (c *conversion) pad(s string) string {
	if c.letter >= 'A' && c.letter <= 'Z' {
		s = strings.ToUpper(s)
	}
	missing := c.width - utf8.RuneCountInString(s)
	switch {
	case missing <= 0:
		return s
	case c.has('-'):
		return s + strings.Repeat(" ", missing)
	}
	return strings.Repeat(" ", missing) + s
}

func (c *conversion) format(v hivetype.Value, t hivetype.Type) (string, error) {
	switch c.letter | 0x20 {
	case 's':
		s := "null"
		if v != nil {
			s = string(hivetype.AppendText(nil, v, t))
		}
		return c.pad(c.cut(s)), nil
	case 'b':
		s := strconv.FormatBool(v != nil)
		if x, ok := v.(bool); ok {
			s = strconv.FormatBool(x)
		}
		return c.pad(c.cut(s)), nil
	case 'h':
		return c.hash(v, t)
	}
	if v == nil {
		return c.pad("null"), nil
	}
	switch c.letter | 0x20 {
	case 'd':
		n, ok := v.(int64)
		if !ok {
			return "", c.fail("takes an integer, got " + t.String())
		}
		return c.number(strconv.FormatInt(n, 10)), nil
	case 'x', 'o':
		return c.bits(v, t)
	case 'c':
		n, ok := v.(int64)
		if !ok {
			return "", c.fail("takes an integer, got " + t.String())
		}
		return c.pad(string(rune(n))), nil
	case 'f', 'e', 'g':
		return c.real(v, t)
	case 'a':
		return c.hexReal(v, t)
	}
	return "", c.fail("is no conversion")
}

func (c *conversion) cut(s string) string {
	if c.precision >= 0 && utf8.RuneCountInString(s) > c.precision {
		return string([]rune(s)[:c.precision])
	}
	return s
}

// bits prints negative numbers as what they are in memory.
func (c *conversion) bits(v hivetype.Value, t hivetype.Type) (string, error) {
	n, ok := v.(int64)
	if !ok {
		return "", c.fail("takes an integer, got " + t.String())
	}
	u := uint64(n)
	switch t.Kind {
	case hivetype.TinyInt:
		u &= 0xFF
	case hivetype.SmallInt:
		u &= 0xFFFF
	case hivetype.Int:
		u &= 0xFFFFFFFF
	}
	base, prefix := 16, "0x"
	if c.letter|0x20 == 'o' {
		base, prefix = 8, "0"
	}
	s := strconv.FormatUint(u, base)
	if c.has('#') {
		s = prefix + s
	}
	if missing := c.width - len(s); c.has('0') && missing > 0 {
		s = strings.Repeat("0", missing) + s
	}
	return c.pad(s), nil
}

// number applies the flags of numbers to digits that may begin with a minus.
func (c *conversion) number(s string) string {
	digits, negative := strings.CutPrefix(s, "-")
	if c.has(',') {
		whole, fraction, point := strings.Cut(digits, ".")
		digits = grouped(whole)
		if point {
			digits += "." + fraction
		}
	}
	before, after := "", ""
	switch {
	case negative && c.has('('):
		before, after = "(", ")"
	case negative:
		before = "-"
	case c.has('+'):
		before = "+"
	case c.has(' '):
		before = " "
	}
	if missing := c.width - len(before) - len(digits) - len(after); c.has('0') && missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	return c.pad(before + digits + after)
}

// grouped puts a comma between thousands.
func grouped(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// exactOf is the number as its shortest text says.
func exactOf(v hivetype.Value, t hivetype.Type) (hivetype.Dec, bool) {
	switch v.(type) {
	case hivetype.Dec, float64, float32:
		return hivetype.ParseDec(string(hivetype.AppendText(nil, v, t)))
	}
	return hivetype.Dec{}, false
}

func (c *conversion) real(v hivetype.Value, t hivetype.Type) (string, error) {
	if _, whole := v.(int64); whole || !t.Numeric() {
		return "", c.fail("takes a number with a fraction, got " + t.String())
	}
	d, ok := exactOf(v, t)
	if !ok {
		return c.pad(string(hivetype.AppendText(nil, v, t))), nil // NaN, Infinity
	}
	places := c.precision
	if places < 0 {
		places = 6
	}
	letter := c.letter | 0x20
	if letter == 'g' {
		letter, places = generalAs(d, max(places, 1))
	}
	if letter == 'f' {
		return c.number(fixed(d, places)), nil
	}
	return c.number(scientific(d, places)), nil
}

// generalAs decides between plain and scientific notation: plain from 10^-4 to 10^precision.
func generalAs(d hivetype.Dec, precision int) (letter byte, places int) {
	if d.Unscaled.Sign() == 0 {
		return 'f', precision - 1
	}
	exponent := len(new(big.Int).Abs(d.Unscaled).String()) - d.Scale - 1
	if exponent < -4 || exponent >= precision {
		return 'e', precision - 1
	}
	return 'f', precision - exponent - 1
}

// fixed rounds half up, away from zero.
func fixed(d hivetype.Dec, places int) string {
	negative := d.Unscaled.Sign() < 0
	u := new(big.Int).Abs(d.Unscaled)
	if places >= d.Scale {
		u.Mul(u, tenTo(places-d.Scale))
	} else {
		unit := tenTo(d.Scale - places)
		rest := new(big.Int)
		u.QuoRem(u, unit, rest)
		if rest.Lsh(rest, 1).Cmp(unit) >= 0 {
			u.Add(u, big.NewInt(1))
		}
	}
	s := u.String()
	if len(s) <= places {
		s = strings.Repeat("0", places-len(s)+1) + s
	}
	if places > 0 {
		s = s[:len(s)-places] + "." + s[len(s)-places:]
	}
	if negative {
		return "-" + s
	}
	return s
}

func tenTo(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

func scientific(d hivetype.Dec, places int) string {
	exponent := 0
	if d.Unscaled.Sign() != 0 {
		exponent = len(new(big.Int).Abs(d.Unscaled).String()) - d.Scale - 1
	}
	s := fixed(hivetype.Dec{Unscaled: d.Unscaled, Scale: d.Scale + exponent}, places)
	if strings.HasPrefix(strings.TrimPrefix(s, "-"), "10") { // rounded up to the next power
		exponent++
		s = fixed(hivetype.Dec{Unscaled: d.Unscaled, Scale: d.Scale + exponent}, places)
	}
	sign := "+"
	if exponent < 0 {
		sign, exponent = "-", -exponent
	}
	return fmt.Sprintf("%se%s%02d", s, sign, exponent)
}
