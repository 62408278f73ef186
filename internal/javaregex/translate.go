package javaregex

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// translator reads a Java pattern and writes the same one for the engines.
type translator struct {
	src  string
	pos  int
	out  []byte
	open []group // the groups around pos, the innermost last

	classes int // the classes around pos

	now        flags
	atom       int // where in out the last atom begins; -1 if there is nothing to repeat
	groups     int
	names      map[string]int
	backtracks bool
	within     bool // the pattern is looked for within texts, and need not match the whole of one
}

// Where ^ and $ match within texts. A line ends in \n, \r, \r\n, \u0085, \u2028 or \u2029.
const (
	lineBegin = `(?:(?:\A|(?<=[\n\x85\u2028\u2029])|(?<=\r)(?!\n))(?!\z))`
	lineEnd   = `(?:\z|(?=[\r\x85\u2028\u2029])|(?<!\r)(?=\n))`
	textEnd   = `(?:\z|(?=(?:\r\n|[\r\x85\u2028\u2029])\z)|(?<!\r)(?=\n\z))` // also before what ends the last line
)

type flags struct{ fold, dotAll, multiline bool }

type group struct {
	start int   // in out
	src   int   // in src
	flags flags // to go back to
	look  bool  // a look-around, which Java lets one repeat and the engines do not
}

func (t *translator) fail(at int, msg string) error { return &Error{t.src, at, msg} }

func (t *translator) unsupported(at int, what string) error {
	return t.fail(at, what+" is not supported")
}

func (t *translator) more() bool { return t.pos < len(t.src) }

func (t *translator) has(s string) bool { return strings.HasPrefix(t.src[t.pos:], s) }

func (t *translator) accept(s string) bool {
	if t.has(s) {
		t.pos += len(s)
		return true
	}
	return false
}

func (t *translator) rune() rune {
	r, n := utf8.DecodeRuneInString(t.src[t.pos:])
	t.pos += n
	return r
}

// put writes one atom, to which a quantifier may be added.
func (t *translator) put(s string) {
	t.atom = len(t.out)
	t.out = append(t.out, s...)
}

// assert writes something without width.
func (t *translator) assert(s string) {
	t.out = append(t.out, s...)
	t.atom = -1
}

func (t *translator) putSet(s set) {
	if t.now.fold {
		s = s.fold()
	}
	t.put(s.String())
}

func (t *translator) translate() (string, error) {
	t.atom = -1
	for t.more() {
		if err := t.element(); err != nil {
			return "", err
		}
	}
	if n := len(t.open); n > 0 {
		return "", t.fail(t.open[n-1].src, "unclosed group")
	}
	return string(t.out), nil
}

func (t *translator) element() error {
	at := t.pos
	switch r := t.rune(); r {
	case '\\':
		return t.escape(at)
	case '(':
		return t.openGroup(at)
	case ')':
		return t.closeGroup(at)
	case '[':
		s, err := t.class(at)
		if err != nil {
			return err
		}
		t.put(s.String())
	case '|':
		t.assert("|")
	case '.':
		if t.now.dotAll {
			t.put(anything.String())
		} else {
			t.put(noNewline.String())
		}
	case '^', '$':
		t.assert(t.anchor(r))
	case '*', '+', '?':
		return t.repeat(at, string(r))
	case '{':
		count, err := t.count(at)
		if err != nil {
			return err
		}
		return t.repeat(at, count)
	default:
		t.putSet(single(r))
	}
	return nil
}

// anchor is ^ or $ in the language of the engines.
func (t *translator) anchor(r rune) string {
	begin := r == '^'
	switch {
	case begin && !t.now.multiline:
		return `\A`
	case begin && t.within:
		return lineBegin
	case begin:
		return `(?m:^)`
	case t.within && t.now.multiline:
		return lineEnd
	case t.within:
		return textEnd
	case t.now.multiline:
		return `(?m:$)`
	}
	return `\z` // nothing can follow in a pattern that matches the whole text
}

// count reads the rest of {n}, {n,} or {n,m}.
func (t *translator) count(at int) (string, error) {
	end := strings.IndexByte(t.src[t.pos:], '}')
	if end < 0 {
		return "", t.fail(at, "unclosed repetition count")
	}
	text := t.src[t.pos : t.pos+end]
	low, high, ranged := strings.Cut(text, ",")
	n, err := strconv.ParseUint(low, 10, 31)
	if err != nil {
		return "", t.fail(at, "illegal repetition")
	}
	if ranged && high != "" {
		m, err := strconv.ParseUint(high, 10, 31)
		if err != nil || m < n {
			return "", t.fail(at, "illegal repetition range")
		}
	}
	t.pos += end + 1
	return "{" + text + "}", nil
}

func (t *translator) repeat(at int, quantifier string) error {
	if t.atom < 0 {
		return t.fail(at, "nothing to repeat")
	}
	start := t.atom
	t.out = append(t.out, quantifier...)
	switch {
	case t.accept("?"):
		t.out = append(t.out, '?')
	case t.accept("+"): // possessive: the atomic group does the same
		t.backtracks = true
		t.out = append(t.out, ')')
		t.insert(start, "(?>")
	}
	t.atom = -1
	return nil
}

