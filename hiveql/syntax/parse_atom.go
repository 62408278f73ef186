package syntax

import (
	"encoding/hex"
	"strings"
	"unicode/utf16"
)

// atom parses what no operator takes apart: literals, names, calls, CASE, CAST, parentheses.
func (p *parser) atom() Expr {
	t := p.tok()
	switch t.kind {
	case tString, tInteger, tDecimal, tDouble:
		return p.literalOrInterval()
	case tSuffixed:
		return p.suffixed()
	case tCharset:
		if n := p.ahead(1); n.kind == tString || n.kind == tWord && strings.HasPrefix(p.src[n.off:n.end], "0") {
			return p.charset()
		}
	case tOp:
		if t.text == "(" {
			return p.parens()
		}
	case tQuoted:
		return p.nameOrCall()
	case tWord:
		return p.wordAtom()
	}
	p.failExpected("an expression")
	return nil
}

// wordAtom parses what begins with a word.
func (p *parser) wordAtom() Expr {
	start, t := p.i, p.tok()
	call := p.ahead(1).text == "("
	switch t.text {
	case "NULL":
		p.next()
		return &Literal{Span: p.span(start), Kind: NullLit}
	case "TRUE", "FALSE":
		p.next()
		return &Literal{Span: p.span(start), Kind: BoolLit, Value: strings.ToLower(t.text)}
	case "DATE", "TIMESTAMP", "TIMESTAMPLOCALTZ":
		if p.ahead(1).kind == tString {
			return p.timeLiteral()
		}
	case "CURRENT_DATE", "CURRENT_TIMESTAMP":
		if !call {
			p.next()
			return &Call{Span: p.span(start), Func: Ident{Span: p.span(start), Name: p.src[t.off:t.end]}}
		}
	case "INTERVAL":
		return p.interval()
	case "CASE":
		return p.caseExpr()
	case "CAST":
		return p.cast()
	case "EXTRACT":
		return p.extract()
	}
	if t.reserved && !(call && functionWord(t.text)) && (call || !formerName(t)) {
		p.failExpected("an expression")
		return nil
	}
	return p.nameOrCall()
}

// literalOrInterval parses a string or a number, with the unit behind it that makes it an
// interval: 3 DAYS.
func (p *parser) literalOrInterval() Expr {
	start := p.i
	x := p.literal()
	if p.intervalUnitAt(0) {
		unit := p.intervalUnit()
		return &IntervalLit{Span: p.span(start), Value: x, Unit: unit}
	}
	return x
}

// literal parses a string, adjacent ones being one, or a number.
func (p *parser) literal() *Literal {
	start, t := p.i, p.tok()
	n := &Literal{Value: p.src[t.off:t.end]}
	switch t.kind {
	case tInteger:
		n.Kind = IntegerLit
	case tDecimal:
		n.Kind = DecimalLit
	case tDouble:
		n.Kind = DoubleLit
	case tString:
		n.Kind, n.Value = StringLit, unescape(n.Value)
	default:
		p.failExpected("a string or a number")
	}
	p.next()
	if t.kind == tString && p.tok().kind == tString {
		var b strings.Builder
		b.WriteString(n.Value)
		for ; p.tok().kind == tString; p.next() {
			b.WriteString(unescape(p.src[p.tok().off:p.tok().end]))
		}
		n.Value = b.String()
	}
	n.Span = p.span(start)
	return n
}

// suffixed parses a number whose letters say its type. Hive's lexer takes them in either case, and
// what reads the number afterwards only in upper case; a d it leaves to Java, which knows it.
func (p *parser) suffixed() Expr {
	start, t := p.i, p.tok()
	text := p.src[t.off:t.end]
	end := len(strings.TrimRight(text, "LlSsYyBbDd"))
	n := &Literal{Value: text[:end]}
	switch text[end:] {
	case "L":
		n.Kind = BigIntLit
	case "S":
		n.Kind = SmallIntLit
	case "Y":
		n.Kind = TinyIntLit
	case "BD":
		n.Kind = DecimalLit
	case "D", "d":
		n.Kind = DoubleLit
	default:
		n.Kind, n.Value = BadNumberLit, text
	}
	p.next()
	n.Span = p.span(start)
	return n
}

func (p *parser) timeLiteral() Expr {
	start := p.i
	n := &Literal{}
	switch p.tok().text {
	case "DATE":
		n.Kind = DateLit
	case "TIMESTAMP":
		n.Kind = TimestampLit
	default:
		n.Kind = TimestampTZLit
	}
	p.next()
	n.Value = p.str()
	n.Span = p.span(start)
	return n
}

