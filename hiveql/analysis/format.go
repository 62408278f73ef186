package analysis

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/partitions"
)

// mostNames is how many partitions Format names before it only counts them.
const mostNames = 5

// Format prints a plan as a text tree, one relation a line, its inputs below it: for EXPLAIN and
// for tests. It takes a *Query, a *Write, or any Rel. Columns are printed as name#number, with
// their types where they are made.
func Format(p any) string {
	f := &formatter{}
	switch p := p.(type) {
	case *Query:
		f.query(p)
	case *Write:
		f.write(p)
	case Rel:
		f.rel(p, 0)
	default:
		return fmt.Sprintf("%v\n", p)
	}
	return f.out.String()
}

type formatter struct{ out strings.Builder }

func (f *formatter) line(depth int, format string, args ...any) {
	f.out.WriteString(strings.Repeat("  ", depth))
	fmt.Fprintf(&f.out, format, args...)
	f.out.WriteByte('\n')
}

func (f *formatter) query(q *Query) {
	f.line(0, "Output %s", list(q.Output, func(o Output) string {
		return column(Column{ID: o.ID, Name: o.Name, Type: o.Type})
	}))
	f.rel(q.Root, 1)
	f.shared(q, 0)
}

// shared prints what is read more than once.
func (f *formatter) shared(q *Query, depth int) {
	for _, s := range q.Shared {
		f.line(depth, "With %s %s", s.Name, list(s.Rel.Columns(), label))
		f.rel(s.Rel, depth+1)
	}
}

func (f *formatter) write(w *Write) {
	verb := "Insert into "
	if w.Overwrite {
		verb = "Overwrite "
	}
	spec := list(w.Spec, func(s partitions.SpecField) string {
		if s.Set {
			return s.Name + "='" + s.Value + "'"
		}
		return s.Name
	})
	if spec != "" {
		spec = " partition (" + spec + ")"
	}
	if w.IfNotExists {
		spec += " if not exists"
	}
	f.line(0, "%s%s%s", verb, w.Table.TableName, spec)
	f.line(1, "Output %s", list(w.Query.Output, func(o Output) string {
		return column(Column{ID: o.ID, Name: o.Name, Type: o.Type})
	}))
	f.rel(w.Query.Root, 2)
	f.shared(w.Query, 1)
}

func list[T any](xs []T, text func(T) string) string {
	parts := make([]string, len(xs))
	for i, x := range xs {
		parts[i] = text(x)
	}
	return strings.Join(parts, ", ")
}

func column(c Column) string { return label(c) + " " + c.Type.String() }

func label(c Column) string { return c.Name + "#" + strconv.Itoa(c.ID) }

func computedText(c Computed) string { return column(c.Column) + " = " + f0(c.X) }

// f0 prints an expression on one line; subqueries print as their kind alone.
func f0(x Expr) string {
	p := &printer{}
	p.expr(x)
	return p.String()
}

func (f *formatter) rel(r Rel, depth int) {
	switch r := r.(type) {
	case *Scan:
		f.scan(r, depth)
	case *Filter:
		f.line(depth, "Filter %s", f0(r.Cond))
	case *Project:
		f.line(depth, "Project %s", list(r.Exprs, computedText))
	case *Join:
		f.line(depth, "Join %s", joinText(r))
	case *Aggregate:
		f.aggregate(r, depth)
	case *Window:
		f.line(depth, "Window %s", list(r.Funcs, windowText))
	case *Sort:
		f.line(depth, "Sort %s", sortText(r.Keys))
	case *Limit:
		if r.Offset > 0 {
			f.line(depth, "Limit %d offset %d", r.Count, r.Offset)
		} else {
			f.line(depth, "Limit %d", r.Count)
		}
	case *SetOp:
		f.line(depth, "%s%s %s", strings.ToUpper(r.Op[:1])+strings.ToLower(r.Op[1:]), when(r.All, " all"), list(r.Cols, column))
	case *named:
		f.rel(r.Input, depth)
		return
	case *Use:
		f.line(depth, "Use %s %s", r.Of.Name, list(r.Cols, func(c UsedColumn) string {
			return fmt.Sprintf("%s = #%d", column(c.Column), c.From)
		}))
	case *Distinct:
		f.line(depth, "Distinct")
	case *Values:
		f.values(r, depth)
	case *OneRow:
		f.line(depth, "One row")
	case *Lateral:
		f.line(depth, "Lateral%s %s = %s(%s)", when(r.Outer, " outer"), list(r.Cols, column), r.Func.Name, list(r.Args, f0))
	case *Transform:
		f.line(depth, "Transform %s = %q(%s)", list(r.Cols, column), r.Command, list(r.Args, f0))
	}
	mapOwn(r, func(x Expr) Expr {
		f.subqueries(x, depth+1)
		return x
	})
	for _, in := range inputs(r) {
		f.rel(in, depth+1)
	}
}

