package syntax

import (
	"strconv"
	"strings"
)

func (p *printer) createTable(s *CreateTable) {
	p.w("CREATE ")
	p.when(s.Temporary, "TEMPORARY ")
	p.when(s.External, "EXTERNAL ")
	p.w("TABLE ")
	p.when(s.IfNotExists, "IF NOT EXISTS ")
	p.objectName(s.Name)
	if s.Like != nil {
		p.w(" LIKE ")
		p.objectName(*s.Like)
	}
	if f := s.LikeFile; f != nil {
		p.w(" LIKE FILE ", QuoteIdent(f.Format), " ")
		p.str(f.Path)
	}
	p.tableElements(s)
	p.optional(" COMMENT ", s.Comment)
	if len(s.PartitionedBy) > 0 {
		p.w(" PARTITIONED BY ")
		inParens(p, s.PartitionedBy, p.column)
	}
	if s.Bucketing != nil {
		p.w(" ")
		p.bucketing(s.Bucketing)
	}
	if s.Skewed != nil {
		p.w(" ")
		p.skewed(s.Skewed)
	}
	p.rowFormat(s.Row)
	p.fileFormat(s.Format)
	p.optional(" LOCATION ", s.Location)
	p.properties(" TBLPROPERTIES ", s.Properties)
	if s.Query != nil {
		p.w(" AS ")
		p.query(s.Query)
	}
}

func (p *printer) tableElements(s *CreateTable) {
	if len(s.Columns) == 0 && len(s.Constraints) == 0 {
		return
	}
	p.w(" (")
	commas(p, s.Columns, p.column)
	for i, c := range s.Constraints {
		p.when(i > 0 || len(s.Columns) > 0, ", ")
		p.constraint(c)
	}
	p.w(")")
}

func (p *printer) constraint(c Constraint) {
	if c.Name != nil {
		p.w("CONSTRAINT ")
		p.ident(*c.Name)
		p.w(" ")
	}
	switch {
	case c.Kind == "FOREIGN KEY" && len(c.Columns) == 0: // behind its column
	default:
		p.w(c.Kind)
	}
	if len(c.Columns) > 0 {
		p.w(" ")
		inParens(p, c.Columns, p.ident)
	}
	if c.X != nil {
		check := c.Kind == "CHECK"
		p.when(check, " (")
		p.when(!check, " ")
		p.expr(c.X, checkLevel(check))
		p.when(check, ")")
	}
	if c.Parent != nil {
		p.when(len(c.Columns) > 0, " ")
		p.w("REFERENCES ")
		p.objectName(*c.Parent)
		p.w(" ")
		inParens(p, c.ParentColumns, p.ident)
	}
	for _, o := range c.Options {
		p.w(" ", o)
	}
}

func (p *printer) skewed(s *Skewed) {
	p.w("SKEWED BY ")
	inParens(p, s.Columns, p.ident)
	p.w(" ON ")
	inParens(p, s.Values, p.skewedValue)
	p.when(s.Directories, " STORED AS DIRECTORIES")
}

// checkLevel is how tight the operators of a CHECK or DEFAULT must bind to need no parentheses.
func checkLevel(check bool) int {
	if check {
		return levelOr
	}
	return levelBitOr
}

func (p *printer) skewedValue(xs []Expr) {
	if _, ok := xs[0].(*Literal); ok && len(xs) == 1 {
		p.expr(xs[0], levelAdd)
		return
	}
	inParens(p, xs, func(x Expr) { p.expr(x, levelAdd) })
}

func (p *printer) bucketing(b *Bucketing) {
	if b == nil {
		return
	}
	if len(b.Columns) > 0 {
		p.w("CLUSTERED BY ")
		inParens(p, b.Columns, p.ident)
		p.w(" ")
	}
	if len(b.Sorted) > 0 {
		p.w("SORTED BY ")
		inParens(p, b.Sorted, p.sortItem)
		p.w(" ")
	}
	p.w("INTO ", strconv.Itoa(b.Buckets), " BUCKETS")
}

// properties prints a list of properties behind its keyword, if there are any.
func (p *printer) properties(keyword string, ps []Property) {
	if len(ps) == 0 {
		return
	}
	p.w(keyword)
	inParens(p, ps, func(n Property) {
		p.str(n.Key)
		if n.Set {
			p.w(" = ")
			p.str(n.Value)
		}
	})
}

