package duck

import (
	"fmt"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
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
		return "SELECT " + columns(r.Columns()) + " FROM " + l.from(r.Input) + " WHERE " + l.expr(r.Cond)
	case *analysis.Project:
		return l.project(r)
	case *analysis.Join:
		return l.join(r)
	case *analysis.Aggregate:
		return l.aggregate(r)
	case *analysis.Window:
		return l.window(r)
	case *analysis.Sort:
		return "SELECT " + columns(r.Columns()) + " FROM " + l.from(r.Input) + " ORDER BY " + l.sortKeys(r.Keys)
	case *analysis.Limit:
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
	}
	l.fail(&Error{Op: "plan", Msg: fmt.Sprintf("a relation of type %T is unknown", r)})
	return ""
}

func (l *lowerer) project(p *analysis.Project) string {
	if len(p.Exprs) == 0 {
		return "SELECT 1 AS one FROM " + l.from(p.Input)
	}
	list := make([]string, len(p.Exprs))
	for i, c := range p.Exprs {
		list[i] = l.expr(c.X) + " AS " + column(c.ID)
	}
	s := "SELECT " + strings.Join(list, ", ")
	if _, ok := p.Input.(*analysis.OneRow); ok {
		return s
	}
	return s + " FROM " + l.from(p.Input)
}

func (l *lowerer) join(j *analysis.Join) string {
	left, right := l.from(j.L), l.from(j.R)
	words := map[analysis.JoinKind]string{
		analysis.InnerJoin: " JOIN ", analysis.LeftJoin: " LEFT JOIN ", analysis.RightJoin: " RIGHT JOIN ",
		analysis.FullJoin: " FULL JOIN ", analysis.CrossJoin: " CROSS JOIN ",
		analysis.SemiJoin: " SEMI JOIN ", analysis.AntiJoin: " ANTI JOIN ",
	}
	word, ok := words[j.Kind]
	if !ok {
		l.fail(unsupported("a %s join", j.Kind))
	}
	s := "SELECT " + columns(j.Columns()) + " FROM " + left + word + right
	if j.Kind == analysis.CrossJoin {
		if j.On != nil {
			s += " WHERE " + l.expr(j.On)
		}
		return s
	}
	return s + " ON " + l.condition(j.On)
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
		list[i] = column(from[i].ID) + " AS " + column(c.ID)
	}
	return "(SELECT " + strings.Join(list, ", ") + " FROM " + l.from(r) + ")"
}

func (l *lowerer) values(v *analysis.Values) string {
	if len(v.Rows) == 0 || len(v.Cols) == 0 {
		list := []string{"1 AS one"}
		for _, c := range v.Cols {
			list = append(list, "NULL::"+sqlType(c.Type)+" AS "+column(c.ID))
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

// lateral joins each row of the input with those that a table function makes of it.
func (l *lowerer) lateral(v *analysis.Lateral) string {
	made := l.tableFunction(v)
	input := l.from(v.Input)
	s := "SELECT " + columns(v.Columns()) + " FROM " + input
	made = "LATERAL (" + made + ") AS " + l.fresh("r")
	if v.Outer {
		return s + " LEFT JOIN " + made + " ON TRUE"
	}
	return s + " CROSS JOIN " + made
}

func (l *lowerer) tableFunction(v *analysis.Lateral) string {
	args := l.exprs(v.Args)
	col := func(i int) string { return " AS " + column(v.Cols[i].ID) }
	switch v.Func.Name {
	case "explode", "posexplode":
		list := []string{}
		if v.Func.Name == "posexplode" {
			list = append(list, l.positions(v, args[0])+col(0))
		}
		if v.Args[0].Type().Elem != nil && v.Args[0].Type().Key != nil {
			n := len(list)
			list = append(list, "unnest(map_keys("+args[0]+"))"+col(n), "unnest(map_values("+args[0]+"))"+col(n+1))
		} else {
			list = append(list, "unnest("+args[0]+")"+col(len(list)))
		}
		return "SELECT " + strings.Join(list, ", ")
	case "inline":
		one := l.fresh("s")
		list := make([]string, len(v.Cols))
		for i, f := range v.Args[0].Type().Elem.Fields {
			list[i] = "struct_extract(" + one + ", " + quote(f.Name) + ")" + col(i)
		}
		return "SELECT " + strings.Join(list, ", ") + " FROM (SELECT unnest(" + args[0] + ") AS " + one + ") AS " + l.fresh("r")
	case "stack":
		return l.stack(v, args[1:])
	case "json_tuple", "parse_url_tuple":
		return l.tuple(v, args)
	}
	l.fail(unsupported("the table function %s", v.Func.Name))
	return ""
}

// positions counts the elements of an array, or the entries of a map, from 0.
func (l *lowerer) positions(v *analysis.Lateral, arg string) string {
	if v.Args[0].Type().Key != nil {
		arg = "map_keys(" + arg + ")"
	}
	return "(generate_subscripts(" + arg + ", 1) - 1)::INTEGER"
}

func (l *lowerer) stack(v *analysis.Lateral, values []string) string {
	width := len(v.Cols)
	var selects []string
	for i := 0; i < len(values); i += width {
		list := make([]string, width)
		for k, c := range v.Cols {
			item := "NULL::" + sqlType(c.Type)
			if i+k < len(values) {
				item = values[i+k]
			}
			list[k] = item + " AS " + column(c.ID)
		}
		selects = append(selects, "SELECT "+strings.Join(list, ", "))
	}
	return strings.Join(selects, " UNION ALL ")
}

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
	return "SELECT " + strings.Join(list, ", ")
}
