package analysis

import (
	"slices"

	"github.com/skepdata/skep/hiveql/syntax"
)

// grouping turns expressions over the rows of a group into expressions over the columns of the
// Aggregate that makes the groups.
type grouping struct {
	a     *analyzer
	agg   *Aggregate
	byKey map[int]Column // of keys and aggregates
	input map[int]bool   // columns that no longer exist above
	err   error
}

// group plans GROUP BY and HAVING, if the block has them or aggregates, and rewrites its items
// and the sort keys.
func (b *block) group(keys []SortKey) error {
	having, err := b.having()
	if err != nil {
		return err
	}
	if b.sel.GroupBy == nil && !b.aggregates(keys, having) {
		if having != nil {
			return failf(b.sel.Having, 0, "HAVING specified without GROUP BY")
		}
		return nil
	}
	g := &grouping{a: b.a, agg: &Aggregate{Input: b.rel}, byKey: map[int]Column{}, input: ids(b.rel.Columns())}
	if b.sel.GroupBy != nil {
		if err := b.groupKeys(g); err != nil {
			return err
		}
	}
	for i := range b.items {
		b.items[i].x = g.rewrite(b.items[i].x)
	}
	mapKeys(keys, g.rewrite)
	having = mapOptional(having, g.rewrite)
	if b.sel.Qualify != nil && g.err == nil {
		g.err = failIfGrouped(b.sel.Qualify)
	}
	if g.err != nil {
		return g.err
	}
	b.rel = g.agg
	if having != nil {
		b.rel = &Filter{Input: b.rel, Cond: having}
	}
	return nil
}

func failIfGrouped(n syntax.Node) error { return unsupported(n, "QUALIFY with GROUP BY") }

func (b *block) having() (Expr, error) {
	if b.sel.Having == nil {
		return nil, nil
	}
	r := b.resolver("")
	r.inWindow = true
	r.after = b.named(false)
	return r.condition(b.sel.Having)
}

// aggregates reports whether there is an aggregate function anywhere.
func (b *block) aggregates(keys []SortKey, having Expr) bool {
	found := false
	look := func(x Expr) bool {
		switch x.(type) {
		case *aggregateCall, *groupingCall:
			found = true
		}
		return !found
	}
	for _, it := range b.items {
		visit(it.x, look)
	}
	for _, k := range keys {
		visit(k.X, look)
	}
	visit(having, look)
	return found
}

// groupKeys resolves GROUP BY: expressions over the input, aliases and numbers of the SELECT
// list.
func (b *block) groupKeys(g *grouping) error {
	r := b.resolver("GROUP BY")
	r.after = b.named(false)
	for _, e := range b.sel.GroupBy.Exprs {
		if _, err := b.groupKey(g, r, e); err != nil {
			return err
		}
	}
	n := len(g.agg.Keys)
	if most := 64; b.sel.GroupBy.Kind != "" && len(b.sel.GroupBy.Exprs) > most { // the bits of grouping__id
		return failf(b.sel.GroupBy, codeGroupingSets, "Grouping sets size cannot be greater than %d", most)
	}
	switch b.sel.GroupBy.Kind {
	case "ROLLUP":
		for i := n; i >= 0; i-- {
			g.agg.Sets = append(g.agg.Sets, upTo(i))
		}
	case "CUBE":
		const most = 12
		if n > most {
			return failf(b.sel.GroupBy, 0, "CUBE of %d expressions makes too many groupings; the limit is %d", n, most)
		}
		for bits := range 1 << n {
			set := []int{}
			for i := range n {
				if bits&(1<<(n-1-i)) == 0 {
					set = append(set, i)
				}
			}
			g.agg.Sets = append(g.agg.Sets, set)
		}
	case "GROUPING SETS":
		return b.groupingSets(g, r)
	}
	return nil
}

func upTo(n int) []int {
	set := make([]int, n)
	for i := range set {
		set[i] = i
	}
	return set
}

func (b *block) groupingSets(g *grouping, r *resolver) error {
	declared := len(g.agg.Keys)
	for _, exprs := range b.sel.GroupBy.Sets {
		set := []int{}
		for _, e := range exprs {
			i, err := b.groupKey(g, r, e)
			if err != nil {
				return err
			}
			if i >= declared && declared > 0 {
				return failf(e, codeSetNotInGroupBy, "Grouping sets expression is not in GROUP BY key %s", near(written(e)))
			}
			if !slices.Contains(set, i) {
				set = append(set, i)
			}
		}
		slices.Sort(set)
		if !slices.ContainsFunc(g.agg.Sets, func(other []int) bool { return slices.Equal(set, other) }) {
			g.agg.Sets = append(g.agg.Sets, set) // a set named twice counts once
		}
	}
	return nil
}

