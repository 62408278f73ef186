package analysis

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
)

// call resolves a function call.
func (r *resolver) call(e *syntax.Call) (Expr, error) {
	name := strings.ToLower(e.Func.Name)
	if e.Database != nil {
		return nil, r.noFunction(e, e.Database.Name+"."+e.Func.Name)
	}
	if x := r.a.env.constant(name, e); x != nil {
		return x, nil
	}
	switch name {
	case "grouping":
		return r.grouping(e)
	case "extract":
		if part := extractPart(e); part != "" {
			return r.call(&syntax.Call{Span: e.Span, Func: syntax.Ident{Name: part}, Args: e.Args[1:]})
		}
	}
	fn, ok := Lookup(name)
	if !ok {
		return r.otherCall(e, name)
	}
	switch {
	case fn.Kind == TableFunction:
		err := failf(e, codeTableFunction, "UDTF's are not supported outside the SELECT clause, nor nested in expressions")
		err.Hint = "use FROM ... LATERAL VIEW " + name + "(...) alias AS column"
		return nil, err
	case e.Over != nil:
		return r.windowCall(e, fn)
	case fn.Kind == AggregateFunction:
		return r.aggregateCall(e, fn)
	case fn.Kind == WindowFunction && len(e.WithinGroup) > 0:
		return r.hypothetical(e, fn)
	case r.over != nil && (fn.Name == "lag" || fn.Name == "lead"):
		return r.nestedWindow(e, fn)
	case fn.Kind == WindowFunction:
		return nil, failf(e, codeNoOver, "Missing over clause for function : %s", name)
	}
	if err := plainCall(e); err != nil {
		return nil, err
	}
	args, err := r.exprs(r.expandStars(e.Args, false))
	if err != nil {
		return nil, err
	}
	x, err := r.a.bind(e, fn, codeArguments, args)
	if err == nil && slices.Contains(typeNames(), fn.Name) {
		return r.castAsked(e, args[0], x.Type())
	}
	if c, ok := x.(*Call); ok && err == nil {
		return r.a.env.byPattern(c), nil
	}
	return x, err
}

// expandStars puts all columns in the place of * among the arguments of a function, or of TRANSFORM. Of a
// table functions get no partition keys, as in Hive; TRANSFORM does.
func (r *resolver) expandStars(args []syntax.Expr, keys bool) []syntax.Expr {
	var out []syntax.Expr
	for _, arg := range args {
		star, ok := arg.(*syntax.Star)
		if !ok || len(star.Qualifier) > 1 {
			out = append(out, arg)
			continue
		}
		for _, s := range r.sc.sources {
			cols := s.visible()
			if len(star.Qualifier) == 1 {
				cols = s.cols
				if !strings.EqualFold(s.alias, star.Qualifier[0].Name) {
					continue
				}
			}
			for _, c := range cols {
				if !keys && s.isKey(c) {
					continue
				}
				name := syntax.Ident{Span: star.Span, Name: c.Name}
				var x syntax.Expr = &syntax.Name{Span: star.Span, Ident: name}
				if s.alias != "" {
					x = &syntax.Dot{Span: star.Span, X: &syntax.Name{Span: star.Span, Ident: syntax.Ident{Name: s.alias}}, Field: name}
				}
				out = append(out, x)
			}
		}
	}
	return out
}

// plainCall refuses what only aggregates may have.
func plainCall(e *syntax.Call) error {
	switch {
	case e.Distinct:
		return failf(e, codeArguments, "Wrong arguments %s: DISTINCT is for aggregate functions", near(e.Func.Name))
	case e.Filter != nil:
		return failf(e, codeArguments, "Wrong arguments %s: FILTER is for aggregate functions", near(e.Func.Name))
	case len(e.WithinGroup) > 0:
		return failf(e, codeArguments, "Wrong arguments %s: WITHIN GROUP is for aggregate functions", near(e.Func.Name))
	}
	return nil
}

