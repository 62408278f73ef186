package analysis

import (
	"slices"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
)

// Reduction is a chance to leave out partitions of a scan, or row groups of its files, once more
// is known than the catalog says: the values that the other side of a join has, or a subquery.
//
//	SELECT ... FROM sales JOIN days ON sales.ds = days.ds WHERE days.holiday
//
// needs only the partitions of sales whose ds is one of the holidays. Whoever runs the plan may
// answer Asks and then Apply, or let Cond choose among row groups. Leaving that out changes nothing
// but the time that the query takes.
type Reduction struct {
	Scan *Scan
	Asks []*Ask
	cond Expr // over columns of the scan and answers
}

// Cond is a condition that the rows of the scan which matter meet, for MayHold. What was not
// answered may be anything.
func (r *Reduction) Cond() Expr { return r.cond }

// Divides reports whether the condition is likely to leave out some of the groups of rows that have
// these ranges of values, whatever the answers are: whether there is a column in it of which a
// value is found in less than half of them.
func (r *Reduction) Divides(groups []map[int]Range) bool {
	const probes = 32
	for id := range refs(r.cond).all() {
		looked, met := 0, 0
		for i := 0; i < len(groups); i += max(1, len(groups)/probes) {
			at := groups[i][id]
			if at.Min == nil || at.Max == nil {
				continue
			}
			ref := &Ref{ID: id, T: r.typeOf(id)}
			is := &Call{Func: opEq, Args: []Expr{ref, &Const{Value: at.Min, T: ref.T}}, T: boolean}
			for _, g := range groups {
				looked++
				if MayHold([]Expr{is}, g) {
					met++
				}
			}
		}
		if met < looked/2 {
			return true
		}
	}
	return false
}

// typeOf is the type of a column of the scan.
func (r *Reduction) typeOf(id int) hivetype.Type {
	for _, c := range r.Scan.Cols {
		if c.ID == id {
			return c.Type
		}
	}
	return hivetype.Type{}
}

// Ask is a part of the query that can be run alone, and whose rows are those that the query sees
// where both read the same files. Reductions may share it.
type Ask struct {
	Query  *Query // of one column
	Set    bool   // any number of values; otherwise one, or none, which is NULL
	known  bool
	values []hivetype.Value // in order, without NULL
}

// Answered reports whether there was an answer that can be used.
func (k *Ask) Answered() bool { return k.known }

// Answer says what an Ask's query returned. It keeps values.
func (k *Ask) Answer(values []hivetype.Value) {
	t := k.Query.Output[0].Type
	if k.Set {
		values = slices.DeleteFunc(values, func(v hivetype.Value) bool { return v == nil })
		slices.SortFunc(values, func(a, b hivetype.Value) int { return hivetype.Compare(a, b, t) })
	}
	k.values, k.known = values, k.Set || len(values) < 2
}

// Apply takes the partitions from the scan that cannot hold rows of the result. What was not
// answered may be anything.
func (r *Reduction) Apply() {
	s := r.Scan
	keys := keysOf(s)
	kept := []*metastore.Partition{}
	for _, p := range s.Partitions {
		if mayHold(s.Table, keys, p.Values, []Expr{r.cond}) {
			kept = append(kept, p)
		}
	}
	if len(kept) < len(s.Partitions) {
		s.Reduced = append(s.Reduced, Reduced{From: len(s.Partitions), By: f0(r.cond)})
		s.Partitions = kept
	}
}

// String is the table and the condition.
func (r *Reduction) String() string { return r.Scan.Table.TableName.String() + ": " + f0(r.cond) }

// member is a condition that is found on the way down: x is among the values of an Ask.
type member struct {
	x   Expr
	ask *Ask
}

// held stands for the value of an Ask.
type held struct{ ask *Ask }

func (*member) expr() {}
func (*held) expr()   {}

// Type is boolean.
func (*member) Type() hivetype.Type { return boolean }

// Type is that of the value.
func (h *held) Type() hivetype.Type { return h.ask.Query.Output[0].Type }

// evaluateAnswer computes a member or held.
func evaluateAnswer(x Expr, cols map[int]hivetype.Value) (hivetype.Value, bool) {
	if h, ok := x.(*held); ok {
		if len(h.ask.values) == 0 {
			return nil, h.ask.known
		}
		return h.ask.values[0], h.ask.known
	}
	m := x.(*member)
	v, ok := evaluate(m.x, cols)
	if !ok || v == nil || !m.ask.known {
		return nil, ok && m.ask.known
	}
	_, found := slices.BinarySearchFunc(m.ask.values, v, func(a, b hivetype.Value) int {
		return hivetype.Compare(a, b, m.x.Type())
	})
	return found, true
}

// findReductions goes down the plan once more, as choosePartitions does, with conditions that
// running a part of the query makes known.
func findReductions(a *analyzer, q *Query) error {
	a.asking = true
	a.descendAll(q, func(s *Scan, known []Expr) {
		keys := keysOf(s)
		for _, x := range over(known, idsOf(s)) {
			r := &Reduction{Scan: s, Asks: asksOf(x), cond: x}
			switch {
			case len(r.Asks) == 0:
			case !onlyKeys(x, keys):
				q.Narrowings = append(q.Narrowings, r)
			case len(s.Partitions) >= 2:
				q.Reductions = append(q.Reductions, r)
			}
		}
	})
	a.asking = false
	slices.SortStableFunc(q.Reductions, bySize)
	slices.SortStableFunc(q.Narrowings, bySize)
	return nil
}

// bySize puts what is answered by few scans first.
func bySize(x, y *Reduction) int {
	size := func(r *Reduction) int {
		n := 0
		for _, k := range r.Asks {
			n += len(k.Query.Scans(nil))
		}
		return n
	}
	return size(x) - size(y)
}

