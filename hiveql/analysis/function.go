package analysis

import "github.com/skepdata/skep/hivetype"

// FunctionKind is where a function may be called.
type FunctionKind uint8

// The kinds of functions.
const (
	ScalarFunction    FunctionKind = iota
	AggregateFunction              // also usable as a window function
	WindowFunction                 // only with OVER
	TableFunction                  // in LATERAL VIEW, or alone in a SELECT
)

// Function is one entry of the function catalogue.
type Function struct {
	Name    string   // lower case
	Aliases []string // other names of the same function
	Kind    FunctionKind
	// Usage is the line DESCRIBE FUNCTION prints: "upper(str) - Returns str with all
	// characters changed to uppercase".
	Usage string
	// Volatile functions (rand, uuid) are never folded and never moved.
	Volatile bool
	// Bind decides the types: what each argument is converted to, and the result. Its
	// error is a sentence without position ("takes 2 arguments, got 3").
	Bind func(args []Arg) (Binding, error)
}

// Arg is what Bind may know of an argument.
type Arg struct {
	Type  hivetype.Type
	Const *Const // nil unless the argument is a constant
}

// Binding is what Bind decides.
type Binding struct {
	Args   []hivetype.Type // one for each argument
	Result hivetype.Type
	// Columns are the output columns of a table function; Result is then not used.
	Columns []hivetype.Field
}