// charset parses a string given in another encoding: _latin1'...' or _utf8 0xE28098.
func (p *parser) charset() Expr {
	start, t := p.i, p.tok()
	name := strings.ToLower(p.src[t.off+1 : t.end])
	p.next()
	v := p.tok()
	raw := ""
	if v.kind == tString {
		raw = unescape(p.src[v.off:v.end])
	} else {
		digits := p.src[v.off:v.end]
		b, err := hex.DecodeString(digits[2:])
		if err != nil || digits[1]|0x20 != 'x' {
			p.fail(v, "expected an even number of hexadecimal digits behind 0x", "")
		}
		raw = string(b)
	}
	p.next()
	value, ok := decodeCharset(name, raw)
	if !ok {
		p.unsupported(t, "the character set "+name)
	}
	return &Literal{Span: p.span(start), Kind: StringLit, Value: value}
}

func decodeCharset(name, raw string) (string, bool) {
	switch name {
	case "utf-8", "utf8", "us-ascii", "ascii":
		return strings.ToValidUTF8(raw, "\ufffd"), true
	case "iso-8859-1", "latin1":
		var b strings.Builder
		for i := range len(raw) {
			b.WriteRune(rune(raw[i]))
		}
		return b.String(), true
	case "utf-16", "utf-16be":
		var units []uint16
		for i := 0; i+1 < len(raw); i += 2 {
			units = append(units, uint16(raw[i])<<8|uint16(raw[i+1]))
		}
		return string(utf16.Decode(units)), true
	}
	return "", false
}

// intervalUnitAt reports whether the token n ahead is a unit of time behind an interval's
// value.
func (p *parser) intervalUnitAt(n int) bool {
	return p.ahead(n).kind == tWord && unitOf(p.ahead(n).text) != ""
}

func unitOf(word string) string {
	switch word {
	case "YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND":
		return word
	case "YEARS", "MONTHS", "DAYS", "HOURS", "MINUTES", "SECONDS":
		return word[:len(word)-1]
	}
	return ""
}

func (p *parser) intervalUnit() string {
	unit := unitOf(p.tok().text)
	if unit == "" {
		p.failExpected("YEAR, MONTH, DAY, HOUR, MINUTE or SECOND")
		return ""
	}
	p.next()
	if unit == "YEAR" && p.at("TO") {
		p.next()
		p.acceptUnit("MONTH")
		return "YEAR TO MONTH"
	}
	if unit == "DAY" && p.at("TO") {
		p.next()
		p.acceptUnit("SECOND")
		return "DAY TO SECOND"
	}
	return unit
}

func (p *parser) acceptUnit(unit string) {
	if unitOf(p.tok().text) != unit {
		p.failExpected(unit)
		return
	}
	p.next()
}

// interval parses INTERVAL '1' DAY and INTERVAL (x) DAY.
func (p *parser) interval() Expr {
	start := p.i
	p.next()
	n := &IntervalLit{}
	if p.accept("(") {
		n.Value = p.expr()
		p.expect(")")
	} else {
		n.Value = p.literal()
	}
	n.Unit = p.intervalUnit()
	n.Span = p.span(start)
	return n
}

// parens parses (x), (a, b), (SELECT ...) and Hive's (3) DAYS.
func (p *parser) parens() Expr {
	start := p.i
	if p.queryAt(p.i) {
		q := p.parenQuery()
		return &Subquery{Span: p.span(start), Query: q}
	}
	p.next()
	if v := p.tok().kind; (v == tString || v == tInteger) && p.ahead(1).text == ")" && p.intervalUnitAt(2) {
		x := p.literal()
		p.next()
		unit := p.intervalUnit()
		return &IntervalLit{Span: p.span(start), Value: x, Unit: unit}
	}
	x := p.expr()
	if p.at(",") {
		elems := []Expr{x}
		for p.accept(",") {
			elems = append(elems, p.expr())
		}
		p.expect(")")
		return &Tuple{Span: p.span(start), Elems: elems}
	}
	p.expect(")")
	return x
}

func (p *parser) caseExpr() Expr {
	start := p.i
	p.next()
	n := &Case{}
	if !p.at("WHEN") {
		n.Operand = p.expr()
	}
	for {
		at := p.i
		p.expect("WHEN")
		w := When{Cond: p.expr()}
		p.expect("THEN")
		w.Then = p.expr()
		w.Span = p.span(at)
		n.Whens = append(n.Whens, w)
		if !p.at("WHEN") {
			break
		}
	}
	if p.accept("ELSE") {
		n.Else = p.expr()
	}
	p.expect("END")
	n.Span = p.span(start)
	return n
}

func (p *parser) cast() Expr {
	start := p.i
	p.next()
	p.expect("(")
	n := &Cast{X: p.expr()}
	p.expect("AS")
	n.Type = p.typ()
	if p.accept("FORMAT") {
		n.Format = p.str()
	}
	p.expect(")")
	n.Span = p.span(start)
	return n
}
