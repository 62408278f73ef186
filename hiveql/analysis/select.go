package analysis

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
)

// block is one SELECT while it is planned.
type block struct {
	a     *analyzer
	sel   *syntax.Select
	sc    *scope
	ctes  *cteScope
	rel   Rel
	items []item
	// qualify is QUALIFY, once group has resolved it.
	qualify Expr
}

// item is one column of a SELECT list.
type item struct {
	name     string
	explicit bool   // named with AS
	star     bool   // one of those that * stands for
	table    string // as in result.tables
	x        Expr
}

// source analyzes FROM and WHERE, the rows that a block begins with.
func (b *block) source(outer *scope) (err error) {
	if b.rel, b.sc, err = b.a.from(b.sel.From, outer, b.ctes); err != nil || b.sel.Where == nil {
		return err
	}
	cond, err := b.resolver("WHERE").condition(b.sel.Where)
	if err != nil {
		return b.aliasInWhere(err)
	}
	b.rel = &Filter{Input: b.rel, Cond: cond}
	return nil
}

// aliasInWhere says of a column of WHERE that is not there that it is an alias of the SELECT list, if so.
func (b *block) aliasInWhere(err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Code != codeNoAliasOrColumn {
		return err
	}
	syntax.Exprs(b.sel.Where, func(x syntax.Expr) {
		name, ok := x.(*syntax.Name)
		if !ok || x.Pos() != e.At {
			return
		}
		for _, it := range b.sel.Items {
			if slices.ContainsFunc(it.Aliases, func(a syntax.Ident) bool { return strings.EqualFold(a.Name, name.Ident.Name) }) {
				e.Hint = "WHERE does not know the names that the SELECT list gives; use QUALIFY, or WHERE around a subquery"
			}
		}
	})
	return err
}

// selectBlock plans one SELECT and the ORDER BY and DISTRIBUTE BY that belong to it.
func (a *analyzer) selectBlock(s *syntax.Select, order []syntax.SortItem, distribute []syntax.Expr, outer *scope, ctes *cteScope) (result, error) {
	if s.Transform != nil {
		return a.transform(s, order, outer, ctes)
	}
	b := &block{a: a, sel: s, ctes: ctes}
	if err := b.source(outer); err != nil {
		return result{}, err
	}
	if err := b.selectItems(); err != nil {
		return result{}, err
	}
	keys, err := b.orderKeys(order)
	if err != nil {
		return result{}, err
	}
	for _, x := range distribute {
		if _, err := b.orderKeys([]syntax.SortItem{{X: x}}); err != nil {
			return result{}, err
		}
	}
	if err := b.group(keys); err != nil {
		return result{}, err
	}
	return b.finish(keys)
}

// resolver resolves the expressions of a clause; place is its name where it takes no
// aggregates.
func (b *block) resolver(place string) *resolver {
	return &resolver{a: b.a, sc: b.sc, ctes: b.ctes, place: place, windows: b.sel.Windows}
}

func (b *block) selectItems() error {
	r := b.resolver("")
	windows := 0 // window functions of the items before
	last := b.lastWindow(r)
	for i, it := range b.sel.Items {
		if i > 0 {
			windows += countWindows(b.sel.Items[i-1].X)
		}
		if star, ok := it.X.(*syntax.Star); ok {
			if err := b.star(star); err != nil {
				return err
			}
			continue
		}
		if pattern, table, ok := b.columnPattern(it); ok {
			if err := b.matching(pattern, table); err != nil {
				return err
			}
			continue
		}
		if call, ok := it.X.(*syntax.Call); ok && isTableFunction(call) {
			if err := b.tableFunction(call, it.Aliases); err != nil {
				return err
			}
			continue
		}
		x, err := r.expr(it.X)
		if err != nil {
			return err
		}
		switch len(it.Aliases) {
		case 0:
			name := impliedName(it.X, i)
			if w, ok := it.X.(*syntax.Call); ok && w.Over != nil && !b.sel.Distinct && r.windowKey(w.Over) == last {
				name = strings.ToLower(w.Func.Name) + "_window_" + strconv.Itoa(windows)
			}
			b.spellName(it.X, name, i)
			b.items = append(b.items, item{name: name, x: x, table: b.tableOf(it.X)})
		case 1:
			b.items = append(b.items, item{name: strings.ToLower(it.Aliases[0].Name), explicit: true, x: x})
		default:
			return failf(it, codeTableFunctionAs, "only a function that makes several columns takes several aliases")
		}
	}
	return nil
}

