package metastore

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/partitions"
)

// HiddenParameters begins the names of parameters that belong to skep itself, not to users.
const HiddenParameters = "skep."

// Hidden parameters of the tables whose files hiveql knows without listing them. Whoever learns that
// others may change the files takes away the one of the table, or what it says of one partition.
const (
	TrackingParameter = HiddenParameters + "tracking" // of a table
	FilesParameter    = HiddenParameters + "files"    // of a partition, or of a table without partition keys
	// SharedParameter, on a managed table, is the time in Unix seconds when a program other than
	// hiveql has last looked it up, to the hour. It may write files without telling anybody.
	SharedParameter = HiddenParameters + "shared"
)

// DefaultDatabase is the database that always exists.
const DefaultDatabase = "default"

// Database is a namespace of tables.
type Database struct {
	Name       string // lower case
	Comment    string
	Location   string // URL below which its managed tables are made
	Owner      string
	OwnerType  string            // USER, ROLE or GROUP; empty where nobody said
	Parameters map[string]string // DBPROPERTIES
	CreateTime time.Time
}

// TableName names a table. Both parts are in lower case.
type TableName struct {
	Database, Name string
}

// String is db.name.
func (n TableName) String() string { return n.Database + "." + n.Name }

// TableType says who owns the data. The values are those of the Hive Metastore.
type TableType string

// The table types.
const (
	Managed  TableType = "MANAGED_TABLE"  // DROP TABLE removes the data
	External TableType = "EXTERNAL_TABLE" // DROP TABLE leaves the data
	View     TableType = "VIRTUAL_VIEW"
)

// Column is a column of a table, or a partition key.
type Column struct {
	Name    string // lower case
	Type    hivetype.Type
	Comment string
}

// SerDe names the code that turns bytes into rows, by the class name Hive uses for it.
type SerDe struct {
	Name       string
	Library    string            // org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe
	Parameters map[string]string // field.delim, serialization.null.format ...
}

// SortColumn is one column of SORTED BY.
type SortColumn struct {
	Name string
	Desc bool
}

// StorageDescriptor says where data lies and how to read it. Every partition has its own.
type StorageDescriptor struct {
	Columns       []Column // without the partition keys
	Location      string   // URL
	InputFormat   string   // class names, as in STORED AS INPUTFORMAT ... OUTPUTFORMAT ...
	OutputFormat  string
	SerDe         SerDe
	Compressed    bool
	NumBuckets    int // 0 or -1 where not bucketed
	BucketColumns []string
	SortColumns   []SortColumn
	Skewed        *Skewed // nil where nothing is said of it
	Parameters    map[string]string
}

// Skewed is SKEWED BY: values of columns that Hive would give files of their own.
type Skewed struct {
	Columns     []string         `json:"columns"` // lower case
	Values      [][]string       `json:"values"`  // each as many as Columns
	Directories bool             `json:"directories,omitempty"`
	Locations   []SkewedLocation `json:"locations,omitempty"`
}

// SkewedLocation is where the rows that have some skewed values lie.
type SkewedLocation struct {
	Values   []string `json:"values"`
	Location string   `json:"location"`
}

// Clone returns a deep copy; nil of nil.
func (s *Skewed) Clone() *Skewed {
	if s == nil {
		return nil
	}
	c := *s
	c.Columns = slices.Clone(s.Columns)
	c.Values = slices.Clone(s.Values)
	for i, v := range c.Values {
		c.Values[i] = slices.Clone(v)
	}
	c.Locations = slices.Clone(s.Locations)
	for i := range c.Locations {
		c.Locations[i].Values = slices.Clone(c.Locations[i].Values)
	}
	return &c
}

// Table is a table or a view.
type Table struct {
	TableName
	Type             TableType
	Owner            string
	OwnerType        string // USER, ROLE or GROUP; empty where nobody said
	CreateTime       time.Time
	Storage          StorageDescriptor
	PartitionKeys    []Column
	Parameters       map[string]string // TBLPROPERTIES
	ViewOriginalText string            // as the user wrote it; of views
	ViewExpandedText string            // with names resolved; of views

	// Version counts the changes of this table's own row. AlterTable requires the version
	// that was read, or 0 to overwrite whatever is there.
	Version int64
}

// Keys are the partition keys as package partitions takes them.
func (t *Table) Keys() partitions.Keys {
	keys := make(partitions.Keys, len(t.PartitionKeys))
	for i, c := range t.PartitionKeys {
		keys[i] = partitions.Key{Name: c.Name, Type: c.Type}
	}
	return keys
}

// Transactional reports whether a table keeps versions of its rows, as ACID tables of Hive do: its files are no table to who does not
// know which transactions have been committed.
func (t *Table) Transactional() bool { return strings.EqualFold(t.Parameters["transactional"], "true") }

// Partitioned reports whether the table has partition keys.
func (t *Table) Partitioned() bool { return len(t.PartitionKeys) > 0 }

// Partition is one partition of a table.
type Partition struct {
	Values     partitions.Values
	CreateTime time.Time
	Storage    StorageDescriptor
	Parameters map[string]string
}

// Clone returns a deep copy, so that a caller can change what a Store returned.
func (t *Table) Clone() *Table {
	c := *t
	c.Storage = t.Storage.Clone()
	c.PartitionKeys = slices.Clone(t.PartitionKeys)
	c.Parameters = maps.Clone(t.Parameters)
	return &c
}

// Clone returns a deep copy.
func (d StorageDescriptor) Clone() StorageDescriptor {
	d.Columns = slices.Clone(d.Columns)
	d.SerDe.Parameters = maps.Clone(d.SerDe.Parameters)
	d.BucketColumns = slices.Clone(d.BucketColumns)
	d.SortColumns = slices.Clone(d.SortColumns)
	d.Skewed = d.Skewed.Clone()
	d.Parameters = maps.Clone(d.Parameters)
	return d
}

// Column finds a column of the descriptor by name, ignoring case; -1 if there is none.
func (d *StorageDescriptor) Column(name string) int {
	return slices.IndexFunc(d.Columns, func(c Column) bool { return strings.EqualFold(c.Name, name) })
}
