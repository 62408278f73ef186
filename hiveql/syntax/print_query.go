package syntax

func (p *printer) parenQuery(q *Query) {
	p.w("(")
	p.query(q)
	p.w(")")
}

func (p *printer) query(q *Query) {
	p.with(q.With)
	p.queryRest(q)
}

// queryRest prints a query without its WITH.
func (p *printer) queryRest(q *Query) {
	p.operand(q.Body)
	p.sortBy(" ORDER BY ", q.OrderBy)
	p.exprsBy(" CLUSTER BY ", q.ClusterBy)
	p.exprsBy(" DISTRIBUTE BY ", q.DistributeBy)
	p.sortBy(" SORT BY ", q.SortBy)
	if q.Limit != nil {
		p.w(" ")
		p.limit(q.Limit)
	}
}

func (p *printer) sortBy(keyword string, items []SortItem) {
	if len(items) > 0 {
		p.w(keyword)
		commas(p, items, p.sortItem)
	}
}

func (p *printer) exprsBy(keyword string, xs []Expr) {
	if len(xs) > 0 {
		p.w(keyword)
		p.exprs(xs)
	}
}

func (p *printer) limit(l *Limit) {
	p.w("LIMIT ")
	p.expr(l.Count, levelAtom)
	if l.Offset != nil {
		p.w(" OFFSET ")
		p.expr(l.Offset, levelAtom)
	}
}

func (p *printer) with(ctes []CTE) {
	if len(ctes) == 0 {
		return
	}
	p.w("WITH ")
	commas(p, ctes, func(c CTE) {
		p.ident(c.Name)
		if len(c.Columns) > 0 {
			p.w(" ")
			inParens(p, c.Columns, p.ident)
		}
		p.w(" AS ")
		p.parenQuery(c.Query)
	})
	p.w(" ")
}

// queryBody prints a body that stands by itself.
func (p *printer) queryBody(b QueryBody) {
	if q, ok := b.(*Query); ok {
		p.query(q)
	} else {
		p.operand(b)
	}
}

// operand prints a body as part of a query, where a whole query needs parentheses.
func (p *printer) operand(b QueryBody) {
	switch b := b.(type) {
	case *Query:
		p.parenQuery(b)
	case *Select:
		p.selectBlock(b)
	case *Values:
		p.values(b)
	case *SetOp:
		p.operand(b.L)
		p.w(" ", b.Op, " ")
		p.when(b.All, "ALL ")
		if _, ok := b.R.(*SetOp); ok {
			p.w("(")
			p.operand(b.R)
			p.w(")")
		} else {
			p.operand(b.R)
		}
	}
}

func (p *printer) values(v *Values) {
	p.w("VALUES ")
	for i, row := range v.Rows {
		p.when(i > 0, ", ")
		p.w("(")
		for j, x := range row {
			p.when(j > 0, ", ")
			p.expr(x, levelOr)
			if i == 0 && j < len(v.Names) && v.Names[j].Name != "" {
				p.w(" AS ")
				p.ident(v.Names[j])
			}
		}
		p.w(")")
	}
}

func (p *printer) selectBlock(s *Select) {
	p.w("SELECT ")
	if s.Hint != "" {
		p.w("/*+ ", s.Hint, " */ ")
	}
	if s.Transform != nil {
		p.transform(s.Transform)
	} else {
		p.when(s.Distinct, "DISTINCT ")
		commas(p, s.Items, p.selectItem)
	}
	p.from(s.From)
	p.condition(" WHERE ", s.Where)
	if s.GroupBy != nil {
		p.w(" ")
		p.groupBy(s.GroupBy)
	}
	p.condition(" HAVING ", s.Having)
	if len(s.Windows) > 0 {
		p.w(" WINDOW ")
		commas(p, s.Windows, func(w NamedWindow) {
			p.ident(w.Name)
			p.w(" AS ")
			p.window(&w.Window)
		})
	}
	p.condition(" QUALIFY ", s.Qualify)
}

func (p *printer) condition(keyword string, x Expr) {
	if x != nil {
		p.w(keyword)
		p.expr(x, levelOr)
	}
}

func (p *printer) selectItem(it SelectItem) {
	p.expr(it.X, levelOr)
	switch len(it.Aliases) {
	case 0:
	case 1:
		p.w(" AS ")
		p.ident(it.Aliases[0])
	default:
		p.w(" AS ")
		inParens(p, it.Aliases, p.ident)
	}
}

