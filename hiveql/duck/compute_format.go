package duck

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
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
	}
	return "", c.fail("is not supported yet")
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

// maskRule is the family of mask functions, with all their arguments, over text, integers and
// dates. What else there is gives NULL.
func maskRule(l *lowerer, x *analysis.Call, args []string) string {
	f := computedCall(x, nil)
	m, settings := newMasker(x.Func.Name), x.Args[1:]
	if x.Func.Name != "mask" {
		if len(settings) > 0 {
			n, ok := constantInt(x, 1)
			if !ok {
				return l.fail(unsupported("%s with a number that is not a constant", x.Func.Name))
			}
			m.count, settings = int(n), settings[1:]
		}
	}
	for i := range settings {
		if !m.set(i, x, len(x.Args)-len(settings)+i) {
			return l.fail(unsupported("%s with replacements that are not constants", x.Func.Name))
		}
	}
	f.name = fmt.Sprintf("%s %v", x.Func.Name, *m)
	f.args = f.args[:1]
	t := f.args[0]
	f.start = func() compute {
		return func(args []hivetype.Value) (hivetype.Value, error) { return m.apply(args[0], t), nil }
	}
	return l.compute(f, args[:1])
}

// masker is a mask function with its settings; -1 leaves a kind of characters as it is.
type masker struct {
	name                       string
	count                      int
	upper, lower, digit, other rune
	number                     int64
	day, month, year           int64
}

func newMasker(name string) *masker {
	return &masker{name: name, count: 4, upper: 'X', lower: 'x', digit: 'n', other: -1, number: 1, day: 1}
}