// tableOf is the alias in the name of a column that was written with it.
func (b *block) tableOf(e syntax.Expr) string {
	dot, ok := e.(*syntax.Dot)
	if !ok {
		return ""
	}
	name, ok := dot.X.(*syntax.Name)
	if !ok {
		return ""
	}
	if s := b.sc.called(name.Ident.Name); s != nil {
		return s.alias
	}
	return ""
}

// lastWindow is the key of the last of the windows in the SELECT list that differ in what they
// partition or order by. Hive computes them one after the other, and only the functions of this one
// keep the names that it gives them.
func (b *block) lastWindow(r *resolver) string {
	var keys []string
	for _, it := range b.sel.Items {
		syntax.Inspect(it.X, func(x syntax.Node) bool {
			if c, ok := x.(*syntax.Call); ok && c.Over != nil {
				if key := r.windowKey(c.Over); !slices.Contains(keys, key) {
					keys = append(keys, key)
				}
			}
			return true
		})
	}
	if len(keys) == 0 {
		return ""
	}
	return keys[len(keys)-1]
}

// windowKey is what a window partitions and orders by, as text. Without an order it is that of the
// partitions.
func (r *resolver) windowKey(over *syntax.Window) string {
	w, err := r.windowOf(over, 0)
	if err != nil {
		return "" // which is reported where the function is resolved
	}
	var partition, order []string
	for _, x := range w.PartitionBy {
		partition = append(partition, strings.ToLower(written(x)))
	}
	for _, o := range w.OrderBy {
		order = append(order, fmt.Sprintf("%s %v %v", strings.ToLower(written(o.X)), o.Desc, o.Nulls))
	}
	if order == nil {
		for _, p := range partition {
			order = append(order, p+" false ")
		}
	}
	return strings.Join(partition, ",") + "|" + strings.Join(order, ",")
}

// countWindows counts the functions with OVER in an expression.
func countWindows(e syntax.Expr) int {
	n := 0
	syntax.Inspect(e, func(x syntax.Node) bool {
		if c, ok := x.(*syntax.Call); ok && c.Over != nil {
			n++
		}
		return true
	})
	return n
}

// impliedName is the name of a column without an alias: that of the column or field it is, or
// _c and its place.
func impliedName(e syntax.Expr, i int) string {
	switch e := e.(type) {
	case *syntax.Name:
		return strings.ToLower(e.Ident.Name)
	case *syntax.Dot:
		return strings.ToLower(e.Field.Name)
	}
	return "_c" + strconv.Itoa(i)
}

func (b *block) star(star *syntax.Star) error {
	cols, err := b.starColumns(star)
	if err == nil {
		b.putStar(star, cols)
	}
	return err
}

// starColumns are the columns that a * stands for.
func (b *block) starColumns(star *syntax.Star) ([]Column, error) {
	if len(star.Qualifier) == 0 {
		cols := b.sc.all()
		if len(cols) == 0 && len(b.sel.From) == 0 {
			return nil, failf(star, codeNoColumn, "Invalid column reference '*': there is no FROM")
		}
		return cols, nil
	}
	s := b.sc.called(star.Qualifier[0].Name)
	if len(star.Qualifier) == 2 {
		s = b.sc.qualifiedAs(star.Qualifier[0].Name, star.Qualifier[1].Name)
	}
	if s == nil || len(star.Qualifier) > 2 {
		e := failf(star, codeNoAlias, "Invalid table alias %s", near(star.Qualifier[0].Name))
		var aliases []string
		for _, s := range b.sc.sources {
			aliases = append(aliases, s.alias)
		}
		e.Hint = Suggest(star.Qualifier[0].Name, aliases)
		return nil, e
	}
	return s.cols, nil
}

