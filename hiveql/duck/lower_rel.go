package duck

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// rel is the SELECT that makes the rows of r, with columns named by their numbers.
func (l *lowerer) rel(r analysis.Rel) string {
	if l.err != nil {
		return "SELECT NULL"
	}
	switch r := r.(type) {
	case *analysis.Scan:
		return l.scan(r)
	case *analysis.Filter:
		from, restore := l.fromNumbered(r.Input, r.Cond)
		defer restore()
		return "SELECT " + columns(r.Columns()) + " FROM " + from + " WHERE " + l.expr(r.Cond)
	case *analysis.Project:
		return l.project(r)
	case *analysis.Join:
		return l.join(r)
	case *analysis.Aggregate:
		return l.aggregate(r)
	case *analysis.Window:
		return l.window(r)
	case *analysis.Sort:
		return "SELECT " + columns(r.Columns()) + " FROM " + l.from(r.Input) + l.orderBy(r.Keys)
	case *analysis.Limit:
		defer l.inOrder(r)()
		if s, ok := r.Input.(*analysis.Sort); ok {
			return l.rel(s) + limitClause(r)
		}
		return "SELECT " + columns(r.Columns()) + " FROM " + l.from(r.Input) + limitClause(r)
	case *analysis.SetOp:
		return l.setOp(r)
	case *analysis.Distinct:
		return "SELECT DISTINCT " + columns(r.Columns()) + " FROM " + l.from(r.Input)
	case *analysis.Values:
		return l.values(r)
	case *analysis.OneRow:
		return "SELECT 1 AS one"
	case *analysis.Lateral:
		return l.lateral(r)
	case *analysis.Transform:
		return l.transform(r)
	case *analysis.Use:
		return l.use(r)
	}
	l.fail(&Error{Op: "plan", Msg: fmt.Sprintf("a relation of type %T is unknown", r)})
	return ""
}

func (l *lowerer) project(p *analysis.Project) string {
	if len(p.Exprs) == 0 {
		return "SELECT 1 AS one FROM " + l.from(p.Input)
	}
	exprs := make([]analysis.Expr, len(p.Exprs))
	for i, c := range p.Exprs {
		exprs[i] = c.X
	}
	from, restore := l.fromNumbered(p.Input, exprs...)
	defer restore()
	list := make([]string, len(p.Exprs))
	for i, c := range p.Exprs {
		list[i] = l.columnValue(c) + " AS " + column(c.ID)
	}
	s := "SELECT " + strings.Join(list, ", ")
	if _, ok := p.Input.(*analysis.OneRow); ok && l.row == "" {
		return s
	}
	return s + " FROM " + from
}

// columnValue is the value of a column that is computed.
func (l *lowerer) columnValue(c analysis.Computed) string {
	if l.loose[c.ID] {
		return l.looseExpr(c.X)
	}
	return l.expr(c.X)
}

// fromNumbered is r as it stands in a FROM clause, with the numbers of its rows where the
// expressions over it need them. restore ends that.
func (l *lowerer) fromNumbered(r analysis.Rel, exprs ...analysis.Expr) (from string, restore func()) {
	before := l.row
	restore = func() { l.row = before }
	if !slices.ContainsFunc(exprs, seeded) {
		l.row = ""
		return l.from(r), restore
	}
	l.row = ""
	ordered := l.ordered
	l.ordered = true
	input := l.from(r)
	l.ordered = ordered
	l.row = l.fresh("row")
	return "(SELECT *, row_number() OVER () AS " + l.row + " FROM " + input + ") AS " + l.fresh("r"), restore
}

// seeded reports whether there is a rand with a seed in x.
func seeded(x analysis.Expr) bool {
	switch x := x.(type) {
	case *analysis.Cast:
		return seeded(x.X)
	case *analysis.Call:
		return x.Func.Name == "rand" && len(x.Args) > 0 || slices.ContainsFunc(x.Args, seeded)
	case *analysis.In:
		return seeded(x.X) || slices.ContainsFunc(x.List, seeded)
	case *analysis.Case:
		for _, w := range x.Whens {
			if seeded(w.Cond) || seeded(w.Then) {
				return true
			}
		}
		return x.Else != nil && seeded(x.Else)
	}
	return false
}

// inner reports whether j is a join that may be done in any order with others.
func inner(j *analysis.Join) bool {
	return j.Kind == analysis.InnerJoin || j.Kind == analysis.CrossJoin
}

