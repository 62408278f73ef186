package metastore

import (
	"context"
	"time"

	"github.com/skepdata/skep/partitions"
)

// ChangeKind says what a Change did. The values are kept in the log.
type ChangeKind string

// The kinds of changes.
const (
	CreatedDatabase   ChangeKind = "create database"
	AlteredDatabase   ChangeKind = "alter database"
	DroppedDatabase   ChangeKind = "drop database"
	CreatedTable      ChangeKind = "create table"
	AlteredTable      ChangeKind = "alter table" // or renamed: Object is the old name, After.Table has the new
	DroppedTable      ChangeKind = "drop table"  // its partitions go with it and are not listed
	AddedPartitions   ChangeKind = "add partitions"
	AlteredPartitions ChangeKind = "alter partitions"
	DroppedPartitions ChangeKind = "drop partitions"
	CreatedFunction   ChangeKind = "create function"
	AlteredFunction   ChangeKind = "alter function"
	DroppedFunction   ChangeKind = "drop function"
	SetStatistics     ChangeKind = "set statistics"
	DroppedStatistics ChangeKind = "drop statistics"
	AddedConstraints  ChangeKind = "add constraints"
	DroppedConstraint ChangeKind = "drop constraint"
	CreatedRole       ChangeKind = "create role"
	DroppedRole       ChangeKind = "drop role" // its grants and privileges go with it and are not listed
	GrantedRole       ChangeKind = "grant role"
	RevokedRole       ChangeKind = "revoke role" // or the option: then After has what is left
	GrantedPrivileges ChangeKind = "grant privileges"
	RevokedPrivileges ChangeKind = "revoke privileges" // or the option: then After has what is left
	Noted             ChangeKind = "note"              // Tx.Note: an event that changed nothing here, as an INSERT of files
)

// Change is one entry of the change log: one call of a Tx that changed something. Calls with many
// partitions are split into several entries of at most a thousand.
type Change struct {
	// ID counts the changes from 1, without gaps, in the order in which they became visible: who
	// has seen all changes up to one ID never finds a smaller one later. (It is given out under
	// the lock that Update holds until its commit.)
	ID     int64
	Time   time.Time
	User   string // see WithUser
	Kind   ChangeKind
	Object TableName // Name is empty for databases; of functions it is the function's; empty for roles and their grants

	Before, After State // what was, and what is; empty for creations and removals
}

// State is one side of a Change; what its kind does not concern is nil.
type State struct {
	Database    *Database
	Table       *Table
	Partitions  []*Partition
	Function    *Function
	Constraints []Constraint
	Statistics  *Statistics
	Role        *Role
	RoleGrants  []*RoleGrant
	Privileges  []*Privilege
	Values      partitions.Values // of a Note about one partition
	Note        map[string]string // what Tx.Note was given
}

type userKey struct{}

// WithUser is a context whose changes are logged as this user's.
func WithUser(ctx context.Context, user string) context.Context {
	return context.WithValue(ctx, userKey{}, user)
}

// User is the user of a context, empty where there is none.
func User(ctx context.Context) string {
	user, _ := ctx.Value(userKey{}).(string)
	return user
}
