package metastore

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/skepdata/skep/partitions"
)

// Sentinels, tested with errors.Is. They come wrapped in *Error.
var (
	ErrNoSuchDatabase  = errors.New("database does not exist")
	ErrNoSuchTable     = errors.New("table does not exist")
	ErrNoSuchPartition = errors.New("partition does not exist")
	ErrExists          = errors.New("already exists")
	ErrNotEmpty        = errors.New("database is not empty")
	ErrConflict        = errors.New("changed by somebody else meanwhile")
	ErrInvalid         = errors.New("invalid")
)

// Error says which operation on which object failed, and why.
type Error struct {
	Op     string // "create table", "add partition" ...
	Object string // "default.t", "default.t/ds=2024-01-01"
	Err    error
}

func (e *Error) Error() string { return fmt.Sprintf("%s %s: %v", e.Op, e.Object, e.Err) }

func (e *Error) Unwrap() error { return e.Err }

// Reader is the reading half of a metastore. Names are matched ignoring case. What it returns
// belongs to the caller.
type Reader interface {
	// Database reports ErrNoSuchDatabase where there is none.
	Database(ctx context.Context, name string) (*Database, error)
	// Databases lists names in order. pattern is Hive's: * is any text, | separates
	// alternatives, and case is ignored; empty means all.
	Databases(ctx context.Context, pattern string) ([]string, error)
	// Table reports ErrNoSuchDatabase or ErrNoSuchTable.
	Table(ctx context.Context, name TableName) (*Table, error)
	// Tables lists the names of tables and views in order; pattern as for Databases.
	Tables(ctx context.Context, db, pattern string) ([]string, error)
	// Partition reports ErrNoSuchPartition where there is none.
	Partition(ctx context.Context, name TableName, v partitions.Values) (*Partition, error)
	// Partitions yields exactly the partitions that satisfy p (nil: all), in byte order of
	// their names. It streams; as much of p as the database can is decided there.
	Partitions(ctx context.Context, name TableName, p partitions.Predicate) iter.Seq2[*Partition, error]
}

// Tx is a transaction. Reads in it see its own writes. A call that fails changes nothing. It is
// for one goroutine at a time and must not be used after Update returns. What is passed to it is
// not kept and not changed: names are put in lower case in what is stored, and a zero CreateTime
// becomes the time of the call.
type Tx interface {
	Reader

	// CreateDatabase reports ErrExists and ErrInvalid.
	CreateDatabase(ctx context.Context, d *Database) error
	// AlterDatabase replaces the database that has d.Name; it reports ErrNoSuchDatabase.
	AlterDatabase(ctx context.Context, d *Database) error
	// DropDatabase reports ErrNoSuchDatabase, and ErrNotEmpty while the database has tables.
	// The default database cannot be dropped: ErrInvalid.
	DropDatabase(ctx context.Context, name string) error

	// CreateTable reports ErrExists, ErrNoSuchDatabase and ErrInvalid. The new table has
	// version 1.
	CreateTable(ctx context.Context, t *Table) error
	// AlterTable replaces the table called name by t, which may have another name, and adds one
	// to its version. It reports ErrConflict when t.Version is neither 0 nor the current version,
	// ErrExists when another table has the new name, and ErrInvalid when t has other partition
	// keys while there are partitions. Partitions stay with the table.
	AlterTable(ctx context.Context, name TableName, t *Table) error
	// DropTable removes a table and its partitions.
	DropTable(ctx context.Context, name TableName) error

	// AddPartitions adds all of ps or fails. With ifNotExists, those that exist stay as
	// they are; otherwise they are ErrExists. ErrInvalid: a table without partition keys, or
	// not as many values as keys.
	AddPartitions(ctx context.Context, name TableName, ps []*Partition, ifNotExists bool) error
	// AlterPartition replaces the partition that has p.Values; it reports ErrNoSuchPartition.
	AlterPartition(ctx context.Context, name TableName, p *Partition) error
	// DropPartitions removes partitions; those that do not exist are ErrNoSuchPartition.
	DropPartitions(ctx context.Context, name TableName, vs ...partitions.Values) error
}

// Store is a metastore. It is safe for concurrent use, by several processes too where the
// database allows it.
type Store interface {
	Reader
	// Update runs fn in one serializable transaction and commits it when fn returns nil.
	// On a conflict with another transaction fn is run again, so it must have no other
	// effects. The error of fn is returned as it is. fn must not call Update of the same
	// store; it may use its Reader methods, which do not see what the transaction has written.
	Update(ctx context.Context, fn func(Tx) error) error
	// Close is idempotent.
	Close() error
}