// otherCall resolves names that are not in the catalogue: operators in the form of functions,
// and types, which convert.
func (r *resolver) otherCall(e *syntax.Call, name string) (Expr, error) {
	operators := map[string]*Function{
		"isnull": opIsNull, "isnotnull": opIsNotNull, "istrue": opIsTrue, "isfalse": opIsFalse,
		"isnottrue": opIsTrue, "isnotfalse": opIsFalse,
		"negative": opNeg, "mod": opMod, "like": opLike, "rlike": opRlike, "regexp": opRlike, "is_not_distinct_from": opSame,
	}
	conversions := map[string]string{
		"udftoboolean": "boolean", "udftobyte": "tinyint", "udftoshort": "smallint", "udftointeger": "int",
		"udftolong": "bigint", "udftofloat": "float", "udftodouble": "double", "udftostring": "string",
	}
	op, isOperator := operators[name]
	t, err := hivetype.Parse(cmp.Or(conversions[name], name))
	isType := err == nil && t.Primitive() && t.Kind != hivetype.Void
	want := 1
	if slices.Contains([]string{"mod", "like", "rlike", "regexp", "is_not_distinct_from"}, name) {
		want = 2
	}
	switch {
	case !isOperator && !isType:
		return nil, r.noFunction(e, e.Func.Name)
	case len(e.Args) != want:
		return nil, failf(e, codeArgumentCount, "Arguments length mismatch %s: %s takes %s, got %d",
			near(written(e)), name, plural(want), len(e.Args))
	case isOperator:
		x, err := r.apply(e, op, codeArguments, e.Args...)
		if err == nil && (name == "isnottrue" || name == "isnotfalse") {
			x = negateIf(true, x)
		}
		return x, err
	}
	x, err := r.expr(e.Args[0])
	if err != nil {
		return nil, err
	}
	return r.castAsked(e, x, t)
}

func (r *resolver) noFunction(e *syntax.Call, name string) error {
	if why := refused(name); why != "" {
		return unsupported(e, "the function "+strings.ToLower(name)+", which "+why+",")
	}
	err := failf(e, codeNoFunction, "Invalid function %s", near(name))
	var known []string
	for _, f := range Functions() {
		known = append(append(known, f.Name), f.Aliases...)
	}
	if err.Hint = Suggest(name, known); elsewhere(name) != "" {
		err.Hint = "in Hive it is " + elsewhere(name)
	}
	return err
}

// extractPart is the function that EXTRACT(unit FROM x) stands for.
func extractPart(e *syntax.Call) string {
	if len(e.Args) != 2 {
		return ""
	}
	unit, ok := e.Args[0].(*syntax.Literal)
	if !ok {
		return ""
	}
	switch part := strings.ToLower(unit.Value); part {
	case "year", "quarter", "month", "day", "hour", "minute", "second", "dayofweek":
		return part
	case "week":
		return "weekofyear"
	}
	return ""
}

// constant is the value of a function that is the same during a whole statement, or nil.
func (e Env) constant(name string, c *syntax.Call) Expr {
	if len(c.Args) > 0 || c.Over != nil {
		return nil
	}
	now := e.Now
	if now.IsZero() && name != "current_user" && name != "current_database" && name != "current_schema" && name != "current_catalog" &&
		name != "current_groups" && name != "current_authorizer" {
		return nil
	}
	clock := time.Date(now.Year(), now.Month(), now.Day(), now.Hour(), now.Minute(), now.Second(),
		now.Nanosecond()/1000*1000, time.UTC)
	switch name {
	case "current_date":
		return &Const{Value: clock.Truncate(24 * time.Hour), T: hivetype.Of(hivetype.Date)}
	case "current_timestamp":
		return &Const{Value: clock, T: hivetype.Of(hivetype.Timestamp)}
	case "unix_timestamp":
		return &Const{Value: now.Unix(), T: bigint}
	case "current_user", "logged_in_user", "user":
		return &Const{Value: e.User, T: text}
	case "current_database", "current_schema":
		return &Const{Value: e.database(), T: text}
	case "current_groups":
		c := &Const{T: hivetype.Type{Kind: hivetype.Array, Elem: &text}}
		if e.Groups != nil {
			groups := []any{}
			for _, g := range e.Groups() {
				groups = append(groups, g)
			}
			c.Value = groups
		}
		return c
	case "current_authorizer":
		return &Const{T: text} // there is none
	case "current_catalog":
		return &Const{Value: "hive", T: text}
	}
	return nil
}

