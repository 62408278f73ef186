package analysis

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
)

// resolver gives the expressions of one clause their meaning.
type resolver struct {
	a    *analyzer
	sc   *scope
	ctes *cteScope
	// place is where no aggregate or window function may stand ("WHERE"), for errors; in the
	// clauses that may have them, it is empty.
	place string
	// inside is what the expression is an argument of, where that takes no aggregate.
	inside   string
	inWindow bool           // within a window function, which takes aggregates but no other of its kind
	over     *syntax.Window // of the function with OVER whose arguments are resolved; may be nil
	// windows are the named ones of the WINDOW clause.
	windows []syntax.NamedWindow
	// before and after find names that are no columns of sc: aliases of the SELECT list, which
	// in ORDER BY come before the columns and elsewhere after them.
	before, after func(name string) (Expr, bool)
}

// aggregateCall and windowCall stand in expressions until the relation that computes them is
// made, and are columns of that one then.
type (
	aggregateCall struct {
		fn       *Function
		args     []Expr
		distinct bool
		filter   Expr
		t        hivetype.Type
	}
	windowCall struct {
		fn          *Function
		args        []Expr
		distinct    bool
		ignoreNulls bool
		partitionBy []Expr
		orderBy     []SortKey
		frame       *Frame
		t           hivetype.Type
	}
	// groupingCall is GROUPING__ID, or grouping(x, ...) with its arguments.
	groupingCall struct {
		args []Expr
	}
)

func (*aggregateCall) expr() {}
func (*windowCall) expr()    {}
func (*groupingCall) expr()  {}

func (c *aggregateCall) Type() hivetype.Type { return c.t }
func (c *windowCall) Type() hivetype.Type    { return c.t }
func (c *groupingCall) Type() hivetype.Type  { return bigint }

// expr resolves e. Constant expressions are folded.
func (r *resolver) expr(e syntax.Expr) (Expr, error) {
	x, err := r.resolve(e)
	if err != nil {
		return nil, err
	}
	if constantParts(x) {
		x = folded(x)
	}
	r.a.at[x] = e
	return x, nil
}