func (p *printer) rowFormat(r *RowFormat) {
	if r == nil {
		return
	}
	p.w(" ROW FORMAT ")
	if !r.Delimited {
		p.w("SERDE ")
		p.str(r.SerDe)
		p.properties(" WITH SERDEPROPERTIES ", r.Properties)
		return
	}
	p.w("DELIMITED")
	p.optional(" FIELDS TERMINATED BY ", r.FieldDelim)
	p.optional(" ESCAPED BY ", r.Escape)
	p.optional(" COLLECTION ITEMS TERMINATED BY ", r.ItemDelim)
	p.optional(" MAP KEYS TERMINATED BY ", r.KeyDelim)
	p.optional(" LINES TERMINATED BY ", r.LineDelim)
	p.optional(" NULL DEFINED AS ", r.NullText)
}

func (p *printer) fileFormat(f *FileFormat) {
	switch {
	case f == nil:
	case f.StorageBy != "":
		p.w(" STORED BY ")
		p.str(f.StorageBy)
		p.properties(" WITH SERDEPROPERTIES ", f.Properties)
	default:
		p.w(" STORED AS ")
		p.formatName(f)
	}
}

func (p *printer) formatName(f *FileFormat) {
	if f.Name != "" {
		p.w(QuoteIdent(f.Name))
		return
	}
	p.w("INPUTFORMAT ")
	p.str(f.Input)
	p.w(" OUTPUTFORMAT ")
	p.str(f.Output)
	if f.SerDe != "" {
		p.w(" SERDE ")
		p.str(f.SerDe)
	}
	if f.InputDriver != "" || f.OutputDriver != "" {
		p.w(" INPUTDRIVER ")
		p.str(f.InputDriver)
		p.w(" OUTPUTDRIVER ")
		p.str(f.OutputDriver)
	}
}

func (p *printer) createView(s *CreateView) {
	p.w("CREATE ")
	p.when(s.OrReplace, "OR REPLACE ")
	p.w("VIEW ")
	p.when(s.IfNotExists, "IF NOT EXISTS ")
	p.objectName(s.Name)
	if len(s.Columns) > 0 {
		p.w(" ")
		inParens(p, s.Columns, p.column)
	}
	p.optional(" COMMENT ", s.Comment)
	if len(s.PartitionedOn) > 0 {
		p.w(" PARTITIONED ON ")
		inParens(p, s.PartitionedOn, p.ident)
	}
	p.properties(" TBLPROPERTIES ", s.Properties)
	p.w(" AS ")
	p.query(s.Query)
}

func (p *printer) createDatabase(s *CreateDatabase) {
	p.w("CREATE DATABASE ")
	p.when(s.IfNotExists, "IF NOT EXISTS ")
	p.ident(s.Name)
	p.optional(" COMMENT ", s.Comment)
	p.optional(" LOCATION ", s.Location)
	p.optional(" MANAGEDLOCATION ", s.ManagedLocation)
	p.properties(" WITH DBPROPERTIES ", s.Properties)
}

func (p *printer) drop(s *DropTable) {
	p.w("DROP ")
	p.when(s.Stored, "MATERIALIZED ")
	p.when(s.View, "VIEW ")
	p.when(!s.View, "TABLE ")
	p.when(s.IfExists, "IF EXISTS ")
	p.objectName(s.Name)
	p.when(s.Purge, " PURGE")
}

func (p *printer) alterDatabase(s *AlterDatabase) {
	p.w("ALTER DATABASE ")
	p.ident(s.Name)
	p.w(" SET")
	p.properties(" DBPROPERTIES ", s.Properties)
	p.optional(" LOCATION ", s.Location)
	p.optional(" MANAGEDLOCATION ", s.ManagedLocation)
	if s.Owner != "" {
		kind, name, _ := strings.Cut(s.Owner, " ")
		p.w(" OWNER ", kind, " ", QuoteIdent(name))
	}
}

func (p *printer) alterTable(s *AlterTable) {
	p.w("ALTER ")
	p.when(s.View, "VIEW ")
	p.when(!s.View, "TABLE ")
	p.objectName(s.Name)
	switch s.Action.(type) {
	case *Touch, *Archive: // their partitions stand behind them
		p.w(" ")
		p.alterAction(s.Action)
		p.partition(s.Partition)
		return
	}
	p.partition(s.Partition)
	p.w(" ")
	p.alterAction(s.Action)
}

