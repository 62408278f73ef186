package metastore

import (
	"time"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/partitions"
)

// Function is a function of a database that CREATE FUNCTION made: a class of Java, or the text of
// a macro.
type Function struct {
	Database   string     `json:"database,omitempty"` // lower case
	Name       string     `json:"name,omitempty"`     // lower case
	Class      string     `json:"class,omitempty"`
	Owner      string     `json:"owner,omitempty"`
	OwnerType  string     `json:"owner_type,omitempty"` // USER, ROLE or GROUP
	Type       string     `json:"type,omitempty"`       // JAVA, or MACRO where Text is its definition
	Text       string     `json:"text,omitempty"`
	Resources  []Resource `json:"resources,omitempty"`
	CreateTime time.Time  `json:"created"`
}

// Resource is a file that a function needs.
type Resource struct {
	Type string `json:"type,omitempty"` // JAR, FILE or ARCHIVE
	URI  string `json:"uri,omitempty"`
}

// Constraint is a constraint of a table. None is enforced by a metastore.
type Constraint struct {
	Name       string         `json:"name,omitempty"`       // lower case; unique in its database
	Kind       ConstraintKind `json:"kind,omitempty"`       // which says what else is set
	Columns    []string       `json:"columns,omitempty"`    // lower case, in order
	Parent     TableName      `json:"parent,omitempty"`     // of a foreign key
	References []string       `json:"references,omitempty"` // columns of Parent, as many as Columns
	Expression string         `json:"expression,omitempty"` // of CHECK and DEFAULT
	Enable     bool           `json:"enable,omitempty"`
	Validated  bool           `json:"validate,omitempty"`
	Rely       bool           `json:"rely,omitempty"`
	UpdateRule int            `json:"update_rule,omitempty"` // of a foreign key, as JDBC numbers them
	DeleteRule int            `json:"delete_rule,omitempty"`
}

// ConstraintKind is the kind of a Constraint.
type ConstraintKind string

// The kinds of constraints.
const (
	PrimaryKey ConstraintKind = "PRIMARY KEY"
	ForeignKey ConstraintKind = "FOREIGN KEY"
	Unique     ConstraintKind = "UNIQUE"
	NotNull    ConstraintKind = "NOT NULL"
	Default    ConstraintKind = "DEFAULT"
	Check      ConstraintKind = "CHECK"
)

// Statistics are those of the columns of a table, or of one partition of it.
type Statistics struct {
	Values  partitions.Values  `json:"values,omitempty"` // of the partition; nil for the table
	Columns []ColumnStatistics `json:"columns,omitempty"`
}

// StatisticsKind is the Kind of the statistics of a column of a type, empty for types that have none.
func StatisticsKind(t hivetype.Type) string {
	switch t.Kind {
	case hivetype.Boolean:
		return "boolean"
	case hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt:
		return "long"
	case hivetype.Float, hivetype.Double:
		return "double"
	case hivetype.String, hivetype.Varchar, hivetype.Char:
		return "string"
	case hivetype.Binary:
		return "binary"
	case hivetype.Decimal:
		return "decimal"
	case hivetype.Date:
		return "date"
	case hivetype.Timestamp, hivetype.TimestampLocalTZ:
		return "timestamp"
	}
	return ""
}

// ColumnStatistics are what is known of the values of a column. Numbers are -1, and texts empty,
// where they are not known.
type ColumnStatistics struct {
	Column    string    `json:"column,omitempty"` // lower case
	Type      string    `json:"type,omitempty"`   // of the column, in Hive's syntax
	Kind      string    `json:"kind,omitempty"`   // the member of Hive's ColumnStatisticsData: boolean, long, double, string, binary, decimal, date, timestamp
	Engine    string    `json:"engine,omitempty"` // of a client that keeps its own; hive where empty
	Nulls     int64     `json:"nulls"`
	Distinct  int64     `json:"distinct"`
	Low       string    `json:"low,omitempty"`  // in the text form of the type
	High      string    `json:"high,omitempty"` // in the text form of the type
	AvgLength float64   `json:"avg_length"`
	MaxLength int64     `json:"max_length"`
	Trues     int64     `json:"trues"`
	Falses    int64     `json:"falses"`
	BitVector []byte    `json:"bit_vector,omitempty"`
	Analyzed  time.Time `json:"analyzed"` // the beginning of 1970 where nobody looked at the data
}

// Lock is a lock that clients of the Hive Metastore take on databases, tables and partitions. A
// store only keeps locks: who may have one is decided by what uses them, in a transaction.
type Lock struct {
	ID         int64           `json:"id,omitempty"` // given out by PutLock where 0
	State      string          `json:"state,omitempty"`
	User       string          `json:"user,omitempty"`
	Host       string          `json:"host,omitempty"`
	Agent      string          `json:"agent,omitempty"` // agentInfo
	Txn        int64           `json:"txn,omitempty"`
	Components []LockComponent `json:"components,omitempty"`
	Acquired   time.Time       `json:"acquired"` // zero while it waits
	Heartbeat  time.Time       `json:"heartbeat"`
	Expires    time.Time       `json:"expires"` // after which ExpiredLocks finds it
}

// LockComponent is one thing that is locked.
type LockComponent struct {
	Type      string `json:"type,omitempty"`  // SHARED_READ, SHARED_WRITE, EXCLUSIVE
	Level     string `json:"level,omitempty"` // DB, TABLE, PARTITION
	Database  string `json:"database,omitempty"`
	Table     string `json:"table,omitempty"`
	Partition string `json:"partition,omitempty"`
	Operation string `json:"operation,omitempty"`
}

// Txn is a transaction of a client of the Hive Metastore: what holds locks together, and what numbers the
// writes of tables that keep versions of rows. It is no transaction of the store, which only keeps it.
type Txn struct {
	ID        int64     `json:"id,omitempty"` // given out by PutTxn where 0
	State     string    `json:"state,omitempty"`
	Kind      string    `json:"kind,omitempty"`
	User      string    `json:"user,omitempty"`
	Host      string    `json:"host,omitempty"`
	Agent     string    `json:"agent,omitempty"`
	Writes    []Write   `json:"writes,omitempty"`
	Started   time.Time `json:"started"`
	Heartbeat time.Time `json:"heartbeat"`
	Expires   time.Time `json:"expires"`
}

// Write is the number of what a transaction writes to a table: greater than all before.
type Write struct {
	Database string `json:"database"`
	Table    string `json:"table"`
	ID       int64  `json:"id"`
}
