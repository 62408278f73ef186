package javaregex

import (
	"fmt"
	"regexp"
	"time"

	"github.com/dlclark/regexp2"
)

// Limit is the time that the backtracking engine may take to find a match. All matches in a text together may take as long, and
// limitRune more for each of its characters.
const (
	Limit     = 2 * time.Second
	limitRune = time.Microsecond
)

// Regexp is a compiled pattern. It is safe for concurrent use.
type Regexp struct {
	source string
	groups int
	linear *regexp.Regexp  // one of the two is set
	back   *regexp2.Regexp // for patterns that no linear engine can do
}

// Error is a pattern that cannot be compiled.
type Error struct {
	Pattern string
	Offset  int // in bytes, of the place in Pattern
	Msg     string
}

func (e *Error) Error() string {
	return fmt.Sprintf(`regular expression "%s": %s at character %d`, e.Pattern, e.Msg, e.Offset+1)
}

// Compile parses a pattern. Its errors are *Error.
func Compile(pattern string) (*Regexp, error) {
	tr := translator{src: pattern, names: map[string]int{}}
	text, err := tr.translate()
	if err != nil {
		return nil, err
	}
	re := &Regexp{source: pattern, groups: tr.groups}
	text = `\A(?:` + text + `)\z`
	if !tr.backtracks {
		if re.linear, err = regexp.Compile(text); err == nil {
			return re, nil
		}
		// What remains are Go's limits, as on repetition counts above 1,000.
	}
	if re.back, err = regexp2.Compile(text, regexp2.None); err != nil {
		return nil, &Error{pattern, 0, "is not understood"}
	}
	re.back.MatchTimeout = Limit
	return re, nil
}

// String is the pattern as it was given to Compile.
func (re *Regexp) String() string { return re.source }

// Groups is the number of capturing groups.
func (re *Regexp) Groups() int { return re.groups }

// Match reports whether the pattern matches the whole of s, and what its groups captured, in
// order; a group that took no part is empty. It fails when a pattern with look-around,
// back-references or possessive quantifiers takes longer than Limit.
func (re *Regexp) Match(s string) (groups []string, ok bool, err error) {
	if re.linear != nil {
		m := re.linear.FindStringSubmatch(s)
		if m == nil {
			return nil, false, nil
		}
		return m[1:], true, nil
	}
	m, err := re.back.FindStringMatch(s)
	if err != nil {
		return nil, false, tooLong(re.source, s)
	}
	if m == nil {
		return nil, false, nil
	}
	for _, g := range m.Groups()[1:] {
		groups = append(groups, g.String())
	}
	return groups, true, nil
}

// tooLong is the error of what takes too long on a text.
func tooLong(pattern, text string) error {
	const shown = 200
	if len(text) > shown {
		text = text[:shown] + "..."
	}
	return fmt.Errorf(`regular expression "%s" takes more than %v on %q`, pattern, Limit, text)
}
