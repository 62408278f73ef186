package analysis

import (
	"errors"
	"strconv"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
)

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
		return r.tupleInQuery(e, tuple)
	case e.Query != nil:
		return r.inQuery(e)
	case isTuple:
		return r.inTuples(e, tuple)
	}
	args, err := r.exprs(append([]syntax.Expr{e.X}, e.List...))
	if err != nil {
		return nil, err
	}
	if column, ok := args[0].(*Ref); ok && column.T.Numeric() {
		for i, x := range args[1:] {
			if c, ok := x.(*Const); ok && c.Value != nil && !means(c, column.T) {
				args[i+1] = &Const{T: column.T}
			}
		}
	}
	if rest, numbers := splitNumbers(args); len(numbers) > 0 && len(rest) > 0 {
		some, err := r.member(e, append(args[:1:1], rest...))
		if err != nil {
			return nil, err
		}
		more, err := r.member(e, append(args[:1:1], numbers...))
		if err != nil {
			return nil, err
		}
		return negateIf(e.Not, &Call{Func: opOr, Args: []Expr{some, more}, T: boolean}), nil
	}
	list, err := r.member(e, args)
	if err != nil {
		return nil, err
	}
	list.Not = e.Not
	return list, nil
}

// splitNumbers parts the list behind text, args[1:], which Hive compares value by value: numbers
// as numbers, and text as text.
func splitNumbers(args []Expr) (rest, numbers []Expr) {
	if !args[0].Type().Text() {
		return nil, nil
	}
	for _, x := range args[1:] {
		if x.Type().Numeric() {
			numbers = append(numbers, x)
		} else {
			rest = append(rest, x)
		}
	}
	return rest, numbers
}

// member is args[0] IN (args[1:]).
func (r *resolver) member(e *syntax.In, args []Expr) (*In, error) {
	b, err := bindTypes(e, in, codeArguments, args)
	if err != nil {
		return nil, err
	}
	list := &In{X: convert(args[0], b.Args[0])}
	for i, x := range args[1:] {
		list.List = append(list.List, convert(x, b.Args[i+1]))
	}
	return list, nil
}

// means reports whether a constant is a value of the number type t. Others count as NULL in the
// list of IN behind a column, as in Hive, so that NOT IN (1.5) is true of no int.
func means(c *Const, t hivetype.Type) bool {
	if !c.T.Numeric() && c.T.Kind != hivetype.String {
		return true // compared by its own rules
	}
	s := strings.TrimSpace(string(hivetype.AppendText(nil, c.Value, c.T)))
	if approximate(t) {
		_, err := strconv.ParseFloat(s, 64)
		return err == nil || errors.Is(err, strconv.ErrRange)
	}
	if approximate(c.T) || c.T.Text() {
		if end := len(s) - 1; end > 0 && strings.IndexByte("dDfFlL", s[end]) >= 0 {
			s = s[:end]
		}
	}
	d, ok := hivetype.ParseDec(s)
	if !ok || !t.Integer() {
		return ok
	}
	n, ok := integral(d)
	return ok && fits(n, t)
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
