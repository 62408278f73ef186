package syntax

// AlterAction is what an ALTER TABLE does.
type AlterAction interface {
	Node
	alterAction()
}

// Actions of ALTER TABLE.
type (
	// AddPartitions is ADD [IF NOT EXISTS] PARTITION (...) [LOCATION 'l'] ...
	AddPartitions struct {
		Span
		IfNotExists bool
		Partitions  []AddPartition
	}
	// AddPartition is one partition of AddPartitions.
	AddPartition struct {
		Span
		Spec     PartitionSpec
		Location *string
	}
	// DropPartitions is DROP [IF EXISTS] PARTITION (...), PARTITION (...) [PURGE].
	DropPartitions struct {
		Span
		IfExists bool
		Specs    []PartitionSpec
		Purge    bool
	}
	// RenameTable is RENAME TO name.
	RenameTable struct {
		Span
		To ObjectName
	}
	// RenamePartition is PARTITION (...) RENAME TO PARTITION (...).
	RenamePartition struct {
		Span
		To PartitionSpec
	}
	// SetProperties is SET TBLPROPERTIES or UNSET TBLPROPERTIES [IF EXISTS]; with SerDe,
	// SET SERDEPROPERTIES.
	SetProperties struct {
		Span
		SerDe      bool
		Unset      bool
		IfExists   bool
		Properties []Property
	}
	// SetSerDe is SET SERDE 'class' [WITH SERDEPROPERTIES (...)].
	SetSerDe struct {
		Span
		Class      string
		Properties []Property
	}
	// SetFileFormat is SET FILEFORMAT f.
	SetFileFormat struct {
		Span
		Format FileFormat
	}
	// SetLocation is SET LOCATION 'url'.
	SetLocation struct {
		Span
		Location string
	}
	// AddColumns is ADD COLUMNS (...) or, with Replace, REPLACE COLUMNS (...).
	AddColumns struct {
		Span
		Replace bool
		Columns []ColumnDef
		Cascade bool
	}
	// ChangeColumn is CHANGE [COLUMN] old new type [COMMENT] [FIRST|AFTER c] [CASCADE].
	ChangeColumn struct {
		Span
		Old     Ident
		New     ColumnDef
		First   bool
		After   *Ident
		Cascade bool
	}
	// SetViewQuery is AS query, of ALTER VIEW.
	SetViewQuery struct {
		Span
		Query *Query
	}
	// Touch is TOUCH.
	Touch struct{ Span }
	// UpdateStatistics is UPDATE STATISTICS [FOR COLUMN c] SET ('numRows' = '3', ...).
	UpdateStatistics struct {
		Span
		Column     *Ident
		Properties []Property
	}
	// ExchangePartition is EXCHANGE PARTITION (...) WITH TABLE t.
	ExchangePartition struct {
		Span
		Spec PartitionSpec
		From ObjectName
	}
	// ChangeKey is PARTITION COLUMN (key type).
	ChangeKey struct {
		Span
		Key ColumnDef
	}
	// SetLayout is CLUSTERED BY ..., INTO n BUCKETS, SKEWED BY ..., and NOT CLUSTERED, NOT
	// SORTED, NOT SKEWED, NOT STORED AS DIRECTORIES.
	SetLayout struct {
		Span
		Bucketing *Bucketing // without columns for INTO n BUCKETS
		Skewed    *Skewed
		Not       string // what stands behind NOT, upper case
	}
	// AddConstraint is ADD CONSTRAINT ...
	AddConstraint struct {
		Span
		Constraint Constraint
	}
	// UpdateColumns is UPDATE COLUMNS [CASCADE]: take the columns that the SerDe says.
	UpdateColumns struct {
		Span
		Cascade bool
	}
	// Concatenate is CONCATENATE.
	Concatenate struct{ Span }
	// Archive is ARCHIVE or UNARCHIVE PARTITION (...).
	Archive struct {
		Span
		Undo bool
	}
	// SetSkewedLocation is SET SKEWED LOCATION (value = 'url', (v, w) = 'url', ...).
	SetSkewedLocation struct {
		Span
		Locations []SkewedLocation
	}
	// SkewedLocation is where the rows of one combination of skewed values lie.
	SkewedLocation struct {
		Span
		Values   []Expr
		Location string
	}
	// SetOwner is SET OWNER USER|GROUP|ROLE name.
	SetOwner struct {
		Span
		Kind  string // "USER", "GROUP", "ROLE"
		Owner Ident
	}
	// DropConstraint is DROP CONSTRAINT name.
	DropConstraint struct {
		Span
		Name Ident
	}
)

func (*AddPartitions) alterAction()     {}
func (*DropPartitions) alterAction()    {}
func (*RenameTable) alterAction()       {}
func (*RenamePartition) alterAction()   {}
func (*SetProperties) alterAction()     {}
func (*SetSerDe) alterAction()          {}
func (*SetFileFormat) alterAction()     {}
func (*SetLocation) alterAction()       {}
func (*AddColumns) alterAction()        {}
func (*ChangeColumn) alterAction()      {}
func (*SetViewQuery) alterAction()      {}
func (*Touch) alterAction()             {}
func (*UpdateStatistics) alterAction()  {}
func (*ExchangePartition) alterAction() {}
func (*ChangeKey) alterAction()         {}
func (*SetLayout) alterAction()         {}
func (*AddConstraint) alterAction()     {}
func (*DropConstraint) alterAction()    {}
func (*UpdateColumns) alterAction()     {}
func (*Concatenate) alterAction()       {}
func (*Archive) alterAction()           {}
func (*SetSkewedLocation) alterAction() {}
func (*SetOwner) alterAction()          {}
