package syntax

// show parses SHOW in all the forms that skep knows.
func (p *parser) show() Stmt {
	start := p.i
	p.next()
	if n := p.showRoles(start); n != nil {
		return n
	}
	n := &Show{}
	t := p.tok()
	switch word := t.text; word {
	case "DATABASES", "SCHEMAS":
		p.next()
		n.What = "DATABASES"
		p.showPattern(n, false)
	case "EXTENDED", "TABLES":
		n.Extended = p.accept("EXTENDED")
		p.expect("TABLES")
		n.What = "TABLES"
		p.showIn(n)
		p.showPattern(n, true)
	case "VIEWS":
		p.next()
		n.What = word
		p.showIn(n)
		p.showPattern(n, true)
	case "SORTED", "COLUMNS":
		p.showColumns(n)
	case "FUNCTIONS":
		p.next()
		n.What = word
		p.showPattern(n, true)
	case "PARTITIONS":
		p.next()
		p.showPartitions(n)
	case "CREATE":
		p.next()
		p.showCreate(n)
	case "TABLE":
		p.next()
		p.expect("EXTENDED")
		n.What = "TABLE EXTENDED"
		p.showIn(n)
		p.expect("LIKE")
		p.pattern(n)
		n.Partition = p.partitionSpec()
	case "TBLPROPERTIES":
		p.next()
		n.What, n.Name = word, p.objectRef()
		if p.accept("(") {
			n.Property = p.strRef()
			p.expect(")")
		}
	case "CONF":
		p.next()
		n.What, n.Property = word, p.strRef()
	default:
		p.showUnknown(t)
	}
	n.Span = p.span(start)
	return n
}

func (p *parser) showUnknown(t *token) {
	switch word := p.word(0); word {
	case "DATACONNECTORS", "CATALOGS", "PROCESSLIST":
		p.unsupported(t, "SHOW "+word)
	case "LOCKS", "COMPACTIONS", "TRANSACTIONS", "INDEX", "INDEXES":
		p.unsupported(t, "SHOW "+t.text)
	case "RESOURCE":
		p.unsupported(t, "SHOW RESOURCE PLANS")
	case "MATERIALIZED":
		p.unsupported(t, "SHOW MATERIALIZED VIEWS")
	case "FORMATTED":
		p.unsupported(t, "SHOW FORMATTED INDEXES")
	default:
		p.failExpected("what to show, such as TABLES, PARTITIONS or CREATE TABLE")
	}
}

func (p *parser) objectRef() *ObjectName {
	n := p.objectName()
	return &n
}

// showIn parses IN or FROM a database.
func (p *parser) showIn(n *Show) {
	if p.accept("IN") || p.accept("FROM") {
		db := p.ident()
		n.In = &db
	}
}

// showPattern parses LIKE 'pattern'; with bare, the pattern may stand without LIKE.
func (p *parser) showPattern(n *Show, bare bool) {
	if p.at("WHERE") {
		p.next()
		n.Where = p.expr()
		return
	}
	if p.accept("LIKE") || bare && p.tok().kind != tEOF {
		p.pattern(n)
	}
}

// pattern parses a pattern: a string or a name.
func (p *parser) pattern(n *Show) {
	if p.tok().kind == tString {
		n.Like = p.strRef()
		return
	}
	if !p.isIdent(p.tok()) {
		p.failExpected("a pattern")
	}
	id := p.ident()
	n.Like = &id.Name
	if p.accept(".") {
		*n.Like += "." + p.ident().Name
	}
}

func (p *parser) showColumns(n *Show) {
	n.Sorted = p.accept("SORTED")
	p.expect("COLUMNS")
	n.What = "COLUMNS"
	if !p.accept("IN") {
		p.expect("FROM")
	}
	n.Name = p.objectRef()
	p.showIn(n)
	p.showPattern(n, true)
}

func (p *parser) showPartitions(n *Show) {
	n.What, n.Name = "PARTITIONS", p.objectRef()
	n.Partition = p.partitionSpec()
	if p.accept("WHERE") {
		n.Where = p.expr()
	}
	if p.accept("ORDER", "BY") {
		n.OrderBy = p.sortItems()
	}
	if p.at("LIMIT") {
		n.Limit = p.limit()
	}
}

func (p *parser) showCreate(n *Show) {
	switch {
	case p.accept("TABLE"):
		n.What, n.Name = "CREATE TABLE", p.objectRef()
	case p.accept("DATABASE"), p.accept("SCHEMA"):
		n.What, n.Name = "CREATE DATABASE", p.objectRef()
	default:
		p.failExpected("TABLE or DATABASE")
	}
}

// describe parses DESCRIBE of a table, column, partition, database or function.
func (p *parser) describe() Stmt {
	start := p.i
	p.next()
	n := &Describe{What: "TABLE"}
	switch {
	case p.atAny("DATABASE", "SCHEMA") || p.at("FUNCTION"):
		n.What = "DATABASE"
		if p.at("FUNCTION") {
			n.What = "FUNCTION"
		}
		p.next()
		n.Mode = p.describeMode()
		if n.What == "FUNCTION" {
			n.Name = p.describedFunction()
		} else {
			n.Name = p.objectName()
		}
	case p.describesUnknown():
		p.unsupported(p.tok(), "DESCRIBE "+unsupportedObject(p.word(0)))
	default:
		n.Mode = p.describeMode()
		p.accept("TABLE")
		p.describedTable(n)
	}
	n.Span = p.span(start)
	return n
}

// describesUnknown reports whether an object that only Hive has is next with its name; a word
// alone, or with a column behind a dot, is a table.
func (p *parser) describesUnknown() bool {
	word, next := p.word(0), p.ahead(1)
	return (word == "DATACONNECTOR" || word == "CATALOG") && (p.isIdent(next) || next.text == "EXTENDED")
}

func (p *parser) describeMode() string {
	mode := p.tok().text
	if mode != "EXTENDED" && mode != "FORMATTED" || p.ahead(1).kind == tEOF {
		return ""
	}
	p.next()
	return mode
}

// describedTable parses [db.]t [PARTITION (...)] [column[.field]], where the partition may
// also stand behind the column.
func (p *parser) describedTable(n *Describe) {
	n.Name = p.objectName()
	n.Partition = p.partitionSpec()
	if p.isIdent(p.tok()) {
		n.Column = append(n.Column, p.ident())
		for p.accept(".") {
			n.Column = append(n.Column, p.ident())
		}
	}
	if n.Partition == nil {
		n.Partition = p.partitionSpec()
	}
}

// describedFunction parses the name of a function, which may be a keyword or an operator.
func (p *parser) describedFunction() ObjectName {
	start, t := p.i, p.tok()
	name := ObjectName{}
	switch {
	case p.isIdent(t):
		return p.objectName()
	case t.kind == tString:
		name.Parts = []Ident{{Name: p.str(), Quoted: true}}
	case t.kind == tWord || t.kind == tOp:
		name.Parts = []Ident{{Name: p.src[t.off:t.end], Quoted: t.kind == tOp}}
		p.next()
	default:
		p.failExpected("the name of a function")
		return name
	}
	name.Span = p.span(start)
	name.Parts[0].Span = name.Span
	return name
}