// subqueries prints the plans of the subqueries in an expression.
func (f *formatter) subqueries(x Expr, depth int) {
	visit(x, func(x Expr) bool {
		if q := queryOf(x); q != nil {
			f.line(depth, "Subquery of %s", f0(x))
			f.rel(*q, depth+1)
			if in, ok := x.(*InQuery); ok {
				f.subqueries(in.X, depth)
			}
			return false
		}
		return true
	})
}

func (f *formatter) scan(s *Scan, depth int) {
	cols := list(s.Cols, func(c ScanColumn) string { return column(c.Column) })
	f.line(depth, "%s", strings.TrimSpace("Scan "+s.Table.TableName.String()+" "+cols))
	if s.SampleBytes > 0 {
		f.line(depth+1, "files: the first that have %d bytes", s.SampleBytes)
	}
	if !s.Table.Partitioned() {
		return
	}
	if s.Predicate != nil {
		f.line(depth+1, "partition predicate: %s", s.Predicate)
	}
	keys := s.Table.Keys()
	names := ""
	for i, p := range s.Partitions {
		if i == mostNames {
			names += ", ..."
			break
		}
		name, err := keys.Name(p.Values)
		if err != nil {
			name = strings.Join(p.Values, "/")
		}
		names += ", " + name
	}
	if names == "" {
		names = ", none"
	}
	f.line(depth+1, "partitions: %d (%s)", len(s.Partitions), names[2:])
	for _, r := range s.Reduced {
		f.line(depth+1, "reduced from %d partitions by: %s", r.From, r.By)
	}
}

func (f *formatter) aggregate(r *Aggregate, depth int) {
	text := "Aggregate"
	if len(r.Keys) > 0 {
		text += " by " + list(r.Keys, computedText)
	}
	if r.Sets != nil {
		text += " sets " + list(r.Sets, func(set []int) string {
			return "(" + list(set, func(i int) string { return r.Keys[i].Name }) + ")"
		})
	}
	if len(r.Aggs) > 0 {
		text += ": " + list(r.Aggs, func(g AggregateColumn) string {
			return column(g.Column) + " = " + aggregateText(g.Func, g.Args, g.Distinct, g.Filter)
		})
	}
	if r.GroupingID != nil {
		text += ", " + column(*r.GroupingID)
	}
	f.line(depth, "%s", text)
}

func aggregateText(fn *Function, args []Expr, distinct bool, filter Expr) string {
	in := list(args, f0)
	if in == "" && fn.Name == "count" {
		in = "*"
	}
	if distinct {
		in = "distinct " + in
	}
	out := fn.Name + "(" + in + ")"
	if filter != nil {
		out += " filter " + f0(filter)
	}
	return out
}

func windowText(w WindowColumn) string {
	return column(w.Column) + " = " + overText(w.Func, w.Args, w.Distinct, w.IgnoreNulls, w.PartitionBy, w.OrderBy, w.Frame)
}

func overText(fn *Function, args []Expr, distinct, ignoreNulls bool, by []Expr, order []SortKey, frame *Frame) string {
	var over []string
	if len(by) > 0 {
		over = append(over, "partition by "+list(by, f0))
	}
	if len(order) > 0 {
		over = append(over, "order by "+sortText(order))
	}
	if frame != nil {
		over = append(over, strings.ToLower(frame.Unit)+" between "+boundText(frame.Start)+" and "+boundText(frame.Stop))
	}
	text := aggregateText(fn, args, distinct, nil)
	if ignoreNulls {
		text += " ignore nulls"
	}
	return text + " over (" + strings.Join(over, " ") + ")"
}

func boundText(b FrameBound) string {
	if b.N != nil {
		return f0(b.N) + " " + strings.ToLower(b.Kind)
	}
	return strings.ToLower(b.Kind)
}

func joinText(j *Join) string {
	kind := strings.ToLower(string(j.Kind))
	if j.On == nil {
		return kind
	}
	return kind + " on " + f0(j.On)
}

// when is a word where it holds, and nothing where it does not.
func when(holds bool, word string) string {
	if holds {
		return word
	}
	return ""
}

