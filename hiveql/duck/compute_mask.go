package duck

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// maskRule is the family of mask functions, with all their arguments, over text, integers and
// dates. What else there is gives NULL. Settings that are no constants are as if they were not there, as in Hive.
func maskRule(l *lowerer, x *analysis.Call, args []string) string {
	f := computedCall(x, nil)
	m, settings := newMasker(x.Func.Name), x.Args[1:]
	if x.Func.Name != "mask" && len(settings) > 0 {
		if err := m.setCount(x); err != nil {
			return l.fail(err)
		}
		settings = settings[1:]
	}
	for i := range settings {
		if err := m.set(i, x, len(x.Args)-len(settings)+i); err != nil {
			return l.fail(err)
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

// set takes the i-th setting from argument at of the call: characters, numbers that are their codes or -1 to leave
// them, or what the text of any other constant begins with; and then numbers. Empty texts set nothing.
func (m *masker) set(i int, x *analysis.Call, at int) error {
	c, ok := constantOf(x.Args[at])
	if !ok || c.Value == nil {
		return nil
	}
	text := string(hivetype.AppendText(nil, c.Value, c.T))
	n, whole := c.Value.(int64)
	switch {
	case i < 4 && whole:
		*[]*rune{&m.upper, &m.lower, &m.digit, &m.other}[i] = rune(n)
	case text == "":
	case i < 4:
		*[]*rune{&m.upper, &m.lower, &m.digit, &m.other}[i], _ = utf8.DecodeRuneInString(text)
	default:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || !m.setNumber(i, n) {
			return &Error{Op: "plan", Msg: fmt.Sprintf("%s takes a number as argument %d, got %s", x.Func.Name, at+1, text)}
		}
	}
	return nil
}

// setCount takes the number of characters, the second argument of the call.
func (m *masker) setCount(x *analysis.Call) error {
	c, ok := constantOf(x.Args[1])
	if !ok || c.Value == nil {
		return nil
	}
	text := string(hivetype.AppendText(nil, c.Value, c.T))
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return &Error{Op: "plan", Msg: fmt.Sprintf("%s takes a number as argument 2, got %s", x.Func.Name, text)}
	}
	m.count = int(n)
	return nil
}

// constantOf is an argument as a constant, without casts.
func constantOf(x analysis.Expr) (*analysis.Const, bool) {
	for {
		c, ok := x.(*analysis.Cast)
		if !ok {
			break
		}
		x = c.X
	}
	c, ok := x.(*analysis.Const)
	return c, ok
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
		case unicode.IsUpper(r):
			as = m.upper
		case unicode.Is(unicode.Ll, r):
			as = m.lower
		case unicode.IsDigit(r):
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
