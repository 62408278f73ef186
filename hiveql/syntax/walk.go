package syntax

// Inspect visits n and all nodes below it, parents first and in the order of the source as
// far as Print keeps it. Where visit returns false, what is below that node is left out. The
// nodes are statements, actions, queries, tables, expressions and the structs between them,
// all as pointers into the tree; names, types and texts are not visited.
func Inspect(n Node, visit func(Node) bool) {
	w := walker{visit}
	w.node(n)
}

// Exprs visits every expression below and including n, parents first.
func Exprs(n Node, visit func(Expr)) {
	Inspect(n, func(n Node) bool {
		if x, ok := n.(Expr); ok {
			visit(x)
		}
		return true
	})
}

type walker struct {
	visit func(Node) bool
}

func (w walker) node(n Node) {
	if n == nil || !w.visit(n) {
		return
	}
	switch n := n.(type) {
	case Expr:
		w.exprParts(n)
	case QueryBody:
		w.bodyParts(n)
	case TableExpr:
		w.tableParts(n)
	case Stmt:
		w.stmtParts(n)
	case AlterAction:
		w.actionParts(n)
	default:
		w.parts(n)
	}
}

// The functions below pass on what is there: nil interfaces and nil pointers are nothing.

func (w walker) expr(x Expr) {
	if x != nil {
		w.node(x)
	}
}

func (w walker) exprs(xs []Expr) {
	for _, x := range xs {
		w.expr(x)
	}
}

func (w walker) query(q *Query) {
	if q != nil {
		w.node(q)
	}
}

func (w walker) tables(ts []TableExpr) {
	for _, t := range ts {
		w.node(t)
	}
}

func (w walker) sorts(items []SortItem) {
	for i := range items {
		w.node(&items[i])
	}
}

func (w walker) ctes(ctes []CTE) {
	for i := range ctes {
		w.node(&ctes[i])
	}
}

func (w walker) window(win *Window) {
	if win != nil {
		w.node(win)
	}
}

func (w walker) exprParts(x Expr) {
	switch x := x.(type) {
	case *IntervalLit:
		w.expr(x.Value)
	case *Dot:
		w.expr(x.X)
	case *Index:
		w.expr(x.X)
		w.expr(x.I)
	case *Unary:
		w.expr(x.X)
	case *Binary:
		w.expr(x.L)
		w.expr(x.R)
	case *Between:
		w.expr(x.X)
		w.expr(x.Lo)
		w.expr(x.Hi)
	case *In:
		w.expr(x.X)
		w.exprs(x.List)
		w.query(x.Query)
	case *Tuple:
		w.exprs(x.Elems)
	case *Like:
		w.expr(x.X)
		w.exprs(x.Patterns)
	case *Is:
		w.expr(x.X)
		w.expr(x.Y)
	case *Quantified:
		w.expr(x.X)
		w.query(x.Query)
	case *Exists:
		w.query(x.Query)
	case *Subquery:
		w.query(x.Query)
	case *Case:
		w.expr(x.Operand)
		for i := range x.Whens {
			w.node(&x.Whens[i])
		}
		w.expr(x.Else)
	case *Cast:
		w.expr(x.X)
	case *Call:
		w.exprs(x.Args)
		w.sorts(x.WithinGroup)
		w.expr(x.Filter)
		w.window(x.Over)
	}
}

func (w walker) bodyParts(b QueryBody) {
	switch b := b.(type) {
	case *Query:
		w.ctes(b.With)
		w.node(b.Body)
		w.sorts(b.OrderBy)
		w.exprs(b.ClusterBy)
		w.exprs(b.DistributeBy)
		w.sorts(b.SortBy)
		w.limit(b.Limit)
	case *SetOp:
		w.node(b.L)
		w.node(b.R)
	case *Values:
		for _, row := range b.Rows {
			w.exprs(row)
		}
	case *Select:
		w.selectParts(b)
	}
}

func (w walker) limit(l *Limit) {
	if l != nil {
		w.node(l)
	}
}

func (w walker) selectParts(s *Select) {
	for i := range s.Items {
		w.node(&s.Items[i])
	}
	if s.Transform != nil {
		w.node(s.Transform)
	}
	w.tables(s.From)
	w.expr(s.Where)
	if s.GroupBy != nil {
		w.node(s.GroupBy)
	}
	w.expr(s.Having)
	for i := range s.Windows {
		w.node(&s.Windows[i])
	}
	w.expr(s.Qualify)
}

func (w walker) tableParts(t TableExpr) {
	switch t := t.(type) {
	case *TableRef:
		if t.Sample != nil {
			w.node(t.Sample)
		}
	case *SubqueryRef:
		w.query(t.Query)
	case *Join:
		w.node(t.L)
		w.node(t.R)
		w.expr(t.On)
	case *LateralView:
		if t.From != nil {
			w.node(t.From)
		}
		if t.Func != nil {
			w.node(t.Func)
		}
	case *TableFunction:
		if t.Input != nil {
			w.node(t.Input)
		}
		w.exprs(t.PartitionBy)
		w.sorts(t.OrderBy)
		for _, a := range t.Args {
			w.node(a)
		}
	}
}

