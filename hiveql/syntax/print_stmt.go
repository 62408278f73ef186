package syntax

func (p *printer) stmt(s Stmt) {
	switch s := s.(type) {
	case *QueryStmt:
		p.query(s.Query)
	case *Insert:
		p.with(s.Query.With)
		p.insert(s)
		p.queryRest(s.Query)
	case *InsertDirectory:
		p.with(s.Query.With)
		p.insertDirectory(s)
		p.queryRest(s.Query)
	case *MultiInsert:
		p.multiInsert(s)
	case *LoadData:
		p.load(s)
	case *Truncate:
		p.truncate(s)
	case *Analyze:
		p.analyze(s)
	case *Explain:
		p.w("EXPLAIN ")
		if s.Mode != "" {
			p.w(s.Mode, " ")
		}
		p.stmt(s.Stmt)
	case *CreateTable:
		p.createTable(s)
	case *CreateView:
		p.createView(s)
	case *CreateDatabase:
		p.createDatabase(s)
	case *DropTable:
		p.drop(s)
	case *DropDatabase:
		p.w("DROP DATABASE ")
		p.when(s.IfExists, "IF EXISTS ")
		p.ident(s.Name)
		p.when(s.Cascade, " CASCADE")
	case *AlterDatabase:
		p.alterDatabase(s)
	case *AlterTable:
		p.alterTable(s)
	case *Msck:
		p.msck(s)
	case *Optimize:
		p.optimize(s)
	default:
		p.functionStmt(s)
	}
}

func (p *printer) truncate(s *Truncate) {
	p.w("TRUNCATE TABLE ")
	p.objectName(s.Table)
	p.partition(s.Partition)
	if len(s.Columns) > 0 {
		p.w(" COLUMNS ")
		inParens(p, s.Columns, p.ident)
	}
	p.when(s.Force, " FORCE")
}

func (p *printer) optimize(s *Optimize) {
	p.w("OPTIMIZE TABLE ")
	p.objectName(s.Table)
	p.partition(s.Partition)
	if s.Where != nil {
		p.w(" WHERE ")
		p.expr(s.Where, levelOr)
	}
}

// functionStmt prints statements about functions, and EXPORT and IMPORT.
func (p *printer) functionStmt(s Stmt) {
	switch s := s.(type) {
	case *CreateMacro:
		p.w("CREATE TEMPORARY MACRO ")
		p.ident(s.Name)
		inParens(p, s.Params, p.column)
		p.w(" ")
		p.expr(s.Body, levelOr)
	case *CreateFunction:
		p.w("CREATE ")
		p.when(s.Temporary, "TEMPORARY ")
		p.w("FUNCTION ")
		p.objectName(s.Name)
		p.w(" AS ")
		p.str(s.Class)
		p.when(len(s.Resources) > 0, " USING ")
		commas(p, s.Resources, func(r Property) {
			p.w(r.Key, " ")
			p.str(r.Value)
		})
	case *DropFunction:
		p.w("DROP ")
		p.when(s.Temporary, "TEMPORARY ")
		p.when(s.Macro, "MACRO ")
		p.when(!s.Macro, "FUNCTION ")
		p.when(s.IfExists, "IF EXISTS ")
		p.objectName(s.Name)
	case *ReloadFunctions:
		p.w("RELOAD FUNCTIONS")
	case *Export:
		p.w("EXPORT TABLE ")
		p.objectName(s.Table)
		p.partition(s.Partition)
		p.w(" TO ")
		p.str(s.Path)
	case *Import:
		p.importTable(s)
	default:
		p.showOrSet(s)
	}
}

func (p *printer) importTable(s *Import) {
	p.w("IMPORT ")
	p.when(s.External, "EXTERNAL ")
	if s.Table != nil {
		p.w("TABLE ")
		p.objectName(*s.Table)
		p.partition(s.Partition)
		p.w(" ")
	}
	p.w("FROM ")
	p.str(s.Path)
	p.optional(" LOCATION ", s.Location)
}

func (p *printer) insert(s *Insert) {
	p.w("INSERT ")
	p.when(s.Overwrite, "OVERWRITE TABLE ")
	p.when(!s.Overwrite, "INTO TABLE ")
	p.objectName(s.Table)
	p.partition(s.Partition)
	p.when(s.IfNotExists, " IF NOT EXISTS")
	if len(s.Columns) > 0 {
		p.w(" ")
		inParens(p, s.Columns, p.ident)
	}
	p.w(" ")
}

func (p *printer) insertDirectory(s *InsertDirectory) {
	p.w("INSERT OVERWRITE ")
	p.when(s.Local, "LOCAL ")
	p.w("DIRECTORY ")
	p.str(s.Path)
	p.rowFormat(s.Row)
	p.fileFormat(s.Format)
	p.w(" ")
}

func (p *printer) multiInsert(s *MultiInsert) {
	p.with(s.With)
	p.w("FROM ")
	p.tables(s.Source)
	for _, ins := range s.Inserts {
		p.w(" ")
		p.stmt(ins)
	}
}

func (p *printer) load(s *LoadData) {
	p.w("LOAD DATA ")
	p.when(s.Local, "LOCAL ")
	p.w("INPATH ")
	p.str(s.Path)
	p.when(s.Overwrite, " OVERWRITE")
	p.w(" INTO TABLE ")
	p.objectName(s.Table)
	p.partition(s.Partition)
	if s.InputFormat != "" || s.SerDe != "" {
		p.w(" INPUTFORMAT ")
		p.str(s.InputFormat)
		p.w(" SERDE ")
		p.str(s.SerDe)
	}
}

func (p *printer) analyze(s *Analyze) {
	p.w("ANALYZE TABLE ")
	p.objectName(s.Table)
	p.partition(s.Partition)
	p.w(" COMPUTE STATISTICS")
	p.when(s.NoScan, " NOSCAN")
	p.when(s.ForColumns, " FOR COLUMNS")
	if len(s.Columns) > 0 {
		p.w(" ")
		p.idents(s.Columns)
	}
}

func (p *printer) msck(s *Msck) {
	p.w("MSCK ")
	p.when(s.Repair, "REPAIR ")
	p.w("TABLE ")
	p.objectName(s.Table)
	if s.Mode != "" && s.Mode != "ADD" {
		p.w(" ", s.Mode, " PARTITIONS")
	}
	p.partition(s.Partition)
}

// partition prints a partition spec with a blank in front, if there is one.
func (p *printer) partition(s *PartitionSpec) {
	if s == nil {
		return
	}
	p.w(" ")
	p.partitionSpec(s)
}

func (p *printer) partitionSpec(s *PartitionSpec) {
	p.w("PARTITION ")
	inParens(p, s.Fields, func(f PartitionField) {
		p.ident(f.Key)
		if f.Op != "" {
			p.w(" ", f.Op, " ")
			p.expr(f.Value, levelAdd)
		}
	})
}

func (p *printer) showOrSet(s Stmt) {
	switch s := s.(type) {
	case *Show:
		p.show(s)
	case *Describe:
		p.describe(s)
	case *Use:
		p.w("USE ")
		p.ident(s.Database)
	case *Set:
		p.set(s)
	case *Reset:
		p.w("RESET")
		for _, k := range s.Keys {
			p.w(" ")
			p.command(k)
		}
	case *ShellCommand:
		p.w(s.Command)
		p.when(s.Command != "!" && s.Args != "", " ")
		p.command(s.Args)
	default:
		p.authorization(s)
	}
}
