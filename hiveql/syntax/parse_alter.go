package syntax

import "strings"

func (p *parser) drop() Stmt {
	start := p.i
	p.next()
	t := p.tok()
	switch t.text {
	case "TABLE", "VIEW":
		p.next()
		n := &DropTable{View: t.text == "VIEW", IfExists: p.ifExists(), Name: p.objectName()}
		n.Purge = p.accept("PURGE")
		n.Span = p.span(start)
		return n
	case "MATERIALIZED":
		p.next()
		p.expect("VIEW")
		n := &DropTable{View: true, Stored: true, IfExists: p.ifExists(), Name: p.objectName()}
		n.Span = p.span(start)
		return n
	case "DATABASE", "SCHEMA":
		p.next()
		n := &DropDatabase{IfExists: p.ifExists(), Name: p.ident()}
		if n.Cascade = p.accept("CASCADE"); !n.Cascade {
			p.accept("RESTRICT")
		}
		n.Span = p.span(start)
		return n
	case "ROLE":
		return p.roleCommand(start, "DROP")
	}
	if p.atAny("FUNCTION", "TEMPORARY", "MACRO") {
		return p.dropFunction(start)
	}
	if feature := unsupportedObject(p.word(0)); feature != "" {
		p.unsupported(t, "DROP "+feature)
	} else {
		p.failExpected("TABLE, VIEW or DATABASE")
	}
	return nil
}

func (p *parser) alter() Stmt {
	start := p.i
	p.next()
	t := p.tok()
	switch t.text {
	case "TABLE", "VIEW":
		return p.alterTable(start)
	case "DATABASE", "SCHEMA":
		return p.alterDatabase(start)
	}
	if feature := unsupportedObject(p.word(0)); feature != "" {
		p.unsupported(t, "ALTER "+feature)
	} else {
		p.failExpected("TABLE, VIEW or DATABASE")
	}
	return nil
}

func (p *parser) alterDatabase(start int) Stmt {
	p.next()
	n := &AlterDatabase{Name: p.ident()}
	p.expect("SET")
	switch {
	case p.accept("DBPROPERTIES"):
		n.Properties = p.properties()
	case p.accept("LOCATION"):
		n.Location = p.strRef()
	case p.accept("MANAGEDLOCATION"):
		n.ManagedLocation = p.strRef()
	case p.accept("OWNER"):
		kind := p.ownerKind()
		n.Owner = kind + " " + p.ident().Name
	default:
		p.failExpected("DBPROPERTIES, LOCATION, MANAGEDLOCATION or OWNER")
	}
	n.Span = p.span(start)
	return n
}

func (p *parser) ownerKind() string {
	kind := p.tok().text
	if kind != "USER" && kind != "ROLE" && kind != "GROUP" {
		p.failExpected("USER, GROUP or ROLE")
	}
	p.next()
	return kind
}

func (p *parser) alterTable(start int) Stmt {
	n := &AlterTable{View: p.at("VIEW")}
	p.next()
	n.Name = p.objectName()
	if word := p.tok(); !n.View && strings.EqualFold(p.src[word.off:word.end], "RECOVER") && p.ahead(1).text == "PARTITIONS" {
		p.i += 2 // Amazon's word for MSCK REPAIR TABLE
		return &Msck{Span: p.span(start), Repair: true, Table: n.Name, Mode: "ADD"}
	}
	if n.View {
		p.accept("AS") // Hive allows it before an action, too
	}
	if n.View && p.atAny("SELECT", "WITH", "FROM", "MAP", "REDUCE", "(") {
		at := p.i
		q := p.query()
		n.Action = &SetViewQuery{Span: p.span(at), Query: q}
	} else {
		n.Partition = p.partitionSpec()
		at := p.i
		n.Action = p.alterAction(n, at)
	}
	n.Span = p.span(start)
	return n
}