func (t *translator) insert(at int, s string) {
	t.out = append(t.out[:at], append([]byte(s), t.out[at:]...)...)
}

func (t *translator) openGroup(at int) error {
	g := group{start: len(t.out), src: at, flags: t.now}
	switch {
	case !t.accept("?"):
		t.groups++
		t.out = append(t.out, '(')
	case t.accept(":"):
		t.out = append(t.out, "(?:"...)
	case t.has("=") || t.has("!") || t.has("<=") || t.has("<!") || t.has(">"):
		g.look = !t.has(">")
		t.backtracks = true
		t.out = append(t.out, "(?"...)
		if t.accept("<") {
			t.out = append(t.out, '<')
		}
		t.out = append(t.out, string(t.rune())...)
	case t.accept("<"):
		name, ok := t.name()
		if !ok {
			return t.fail(at, "a group's name is made of letters and digits")
		}
		if _, twice := t.names[name]; twice {
			return t.fail(at, "two groups of the name "+name)
		}
		t.groups++
		t.names[name] = t.groups
		t.out = append(t.out, '(')
	default:
		scoped, err := t.inlineFlags(at)
		if err != nil || !scoped {
			return err // (?i) changes the group it is in
		}
		t.out = append(t.out, "(?:"...)
	}
	if t.open = append(t.open, g); len(t.open) > mostNested {
		return t.fail(at, "groups nested too deep")
	}
	t.atom = -1
	return nil
}

// name reads a group's name and the > behind it.
func (t *translator) name() (string, bool) {
	end := strings.IndexByte(t.src[t.pos:], '>')
	if end <= 0 {
		return "", false
	}
	name := t.src[t.pos : t.pos+end]
	for i, c := range []byte(name) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || c < '0' || '9' < c) {
			return "", false
		}
	}
	t.pos += end + 1
	return name, true
}

// inlineFlags reads the rest of (?i-s) or of (?i-s: and reports whether it is the latter.
func (t *translator) inlineFlags(at int) (scoped bool, err error) {
	value := true
	f := t.now
	for t.more() {
		switch c := t.rune(); c {
		case '-':
			value = false
		case 'i':
			f.fold = value
		case 's':
			f.dotAll = value
		case 'm':
			f.multiline = value
		case 'u', 'd': // folding stays ASCII; \n is a line end either way
		case ')', ':':
			t.now = f
			return c == ':', nil
		default:
			return false, t.unsupported(at, "the group (?"+string(c))
		}
	}
	return false, t.fail(at, "unclosed group")
}

func (t *translator) closeGroup(at int) error {
	n := len(t.open) - 1
	if n < 0 {
		return t.fail(at, "unmatched )")
	}
	g := t.open[n]
	t.open = t.open[:n]
	t.now = g.flags
	t.out = append(t.out, ')')
	t.atom = g.start
	if g.look {
		t.insert(g.start, "(?:")
		t.out = append(t.out, ')')
	}
	return nil
}

// escape translates what stands behind a backslash outside a class.
func (t *translator) escape(at int) error {
	if !t.more() {
		return t.fail(at, "a backslash at the end")
	}
	c := t.src[t.pos]
	if s, ok := byLetter(c); ok {
		t.pos++
		t.put(s.String())
		return nil
	}
	switch c {
	case 'b', 'B':
		t.pos++
		t.assert(`\` + string(c))
	case 'A', 'z':
		t.pos++
		t.assert(`\` + string(c))
	case 'Z':
		t.pos++
		if t.within {
			t.assert(textEnd)
		} else {
			t.assert(`\z`)
		}
	case 'R':
		t.pos++
		t.put(`(?:\x0d\x0a|` + vertical.String() + `)`)
	case 'Q':
		t.pos++
		t.quoted()
	case 'k':
		return t.namedReference(at)
	case '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return t.reference(at)
	case 'G', 'X', 'N':
		return t.unsupported(at, `\`+string(c))
	default:
		s, err := t.escaped(at)
		if err != nil {
			return err
		}
		t.putSet(s)
	}
	return nil
}

// quoted copies literally up to \E or the end.
func (t *translator) quoted() {
	text, _, closed := strings.Cut(t.src[t.pos:], `\E`)
	t.pos += len(text)
	if closed {
		t.pos += len(`\E`)
	}
	for _, r := range text {
		t.putSet(single(r))
	}
}

// reference reads \N: as many digits as make the number of a group that has begun.
func (t *translator) reference(at int) error {
	n := 0
	for t.more() && '0' <= t.src[t.pos] && t.src[t.pos] <= '9' {
		next := 10*n + int(t.src[t.pos]-'0')
		if n > 0 && next > t.groups {
			break
		}
		n = next
		t.pos++
	}
	if n > t.groups {
		return t.fail(at, "there is no group "+strconv.Itoa(n))
	}
	t.referTo(n)
	return nil
}

func (t *translator) namedReference(at int) error {
	t.pos++
	if !t.accept("<") {
		return t.fail(at, `\k is followed by <name>`)
	}
	name, ok := t.name()
	n, known := t.names[name]
	if !ok || !known {
		return t.fail(at, "there is no such group")
	}
	t.referTo(n)
	return nil
}

func (t *translator) referTo(n int) {
	t.backtracks = true
	t.put(`(?:\` + strconv.Itoa(n) + `)`)
}
