package analysis

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// Catalog is what analysis reads of a metastore. Every metastore.Reader is one. If it also has
// a Reader's Tables, the error about a table that is missing can suggest another.
type Catalog interface {
	// Table reports metastore.ErrNoSuchDatabase or metastore.ErrNoSuchTable.
	Table(ctx context.Context, name metastore.TableName) (*metastore.Table, error)
	// Partitions yields exactly the partitions that satisfy p (nil: all), in order of name.
	Partitions(ctx context.Context, name metastore.TableName, p partitions.Predicate) iter.Seq2[*metastore.Partition, error]
}

// Env is what a statement may know of its session. It does not change while a statement is
// analyzed.
type Env struct {
	Database string    // the current database; empty means "default"
	Now      time.Time // the clock of the statement, in the session's time zone
	User     string
	// Groups lists the groups of the user. It may be nil: then nobody knows.
	Groups func() []string
	// Setting looks up a session setting, "" where there is none. It may be nil.
	Setting func(key string) string
	// NoPrograms refuses TRANSFORM, which runs programs of the machine.
	NoPrograms bool
	// ProgramDir is where those programs run, and are looked for first; the directory of the process
	// where it is empty.
	ProgramDir string
}

func (e Env) database() string {
	if e.Database == "" {
		return metastore.DefaultDatabase
	}
	return strings.ToLower(e.Database)
}

// setting is the value of a setting in lower case, or what Hive takes without one.
func (e Env) setting(key, otherwise string) string {
	if e.Setting != nil {
		if v := strings.TrimSpace(e.Setting(key)); v != "" {
			return strings.ToLower(v)
		}
	}
	return otherwise
}