func (b *block) putStar(star *syntax.Star, cols []Column) {
	b.spellStar(star, cols)
	for _, c := range cols {
		ref := &Ref{ID: c.ID, Name: c.Name, T: c.Type}
		b.a.at[ref] = &syntax.Name{Span: star.Span, Ident: syntax.Ident{Span: star.Span, Name: c.Name}}
		b.items = append(b.items, item{name: c.Name, star: true, x: ref, table: b.sc.aliasOf(c)})
	}
}

func isTableFunction(c *syntax.Call) bool {
	f, ok := Lookup(c.Func.Name)
	return ok && f.Kind == TableFunction && c.Over == nil
}

// tableFunction plans SELECT explode(x): a lateral view whose columns are the result.
func (b *block) tableFunction(c *syntax.Call, aliases []syntax.Ident) error {
	if len(b.sel.Items) > 1 {
		e := failf(c, codeTableFunctionAlso, "Only a single expression in the SELECT clause is supported with UDTF's")
		e.Hint = "use FROM ... LATERAL VIEW " + strings.ToLower(c.Func.Name) + "(...) alias AS column"
		return e
	}
	l, err := b.resolver("a table function").tableFunction(c, aliases)
	if err != nil {
		return err
	}
	l.Input = b.rel
	b.rel = l
	for _, c := range l.Cols {
		b.items = append(b.items, item{name: c.Name, explicit: true, x: &Ref{ID: c.ID, Name: c.Name, T: c.Type}})
	}
	return nil
}

// named finds what a name means as a column of the result. Columns without AS count only where
// implied is set. A name that several different columns have means none of them.
func (b *block) named(implied bool) func(string) (Expr, bool) {
	return func(name string) (Expr, bool) {
		var found Expr
		for _, it := range b.items {
			if !strings.EqualFold(it.name, name) || !(it.explicit || implied) {
				continue
			}
			if found != nil && b.a.key(found) != b.a.key(it.x) {
				return nil, false
			}
			found = it.x
		}
		return found, found != nil
	}
}

// orderKeys resolves ORDER BY: the result's columns by number or name, then what FROM gives.
func (b *block) orderKeys(order []syntax.SortItem) ([]SortKey, error) {
	r := b.resolver("")
	r.before = b.named(true)
	var keys []SortKey
	for _, o := range order {
		n, err := b.a.position(o.X, len(b.items), codeOrderByPosition)
		if err != nil {
			return nil, err
		}
		var x Expr
		if n > 0 {
			x = b.items[n-1].x
		} else if x, err = r.expr(o.X); err != nil {
			return nil, err
		}
		keys = append(keys, b.a.sortKey(x, o))
	}
	return keys, nil
}

// finish computes the window functions, then the columns of the result, and orders them.
func (b *block) finish(keys []SortKey) (result, error) {
	direct := readsOneTable(b.rel)
	if b.qualify = b.windows(keys, b.qualify); b.qualify != nil {
		b.rel = &Filter{Input: b.rel, Cond: b.qualify}
	}
	p := &Project{Input: b.rel}
	byKey := map[int]Column{}
	r := result{starred: map[int]bool{}, tables: map[int]string{}, casts: map[int]string{}}
	for _, it := range b.items {
		c := b.a.column(it.name, it.x.Type())
		if k := b.a.key(it.x); byKey[k].ID == 0 {
			byKey[k] = c
		}
		p.Exprs = append(p.Exprs, Computed{Column: c, X: it.x})
		r.cols = append(r.cols, c)
		if it.star {
			r.starred[c.ID] = true
		}
		if it.table != "" {
			r.tables[c.ID] = it.table
		}
		if of := castOf(it.x); of != "" && direct && !it.explicit {
			r.casts[c.ID] = of
		}
	}
	r.rel = p
	if b.sel.Distinct {
		r.rel = &Distinct{Input: p}
	}
	if len(keys) == 0 {
		return r, nil
	}
	s := &Sort{Input: r.rel, Keys: keys}
	for i := range keys {
		x, err := b.sortColumn(p, byKey, keys[i].X)
		if err != nil {
			return r, err
		}
		keys[i].X = x
	}
	r.rel = s
	return r, nil
}

