package hiveql_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/hms"
	"github.com/skepdata/skep/storage/storagetest"
)

// clockedStore is a metastore with a clock that can be put forward.
type clockedStore struct {
	metastore.Store
	ahead *atomic.Int64 // in nanoseconds
}

func (c clockedStore) Now(context.Context) (time.Time, error) {
	return time.Now().Add(time.Duration(c.ahead.Load())), nil
}

// emigrate makes all writes on record those of processes on another machine. It reports how many there are.
func (w *world) emigrate() int { return w.moveOwners("elsewhere/pid:[1]") }

// repatriate makes them those of this machine again.
func (w *world) repatriate() int { return w.moveOwners(w.home) }

func (w *world) moveOwners(place string) (n int) {
	w.t.Helper()
	ctx := context.Background()
	change := func(params map[string]string) {
		for k, v := range params {
			if words := strings.Fields(v); strings.HasPrefix(k, "skep.write.") && len(words) > 5 {
				if w.home == "" {
					w.home = words[1]
				}
				words[1] = place
				params[k] = strings.Join(words, " ")
				n++
			}
		}
	}
	err := w.store.Update(ctx, func(tx metastore.Tx) error {
		for _, name := range []string{"default"} {
			d, err := tx.Database(ctx, name)
			if err != nil {
				return err
			}
			change(d.Parameters)
			if err := tx.AlterDatabase(ctx, d); err != nil {
				return err
			}
			for _, name := range []string{"t", "u", "v", "v2"} {
				t, err := tx.Table(ctx, metastore.TableName{Database: d.Name, Name: name})
				if errors.Is(err, metastore.ErrNoSuchTable) {
					continue
				}
				if err != nil {
					return err
				}
				change(t.Parameters)
				if err := tx.AlterTable(ctx, t.TableName, t); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// elsewhere are statements that a process on another machine is carrying out, and whether each has been done.
var elsewhere = map[string]struct{ place, query string }{
	"INSERT INTO u VALUES (9)":                                        {"wh/u/", "SELECT a FROM u"},
	"INSERT OVERWRITE TABLE u VALUES (9)":                             {"wh/u/", "SELECT a FROM u"},
	"CREATE TABLE v AS SELECT a FROM u":                               {"wh/v/", "SELECT a FROM v"},
	"ALTER TABLE u RENAME TO v":                                       {"wh/v/", "SELECT a FROM v"},
	"ALTER TABLE t PARTITION (ds='x') RENAME TO PARTITION (ds='z')":   {"wh/t/ds=z/", "SELECT a FROM t"},
	"EXPORT TABLE u TO 'mem://lake/out'":                              {"out/", ""},
	"INSERT OVERWRITE DIRECTORY 'mem://lake/out' SELECT a FROM u":     {"out/", ""},
	"LOAD DATA INPATH 'mem://lake/in/new' INTO TABLE u":               {"wh/u/", "SELECT a FROM u"},
	"ALTER TABLE v2 EXCHANGE PARTITION (ds='x') WITH TABLE t":         {"wh/v2/", "SELECT a FROM v2"},
	"IMPORT TABLE v FROM 'mem://lake/kept'":                           {"wh/v/", "SELECT a FROM v"},
	"INSERT INTO t PARTITION (ds) VALUES (9, 'x'), (9, 'y'), (9,'n')": {"wh/t/", "SELECT a FROM t"},
}

// TestDeadElsewhere: what a process on another machine has begun is left alone until it has given no sign of
// life for its term by the clock of the metastore; then it is taken back. If that process lives after all, its
// statement fails, nothing of it is seen meanwhile, and nothing of it is left.
func TestDeadElsewhere(t *testing.T) {
	for statement, c := range elsewhere {
		t.Run(statement, func(t *testing.T) {
			w := newWorld(t)
			w.track = "false"
			must(t, w.plain(), setup+`; CREATE TABLE v2 (a INT) PARTITIONED BY (ds STRING); INSERT OVERWRITE DIRECTORY 'mem://lake/dir' VALUES (9);
				EXPORT TABLE u TO 'mem://lake/kept'`)
			w.put("in/new", "9\n")
			before := w.mem.Keys()
			store := clockedStore{w.store, new(atomic.Int64)}
			var copies atomic.Int64
			meanwhile := func() {
				if w.emigrate() == 0 {
					t.Error("nothing is on record")
				}
				there := len(w.below(c.place))
				must(t, w.session(w.mem, store), "CREATE TABLE w1 (a INT); INSERT INTO w1 VALUES (1)")
				if n := len(w.below(c.place)); n < there {
					t.Errorf("of %d objects %d are left before the term has passed", there, n)
				}
				store.ahead.Store(int64(6 * time.Minute))
				if v, err := w.session(w.mem, store).Vacuum(t.Context(), "", "", false); err != nil || v.Undone == 0 {
					t.Errorf("after the term: %+v, %v", v, err)
				}
			}
			b := storagetest.Faulty(w.mem, func(op storagetest.Op) error {
				if (op.Kind == storagetest.OpCommit || op.Kind == storagetest.OpCopyFrom) && strings.HasPrefix(op.Key, c.place) &&
					!strings.Contains(op.Key, "/.") && copies.Add(1) == 1 {
					meanwhile()
				}
				return nil
			})
			if _, err := run(w.session(b, store), statement); err == nil || copies.Load() == 0 {
				t.Errorf("it ended without an error")
			}
			if c.query != "" { // of which the executor reads all rows
				rows, err := run(w.plain(), c.query)
				if place := strings.Contains(c.query, "FROM v"); place && err == nil && len(rows) > 0 || slices.ContainsFunc(rows, func(r string) bool { return r[0] == '9' }) {
					t.Errorf("there are rows: %q", rows)
				}
			}
			same(t, "u", must(t, w.plain(), "SELECT a FROM u"), "1", "2", "3")
			left := slices.DeleteFunc(w.mem.Keys(), func(k string) bool { return strings.HasPrefix(k, "wh/w1/") })
			same(t, "objects", left, before...)
			if n := w.emigrate(); n > 0 {
				t.Errorf("%d records are left", n)
			}
		})
	}
}

// TestLateFiles: files that a process elsewhere puts after its write was taken back are no rows, and go a day later.
func TestLateFiles(t *testing.T) {
	for statement, c := range elsewhere {
		if c.query == "" || strings.Contains(statement, "PARTITION") {
			continue
		}
		t.Run(statement, func(t *testing.T) {
			w := newWorld(t)
			w.track = "false"
			must(t, w.plain(), setup+"; EXPORT TABLE u TO 'mem://lake/kept'")
			w.put("in/new", "9\n")
			store := clockedStore{w.store, new(atomic.Int64)}
			var once atomic.Bool
			b := storagetest.Faulty(w.mem, func(op storagetest.Op) error {
				if (op.Kind == storagetest.OpCommit || op.Kind == storagetest.OpCopyFrom) && strings.HasPrefix(op.Key, c.place) && once.CompareAndSwap(false, true) {
					w.emigrate()
					store.ahead.Store(int64(6 * time.Minute))
					if _, err := w.session(w.mem, store).Vacuum(t.Context(), "", "", false); err != nil {
						t.Error(err)
					}
					w.put(op.Key, "9\n")
				}
				if once.Load() {
					return errDead
				}
				return nil
			})
			_, _ = run(w.session(b, store), statement)
			if strings.Contains(c.query, "FROM v") {
				must(t, w.session(w.mem, store), "CREATE TABLE v (a INT)")
			}
			table := strings.Fields(c.query)[3]
			for _, row := range must(t, w.session(w.mem, store), "SELECT a FROM "+table) {
				if row == "9" {
					t.Error("there is a row of a write that was taken back")
				}
			}
			store.ahead.Store(int64(31 * time.Hour))
			must(t, w.session(w.mem, store), "INSERT INTO "+table+" VALUES (4)")
			if rows := must(t, w.plain(), "SELECT a FROM "+table); slices.Contains(rows, "9") {
				t.Errorf("a day later: %q", rows)
			}
		})
	}
}

// TestSignsOfLife: a session that writes for long renews its lock, and what it writes is not taken back however
// long that takes.
func TestSignsOfLife(t *testing.T) {
	t.Run("the metastore itself", func(t *testing.T) { testSignsOfLife(t, func(s metastore.Store) metastore.Store { return s }) })
	t.Run("one that is served", func(t *testing.T) {
		testSignsOfLife(t, func(s metastore.Store) metastore.Store { return served(t, s) })
	})
}

// served is a metastore as hiveql serve serves it.
func served(t *testing.T, store metastore.Store) metastore.Store {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &thrift.Server{Service: hms.New(hms.Config{Store: store, Warehouse: "mem://lake/wh"}).Thrift(), Translate: hms.Exception}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, l, time.Second) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	r, err := hms.Open(t.Context(), "thrift://"+l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func testSignsOfLife(t *testing.T, by func(metastore.Store) metastore.Store) {
	w := newWorld(t)
	must(t, w.plain(), setup)
	clocked := clockedStore{w.store, new(atomic.Int64)}
	store := by(clocked)
	var once atomic.Bool
	b := storagetest.Faulty(w.mem, func(op storagetest.Op) error {
		if op.Kind != storagetest.OpCommit || !strings.HasPrefix(op.Key, "wh/u/0") || !once.CompareAndSwap(false, true) {
			return nil
		}
		w.emigrate()
		clocked.ahead.Store(int64(30 * time.Second)) // more than the term; the sign is given by the clock as it is then
		w.waitForLock()
		if v, err := w.session(w.mem, store).Vacuum(t.Context(), "", "", false); err != nil || v.Undone > 0 || v.Kept == 0 {
			t.Errorf("while it lives: %+v, %v", v, err)
		}
		if w.repatriate() == 0 {
			t.Error("its record has gone")
		}
		return nil
	})
	s := w.session(b, store)
	must(t, s, "SET skep.write.lease=10s; INSERT INTO u VALUES (9)")
	same(t, "rows", must(t, w.plain(), "SELECT a FROM u"), "1", "2", "3", "9")
	if locks, err := w.store.Locks(t.Context()); err != nil || len(locks) > 0 {
		t.Errorf("after the statement: %v, %v", locks, err)
	}
}

// TestLockHasTheMetastoresTime: a reader's lock, and the record of what it needs, are by the clock of the metastore,
// for that of its machine may be wrong.
func TestLockHasTheMetastoresTime(t *testing.T) {
	w := newWorld(t)
	w.grace = "300ms"
	must(t, w.plain(), setup)
	const ahead = time.Hour
	clocked := clockedStore{w.store, new(atomic.Int64)}
	clocked.ahead.Store(int64(ahead))
	w.store = clocked
	old := w.during("SELECT a FROM u", func() {
		locks, err := w.store.Locks(t.Context())
		if err != nil || len(locks) != 1 || time.Until(locks[0].Acquired) < ahead-time.Minute || locks[0].Expires.Sub(locks[0].Acquired) > 2*time.Minute {
			t.Errorf("the lock is %+v, %v", locks, err)
		}
		s := w.plain()
		must(t, s, "INSERT OVERWRITE TABLE u VALUES (9)")
		if err := s.Close(t.Context()); err != nil { // after the grace
			t.Error(err)
		}
	})
	same(t, "an old reader", old, "1", "2", "3")
	must(t, w.plain(), "INSERT INTO u VALUES (8)")
	same(t, "rows", must(t, w.plain(), "SELECT a FROM u"), "8", "9")
	if left := w.below("wh/u/"); len(left) != 2 {
		t.Errorf("left: %q", left)
	}
}
