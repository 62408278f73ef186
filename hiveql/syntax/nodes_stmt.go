package syntax

// Definitions that statements share.
type (
	// ColumnDef is name type [COMMENT 'c'].
	ColumnDef struct {
		Span
		Name        Ident
		Type        Type
		Comment     string
		Constraints []Constraint
	}
	// Constraint is one constraint of a column or a table.
	Constraint struct {
		Span
		Name *Ident // of CONSTRAINT name; nil where none is given
		// Kind is "NULL", "NOT NULL", "DEFAULT", "CHECK", "PRIMARY KEY", "UNIQUE" or
		// "FOREIGN KEY".
		Kind    string
		Columns []Ident // of keys; empty for the column that the constraint stands behind
		X       Expr    // of DEFAULT and CHECK
		// Parent and ParentColumns are what a FOREIGN KEY references.
		Parent        *ObjectName
		ParentColumns []Ident
		// Options are, in the order given, ENABLE, DISABLE, VALIDATE, NOVALIDATE, ENFORCED,
		// NOT ENFORCED, RELY, NORELY.
		Options []string
	}
	// Skewed is SKEWED BY (columns) ON (values) [STORED AS DIRECTORIES].
	Skewed struct {
		Span
		Columns     []Ident
		Values      [][]Expr // constants, as many in each as there are columns
		Directories bool
	}
	// PartitionSpec is PARTITION (k = v, k, ...): in INSERT, LOAD, DESCRIBE, ALTER ... ADD.
	PartitionSpec struct {
		Span
		Fields []PartitionField
	}
	// PartitionField is one field of a PartitionSpec. In DROP PARTITION Op may be any
	// comparison; a dynamic key has no Value.
	PartitionField struct {
		Span
		Key   Ident
		Op    string // "=", "<>", "<", "<=", ">", ">=", "LIKE"; "" for a dynamic key
		Value Expr   // a constant
	}
	// RowFormat is ROW FORMAT DELIMITED ... or ROW FORMAT SERDE 'class' WITH SERDEPROPERTIES.
	RowFormat struct {
		Span
		SerDe      string // class name; "" for DELIMITED
		Properties []Property
		Delimited  bool
		FieldDelim *string // FIELDS TERMINATED BY
		Escape     *string // ESCAPED BY
		ItemDelim  *string // COLLECTION ITEMS TERMINATED BY
		KeyDelim   *string // MAP KEYS TERMINATED BY
		LineDelim  *string // LINES TERMINATED BY
		NullText   *string // NULL DEFINED AS
	}
	// FileFormat is STORED AS name, or STORED AS INPUTFORMAT 'i' OUTPUTFORMAT 'o', or
	// STORED BY 'handler'.
	FileFormat struct {
		Span
		Name                      string // upper case: "TEXTFILE", "PARQUET", "ORC" ...
		Input, Output, StorageBy  string
		InputDriver, OutputDriver string
		SerDe                     string     // of SET FILEFORMAT INPUTFORMAT ... SERDE
		Properties                []Property // of STORED BY ... WITH SERDEPROPERTIES
	}
	// Bucketing is CLUSTERED BY (columns) [SORTED BY (...)] INTO n BUCKETS.
	Bucketing struct {
		Span
		Columns []Ident
		Sorted  []SortItem
		Buckets int
	}
)

