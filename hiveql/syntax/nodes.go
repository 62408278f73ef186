package syntax

import "strings"

// Pos is a place in the source text.
type Pos struct {
	Offset int // bytes from the start of the text, from 0
	Line   int // from 1; 0 means no position
	Col    int // characters from the start of the line, from 1
}

// Node is any part of a tree. Pos is its first character, End the first character after it.
type Node interface {
	Pos() Pos
	End() Pos
	node()
}

// Stmt is a statement.
type Stmt interface {
	Node
	stmt()
}

// Expr is an expression.
type Expr interface {
	Node
	expr()
}

// QueryBody is what a query's WITH and ORDER BY stand around: *Select, *SetOp, *Values, or
// *Query when it is in parentheses.
type QueryBody interface {
	Node
	queryBody()
}

// TableExpr is what stands in FROM: *TableRef, *SubqueryRef, *Join, *LateralView, *TableFunction.
type TableExpr interface {
	Node
	tableExpr()
}

// Span is the place of a node in the source. It is embedded in every node.
type Span struct{ From, To Pos }

// Pos is the place of the first character.
func (s Span) Pos() Pos { return s.From }

// End is the place after the last character.
func (s Span) End() Pos { return s.To }

func (Span) node() {}

type (
	// Ident is one name, as written. Quoted in backquotes it may hold anything.
	Ident struct {
		Span
		Name   string
		Quoted bool
	}
	// ObjectName is table, or database.table.
	ObjectName struct {
		Span
		Parts []Ident
	}
	// Type is a type as written. Kind is in lower case, with synonyms as they were written.
	Type struct {
		Span
		Kind   string // "int", "decimal", "array", "map", "struct", "uniontype" ...
		Args   []int  // of decimal, varchar and char
		Elems  []Type // of array (1), map (2) and uniontype
		Fields []ColumnDef
	}
	// Property is 'key'='value' in TBLPROPERTIES and its like. A property without a value
	// (as in UNSET) has Set false.
	Property struct {
		Span
		Key, Value string
		Set        bool
	}
)

// Object is how an identifier names a table or a database: in lower case and without blanks around,
// as Hive's metastore keeps such names. Names of columns keep their blanks.
func (id Ident) Object() string {
	return strings.ToLower(strings.TrimFunc(id.Name, func(r rune) bool { return r <= ' ' }))
}

// LiteralKind is what kind of literal it is, which decides its type.
type LiteralKind uint8

// The literals.
const (
	NullLit        LiteralKind = iota
	BoolLit                    // TRUE, FALSE; Value in lower case
	IntegerLit                 // 1: int, bigint or decimal by its size
	TinyIntLit                 // 1Y; Value without the suffix, as for the next ones
	SmallIntLit                // 1S
	BigIntLit                  // 1L
	DecimalLit                 // 1.5, 1BD
	DoubleLit                  // 1e5, 1D
	StringLit                  // 'a', "a"; Value is unescaped
	DateLit                    // DATE '2024-01-01'
	TimestampLit               // TIMESTAMP '2024-01-01 00:00:00'
	TimestampTZLit             // TIMESTAMPLOCALTZ '...'
	BadNumberLit               // 1l, 1bd: a suffix that Hive reads and then refuses in lower case; Value with the suffix
)