func sortText(keys []SortKey) string {
	return list(keys, func(k SortKey) string {
		text := f0(k.X)
		if k.Desc {
			text += " desc"
		}
		if k.NullsFirst != k.Desc {
			text += map[bool]string{true: " nulls first", false: " nulls last"}[k.NullsFirst]
		}
		return text
	})
}

func (f *formatter) values(v *Values, depth int) {
	f.line(depth, "Values %s: %d rows", list(v.Cols, column), len(v.Rows))
	for i, row := range v.Rows {
		if i == mostNames {
			f.line(depth+1, "...")
			break
		}
		f.line(depth+1, "(%s)", list(row, f0))
	}
}

// printer writes expressions.
type printer struct{ strings.Builder }

func (p *printer) expr(x Expr) {
	switch x := x.(type) {
	case nil:
		p.WriteString("null")
	case *Ref:
		p.WriteString(label(Column{ID: x.ID, Name: x.Name}))
	case *Const:
		p.constant(x)
	case *Call:
		p.call(x)
	case *Cast:
		p.WriteString("cast(")
		p.expr(x.X)
		p.WriteString(" as " + x.T.String() + ")")
	case *Case:
		p.WriteString("case")
		for _, w := range x.Whens {
			p.WriteString(" when ")
			p.expr(w.Cond)
			p.WriteString(" then ")
			p.expr(w.Then)
		}
		if x.Else != nil {
			p.WriteString(" else ")
			p.expr(x.Else)
		}
		p.WriteString(" end")
	case *In:
		p.expr(x.X)
		p.WriteString(map[bool]string{true: " not in (", false: " in ("}[x.Not])
		p.list(x.List)
		p.WriteString(")")
	case *member:
		p.expr(x.x)
		p.WriteString(" in (")
		p.ask(x.ask)
		if x.ask.known {
			fmt.Fprintf(p, ": %d distinct", len(x.ask.values))
		}
		p.WriteString(")")
	case *held:
		p.WriteString("(the value of ")
		p.ask(x.ask)
		p.WriteString(")")
	case *Scalar:
		p.WriteString("scalar (subquery)")
	case *Exists:
		p.WriteString(map[bool]string{true: "not exists (subquery)", false: "exists (subquery)"}[x.Not])
	case *InQuery:
		p.expr(x.X)
		p.WriteString(map[bool]string{true: " not in (subquery)", false: " in (subquery)"}[x.Not])
	}
}

// ask names what is asked by its expression and its tables.
func (p *printer) ask(k *Ask) {
	r := k.Query.Root
	if d, ok := r.(*Distinct); ok {
		r = d.Input
	}
	p.expr(r.(*Project).Exprs[0].X)
	for i, s := range scansBelow(r, nil) {
		p.WriteString(map[bool]string{true: " of ", false: ", "}[i == 0] + s.Table.TableName.String())
	}
}

func (p *printer) list(xs []Expr) {
	for i, x := range xs {
		if i > 0 {
			p.WriteString(", ")
		}
		p.expr(x)
	}
}

func (p *printer) call(c *Call) {
	args := c.Args
	switch {
	case c.Func == opIndex:
		p.expr(args[0])
		p.WriteString("[")
		p.expr(args[1])
		p.WriteString("]")
	case c.Func == opField:
		p.expr(args[0])
		fmt.Fprintf(p, ".%v", args[1].(*Const).Value)
	case len(args) == 2 && binaryOperator(strings.ToUpper(c.Func.Name)) == c.Func || c.Func == opLike || c.Func == opRlike:
		p.WriteString("(")
		p.expr(args[0])
		p.WriteString(" " + c.Func.Name + " ")
		p.expr(args[1])
		p.WriteString(")")
	default:
		p.WriteString(c.Func.Name + "(")
		p.list(args)
		p.WriteString(")")
	}
}

// constant writes a constant so that its type can be seen.
func (p *printer) constant(c *Const) {
	if c.Value == nil {
		p.WriteString("NULL")
		if c.T.Kind != hivetype.Void {
			p.WriteString("::" + c.T.String())
		}
		return
	}
	value := string(hivetype.AppendText(nil, c.Value, c.T))
	switch c.T.Kind {
	case hivetype.Int, hivetype.Boolean, hivetype.Double:
		p.WriteString(value)
	case hivetype.TinyInt:
		p.WriteString(value + "Y")
	case hivetype.SmallInt:
		p.WriteString(value + "S")
	case hivetype.BigInt:
		p.WriteString(value + "L")
	case hivetype.String:
		p.WriteString(strconv.Quote(value))
	default:
		p.WriteString(c.T.String() + " " + strconv.Quote(value))
	}
}
