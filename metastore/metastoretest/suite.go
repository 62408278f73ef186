package metastoretest

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// Config says how to make a store.
type Config struct {
	// New makes an empty store, which has nothing but the default database, and arranges for it
	// to be closed when the test ends.
	New func(t testing.TB) metastore.Store
	// Lacks is what the store cannot do and says so in its documentation.
	Lacks Ability
}

// Ability is something that part of the contract needs.
type Ability uint

// The abilities.
const (
	// Transactions: what fn has written in an Update is undone where it fails, and is seen by others
	// only when it has not.
	Transactions Ability = 1 << iota
	// Snapshots: an iteration sees one moment, however long it takes.
	Snapshots
	// Versions: those of a table count from 1.
	Versions
	// Microseconds: times are kept to the microsecond.
	Microseconds
	// Log: there is a change log, and Notes in it.
	Log
	// LockTable: locks are kept as they are put, and there is a clock for them.
	LockTable
	// TxnTable: transactions are kept as they are put, and the numbers of writes of tables.
	TxnTable
	// LooseStatistics: statistics of columns that a table does not have are kept, to the last number.
	LooseStatistics
	// NoOwnerType: that nobody said what an owner is is kept, too; otherwise it is a USER.
	NoOwnerType
	// RoleOwners: the owners and times of roles are kept.
	RoleOwners
)

// Run runs the whole contract.
func Run(t *testing.T, c Config) {
	unit := time.Microsecond
	if c.Lacks&Microseconds != 0 {
		unit = time.Second
	}
	for _, part := range []struct {
		name  string
		tests []contract
	}{
		{"database", databaseTests}, {"table", tableTests}, {"partition", partitionTests},
		{"predicate", predicateTests}, {"update", updateTests}, {"reader", moreReaderTests}, {"details", detailTests},
		{"change", changeTests}, {"role", roleTests}, {"privilege", privilegeTests},
	} {
		t.Run(part.name, func(t *testing.T) {
			for _, test := range part.tests {
				if test.needs&c.Lacks != 0 {
					continue
				}
				t.Run(test.sentence, func(t *testing.T) { test.run(t, suite{t, t.Context(), c.New(t), c.Lacks, unit}) })
			}
		})
	}
}

// contract is one sentence of it.
type contract struct {
	sentence string
	run      func(t *testing.T, s suite)
	needs    Ability
}

// suite is a store with shorthands that end the test at errors.
type suite struct {
	t     testing.TB
	ctx   context.Context
	store metastore.Store
	lacks Ability
	unit  time.Duration // of the times it keeps
}

func (s suite) update(fn func(tx metastore.Tx) error) {
	s.t.Helper()
	if err := s.store.Update(s.ctx, fn); err != nil {
		s.t.Fatal(err)
	}
}

// fails runs an update that must fail with an error that is want and names the operation.
func (s suite) fails(want error, fn func(tx metastore.Tx) error) {
	s.t.Helper()
	is(s.t, s.store.Update(s.ctx, fn), want)
}

func is(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got the error %v, want one that is %q", err, want)
	}
	var e *metastore.Error
	if !errors.As(err, &e) || e.Op == "" {
		t.Fatalf("%v does not say which operation failed", err)
	}
}

func (s suite) createDatabase(names ...string) {
	s.t.Helper()
	for _, name := range names {
		s.update(func(tx metastore.Tx) error {
			return tx.CreateDatabase(s.ctx, &metastore.Database{Name: name})
		})
	}
}

// createTable makes a table with the keys, given as name and type in turn.
func (s suite) createTable(name metastore.TableName, keys ...string) *metastore.Table {
	s.t.Helper()
	table := &metastore.Table{
		TableName: name, Type: metastore.External,
		Storage: metastore.StorageDescriptor{
			Columns:  []metastore.Column{{Name: "a", Type: hivetype.Of(hivetype.Int)}},
			Location: "file:///warehouse/" + name.Name,
		},
	}
	for pair := range slices.Chunk(keys, 2) {
		table.PartitionKeys = append(table.PartitionKeys, metastore.Column{Name: pair[0], Type: typ(s.t, pair[1])})
	}
	s.update(func(tx metastore.Tx) error { return tx.CreateTable(s.ctx, table) })
	return table
}

func (s suite) table(name metastore.TableName) *metastore.Table {
	s.t.Helper()
	table, err := s.store.Table(s.ctx, name)
	if err != nil {
		s.t.Fatal(err)
	}
	return table
}

func (s suite) add(name metastore.TableName, vs ...partitions.Values) {
	s.t.Helper()
	s.update(func(tx metastore.Tx) error { return tx.AddPartitions(s.ctx, name, parts(vs...), false) })
}

func parts(vs ...partitions.Values) []*metastore.Partition {
	ps := make([]*metastore.Partition, len(vs))
	for i, v := range vs {
		ps[i] = &metastore.Partition{Values: v, Storage: metastore.StorageDescriptor{Location: "file:///p"}}
	}
	return ps
}

// values lists the values of the partitions that satisfy p.
func (s suite) values(r metastore.Reader, name metastore.TableName, p partitions.Predicate) []partitions.Values {
	s.t.Helper()
	var vs []partitions.Values
	for part, err := range r.Partitions(s.ctx, name, p) {
		if err != nil {
			s.t.Fatal(err)
		}
		vs = append(vs, part.Values)
	}
	return vs
}

func typ(t testing.TB, name string) hivetype.Type {
	t.Helper()
	parsed, err := hivetype.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func filter(t testing.TB, text string) partitions.Predicate {
	t.Helper()
	p, err := partitions.ParseFilter(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// equal compares what went in with what came out: nil and empty are the same, and so are times
// that differ by less than the store keeps.
func (s suite) equal(got, want any) {
	s.t.Helper()
	if g, w := reflect.ValueOf(got), reflect.ValueOf(want); !s.same(g, w) {
		s.t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

func (s suite) same(a, b reflect.Value) bool {
	if ta, ok := a.Interface().(time.Time); ok {
		return ta.Truncate(s.unit).Equal(b.Interface().(time.Time).Truncate(s.unit))
	}
	if ta, ok := a.Interface().(hivetype.Type); ok {
		return ta.Equal(b.Interface().(hivetype.Type))
	}
	switch a.Kind() {
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
		return s.same(a.Elem(), b.Elem())
	case reflect.Struct:
		for i := range a.NumField() {
			if a.Type().Field(i).Name == "OwnerType" && b.Field(i).IsZero() && s.lacks&NoOwnerType != 0 {
				continue
			}
			if !s.same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !s.same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		return maps.Equal(a.Interface().(map[string]string), b.Interface().(map[string]string))
	}
	return a.Interface() == b.Interface()
}
