package syntax

import "strings"

// formatWidth is the width that formatted lines keep to where they can.
const formatWidth = 100

// FormatScript lays a script out for people: reserved words in upper case, one clause a line
// where a statement does not fit on one, and lists that are too long one item a line. Comments
// stay, names and literals are as they were. Statements that do not parse stay as they were, as
// do orders to the client. The result parses to the same trees, and formatting it again changes
// nothing.
func FormatScript(src string) string {
	var b strings.Builder
	lx := newLexer(src)
	last := 0 // the end of what has been written
	for lx.off < len(src) {
		s, ok := statement(lx)
		if !ok {
			continue
		}
		leading := comments(src[last:s.At.Offset])
		if b.Len() > 0 && (leading.gap || !isSetting(s.Stmt)) {
			b.WriteByte('\n')
		}
		b.WriteString(leading.text)
		b.WriteString(formatStatement(s))
		b.WriteByte('\n')
		if last = lx.off; src[last-1] == '\n' { // which ends an order to the shell, and its line
			last--
		}
	}
	if rest := comments(src[min(last, len(src)):]); rest.text != "" {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(rest.text)
	}
	return b.String()
}

func isSetting(s Stmt) bool {
	switch s.(type) {
	case *Set, *Reset, *ShellCommand, *Use:
		return true
	}
	return false
}

// between is the text between two statements.
type between struct {
	text string // the comments, each on lines of its own
	gap  bool   // whether there was an empty line
}

// comments are the comments of what stands between tokens or statements.
func comments(text string) between {
	var out between
	var b strings.Builder
	blank := 0
	for i := 0; i < len(text); {
		switch {
		case strings.HasPrefix(text[i:], "--"):
			end := lineEnd(text, i)
			b.WriteString(strings.TrimRight(text[i:end], " \t") + "\n")
			i, blank = end, 0
		case strings.HasPrefix(text[i:], "/*"):
			end, _ := commentEnd(text, i)
			b.WriteString(text[i:end] + "\n")
			i, blank = end, 0
		default:
			if text[i] == '\n' {
				if blank++; blank > 1 {
					out.gap = true
				}
			}
			i++
		}
	}
	out.text = b.String()
	if out.text != "" {
		out.gap = true
	}
	return out
}

