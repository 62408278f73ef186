package syntax

import (
	"unicode/utf8"
)

type tokenKind uint8

const (
	tEOF        tokenKind = iota
	tWord                 // an unquoted identifier or keyword
	tQuoted               // `identifier`
	tString               // 'a' or "a"
	tInteger              // 12
	tDecimal              // 1.5
	tDouble               // 1e5
	tSuffixed             // 1L 1S 1Y 1D 1BD
	tByteLength           // 10M
	tCharset              // _utf8
	tHint                 // /*+ ... */ behind SELECT
	tOp                   // punctuation
	tBad                  // what no token begins with, or a quote never closed; text says which
)

// token is one word of the source. Its text is canonical for keywords (upper case) and
// operators, the complaint for tBad, and empty for all else.
type token struct {
	kind      tokenKind
	reserved  bool
	text      string
	off, end  int
	line, col int
	match     int // of "(": the index of its ")", or 0
}

// lexer cuts one statement after the other out of a text.
type lexer struct {
	src string
	off int
	// The place of mark is known; later places are counted from there.
	mark, line, col int

	toks  []token
	opens []int // indexes of parentheses still open
}

func newLexer(src string) *lexer {
	return &lexer{src: src, line: 1, col: 1, toks: make([]token, 0, min(len(src)/tokenLength+2, mostAhead))}
}

// A token and the space before it are about so many bytes long; there is room for so many tokens at most
// before there are any.
const (
	tokenLength = 5
	mostAhead   = 1024
)

// place moves the mark to off, which must not lie before it.
func (lx *lexer) place(off int) (line, col int) {
	for i := lx.mark; i < off; i++ {
		switch c := lx.src[i]; {
		case c == '\n':
			lx.line++
			lx.col = 1
		case c < utf8.RuneSelf || utf8.RuneStart(c):
			lx.col++
		}
	}
	lx.mark = off
	return lx.line, lx.col
}

// pos is the place of off as a Pos.
func (lx *lexer) pos(off int) Pos {
	line, col := lx.place(off)
	return Pos{Offset: off, Line: line, Col: col}
}

// statement reads the tokens up to the next ';' or the end of the text. The last one is tEOF,
// at the ';'. The slice is good until the next call.
func (lx *lexer) statement() []token {
	lx.toks, lx.opens = lx.toks[:0], lx.opens[:0]
	for {
		lx.skipSpace()
		if lx.off >= len(lx.src) || lx.src[lx.off] == ';' {
			lx.emit(tEOF, "", lx.off)
			return lx.toks
		}
		lx.next()
	}
}

func (lx *lexer) emit(kind tokenKind, text string, end int) {
	line, col := lx.place(lx.off)
	lx.toks = append(lx.toks, token{kind: kind, text: text, off: lx.off, end: end, line: line, col: col})
	lx.off = end
}

func (lx *lexer) peek(i int) byte {
	if lx.off+i < len(lx.src) {
		return lx.src[lx.off+i]
	}
	return 0
}

// skipSpace passes white space and comments; a hint right behind SELECT becomes a token.
func (lx *lexer) skipSpace() {
	for lx.off < len(lx.src) {
		switch c := lx.src[lx.off]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
			lx.off++
		case c == '-' && lx.peek(1) == '-':
			lx.off = lineEnd(lx.src, lx.off)
		case c == '/' && lx.peek(1) == '*':
			end, closed := commentEnd(lx.src, lx.off)
			switch {
			case !closed:
				lx.emit(tBad, "this comment is not closed", end)
			case lx.peek(2) == '+' && len(lx.toks) > 0 && lx.toks[len(lx.toks)-1].text == "SELECT":
				lx.emit(tHint, "", end)
			default:
				lx.off = end
			}
		default:
			if r, n := utf8.DecodeRuneInString(lx.src[lx.off:]); r == '\u00a0' || r == '\ufeff' {
				lx.off += n
				continue
			}
			return
		}
	}
}

func lineEnd(src string, i int) int {
	for i < len(src) && src[i] != '\n' && src[i] != '\r' {
		i++
	}
	return i
}