// Statements about data.
type (
	// QueryStmt is a query by itself.
	QueryStmt struct {
		Span
		Query *Query
	}
	// Insert is INSERT INTO|OVERWRITE TABLE t [PARTITION ...] [(columns)] query.
	Insert struct {
		Span
		Overwrite   bool
		Table       ObjectName
		Partition   *PartitionSpec
		IfNotExists bool
		Columns     []Ident
		Query       *Query
	}
	// InsertDirectory is INSERT OVERWRITE [LOCAL] DIRECTORY 'path' [formats] query.
	InsertDirectory struct {
		Span
		Local  bool
		Path   string
		Row    *RowFormat
		Format *FileFormat
		Query  *Query
	}
	// MultiInsert is FROM source INSERT ... SELECT ... INSERT ... SELECT ... Each insert's
	// query has an empty From, standing for Source.
	MultiInsert struct {
		Span
		With    []CTE
		Source  []TableExpr
		Inserts []Stmt // *Insert or *InsertDirectory
	}
	// LoadData is LOAD DATA [LOCAL] INPATH 'path' [OVERWRITE] INTO TABLE t [PARTITION ...].
	LoadData struct {
		Span
		Local     bool
		Path      string
		Overwrite bool
		Table     ObjectName
		Partition *PartitionSpec
		// InputFormat and SerDe are class names, "" where none are given.
		InputFormat, SerDe string
	}
	// Truncate is TRUNCATE TABLE t [PARTITION ...] [COLUMNS (...)] [FORCE].
	Truncate struct {
		Span
		Table     ObjectName
		Partition *PartitionSpec
		Columns   []Ident // of COLUMNS (...); empty for all data
		Force     bool
	}
	// Analyze is ANALYZE TABLE t [PARTITION ...] COMPUTE STATISTICS [NOSCAN | FOR COLUMNS ...].
	Analyze struct {
		Span
		Table      ObjectName
		Partition  *PartitionSpec
		NoScan     bool
		ForColumns bool
		Columns    []Ident // of FOR COLUMNS; empty for all of them
	}
	// Explain is EXPLAIN [EXTENDED|FORMATTED|...] statement.
	Explain struct {
		Span
		Mode string // upper case, "" for none
		Stmt Stmt
	}
)

// Statements about tables, views and databases.
type (
	// CreateTable is CREATE [TEMPORARY] [EXTERNAL] TABLE in all its forms.
	CreateTable struct {
		Span
		Temporary, External bool
		IfNotExists         bool
		Name                ObjectName
		Like                *ObjectName // LIKE t
		LikeFile            *LikeFile
		Columns             []ColumnDef
		Constraints         []Constraint // of the table
		Comment             *string
		PartitionedBy       []ColumnDef // without types in CTAS: Type.Kind is ""
		Bucketing           *Bucketing
		Skewed              *Skewed
		Row                 *RowFormat
		Format              *FileFormat
		Location            *string
		Properties          []Property
		Query               *Query // AS query
	}
	// LikeFile is LIKE FILE format 'path'.
	LikeFile struct {
		Span
		Format string // upper case
		Path   string
	}
	// CreateView is CREATE [OR REPLACE] VIEW.
	CreateView struct {
		Span
		OrReplace   bool
		IfNotExists bool
		Name        ObjectName
		Columns     []ColumnDef // names and comments
		Comment     *string
		// PartitionedOn names the columns of PARTITIONED ON.
		PartitionedOn []Ident
		Properties    []Property
		Query         *Query
	}
	// DropTable is DROP TABLE or DROP VIEW.
	DropTable struct {
		Span
		View     bool
		Stored   bool // MATERIALIZED, of which there are none to drop
		IfExists bool
		Name     ObjectName
		Purge    bool
	}
	// CreateDatabase is CREATE DATABASE|SCHEMA.
	CreateDatabase struct {
		Span
		IfNotExists bool
		Name        Ident
		Comment     *string
		Location    *string
		// ManagedLocation is where the managed tables go, if not to Location.
		ManagedLocation *string
		Properties      []Property
	}
	// DropDatabase is DROP DATABASE|SCHEMA [CASCADE].
	DropDatabase struct {
		Span
		IfExists bool
		Name     Ident
		Cascade  bool
	}
	// AlterDatabase is ALTER DATABASE d SET DBPROPERTIES|LOCATION|MANAGEDLOCATION|OWNER.
	AlterDatabase struct {
		Span
		Name       Ident
		Properties []Property
		Location   *string
		// ManagedLocation is that of SET MANAGEDLOCATION.
		ManagedLocation *string
		Owner           string // "USER u", "ROLE r"
	}
	// Msck is MSCK [REPAIR] TABLE t [ADD|DROP|SYNC PARTITIONS] [PARTITION (...)].
	Msck struct {
		Span
		Repair bool
		Table  ObjectName
		Mode   string // "ADD" (the default), "DROP", "SYNC"
		// Partition is a PartitionSpec whose fields may have any comparison; nil for all.
		Partition *PartitionSpec
	}
	// Optimize is OPTIMIZE TABLE t [PARTITION (...)] [WHERE condition], which Hive does not have.
	Optimize struct {
		Span
		Table     ObjectName
		Partition *PartitionSpec // nil for all
		Where     Expr           // on partition keys; nil for all
	}
	// AlterTable is ALTER TABLE|VIEW name [PARTITION spec] action.
	AlterTable struct {
		Span
		View      bool
		Name      ObjectName
		Partition *PartitionSpec
		Action    AlterAction
	}
)