// keysOf is, by the IDs of their columns, which partition keys a scan puts out.
func keysOf(s *Scan) map[int]int {
	keys := map[int]int{}
	for _, c := range s.Cols {
		if c.Source == PartitionKey {
			keys[c.ID] = c.Index
		}
	}
	return keys
}

func asksOf(x Expr) []*Ask {
	var asks []*Ask
	visit(x, func(x Expr) bool {
		switch x := x.(type) {
		case *member:
			asks = append(asks, x.ask)
		case *held:
			asks = append(asks, x.ask)
		}
		return true
	})
	return asks
}

// answerable are conditions of a filter whose subqueries can be run alone, said with their
// answers.
func (a *analyzer) answerable(conds []Expr) []Expr {
	if !a.asking {
		return nil
	}
	var out []Expr
	for _, x := range conds {
		if in, ok := x.(*InQuery); ok && !in.Not && repeatable(in.X) && alone(in.Query) {
			c := in.Query.Columns()[0]
			out = append(out, &member{x: in.X, ask: a.ask(in.Query, &Ref{ID: c.ID, Name: c.Name, T: c.Type}, true)})
			continue
		}
		y := replace(x, func(x Expr) (Expr, bool) {
			s, ok := x.(*Scalar)
			if !ok || !alone(s.Query) {
				return nil, false
			}
			c := s.Query.Columns()[0]
			return &held{ask: a.ask(s.Query, &Ref{ID: c.ID, Name: c.Name, T: c.Type}, false)}, true
		})
		if len(asksOf(y)) > 0 {
			out = append(out, y)
		}
	}
	return out
}

// members says of one side of a join what its equalities say, given that only rows of the other
// side that meet known matter: that a value is among the values of the other side.
func (a *analyzer) members(on []Expr, side *idSet, other Rel, known []Expr) []Expr {
	if !a.asking {
		return nil
	}
	plain := slices.DeleteFunc(slices.Clone(known), func(x Expr) bool { return len(asksOf(x)) > 0 })
	inner, chosen := other, selective(other)
	if len(plain) > 0 {
		other = &Filter{Input: other, Cond: all(plain)}
	}
	if a.relations > mostAsking || !alone(other) {
		return nil
	}
	there := idsOf(inner)
	var out []Expr
	for _, x := range on {
		c, ok := x.(*Call)
		if !ok || c.Func != opEq || !repeatable(x) {
			continue
		}
		for i := range c.Args {
			here, from := c.Args[i], c.Args[1-i]
			used := refs(from)
			if refs(here).count() == 0 || !within(here, side) || used.count() == 0 || !within(from, there) {
				continue
			}
			// Conditions on the value itself have been carried over already.
			more := func(x Expr) bool { return !within(x, used) }
			if chosen || slices.ContainsFunc(plain, more) {
				out = append(out, &member{x: here, ask: a.ask(other, from, true)})
			}
		}
	}
	return out
}

// mostAsking is the size of a plan above which nothing is asked about its joins.
const mostAsking = 500

func all(conds []Expr) Expr {
	x := conds[0]
	for _, y := range conds[1:] {
		x = both(x, y)
	}
	return x
}

// ask makes the query for the values that x has in r.
func (a *analyzer) ask(r Rel, x Expr, set bool) *Ask {
	c := a.column("_c0", x.Type())
	var root Rel = &Project{Input: r, Exprs: []Computed{{Column: c, X: x}}}
	if set {
		root = &Distinct{Input: root}
	}
	return &Ask{Set: set, Query: &Query{
		Root: root, Output: []Output{{Name: c.Name, ID: c.ID, Type: c.Type}}, Shared: usedBy(root),
	}}
}

// selective reports whether a relation has fewer rows than its tables, so that asking for its
// values may be worth while.
func selective(r Rel) bool {
	switch r := r.(type) {
	case *Filter, *Values:
		return true
	case *Aggregate:
		if len(r.Keys) == 0 {
			return true
		}
	case *Join:
		if r.Kind == SemiJoin || r.Kind == AntiJoin {
			return true
		}
	case *Use:
		return selective(r.Of.Rel)
	}
	return slices.ContainsFunc(inputs(r), selective)
}

// alone reports whether a relation can be run by itself, and gives the same rows when it is run
// twice.
func alone(r Rel) bool {
	made, used := &idSet{}, &idSet{}
	if !steady(r, made, used) {
		return false
	}
	for id := range used.all() {
		if !made.has(id) { // of a relation around it
			return false
		}
	}
	return true
}

// steady collects the columns that are made and used below, and reports whether all of it depends
// on nothing but the data.
func steady(r Rel, made, used *idSet) bool {
	switch r := r.(type) {
	case *Scan, *Filter, *Project, *Join, *SetOp, *Distinct, *Values, *OneRow, *Sort:
	case *Aggregate:
		for _, g := range r.Aggs {
			if !slices.Contains([]string{"min", "max", "count"}, g.Func.Name) {
				return false
			}
		}
	case *Use:
		if !steady(r.Of.Rel, made, used) {
			return false
		}
	default: // of Limit, windows and programs, nobody knows which rows they choose
		return false
	}
	addIDs(r, made)
	ok := true
	mapOwn(r, func(x Expr) Expr {
		visit(x, func(x Expr) bool {
			switch x := x.(type) {
			case *Ref:
				used.add(x.ID)
			case *Call:
				ok = ok && !x.Func.Volatile
			}
			if q := queryOf(x); q != nil {
				ok = ok && steady(*q, made, used)
			}
			return ok
		})
		return x
	})
	for _, in := range inputs(r) {
		ok = ok && steady(in, made, used)
	}
	return ok
}
