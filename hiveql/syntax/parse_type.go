package syntax

import (
	"strconv"
	"strings"
)

// ident parses a name, which nothing else can stand for.
func (p *parser) ident() Ident {
	start := p.i
	name, quoted, ok := p.identAt(p.tok())
	if t := p.tok(); formerName(t) {
		name, quoted, ok = p.src[t.off:t.end], true, true
	}
	if !ok {
		p.failExpected("a name")
		return Ident{}
	}
	p.next()
	return Ident{Span: p.span(start), Name: name, Quoted: quoted}
}

// identAt is the name a token spells, if it may be one.
func (p *parser) identAt(t *token) (name string, quoted, ok bool) {
	switch {
	case t.kind == tWord && !t.reserved:
		return p.src[t.off:t.end], false, true
	case t.kind == tQuoted:
		return strings.ReplaceAll(p.src[t.off+1:t.end-1], "``", "`"), true, true
	}
	return "", false, false
}

func (p *parser) isIdent(t *token) bool {
	return t.kind == tWord && !t.reserved || t.kind == tQuoted
}

func (p *parser) idents() []Ident { return list(p, p.ident) }

func (p *parser) parenIdents() []Ident { return parenList(p, p.ident) }

// objectName parses table or database.table. Both in one pair of backquotes, as Hive took them up to version 3, are the
// same: no name has a dot.
func (p *parser) objectName() ObjectName {
	start := p.i
	n := ObjectName{Parts: []Ident{p.ident()}}
	if id := n.Parts[0]; id.Quoted && !p.at(".") {
		if db, table, ok := strings.Cut(id.Name, "."); ok && db != "" && table != "" {
			n.Parts = []Ident{{Span: id.Span, Name: db, Quoted: true}, {Span: id.Span, Name: table, Quoted: true}}
		}
	}
	for p.at(".") && p.isIdent(p.ahead(1)) {
		p.next()
		n.Parts = append(n.Parts, p.ident())
	}
	n.Span = p.span(start)
	if len(n.Parts) > 2 {
		p.unsupported(&p.toks[start], "a table name of more than two parts")
	}
	return n
}

// str parses a string literal that is part of the grammar, such as a path. Adjacent strings
// are one.
func (p *parser) str() string {
	if p.tok().kind != tString {
		p.failExpected("a string")
		return ""
	}
	return p.literal().Value
}

func (p *parser) strRef() *string {
	s := p.str()
	return &s
}

// count parses a number that is part of the grammar, such as that of buckets.
func (p *parser) count() int {
	t := p.tok()
	if t.kind != tInteger {
		p.failExpected("a number")
		return 0
	}
	n, err := strconv.ParseInt(p.src[t.off:t.end], 10, 32)
	if err != nil {
		p.fail(t, "the number "+p.src[t.off:t.end]+" is too large here", "")
	}
	p.next()
	return int(n)
}

// typ parses a type.
func (p *parser) typ() Type {
	if !p.enter() {
		return Type{}
	}
	defer p.leave()
	start := p.i
	t := p.typeByName()
	t.Span = p.span(start)
	return t
}

func (p *parser) typeByName() Type {
	word := p.tok().text
	t := Type{Kind: strings.ToLower(word)}
	switch word {
	case "TINYINT", "SMALLINT", "INT", "INTEGER", "BIGINT", "BOOLEAN", "FLOAT", "REAL", "DATE",
		"DATETIME", "TIMESTAMPLOCALTZ", "STRING", "BINARY":
		p.next()
	case "DOUBLE":
		p.next()
		p.accept("PRECISION")
	case "TIMESTAMP":
		p.next()
		if p.accept("WITH") {
			p.expect("LOCAL", "TIME", "ZONE")
			t.Kind = "timestamp with local time zone"
		}
	case "DECIMAL", "DEC", "NUMERIC", "VARCHAR", "CHAR":
		p.next()
		p.typeArgs(&t, word)
	case "ARRAY", "MAP", "UNIONTYPE", "STRUCT":
		p.next()
		p.expect("<")
		p.typeElems(&t, word)
		p.expect(">")
	default:
		p.failExpected("a type")
	}
	return t
}

func (p *parser) typeArgs(t *Type, word string) {
	optional := word != "VARCHAR" && word != "CHAR"
	if optional && !p.at("(") {
		return
	}
	p.expect("(")
	t.Args = append(t.Args, p.count())
	if optional && p.accept(",") {
		t.Args = append(t.Args, p.count())
	}
	p.expect(")")
}

func (p *parser) typeElems(t *Type, word string) {
	switch word {
	case "STRUCT":
		t.Fields = list(p, p.structField)
	case "UNIONTYPE":
		t.Elems = list(p, p.typ)
	case "MAP":
		t.Elems = append(t.Elems, p.typ())
		p.expect(",")
		t.Elems = append(t.Elems, p.typ())
	default:
		t.Elems = append(t.Elems, p.typ())
	}
}

// structField parses name : type [COMMENT 'c'].
func (p *parser) structField() ColumnDef {
	start := p.i
	c := ColumnDef{Name: p.ident()}
	p.expect(":")
	c.Type = p.typ()
	if p.accept("COMMENT") {
		c.Comment = p.str()
	}
	c.Span = p.span(start)
	return c
}