func (p *parser) alterAction(n *AlterTable, start int) AlterAction {
	t := p.tok()
	switch {
	case p.accept("ADD"):
		return p.alterAdd(start)
	case p.accept("DROP"):
		return p.alterDrop(start)
	case p.at("REPLACE", "COLUMNS"):
		p.next()
		return p.alterColumns(start, true)
	case p.accept("CHANGE"):
		return p.alterChange(start)
	case p.accept("RENAME", "TO"):
		return p.alterRename(n, start)
	case p.accept("SET"):
		return p.alterSet(start)
	case p.accept("UNSET", "TBLPROPERTIES"):
		return p.alterUnset(start, false)
	case p.accept("UNSET", "SERDEPROPERTIES"):
		return p.alterUnset(start, true)
	case p.accept("TOUCH"):
		p.trailingPartition(n)
		return &Touch{Span: p.span(start)}
	case p.accept("PARTITION", "COLUMN"):
		p.expect("(")
		a := &ChangeKey{Key: p.columnDef()}
		p.expect(")")
		a.Span = p.span(start)
		return a
	case p.accept("EXCHANGE"):
		a := &ExchangePartition{Spec: p.needPartitionSpec()}
		p.expect("WITH", "TABLE")
		a.From = p.objectName()
		a.Span = p.span(start)
		return a
	case p.accept("UPDATE", "STATISTICS"):
		return p.alterStatistics(start)
	case p.accept("UPDATE", "COLUMNS"):
		a := &UpdateColumns{Cascade: p.cascade()}
		a.Span = p.span(start)
		return a
	case p.accept("CONCATENATE"):
		return &Concatenate{Span: p.span(start)}
	case p.atAny("ARCHIVE", "UNARCHIVE"):
		a := &Archive{Undo: t.text == "UNARCHIVE"}
		p.next()
		p.trailingPartition(n)
		a.Span = p.span(start)
		return a
	case p.atAny("CLUSTERED", "SKEWED", "NOT", "INTO"):
		return p.alterLayout(start)
	}
	if feature := unsupportedAlter(p.word(0), p.word(1)); feature != "" {
		p.unsupported(t, "ALTER TABLE ... "+feature)
	} else {
		p.failExpected("an action of ALTER TABLE, such as ADD, DROP, RENAME, SET or CHANGE")
	}
	return nil
}

// alterRename parses the new name of the table, or the new values of the partition, from behind TO.
func (p *parser) alterRename(n *AlterTable, start int) AlterAction {
	if n.Partition != nil {
		to := p.needPartitionSpec()
		return &RenamePartition{Span: p.span(start), To: to}
	}
	to := p.objectName()
	return &RenameTable{Span: p.span(start), To: to}
}

func (p *parser) alterUnset(start int, serDe bool) AlterAction {
	a := &SetProperties{SerDe: serDe, Unset: true, IfExists: p.ifExists(), Properties: p.properties()}
	a.Span = p.span(start)
	return a
}

// trailingPartition parses the partition that stands behind the action, unless one stands in
// front of it.
func (p *parser) trailingPartition(n *AlterTable) {
	if n.Partition == nil {
		n.Partition = p.partitionSpec()
	}
}

// unsupportedAlter names the actions of ALTER TABLE that Hive has and skep has not.
func unsupportedAlter(word, second string) string {
	switch word {
	case "COMPACT":
		return "COMPACT (transactional tables)"
	case "CONVERT", "EXECUTE":
		return word
	case "ENABLE", "DISABLE":
		if second == "NO_DROP" || second == "OFFLINE" {
			return word + " " + second + " (protection)"
		}
	case "CREATE":
		return word + " " + second + " (Iceberg)"
	}
	return ""
}

// alterStatistics parses UPDATE STATISTICS [FOR [COLUMN] c] SET (...), from behind STATISTICS.
func (p *parser) alterStatistics(start int) AlterAction {
	a := &UpdateStatistics{}
	if p.accept("FOR") {
		p.accept("COLUMN")
		c := p.ident()
		a.Column = &c
	}
	p.expect("SET")
	a.Properties = p.properties()
	if p.accept("COMMENT") {
		p.str()
	}
	a.Span = p.span(start)
	return a
}

// alterLayout parses what says how rows lie in files, or with NOT that they lie anyhow.
func (p *parser) alterLayout(start int) AlterAction {
	a := &SetLayout{}
	switch {
	case p.at("CLUSTERED"):
		a.Bucketing = p.bucketing()
	case p.at("SKEWED"):
		a.Skewed = p.skewed()
	case p.accept("INTO"):
		at := p.i
		a.Bucketing = &Bucketing{Buckets: p.count()}
		p.expect("BUCKETS")
		a.Bucketing.Span = p.span(at)
	default:
		p.expect("NOT")
		switch {
		case p.accept("STORED", "AS", "DIRECTORIES"):
			a.Not = "STORED AS DIRECTORIES"
		case p.atAny("CLUSTERED", "SORTED", "SKEWED"):
			a.Not = p.tok().text
			p.next()
		default:
			p.failExpected("CLUSTERED, SORTED, SKEWED or STORED AS DIRECTORIES")
		}
	}
	a.Span = p.span(start)
	return a
}

