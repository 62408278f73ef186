package javaregex

import (
	"fmt"
	"strings"
	"time"

	"github.com/dlclark/regexp2"
)

// Search is a compiled pattern that is looked for within texts, as java.util.regex.Matcher.find does. It is safe for
// concurrent use. Its methods fail when a search takes longer than Limit.
type Search struct {
	source string
	groups int
	names  map[string]int
	re     *regexp2.Regexp
}

// Pattern is what the search was made of.
func (s *Search) Pattern() string { return s.source }

// CompileSearch parses a pattern. Its errors are *Error.
func CompileSearch(pattern string) (*Search, error) {
	tr := translator{src: pattern, names: map[string]int{}, within: true}
	text, err := tr.translate()
	if err != nil {
		return nil, err
	}
	re, err := regexp2.Compile(text, regexp2.None)
	if err != nil {
		return nil, &Error{pattern, 0, "is not understood"}
	}
	re.MatchTimeout = Limit
	return &Search{source: pattern, groups: tr.groups, names: tr.names, re: re}, nil
}

// Find reports whether the pattern matches anywhere in text.
func (s *Search) Find(text string) (bool, error) {
	m, err := s.re.FindStringMatch(text)
	return m != nil, s.tooLong(err, text)
}

// Group is what a group of the first match captured, 0 being the match. ok is false where nothing matches, and part where
// the group took no part. It fails where the pattern has no such group.
func (s *Search) Group(text string, group int) (captured string, part, ok bool, err error) {
	m, err := s.re.FindStringMatch(text)
	switch {
	case err != nil:
		return "", false, false, s.tooLong(err, text)
	case m == nil:
		return "", false, false, nil
	case group < 0 || group > s.groups:
		return "", false, false, fmt.Errorf(`regular expression "%s" has no group %d`, s.source, group)
	}
	captured, part = groupOf(m, group)
	return captured, part, true, nil
}

// Replace puts something in the place of all matches, as Matcher.replaceAll does: $1 and ${name} are groups, and what is
// behind a backslash is taken as it is.
func (s *Search) Replace(text, replacement string) (string, error) {
	parts, err := s.parts(replacement)
	if err != nil {
		return "", err
	}
	runes, at := []rune(text), 0
	var b strings.Builder
	err = s.each(text, runes, func(m *regexp2.Match) bool {
		b.WriteString(string(runes[at:m.Index]))
		at = m.Index + m.Length
		for _, p := range parts {
			if p.group < 0 {
				b.WriteString(p.text)
			} else {
				captured, _ := groupOf(m, p.group)
				b.WriteString(captured)
			}
		}
		return true
	})
	b.WriteString(string(runes[at:]))
	return b.String(), err
}

// Split is what is between the matches, as String.split(pattern, -1): a match of nothing at the beginning is none.
func (s *Search) Split(text string) ([]string, error) {
	runes, at := []rune(text), 0
	var between []string
	err := s.each(text, runes, func(m *regexp2.Match) bool {
		if m.Index+m.Length > 0 {
			between = append(between, string(runes[at:m.Index]))
			at = m.Index + m.Length
		}
		return true
	})
	return append(between, string(runes[at:])), err
}

// each calls visit with the matches in order, until it returns false.
func (s *Search) each(text string, runes []rune, visit func(*regexp2.Match) bool) error {
	late := time.Now().Add(Limit + time.Duration(len(runes))*limitRune)
	m, err := s.re.FindRunesMatch(runes)
	for m != nil && err == nil && visit(m) {
		if time.Now().After(late) {
			return tooLong(s.source, text)
		}
		m, err = s.re.FindNextMatch(m)
	}
	return s.tooLong(err, text)
}

func (s *Search) tooLong(err error, text string) error {
	if err == nil {
		return nil
	}
	return tooLong(s.source, text)
}

func groupOf(m *regexp2.Match, n int) (captured string, part bool) {
	g := m.GroupByNumber(n)
	if g == nil || len(g.Captures) == 0 {
		return "", false
	}
	return g.String(), true
}

// part is text of a replacement, or the number of a group.
type part struct {
	text  string
	group int // -1 for text
}

func (s *Search) parts(replacement string) ([]part, error) {
	var parts []part
	put := func(text string) { parts = append(parts, part{text, -1}) }
	for replacement != "" {
		i := strings.IndexAny(replacement, `\$`)
		if i < 0 {
			put(replacement)
			break
		}
		put(replacement[:i])
		rest := replacement[i+1:]
		switch {
		case rest == "":
			return nil, fmt.Errorf(`replacement "%s" ends in a %c`, replacement, replacement[i])
		case replacement[i] == '\\':
			put(rest[:1])
			replacement = rest[1:]
			continue
		}
		n, length, err := s.reference(rest)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part{"", n})
		replacement = rest[length:]
	}
	return parts, nil
}

// reference reads the group behind a $: a name in braces, or as many digits as there are groups for.
func (s *Search) reference(rest string) (group, length int, err error) {
	if name, _, ok := strings.Cut(strings.TrimPrefix(rest, "{"), "}"); ok && rest[0] == '{' {
		n, known := s.names[name]
		if !known {
			return 0, 0, fmt.Errorf(`regular expression "%s" has no group %s`, s.source, name)
		}
		return n, len(name) + len("{}"), nil
	}
	for length < len(rest) && '0' <= rest[length] && rest[length] <= '9' {
		n := 10*group + int(rest[length]-'0')
		if length > 0 && n > s.groups {
			break
		}
		group = n
		length++
	}
	if length == 0 {
		return 0, 0, fmt.Errorf("a $ in a replacement stands before the number of a group, or behind a backslash")
	}
	if group > s.groups {
		return 0, 0, fmt.Errorf(`regular expression "%s" has no group %d`, s.source, group)
	}
	return group, length, nil
}
