package syntax

// statement parses one statement.
func (p *parser) statement() Stmt {
	start, t := p.i, p.tok()
	switch t.text {
	case "SELECT", "VALUES", "(", "MAP", "REDUCE":
		return p.queryStmt(start, nil, nil)
	case "WITH":
		with := p.with()
		switch {
		case p.at("INSERT"):
			return p.insert(start, with)
		case p.at("FROM"):
			return p.fromStmt(start, with)
		}
		return p.queryStmt(start, with, nil)
	case "FROM":
		return p.fromStmt(start, nil)
	case "INSERT":
		return p.insert(start, nil)
	case "EXPLAIN":
		return p.explain()
	case "LOAD":
		return p.load()
	case "TRUNCATE":
		return p.truncate()
	case "CREATE":
		return p.create()
	case "DROP":
		return p.drop()
	case "ALTER":
		return p.alter()
	case "SHOW":
		return p.show()
	case "DESCRIBE", "DESC":
		return p.describe()
	case "USE":
		p.next()
		db := p.ident()
		return &Use{Span: p.span(start), Database: db}
	}
	return p.rareStatement(start)
}

// rareStatement parses one of the statements that few scripts have.
func (p *parser) rareStatement(start int) Stmt {
	t := p.tok()
	switch t.text {
	case "MSCK":
		return p.msck()
	case "OPTIMIZE":
		return p.optimize()
	case "ANALYZE":
		return p.analyze()
	case "EXPORT":
		return p.export()
	case "IMPORT":
		return p.importTable()
	case "RELOAD":
		return p.reload()
	case "GRANT", "REVOKE":
		return p.grant()
	case "SET":
		if p.ahead(1).text == "ROLE" {
			p.next()
			return p.roleCommand(start, "SET")
		}
	}
	if feature := unsupportedStatement(t.text); feature != "" {
		p.unsupported(t, feature)
	} else {
		p.failExpected("a statement")
	}
	return nil
}

// unsupportedStatement is the name of the feature that a statement of Hive's with this first word is
// about, or "".
func unsupportedStatement(word string) string {
	switch word {
	case "UPDATE", "DELETE", "MERGE":
		return word + " (transactional tables)"
	case "SET":
		return "SET AUTOCOMMIT (transactions)"
	case "LOCK", "UNLOCK":
		return word + " (locks)"
	case "START", "COMMIT", "ROLLBACK":
		return word + " (transactions)"
	case "ABORT", "KILL", "PREPARE", "EXECUTE":
		return word
	case "REPL":
		return "REPL (replication)"
	case "ENABLE", "DISABLE":
		return word + " WORKLOAD MANAGEMENT"
	}
	return ""
}

func (p *parser) queryStmt(start int, with []CTE, first QueryBody) Stmt {
	q := p.queryAfter(start, with, first)
	return &QueryStmt{Span: p.span(start), Query: q}
}

// fromStmt parses a statement that begins with FROM: a query or one or more inserts.
func (p *parser) fromStmt(start int, with []CTE) Stmt {
	from := p.i
	p.next()
	source := p.from()
	if !p.at("INSERT") {
		return p.queryStmt(start, with, p.selectBlock(from, source))
	}
	n := &MultiInsert{With: with, Source: source}
	for p.at("INSERT") {
		at := p.tok()
		ins := p.insert(p.i, nil)
		n.Inserts = append(n.Inserts, ins)
		if s := selectOf(ins); s == nil || len(s.From) > 0 && bottom(s.From[0]) != nil {
			p.fail(at, "an INSERT behind FROM needs a SELECT without a FROM of its own", "")
		}
	}
	n.Span = p.span(start)
	if len(n.Inserts) > 1 || p.err != nil {
		return n
	}
	return single(n)
}

func queryOf(insert Stmt) *Query {
	switch n := insert.(type) {
	case *Insert:
		return n.Query
	case *InsertDirectory:
		return n.Query
	}
	return nil
}

