package syntax

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// maxDepth bounds how deep expressions, queries and types may nest.
	maxDepth = 1000
	// maxChain bounds how many operators, joins or set operations may follow one another on
	// one level; each one makes the tree a level deeper.
	maxChain = 100_000
	// longestFound is how much of a token an error message shows.
	longestFound = 40
)

// Parse parses a script: statements separated by semicolons. It stops at the first error,
// which is an *Error. A statement may lack its semicolon only at the end.
func Parse(src string) ([]Stmt, error) {
	var stmts []Stmt
	for s := range Statements(src) {
		if s.Err != nil {
			return nil, s.Err
		}
		stmts = append(stmts, s.Stmt)
	}
	return stmts, nil
}

// ParseExpr parses src as one expression. Its error is an *Error.
func ParseExpr(src string) (Expr, error) {
	return parseWhole(src, (*parser).expr)
}

// ParseType parses src as one type, such as map<string,array<int>>. Its error is an *Error.
func ParseType(src string) (Type, error) {
	return parseWhole(src, (*parser).typ)
}

func parseWhole[T any](src string, parse func(*parser) T) (T, error) {
	lx := newLexer(src)
	p := &parser{src: src, toks: lx.statement()}
	n := parse(p)
	p.finish("the end")
	if p.err == nil && lx.off < len(src) {
		p.err = &Error{At: lx.pos(lx.off), Msg: "expected the end, found ';'", Near: ";"}
	}
	if p.err != nil {
		var none T
		return none, p.err
	}
	return n, nil
}

// parser is a recursive descent parser over the tokens of one statement. The first error is
// kept and moves the parser to the end, where nothing matches any more: no rule needs to
// look at the error, and every loop ends.
type parser struct {
	src   string
	toks  []token
	i     int
	depth int
	err   *Error
}

func (p *parser) tok() *token { return &p.toks[p.i] }

// ahead is the token n behind the current one.
func (p *parser) ahead(n int) *token { return &p.toks[min(p.i+n, len(p.toks)-1)] }

// word is the source of the token n behind the current one in upper case, keyword or not.
func (p *parser) word(n int) string {
	t := p.ahead(n)
	return strings.ToUpper(p.src[t.off:t.end])
}

func (p *parser) next() {
	if p.i < len(p.toks)-1 {
		p.i++
	}
}

// at reports whether the next tokens are these keywords or operators.
func (p *parser) at(texts ...string) bool {
	for i, t := range texts {
		if p.ahead(i).text != t || p.ahead(i).kind == tBad {
			return false
		}
	}
	return true
}

// atAny reports whether the next token is one of the keywords or operators.
func (p *parser) atAny(texts ...string) bool {
	return slices.Contains(texts, p.tok().text) && p.tok().kind != tBad
}

// accept passes the keywords or operators if they are next.
func (p *parser) accept(texts ...string) bool {
	if !p.at(texts...) {
		return false
	}
	p.i += len(texts)
	return true
}

// expect passes the keywords or operators, which must be next.
func (p *parser) expect(texts ...string) {
	for _, t := range texts {
		if !p.accept(t) {
			if !isLetter(t[0]) {
				t = "'" + t + "'"
			}
			p.failExpected(t)
			return
		}
	}
}

// failExpected makes the error that the current token is not what was expected.
func (p *parser) failExpected(what string) {
	t := p.tok()
	switch {
	case t.kind == tBad && t.text != "":
		p.fail(t, t.text, "")
	case t.kind == tBad:
		p.fail(t, "unexpected character "+fmt.Sprintf("%q", p.src[t.off:t.end]), "put names with such characters in backquotes")
	default:
		p.fail(t, "expected "+what+", found "+p.found(t), p.hint(t, what))
	}
}

// clauseWord reports whether a reserved word is one that hardly anybody means as a name.
func clauseWord(word string) bool {
	switch word {
	case "ALL", "AND", "AS", "BETWEEN", "BY", "CASE", "CAST", "CREATE", "CROSS", "DISTINCT", "DROP", "ELSE",
		"EXCEPT", "EXISTS", "FROM", "FULL", "GROUP", "HAVING", "IN", "INNER", "INSERT", "INTERSECT", "INTO",
		"IS", "JOIN", "LATERAL", "LEFT", "LIKE", "MINUS", "NOT", "NULL", "ON", "OR", "ORDER", "OVER", "RIGHT",
		"SELECT", "SET", "TABLE", "THEN", "UNION", "VALUES", "WHEN", "WHERE", "WITH":
		return true
	}
	return false
}