// Expressions.
type (
	// Literal is a constant.
	Literal struct {
		Span
		Kind  LiteralKind
		Value string
	}
	// IntervalLit is INTERVAL '1-2' YEAR TO MONTH, INTERVAL 3 DAY, or 3 DAYS.
	IntervalLit struct {
		Span
		Value Expr   // a literal, or an expression in INTERVAL (x) DAY
		Unit  string // "YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "YEAR TO MONTH", "DAY TO SECOND"
	}
	// Name is an unqualified name: a column, or the first part of a longer name.
	Name struct {
		Span
		Ident Ident
	}
	// Dot is X.Field: a column of a table, or a field of a struct; only analysis can tell.
	Dot struct {
		Span
		X     Expr
		Field Ident
	}
	// Index is X[I].
	Index struct {
		Span
		X, I Expr
	}
	// Star is *, t.* or db.t.* in a select list, and the * of count(*).
	Star struct {
		Span
		Qualifier []Ident
	}
	// Unary is -X, +X, ~X, NOT X.
	Unary struct {
		Span
		Op string // "-", "+", "~", "NOT"
		X  Expr
	}
	// Binary is L Op R. Op is spelled canonically, in upper case: "OR", "AND", "=", "<=>",
	// "<>", "<", "<=", ">", ">=", "+", "-", "*", "/", "DIV", "%", "||", "&", "|", "^".
	Binary struct {
		Span
		Op   string
		L, R Expr
		OpAt Pos
	}
	// Between is X [NOT] BETWEEN Lo AND Hi.
	Between struct {
		Span
		X, Lo, Hi Expr
		Not       bool
	}
	// In is X [NOT] IN (List) or X [NOT] IN (Query). X is a *Tuple in (a, b) IN ...
	In struct {
		Span
		X     Expr
		List  []Expr
		Query *Query
		Not   bool
	}
	// Tuple is (a, b, ...) with at least two elements.
	Tuple struct {
		Span
		Elems []Expr
	}
	// Like is X [NOT] LIKE|RLIKE|REGEXP Pattern, or X LIKE ANY|ALL (Patterns).
	Like struct {
		Span
		X          Expr
		Op         string // "LIKE", "RLIKE" (also for REGEXP)
		Quantifier string // "", "ANY", "ALL"
		Patterns   []Expr
		Not        bool
	}
	// Is is X IS [NOT] NULL|TRUE|FALSE|DISTINCT FROM Y.
	Is struct {
		Span
		X    Expr
		What string // "NULL", "TRUE", "FALSE", "DISTINCT FROM"
		Y    Expr   // of DISTINCT FROM
		Not  bool
	}
	// Quantified is X Op ANY|ALL (Query). Op is a comparison as in Binary.
	Quantified struct {
		Span
		X          Expr
		Op         string
		Quantifier string // "ANY" (also for SOME), "ALL"
		Query      *Query
	}
	// Exists is [NOT] EXISTS (Query); NOT is a Unary around it.
	Exists struct {
		Span
		Query *Query
	}
	// Subquery is a query in parentheses used as a value.
	Subquery struct {
		Span
		Query *Query
	}
	// Case is CASE [Operand] WHEN ... THEN ... [ELSE ...] END.
	Case struct {
		Span
		Operand Expr // nil in a searched CASE
		Whens   []When
		Else    Expr // nil where there is none
	}
	// When is one branch of a Case.
	When struct {
		Span
		Cond, Then Expr
	}
	// Cast is CAST(X AS Type [FORMAT 'f']).
	Cast struct {
		Span
		X      Expr
		Type   Type
		Format string
	}
	// Call is f(Args), f(DISTINCT Args), count(*), with OVER and its like. EXTRACT(u FROM x),
	// TRIM(...) and similar forms are Calls of the function of that name; FLOOR(x TO u) is
	// Call{floor, x, 'u'}.
	Call struct {
		Span
		Database *Ident // of db.f(...); nil where there is none
		Func     Ident
		Distinct bool
		Args     []Expr // a single *Star in count(*)
		Nulls    string // "", "IGNORE", "RESPECT"
		// WithinGroup holds the ORDER BY of WITHIN GROUP.
		WithinGroup []SortItem
		Filter      Expr
		Over        *Window // nil where it is no window function
	}
	// Window is a window specification, or a reference to a named one.
	Window struct {
		Span
		Ref         *Ident // OVER w, or the base window of (w ORDER BY ...)
		PartitionBy []Expr
		OrderBy     []SortItem
		Frame       *Frame
	}
	// Frame is ROWS|RANGE BETWEEN Start AND Stop.
	Frame struct {
		Span
		Unit        string // "ROWS", "RANGE"
		Start, Stop FrameBound
	}
	// FrameBound is one bound of a frame.
	FrameBound struct {
		Span
		Kind string // "UNBOUNDED PRECEDING", "PRECEDING", "CURRENT ROW", "FOLLOWING", "UNBOUNDED FOLLOWING"
		N    Expr
	}
)