// Statements about functions, and those that carry tables away and back.
type (
	// CreateMacro is CREATE TEMPORARY MACRO name(p type, ...) body.
	CreateMacro struct {
		Span
		Name   Ident
		Params []ColumnDef
		Body   Expr
	}
	// CreateFunction is CREATE [TEMPORARY] FUNCTION name AS 'class' [USING JAR 'url', ...].
	CreateFunction struct {
		Span
		Temporary bool
		Name      ObjectName
		Class     string
		Resources []Property // Key is JAR, FILE or ARCHIVE
	}
	// DropFunction is DROP [TEMPORARY] FUNCTION or DROP TEMPORARY MACRO.
	DropFunction struct {
		Span
		Macro, Temporary bool
		IfExists         bool
		Name             ObjectName
	}
	// ReloadFunctions is RELOAD FUNCTIONS.
	ReloadFunctions struct{ Span }
	// Export is EXPORT TABLE t [PARTITION ...] TO 'path'.
	Export struct {
		Span
		Table     ObjectName
		Partition *PartitionSpec
		Path      string
	}
	// Import is IMPORT [[EXTERNAL] TABLE t [PARTITION ...]] FROM 'path' [LOCATION 'l'].
	Import struct {
		Span
		External  bool
		Table     *ObjectName // nil for the name the table had
		Partition *PartitionSpec
		Path      string
		Location  *string
	}
)

// Statements that show and set.
type (
	// Show is SHOW in all its forms.
	Show struct {
		Span
		// What is "DATABASES", "TABLES", "VIEWS", "PARTITIONS", "COLUMNS", "CREATE TABLE",
		// "CREATE DATABASE", "TBLPROPERTIES", "TABLE EXTENDED", "FUNCTIONS", "CONF".
		What      string
		Extended  bool        // SHOW EXTENDED TABLES
		Sorted    bool        // SHOW SORTED COLUMNS
		In        *Ident      // database after IN or FROM
		Name      *ObjectName // the table, view or database shown
		Like      *string     // pattern
		Partition *PartitionSpec
		Where     Expr
		OrderBy   []SortItem
		Limit     *Limit
		Property  *string // SHOW TBLPROPERTIES t('p'); the name after SHOW CONF
	}
	// Describe is DESCRIBE [EXTENDED|FORMATTED] of a table, column, partition, database or
	// function.
	Describe struct {
		Span
		Mode      string // "", "EXTENDED", "FORMATTED"
		What      string // "TABLE", "DATABASE", "FUNCTION"
		Name      ObjectName
		Partition *PartitionSpec
		Column    []Ident // a column and fields within it
	}
	// Use is USE database.
	Use struct {
		Span
		Database Ident
	}
	// Set is SET, SET -v, SET key, SET key=value.
	Set struct {
		Span
		Key   string // "" shows everything
		Value *string
		All   bool // -v
	}
	// Reset is RESET [key ...].
	Reset struct {
		Span
		Keys []string
	}
	// ShellCommand is !command, dfs ..., source file, add jar ... and such lines of the CLI.
	ShellCommand struct {
		Span
		Command string // "!", "dfs", "source", "add", "list", "delete", "compile"
		Args    string
	}
)

func (*QueryStmt) stmt()       {}
func (*Insert) stmt()          {}
func (*InsertDirectory) stmt() {}
func (*MultiInsert) stmt()     {}
func (*LoadData) stmt()        {}
func (*Truncate) stmt()        {}
func (*Analyze) stmt()         {}
func (*Explain) stmt()         {}
func (*CreateTable) stmt()     {}
func (*CreateView) stmt()      {}
func (*DropTable) stmt()       {}
func (*CreateDatabase) stmt()  {}
func (*DropDatabase) stmt()    {}
func (*AlterDatabase) stmt()   {}
func (*Msck) stmt()            {}
func (*Optimize) stmt()        {}
func (*CreateMacro) stmt()     {}
func (*CreateFunction) stmt()  {}
func (*DropFunction) stmt()    {}
func (*ReloadFunctions) stmt() {}
func (*Export) stmt()          {}
func (*Import) stmt()          {}
func (*AlterTable) stmt()      {}
func (*Show) stmt()            {}
func (*Describe) stmt()        {}
func (*Use) stmt()             {}
func (*Set) stmt()             {}
func (*Reset) stmt()           {}
func (*ShellCommand) stmt()    {}