// groupKey adds one key, unless it is there, and returns its index.
func (b *block) groupKey(g *grouping, r *resolver, e syntax.Expr) (int, error) {
	n, err := b.a.position(e, len(b.items), codeGroupByPosition)
	if err != nil {
		return 0, err
	}
	var x Expr
	name := impliedName(e, len(g.agg.Keys))
	if n > 0 {
		x, name = b.items[n-1].x, b.items[n-1].name
	} else if x, err = r.expr(e); err != nil {
		return 0, err
	}
	aggregate := false
	visit(x, func(x Expr) bool {
		switch x.(type) {
		case *aggregateCall, *windowCall:
			aggregate = true
		}
		return !aggregate
	})
	if aggregate {
		return 0, failf(e, codeAggregate, "Not yet supported place for UDAF %s: it is in GROUP BY", near(written(e)))
	}
	k := b.a.key(x)
	for i, old := range g.agg.Keys {
		if b.a.key(old.X) == k {
			return i, nil
		}
	}
	c := b.a.column(name, x.Type())
	g.byKey[k] = c
	g.agg.Keys = append(g.agg.Keys, Computed{Column: c, X: x})
	return len(g.agg.Keys) - 1, nil
}

// rewrite puts the columns of the Aggregate in the place of keys and aggregates. A column of
// the input that is in neither is an error, kept in g.err.
func (g *grouping) rewrite(x Expr) Expr {
	return replace(x, func(x Expr) (Expr, bool) {
		k := g.a.key(x)
		if c := g.byKey[k]; c.ID != 0 {
			return &Ref{ID: c.ID, Name: c.Name, T: c.Type}, true
		}
		switch x := x.(type) {
		case *aggregateCall:
			c := g.a.column(x.fn.Name, x.t)
			g.byKey[k] = c
			g.agg.Aggs = append(g.agg.Aggs, AggregateColumn{
				Column: c, Func: x.fn, Args: x.args, Distinct: x.distinct, Filter: x.filter,
			})
			return &Ref{ID: c.ID, Name: c.Name, T: c.Type}, true
		case *groupingCall:
			return g.groupingID(x), true
		case *Ref:
			if g.input[x.ID] && g.err == nil {
				g.err = g.notInGroupBy(x)
			}
		}
		return nil, false
	})
}

func (g *grouping) notInGroupBy(x *Ref) error {
	e := &Error{
		Code: codeNotInGroupBy, Msg: "Expression not in GROUP BY key " + near(x.Name),
		Hint: "add it to GROUP BY, or take one of its values with max(" + x.Name + ")",
	}
	for _, k := range g.agg.Keys {
		if c, ok := k.X.(*Const); ok && c.T.Integer() {
			e.Hint = "a number in GROUP BY is a constant; SET hive.groupby.position.alias=true makes it the number of a column"
		}
	}
	if at := g.a.at[x]; at != nil {
		e.At = at.Pos()
		e.Msg = "Expression not in GROUP BY key " + near(written(at))
	}
	return e
}

// groupingID is GROUPING__ID, whose bits say which keys a row is not grouped by, the first key
// being the highest, or the bits of grouping's arguments.
func (g *grouping) groupingID(x *groupingCall) Expr {
	if g.agg.Sets == nil {
		return &Const{Value: int64(0), T: bigint}
	}
	if g.agg.GroupingID == nil {
		c := g.a.column("grouping__id", bigint)
		g.agg.GroupingID = &c
	}
	c := g.agg.GroupingID
	id := &Ref{ID: c.ID, Name: c.Name, T: c.Type}
	if x.args == nil {
		return id
	}
	number := func(n int) Expr { return &Const{Value: int64(n), T: bigint} }
	sum := number(0)
	for _, arg := range x.args {
		at := -1
		for i, k := range g.agg.Keys {
			if g.a.key(k.X) == g.a.key(arg) {
				at = i
			}
		}
		if at < 0 {
			if g.err == nil {
				g.err = &Error{Code: codeGroupingArgument, Msg: "Expression in GROUPING function not present in GROUP BY"}
			}
			return sum
		}
		shifted := &Call{Func: opIntDiv, Args: []Expr{id, number(1 << (len(g.agg.Keys) - 1 - at))}, T: bigint}
		bit := &Call{Func: opBitAnd, Args: []Expr{shifted, number(1)}, T: bigint}
		twice := &Call{Func: opMul, Args: []Expr{sum, number(2)}, T: bigint}
		sum = &Call{Func: opAdd, Args: []Expr{twice, bit}, T: bigint}
	}
	return sum
}
