package syntax

import "strings"

// createMacro parses CREATE TEMPORARY MACRO name(p type, ...) body.
func (p *parser) createMacro(start int) Stmt {
	p.expect("TEMPORARY", "MACRO")
	n := &CreateMacro{Name: p.ident()}
	p.expect("(")
	if !p.at(")") {
		n.Params = list(p, p.columnDef)
	}
	p.expect(")")
	n.Body = p.expr()
	n.Span = p.span(start)
	return n
}

// createFunction parses CREATE [TEMPORARY] FUNCTION name AS 'class' [USING JAR 'url', ...].
func (p *parser) createFunction(start int) Stmt {
	n := &CreateFunction{Temporary: p.accept("TEMPORARY")}
	p.expect("FUNCTION")
	n.Name = p.objectName()
	p.expect("AS")
	n.Class = p.str()
	if p.accept("USING") {
		n.Resources = list(p, p.resource)
	}
	n.Span = p.span(start)
	return n
}

func (p *parser) resource() Property {
	start := p.i
	r := Property{Key: p.tok().text, Set: true}
	if !p.atAny("JAR", "FILE", "ARCHIVE") {
		p.failExpected("JAR, FILE or ARCHIVE")
	}
	p.next()
	r.Value = p.str()
	r.Span = p.span(start)
	return r
}

// dropFunction parses DROP [TEMPORARY] FUNCTION or MACRO, from behind DROP.
func (p *parser) dropFunction(start int) Stmt {
	n := &DropFunction{Temporary: p.accept("TEMPORARY")}
	if n.Macro = p.accept("MACRO"); !n.Macro {
		p.expect("FUNCTION")
	}
	n.IfExists = p.ifExists()
	n.Name = p.objectName()
	n.Span = p.span(start)
	return n
}

func (p *parser) reload() Stmt {
	start := p.i
	p.next()
	if !p.accept("FUNCTION") {
		p.expect("FUNCTIONS")
	}
	return &ReloadFunctions{Span: p.span(start)}
}

// export parses EXPORT TABLE t [PARTITION ...] TO 'path'.
func (p *parser) export() Stmt {
	start := p.i
	p.expect("EXPORT", "TABLE")
	n := &Export{Table: p.objectName(), Partition: p.partitionSpec()}
	p.expect("TO")
	n.Path = p.str()
	if p.at("FOR") {
		p.unsupported(p.tok(), "FOR REPLICATION")
	}
	n.Span = p.span(start)
	return n
}

// importTable parses IMPORT [[EXTERNAL] TABLE t [PARTITION ...]] FROM 'path' [LOCATION 'l'].
func (p *parser) importTable() Stmt {
	start := p.i
	p.next()
	n := &Import{External: p.accept("EXTERNAL")}
	if p.accept("TABLE") {
		n.Table = p.objectRef()
		n.Partition = p.partitionSpec()
	}
	p.expect("FROM")
	n.Path = p.str()
	if p.accept("LOCATION") {
		n.Location = p.strRef()
	}
	n.Span = p.span(start)
	return n
}

// likeFile parses LIKE FILE format 'path'.
func (p *parser) likeFile() *LikeFile {
	start := p.i
	p.expect("LIKE", "FILE")
	f := &LikeFile{Format: strings.ToUpper(p.ident().Name), Path: p.str()}
	f.Span = p.span(start)
	return f
}