func (p *printer) groupBy(g *GroupBy) {
	p.w("GROUP BY ")
	if g.Kind == "GROUPING SETS" && len(g.Exprs) == 0 {
		p.w("()")
		return
	}
	p.exprs(g.Exprs)
	switch g.Kind {
	case "ROLLUP", "CUBE":
		p.w(" WITH ", g.Kind)
	case "GROUPING SETS":
		p.w(" GROUPING SETS ")
		inParens(p, g.Sets, func(set []Expr) {
			p.w("(")
			p.exprs(set)
			p.w(")")
		})
	}
}

func (p *printer) transform(t *Transform) {
	p.w("TRANSFORM (")
	p.exprs(t.Args)
	p.w(")")
	p.rowFormat(t.In)
	if t.RecordWriter != "" {
		p.w(" RECORDWRITER ")
		p.str(t.RecordWriter)
	}
	p.w(" USING ")
	p.str(t.Command)
	if len(t.Columns) > 0 {
		p.w(" AS ")
		inParens(p, t.Columns, p.column)
	}
	p.rowFormat(t.Out)
	if t.RecordReader != "" {
		p.w(" RECORDREADER ")
		p.str(t.RecordReader)
	}
}

// from prints FROM and its list. Lateral views that stand on nothing have no FROM.
func (p *printer) from(items []TableExpr) {
	if len(items) == 0 {
		return
	}
	if bottom(items[0]) != nil {
		p.w(" FROM ")
	}
	p.tables(items)
}

func (p *printer) tables(items []TableExpr) {
	for i, t := range items {
		p.when(i > 0, ", ")
		// A lateral view would take the next table for one of its columns.
		p.joined(t, i > 0 && isJoin(bottom(t)) || i < len(items)-1 && endsInView(t))
	}
}

func endsInView(t TableExpr) bool {
	switch t := t.(type) {
	case *LateralView:
		return true
	case *Join:
		return t.On == nil && len(t.Using) == 0 && endsInView(t.R)
	}
	return false
}

func isJoin(t TableExpr) bool {
	_, ok := t.(*Join)
	return ok
}

// joined prints t, in parentheses if asked for.
func (p *printer) joined(t TableExpr, parens bool) {
	p.when(parens, "(")
	p.table(t)
	p.when(parens, ")")
}

func (p *printer) table(t TableExpr) {
	switch t := t.(type) {
	case *TableRef:
		p.objectName(t.Name)
		p.properties(" ", t.Properties)
		if t.Sample != nil {
			p.w(" ")
			p.sample(t.Sample)
		}
		p.alias(t.Alias)
	case *SubqueryRef:
		p.parenQuery(t.Query)
		p.alias(t.Alias)
		if len(t.Columns) > 0 {
			p.w(" ")
			inParens(p, t.Columns, p.ident)
		}
	case *Join:
		p.join(t)
	case *LateralView:
		p.lateralView(t)
	case *TableFunction:
		p.tableFunction(t)
	}
}

func (p *printer) tableFunction(f *TableFunction) {
	p.ident(f.Func)
	p.w("(ON ")
	p.table(f.Input)
	p.exprsBy(" PARTITION BY ", f.PartitionBy)
	p.sortBy(" ORDER BY ", f.OrderBy)
	p.when(len(f.Args) > 0, " ")
	commas(p, f.Args, p.call)
	p.w(")")
	p.alias(f.Alias)
}

func (p *printer) alias(id *Ident) {
	if id != nil {
		p.w(" AS ")
		p.ident(*id)
	}
}

func (p *printer) sample(s *Sample) {
	p.w("TABLESAMPLE(")
	switch s.Kind {
	case "BUCKET":
		p.w("BUCKET ", s.Amount)
	case "BYTES":
		p.w(s.Amount)
	default:
		p.w(s.Amount, " ", s.Kind)
	}
	p.exprsBy(" ON ", s.On)
	p.w(")")
}

func (p *printer) join(j *Join) {
	p.table(j.L)
	p.w(" ")
	p.when(j.Kind != "INNER", j.Kind+" ")
	p.w("JOIN ")
	p.joined(j.R, isJoin(bottom(j.R)))
	if j.On != nil {
		p.w(" ON ")
		p.expr(j.On, levelOr)
	} else if len(j.Using) > 0 {
		p.w(" USING ")
		inParens(p, j.Using, p.ident)
	}
}

// lateralView prints a view behind what it stands on. Behind a join without a condition it
// would be taken for one on the last table, so such a join gets parentheses.
func (p *printer) lateralView(v *LateralView) {
	if v.From != nil {
		j, ok := v.From.(*Join)
		p.joined(v.From, ok && j.On == nil && len(j.Using) == 0)
	}
	p.w(" LATERAL VIEW ")
	p.when(v.Outer, "OUTER ")
	p.call(v.Func)
	p.w(" ")
	p.ident(v.Table)
	if len(v.Columns) > 0 {
		p.w(" AS ")
		p.idents(v.Columns)
	}
}
