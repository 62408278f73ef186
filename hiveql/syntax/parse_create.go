package syntax

func (p *parser) ifNotExists() bool { return p.accept("IF", "NOT", "EXISTS") }

func (p *parser) ifExists() bool { return p.accept("IF", "EXISTS") }

func (p *parser) create() Stmt {
	start := p.i
	p.next()
	t := p.tok()
	switch t.text {
	case "DATABASE", "SCHEMA":
		return p.createDatabase(start)
	case "VIEW":
		return p.createView(start, false)
	case "FUNCTION":
		return p.createFunction(start)
	case "ROLE":
		return p.roleCommand(start, "CREATE")
	case "OR":
		p.next()
		p.expect("REPLACE")
		if p.at("SCHEDULED") {
			break
		}
		return p.createView(start, true)
	case "TABLE", "TEMPORARY", "EXTERNAL", "MANAGED", "TRANSACTIONAL":
		switch second := p.ahead(1).text; {
		case second == "MACRO":
			return p.createMacro(start)
		case second == "FUNCTION":
			return p.createFunction(start)
		}
		return p.createTable(start)
	}
	if feature := unsupportedObject(p.word(0)); feature != "" {
		p.unsupported(t, "CREATE "+feature)
	} else {
		p.failExpected("TABLE, VIEW or DATABASE")
	}
	return nil
}

// unsupportedObject names the objects that CREATE, ALTER and DROP know in Hive but not here.
func unsupportedObject(word string) string {
	switch word {
	case "INDEX", "POOL", "CATALOG":
		return word
	case "DATACONNECTOR":
		return word + " (remote databases)"
	case "MATERIALIZED":
		return "MATERIALIZED VIEW"
	case "RESOURCE":
		return "RESOURCE PLAN"
	case "SCHEDULED":
		return "SCHEDULED QUERY"
	case "REMOTE":
		return "REMOTE DATABASE"
	case "TRIGGER", "APPLICATION", "USER", "GROUP":
		return word + " of a resource plan"
	}
	return ""
}

func (p *parser) createDatabase(start int) Stmt {
	p.next()
	n := &CreateDatabase{IfNotExists: p.ifNotExists(), Name: p.ident()}
	for {
		switch {
		case n.Comment == nil && p.accept("COMMENT"):
			n.Comment = p.strRef()
		case n.Location == nil && p.accept("LOCATION"):
			n.Location = p.strRef()
		case n.ManagedLocation == nil && p.accept("MANAGEDLOCATION"):
			n.ManagedLocation = p.strRef()
		case n.Properties == nil && p.accept("WITH", "DBPROPERTIES"):
			n.Properties = p.properties()
		default:
			n.Span = p.span(start)
			return n
		}
	}
}

func (p *parser) createView(start int, replace bool) Stmt {
	p.expect("VIEW")
	n := &CreateView{OrReplace: replace, IfNotExists: p.ifNotExists(), Name: p.objectName()}
	if p.at("(") {
		n.Columns = parenList(p, p.viewColumn)
	}
	for {
		switch {
		case n.Comment == nil && p.accept("COMMENT"):
			n.Comment = p.strRef()
		case n.PartitionedOn == nil && p.accept("PARTITIONED", "ON"):
			n.PartitionedOn = p.parenIdents()
		case n.Properties == nil && p.accept("TBLPROPERTIES"):
			n.Properties = p.properties()
		default:
			p.expect("AS")
			n.Query = p.query()
			n.Span = p.span(start)
			return n
		}
	}
}

func (p *parser) viewColumn() ColumnDef {
	start := p.i
	c := ColumnDef{Name: p.ident()}
	if p.accept("COMMENT") {
		c.Comment = p.str()
	}
	c.Span = p.span(start)
	return c
}

func (p *parser) createTable(start int) Stmt {
	n := &CreateTable{Temporary: p.accept("TEMPORARY")}
	if p.at("TRANSACTIONAL") {
		p.unsupported(p.tok(), "CREATE TRANSACTIONAL TABLE")
	}
	n.External = p.accept("EXTERNAL")
	p.accept("MANAGED")
	p.expect("TABLE")
	n.IfNotExists = p.ifNotExists()
	n.Name = p.objectName()
	switch {
	case p.at("LIKE", "FILE") && p.ahead(3).kind == tString:
		n.LikeFile = p.likeFile()
	case p.accept("LIKE"):
		like := p.objectName()
		n.Like = &like
	case p.at("("):
		p.tableElements(n)
	}
	for p.tableClause(n) {
	}
	if p.accept("AS") || p.atAny("SELECT", "WITH") {
		n.Query = p.query()
	}
	n.Span = p.span(start)
	return n
}

