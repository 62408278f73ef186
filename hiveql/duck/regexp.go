package duck

import (
	"fmt"
	"strings"
)

// translatedRegexp is a regular expression of Java's in the syntax of RE2, which DuckDB uses.
type translatedRegexp struct {
	text string
	// ends are the places in Java's where the text must end, as $ does. Java also takes them for the place before
	// what ends the last line.
	ends []int
}

// translateRegexp rewrites a regular expression of Java's. What RE2 cannot do, or would silently do otherwise, is an
// error that names it.
func translateRegexp(p string) (translatedRegexp, error) {
	t := &regexpTranslator{in: p}
	for t.at < len(p) {
		if err := t.step(); err != nil {
			return translatedRegexp{}, err
		}
	}
	return translatedRegexp{t.out.String(), t.ends}, nil
}

type regexpTranslator struct {
	in     string
	at     int
	out    strings.Builder
	set    int // depth of [ ]
	dotAll bool
	ends   []int
}

func (t *regexpTranslator) refuse(what string) error {
	return &Error{Op: "plan", Err: ErrUnsupported,
		Msg: fmt.Sprintf("%s in the regular expression '%s' is not supported yet", what, t.in)}
}

func (t *regexpTranslator) take(n int) {
	t.out.WriteString(t.in[t.at : t.at+n])
	t.at += n
}

func (t *regexpTranslator) step() error {
	rest := t.in[t.at:]
	switch {
	case rest[0] == '\\':
		return t.escape(rest)
	case t.set > 0:
		return t.inSet(rest)
	case rest[0] == '[':
		t.set = 1
		t.take(1)
		if strings.HasPrefix(t.in[t.at:], "^") {
			t.take(1)
		}
		return nil
	case strings.HasPrefix(rest, "(?"):
		return t.group(rest)
	case len(rest) > 1 && strings.IndexByte("*+?}", rest[0]) >= 0 && rest[1] == '+':
		return t.refuse("the possessive quantifier " + rest[:2])
	case rest[0] == '.' && !t.dotAll:
		t.out.WriteString(`[^\n\r\x{85}\x{2028}\x{2029}]`)
		t.at++
		return nil
	case rest[0] == '$':
		t.ends = append(t.ends, t.at)
	}
	t.take(1)
	return nil
}

func (t *regexpTranslator) inSet(rest string) error {
	switch {
	case strings.HasPrefix(rest, "&&"):
		return t.refuse("the intersection of character classes &&")
	case rest[0] == '[':
		return t.refuse("a character class inside another one")
	case rest[0] == ']':
		t.set = 0
	}
	t.take(1)
	return nil
}

func (t *regexpTranslator) group(rest string) error {
	for _, g := range []struct{ start, what string }{
		{"(?=", "the look-ahead"}, {"(?!", "the look-ahead"}, {"(?<=", "the look-behind"},
		{"(?<!", "the look-behind"}, {"(?>", "the independent group"},
	} {
		if strings.HasPrefix(rest, g.start) {
			return t.refuse(g.what + " " + g.start + "...)")
		}
	}
	if strings.HasPrefix(rest, "(?<") {
		t.out.WriteString("(?P<")
		t.at += len("(?<")
		return nil
	}
	if i := strings.IndexAny(rest, ":)"); i >= 0 {
		if strings.Contains(rest[:i], "m") {
			return t.refuse("the flag m, by which lines end in a carriage return too,")
		}
		t.dotAll = t.dotAll || strings.Contains(rest[:i], "s")
	}
	t.take(2)
	return nil
}

// posixClasses are Java's \p{...} of ASCII characters.
var posixClasses = map[string]string{
	"Lower": "a-z", "Upper": "A-Z", "ASCII": `\x00-\x7F`, "Alpha": "a-zA-Z", "Digit": "0-9",
	"Alnum": "a-zA-Z0-9", "Punct": `!-/:-@\[-\x60{-~`, "Graph": "!-~", "Print": " -~", "Blank": ` \t`,
	"Cntrl": `\x00-\x1F\x7F`, "XDigit": "0-9a-fA-F", "Space": ` \t\n\x0B\f\r`,
}

func (t *regexpTranslator) escape(rest string) error {
	if len(rest) < 2 {
		return &Error{Op: "plan", Msg: fmt.Sprintf("the regular expression '%s' ends in a backslash", t.in)}
	}
	switch c := rest[1]; {
	case c >= '1' && c <= '9' && t.set == 0:
		return t.refuse("the back reference " + rest[:2])
	case c == 'k' || c == 'G' || c == 'R' || c == 'X':
		return t.refuse(`the escape \` + string(c))
	case (c == 'p' || c == 'P') && strings.HasPrefix(rest[2:], "{"):
		return t.property(rest, c)
	case c == 'Q':
		quoted, _, _ := strings.Cut(rest, `\E`)
		t.take(min(len(quoted)+len(`\E`), len(rest)))
	case c == 'e':
		t.out.WriteString(`\x1B`)
		t.at += 2
	case c == 'h':
		t.class(` \t\x{A0}`)
	case c == 'Z':
		t.ends = append(t.ends, t.at)
		t.out.WriteString(`\z`)
		t.at += 2
	case c == 'u' && len(rest) >= 6:
		t.out.WriteString(`\x{` + rest[2:6] + `}`)
		t.at += 6
	case c == 's':
		t.class(` \t\n\x0B\f\r`)
	case strings.IndexByte(`"'<>=!-:;,@#%&~/ _`+"`", c) >= 0:
		if c != '-' {
			t.at++
			t.take(1)
			return nil
		}
		t.take(2)
	default:
		t.take(2)
	}
	return nil
}

// class puts out the characters of a class that is an escape of two characters in Java.
func (t *regexpTranslator) class(members string) {
	t.at += 2
	if t.set > 0 {
		t.out.WriteString(members)
	} else {
		t.out.WriteString("[" + members + "]")
	}
}

func (t *regexpTranslator) property(rest string, kind byte) error {
	stop := strings.IndexByte(rest, '}')
	if stop < 0 {
		return &Error{Op: "plan", Msg: fmt.Sprintf(`the regular expression '%s' has a \p{ without its }`, t.in)}
	}
	word := strings.TrimPrefix(rest[3:stop], "Is")
	members, ok := posixClasses[word]
	switch {
	case ok && kind == 'p' && t.set > 0:
		t.out.WriteString(members)
	case ok && t.set > 0:
		return t.refuse(`\P{` + word + "} inside a character class")
	case ok && kind == 'P':
		t.out.WriteString("[^" + members + "]")
	case ok:
		t.out.WriteString("[" + members + "]")
	case strings.HasPrefix(word, "java") || strings.HasPrefix(word, "In"):
		return t.refuse(`\p{` + word + "}")
	default:
		t.out.WriteString(`\` + string(kind) + "{" + word + "}")
	}
	t.at += stop + 1
	return nil
}
