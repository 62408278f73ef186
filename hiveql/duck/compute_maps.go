package duck

import (
	"regexp"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// mapOf has keys at even and values at odd places. Of equal keys the last value counts, at the place of
// the first, as in Hive.
func mapOf(l *lowerer, x *analysis.Call, args []string) string {
	var keys, values []string
	for i, a := range args {
		if i%2 == 0 {
			keys = append(keys, a)
		} else {
			values = append(values, a)
		}
	}
	list, of := "["+strings.Join(keys, ", ")+"]", "["+strings.Join(values, ", ")+"]"
	if distinctConstants(x) {
		return "map(" + list + ", " + of + ")::" + l.sqlType(x.T)
	}
	return "skep_map(" + list + ", " + of + ")::" + l.sqlType(x.T)
}

// distinctConstants reports whether the keys of a map are constants, no two of them equal.
func distinctConstants(x *analysis.Call) bool {
	seen := map[hivetype.Value]bool{}
	for i := 0; i < len(x.Args); i += 2 {
		if i == 0 && len(x.Args) == 2 {
			return true
		}
		c, ok := x.Args[i].(*analysis.Const)
		if !ok {
			return false
		}
		switch c.Value.(type) {
		case string, int64, bool:
		default:
			return false
		}
		if seen[c.Value] {
			return false
		}
		seen[c.Value] = true
	}
	return true
}

// strToMapRule splits text by two regular expressions, mostly of one character, which is itself.
func strToMapRule(l *lowerer, x *analysis.Call, args []string) string {
	by := []string{",", ":"}
	for i := range by {
		if len(x.Args) <= i+1 {
			continue
		}
		var ok bool
		if by[i], ok = constantText(x, i+1); !ok {
			if c, isConst := x.Args[i+1].(*analysis.Const); isConst && c.Value == nil {
				return "NULL::" + l.sqlType(x.T)
			}
			return l.fail(unsupported("str_to_map with a delimiter that is not a constant"))
		}
	}
	pairs, err := newSplitter(by[0])
	if err != nil {
		return l.fail(err)
	}
	values, err := newSplitter(by[1])
	if err != nil {
		return l.fail(err)
	}
	f := &computed{name: "str_to_map by " + by[0] + " and " + by[1], args: []hivetype.Type{x.Args[0].Type()}, result: x.T,
		start: func() compute {
			return func(args []hivetype.Value) (hivetype.Value, error) {
				return strToMap(args[0].(string), pairs, values), nil
			}
		}}
	return l.compute(f, args[:1])
}

// splitter finds where a regular expression of Java's matches.
type splitter struct {
	plain string
	re    *regexp.Regexp
}

func newSplitter(pattern string) (splitter, error) {
	if pattern != "" && !strings.ContainsAny(pattern, `\.[]{}()*+-?^$|`) {
		return splitter{plain: pattern}, nil
	}
	translated, err := translateRegexp(pattern)
	if err != nil {
		return splitter{}, err
	}
	re, err := regexp.Compile(translated.text)
	if err != nil {
		return splitter{}, unsupported("the regular expression %s", pattern)
	}
	return splitter{re: re}, nil
}

// cut is strings.Cut. A match of nothing at the beginning does not count.
func (s splitter) cut(text string) (before, after string, found bool) {
	if s.re == nil {
		return strings.Cut(text, s.plain)
	}
	for _, at := range s.re.FindAllStringIndex(text, 2) {
		if at[1] > 0 {
			return text[:at[0]], text[at[1]:], true
		}
	}
	return text, "", false
}

// strToMap leaves out empty parts at the end, as Java's split does. Of equal keys the last counts.
func strToMap(text string, pairs, values splitter) []hivetype.Entry {
	entries, at := []hivetype.Entry{}, map[string]int{}
	put := func(pair string) {
		key, value, ok := values.cut(pair)
		e := hivetype.Entry{Key: key}
		if ok {
			e.Value = value
		}
		if i, twice := at[key]; twice {
			entries[i].Value = e.Value
			return
		}
		at[key] = len(entries)
		entries = append(entries, e)
	}
	empty, rest, more := 0, text, true
	for first := true; more; first = false {
		var pair string
		if pair, rest, more = pairs.cut(rest); pair == "" && !(first && !more) {
			empty++
			continue
		}
		for ; empty > 0; empty-- {
			put("")
		}
		put(pair)
	}
	return entries
}
