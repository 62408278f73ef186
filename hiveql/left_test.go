package hiveql_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/skepdata/skep/metastore"
)

// awayStore is a metastore that takes so many changes, and is then away until it is told how many it takes.
type awayStore struct {
	metastore.Store
	takes *atomic.Int64
}

var errAway = errors.New("the server cannot be reached")

func (a awayStore) Update(ctx context.Context, fn func(metastore.Tx) error) error {
	if a.takes.Add(-1) < 0 {
		return errAway
	}
	return a.Store.Update(ctx, fn)
}

// TestLeftBySession: what a session has left, because the metastore was away when it was to be committed and taken back, is
// brought to an end by other sessions of the same process.
func TestLeftBySession(t *testing.T) {
	for _, sql := range []string{
		"INSERT INTO u VALUES (9)", "INSERT OVERWRITE TABLE u VALUES (9)", "CREATE TABLE v AS SELECT a FROM u", "ALTER TABLE u RENAME TO v",
		"EXPORT TABLE u TO 'mem://lake/out'", "INSERT OVERWRITE DIRECTORY 'mem://lake/out' SELECT a FROM u", "DROP TABLE t",
		"ALTER TABLE t PARTITION (ds='x') RENAME TO PARTITION (ds='z')", "ALTER TABLE t DROP PARTITION (ds='x')", "TRUNCATE TABLE u",
	} {
		for n := range int64(4) {
			w := newWorld(t)
			must(t, w.plain(), setup)
			takes := &atomic.Int64{}
			takes.Store(n)
			e := w.engine(w.mem, clockedStore{awayStore{w.store, takes}, new(atomic.Int64)})
			_, err := run(e.NewSession(), sql)
			takes.Store(1 << 30)
			if err != nil && !errors.Is(err, errAway) {
				t.Errorf("%s, away after %d changes: %v", sql, n, err)
			}
			other := e.NewSession()
			must(t, other, "CREATE TABLE IF NOT EXISTS u (a INT); INSERT INTO u VALUES (5); CREATE TABLE w1 (a INT); INSERT INTO w1 VALUES (1)")
			if _, err := run(other, "INSERT INTO t PARTITION (ds='x') VALUES (5)"); err != nil && !strings.Contains(err.Error(), "not found") {
				t.Error(err)
			}
			for _, record := range w.records() {
				t.Errorf("%s, away after %d changes (%v), leaves %s", sql, n, err, record)
			}
			for _, key := range w.mem.Keys() {
				half := strings.HasPrefix(sql, "EXPORT") && strings.HasPrefix(key, "out/") && len(w.below("out/_metadata")) == 0
				if half || strings.Contains(key, "/.skep-") {
					t.Errorf("%s, away after %d changes (%v), leaves %s", sql, n, err, key)
				}
			}
		}
	}
}

// records are those of writes, of the default database and its tables.
func (w *world) records() (all []string) {
	w.t.Helper()
	add := func(of string, params map[string]string) {
		for k, v := range params {
			if strings.HasPrefix(k, "skep.write.") {
				all = append(all, of+": "+k+" = "+v)
			}
		}
	}
	d, err := w.store.Database(w.t.Context(), metastore.DefaultDatabase)
	if err != nil {
		w.t.Fatal(err)
	}
	add(d.Name, d.Parameters)
	for t, err := range w.store.AllTables(w.t.Context(), metastore.DefaultDatabase, "*") {
		if err != nil {
			w.t.Fatal(err)
		}
		add(t.Name, t.Parameters)
	}
	return all
}

// TestAwaySays: a statement that fails because the metastore was away has changed nothing, or says that it has.
func TestAwaySays(t *testing.T) {
	for _, c := range []struct{ sql, query string }{
		{"INSERT INTO u VALUES (9)", "SELECT a FROM u"},
		{"INSERT OVERWRITE TABLE u VALUES (9)", "SELECT a FROM u"},
		{"INSERT OVERWRITE TABLE t PARTITION (ds) VALUES (8, 'x'), (9, 'z')", "SELECT a FROM t"},
		{"TRUNCATE TABLE u", "SELECT a FROM u"},
		{"CREATE TABLE v AS SELECT a FROM u", "SHOW TABLES 'v'"},
		{"ALTER TABLE u RENAME TO v", "SHOW TABLES 'v'"},
		{"DROP TABLE t", "SHOW TABLES 't'"},
		{"ALTER TABLE t DROP PARTITION (ds='x')", "SELECT a FROM t"},
		{"ALTER TABLE t PARTITION (ds='x') RENAME TO PARTITION (ds='z')", "SHOW PARTITIONS t"},
		{"INSERT OVERWRITE DIRECTORY 'mem://lake/out' SELECT a FROM u", "dfs -ls mem://lake/out"},
	} {
		failures := 0
		for n := range int64(6) {
			w := newWorld(t)
			must(t, w.plain(), setup)
			look := func() string {
				rows, err := run(w.plain(), c.query)
				if err != nil {
					return err.Error()
				}
				return strings.Join(rows, " ")
			}
			before := look()
			takes := &atomic.Int64{}
			takes.Store(n)
			_, err := run(w.session(w.mem, clockedStore{awayStore{w.store, takes}, new(atomic.Int64)}), c.sql)
			switch after := look(); {
			case err == nil:
			case !errors.Is(err, errAway):
				t.Errorf("%s, away after %d changes: %v", c.sql, n, err)
			case (after != before) != strings.Contains(err.Error(), ", but "):
				t.Errorf("%s, away after %d changes: there is %q, and it says %v", c.sql, n, after, err)
			default:
				failures++
			}
		}
		if failures == 0 {
			t.Errorf("%s never fails", c.sql)
		}
	}
}