// set takes the i-th setting from argument at of the call: characters, or numbers that stand for
// them, in the order of the fields.
func (m *masker) set(i int, x *analysis.Call, at int) bool {
	if s, ok := constantText(x, at); ok {
		r := rune(-1)
		if s != "" {
			r, _ = utf8.DecodeRuneInString(s)
		}
		n, err := strconv.ParseInt(s, 10, 32)
		if i < 4 {
			*[]*rune{&m.upper, &m.lower, &m.digit, &m.other}[i] = r
			return true
		}
		return err == nil && m.setNumber(i, n)
	}
	n, ok := constantInt(x, at)
	if ok && i < 4 {
		if n != -1 {
			n, _ = int64(firstRune(strconv.FormatInt(n, 10))), ok
		}
		*[]*rune{&m.upper, &m.lower, &m.digit, &m.other}[i] = rune(n)
		return true
	}
	return ok && m.setNumber(i, n)
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

func (m *masker) setNumber(i int, n int64) bool {
	if i < 4 || i > 7 {
		return false
	}
	if outside := i == 5 && (n < 1 || n > 31) || i == 6 && (n < 0 || n > 11); outside && n != -1 {
		return true // the default stays
	}
	*[]*int64{&m.number, &m.day, &m.month, &m.year}[i-4] = n
	return true
}

// masked reports whether the unit i of size is to be masked.
func (m *masker) masked(i, size int) bool {
	switch m.name {
	case "mask_first_n":
		return i < m.count
	case "mask_last_n":
		return i >= size-m.count
	case "mask_show_first_n":
		return i >= m.count
	case "mask_show_last_n":
		return i < size-m.count
	}
	return true
}

func (m *masker) apply(v hivetype.Value, t hivetype.Type) hivetype.Value {
	switch x := v.(type) {
	case string:
		return m.text(x)
	case int64:
		return m.integer(x, t)
	case time.Time:
		if t.Kind == hivetype.Date {
			return m.date(x)
		}
	}
	return nil
}

func (m *masker) text(s string) string {
	runes := []rune(s)
	for i, r := range runes {
		if !m.masked(i, len(runes)) {
			continue
		}
		as := m.other
		switch {
		case r >= 'A' && r <= 'Z':
			as = m.upper
		case r >= 'a' && r <= 'z':
			as = m.lower
		case r >= '0' && r <= '9':
			as = m.digit
		}
		if as >= 0 {
			runes[i] = as
		}
	}
	return string(runes)
}

// integer replaces decimal digits.
func (m *masker) integer(n int64, t hivetype.Type) hivetype.Value {
	if m.number < 0 || m.number > 9 {
		return n
	}
	digits := []byte(strings.TrimPrefix(strconv.FormatInt(n, 10), "-"))
	for i := range digits {
		if m.masked(i, len(digits)) {
			digits[i] = '0' + byte(m.number)
		}
	}
	s := string(digits)
	if n < 0 {
		s = "-" + s
	}
	u, _ := new(big.Int).SetString(s, 10)
	out := int64(new(big.Int).And(u, new(big.Int).SetUint64(1<<64-1)).Uint64())
	switch t.Kind {
	case hivetype.TinyInt:
		return int64(int8(out))
	case hivetype.SmallInt:
		return int64(int16(out))
	case hivetype.Int:
		return int64(int32(out))
	}
	return out
}

func (m *masker) date(d time.Time) hivetype.Value {
	year, month, day := d.Date()
	if m.year != -1 {
		year = int(m.year)
	}
	if m.month != -1 {
		month = time.Month(m.month + 1)
	}
	if m.day != -1 {
		day = int(m.day)
	}
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// formatNumber takes places, or a pattern of Java's DecimalFormat.
func formatNumber(l *lowerer, x *analysis.Call, args []string) string {
	f := computedCall(x, nil)
	t := f.args[0]
	if t.Kind == hivetype.Double && f.args[1].Integer() {
		return fill("skep_format_number($1, $2)", x, args)
	}
	f.start = func() compute {
		return func(args []hivetype.Value) (hivetype.Value, error) {
			d, ok := exactBinary(args[0], t)
			if !ok {
				return string(hivetype.AppendText(nil, args[0], t)), nil
			}
			if places, ok := args[1].(int64); ok {
				if places < 0 || places > 300 {
					return nil, &Error{Op: "run", Msg: "format_number takes a number of places from 0 to 300"}
				}
				return decimalPattern{grouping: 3, least: 1, fewest: int(places), most: int(places)}.format(d), nil
			}
			p, err := parseDecimalPattern(args[1].(string))
			if err != nil {
				return nil, err
			}
			return p.format(d), nil
		}
	}
	return l.compute(f, args)
}

// exactBinary is the number with all the digits of its binary form, which is what DecimalFormat
// rounds.
func exactBinary(v hivetype.Value, t hivetype.Type) (hivetype.Dec, bool) {
	f, ok := v.(float64)
	if !ok {
		return exactOf(v, t)
	}
	return hivetype.ParseDec(strconv.FormatFloat(f, 'f', 1100, 64))
}

// decimalPattern is what a pattern of DecimalFormat says; grouping is 0 for none.
type decimalPattern struct {
	prefix, suffix string
	grouping       int
	least          int // digits before the point
	fewest, most   int // digits behind it
}

func parseDecimalPattern(s string) (decimalPattern, error) {
	var p decimalPattern
	s, _, _ = strings.Cut(s, ";")
	start, stop := strings.IndexAny(s, "#0,."), strings.LastIndexAny(s, "#0,.")
	if start < 0 || strings.ContainsAny(s, "%E'\u2030\u00a4") {
		return p, unsupported("the number pattern '%s' in format_number", s)
	}
	p.prefix, p.suffix = s[:start], s[stop+1:]
	whole, fraction, _ := strings.Cut(s[start:stop+1], ".")
	if i := strings.LastIndexByte(whole, ','); i >= 0 {
		p.grouping = len(whole) - i - 1
	}
	p.least = strings.Count(whole, "0")
	p.fewest, p.most = strings.Count(fraction, "0"), len(fraction)
	return p, nil
}

// format rounds halves to the even neighbour.
func (p decimalPattern) format(d hivetype.Dec) string {
	negative := d.Unscaled.Sign() < 0
	s := strings.TrimPrefix(halfEven(d, p.most), "-")
	whole, fraction, _ := strings.Cut(s, ".")
	for len(fraction) > p.fewest && strings.HasSuffix(fraction, "0") {
		fraction = fraction[:len(fraction)-1]
	}
	whole = strings.TrimLeft(whole, "0")
	if missing := p.least - len(whole); missing > 0 {
		whole = strings.Repeat("0", missing) + whole
	}
	if whole == "" && fraction == "" {
		whole = "0"
	}
	if p.grouping > 0 {
		for i := len(whole) - p.grouping; i > 0; i -= p.grouping {
			whole = whole[:i] + "," + whole[i:]
		}
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if negative {
		return "-" + p.prefix + whole + p.suffix
	}
	return p.prefix + whole + p.suffix
}

func halfEven(d hivetype.Dec, places int) string {
	if places >= d.Scale {
		return fixed(d, places)
	}
	unit := tenTo(d.Scale - places)
	q, rest := new(big.Int).QuoRem(new(big.Int).Abs(d.Unscaled), unit, new(big.Int))
	if half := rest.Lsh(rest, 1).Cmp(unit); half > 0 || half == 0 && q.Bit(0) == 1 {
		q.Add(q, big.NewInt(1))
	}
	return fixed(hivetype.Dec{Unscaled: q, Scale: places}, places)
}