func (r *resolver) exprs(list []syntax.Expr) ([]Expr, error) {
	out := make([]Expr, len(list))
	for i, e := range list {
		x, err := r.expr(e)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	return out, nil
}

// condition resolves a condition; what is no boolean is converted to one.
func (r *resolver) condition(e syntax.Expr) (Expr, error) {
	x, err := r.expr(e)
	if err != nil {
		return nil, err
	}
	if !hivetype.Castable(x.Type(), boolean) {
		return nil, failf(e, codeArgumentType, "Argument type mismatch %s: expected a condition, got %s",
			near(written(e)), x.Type())
	}
	return whetherTrue(convert(x, boolean)), nil
}

func (r *resolver) resolve(e syntax.Expr) (Expr, error) {
	switch e := e.(type) {
	case *syntax.Literal:
		return literal(e)
	case *syntax.IntervalLit:
		return r.interval(e)
	case *syntax.Name:
		return r.name(e, []syntax.Ident{e.Ident})
	case *syntax.Dot:
		return r.dot(e)
	case *syntax.Index:
		return r.apply(e, opIndex, codeNotCollection, e.X, e.I)
	case *syntax.Unary:
		return r.unary(e)
	case *syntax.Binary:
		return r.apply(e, binaryOperator(e.Op), codeArguments, e.L, e.R)
	case *syntax.Between:
		return r.between(e)
	case *syntax.In:
		return r.in(e)
	case *syntax.Like:
		return r.like(e)
	case *syntax.Is:
		return r.is(e)
	case *syntax.Exists:
		return r.exists(e)
	case *syntax.Subquery:
		return r.scalar(e)
	case *syntax.Quantified:
		return r.quantified(e)
	case *syntax.Case:
		return r.caseOf(e)
	case *syntax.Cast:
		return r.cast(e)
	case *syntax.Call:
		return r.call(e)
	case *syntax.Tuple:
		return nil, unsupported(e, "a list of values outside IN")
	case *syntax.Star:
		return nil, failf(e, codeNoColumn, "Invalid column reference '*'")
	}
	return nil, unsupported(e, fmt.Sprintf("the expression %s", written(e)))
}

// apply resolves the operands of an operator and applies it.
func (r *resolver) apply(n syntax.Expr, op *Function, code int, operands ...syntax.Expr) (Expr, error) {
	if op == nil {
		return nil, unsupported(n, "the operator in "+written(n))
	}
	args, err := r.exprs(operands)
	if err != nil {
		return nil, err
	}
	return r.a.bind(n, op, code, args)
}

// bind calls a function with arguments converted to the types it wants.
func (a *analyzer) bind(n syntax.Expr, fn *Function, code int, args []Expr) (Expr, error) {
	b, err := bindTypes(n, fn, code, args)
	if err != nil {
		return nil, err
	}
	c := &Call{Func: fn, Args: make([]Expr, len(args)), T: b.Result}
	for i, x := range args {
		c.Args[i] = convert(x, b.Args[i])
	}
	return c, nil
}

// argsOf is what a function is told of its arguments.
func argsOf(xs []Expr) []Arg {
	args := make([]Arg, len(xs))
	for i, x := range xs {
		args[i] = Arg{Type: x.Type()}
		args[i].Const, _ = x.(*Const)
	}
	return args
}

func bindTypes(n syntax.Expr, fn *Function, code int, args []Expr) (Binding, error) {
	b, err := fn.Bind(argsOf(args))
	if err == nil {
		return b, nil
	}
	var count *ArityError
	var kind *TypeError
	switch {
	case errors.As(err, &count):
		return b, failf(n, codeArgumentCount, "Arguments length mismatch %s: %s %v", near(written(n)), fn.Name, err)
	case errors.As(err, &kind):
		return b, failf(n, codeArgumentType, "Argument type mismatch %s: %s %v", near(written(n)), fn.Name, err)
	case code == codeNotCollection && len(args) > 0 && !args[0].Type().Primitive():
		return b, failf(n, codeIndexType, "Wrong index %s: %v", near(written(n)), err)
	case code == codeNotCollection:
		return b, failf(n, code, "[] not valid on non-collection types %s: %v", near(written(n)), err)
	}
	return b, failf(n, code, "Wrong arguments %s: %v", near(written(n)), err)
}

// name resolves a dotted name: a column, or fields within one.
func (r *resolver) name(n syntax.Expr, parts []syntax.Ident) (Expr, error) {
	first := parts[0].Name
	if len(parts) == 1 && r.before != nil {
		if x, ok := r.before(first); ok {
			return x, nil
		}
	}
	c, used, err := r.sc.resolveHere(n, parts)
	if used == 0 && err == nil && r.after != nil {
		if x, ok := r.after(first); ok {
			return r.fields(n, x, parts[1:])
		}
	}
	if used == 0 && err == nil {
		if x, err := r.special(n, parts); x != nil || err != nil {
			return x, err
		}
		c, used, err = r.sc.resolve(n, parts)
	}
	if err != nil {
		return nil, err
	}
	r.spellColumn(parts[:used], c)
	ref := &Ref{ID: c.ID, Name: c.Name, T: c.Type}
	r.a.at[ref] = n
	return r.fields(n, ref, parts[used:])
}

// special are names that mean something without being columns.
func (r *resolver) special(n syntax.Expr, parts []syntax.Ident) (Expr, error) {
	switch name := strings.ToLower(parts[len(parts)-1].Name); {
	case len(parts) == 1 && name == "grouping__id":
		return &groupingCall{}, nil
	case len(parts) == 1 && name == "default" && !parts[0].Quoted && r.place == "VALUES":
		return nil, unsupported(n, "DEFAULT as a value")
	case name == "row__offset__inside__block", name == "row__id",
		name == "raw__data__size", name == "row__is__deleted":
		return nil, unsupported(n, "the virtual column "+strings.ToUpper(name))
	}
	return nil, nil
}

func (r *resolver) fields(n syntax.Expr, x Expr, path []syntax.Ident) (Expr, error) {
	for _, part := range path {
		y, err := r.field(n, x, part.Name)
		if err != nil {
			return nil, err
		}
		x = y
	}
	return x, nil
}

// dot resolves X.Field, which may be a column of a table or a field of a struct.
func (r *resolver) dot(e *syntax.Dot) (Expr, error) {
	parts := []syntax.Ident{e.Field}
	for x := e.X; ; {
		switch y := x.(type) {
		case *syntax.Dot:
			parts = append(parts, y.Field)
			x = y.X
			continue
		case *syntax.Name:
			parts = append(parts, y.Ident)
			slices.Reverse(parts)
			return r.name(e, parts)
		}
		break
	}
	x, err := r.expr(e.X)
	if err != nil {
		return nil, err
	}
	return r.field(e, x, e.Field.Name)
}

func (r *resolver) field(n syntax.Expr, x Expr, name string) (Expr, error) {
	of := x.Type()
	if of.Kind == hivetype.Array {
		of = *of.Elem
	}
	if of.Kind != hivetype.Struct {
		return nil, failf(n, codeDot, ". Operator is only supported on struct or list of struct types %s: this is of type %s",
			near(written(n)), x.Type())
	}
	var known []string
	for _, f := range of.Fields {
		if strings.EqualFold(f.Name, name) {
			return r.a.bind(n, opField, codeArguments, []Expr{x, &Const{Value: f.Name, T: text}})
		}
		known = append(known, f.Name)
	}
	e := failf(n, codeNoColumn, "Invalid column reference %s: the struct has the fields %s", near(name), strings.Join(known, ", "))
	e.Hint = Suggest(name, known)
	return nil, e
}

func (r *resolver) unary(e *syntax.Unary) (Expr, error) {
	switch e.Op {
	case "NOT":
		if in, ok := e.X.(*syntax.In); ok && in.Query != nil {
			turned := *in
			turned.Not = !in.Not
			return r.in(&turned)
		}
		return r.apply(e, opNot, codeArguments, e.X)
	case "~":
		return r.apply(e, opBitNot, codeArguments, e.X)
	case "-":
		return r.apply(e, opNeg, codeArguments, e.X)
	}
	x, err := r.expr(e.X)
	if err == nil && !computable(x.Type()) {
		return nil, failf(e, codeArguments, "Wrong arguments %s: expected a number, got %s", near(written(e)), x.Type())
	}
	return x, err
}

func (r *resolver) caseOf(e *syntax.Case) (Expr, error) {
	c := &Case{}
	branches := make([]syntax.Expr, 0, len(e.Whens)+1)
	for _, w := range e.Whens {
		cond, err := r.whenCondition(e, w)
		if err != nil {
			return nil, err
		}
		c.Whens = append(c.Whens, When{Cond: cond})
		branches = append(branches, w.Then)
	}
	if e.Else != nil {
		branches = append(branches, e.Else)
	}
	values, err := r.exprs(branches)
	if err != nil {
		return nil, err
	}
	if c.T, err = branchType(branches, values); err != nil {
		return nil, err
	}
	for i := range c.Whens {
		c.Whens[i].Then = convert(values[i], c.T)
	}
	if e.Else != nil {
		c.Else = convert(values[len(values)-1], c.T)
	}
	return c, nil
}

// branchType is the type of the values of which one is the result, and which are written as branches says.
func branchType(branches []syntax.Expr, values []Expr) (t hivetype.Type, err error) {
	for i, a := range asBranches(argsOf(values)) {
		u, ok := hivetype.Common(t, a.Type)
		if !ok {
			return t, failf(branches[i], codeArgumentType, "Argument type mismatch %s: the branches before are of type %s, this one is of type %s",
				near(written(branches[i])), t, values[i].Type())
		}
		t = u
	}
	return t, nil
}

func (r *resolver) whenCondition(e *syntax.Case, w syntax.When) (Expr, error) {
	if e.Operand == nil {
		return r.condition(w.Cond)
	}
	args, err := r.exprs([]syntax.Expr{e.Operand, w.Cond})
	if err != nil {
		return nil, err
	}
	return r.a.bind(w.Cond, opEq, codeArguments, args)
}

func (r *resolver) cast(e *syntax.Cast) (Expr, error) {
	t, err := TypeOf(e.Type)
	if err != nil {
		return nil, err
	}
	x, err := r.expr(e.X)
	if err != nil {
		return nil, err
	}
	if e.Format != "" {
		return r.castFormat(e, x, t)
	}
	return r.castAsked(e, x, t)
}

// castFormat is CAST(x AS type FORMAT 'pattern'), between text and dates or timestamps.
func (r *resolver) castFormat(e *syntax.Cast, x Expr, t hivetype.Type) (Expr, error) {
	from := x.Type()
	clock := func(t hivetype.Type) bool { return t.Kind == hivetype.Date || t.Kind == hivetype.Timestamp }
	reading := clock(t)
	switch {
	case from.Kind == hivetype.TimestampLocalTZ || t.Kind == hivetype.TimestampLocalTZ:
		return nil, unsupported(e, "CAST with FORMAT of a timestamp with local time zone")
	case from.Kind == hivetype.Void && (reading || t.Text()):
		return convert(x, t), nil
	case reading && from.Text():
		x = convert(x, text)
	case t.Text() && clock(from):
	default:
		return nil, failf(e, codeArguments, "Wrong arguments %s: CAST with FORMAT is from text to date or timestamp, or the other way, not from %s to %s",
			near(written(e)), from, t)
	}
	if _, err := hivetype.ParseDatePattern(e.Format, reading); err != nil {
		return nil, failf(e, codeArguments, "Bad date/time conversion pattern: %s: %v", e.Format, err)
	}
	now := r.a.env.Now
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	c := &Call{Func: opCastFormat, T: t, Args: []Expr{
		x, &Const{Value: e.Format, T: text}, &Const{Value: today, T: hivetype.Of(hivetype.Date)},
	}}
	if reading {
		return c, nil
	}
	c.T = text
	return convert(c, t), nil
}

// castAsked is a conversion that the query asks for. That of a timestamp to a number counts from 1970
// in UTC, and takes the clock for the session's.
func (r *resolver) castAsked(n syntax.Expr, x Expr, t hivetype.Type) (Expr, error) {
	whole := x.Type().Integer() || x.Type().Kind == hivetype.Boolean
	if whole && t.Kind == hivetype.Timestamp && r.a.env.setting("hive.int.timestamp.conversion.in.seconds", "false") == "true" {
		x = convert(x, hivetype.Of(hivetype.Double)) // which counts seconds
	}
	x, err := castTo(n, x, t)
	if c, ok := x.(*Cast); ok && c.X.Type().Kind == hivetype.Timestamp && t.Numeric() {
		c.Zone = r.a.env.zoneName()
	}
	return x, err
}

func castTo(n syntax.Expr, x Expr, t hivetype.Type) (Expr, error) {
	if !hivetype.Castable(x.Type(), t) {
		return nil, failf(n, codeArguments, "Wrong arguments %s: %s cannot be converted to %s", near(written(n)), x.Type(), t)
	}
	return convert(x, t), nil
}
