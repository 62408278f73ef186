package metastore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/skepdata/skep/partitions"
)

// Sentinels, tested with errors.Is. They come wrapped in *Error.
var (
	ErrNoSuchDatabase  = errors.New("database does not exist")
	ErrNoSuchTable     = errors.New("table does not exist")
	ErrNoSuchPartition = errors.New("partition does not exist")
	ErrNoSuchFunction  = errors.New("function does not exist")
	ErrNoConstraint    = errors.New("constraint does not exist")
	ErrNoSuchLock      = errors.New("lock does not exist")
	ErrNoSuchTxn       = errors.New("transaction does not exist")
	ErrNoSuchRole      = errors.New("role does not exist")
	ErrNotGranted      = errors.New("it is not granted")
	ErrNoGrantOption   = errors.New("it is granted without the grant option")
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
// belongs to the caller, but for the lists and maps in the Storage of a Partition: partitions have
// them in common, so who changes them changes a Clone.
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
	// PartitionNames is Partitions for those who want the names only: ds=2024-01-01/hr=3.
	PartitionNames(ctx context.Context, name TableName, p partitions.Predicate) iter.Seq2[string, error]
	// CountPartitions is how many partitions satisfy p. It reads no more than it must.
	CountPartitions(ctx context.Context, name TableName, p partitions.Predicate) (int, error)
	// PartitionsNamed yields the partitions that have one of the values, in byte order of their
	// names, each once. Those that do not exist are left out.
	PartitionsNamed(ctx context.Context, name TableName, vs []partitions.Values) iter.Seq2[*Partition, error]
	// AllTables yields the tables of all databases that match the patterns, in order of database
	// and name.
	AllTables(ctx context.Context, dbPattern, tablePattern string) iter.Seq2[*Table, error]

	// Function reports ErrNoSuchDatabase or ErrNoSuchFunction.
	Function(ctx context.Context, name TableName) (*Function, error)
	// Functions lists the functions of one database, or where db is empty of all, in order of
	// database and name; pattern as for Databases.
	Functions(ctx context.Context, db, pattern string) ([]*Function, error)
	// Constraints lists the constraints of a table in order of their names.
	Constraints(ctx context.Context, name TableName) ([]Constraint, error)
	// ForeignKeysTo lists the tables whose foreign keys refer to this one, in order. It need not
	// exist.
	ForeignKeysTo(ctx context.Context, parent TableName) ([]TableName, error)
	// TableStatistics are those of the columns of a table that are known, in order of their names;
	// without columns, of all.
	TableStatistics(ctx context.Context, name TableName, columns ...string) (*Statistics, error)
	// Statistics yields those of the partitions that satisfy p and have any, in byte order of
	// their names; columns as for TableStatistics.
	Statistics(ctx context.Context, name TableName, p partitions.Predicate, columns ...string) iter.Seq2[*Statistics, error]
	// Role reports ErrNoSuchRole. Names of roles and principals are matched to the letter.
	Role(ctx context.Context, name string) (*Role, error)
	// Roles lists all roles in order of their names.
	Roles(ctx context.Context) ([]*Role, error)
	// RoleGrants lists who has a role, or where it is empty any role, and of these those of a principal, or where that is
	// empty of all; in order of role, type and name. That every user has PublicRole is not among them.
	RoleGrants(ctx context.Context, role string, to Principal) ([]*RoleGrant, error)
	// Privileges yields those that the filter lets through, of each kind in the order in which they were granted. What does
	// not exist has none.
	Privileges(ctx context.Context, f PrivilegeFilter) iter.Seq2[*Privilege, error]
	// Locks lists all locks in order of their ids.
	Locks(ctx context.Context) ([]*Lock, error)

	// Txns lists the transactions that are kept in order of their ids, and gives a number that is not smaller than any id that has
	// been given out, nor greater than any that will be.
	Txns(ctx context.Context) (all []*Txn, last int64, err error)
	// WriteID is the greatest number of a write of a table, which need not exist; 0 where there was none.
	WriteID(ctx context.Context, name TableName) (int64, error)

	// Changes yields the entries of the change log with greater ids than after, in order. Those
	// that are older than the log is kept are gone.
	Changes(ctx context.Context, after int64) iter.Seq2[*Change, error]
	// LastChange is the id of the newest entry, 0 where there was none yet.
	LastChange(ctx context.Context) (int64, error)
	// UUID identifies the metastore for as long as it exists. It is 32 hexadecimal digits.
	UUID(ctx context.Context) (string, error)
}

