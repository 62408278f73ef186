package analysis

import "github.com/skepdata/skep/hivetype"

// Expr is a typed expression: one of the types below. All conversions are explicit.
type Expr interface {
	Type() hivetype.Type
	expr()
}

type (
	// Ref is a column of a relation below, or, in a subquery, of a relation around it.
	Ref struct {
		ID   int
		Name string // for people
		T    hivetype.Type
	}
	// Const is a constant; its Value is of the Go type that package hivetype says.
	Const struct {
		Value    hivetype.Value
		T        hivetype.Type
		Computed bool // it was not written so, but is the result of an operator of arithmetic
	}
	// Call is a function or operator applied to arguments of exactly the types it was
	// bound with. Operators are functions named by their symbol: see operators.go.
	Call struct {
		Func *Function
		Args []Expr
		T    hivetype.Type
	}
	// Cast converts by Hive's rules: what cannot be converted becomes NULL.
	Cast struct {
		X Expr
		T hivetype.Type
		// Zone is the time zone of the clock on one side, where the other side is a
		// timestamp with local time zone or, where CAST was written, a number; "" is UTC.
		Zone string
	}
	// Case is a searched CASE; all branches have type T.
	Case struct {
		Whens []When
		Else  Expr // nil is NULL
		T     hivetype.Type
	}
	// When is one branch of a Case.
	When struct{ Cond, Then Expr }
	// In is X [NOT] IN (List); all have one type.
	In struct {
		X    Expr
		List []Expr
		Not  bool
	}
	// Scalar is a subquery of one column used as a value; more than one row is an error
	// when it runs.
	Scalar struct {
		Query Rel
		T     hivetype.Type
	}
	// Exists tests whether a subquery has rows.
	Exists struct {
		Query Rel
		Not   bool
	}
	// InQuery is X [NOT] IN (subquery), with SQL's treatment of NULL.
	InQuery struct {
		X     Expr
		Query Rel // one column of X's type
		Not   bool
	}
)

func (*Ref) expr()     {}
func (*Const) expr()   {}
func (*Call) expr()    {}
func (*Cast) expr()    {}
func (*Case) expr()    {}
func (*In) expr()      {}
func (*Scalar) expr()  {}
func (*Exists) expr()  {}
func (*InQuery) expr() {}

// Type is the column's.
func (e *Ref) Type() hivetype.Type { return e.T }

// Type is the constant's.
func (e *Const) Type() hivetype.Type { return e.T }

// Type is the result's.
func (e *Call) Type() hivetype.Type { return e.T }

// Type is the target's.
func (e *Cast) Type() hivetype.Type { return e.T }

// Type is that of the branches.
func (e *Case) Type() hivetype.Type { return e.T }

// Type is boolean.
func (*In) Type() hivetype.Type { return hivetype.Of(hivetype.Boolean) }

// Type is that of the subquery's column.
func (e *Scalar) Type() hivetype.Type { return e.T }

// Type is boolean.
func (*Exists) Type() hivetype.Type { return hivetype.Of(hivetype.Boolean) }

// Type is boolean.
func (*InQuery) Type() hivetype.Type { return hivetype.Of(hivetype.Boolean) }
