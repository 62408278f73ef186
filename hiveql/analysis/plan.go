package analysis

import (
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// Query is the plan of a query.
type Query struct {
	Root   Rel
	Output []Output // what the user sees, in order
	// Shared are relations that are read more than once, each by a Use. They read those before
	// them.
	Shared []*Shared
	// Reductions are partitions that may be left out at the cost of running parts of the query
	// first, small ones first.
	Reductions []*Reduction
	// Narrowings are the same for conditions on data columns: they may leave out row groups of
	// files.
	Narrowings []*Reduction
}

// Shared is a relation that is computed once for all its uses, unless whoever runs the plan knows
// better.
type Shared struct {
	Name string // as the query has it, for people
	Rel  Rel
}

// Output is one column of a query's result: the column of Root that has the ID, under the name
// that tables and views made of it have.
type Output struct {
	Name string
	ID   int
	Type hivetype.Type
	// Heading is what results call the column where that is not Name: with the alias of its
	// table before it, or with a number behind it.
	Heading string
}

// Write is the plan of INSERT and of LOAD-like rewriting: a query whose rows go to a table.
type Write struct {
	// Query's Output is the table's data columns in order, converted to their types, and
	// then one string column for each dynamic partition key, in key order, holding the
	// value in its text form (NULL for the default partition).
	Query     *Query
	Table     *metastore.Table
	Overwrite bool
	// Spec has one field for every partition key in order; the dynamic ones, which come
	// last, are not Set. It is empty for a table without partitions.
	Spec        partitions.Spec
	IfNotExists bool
}

// Dynamic is the number of dynamic partition keys.
func (w *Write) Dynamic() int {
	n := 0
	for _, f := range w.Spec {
		if !f.Set {
			n++
		}
	}
	return n
}

// Column is one column that a relation puts out.
type Column struct {
	ID   int // unique in the plan, but that one Use has those of what it uses
	Name string
	Type hivetype.Type
}

// Rel is a relation: one of the types below.
type Rel interface {
	// Columns are what the relation puts out, in order.
	Columns() []Column
	rel()
}

type (
	// Scan reads a table: exactly the partitions listed, and of them only Cols.
	Scan struct {
		Table *metastore.Table
		// Partitions are those that survive Predicate, in order of name; nil for a table
		// without partition keys.
		Partitions []*metastore.Partition
		// Predicate is the condition on partition keys that chose them; nil for all.
		Predicate partitions.Predicate
		// Reduced says what was left out of them by Reductions.
		Reduced []Reduced
		Cols    []ScanColumn
		// Known are conditions on its columns. Rows that do not meet all of them may be left
		// out; whoever reads them does not need to look.
		Known []Expr
		// ByPosition says that columns of Parquet files are found by their places, not names.
		ByPosition bool
		// ORCByName says that those of ORC files are found by their names, not places.
		ORCByName bool
		// ShortBooleans says that t, f, 1 and 0 are booleans in text files too.
		ShortBooleans bool
		// AvroClocks says that timestamps of Avro files whose writer is not known are clocks, AvroProleptic that
		// their days before 1582 are Gregorian.
		AvroClocks, AvroProleptic bool
		// Zone is the time zone of instants in text files that name none; "" is UTC.
		Zone string
		// SampleBytes, if not 0, is how many bytes of its files are wanted: the first files that have
		// together as many, whole.
		SampleBytes int64
	}
	// Reduced is one step of leaving out partitions.
	Reduced struct {
		From int    // how many there were
		By   string // the condition, for people
	}
	// ScanColumn is one column a Scan puts out.
	ScanColumn struct {
		Column
		Source ScanSource
		Index  int // of the data column or partition key
	}
	// Filter keeps the rows for which Cond is true.
	Filter struct {
		Input Rel
		Cond  Expr
	}
	// Project computes columns.
	Project struct {
		Input Rel
		Exprs []Computed
	}
	// Computed is a column and how to compute it.
	Computed struct {
		Column
		X Expr
	}
	// Join joins two relations. It puts out the columns of L, then those of R; of SEMI and
	// ANTI only those of L.
	Join struct {
		Kind JoinKind
		L, R Rel
		On   Expr // nil for a cross join
	}
	// Aggregate groups. It puts out the keys, then the aggregates, then, with grouping
	// sets, GroupingID.
	Aggregate struct {
		Input Rel
		Keys  []Computed
		// Sets are the grouping sets as indexes of Keys; nil for plain GROUP BY. Without
		// keys and sets there is one group, also where there are no rows.
		Sets       [][]int
		Aggs       []AggregateColumn
		GroupingID *Column // bigint; nil where it is not asked for
	}
	// AggregateColumn is an aggregate function over a group.
	AggregateColumn struct {
		Column
		Func     *Function
		Args     []Expr // empty in count(*)
		Distinct bool
		Filter   Expr // nil for all rows
	}
	// Window computes window functions over its input and puts out the input's columns,
	// then theirs.
	Window struct {
		Input Rel
		Funcs []WindowColumn
	}
	// WindowColumn is one window function.
	WindowColumn struct {
		Column
		Func        *Function
		Args        []Expr
		Distinct    bool
		IgnoreNulls bool
		PartitionBy []Expr
		OrderBy     []SortKey
		Frame       *Frame // nil for Hive's default
	}
	// Frame is a window frame.
	Frame struct {
		Unit        string // "ROWS", "RANGE"
		Start, Stop FrameBound
	}
	// FrameBound is one end of a Frame; Kind as in syntax.FrameBound.
	FrameBound struct {
		Kind string
		N    Expr
	}
	// Sort orders rows. Its keys are expressions over the input, whose columns it puts out.
	Sort struct {
		Input Rel
		Keys  []SortKey
	}
	// SortKey is one key. NullsFirst is always decided: by default last when ascending,
	// first when descending, unless hive.default.nulls.last is false.
	SortKey struct {
		X          Expr
		Desc       bool
		NullsFirst bool
	}
	// Limit skips Offset rows and passes Count.
	Limit struct {
		Input         Rel
		Offset, Count int64
		Sample        bool // of TABLESAMPLE: any rows do, so conditions may choose among them
	}
	// SetOp combines two relations by position. Both sides put out the types of Cols.
	SetOp struct {
		Op   string // "UNION", "INTERSECT", "EXCEPT"
		All  bool
		L, R Rel
		Cols []Column
	}
	// Distinct removes repeated rows.
	Distinct struct{ Input Rel }
	// Values are constant rows, converted to the types of Cols.
	Values struct {
		Cols []Column
		Rows [][]Expr
	}
	// OneRow has one row and no columns: what a SELECT without FROM reads.
	OneRow struct{}
	// Use puts out the rows of a relation of Query.Shared.
	Use struct {
		Of   *Shared
		Cols []UsedColumn
	}
	// UsedColumn is the column of Use.Of whose ID is From.
	UsedColumn struct {
		Column
		From int
	}
	// Lateral is LATERAL VIEW: for every row of Input, the rows a table function makes.
	// It puts out the input's columns, then Cols.
	Lateral struct {
		Input Rel
		Func  *Function
		Args  []Expr
		Outer bool
		Cols  []Column
	}
	// Transform passes rows through a program: the values of Args to its standard input, a
	// line each, and from its standard output the rows of Cols. It runs in Dir, which may be empty. In
	// and Out are parameters of LazySimpleSerDe.
	Transform struct {
		Input   Rel
		Args    []Expr
		Command string
		Dir     string
		In, Out map[string]string
		Cols    []Column
	}
)

// ScanSource is where a column of a Scan comes from.
type ScanSource uint8

// The sources.
const (
	DataColumn   ScanSource = iota // Table.Storage.Columns[Index]
	PartitionKey                   // Table.PartitionKeys[Index]
	InputFile                      // INPUT__FILE__NAME
	RowOffset                      // BLOCK__OFFSET__INSIDE__FILE
)

// JoinKind is how a Join joins.
type JoinKind string

// The joins.
const (
	InnerJoin JoinKind = "INNER"
	LeftJoin  JoinKind = "LEFT"
	RightJoin JoinKind = "RIGHT"
	FullJoin  JoinKind = "FULL"
	CrossJoin JoinKind = "CROSS"
	SemiJoin  JoinKind = "SEMI"
	AntiJoin  JoinKind = "ANTI"
)

func (*Scan) rel()      {}
func (*Filter) rel()    {}
func (*Project) rel()   {}
func (*Join) rel()      {}
func (*Aggregate) rel() {}
func (*Window) rel()    {}
func (*Sort) rel()      {}
func (*Limit) rel()     {}
func (*SetOp) rel()     {}
func (*Distinct) rel()  {}
func (*Values) rel()    {}
func (*OneRow) rel()    {}
func (*Lateral) rel()   {}
func (*Transform) rel() {}
func (*Use) rel()       {}

// Columns are the scanned columns.
func (s *Scan) Columns() []Column {
	cols := make([]Column, len(s.Cols))
	for i, c := range s.Cols {
		cols[i] = c.Column
	}
	return cols
}

// Columns are the input's.
func (f *Filter) Columns() []Column { return f.Input.Columns() }

// Columns are the computed ones.
func (p *Project) Columns() []Column { return computed(p.Exprs) }

func computed(xs []Computed) []Column {
	cols := make([]Column, len(xs))
	for i, x := range xs {
		cols[i] = x.Column
	}
	return cols
}

// Columns are those of both sides, or of the left one.
func (j *Join) Columns() []Column {
	if j.Kind == SemiJoin || j.Kind == AntiJoin {
		return j.L.Columns()
	}
	return append(j.L.Columns(), j.R.Columns()...)
}

// Columns are the keys, the aggregates and the grouping ID.
func (a *Aggregate) Columns() []Column {
	cols := computed(a.Keys)
	for _, g := range a.Aggs {
		cols = append(cols, g.Column)
	}
	if a.GroupingID != nil {
		cols = append(cols, *a.GroupingID)
	}
	return cols
}

// Columns are the input's and the functions'.
func (w *Window) Columns() []Column {
	cols := w.Input.Columns()
	for _, f := range w.Funcs {
		cols = append(cols, f.Column)
	}
	return cols
}

// Columns are the input's.
func (s *Sort) Columns() []Column { return s.Input.Columns() }

// Columns are the input's.
func (l *Limit) Columns() []Column { return l.Input.Columns() }

// Columns are new ones, by position those of both sides.
func (s *SetOp) Columns() []Column { return append([]Column(nil), s.Cols...) }

// Columns are the input's.
func (d *Distinct) Columns() []Column { return d.Input.Columns() }

// Columns are those of the rows.
func (v *Values) Columns() []Column { return append([]Column(nil), v.Cols...) }

// Columns is empty.
func (*OneRow) Columns() []Column { return nil }

// Columns are the input's and the function's.
func (l *Lateral) Columns() []Column { return append(l.Input.Columns(), l.Cols...) }

// Columns are the program's.
func (t *Transform) Columns() []Column { return append([]Column(nil), t.Cols...) }

// Columns are the used ones.
func (u *Use) Columns() []Column {
	cols := make([]Column, len(u.Cols))
	for i, c := range u.Cols {
		cols[i] = c.Column
	}
	return cols
}