// Queries.
type (
	// Query is a whole query: [WITH] body [ORDER BY ...] [LIMIT].
	Query struct {
		Span
		With         []CTE
		Body         QueryBody
		OrderBy      []SortItem
		DistributeBy []Expr
		SortBy       []SortItem
		ClusterBy    []Expr
		Limit        *Limit
	}
	// CTE is name [(columns)] AS (query).
	CTE struct {
		Span
		Name    Ident
		Columns []Ident
		Query   *Query
	}
	// SortItem is one key of ORDER BY or SORT BY.
	SortItem struct {
		Span
		X     Expr
		Desc  bool
		Nulls string // "", "FIRST", "LAST"
	}
	// Limit is LIMIT [Offset,] Count, or LIMIT Count OFFSET Offset.
	Limit struct {
		Span
		Offset Expr // nil where there is none
		Count  Expr
	}
	// Select is one SELECT block.
	Select struct {
		Span
		Hint      string // text between /*+ and */
		Distinct  bool
		Items     []SelectItem
		Transform *Transform  // SELECT TRANSFORM ... USING; Items is then empty
		From      []TableExpr // separated by commas; empty without FROM
		Where     Expr
		GroupBy   *GroupBy
		Having    Expr
		Qualify   Expr
		Windows   []NamedWindow
	}
	// SelectItem is one output of a SELECT: an expression, *Star, with its alias, or with
	// aliases as in SELECT explode(m) AS (k, v).
	SelectItem struct {
		Span
		X       Expr
		Aliases []Ident
	}
	// GroupBy is GROUP BY Exprs [WITH ROLLUP|CUBE] or GROUP BY Exprs GROUPING SETS (...).
	GroupBy struct {
		Span
		Exprs []Expr
		Kind  string // "", "ROLLUP", "CUBE", "GROUPING SETS"
		Sets  [][]Expr
	}
	// NamedWindow is name AS (window) of a WINDOW clause.
	NamedWindow struct {
		Span
		Name   Ident
		Window Window
	}
	// Transform is TRANSFORM (args) ... USING 'command' AS (columns), also MAP and REDUCE.
	Transform struct {
		Span
		Args    []Expr
		Command string
		Columns []ColumnDef // a Type of kind "" where none is given
		In, Out *RowFormat
		// RecordWriter and RecordReader are class names, "" where none are given.
		RecordWriter, RecordReader string
	}
	// SetOp is L UNION|INTERSECT|EXCEPT [ALL] R.
	SetOp struct {
		Span
		Op   string // "UNION", "INTERSECT", "EXCEPT" (also for MINUS)
		All  bool
		L, R QueryBody
	}
	// Values is VALUES (a, b), (c, d).
	Values struct {
		Span
		Rows [][]Expr
		// Names are the aliases in the first row, as in VALUES (1 AS a, 2 AS b), with an empty
		// Ident where there is none. Without any alias Names is empty.
		Names []Ident
	}
	// TableRef is a table, view or CTE by name.
	TableRef struct {
		Span
		Name       ObjectName
		Properties []Property // t('key'='value'), as a reader's options
		Alias      *Ident
		Sample     *Sample
	}
	// TableFunction is a partitioned table function, Func(ON Input [PARTITION BY ...]
	// [ORDER BY ...] [name(value), ...]) alias.
	TableFunction struct {
		Span
		Func        Ident
		Input       TableExpr // *TableRef, *SubqueryRef or *TableFunction
		PartitionBy []Expr
		OrderBy     []SortItem
		Args        []*Call // each of one argument
		Alias       *Ident
	}
	// Sample is TABLESAMPLE(...).
	Sample struct {
		Span
		Kind   string // "BUCKET", "PERCENT", "ROWS", "BYTES"
		Amount string // "10", "0.5", "3 OUT OF 32", "100M"
		On     []Expr
	}
	// SubqueryRef is (query) alias. A VALUES list is such a query.
	SubqueryRef struct {
		Span
		Query   *Query
		Alias   *Ident
		Columns []Ident
	}
	// Join is L Kind JOIN R [ON Cond | USING (columns)]. Joins associate to the left.
	Join struct {
		Span
		Kind  string // "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "LEFT SEMI", "LEFT ANTI"
		L, R  TableExpr
		On    Expr
		Using []Ident
	}
	// LateralView is From LATERAL VIEW [OUTER] Func Table AS Columns.
	LateralView struct {
		Span
		From    TableExpr
		Outer   bool
		Func    *Call
		Table   Ident
		Columns []Ident
	}
)

func (*Literal) expr()     {}
func (*IntervalLit) expr() {}
func (*Name) expr()        {}
func (*Dot) expr()         {}
func (*Index) expr()       {}
func (*Star) expr()        {}
func (*Unary) expr()       {}
func (*Binary) expr()      {}
func (*Between) expr()     {}
func (*In) expr()          {}
func (*Tuple) expr()       {}
func (*Like) expr()        {}
func (*Is) expr()          {}
func (*Quantified) expr()  {}
func (*Exists) expr()      {}
func (*Subquery) expr()    {}
func (*Case) expr()        {}
func (*Cast) expr()        {}
func (*Call) expr()        {}

func (*Query) queryBody()  {}
func (*Select) queryBody() {}
func (*SetOp) queryBody()  {}
func (*Values) queryBody() {}

func (*TableRef) tableExpr()      {}
func (*SubqueryRef) tableExpr()   {}
func (*Join) tableExpr()          {}
func (*LateralView) tableExpr()   {}
func (*TableFunction) tableExpr() {}
