package analysis

import "github.com/skepdata/skep/hiveql/syntax"

// between is x >= lo AND x <= hi, all three compared as one type.
func (r *resolver) between(e *syntax.Between) (Expr, error) {
	args, err := r.exprs([]syntax.Expr{e.X, e.Lo, e.Hi})
	if err != nil {
		return nil, err
	}
	lo, err := r.a.bind(e, opGe, codeArguments, []Expr{args[0], args[1]})
	if err != nil {
		return nil, err
	}
	hi, err := r.a.bind(e, opLe, codeArguments, []Expr{args[0], args[2]})
	if err != nil {
		return nil, err
	}
	return negateIf(e.Not, both(lo, hi)), nil
}

func both(l, r Expr) Expr { return &Call{Func: opAnd, Args: []Expr{l, r}, T: boolean} }

func negateIf(not bool, x Expr) Expr {
	if not {
		return &Call{Func: opNot, Args: []Expr{x}, T: boolean}
	}
	return x
}

// in is x IN (list) and (x, y) IN (list of pairs).
func (r *resolver) in(e *syntax.In) (Expr, error) {
	tuple, isTuple := e.X.(*syntax.Tuple)
	switch {
	case e.Query != nil && isTuple:
		return nil, unsupported(e, "several columns IN a subquery")
	case e.Query != nil:
		return r.inQuery(e)
	case isTuple:
		return r.inTuples(e, tuple)
	}
	args, err := r.exprs(append([]syntax.Expr{e.X}, e.List...))
	if err != nil {
		return nil, err
	}
	b, err := bindTypes(e, in, codeArguments, args)
	if err != nil {
		return nil, err
	}
	list := &In{X: convert(args[0], b.Args[0]), Not: e.Not}
	for i, x := range args[1:] {
		list.List = append(list.List, convert(x, b.Args[i+1]))
	}
	return list, nil
}

func (r *resolver) inTuples(e *syntax.In, left *syntax.Tuple) (Expr, error) {
	var some Expr
	for _, item := range e.List {
		right, ok := item.(*syntax.Tuple)
		if !ok || len(right.Elems) != len(left.Elems) {
			return nil, failf(item, codeArgumentCount, "Arguments length mismatch %s: expected a list of %d values",
				near(written(item)), len(left.Elems))
		}
		var all Expr
		for i, l := range left.Elems {
			eq, err := r.apply(item, opEq, codeArguments, l, right.Elems[i])
			if err != nil {
				return nil, err
			}
			if all == nil {
				all = eq
			} else {
				all = both(all, eq)
			}
		}
		if some == nil {
			some = all
		} else {
			some = &Call{Func: opOr, Args: []Expr{some, all}, T: boolean}
		}
	}
	return negateIf(e.Not, some), nil
}

func (r *resolver) like(e *syntax.Like) (Expr, error) {
	op, join := opLike, opOr
	if e.Op != "LIKE" {
		op = opRlike
	}
	if e.Quantifier == "ALL" {
		join = opAnd
	}
	var all, unknown Expr
	nullable := false
	for _, p := range e.Patterns {
		x, err := r.apply(e, op, codeArguments, e.X, p)
		if err != nil {
			return nil, err
		}
		if c, ok := x.(*Call); ok && e.Quantifier == "ALL" {
			k, ok := c.Args[1].(*Const)
			nullable = nullable || !ok || k.Value == nil
		}
		isNull := &Call{Func: opIsNull, Args: []Expr{x}, T: boolean}
		if all == nil {
			all, unknown = x, isNull
		} else {
			all = &Call{Func: join, Args: []Expr{all, x}, T: boolean}
			unknown = &Call{Func: opOr, Args: []Expr{unknown, isNull}, T: boolean}
		}
	}
	if nullable && len(e.Patterns) > 1 {
		all = nullWhere(unknown, all)
	}
	return negateIf(e.Not, all), nil
}

// nullWhere is NULL where the condition holds, and x elsewhere: to Hive, LIKE ALL is not known
// as soon as one pattern is NULL, even where another does not match.
func nullWhere(condition, x Expr) Expr {
	fn, _ := Lookup("if")
	return &Call{Func: fn, Args: []Expr{condition, &Const{T: x.Type()}, x}, T: x.Type()}
}

func (r *resolver) is(e *syntax.Is) (Expr, error) {
	switch e.What {
	case "NULL":
		if e.Not {
			return r.apply(e, opIsNotNull, codeArguments, e.X)
		}
		return r.apply(e, opIsNull, codeArguments, e.X)
	case "DISTINCT FROM":
		x, err := r.apply(e, opSame, codeArguments, e.X, e.Y)
		if err != nil {
			return nil, err
		}
		return negateIf(!e.Not, x), nil
	}
	op := opIsTrue
	if e.What == "FALSE" {
		op = opIsFalse
	}
	x, err := r.apply(e, op, codeArguments, e.X)
	if err != nil {
		return nil, err
	}
	return negateIf(e.Not, x), nil
}