func (l *lowerer) join(j *analysis.Join) string {
	return "SELECT " + columns(j.Columns()) + " FROM " + l.joined(j)
}

// joined is a join as it stands in a FROM clause.
func (l *lowerer) joined(j *analysis.Join) string {
	words := map[analysis.JoinKind]string{
		analysis.InnerJoin: " JOIN ", analysis.LeftJoin: " LEFT JOIN ", analysis.RightJoin: " RIGHT JOIN ",
		analysis.FullJoin: " FULL JOIN ", analysis.CrossJoin: " CROSS JOIN ",
		analysis.SemiJoin: " SEMI JOIN ", analysis.AntiJoin: " ANTI JOIN ",
	}
	word, ok := words[j.Kind]
	if !ok {
		l.fail(unsupported("a %s join", j.Kind))
	}
	left, right := l.from(j.L), l.from(j.R)
	if r, ok := j.R.(*analysis.Join); ok && inner(r) {
		right = "(" + right + ")"
	}
	if j.Kind == analysis.CrossJoin && j.On == nil {
		return left + word + right
	}
	if j.Kind == analysis.CrossJoin {
		word = " JOIN "
	}
	return left + word + right + " ON " + l.condition(j.On)
}

func (l *lowerer) setOp(s *analysis.SetOp) string {
	op := " " + s.Op + " "
	if s.All {
		op += "ALL "
	}
	return l.renamed(s.L, s.Cols) + op + l.renamed(s.R, s.Cols)
}

// renamed is r with its columns called, by position, as those of cols.
func (l *lowerer) renamed(r analysis.Rel, cols []analysis.Column) string {
	list := make([]string, len(cols))
	from := r.Columns()
	if len(from) < len(cols) {
		l.fail(&Error{Op: "plan", Msg: "the two sides of a set operation differ in width"})
		return ""
	}
	for i, c := range cols {
		list[i] = l.typed(from[i].ID, from[i].Type) + " AS " + column(c.ID)
	}
	return "(SELECT " + strings.Join(list, ", ") + " FROM " + l.from(r) + ")"
}

func (l *lowerer) values(v *analysis.Values) string {
	if len(v.Rows) == 0 || len(v.Cols) == 0 {
		list := []string{"1 AS one"}
		for _, c := range v.Cols {
			list = append(list, "NULL::"+l.sqlType(c.Type)+" AS "+column(c.ID))
		}
		if len(v.Rows) > 0 {
			return fmt.Sprintf("SELECT 1 AS one FROM range(%d)", len(v.Rows))
		}
		return "SELECT " + strings.Join(list, ", ") + " WHERE FALSE"
	}
	rows := make([]string, len(v.Rows))
	for i, row := range v.Rows {
		items := make([]string, len(row))
		for k, x := range row {
			items[k] = l.castTo(x, v.Cols[k].Type)
		}
		rows[i] = "(" + strings.Join(items, ", ") + ")"
	}
	return "SELECT * FROM (VALUES " + strings.Join(rows, ", ") + ") AS " + l.fresh("v") +
		"(" + columns(v.Cols) + ")"
}

// lateral puts the rows that a table function makes of a row of the input next to it, in the order
// in which they come.
func (l *lowerer) lateral(v *analysis.Lateral) string {
	args := l.exprs(v.Args)
	switch v.Func.Name {
	case "explode", "posexplode", "inline":
		return l.explode(v, args[0])
	case "replicate_rows":
		return l.replicate(v, args)
	case "stack":
		return l.explode(v, l.stackRows(v, args[1:]))
	case "json_tuple", "parse_url_tuple":
		return l.tuple(v, args)
	}
	l.fail(unsupported("the table function %s", v.Func.Name))
	return ""
}

// explode makes a row of each element of an array or entry of a map. With OUTER, a row without any
// is kept, with NULLs.
func (l *lowerer) explode(v *analysis.Lateral, arg string) string {
	x, one := l.fresh("x"), l.fresh("s")
	isMap := v.Func.Name != "stack" && v.Args[0].Type().Kind == hivetype.Map
	if isMap {
		arg = "map_entries(" + arg + ")"
	}
	elements := func(list string) string {
		if v.Outer {
			list = "CASE WHEN len(" + x + ") > 0 THEN " + list + " ELSE [NULL] END"
		}
		return "unnest(" + list + ")"
	}
	inner := columnsAnd(v.Input.Columns(), elements(x)+" AS "+one)
	position := ""
	if v.Func.Name == "posexplode" {
		position = l.fresh("n")
		inner += ", " + elements("range(len("+x+"))") + "::INTEGER AS " + position
	}
	list := columnsAnd(v.Input.Columns(), strings.Join(l.exploded(v, one, position, isMap), ", "))
	return "SELECT " + list + " FROM (SELECT " + inner + " FROM (SELECT " +
		columnsAnd(v.Input.Columns(), arg+" AS "+x) + " FROM " + l.from(v.Input) + ") AS " + l.fresh("r") + ") AS " + l.fresh("r")
}

