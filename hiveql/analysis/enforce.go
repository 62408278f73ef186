package analysis

import (
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
)

// Check is a condition on every row that is written to a table, over the table's columns. NULL
// passes. Broken says what it means when a row does not.
type Check struct {
	Cond   syntax.Expr
	Broken string
}

// opEnforce is true where its first argument is, and an error with the second as its text
// elsewhere.
var opEnforce = &Function{Name: "enforce_constraint", Volatile: true}

// enforce makes the rows of w pass the checks. They are put around the first column, not above the
// rows as a filter: conditions of the query, which decide what is written, come before them.
func (a *analyzer) enforce(w *Write, checks []Check) error {
	if len(checks) == 0 {
		return nil
	}
	in := w.Query.Root
	n := len(w.Table.Storage.Columns)
	cols := in.Columns()
	r := &resolver{a: a, sc: &scope{sources: []*source{{alias: strings.ToLower(w.Table.Name), database: w.Table.Database, cols: cols[:n]}}},
		place: "CHECK", after: a.keysOf(w, cols[n:])}
	first := Expr(&Ref{ID: cols[0].ID, Name: cols[0].Name, T: cols[0].Type})
	for _, c := range checks {
		x, err := r.condition(c.Cond)
		if err != nil {
			return err
		}
		passes := &Call{Func: opEnforce, Args: []Expr{x, &Const{Value: c.Broken, T: text}}, T: boolean}
		first = &Case{Whens: []When{{Cond: passes, Then: first}}, Else: &Const{T: first.Type()}, T: first.Type()}
	}
	p := &Project{Input: in}
	w.Query = &Query{Root: p}
	for i, c := range cols {
		x := first
		if i > 0 {
			x = &Ref{ID: c.ID, Name: c.Name, T: c.Type}
		}
		out := a.column(c.Name, c.Type)
		p.Exprs = append(p.Exprs, Computed{Column: out, X: x})
		w.Query.Output = append(w.Query.Output, Output{Name: c.Name, ID: out.ID, Type: c.Type})
	}
	return nil
}

// keysOf finds partition keys by name: those that the statement gives as constants, the others
// among the columns.
func (a *analyzer) keysOf(w *Write, dynamic []Column) func(string) (Expr, bool) {
	values := map[string]Expr{}
	for i, k := range w.Table.PartitionKeys {
		key := strings.ToLower(k.Name)
		if !w.Spec[i].Set {
			c := dynamic[0]
			dynamic = dynamic[1:]
			values[key] = convert(&Ref{ID: c.ID, Name: c.Name, T: c.Type}, k.Type)
			continue
		}
		v, ok := hivetype.ParseValue(w.Spec[i].Value, k.Type)
		if !ok {
			v = nil
		}
		values[key] = &Const{Value: v, T: k.Type}
	}
	return func(name string) (Expr, bool) {
		x, ok := values[strings.ToLower(name)]
		return x, ok
	}
}
