package analysis

import (
	"slices"
	"strconv"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
)

// grouping turns expressions over the rows of a group into expressions over the columns of the
// Aggregate that makes the groups.
type grouping struct {
	a     *analyzer
	agg   *Aggregate
	byKey map[int]Column // of keys and aggregates
	input *idSet         // columns that no longer exist above
	items []item         // of the SELECT list, as written
	err   error
}

// group plans GROUP BY and HAVING, if the block has them or aggregates, and rewrites its items
// and the sort keys.
func (b *block) group(keys []SortKey) error {
	having, err := b.having()
	if err != nil {
		return err
	}
	if b.qualify, err = b.qualifyCondition(); err != nil {
		return err
	}
	if b.sel.GroupBy == nil && !b.aggregates(keys, having) {
		if having != nil {
			return failf(b.sel.Having, 0, "HAVING specified without GROUP BY")
		}
		return nil
	}
	g := &grouping{a: b.a, agg: &Aggregate{Input: b.rel}, byKey: map[int]Column{}, input: idsOf(b.rel)}
	g.items = slices.Clone(b.items)
	if b.sel.GroupBy != nil {
		if err := b.groupKeys(g); err != nil {
			return err
		}
		if err := b.groupingSettings(len(g.agg.Sets)); err != nil {
			return err
		}
	}
	for i := range b.items {
		b.items[i].x = g.rewrite(b.items[i].x)
	}
	mapKeys(keys, g.rewrite)
	having = mapOptional(having, g.rewrite)
	b.qualify = mapOptional(b.qualify, g.rewrite)
	if g.err != nil {
		return g.err
	}
	b.rel = g.agg
	if having != nil {
		b.rel = &Filter{Input: b.rel, Cond: having}
	}
	return nil
}

func (b *block) having() (Expr, error) {
	if b.sel.Having == nil {
		return nil, nil
	}
	r := b.resolver("")
	r.inWindow = true
	r.after = b.named(false)
	b.sc.groups = true
	defer func() { b.sc.groups = false }()
	return r.condition(b.sel.Having)
}

// qualifyCondition resolves QUALIFY, which may have what SELECT may have, and its aliases.
func (b *block) qualifyCondition() (Expr, error) {
	if b.sel.Qualify == nil {
		return nil, nil
	}
	r := b.resolver("")
	r.after = b.named(false)
	return r.condition(b.sel.Qualify)
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
	visit(b.qualify, look)
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

// groupingSettings refuses several groupings at once under settings with which Hive cannot make them.
func (b *block) groupingSettings(sets int) error {
	if sets == 0 {
		return nil
	}
	env := b.a.env
	if env.setting("hive.map.aggr", "true") == "false" {
		return failf(b.sel.GroupBy, codeGroupingNoMap, "Grouping sets aggregations (with rollups or cubes) are not allowed if map-side "+
			" aggregation is turned off. Set hive.map.aggr=true if you want to use grouping sets")
	}
	most, err := strconv.Atoi(env.setting("hive.new.job.grouping.set.cardinality", "30"))
	if err == nil && sets > most && env.setting("hive.groupby.skewindata", "false") == "true" {
		return failf(b.sel.GroupBy, codeGroupingSkew, "An additional MR job is introduced since the number of rows created per input row "+
			"due to grouping sets is more than hive.new.job.grouping.set.cardinality. There is no need to handle skew separately. "+
			"set hive.groupby.skewindata to false. The number of rows per input row due to grouping sets is %d", sets)
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
		case *windowCall:
			return g.window(x), true
		case *Ref:
			if g.input.has(x.ID) && g.err == nil {
				g.err = g.notInGroupBy(x)
			}
		}
		return nil, false
	})
}

// window rewrites a window function. A column in its OVER that is not grouped by may be the name of an
// item of the SELECT list.
func (g *grouping) window(x *windowCall) Expr {
	y := *x
	y.args = make([]Expr, len(x.args))
	for i, arg := range x.args {
		y.args[i] = g.rewrite(arg)
	}
	y.partitionBy = make([]Expr, len(x.partitionBy))
	for i, p := range x.partitionBy {
		y.partitionBy[i] = g.rewrite(g.meant(p))
	}
	y.orderBy = slices.Clone(x.orderBy)
	mapKeys(y.orderBy, func(k Expr) Expr { return g.rewrite(g.meant(k)) })
	return &y
}

// meant is the item of the SELECT list that a column has the name of, where the column itself is not to
// be had, and the item is no window function.
func (g *grouping) meant(x Expr) Expr {
	ref, ok := x.(*Ref)
	if !ok || !g.input.has(ref.ID) || g.byKey[g.a.key(x)].ID != 0 {
		return x
	}
	for _, it := range g.items {
		if it.explicit && strings.EqualFold(it.name, ref.Name) && !hasWindow(it.x) {
			return it.x
		}
	}
	return x
}

func hasWindow(x Expr) bool {
	found := false
	visit(x, func(x Expr) bool {
		_, w := x.(*windowCall)
		found = found || w
		return !found
	})
	return found
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