func (p *printer) alterAction(a AlterAction) {
	switch a := a.(type) {
	case *AddPartitions:
		p.w("ADD")
		p.when(a.IfNotExists, " IF NOT EXISTS")
		for _, part := range a.Partitions {
			p.partition(&part.Spec)
			p.optional(" LOCATION ", part.Location)
		}
	case *DropPartitions:
		p.w("DROP ")
		p.when(a.IfExists, "IF EXISTS ")
		commas(p, a.Specs, func(s PartitionSpec) { p.partitionSpec(&s) })
		p.when(a.Purge, " PURGE")
	case *RenameTable:
		p.w("RENAME TO ")
		p.objectName(a.To)
	case *RenamePartition:
		p.w("RENAME TO ")
		p.partitionSpec(&a.To)
	case *SetViewQuery:
		p.w("AS ")
		p.query(a.Query)
	case *Touch:
		p.w("TOUCH")
	case *AddColumns:
		p.when(a.Replace, "REPLACE COLUMNS ")
		p.when(!a.Replace, "ADD COLUMNS ")
		inParens(p, a.Columns, p.column)
		p.when(a.Cascade, " CASCADE")
	case *ChangeColumn:
		p.changeColumn(a)
	default:
		p.setAction(a)
	}
}

func (p *printer) changeColumn(a *ChangeColumn) {
	p.w("CHANGE COLUMN ")
	p.ident(a.Old)
	p.w(" ")
	p.column(a.New)
	p.when(a.First, " FIRST")
	if a.After != nil {
		p.w(" AFTER ")
		p.ident(*a.After)
	}
	p.when(a.Cascade, " CASCADE")
}

func (p *printer) setAction(a AlterAction) {
	switch a := a.(type) {
	case *SetProperties:
		p.when(a.Unset, "UN")
		p.w("SET ")
		p.when(a.SerDe, "SERDEPROPERTIES ")
		p.when(!a.SerDe, "TBLPROPERTIES ")
		p.when(a.IfExists, "IF EXISTS ")
		p.properties("", a.Properties)
	case *SetSerDe:
		p.w("SET SERDE ")
		p.str(a.Class)
		p.properties(" WITH SERDEPROPERTIES ", a.Properties)
	case *SetFileFormat:
		p.w("SET FILEFORMAT ")
		p.formatName(&a.Format)
	case *SetLocation:
		p.w("SET LOCATION ")
		p.str(a.Location)
	default:
		p.layoutAction(a)
	}
}

func (p *printer) layoutAction(a AlterAction) {
	switch a := a.(type) {
	case *UpdateStatistics:
		p.w("UPDATE STATISTICS ")
		if a.Column != nil {
			p.w("FOR COLUMN ")
			p.ident(*a.Column)
			p.w(" ")
		}
		p.properties("SET ", a.Properties)
	case *ExchangePartition:
		p.w("EXCHANGE ")
		p.partitionSpec(&a.Spec)
		p.w(" WITH TABLE ")
		p.objectName(a.From)
	case *ChangeKey:
		p.w("PARTITION COLUMN (")
		p.column(a.Key)
		p.w(")")
	case *SetLayout:
		p.when(a.Not != "", "NOT "+a.Not)
		if a.Skewed != nil {
			p.skewed(a.Skewed)
		}
		p.bucketing(a.Bucketing)
	case *AddConstraint:
		p.w("ADD ")
		p.constraint(a.Constraint)
	case *DropConstraint:
		p.w("DROP CONSTRAINT ")
		p.ident(a.Name)
	default:
		p.rareAction(a)
	}
}

func (p *printer) rareAction(a AlterAction) {
	switch a := a.(type) {
	case *UpdateColumns:
		p.w("UPDATE COLUMNS")
		p.when(a.Cascade, " CASCADE")
	case *Concatenate:
		p.w("CONCATENATE")
	case *Archive:
		p.when(a.Undo, "UN")
		p.w("ARCHIVE")
	case *SetOwner:
		p.w("SET OWNER ", a.Kind, " ")
		p.ident(a.Owner)
	case *SetSkewedLocation:
		p.w("SET SKEWED LOCATION ")
		inParens(p, a.Locations, func(l SkewedLocation) {
			p.skewedValue(l.Values)
			p.w(" = ")
			p.str(l.Location)
		})
	}
}
