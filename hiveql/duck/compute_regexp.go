package duck

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"slices"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/javaregex"
)

// searching is what a function does with a regular expression, its text, and the arguments behind both.
type searching func(s *javaregex.Search, text string, more []hivetype.Value) (hivetype.Value, error)

// backtracking has Go carry out a function whose pattern DuckDB's expressions cannot say: with look-around, back references,
// possessive quantifiers, or unions and intersections of classes; or for which they find something else. All others are for
// the rule.
func backtracking(do searching, others rule) rule {
	return func(l *lowerer, x *analysis.Call, args []string) string {
		p, ok := constantText(x, 1)
		if !ok {
			return l.searchByValue(do, x, args)
		}
		re, err := translateRegexp(p)
		if err != nil && !errors.Is(err, ErrUnsupported) {
			return others(l, x, args)
		}
		plain := err == nil && !findsOthers(x, re.text)
		if plain && len(re.ends) == 0 {
			return others(l, x, args)
		}
		if _, err := javaregex.CompileSearch(p); err != nil {
			return l.fail(&Error{Op: "plan", Err: ErrUnsupported, Msg: err.Error()})
		}
		s := l.searchByValue(do, x, args)
		if plain {
			s = "CASE WHEN skep_ends_line(" + args[0] + ") THEN " + s + " ELSE " + others(l, x, args) + " END"
		}
		return s
	}
}

// searchByValue has Go carry out a function whose pattern is a value as any other: a function for each pattern would stay
// as long as the process.
func (l *lowerer) searchByValue(do searching, x *analysis.Call, args []string) string {
	f := computedCall(x, func() compute {
		var search patterns
		return func(args []hivetype.Value) (hivetype.Value, error) {
			s, err := search.of(args[1].(string))
			if err != nil {
				return nil, err
			}
			return do(s, args[0].(string), args[2:])
		}
	})
	return l.compute(f, args)
}

// patterns are those that have been compiled, most of all the last one.
type patterns struct {
	last   string
	search *javaregex.Search
	known  map[string]*javaregex.Search
}

// of compiles a pattern, or has done so before.
func (c *patterns) of(p string) (*javaregex.Search, error) {
	const most = 100 // that are kept
	if c.search != nil && p == c.last {
		return c.search, nil
	}
	search, ok := c.known[p]
	if !ok {
		var err error
		if search, err = javaregex.CompileSearch(p); err != nil {
			return nil, err
		}
		if c.known == nil || len(c.known) == most {
			c.known = map[string]*javaregex.Search{}
		}
		c.known[p] = search
	}
	c.last, c.search = p, search
	return search, nil
}

// findsOthers reports whether DuckDB finds something else than Java by an expression that both know: no match of nothing
// right behind another match, and empty text for a group that took no part, which is NULL.
func findsOthers(x *analysis.Call, re string) bool {
	tree, err := syntax.Parse(re, syntax.Perl)
	if err != nil {
		return false
	}
	switch x.Func.Name {
	case "regexp_extract":
		group := 1
		if len(x.Args) > 2 {
			c, ok := x.Args[2].(*analysis.Const)
			n, isInt := int64(0), false
			if ok {
				n, isInt = c.Value.(int64)
			}
			if !isInt {
				return false
			}
			group = int(n)
		}
		return group > 0 && group <= tree.MaxCap() && !takesPart(tree, group)
	case "regexp_replace":
		if by, ok := constantText(x, 2); ok && by == "" {
			return false
		}
	case "split":
	default:
		return false
	}
	compiled, err := regexp.Compile(re)
	return err == nil && compiled.MatchString("")
}

// takesPart reports whether a group is part of every match.
func takesPart(re *syntax.Regexp, group int) bool {
	switch re.Op {
	case syntax.OpCapture:
		return re.Cap == group || takesPart(re.Sub[0], group)
	case syntax.OpPlus:
		return takesPart(re.Sub[0], group)
	case syntax.OpRepeat:
		return re.Min > 0 && takesPart(re.Sub[0], group)
	case syntax.OpConcat:
		return slices.ContainsFunc(re.Sub, func(s *syntax.Regexp) bool { return takesPart(s, group) })
	case syntax.OpAlternate:
		return !slices.ContainsFunc(re.Sub, func(s *syntax.Regexp) bool { return !takesPart(s, group) })
	}
	return false
}

// found takes an empty pattern for one that is nowhere, as Hive does.
func found(s *javaregex.Search, text string, _ []hivetype.Value) (hivetype.Value, error) {
	if s.Pattern() == "" {
		return false, nil
	}
	return s.Find(text)
}

// groupOf is empty where nothing matches, and NULL where the group took no part.
func groupOf(s *javaregex.Search, text string, more []hivetype.Value) (hivetype.Value, error) {
	group := int64(1)
	if len(more) > 0 {
		group = more[0].(int64)
	}
	captured, part, ok, err := s.Group(text, int(group))
	if err != nil || ok && !part {
		return nil, err
	}
	return captured, nil
}

func replaced(s *javaregex.Search, text string, more []hivetype.Value) (hivetype.Value, error) {
	return s.Replace(text, more[0].(string))
}

func between(s *javaregex.Search, text string, _ []hivetype.Value) (hivetype.Value, error) {
	parts, err := s.Split(text)
	values := make([]hivetype.Value, len(parts))
	for i, p := range parts {
		values[i] = p
	}
	return values, err
}