// Tx is a transaction. Reads in it see its own writes. A call that fails changes nothing. It is
// for one goroutine at a time and must not be used after Update returns. What is passed to it is
// not kept and not changed: names are put in lower case in what is stored, and a zero CreateTime
// becomes the time of the call. Every call that changes something is an entry of the change log,
// by the user of its context; an AlterTable that changes nothing but parameters whose names begin
// with HiddenParameters is not.
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
	// keys while there are partitions. Partitions stay with the table; so do constraints, and the
	// statistics of columns that stay and keep their types.
	AlterTable(ctx context.Context, name TableName, t *Table) error
	// DropTable removes a table and its partitions.
	DropTable(ctx context.Context, name TableName) error

	// AddPartitions adds all of ps or fails. With ifNotExists, those that exist stay as
	// they are; otherwise they are ErrExists. ErrInvalid: a table without partition keys, or
	// not as many values as keys.
	AddPartitions(ctx context.Context, name TableName, ps []*Partition, ifNotExists bool) error
	// AlterPartition replaces the partition that has p.Values; it reports ErrNoSuchPartition.
	// Statistics stay as with AlterTable.
	AlterPartition(ctx context.Context, name TableName, p *Partition) error
	// DropPartitions removes partitions; those that do not exist are ErrNoSuchPartition.
	DropPartitions(ctx context.Context, name TableName, vs ...partitions.Values) error
	// AlterPartitions is AlterPartition for all of ps or none.
	AlterPartitions(ctx context.Context, name TableName, ps []*Partition) error
	// RenamePartition gives a partition, and its statistics, other values. It reports
	// ErrNoSuchPartition, and ErrExists where a partition has those already.
	RenamePartition(ctx context.Context, name TableName, from, to partitions.Values) error

	// CreateFunction reports ErrNoSuchDatabase and ErrExists.
	CreateFunction(ctx context.Context, f *Function) error
	// AlterFunction replaces the function of that name; it reports ErrNoSuchFunction.
	AlterFunction(ctx context.Context, f *Function) error
	// DropFunction reports ErrNoSuchFunction.
	DropFunction(ctx context.Context, name TableName) error
	// AddConstraints reports ErrExists for a name that a constraint of the table has.
	AddConstraints(ctx context.Context, name TableName, cs []Constraint) error
	// DropConstraint reports ErrNoConstraint.
	DropConstraint(ctx context.Context, name TableName, constraint string) error
	// SetStatistics replaces what is known of the columns given, of a table or of partitions,
	// which must exist, each at most once.
	SetStatistics(ctx context.Context, name TableName, all ...*Statistics) error
	// DropStatistics forgets what is known of columns, or without any of all; v is nil for those
	// of the table itself.
	DropStatistics(ctx context.Context, name TableName, v partitions.Values, columns ...string) error
	// CreateRole reports ErrExists.
	CreateRole(ctx context.Context, r *Role) error
	// DropRole removes a role, what it was granted to and what was granted to it. It reports ErrNoSuchRole, and ErrInvalid for
	// the roles that every metastore has.
	DropRole(ctx context.Context, name string) error
	// GrantRole reports ErrNoSuchRole for both, ErrExists where the principal has the role already, and ErrInvalid where the
	// role has, through others, the role that it is to be granted to, or is PublicRole.
	GrantRole(ctx context.Context, g *RoleGrant) error
	// RevokeRole takes a role from a principal, or with onlyOption the right to grant it to others. It reports ErrNotGranted and
	// ErrNoGrantOption.
	RevokeRole(ctx context.Context, role string, from Principal, onlyOption bool) error
	// GrantPrivileges grants all or none. It reports ErrExists for what is Same, what misses where the securable does not exist,
	// and ErrNoSuchRole. Privileges go with what they are on: they are gone when that is dropped, and follow it to
	// another name. Those on a column stay until the table is dropped. Partitions that are added to a table with the parameter
	// PARTITION_LEVEL_PRIVILEGE=TRUE begin with the privileges on the table and its columns.
	GrantPrivileges(ctx context.Context, ps []*Privilege) error
	// RevokePrivileges takes away, for each of ps, the oldest that it Revokes on the same securable, or with onlyOption the right
	// to grant it to others; all or none. It reports ErrNotGranted and ErrNoGrantOption.
	RevokePrivileges(ctx context.Context, ps []*Privilege, onlyOption bool) error
	// PutLock makes a lock, whose id it returns, or replaces the one that has l.ID: ErrNoSuchLock.
	// Locks are not in the change log.
	PutLock(ctx context.Context, l *Lock) (int64, error)
	// DropLock reports ErrNoSuchLock.
	DropLock(ctx context.Context, id int64) error
	// PutTxn makes a transaction, whose id it returns, or replaces the one that has x.ID: ErrNoSuchTxn.
	// Transactions are not in the change log.
	PutTxn(ctx context.Context, x *Txn) (int64, error)
	// DropTxn reports ErrNoSuchTxn.
	DropTxn(ctx context.Context, id int64) error
	// SkipTxns makes the ids of transactions to come greater than last.
	SkipTxns(ctx context.Context, last int64) error
	// SetWriteID sets the greatest number of a write of a table. It goes with the table, also when that is renamed.
	SetWriteID(ctx context.Context, name TableName, id int64) error
	// Note writes an entry of kind Noted to the change log, about a table, or where v is not nil
	// about a partition, neither of which need exist.
	Note(ctx context.Context, name TableName, v partitions.Values, note map[string]string) error
}

// Store is a metastore. It is safe for concurrent use, by several processes too where the
// database allows it.
type Store interface {
	Reader
	// Update runs fn in one serializable transaction and commits it when fn returns nil.
	// On a conflict with another transaction, and when the connection broke before anything was
	// committed, fn is run again, so it must have no other effects. The error of fn is returned as
	// it is. fn must not call Update of the same store; it may use its Reader methods, which do not
	// see what the transaction has written.
	Update(ctx context.Context, fn func(Tx) error) error
	// View runs fn on one moment of the metastore: all that its Reader is asked is of that moment.
	// Where the connection breaks fn is run again, so it must be able to begin anew. The Reader is for one
	// goroutine at a time, not while an iterator of it is under way, and must not be used after View returns. The error of fn is
	// returned as it is.
	View(ctx context.Context, fn func(Reader) error) error
	// Close is idempotent.
	Close() error
}

// Clock is a Store that knows what time it is for all of its users, however their own clocks may differ.
type Clock interface {
	Now(ctx context.Context) (time.Time, error)
}
