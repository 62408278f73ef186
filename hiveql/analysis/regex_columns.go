package analysis

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/skepdata/skep/hiveql/syntax"
)

// columnPattern is the regular expression that an item of a SELECT list is where
// hive.support.quoted.identifiers is none: a name in backquotes with more in it than letters, digits
// and underscores, perhaps behind a table's name.
func (b *block) columnPattern(it syntax.SelectItem) (pattern syntax.Ident, table *syntax.Ident, ok bool) {
	if len(it.Aliases) > 0 || b.a.env.setting("hive.support.quoted.identifiers", "column") != "none" {
		return pattern, nil, false
	}
	switch x := it.X.(type) {
	case *syntax.Name:
		pattern = x.Ident
	case *syntax.Dot:
		name, isName := x.X.(*syntax.Name)
		if !isName {
			return pattern, nil, false
		}
		pattern, table = x.Field, &name.Ident
	}
	special := func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	return pattern, table, pattern.Quoted && strings.ContainsFunc(pattern.Name, special)
}

// matching puts the columns whose whole names match the pattern into the list, in any case.
func (b *block) matching(pattern syntax.Ident, table *syntax.Ident) error {
	matches, err := columnMatcher(pattern.Name)
	if err != nil {
		return unsupported(&pattern, "this form of regular expression for columns")
	}
	star := &syntax.Star{Span: pattern.Span}
	if table != nil {
		star.Qualifier = []syntax.Ident{*table}
	}
	cols, err := b.starColumns(star)
	if err != nil {
		return err
	}
	all := len(cols)
	cols = slices.DeleteFunc(slices.Clone(cols), func(c Column) bool { return !matches(c.Name) })
	if len(cols) == 0 {
		return failf(&pattern, codeNoColumn, "Invalid column reference %s: none of the %d columns matches", near(pattern.Name), all)
	}
	b.putStar(star, cols)
	return nil
}

// columnMatcher matches whole names. Of possessive quantifiers it knows the one in (a|b)?+.+, by
// which scripts say "all columns but a and b".
func columnMatcher(pattern string) (func(name string) bool, error) {
	compile := func(text string) (*regexp.Regexp, error) { return regexp.Compile("(?i)^(?:" + text + ")") }
	first, rest, ok := optionalPrefix(pattern)
	if !ok {
		re, err := compile("(?:" + pattern + ")$")
		if err != nil {
			return nil, err
		}
		return re.MatchString, nil
	}
	prefix, err := compile(first)
	if err != nil {
		return nil, err
	}
	re, err := compile("(?:" + rest + ")$")
	if err != nil {
		return nil, err
	}
	return func(name string) bool { return re.MatchString(name[len(prefix.FindString(name)):]) }, nil
}

// optionalPrefix splits (first)?+rest.
func optionalPrefix(pattern string) (first, rest string, ok bool) {
	depth := 0
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 {
			rest, ok = strings.CutPrefix(pattern[i+1:], "?+")
			return pattern[:i+1], rest, ok && i > 0
		}
	}
	return "", "", false
}