func selectOf(insert Stmt) *Select {
	if q := queryOf(insert); q != nil {
		s, _ := q.Body.(*Select)
		return s
	}
	return nil
}

// bottom is what stands under the lateral views of t; nil if they stand on nothing.
func bottom(t TableExpr) TableExpr {
	for {
		v, ok := t.(*LateralView)
		if !ok {
			return t
		}
		t = v.From
	}
}

// single turns FROM source INSERT ... SELECT into INSERT ... SELECT ... FROM source.
func single(n *MultiInsert) Stmt {
	q, s := queryOf(n.Inserts[0]), selectOf(n.Inserts[0])
	q.With = append(n.With, q.With...)
	views := s.From
	s.From = n.Source
	if len(views) > 0 {
		v := views[0].(*LateralView)
		for v.From != nil {
			v = v.From.(*LateralView)
		}
		last := len(n.Source) - 1
		v.From = n.Source[last]
		s.From[last] = views[0]
	}
	switch ins := n.Inserts[0].(type) {
	case *Insert:
		ins.Span = n.Span
	case *InsertDirectory:
		ins.Span = n.Span
	}
	return n.Inserts[0]
}

// insert parses INSERT INTO or OVERWRITE a table or a directory.
func (p *parser) insert(start int, with []CTE) Stmt {
	p.next()
	overwrite := p.accept("OVERWRITE")
	if !overwrite {
		p.expect("INTO")
	}
	if p.at("DIRECTORY") || p.at("LOCAL") {
		return p.insertDirectory(start, with, overwrite)
	}
	p.accept("TABLE")
	n := &Insert{Overwrite: overwrite, Table: p.objectName()}
	n.Partition = p.partitionSpec()
	if p.accept("IF", "NOT", "EXISTS") {
		n.IfNotExists = true
	}
	if p.at("(") && !p.queryAt(p.i) {
		n.Columns = p.parenIdents()
	}
	n.Query = p.insertQuery(with)
	n.Span = p.span(start)
	return n
}

// insertQuery parses the query of an insert, whose WITH may stand in front of INSERT or here.
func (p *parser) insertQuery(with []CTE) *Query {
	start := p.i
	if with == nil {
		with = p.with()
	}
	return p.queryAfter(start, with, nil)
}

func (p *parser) insertDirectory(start int, with []CTE, overwrite bool) Stmt {
	n := &InsertDirectory{Local: p.accept("LOCAL")}
	if !overwrite {
		p.fail(p.tok(), "INSERT INTO a directory does not exist", "write INSERT OVERWRITE DIRECTORY")
	}
	p.expect("DIRECTORY")
	n.Path = p.str()
	n.Row = p.rowFormat()
	if p.at("STORED") {
		n.Format = p.fileFormat()
	}
	n.Query = p.insertQuery(with)
	n.Span = p.span(start)
	return n
}

// explain parses EXPLAIN with its options, in the order given.
func (p *parser) explain() Stmt {
	start := p.i
	p.next()
	n := &Explain{}
	for {
		word := p.tok().text
		switch word {
		case "EXTENDED", "FORMATTED", "DEPENDENCY", "LOGICAL", "AUTHORIZATION", "REOPTIMIZATION", "LOCKS",
			"AST", "DEBUG", "VECTORIZATION", "ONLY", "SUMMARY", "OPERATOR", "EXPRESSION", "DETAIL", "CBO",
			"COST", "JOINCOST", "DDL":
		case "ANALYZE":
			if p.ahead(1).text == "TABLE" {
				word = ""
			}
		case "REWRITE":
			p.unsupported(p.tok(), "EXPLAIN REWRITE")
		default:
			word = ""
		}
		if word == "" {
			break
		}
		p.next()
		if n.Mode != "" {
			n.Mode += " "
		}
		n.Mode += word
	}
	if !p.enter() {
		return nil
	}
	defer p.leave()
	n.Stmt = p.statement()
	n.Span = p.span(start)
	return n
}