// formatStatement lays out one statement, with its semicolon.
func formatStatement(s Statement) string {
	asItWas := s.Text + ";"
	if strings.HasSuffix(s.Text, `\`) {
		asItWas = s.Text + " ;" // \; would not end it
	}
	if !s.Terminated && s.Stmt == nil || strings.HasPrefix(s.Text, "!") {
		asItWas = s.Text
	}
	switch s.Stmt.(type) {
	case *Set, *Reset, *ShellCommand: // what follows them is text
		if !s.Terminated {
			return s.Text
		}
		return asItWas
	}
	lx := newLexer(s.Text)
	toks := lx.statement()
	tail := comments(s.Text[lastEnd(toks):]).text
	if strings.Contains(tail, "--") && strings.HasSuffix(asItWas, ";") {
		asItWas = s.Text + "\n;" // which is no part of the comment
	}
	if s.Err != nil {
		return asItWas
	}
	f := &formatter{src: s.Text, toks: toks[:len(toks)-1]}
	text := f.whole()
	// What cannot be laid out without changing what it means is left alone.
	again, err := Parse(text)
	if err != nil || len(again) != 1 || !Equal(again[0], s.Stmt) {
		return asItWas
	}
	if tail != "" {
		return text + "\n" + tail + ";"
	}
	return text + ";"
}

// lastEnd is where the last token of a statement ends, before the one that says that there are no more.
func lastEnd(toks []token) int {
	if len(toks) < 2 {
		return 0
	}
	return toks[len(toks)-2].end
}

// formatter lays out the tokens of one statement.
type formatter struct {
	src  string
	toks []token
	b    strings.Builder
	col  int
	// angle are the angle brackets that belong to types.
	angle map[int]bool
}

func (f *formatter) whole() string {
	f.findAngles()
	if line, ok := f.flat(0, len(f.toks)); ok && len(line) < formatWidth {
		return line
	}
	f.clauses(0, len(f.toks), 0)
	return f.b.String()
}

// gap is what stands between two tokens, comments included.
func (f *formatter) gap(i int) string {
	if i == 0 {
		return f.src[:f.toks[0].off]
	}
	return f.src[f.toks[i-1].end:f.toks[i].off]
}

func (f *formatter) commented(i int) bool {
	g := f.gap(i)
	return strings.Contains(g, "--") || strings.Contains(g, "/*")
}

// word is the text of a token: reserved words are written in upper case.
func (f *formatter) word(i int) string {
	t := &f.toks[i]
	text := f.src[t.off:t.end]
	if t.kind == tWord && (t.reserved && !f.named(i) || clauseStart(f, i) || f.keyword(i)) {
		return strings.ToUpper(text)
	}
	return text
}

// named reports whether a reserved word stands where it is the name of a function or a type.
func (f *formatter) named(i int) bool {
	if i+1 < len(f.toks) && f.toks[i+1].text == "(" && functionWord(f.toks[i].text) {
		return true
	}
	return isTypeWord(f.toks[i].text)
}

// spaced reports whether a blank stands between token i and the one before it.
func (f *formatter) spaced(i int) bool {
	prev, t := &f.toks[i-1], &f.toks[i]
	switch t.text {
	case ",", ")", ".", "]", "[":
		return false
	case "(":
		if prev.kind == tWord && (!prev.reserved || f.named(i-1)) || prev.kind == tQuoted {
			return prev.end != t.off
		}
		return prev.text != "("
	case ">", "<":
		return !f.angle[i]
	case ":":
		return false
	}
	switch prev.text {
	case "(", ".", "[", ":":
		return false
	case "<":
		return !f.angle[i-1]
	case "-", "+", "~", "NOT":
		return prev.end != t.off || prev.kind == tWord
	}
	return true
}

// findAngles notes the angle brackets that belong to types.
func (f *formatter) findAngles() {
	f.angle = map[int]bool{}
	depth := 0
	for i := range f.toks {
		switch {
		case f.toks[i].text == "<" && i > 0 && nests(f.toks[i-1].text):
			depth++
			f.angle[i] = true
		case f.toks[i].text == ">" && depth > 0:
			depth--
			f.angle[i] = true
		}
	}
}

// flat is the text of some tokens on one line; false if comments stand between them.
func (f *formatter) flat(from, to int) (string, bool) {
	var b strings.Builder
	for i := from; i < to; i++ {
		if i > from {
			if f.commented(i) {
				return "", false
			}
			if f.spaced(i) {
				b.WriteByte(' ')
			}
		}
		b.WriteString(f.word(i))
		if f.toks[i].kind == tString && strings.Contains(f.src[f.toks[i].off:f.toks[i].end], "\n") {
			return b.String(), false
		}
	}
	return b.String(), true
}

// w writes text that holds no line ends but those of strings.
func (f *formatter) w(text string) {
	f.b.WriteString(text)
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		f.col = len(text) - i - 1
	} else {
		f.col += len(text)
	}
}

func (f *formatter) newline(indent int) {
	f.b.WriteString("\n" + strings.Repeat(" ", indent))
	f.col = indent
}

// before writes the comments in front of token i, then what separates it from the one before.
func (f *formatter) before(i, from, indent int, broken bool) {
	if i == 0 {
		return
	}
	if f.commented(i) {
		c := strings.TrimRight(comments(f.gap(i)).text, "\n")
		if g := f.gap(i); !strings.Contains(g[:min(len(g), indexComment(g))], "\n") && i > from {
			f.w(" " + c) // it stood on the line of what is before it
		} else {
			f.newline(indent)
			f.w(strings.ReplaceAll(c, "\n", "\n"+strings.Repeat(" ", indent)))
		}
		f.newline(indent)
		return
	}
	switch {
	case broken:
		f.newline(indent)
	case f.spaced(i) && f.col > 0:
		f.w(" ")
	}
}

func indexComment(g string) int {
	a, b := strings.Index(g, "--"), strings.Index(g, "/*")
	switch {
	case a < 0:
		return b
	case b < 0:
		return a
	}
	return min(a, b)
}