// found describes a token for an error message.
func (p *parser) found(t *token) string {
	switch t.kind {
	case tEOF:
		return "the end of the statement"
	case tWord:
		if t.reserved {
			return t.text
		}
		return shorten(p.src[t.off:t.end])
	case tString, tQuoted:
		return shorten(p.src[t.off:t.end])
	}
	return "'" + shorten(p.src[t.off:t.end]) + "'"
}

// shorten makes text fit into a message of one line.
func shorten(s string) string {
	if len(s) > longestFound {
		n := longestFound
		for !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n] + "..."
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
}

// fail keeps the first error and goes to the end of the statement.
func (p *parser) fail(t *token, msg, hint string) {
	p.failWith(&Error{At: t.from(), Msg: msg, Hint: hint, Near: p.near(t)})
}

// unsupported is the error for a feature of Hive's that skep lacks.
func (p *parser) unsupported(t *token, feature string) {
	p.failWith(&Error{At: t.from(), Msg: feature + " is not supported yet", Near: p.near(t), Err: ErrUnsupported})
}

func (p *parser) failWith(err *Error) {
	if p.err == nil {
		p.err = err
	}
	p.i = len(p.toks) - 1
	if end := &p.toks[p.i]; end.kind != tEOF {
		panic("syntax: a statement's tokens end in tEOF")
	}
}

func (p *parser) near(t *token) string {
	if t.kind == tEOF {
		return "<EOF>"
	}
	return shorten(p.src[t.off:t.end])
}

// finish fails unless everything has been read.
func (p *parser) finish(what string) {
	if p.err == nil && p.tok().kind != tEOF {
		p.failExpected(what)
	}
}

// enter counts one level of nesting; the caller leaves it again.
func (p *parser) enter() bool {
	if p.depth++; p.depth > maxDepth {
		p.fail(p.tok(), fmt.Sprintf("nested more than %d levels deep", maxDepth), "")
		return false
	}
	return true
}

func (p *parser) leave() { p.depth-- }

// chain counts the links of one chain of operators and fails when it is too long.
func (p *parser) chain(n *int) bool {
	if *n++; *n > maxChain {
		p.fail(p.tok(), fmt.Sprintf("more than %d operators in a row", maxChain), "")
		return false
	}
	return p.err == nil
}

func (t *token) from() Pos { return Pos{Offset: t.off, Line: t.line, Col: t.col} }

// endOf is the place after a token.
func (p *parser) endOf(t *token) Pos {
	at := t.from()
	for i := t.off; i < t.end; i++ {
		switch c := p.src[i]; {
		case c == '\n':
			at.Line++
			at.Col = 1
		case c < utf8.RuneSelf || utf8.RuneStart(c):
			at.Col++
		}
	}
	at.Offset = t.end
	return at
}

// span is the place of everything read since token i.
func (p *parser) span(i int) Span {
	s := Span{From: p.toks[i].from(), To: p.toks[i].from()}
	if p.i > i {
		s.To = p.endOf(&p.toks[p.i-1])
	}
	return s
}

// source is the text read since token i, with single blanks where they belong.
func (p *parser) source(i int) string {
	var b []byte
	for j := i; j < p.i; j++ {
		t := &p.toks[j]
		if j > i && blankBetween(&p.toks[j-1], t) {
			b = append(b, ' ')
		}
		if t.kind == tWord && t.reserved {
			b = append(b, t.text...)
		} else {
			b = append(b, p.src[t.off:t.end]...)
		}
	}
	return string(b)
}

func blankBetween(t, next *token) bool {
	switch next.text {
	case ")", ",", ".":
		return false
	case "(":
		return t.text != "" && t.text != "("
	}
	return t.text != "(" && t.text != "."
}

// list parses one or more items separated by commas.
func list[T any](p *parser, item func() T) []T {
	items := []T{item()}
	for p.accept(",") {
		items = append(items, item())
	}
	return items
}

// parenList parses a list in parentheses.
func parenList[T any](p *parser, item func() T) []T {
	p.expect("(")
	items := list(p, item)
	p.expect(")")
	return items
}