func (p *parser) load() Stmt {
	start := p.i
	p.expect("LOAD", "DATA")
	n := &LoadData{Local: p.accept("LOCAL")}
	p.expect("INPATH")
	n.Path = p.str()
	n.Overwrite = p.accept("OVERWRITE")
	p.expect("INTO", "TABLE")
	n.Table = p.objectName()
	n.Partition = p.partitionSpec()
	if p.accept("INPUTFORMAT") {
		n.InputFormat = p.str()
		p.expect("SERDE")
		n.SerDe = p.str()
	}
	n.Span = p.span(start)
	return n
}

func (p *parser) truncate() Stmt {
	start := p.i
	p.next()
	p.accept("TABLE")
	n := &Truncate{Table: p.objectName(), Partition: p.partitionSpec()}
	if p.accept("COLUMNS") {
		n.Columns = p.parenIdents()
	}
	n.Force = p.accept("FORCE")
	n.Span = p.span(start)
	return n
}

func (p *parser) msck() Stmt {
	start := p.i
	p.next()
	n := &Msck{Repair: p.accept("REPAIR"), Mode: "ADD"}
	p.accept("TABLE")
	n.Table = p.objectName()
	if p.atAny("ADD", "DROP", "SYNC") {
		n.Mode = p.tok().text
		p.next()
		p.expect("PARTITIONS")
	}
	n.Partition = p.partitionSpec()
	n.Span = p.span(start)
	return n
}

// optimize parses OPTIMIZE TABLE t [PARTITION] [WHERE condition].
func (p *parser) optimize() Stmt {
	start := p.i
	p.expect("OPTIMIZE", "TABLE")
	n := &Optimize{Table: p.objectName(), Partition: p.partitionSpec()}
	if p.accept("WHERE") {
		n.Where = p.expr()
	}
	n.Span = p.span(start)
	return n
}

// analyze parses ANALYZE TABLE t [PARTITION] COMPUTE STATISTICS [NOSCAN | FOR COLUMNS ...].
func (p *parser) analyze() Stmt {
	start := p.i
	p.expect("ANALYZE", "TABLE")
	n := &Analyze{Table: p.objectName(), Partition: p.partitionSpec()}
	if p.at("CACHE") || p.at("DROP") {
		p.unsupported(p.tok(), "ANALYZE TABLE ... "+p.tok().text)
	}
	p.expect("COMPUTE", "STATISTICS")
	switch {
	case p.accept("NOSCAN"):
		n.NoScan = true
	case p.accept("FOR", "COLUMNS"):
		n.ForColumns = true
		if p.tok().kind != tEOF {
			n.Columns = p.idents()
		}
	}
	n.Span = p.span(start)
	return n
}

// partitionSpec parses PARTITION (k = v, ...); it is nil where there is none.
func (p *parser) partitionSpec() *PartitionSpec {
	if !p.at("PARTITION", "(") {
		return nil
	}
	start := p.i
	p.next()
	s := &PartitionSpec{Fields: parenList(p, p.partitionField)}
	s.Span = p.span(start)
	return s
}

// needPartitionSpec parses a partition spec that must be there.
func (p *parser) needPartitionSpec() PartitionSpec {
	if s := p.partitionSpec(); s != nil {
		return *s
	}
	p.expect("PARTITION", "(")
	return PartitionSpec{}
}

func (p *parser) partitionField() PartitionField {
	start := p.i
	f := PartitionField{Key: p.ident()}
	if p.atAny("=", "<>", "<", "<=", ">", ">=") {
		f.Op = p.tok().text
		p.next()
		f.Value = p.binary(levelAdd)
	} else if p.accept("LIKE") {
		f.Op = "LIKE"
		f.Value = p.binary(levelAdd)
	}
	f.Span = p.span(start)
	return f
}