// exploded are the output columns of explode: the position, if there is one, then the element or
// its parts.
func (l *lowerer) exploded(v *analysis.Lateral, one, position string, isMap bool) []string {
	var list []string
	add := func(x string) { list = append(list, x+" AS "+column(v.Cols[len(list)].ID)) }
	if position != "" {
		add(position)
	}
	switch {
	case v.Func.Name == "inline":
		for _, f := range v.Args[0].Type().Elem.Fields {
			add("struct_extract(" + one + ", " + quote(f.Name) + ")")
		}
	case v.Func.Name == "stack":
		for i := range v.Cols {
			add(fmt.Sprintf("struct_extract(%s, 'f%d')", one, i))
		}
	case isMap:
		add("struct_extract(" + one + ", 'key')")
		add("struct_extract(" + one + ", 'value')")
	default:
		add(one)
	}
	return list
}

// columnsAnd lists columns and then more, which is not empty.
func columnsAnd(cols []analysis.Column, more string) string {
	if len(cols) == 0 {
		return more
	}
	return columns(cols) + ", " + more
}

// stackRows is an array of the rows of stack.
func (l *lowerer) stackRows(v *analysis.Lateral, values []string) string {
	width := len(v.Cols)
	var rows []string
	for i := 0; i < len(values); i += width {
		fields := make([]string, width)
		for k, c := range v.Cols {
			item := "NULL::" + l.sqlType(c.Type)
			if i+k < len(values) {
				item = values[i+k]
			}
			fields[k] = fmt.Sprintf("f%d := %s", k, item)
		}
		rows = append(rows, "struct_pack("+strings.Join(fields, ", ")+")")
	}
	return "[" + strings.Join(rows, ", ") + "]"
}

// tuple makes one row of each row.
func (l *lowerer) tuple(v *analysis.Lateral, args []string) string {
	list := make([]string, len(v.Cols))
	for i, c := range v.Cols {
		arg := args[i+1]
		switch v.Func.Name {
		case "json_tuple":
			list[i] = "skep_get_json(" + args[0] + ", '$.\"' || " + arg + " || '\"')"
		default:
			list[i] = "CASE WHEN " + arg + " LIKE 'QUERY:%' THEN skep_parse_url(" + args[0] +
				", 'QUERY', substr(" + arg + ", 7)) ELSE skep_parse_url(" + args[0] + ", " + arg + ") END"
		}
		list[i] += " AS " + column(c.ID)
	}
	return "SELECT " + columnsAnd(v.Input.Columns(), strings.Join(list, ", ")) + " FROM " + l.from(v.Input)
}

// replicate repeats a row as often as the first argument says.
func (l *lowerer) replicate(v *analysis.Lateral, args []string) string {
	list := make([]string, len(v.Cols))
	for i, c := range v.Cols {
		list[i] = args[i] + " AS " + column(c.ID)
	}
	n := l.fresh("n")
	return "SELECT " + columnsAnd(v.Input.Columns(), columns(v.Cols)) + " FROM (SELECT " +
		columnsAnd(v.Input.Columns(), strings.Join(list, ", ")) + ", unnest(range(" + args[0] + ")) AS " + n +
		" FROM " + l.from(v.Input) + ") AS " + l.fresh("r")
}

// inOrder makes the scans below a LIMIT give the first rows of the first file first, if nothing
// between them mixes rows. What it returns ends that.
func (l *lowerer) inOrder(r analysis.Rel) func() {
	before := l.ordered
	if _, ok := r.(*analysis.Limit); ok && streams(r) {
		l.ordered = true
	}
	return func() { l.ordered = before }
}

// streams reports whether the rows of r are those of one scan, one after the other.
func streams(r analysis.Rel) bool {
	switch r := r.(type) {
	case *analysis.Scan:
		return true
	case *analysis.Limit:
		return streams(r.Input)
	case *analysis.Project:
		return streams(r.Input)
	case *analysis.Filter:
		return streams(r.Input)
	case *analysis.Lateral:
		return streams(r.Input)
	}
	return false
}
