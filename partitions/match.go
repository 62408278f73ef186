package partitions

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/skepdata/skep/hivetype"
)

// truth is a value of three-valued logic. The order makes AND the minimum and OR the maximum.
type truth int8

const (
	no truth = iota - 1
	unknown
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// Matcher is a condition made ready for many partitions of one table. It is safe for concurrent
// use.
type Matcher struct {
	eval func(Values) truth
	keys int
}

// Compile checks p and prepares it. A nil p is True.
func (k Keys) Compile(p Predicate) (*Matcher, error) {
	eval, err := k.compile(p)
	if err != nil {
		return nil, err
	}
	return &Matcher{eval: eval, keys: len(k)}, nil
}

// Match reports whether the condition is true for v. It is false for values that are not as
// many as the keys.
func (m *Matcher) Match(v Values) bool { return len(v) == m.keys && m.eval(v) == yes }

// Match reports whether p is true for the partition with the values v. Numbers are compared as
// numbers, dates as dates, text by bytes; a comparison with NULL, or with a value that is not
// of its key's type, is unknown, and a partition matches only where the whole is true. It is an
// error when p names a key that does not exist or has a value that is not of its key's type.
func (k Keys) Match(p Predicate, v Values) (bool, error) {
	if len(v) != len(k) {
		return false, fmt.Errorf("%d values for the %d partition keys (%s)", len(v), len(k),
			strings.Join(k.Names(), ", "))
	}
	m, err := k.Compile(p)
	if err != nil {
		return false, err
	}
	return m.Match(v), nil
}

func (k Keys) compile(p Predicate) (func(Values) truth, error) {
	switch p := p.(type) {
	case nil, True:
		return func(Values) truth { return yes }, nil
	case And:
		return k.compileList(p, yes, func(a, b truth) truth { return min(a, b) })
	case Or:
		return k.compileList(p, no, func(a, b truth) truth { return max(a, b) })
	case Not:
		eval, err := k.compile(p.P)
		if err != nil {
			return nil, err
		}
		return func(v Values) truth { return -eval(v) }, nil
	case Compare:
		return k.compileCompare(p)
	case In:
		return k.compileIn(p)
	case Like:
		i, err := k.require(p.Key)
		if err != nil {
			return nil, err
		}
		return func(v Values) truth {
			if null(v[i]) {
				return unknown
			}
			return truthOf(like(v[i], p.Pattern))
		}, nil
	case IsNull:
		i, err := k.require(p.Key)
		if err != nil {
			return nil, err
		}
		return func(v Values) truth { return truthOf(null(v[i])) }, nil
	}
	return nil, fmt.Errorf("conditions of type %T are not supported yet", p)
}

func (k Keys) compileList(
	ps []Predicate, start truth, join func(a, b truth) truth,
) (func(Values) truth, error) {
	evals := make([]func(Values) truth, len(ps))
	for i, p := range ps {
		var err error
		if evals[i], err = k.compile(p); err != nil {
			return nil, err
		}
	}
	return func(v Values) truth {
		t := start
		for _, eval := range evals {
			if t = join(t, eval(v)); t == -start {
				break
			}
		}
		return t
	}, nil
}

func (k Keys) compileCompare(c Compare) (func(Values) truth, error) {
	i, err := k.require(c.Key)
	if err != nil {
		return nil, err
	}
	order, err := k[i].comparer(c.Value)
	if err != nil {
		return nil, err
	}
	var holds func(int) bool
	switch c.Op {
	case Eq:
		holds = func(n int) bool { return n == 0 }
	case Ne:
		holds = func(n int) bool { return n != 0 }
	case Lt:
		holds = func(n int) bool { return n < 0 }
	case Le:
		holds = func(n int) bool { return n <= 0 }
	case Gt:
		holds = func(n int) bool { return n > 0 }
	case Ge:
		holds = func(n int) bool { return n >= 0 }
	default:
		return nil, fmt.Errorf("the operator %q on the partition key %s is not supported yet", c.Op, c.Key)
	}
	return func(v Values) truth {
		n, ok := order(v[i])
		if !ok {
			return unknown
		}
		return truthOf(holds(n))
	}, nil
}

func (k Keys) compileIn(in In) (func(Values) truth, error) {
	i, err := k.require(in.Key)
	if err != nil {
		return nil, err
	}
	if len(in.Values) == 0 {
		return func(Values) truth { return no }, nil
	}
	if k[i].bytewise() {
		set := make(map[string]bool, len(in.Values))
		for _, v := range in.Values {
			set[v] = true
		}
		return func(v Values) truth {
			if null(v[i]) {
				return unknown
			}
			return truthOf(set[v[i]])
		}, nil
	}
	orders := make([]func(string) (int, bool), len(in.Values))
	for j, value := range in.Values {
		if orders[j], err = k[i].comparer(value); err != nil {
			return nil, err
		}
	}
	return func(v Values) truth {
		for _, order := range orders {
			switch n, ok := order(v[i]); {
			case !ok:
				return unknown
			case n == 0:
				return yes
			}
		}
		return no
	}, nil
}

func null(value string) bool { return value == DefaultName || value == "" }

// bytewise reports whether values of the key compare by their bytes.
func (k Key) bytewise() bool {
	switch k.Type.Kind {
	case hivetype.String, hivetype.Varchar, hivetype.Binary:
		return true
	}
	return false
}

// comparer returns a function that compares the value of a partition with the literal. It
// reports false for NULL and for values that are not of the key's type.
func (k Key) comparer(literal string) (func(value string) (int, bool), error) {
	switch k.Type.Kind {
	case hivetype.String, hivetype.Varchar, hivetype.Binary:
		return func(value string) (int, bool) { return strings.Compare(value, literal), !null(value) }, nil
	case hivetype.Char:
		literal = strings.TrimRight(literal, " ")
		return func(value string) (int, bool) {
			return strings.Compare(strings.TrimRight(value, " "), literal), !null(value)
		}, nil
	case hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt, hivetype.Decimal:
		return k.numberComparer(literal)
	case hivetype.Float, hivetype.Double:
		// Both as double, so that the text 0.1 equals the text 0.1 whatever the key's type.
		return k.typedComparer(literal, hivetype.Of(hivetype.Double))
	}
	if !k.Type.Primitive() {
		return nil, fmt.Errorf("partition key %s of type %s is not supported yet", k.Name, k.Type)
	}
	return k.typedComparer(literal, k.Type)
}

func (k Key) mismatch(literal string) error {
	return fmt.Errorf("partition key %s of type %s cannot be compared with %s", k.Name, k.Type, quote(literal))
}

func (k Key) typedComparer(literal string, t hivetype.Type) (func(value string) (int, bool), error) {
	want, ok := hivetype.ParseValue(literal, t)
	if !ok {
		return nil, k.mismatch(literal)
	}
	return func(value string) (int, bool) {
		got, ok := hivetype.ParseValue(value, t)
		if !ok {
			return 0, false
		}
		return hivetype.Compare(got, want, t), true
	}, nil
}

// numberComparer compares exactly: an int key with 1.5 is never equal.
func (k Key) numberComparer(literal string) (func(value string) (int, bool), error) {
	want, ok := hivetype.ParseDec(literal)
	if !ok {
		f, ok := hivetype.ParseValue(literal, hivetype.Of(hivetype.Double))
		if !ok || math.IsNaN(f.(float64)) {
			return nil, k.mismatch(literal)
		}
		sign := 1 // every value is smaller than a number too large for any decimal
		if f.(float64) > 0 {
			sign = -1
		}
		return func(value string) (int, bool) {
			_, ok := k.number(value)
			return sign, ok
		}, nil
	}
	if small, ok := hivetype.ParseValue(literal, hivetype.Of(hivetype.BigInt)); ok && k.Type.Integer() &&
		!strings.Contains(literal, ".") {
		return func(value string) (int, bool) {
			got, ok := k.integer(value)
			return hivetype.Compare(got, small, hivetype.Of(hivetype.BigInt)), ok
		}, nil
	}
	return func(value string) (int, bool) {
		got, ok := k.number(value)
		if !ok {
			return 0, false
		}
		return got.Cmp(want), true
	}, nil
}

// integer reads the value of an integer key, which has no fraction.
func (k Key) integer(value string) (hivetype.Value, bool) {
	if strings.Contains(value, ".") {
		return int64(0), false
	}
	v, ok := hivetype.ParseValue(value, k.Type)
	if !ok {
		return int64(0), false
	}
	return v, true
}

func (k Key) number(value string) (hivetype.Dec, bool) {
	if k.Type.Integer() {
		if _, ok := k.integer(value); !ok {
			return hivetype.Dec{}, false
		}
		return hivetype.ParseDec(value)
	}
	v, ok := hivetype.ParseValue(value, k.Type)
	if !ok {
		return hivetype.Dec{}, false
	}
	return v.(hivetype.Dec), true
}

// like matches SQL's LIKE: % is any text, _ any character, and a \ takes the next one as it is.
func like(s, pattern string) bool {
	// The positions to return to when a later part fails: only the last % matters.
	backS, backP := -1, -1
	si, pi := 0, 0
	for {
		if pi < len(pattern) && pattern[pi] == '%' {
			pi++
			backS, backP = si, pi
			continue
		}
		if pi == len(pattern) && si == len(s) {
			return true
		}
		if n, w, ok := likeStep(s[si:], pattern[pi:]); ok {
			si, pi = si+n, pi+w
			continue
		}
		if backP < 0 || backS >= len(s) {
			return false
		}
		_, n := utf8.DecodeRuneInString(s[backS:])
		backS += n
		si, pi = backS, backP
	}
}

// likeStep matches one character of s against one of the pattern and returns their lengths.
func likeStep(s, pattern string) (n, width int, ok bool) {
	if s == "" || pattern == "" {
		return 0, 0, false
	}
	_, n = utf8.DecodeRuneInString(s)
	switch {
	case pattern[0] == '_':
		return n, 1, true
	case pattern[0] == '\\' && len(pattern) > 1:
		_, w := utf8.DecodeRuneInString(pattern[1:])
		return n, w + 1, s[:n] == pattern[1:1+w]
	}
	_, w := utf8.DecodeRuneInString(pattern)
	return n, w, s[:n] == pattern[:w]
}

// SortValue is a text that orders as the values of the key do when compared by bytes, so that a
// store can decide ranges by an index. Equal values have equal texts (007 and 7). It reports
// false for NULL and for values that are not of the key's type, with which every comparison is
// unknown.
func (k Key) SortValue(value string) (text string, ok bool) {
	if null(value) {
		return "", false
	}
	switch k.Type.Kind {
	case hivetype.String, hivetype.Varchar, hivetype.Binary:
		return value, true
	case hivetype.Char:
		return strings.TrimRight(value, " "), true
	case hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt:
		v, ok := k.integer(value)
		return sortInteger(v.(int64)), ok
	case hivetype.Boolean, hivetype.Date:
		v, ok := hivetype.ParseValue(value, k.Type)
		if d, isDate := v.(time.Time); isDate {
			return sortInteger(d.Unix() / 86400), ok
		}
		return fmt.Sprint(v), ok
	}
	return "", false
}

// Sortable reports whether SortValue orders the values of the key. It does not for floating
// point numbers, decimals and timestamps, which are rarely keys.
func (k Key) Sortable() bool {
	switch k.Type.Kind {
	case hivetype.String, hivetype.Varchar, hivetype.Char, hivetype.Binary, hivetype.Boolean, hivetype.Date:
		return true
	}
	return k.Type.Integer()
}

// sortInteger writes n with its sign bit flipped, as sixteen hexadecimal digits.
func sortInteger(n int64) string { return fmt.Sprintf("%016x", uint64(n)^(1<<63)) }