func commentEnd(src string, i int) (end int, closed bool) {
	for i += 2; i+1 < len(src); i++ {
		if src[i] == '*' && src[i+1] == '/' {
			return i + 2, true
		}
	}
	return len(src), false
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isWord(c byte) bool   { return isLetter(c) || isDigit(c) || c == '_' }

// next reads one token; the text at hand is neither white space nor a ';'.
func (lx *lexer) next() {
	c := lx.src[lx.off]
	switch {
	case isLetter(c):
		lx.word()
	case isDigit(c):
		lx.number()
	case c == '\'' || c == '"':
		lx.quoted(tString, c, "this string is not closed")
	case c == '`':
		lx.quoted(tQuoted, c, "this quoted identifier is not closed")
	case c == '_':
		lx.charset()
	case c == '$':
		lx.dollar()
	default:
		lx.operator()
	}
}

func (lx *lexer) word() {
	end := lx.off + 1
	for end < len(lx.src) && isWord(lx.src[end]) {
		end++
	}
	kw := lookUp(lx.src[lx.off:end])
	lx.emit(tWord, kw.text, end)
	lx.toks[len(lx.toks)-1].reserved = kw.reserved
}

// quoted reads to the closing quote. Strings know \ as an escape, identifiers double the quote.
func (lx *lexer) quoted(kind tokenKind, quote byte, complaint string) {
	for i := lx.off + 1; i < len(lx.src); i++ {
		switch c := lx.src[i]; {
		case c == '\\' && kind == tString:
			i++
		case c == quote && kind == tQuoted && i+1 < len(lx.src) && lx.src[i+1] == quote:
			i++
		case c == quote && kind == tQuoted && i == lx.off+1:
			lx.emit(tBad, "this quoted identifier is empty", i+1)
			return
		case c == quote:
			lx.emit(kind, "", i+1)
			return
		}
	}
	lx.emit(tBad, complaint, len(lx.src))
}

// charset reads the _name in front of a string; Hive has no unquoted identifier of that form.
func (lx *lexer) charset() {
	end := lx.off + 1
	for end < len(lx.src) && (isWord(lx.src[end]) || lx.src[end] == '-' || lx.src[end] == '.' || lx.src[end] == ':') {
		end++
	}
	lx.emit(tCharset, "", end)
}

// dollar reads $elem$, $key$ and $value$, which DESCRIBE knows as parts of a type.
func (lx *lexer) dollar() {
	end := lx.off + 1
	for end < len(lx.src) && isLetter(lx.src[end]) {
		end++
	}
	if end < len(lx.src) && lx.src[end] == '$' && isTypePart(lx.src[lx.off:end+1]) {
		lx.emit(tWord, "", end+1)
		return
	}
	lx.emit(tBad, "", lx.off+1)
}

// number reads a number with its suffix, or a word that begins with digits.
func (lx *lexer) number() {
	i := digits(lx.src, lx.off)
	kind := tInteger
	if i < len(lx.src) && lx.src[i] == '.' {
		kind = tDecimal
		i = digits(lx.src, i+1)
	}
	if e := exponent(lx.src, i); e > i {
		kind, i = tDouble, e
	}
	end := i
	for end < len(lx.src) && isWord(lx.src[end]) {
		end++
	}
	switch suffix := lx.src[i:end]; {
	case suffix == "":
		lx.emit(kind, "", i)
	case numberSuffix(suffix, kind):
		lx.emit(tSuffixed, "", end)
	case kind == tInteger && len(suffix) == 1 && isByteUnit(suffix[0]):
		lx.emit(tByteLength, "", end)
	case wordUpTo(lx.src[lx.off:end]):
		lx.emit(tWord, "", end)
	default: // 1.x: the number ends here, and the parser will see whether the word fits
		lx.emit(kind, "", i)
	}
}

func digits(src string, i int) int {
	for i < len(src) && isDigit(src[i]) {
		i++
	}
	return i
}

// exponent is the end of the exponent at i, or i where there is none.
func exponent(src string, i int) int {
	if i >= len(src) || src[i]|0x20 != 'e' {
		return i
	}
	j := i + 1
	if j < len(src) && (src[j] == '+' || src[j] == '-') {
		j++
	}
	if end := digits(src, j); end > j {
		return end
	}
	return i
}

func numberSuffix(s string, kind tokenKind) bool {
	switch s {
	case "L", "l", "S", "s", "Y", "y":
		return kind == tInteger
	case "D", "d", "BD", "bd", "Bd", "bD":
		return true
	}
	return false
}

func isByteUnit(c byte) bool {
	switch c | 0x20 {
	case 'b', 'k', 'm', 'g':
		return true
	}
	return false
}

func wordUpTo(s string) bool {
	for i := range len(s) {
		if !isWord(s[i]) {
			return false
		}
	}
	return true
}

// operator reads punctuation, and spells it canonically.
func (lx *lexer) operator() {
	c, d := lx.src[lx.off], lx.peek(1)
	n, text := 1, ""
	switch {
	case c == '<' && d == '=' && lx.peek(2) == '>':
		n, text = 3, "<=>"
	case c == '<' && d == '=':
		n, text = 2, "<="
	case c == '<' && d == '>', c == '!' && d == '=':
		n, text = 2, "<>"
	case c == '>' && d == '=':
		n, text = 2, ">="
	case c == '=' && d == '=':
		n, text = 2, "="
	case c == '|' && d == '|':
		n, text = 2, "||"
	case c == '\\' && d == ';':
		n, text = 2, ";"
	case c == '!':
		text = "NOT"
	default:
		text = singleOperator(c)
	}
	if text == "" {
		_, n = utf8.DecodeRuneInString(lx.src[lx.off:])
		lx.emit(tBad, "", lx.off+n)
		return
	}
	lx.emit(tOp, text, lx.off+n)
	lx.pair(text)
}

// singleOperator is the operator that c is, without making a string.
func singleOperator(c byte) string {
	const all = "()[],.:+-*/%&|^~<>=?{}"
	for i := range len(all) {
		if all[i] == c {
			return all[i : i+1]
		}
	}
	return ""
}

// pair notes which parenthesis closes which.
func (lx *lexer) pair(text string) {
	last := len(lx.toks) - 1
	switch {
	case text == "(":
		lx.opens = append(lx.opens, last)
	case text == ")" && len(lx.opens) > 0:
		lx.toks[lx.opens[len(lx.opens)-1]].match = last
		lx.opens = lx.opens[:len(lx.opens)-1]
	}
}
