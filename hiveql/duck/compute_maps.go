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

// sortedMaps is a value in which the entries of maps are in an order of their own, so that equal ones compare as equal.
func (l *lowerer) sortedMaps(x string, t hivetype.Type) string {
	if !t.Contains(hivetype.Map) {
		return x
	}
	switch t.Kind {
	case hivetype.Map:
		e := l.fresh("e")
		value := l.sortedMaps("struct_extract("+e+", 'value')", *t.Elem)
		return "list_sort(list_transform(map_entries(" + x + "), lambda " + e + ": struct_pack(k := struct_extract(" + e + ", 'key'), v := " + value + ")))"
	case hivetype.Array:
		e := l.fresh("e")
		return "list_transform(" + x + ", lambda " + e + ": " + l.sortedMaps(e, *t.Elem) + ")"
	case hivetype.Struct:
		fields := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = name(f.Name) + " := " + l.sortedMaps("struct_extract("+x+", "+quote(f.Name)+")", f.Type)
		}
		return "CASE WHEN " + x + " IS NOT NULL THEN struct_pack(" + strings.Join(fields, ", ") + ") END"
	}
	return x // unions, which compare as they are
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

// strToMapRule splits text by two regular expressions, mostly of one character, which is itself. A NULL has nothing
// in it, and one for an expression stands for the one that is taken without.
func strToMapRule(l *lowerer, x *analysis.Call, args []string) string {
	for i := 1; i < len(x.Args); i++ {
		if p, ok := constantText(x, i); ok {
			if _, err := newSplitter(p); err != nil { // which rows would say later
				return l.fail(err)
			}
		}
	}
	f := computedCall(x, func() compute {
		by := [2]string{",", ":"}
		known := map[string]splitter{}
		return func(args []hivetype.Value) (hivetype.Value, error) {
			text, ok := args[0].(string)
			if !ok {
				return []hivetype.Entry{}, nil
			}
			var parts [2]splitter
			for i, p := range by {
				if len(args) > i+1 && args[i+1] != nil {
					p = args[i+1].(string)
				}
				if parts[i], ok = known[p]; ok {
					continue
				}
				var err error
				if parts[i], err = newSplitter(p); err != nil {
					return nil, err
				}
				if len(known) >= 100 {
					clear(known)
				}
				known[p] = parts[i]
			}
			return strToMap(text, parts[0], parts[1]), nil
		}
	})
	f.nulls = true
	return l.compute(f, args)
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