// readsOneTable reports whether rows are those of one table, of which some may be left out.
func readsOneTable(r Rel) bool {
	if f, ok := r.(*Filter); ok {
		r = f.Input
	}
	_, ok := r.(*Scan)
	return ok
}

// castOf is the column that an expression is a conversion of, or "".
func castOf(x Expr) string {
	if c, ok := x.(*Cast); ok {
		if ref, ok := c.X.(*Ref); ok {
			return ref.Name
		}
	}
	return ""
}

// sortColumn is the sort key as seen above the projection, which computes it if needed.
func (b *block) sortColumn(p *Project, byKey map[int]Column, x Expr) (Expr, error) {
	if _, constant := x.(*Const); constant {
		return x, nil
	}
	if !b.sel.Distinct {
		k := b.a.key(x)
		if byKey[k].ID == 0 {
			byKey[k] = b.a.column("_sort", x.Type())
			p.Exprs = append(p.Exprs, Computed{Column: byKey[k], X: x})
		}
		c := byKey[k]
		return &Ref{ID: c.ID, Name: c.Name, T: c.Type}, nil
	}
	input := idsOf(b.rel)
	var bad *Error
	out := replace(x, func(x Expr) (Expr, bool) {
		if c := byKey[b.a.key(x)]; c.ID != 0 {
			return &Ref{ID: c.ID, Name: c.Name, T: c.Type}, true
		}
		if ref, ok := x.(*Ref); ok && input.has(ref.ID) && bad == nil {
			bad = &Error{Code: codeNoColumn, Msg: "Invalid column reference " + near(ref.Name) + " in ORDER BY",
				Hint: "with SELECT DISTINCT only columns of the result can order it"}
			if e := b.a.at[ref]; e != nil {
				bad.At = e.Pos()
			}
		}
		return nil, false
	})
	if bad != nil {
		return nil, bad
	}
	return out, nil
}

// windows makes the relation that computes the window functions of the items, the sort keys
// and QUALIFY, and puts its columns in their place.
func (b *block) windows(keys []SortKey, qualify Expr) Expr {
	inner := &Window{Input: b.rel} // of the functions within the arguments of others
	w := &Window{Input: b.rel}
	byKey := map[int]Column{}
	taken := func(to *Window, c *windowCall) Expr {
		k := b.a.key(c)
		if byKey[k].ID == 0 {
			byKey[k] = b.a.column(c.fn.Name, c.t)
			to.Funcs = append(to.Funcs, WindowColumn{
				Column: byKey[k], Func: c.fn, Args: c.args, Distinct: c.distinct, IgnoreNulls: c.ignoreNulls,
				PartitionBy: c.partitionBy, OrderBy: slices.Clone(c.orderBy), Frame: c.frame,
			})
		}
		col := byKey[k]
		return &Ref{ID: col.ID, Name: col.Name, T: col.Type}
	}
	nested := func(x Expr) Expr {
		return replace(x, func(x Expr) (Expr, bool) {
			if c, ok := x.(*windowCall); ok {
				return taken(inner, c), true
			}
			return nil, false
		})
	}
	extract := func(x Expr) Expr {
		return replace(x, func(x Expr) (Expr, bool) {
			c, ok := x.(*windowCall)
			if !ok {
				return nil, false
			}
			for i, arg := range c.args {
				c.args[i] = nested(arg)
			}
			return taken(w, c), true
		})
	}
	for i := range b.items {
		b.items[i].x = extract(b.items[i].x)
	}
	mapKeys(keys, extract)
	qualify = mapOptional(qualify, extract)
	if len(inner.Funcs) > 0 {
		w.Input = inner
	}
	if len(w.Funcs) > 0 {
		b.rel = w
	}
	return qualify
}