// parts goes through the structs that stand between expressions and queries.
func (w walker) parts(n Node) {
	switch n := n.(type) {
	case *When:
		w.expr(n.Cond)
		w.expr(n.Then)
	case *SortItem:
		w.expr(n.X)
	case *SelectItem:
		w.expr(n.X)
	case *CTE:
		w.query(n.Query)
	case *Limit:
		w.expr(n.Count)
		w.expr(n.Offset)
	case *GroupBy:
		w.exprs(n.Exprs)
		for _, set := range n.Sets {
			w.exprs(set)
		}
	case *Window:
		w.exprs(n.PartitionBy)
		w.sorts(n.OrderBy)
		if n.Frame != nil {
			w.node(n.Frame)
		}
	case *Frame:
		w.expr(n.Start.N)
		w.expr(n.Stop.N)
	case *NamedWindow:
		w.node(&n.Window)
	case *Transform:
		w.exprs(n.Args)
	case *Sample:
		w.exprs(n.On)
	case *PartitionSpec:
		for _, f := range n.Fields {
			w.expr(f.Value)
		}
	case *Bucketing:
		w.sorts(n.Sorted)
	case *AddPartition:
		w.node(&n.Spec)
	case *ColumnDef:
		w.constraints(n.Constraints)
	case *Constraint:
		w.expr(n.X)
	case *Skewed:
		for _, v := range n.Values {
			w.exprs(v)
		}
	case *SkewedLocation:
		w.exprs(n.Values)
	}
}

func (w walker) constraints(cs []Constraint) {
	for i := range cs {
		w.node(&cs[i])
	}
}

func (w walker) columns(cs []ColumnDef) {
	for i := range cs {
		w.node(&cs[i])
	}
}

func (w walker) spec(s *PartitionSpec) {
	if s != nil {
		w.node(s)
	}
}

func (w walker) stmtParts(s Stmt) {
	switch s := s.(type) {
	case *QueryStmt:
		w.query(s.Query)
	case *Insert:
		w.spec(s.Partition)
		w.query(s.Query)
	case *InsertDirectory:
		w.query(s.Query)
	case *MultiInsert:
		w.ctes(s.With)
		w.tables(s.Source)
		for _, ins := range s.Inserts {
			w.node(ins)
		}
	case *LoadData:
		w.spec(s.Partition)
	case *Truncate:
		w.spec(s.Partition)
	case *Analyze:
		w.spec(s.Partition)
	case *Explain:
		w.node(s.Stmt)
	case *CreateTable:
		w.columns(s.Columns)
		w.constraints(s.Constraints)
		w.columns(s.PartitionedBy)
		if s.Bucketing != nil {
			w.node(s.Bucketing)
		}
		if s.Skewed != nil {
			w.node(s.Skewed)
		}
		w.query(s.Query)
	case *CreateMacro:
		w.columns(s.Params)
		w.expr(s.Body)
	case *Export:
		w.spec(s.Partition)
	case *Import:
		w.spec(s.Partition)
	case *Msck:
		w.spec(s.Partition)
	case *Optimize:
		w.spec(s.Partition)
		w.expr(s.Where)
	case *CreateView:
		w.query(s.Query)
	case *AlterTable:
		w.spec(s.Partition)
		w.node(s.Action)
	case *Show:
		w.spec(s.Partition)
		w.expr(s.Where)
		w.sorts(s.OrderBy)
		w.limit(s.Limit)
	default:
		w.shownParts(s)
	}
}

func (w walker) shownParts(s Stmt) {
	switch s := s.(type) {
	case *Describe:
		w.spec(s.Partition)
	case *Grant:
		w.granted(s.On)
	case *ShowRoles:
		w.granted(s.On)
	}
}

func (w walker) granted(on *GrantObject) {
	if on != nil {
		w.spec(on.Partition)
	}
}

func (w walker) actionParts(a AlterAction) {
	switch a := a.(type) {
	case *AddPartitions:
		for i := range a.Partitions {
			w.node(&a.Partitions[i])
		}
	case *DropPartitions:
		for i := range a.Specs {
			w.node(&a.Specs[i])
		}
	case *RenamePartition:
		w.node(&a.To)
	case *ExchangePartition:
		w.node(&a.Spec)
	case *SetLayout:
		if a.Bucketing != nil {
			w.node(a.Bucketing)
		}
		if a.Skewed != nil {
			w.node(a.Skewed)
		}
	case *AddConstraint:
		w.node(&a.Constraint)
	case *SetSkewedLocation:
		for i := range a.Locations {
			w.node(&a.Locations[i])
		}
	case *AddColumns:
		w.columns(a.Columns)
	case *ChangeColumn:
		w.node(&a.New)
	case *ChangeKey:
		w.node(&a.Key)
	case *SetViewQuery:
		w.query(a.Query)
	}
}