// tableElements parses the columns and constraints in parentheses.
func (p *parser) tableElements(n *CreateTable) {
	p.expect("(")
	for {
		if p.atAny("PRIMARY", "FOREIGN", "UNIQUE", "CONSTRAINT") || p.at("CHECK", "(") {
			n.Constraints = append(n.Constraints, p.constraint())
		} else {
			n.Columns = append(n.Columns, p.columnDef())
		}
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
}

// columnDef parses name type [constraint] [COMMENT 'c'].
func (p *parser) columnDef() ColumnDef {
	start := p.i
	c := ColumnDef{Name: p.ident(), Type: p.typ()}
	for p.atAny("NOT", "NULL", "DEFAULT", "CHECK", "PRIMARY", "UNIQUE", "CONSTRAINT", "REFERENCES") {
		c.Constraints = append(c.Constraints, p.constraint())
	}
	if p.accept("COMMENT") {
		c.Comment = p.str()
	}
	c.Span = p.span(start)
	return c
}

// tableClause parses one of the clauses behind the columns; false when there is none.
func (p *parser) tableClause(n *CreateTable) bool {
	switch {
	case n.Comment == nil && p.accept("COMMENT"):
		n.Comment = p.strRef()
	case p.at("PARTITIONED", "BY", "SPEC"):
		p.unsupported(p.tok(), "PARTITIONED BY SPEC")
	case n.PartitionedBy == nil && p.accept("PARTITIONED", "BY"):
		n.PartitionedBy = parenList(p, p.partitionColumn)
	case n.Bucketing == nil && p.at("CLUSTERED"):
		n.Bucketing = p.bucketing()
	case n.Skewed == nil && p.at("SKEWED"):
		n.Skewed = p.skewed()
	case n.Row == nil && p.at("ROW"):
		n.Row = p.rowFormat()
	case n.Format == nil && p.at("STORED"):
		n.Format = p.fileFormat()
	case n.Location == nil && p.accept("LOCATION"):
		n.Location = p.strRef()
	case n.Properties == nil && p.accept("TBLPROPERTIES"):
		n.Properties = p.properties()
	default:
		return false
	}
	return p.err == nil
}

// partitionColumn parses a column of PARTITIONED BY, which has no type in CREATE TABLE AS.
func (p *parser) partitionColumn() ColumnDef {
	if next := p.ahead(1).text; next == "," || next == ")" {
		return p.viewColumn()
	}
	return p.columnDef()
}

func (p *parser) bucketing() *Bucketing {
	start := p.i
	p.expect("CLUSTERED", "BY")
	b := &Bucketing{Columns: p.parenIdents()}
	if p.accept("SORTED", "BY") {
		b.Sorted = parenList(p, p.sortItem)
	}
	p.expect("INTO")
	b.Buckets = p.count()
	p.expect("BUCKETS")
	b.Span = p.span(start)
	return b
}

// properties parses ('key' = 'value', ...), or ('key', ...) as UNSET has it.
func (p *parser) properties() []Property {
	return parenList(p, func() Property {
		start := p.i
		n := Property{Key: p.str()}
		if p.accept("=") {
			n.Value, n.Set = p.str(), true
		}
		n.Span = p.span(start)
		return n
	})
}

// rowFormat parses ROW FORMAT ...; it is nil where there is none.
func (p *parser) rowFormat() *RowFormat {
	if !p.at("ROW") {
		return nil
	}
	start := p.i
	p.expect("ROW", "FORMAT")
	r := &RowFormat{}
	if p.accept("SERDE") {
		r.SerDe = p.str()
		if p.accept("WITH", "SERDEPROPERTIES") {
			r.Properties = p.properties()
		}
	} else {
		p.expect("DELIMITED")
		r.Delimited = true
		for p.delimiter(r) {
		}
	}
	r.Span = p.span(start)
	return r
}

func (p *parser) delimiter(r *RowFormat) bool {
	switch {
	case r.FieldDelim == nil && p.accept("FIELDS", "TERMINATED", "BY"):
		r.FieldDelim = p.strRef()
		if p.accept("ESCAPED", "BY") {
			r.Escape = p.strRef()
		}
	case r.ItemDelim == nil && p.accept("COLLECTION", "ITEMS", "TERMINATED", "BY"):
		r.ItemDelim = p.strRef()
	case r.KeyDelim == nil && p.accept("MAP", "KEYS", "TERMINATED", "BY"):
		r.KeyDelim = p.strRef()
	case r.LineDelim == nil && p.accept("LINES", "TERMINATED", "BY"):
		r.LineDelim = p.strRef()
	case r.NullText == nil && p.accept("NULL", "DEFINED", "AS"):
		r.NullText = p.strRef()
	default:
		return false
	}
	return p.err == nil
}

// fileFormat parses STORED AS name, STORED AS INPUTFORMAT ..., or STORED BY 'handler'.
func (p *parser) fileFormat() *FileFormat {
	start := p.i
	p.expect("STORED")
	f := &FileFormat{}
	if p.accept("BY") {
		if t := p.tok(); p.isIdent(t) {
			f.StorageBy = p.ident().Name
		} else if f.StorageBy = p.str(); f.StorageBy == "" {
			p.fail(t, "the name of a storage handler is empty", "")
		}
		if p.accept("WITH", "SERDEPROPERTIES") {
			f.Properties = p.properties()
		}
	} else {
		p.expect("AS")
		p.formatName(f)
	}
	f.Span = p.span(start)
	return f
}