// aggregateCall resolves an aggregate function over a group.
func (r *resolver) aggregateCall(e *syntax.Call, fn *Function) (Expr, error) {
	if r.place == "WHERE" && r.inside == "" && r.sc.outer != nil && r.sc.outer.groups {
		if x, ok := r.outerAggregate(e, fn); ok {
			return x, nil
		}
	}
	if r.place != "" || r.inside != "" {
		err := failf(e, codeAggregate, "Not yet supported place for UDAF %s", near(fn.Name))
		if r.place != "" {
			err.Hint = "aggregate functions stand in SELECT, HAVING and ORDER BY, not in " + r.place
		} else {
			err.Hint = "aggregate functions cannot stand within " + r.inside
		}
		return nil, err
	}
	in := *r
	in.inside = "another aggregate function"
	args, b, err := in.arguments(e, fn)
	if err != nil {
		return nil, err
	}
	c := &aggregateCall{fn: fn, args: args, distinct: e.Distinct, t: b.Result}
	if e.Filter != nil {
		if c.filter, err = in.condition(e.Filter); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// outerAggregate resolves an aggregate function in a subquery of HAVING that is one of the query around:
// of the columns that it takes, none is the subquery's own.
func (r *resolver) outerAggregate(e *syntax.Call, fn *Function) (Expr, bool) {
	in := *r
	in.place = ""
	x, err := in.aggregateCall(e, fn)
	if err != nil {
		return nil, false
	}
	own := map[int]bool{}
	for _, s := range r.sc.sources {
		for _, c := range append(slices.Clone(s.cols), s.virtual...) {
			own[c.ID] = true
		}
	}
	outer, inner := false, false
	visit(x, func(x Expr) bool {
		if ref, ok := x.(*Ref); ok {
			outer, inner = outer || !own[ref.ID], inner || own[ref.ID]
		}
		return true
	})
	return x, outer && !inner
}

// arguments resolves the arguments of an aggregate or window function; those of count(*) are
// none.
func (r *resolver) arguments(e *syntax.Call, fn *Function) ([]Expr, Binding, error) {
	list := e.Args
	if len(e.WithinGroup) > 0 {
		var err error
		if list, err = orderedSet(e, fn); err != nil {
			return nil, Binding{}, err
		}
	}
	if len(list) == 1 {
		if star, ok := list[0].(*syntax.Star); ok {
			if fn.Name == "count" && !e.Distinct && len(star.Qualifier) == 0 {
				list = nil
			}
		}
	}
	args, err := r.exprs(r.expandStars(list, false))
	if err != nil {
		return nil, Binding{}, err
	}
	b, err := bindTypes(e, fn, codeArguments, args)
	if err != nil {
		return nil, b, err
	}
	for i := range args {
		x := convert(args[i], b.Args[i])
		if fn.Name == "sum" && args[i].Type().Text() {
			x = zeroed(x, args[i])
		}
		args[i] = x
	}
	return args, b, nil
}

// zeroed is a number of text, and 0 of text that is none.
func zeroed(number, of Expr) Expr {
	isText := &Call{Func: opIsNotNull, Args: []Expr{of}, T: boolean}
	zero := &Case{Whens: []When{{Cond: isText, Then: &Const{Value: 0.0, T: double}}}, T: double}
	return calling("coalesce", double, number, zero)
}

// windowCall resolves a function with OVER.
func (r *resolver) windowCall(e *syntax.Call, fn *Function) (Expr, error) {
	switch {
	case fn.Kind == ScalarFunction:
		return nil, failf(e, codeArguments, "Wrong arguments %s: %s is no window function", near(written(e)), fn.Name)
	case r.place != "" || r.inside != "" || r.inWindow:
		err := failf(e, codeAggregate, "Not yet supported place for a window function %s", near(fn.Name))
		err.Hint = "compute it in a subquery and use its column here"
		return nil, err
	case e.Filter != nil:
		return nil, unsupported(e, "FILTER with OVER")
	}
	w, err := r.windowOf(e.Over, 0)
	if err != nil {
		return nil, err
	}
	in := *r
	in.inWindow, in.over = true, w
	args, b, err := in.arguments(e, fn)
	if err != nil {
		return nil, err
	}
	in.over = nil
	c := &windowCall{fn: fn, args: args, distinct: e.Distinct, ignoreNulls: e.Nulls == "IGNORE", t: b.Result}
	if c.partitionBy, err = in.exprs(w.PartitionBy); err != nil {
		return nil, err
	}
	if c.orderBy, err = in.sortKeys(w.OrderBy); err != nil {
		return nil, err
	}
	if w.Frame != nil {
		if err := checkFrame(w, c.orderBy); err != nil {
			return nil, err
		}
		c.frame = &Frame{Unit: w.Frame.Unit}
		if c.frame.Start, err = r.bound(w.Frame.Start); err != nil {
			return nil, err
		}
		if c.frame.Stop, err = r.bound(w.Frame.Stop); err != nil {
			return nil, err
		}
		if w.Frame.Unit == "RANGE" && len(c.orderBy) == 1 && c.orderBy[0].X.Type().Text() {
			c.frame.ofPeers()
		}
	}
	return c, nil
}

// nestedWindow resolves lag and lead within the arguments of a function with OVER, whose window is
// theirs too: sum(x - lag(x)) OVER (PARTITION BY y ORDER BY z). They look beyond
// its frame.
func (r *resolver) nestedWindow(e *syntax.Call, fn *Function) (Expr, error) {
	call := *e
	call.Over = &syntax.Window{Span: r.over.Span, PartitionBy: r.over.PartitionBy, OrderBy: r.over.OrderBy}
	in := *r
	in.inWindow, in.over = false, nil
	return in.windowCall(&call, fn)
}

// checkFrame refuses frames that measure a distance where there is none.
func checkFrame(w *syntax.Window, order []SortKey) error {
	if w.Frame.Unit != "RANGE" || (w.Frame.Start.N == nil && w.Frame.Stop.N == nil) {
		return nil
	}
	if len(order) != 1 {
		return failf(w.Frame, 0, "RANGE with a distance takes one ORDER BY expression, not %d", len(order))
	}
	switch t := order[0].X.Type(); {
	case t.Numeric(), t.Kind == hivetype.Date, t.Kind == hivetype.Timestamp:
		return nil
	case t.Text() && (w.Frame.Start.N == nil || w.Frame.Start.Kind == "PRECEDING") &&
		(w.Frame.Stop.N == nil || w.Frame.Stop.Kind == "FOLLOWING"):
		return nil
	default:
		return unsupported(w.Frame, "RANGE with a distance over values of type "+t.String())
	}
}

// windowOf follows references to the WINDOW clause.
func (r *resolver) windowOf(w *syntax.Window, depth int) (*syntax.Window, error) {
	if w.Ref == nil {
		return w, nil
	}
	for i := range r.windows {
		named := &r.windows[i]
		if !strings.EqualFold(named.Name.Name, w.Ref.Name) || depth > len(r.windows) {
			continue
		}
		base, err := r.windowOf(&named.Window, depth+1)
		if err != nil {
			return nil, err
		}
		merged := *w
		merged.Ref = nil
		if len(merged.PartitionBy) == 0 {
			merged.PartitionBy = base.PartitionBy
		}
		if len(merged.OrderBy) == 0 {
			merged.OrderBy = base.OrderBy
		}
		if merged.Frame == nil {
			merged.Frame = base.Frame
		}
		return &merged, nil
	}
	return nil, failf(w, 0, "Window specification %s is not defined", near(w.Ref.Name))
}

// ofPeers takes a distance between texts for what it is to Hive: any two that are equal are
// within it, and no others.
func (f *Frame) ofPeers() {
	for _, b := range []*FrameBound{&f.Start, &f.Stop} {
		if b.N != nil {
			*b = FrameBound{Kind: "CURRENT ROW"}
		}
	}
}

func (r *resolver) bound(b syntax.FrameBound) (FrameBound, error) {
	out := FrameBound{Kind: b.Kind}
	if b.N == nil {
		return out, nil
	}
	x, err := r.expr(b.N)
	if err != nil {
		return out, err
	}
	if _, ok := x.(*Const); !ok {
		return out, failf(b.N, codeArguments, "Wrong arguments %s: the bound of a window is a constant", near(written(b.N)))
	}
	out.N = x
	return out, nil
}

func (r *resolver) sortKeys(items []syntax.SortItem) ([]SortKey, error) {
	keys := make([]SortKey, len(items))
	for i, item := range items {
		x, err := r.expr(item.X)
		if err != nil {
			return nil, err
		}
		keys[i] = r.a.sortKey(x, item)
	}
	return keys, nil
}

// sortKey decides where NULL goes: by default last when ascending and first when descending, as
// in Hive 4, or the other way round, as before, where hive.default.nulls.last is false.
func (a *analyzer) sortKey(x Expr, item syntax.SortItem) SortKey {
	last := a.env.setting("hive.default.nulls.last", "true") == "true"
	k := SortKey{X: x, Desc: item.Desc, NullsFirst: item.Desc == last}
	if item.Nulls != "" {
		k.NullsFirst = item.Nulls == "FIRST"
	}
	return k
}

// grouping resolves grouping(x, ...).
func (r *resolver) grouping(e *syntax.Call) (Expr, error) {
	args, err := r.exprs(e.Args)
	if err != nil {
		return nil, err
	}
	if len(args) == 0 {
		return nil, failf(e, codeArgumentCount, "Arguments length mismatch %s: grouping takes at least 1 argument, got 0", near(written(e)))
	}
	c := &groupingCall{args: args}
	return c, nil
}