func (p *parser) alterAdd(start int) AlterAction {
	if p.at("COLUMNS") {
		return p.alterColumns(start, false)
	}
	if p.at("CONSTRAINT") {
		c := p.constraint()
		return &AddConstraint{Span: p.span(start), Constraint: c}
	}
	a := &AddPartitions{IfNotExists: p.ifNotExists()}
	for {
		at := p.i
		part := AddPartition{Spec: p.needPartitionSpec()}
		if p.accept("LOCATION") {
			part.Location = p.strRef()
		}
		part.Span = p.span(at)
		a.Partitions = append(a.Partitions, part)
		p.accept(",")
		if !p.at("PARTITION") {
			a.Span = p.span(start)
			return a
		}
	}
}

func (p *parser) alterDrop(start int) AlterAction {
	if p.accept("CONSTRAINT") {
		name := p.ident()
		return &DropConstraint{Span: p.span(start), Name: name}
	}
	if t := p.tok(); t.text == "COLUMN" || t.text != "PARTITION" && t.text != "IF" && p.isIdent(t) {
		p.unsupported(t, "ALTER TABLE ... DROP COLUMN")
	}
	a := &DropPartitions{IfExists: p.ifExists(), Specs: list(p, p.needPartitionSpec)}
	p.accept("IGNORE", "PROTECTION")
	a.Purge = p.accept("PURGE")
	if p.at("FOR") {
		p.unsupported(p.tok(), "FOR REPLICATION")
	}
	a.Span = p.span(start)
	return a
}

func (p *parser) alterColumns(start int, replace bool) AlterAction {
	p.next()
	a := &AddColumns{Replace: replace, Columns: parenList(p, p.columnDef)}
	a.Cascade = p.cascade()
	a.Span = p.span(start)
	return a
}

func (p *parser) cascade() bool {
	if p.accept("RESTRICT") {
		return false
	}
	return p.accept("CASCADE")
}

// alterChange parses CHANGE [COLUMN] old new type ...
func (p *parser) alterChange(start int) AlterAction {
	p.accept("COLUMN")
	a := &ChangeColumn{Old: p.ident(), New: p.columnDef()}
	switch {
	case p.accept("FIRST"):
		a.First = true
	case p.accept("AFTER"):
		after := p.ident()
		a.After = &after
	}
	a.Cascade = p.cascade()
	a.Span = p.span(start)
	return a
}

func (p *parser) alterSet(start int) AlterAction {
	switch {
	case p.accept("TBLPROPERTIES"):
		ps := p.properties()
		return &SetProperties{Span: p.span(start), Properties: ps}
	case p.accept("SERDEPROPERTIES"):
		ps := p.properties()
		return &SetProperties{Span: p.span(start), SerDe: true, Properties: ps}
	case p.accept("SERDE"):
		a := &SetSerDe{Class: p.str()}
		if p.accept("WITH", "SERDEPROPERTIES") {
			a.Properties = p.properties()
		}
		a.Span = p.span(start)
		return a
	case p.accept("LOCATION"):
		l := p.str()
		return &SetLocation{Span: p.span(start), Location: l}
	case p.accept("FILEFORMAT"):
		a := &SetFileFormat{}
		at := p.i
		p.formatName(&a.Format)
		a.Format.Span = p.span(at)
		a.Span = p.span(start)
		return a
	case p.accept("SKEWED", "LOCATION"):
		ls := p.skewedLocations()
		return &SetSkewedLocation{Span: p.span(start), Locations: ls}
	case p.accept("OWNER"):
		a := &SetOwner{Kind: p.ownerKind(), Owner: p.ident()}
		a.Span = p.span(start)
		return a
	case p.at("PARTITION"):
		p.unsupported(p.tok(), "ALTER TABLE ... SET PARTITION SPEC")
	default:
		p.failExpected("TBLPROPERTIES, SERDEPROPERTIES, SERDE, LOCATION or FILEFORMAT")
	}
	return nil
}

// formatName parses the name of a file format, or the classes it is made of.
func (p *parser) formatName(f *FileFormat) {
	if !p.accept("INPUTFORMAT") {
		f.Name = strings.ToUpper(p.ident().Name)
		return
	}
	f.Input = p.str()
	p.expect("OUTPUTFORMAT")
	f.Output = p.str()
	if p.accept("SERDE") {
		f.SerDe = p.str()
	}
	if p.accept("INPUTDRIVER") {
		f.InputDriver = p.str()
		p.expect("OUTPUTDRIVER")
		f.OutputDriver = p.str()
	}
}
