package analysis

import (
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
)

// orderedSet are the arguments of a call with WITHIN GROUP as they are without: percentile_cont(p)
// WITHIN GROUP (ORDER BY x) is percentile_cont(x, p), and DESC counts from the other end.
func orderedSet(e *syntax.Call, fn *Function) ([]syntax.Expr, error) {
	switch fn.Name {
	case "percentile", "percentile_cont", "percentile_disc", "percentile_approx":
	default:
		return nil, failf(e, codeArguments, "Wrong arguments %s: WITHIN GROUP is not for %s", near(written(e)), fn.Name)
	}
	if len(e.WithinGroup) != 1 || len(e.Args) == 0 {
		return nil, failf(e, codeArguments, "Wrong arguments %s: WITHIN GROUP of %s takes one expression", near(written(e)), fn.Name)
	}
	at := e.Args[0]
	if e.WithinGroup[0].Desc {
		if _, ok := at.(*syntax.Literal); !ok {
			return nil, unsupported(e, "WITHIN GROUP with DESC and a percentile that is no number")
		}
		one := &syntax.Literal{Span: e.Span, Kind: syntax.IntegerLit, Value: "1"}
		at = &syntax.Binary{Span: e.Span, Op: "-", L: one, R: at}
	}
	return append([]syntax.Expr{e.WithinGroup[0].X, at}, e.Args[1:]...), nil
}

// hypothetical plans rank(v, ...) WITHIN GROUP (ORDER BY x, ...) and its like: what the function
// would be of a row with the given values, were it in the group. It is put together from counts
// of the rows that come before such a row.
func (r *resolver) hypothetical(e *syntax.Call, fn *Function) (Expr, error) {
	if r.place != "" || r.inside != "" {
		return nil, failf(e, codeAggregate, "Not yet supported place for UDAF %s", near(fn.Name))
	}
	if len(e.Args) != len(e.WithinGroup) {
		return nil, failf(e, codeArgumentCount, "The number of hypothetical direct arguments %d must match the number of ordering columns %d",
			len(e.Args), len(e.WithinGroup))
	}
	in := *r
	in.inside = "another aggregate function"
	var before, same Expr
	var keys []Expr
	for i, item := range e.WithinGroup {
		less, equal, key, err := in.sortsBefore(e, item, e.Args[i])
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
		if same == nil {
			before, same = less, equal
			continue
		}
		before = &Call{Func: opOr, Args: []Expr{before, both(same, less)}, T: boolean}
		same = both(same, equal)
	}
	count, _ := Lookup("count")
	counted := func(filter Expr, distinct bool, args ...Expr) Expr {
		return &aggregateCall{fn: count, args: args, distinct: distinct, filter: filter, t: bigint}
	}
	one := &Const{Value: int64(1), T: bigint}
	plusOne := func(x Expr) Expr { return &Call{Func: opAdd, Args: []Expr{x, one}, T: bigint} }
	ratio := func(a, b Expr) Expr {
		return &Call{Func: opDiv, Args: []Expr{convert(a, double), convert(b, double)}, T: double}
	}
	switch fn.Name {
	case "rank":
		return convert(plusOne(counted(before, false)), hivetype.Of(hivetype.Int)), nil
	case "dense_rank":
		return convert(plusOne(counted(before, true, keys...)), hivetype.Of(hivetype.Int)), nil
	case "percent_rank":
		return ratio(counted(before, false), counted(nil, false)), nil
	case "cume_dist":
		upTo := &Call{Func: opOr, Args: []Expr{before, same}, T: boolean}
		return ratio(plusOne(counted(upTo, false)), plusOne(counted(nil, false))), nil
	}
	return nil, unsupported(e, "WITHIN GROUP of "+fn.Name)
}

// sortsBefore says whether a row's key comes before a value, or with it.
func (r *resolver) sortsBefore(e *syntax.Call, item syntax.SortItem, value syntax.Expr) (less, equal, key Expr, err error) {
	xs, err := r.exprs([]syntax.Expr{item.X, value})
	if err != nil {
		return nil, nil, nil, err
	}
	k := r.a.sortKey(xs[0], item)
	op := opLt
	if k.Desc {
		op = opGt
	}
	compared, err := r.a.bind(e, op, codeArguments, xs)
	if err != nil {
		return nil, nil, nil, err
	}
	if equal, err = r.a.bind(e, opSame, codeArguments, xs); err != nil {
		return nil, nil, nil, err
	}
	isNull := func(x Expr) Expr { return &Call{Func: opIsNull, Args: []Expr{x}, T: boolean} }
	truth := func(v bool) Expr { return &Const{Value: v, T: boolean} }
	less = &Case{T: boolean, Else: compared, Whens: []When{
		{Cond: both(isNull(xs[0]), isNull(xs[1])), Then: truth(false)},
		{Cond: isNull(xs[0]), Then: truth(k.NullsFirst)},
		{Cond: isNull(xs[1]), Then: truth(!k.NullsFirst)},
	}}
	return less, equal, xs[0], nil
}
