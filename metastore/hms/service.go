package hms

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
)

// Config says what a Service serves. Store and Warehouse are required.
type Config struct {
	Store metastore.Store
	// Warehouse is the URL below which databases lie that have no location.
	Warehouse string
	// Files makes, moves and removes directories of data; without it none is touched.
	Files Files
	// ReadOnly refuses every change.
	ReadOnly bool
	// Lease is how long a lock lives without a heartbeat; 5 minutes if 0.
	Lease time.Duration
	// Version is the version of Hive that clients are told; 3.1.3 if empty.
	Version string
	// Log is told what could not be done besides the answer; slog.Default if nil.
	Log *slog.Logger
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

// Files are the directories of tables. URLs are as clients gave them.
type Files interface {
	// MakeDir makes a directory and those above it, where a store has directories.
	MakeDir(ctx context.Context, url string) error
	// Copy copies all files below a directory. It reports an error, and has copied nothing, where
	// there are files already.
	Copy(ctx context.Context, from, to string) error
	// Remove removes all files below a directory, and it. One that is not there is no error.
	Remove(ctx context.Context, url string) error
}

// Service answers the calls of the Hive Metastore's clients. It is safe for concurrent use.
type Service struct {
	Config
	started time.Time
}

// New makes a service.
func New(c Config) *Service {
	if c.Version == "" {
		c.Version = "3.1.3"
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Warehouse = strings.TrimSuffix(c.Warehouse, "/")
	return &Service{Config: c, started: c.Now()}
}

// Thrift is the table of the service's methods.
func (s *Service) Thrift() *thrift.Service {
	t := thrift.NewService()
	s.addServer(t)
	s.addDatabases(t)
	s.addTables(t)
	s.addTableChanges(t)
	s.addPartitions(t)
	s.addPartitionRequests(t)
	s.addPartitionChanges(t)
	s.addExchange(t)
	s.addMarks(t)
	s.addStatistics(t)
	s.addFunctions(t)
	s.addLocks(t)
	s.addTransactions(t)
	s.addConstraints(t)
	s.addNotifications(t)
	s.addRoles(t)
	s.addPrivileges(t)
	s.addNone(t)
	s.addOwn(t)
	return t
}

// update changes the store as the client, unless that is forbidden.
func (s *Service) update(ctx context.Context, fn func(context.Context, metastore.Tx) error) error {
	if s.ReadOnly {
		return metaf("this metastore is served read-only")
	}
	ctx = metastore.WithUser(ctx, thrift.ConnOf(ctx).Name())
	return s.store(ctx).Update(ctx, func(tx metastore.Tx) error { return fn(ctx, tx) })
}

// The arguments that many methods have.
type (
	noArgs  struct{}
	oneName struct {
		Name string `thrift:"1"`
	}
	tableArgs struct {
		DB    string `thrift:"1"`
		Table string `thrift:"2"`
	}
	requestArgs[T any] struct {
		Request T `thrift:"1"`
	}
	tableContextArgs struct {
		DB      string              `thrift:"1"`
		Table   string              `thrift:"2"`
		Context *environmentContext `thrift:"3"`
	}
)

// property is a property of the context that a client sends along; "" where it has none.
func (c *environmentContext) property(name string) string {
	if c == nil {
		return ""
	}
	return c.Properties[name]
}

func (c *environmentContext) is(name string) bool { return strings.EqualFold(c.property(name), "true") }
