package hiveql_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/storage/storagetest"
)

// TestDropDies ends what drops data before each of its effects. What was dropped does not come back when
// something of its name is made again, files that others have put there since stay, and nothing is left.
func TestDropDies(t *testing.T) {
	for name, c := range map[string]dropCase{
		"table": {
			"DROP TABLE u", "SELECT a FROM u", []string{"1", "2", "3"}, nil,
			"CREATE TABLE IF NOT EXISTS u (a INT); MSCK REPAIR TABLE u", []string{"77"}, "wh/u/",
		},
		"partition": {
			"ALTER TABLE t DROP PARTITION (ds='x')", "SELECT a, ds FROM t", []string{"1 x", "2 x", "3 y"}, []string{"3 y"},
			"ALTER TABLE t ADD IF NOT EXISTS PARTITION (ds='x'); MSCK REPAIR TABLE t", []string{"3 y", "77 x"}, "wh/t/ds=x/",
		},
		"partition, inserted again": {
			"ALTER TABLE t DROP PARTITION (ds='x')", "SELECT a, ds FROM t", []string{"1 x", "2 x", "3 y"}, []string{"3 y"},
			"INSERT INTO t PARTITION (ds='x') VALUES (78); MSCK REPAIR TABLE t", []string{"3 y", "77 x", "78 x"}, "wh/t/ds=x/",
		},
		"partition, repaired": {
			"ALTER TABLE t DROP PARTITION (ds='x')", "SELECT a, ds FROM t", []string{"1 x", "2 x", "3 y"}, []string{"3 y"},
			"MSCK REPAIR TABLE t", []string{"3 y", "77 x"}, "wh/t/ds=x/",
		},
		"rename": {
			"ALTER TABLE u RENAME TO v", "SELECT a FROM u", []string{"1", "2", "3"}, nil,
			"CREATE TABLE IF NOT EXISTS u (a INT); MSCK REPAIR TABLE u", []string{"77"}, "wh/u/",
		},
	} {
		for _, grace := range []string{"0s", "300ms"} {
			t.Run(name+" "+grace, func(t *testing.T) {
				t.Parallel()
				dropDies(t, grace, c)
			})
		}
	}
}

// dropCase is what dies, and what is made then.
type dropCase struct {
	statement, query string
	before, after    []string
	again            string // makes something of the name
	fresh            []string
	place            string
}

// dropDies does it, with what is dropped kept for a while or not.
func dropDies(t *testing.T, grace string, c dropCase) {
	steps := 0
	for finished := false; !finished; steps++ {
		w := newWorld(t)
		w.grace = grace
		must(t, w.plain(), setup)
		s, k := w.mortal(steps)
		_, err := run(s, c.statement)
		_ = s.Close(t.Context())
		finished = !k.dead
		w.orphan()
		if steps%2 == 1 {
			w.grace = "1h"
		}
		got, gone := run(w.plain(), c.query)
		if !slices.Equal(got, c.after) && (err == nil || !slices.Equal(got, c.before)) {
			t.Fatalf("after step %d (%v) a reader sees %q, %v", steps, err, got, gone)
		}
		if !slices.Equal(got, c.after) {
			must(t, w.plain(), "INSERT INTO t PARTITION (ds='y') VALUES (5)") // in whose place it is taken back
		} else {
			w.put(c.place+"new", "77\n")
			must(t, w.plain(), c.again)
			same(t, fmt.Sprintf("made again, step %d", steps), must(t, w.plain(), c.query), c.fresh...)
		}
		w.grace = "0s"
		if _, err := w.plain().Vacuum(t.Context(), "", "", false); err != nil {
			t.Fatal(err)
		}
		if slices.Equal(got, c.after) {
			same(t, fmt.Sprintf("made again, and cleaned, step %d", steps), must(t, w.plain(), c.query), c.fresh...)
		}
		for _, key := range w.mem.Keys() {
			if strings.Contains(key, ".skep-replaced-") {
				t.Errorf("step %d: %s is left", steps, key)
			}
		}
		d, err := w.store.Database(t.Context(), metastore.DefaultDatabase)
		if err != nil || len(d.Parameters) > 0 {
			t.Errorf("step %d: the record is still there: %v, %v", steps, d.Parameters, err)
		}
	}
	if steps < 6 {
		t.Errorf("only %d steps", steps)
	}
}

// hookedStore calls something before the n-th change of a metastore.
type hookedStore struct {
	metastore.Store
	n      *int
	before func()
}

func (h hookedStore) Update(ctx context.Context, fn func(metastore.Tx) error) error {
	if *h.n--; *h.n == 0 {
		h.before()
	}
	return h.Store.Update(ctx, fn)
}

// TestDropBesideInsert drops a partition, or renames it, while an INSERT into it has its file there and has
// not committed. What the INSERT makes then is whole.
func TestDropBesideInsert(t *testing.T) {
	for _, sql := range []string{"ALTER TABLE t DROP PARTITION (ds='x')", "ALTER TABLE t PARTITION (ds='x') RENAME TO PARTITION (ds='z')"} {
		w := newWorld(t)
		must(t, w.plain(), setup)
		n := 2 // the commit
		s := w.session(w.mem, hookedStore{w.store, &n, func() { must(t, w.plain(), sql) }})
		must(t, s, "INSERT INTO t PARTITION (ds='x') VALUES (9)")
		same(t, sql, must(t, w.plain(), "SELECT a FROM t WHERE ds = 'x'"), "9")
		if left := w.below("wh/t/ds=x/"); len(left) != 1 {
			t.Errorf("%s: %q", sql, left)
		}
	}
}

// twice drops a table a second time before its transaction, as another process may.
type twice struct{ metastore.Store }

func (s twice) Update(ctx context.Context, change func(metastore.Tx) error) error {
	name := metastore.TableName{Database: "default", Name: "u"}
	err := s.Store.Update(ctx, func(tx metastore.Tx) error { return tx.DropTable(ctx, name) })
	if err != nil && !errors.Is(err, metastore.ErrNoSuchTable) {
		return err
	}
	return s.Store.Update(ctx, change)
}

// TestDropOfWhatIsDropped: where another process drops the table at the same time, DROP TABLE finds none.
func TestDropOfWhatIsDropped(t *testing.T) {
	for drop, want := range map[string]string{
		"DROP TABLE IF EXISTS u":                                   "",
		"SET hive.exec.drop.ignorenonexistent=false; DROP TABLE u": "Table not found",
	} {
		w := newWorld(t)
		must(t, w.plain(), setup)
		_, err := run(w.session(w.mem, twice{w.store}), drop)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", drop, err)
		}
	}
}

// TestDropIsSlow drops a table, or a partition, and before its files are removed another process makes it
// anew. The new one has its own rows only, and keeps them.
func TestDropIsSlow(t *testing.T) {
	for drop, c := range map[string]struct {
		anew, query string
		during, end []string
	}{
		"DROP TABLE u": {"CREATE TABLE u (a INT); INSERT INTO u VALUES (7)", "SELECT a FROM u", []string{"7"}, []string{"7", "8"}},
		"DROP TABLE u -- as": {"CREATE TABLE u AS SELECT a FROM w", "SELECT a FROM u",
			[]string{"5"}, []string{"5", "8"}},
		"DROP TABLE t": {"CREATE TABLE t (a INT) PARTITIONED BY (ds STRING); INSERT INTO t PARTITION (ds='x') VALUES (7)",
			"SELECT a FROM t", []string{"7"}, []string{"7", "8"}},
		"DROP DATABASE d CASCADE": {"CREATE TABLE d.v (a INT); INSERT INTO d.v VALUES (7)", "SELECT a FROM d.v", []string{"7"}, nil},
		"ALTER TABLE t DROP PARTITION (ds='x')": {"INSERT INTO t PARTITION (ds='x') VALUES (7)", "SELECT a FROM t WHERE ds = 'x'",
			[]string{"7"}, []string{"7", "8"}},
		"ALTER TABLE t DROP PARTITION (ds='x') -- added": {"ALTER TABLE t ADD PARTITION (ds='x'); INSERT INTO t PARTITION (ds='x') VALUES (7)",
			"SELECT a FROM t WHERE ds = 'x'", []string{"7"}, []string{"7", "8"}},
		"ALTER TABLE t DROP PARTITION (ds='x') -- loaded": {"LOAD DATA INPATH 'mem://lake/in/' INTO TABLE t PARTITION (ds='x')",
			"SELECT a FROM t WHERE ds = 'x'", []string{"7"}, []string{"7", "8"}},
		"ALTER TABLE u RENAME TO r": {"CREATE TABLE u (a INT); INSERT INTO u VALUES (7)", "SELECT a FROM u", []string{"7"}, []string{"7", "8"}},
		"ALTER TABLE t PARTITION (ds='x') RENAME TO PARTITION (ds='z')": {"INSERT INTO t PARTITION (ds='x') VALUES (7)",
			"SELECT a FROM t WHERE ds = 'x'", []string{"7"}, []string{"7", "8"}},
	} {
		t.Run(drop, func(t *testing.T) {
			w := newWorld(t)
			must(t, w.plain(), setup+"; CREATE TABLE w (a INT); INSERT INTO w VALUES (5); CREATE DATABASE d; CREATE TABLE d.v (a INT); INSERT INTO d.v VALUES (1)")
			w.put("in/new", "7\n")
			dropped := func() bool {
				rows, err := run(w.plain(), c.query)
				return err != nil || len(rows) == 0
			}
			var once sync.Once
			ready := false
			b := storagetest.Faulty(w.mem, func(op storagetest.Op) error {
				if (op.Kind == storagetest.OpList || op.Kind == storagetest.OpDelete) && !ready && dropped() {
					once.Do(func() {
						ready = true
						must(t, w.plain(), c.anew)
						same(t, "while files are there", must(t, w.plain(), c.query), c.during...)
					})
				}
				return nil
			})
			_, err := run(w.session(b, w.store), strings.Split(drop, " --")[0])
			if !ready {
				t.Fatalf("nothing was made anew: %v", err)
			}
			if c.end == nil {
				return
			}
			if err != nil {
				t.Error(err)
			}
			same(t, "in the end", must(t, w.plain(), c.query), c.during...)
			into := strings.Fields(c.query)[3]
			if into == "t" {
				into = "t PARTITION (ds='x')"
			}
			must(t, w.plain(), "INSERT INTO "+into+" VALUES (8)")
			same(t, "with another row", must(t, w.plain(), c.query), c.end...)
			must(t, w.plain(), "MSCK REPAIR TABLE u; MSCK REPAIR TABLE t")
			same(t, "listed", must(t, w.plain(), c.query), c.end...)
			for _, key := range w.mem.Keys() {
				if strings.Contains(key, ".skep-replaced-") {
					t.Errorf("%s is left", key)
				}
			}
		})
	}
}

// TestInsertIntoDropped drops a table, and makes another of its name, while an INSERT has its file there and
// has not committed. It fails, no reader sees the file, and it goes.
func TestInsertIntoDropped(t *testing.T) {
	for name, sql := range map[string]string{
		"dropped": "DROP TABLE u; CREATE TABLE u (a INT); INSERT INTO u VALUES (7)",
		"renamed": "ALTER TABLE u RENAME TO v; CREATE TABLE u (a INT); INSERT INTO u VALUES (7)",
		"as":      "DROP TABLE u; CREATE TABLE u AS SELECT a FROM w",
		"twice":   "DROP TABLE u; CREATE TABLE u (a INT); DROP TABLE u; CREATE TABLE u (a INT); INSERT INTO u VALUES (7)",
		"swapped": "ALTER TABLE u RENAME TO v; ALTER TABLE w2 RENAME TO u",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.track = "false"
			must(t, w.plain(), setup+"; CREATE TABLE w (a INT); INSERT INTO w VALUES (7); CREATE TABLE w2 (a INT); INSERT INTO w2 VALUES (7)")
			n := 2 // the commit
			s := w.session(w.mem, hookedStore{w.store, &n, func() {
				must(t, w.plain(), sql)
				same(t, "before it ends", must(t, w.plain(), "SELECT a FROM u"), "7")
			}})
			if _, err := run(s, "INSERT INTO u VALUES (9)"); !errors.Is(err, metastore.ErrConflict) {
				t.Errorf("the insert: %v", err)
			}
			same(t, "rows", must(t, w.plain(), "SELECT a FROM u"), "7")
			if left := w.below("wh/u/"); len(left) != 1 {
				t.Errorf("left: %q", left)
			}
			d, err := w.store.Database(t.Context(), metastore.DefaultDatabase)
			if err != nil || len(d.Parameters) > 0 {
				t.Errorf("the record is still there: %v, %v", d.Parameters, err)
			}
			u, err := w.store.Table(t.Context(), metastore.TableName{Database: "default", Name: "u"})
			if err != nil {
				t.Fatal(err)
			}
			for k := range u.Parameters {
				if strings.HasPrefix(k, "skep.write.") {
					t.Errorf("the table still has %s", k)
				}
			}
		})
	}
}

// TestInsertIntoDroppedDies is the same, and the INSERT dies before it knows.
func TestInsertIntoDroppedDies(t *testing.T) {
	w := newWorld(t)
	w.track = "false"
	must(t, w.plain(), setup)
	n := 2 // the commit
	s := w.session(w.mem, hookedStore{w.store, &n, func() {
		must(t, w.plain(), "DROP TABLE u")
		panic(errDead)
	}})
	_, _ = run(s, "INSERT INTO u VALUES (9)")
	w.orphan()
	must(t, w.plain(), "CREATE TABLE u (a INT); INSERT INTO u VALUES (7)")
	same(t, "rows", must(t, w.plain(), "SELECT a FROM u"), "7")
	if left := w.below("wh/u/"); len(left) != 1 {
		t.Errorf("left: %q", left)
	}
}

// TestDropBesideReader drops a table, or partitions, while a query reads them: the query sees its rows to the
// end, whatever is made at the place meanwhile, and then the files go.
func TestDropBesideReader(t *testing.T) {
	for drop, c := range map[string]struct {
		query, place, after string
		rows, then          []string
		files               int // in the end
	}{
		"DROP TABLE u": {"SELECT a FROM u", "wh/u/", "SHOW TABLES LIKE 'u'", []string{"1", "2", "3"}, nil, 0},
		"DROP TABLE t": {"SELECT a, ds FROM t", "wh/t/", "SHOW TABLES LIKE 't'", []string{"1 x", "2 x", "3 y"}, nil, 0},
		"DROP TABLE u; CREATE TABLE u (a INT); INSERT INTO u VALUES (7)": {"SELECT a FROM u", "wh/u/",
			"SELECT a FROM u", []string{"1", "2", "3"}, []string{"7"}, 1},
		"DROP TABLE u; CREATE TABLE u AS SELECT a FROM w": {"SELECT a FROM u", "wh/u/",
			"SELECT a FROM u", []string{"1", "2", "3"}, []string{"5"}, 1},
		"DROP TABLE u; ALTER TABLE w RENAME TO u": {"SELECT a FROM u", "wh/u/",
			"SELECT a FROM u", []string{"1", "2", "3"}, []string{"5"}, 1},
		"DROP TABLE u; CREATE EXTERNAL TABLE e (a INT) LOCATION 'mem://lake/wh/u'": {"SELECT a FROM u", "wh/u/",
			"SELECT a FROM e", []string{"1", "2", "3"}, nil, 0},
		"DROP TABLE t; CREATE TABLE e (a INT) LOCATION 'mem://lake/wh/t/ds=x'": {"SELECT a, ds FROM t", "wh/t/",
			"SELECT a FROM e", []string{"1 x", "2 x", "3 y"}, nil, 0},
		"DROP TABLE u; ALTER TABLE t ADD PARTITION (ds='z') LOCATION 'mem://lake/wh/u'": {"SELECT a FROM u", "wh/u/",
			"SELECT a FROM t WHERE ds = 'z'", []string{"1", "2", "3"}, nil, 0},
		"DROP TABLE u; ALTER TABLE t PARTITION (ds='y') SET LOCATION 'mem://lake/wh/u'": {"SELECT a FROM u", "wh/u/",
			"SELECT a FROM t WHERE ds = 'y'", []string{"1", "2", "3"}, nil, 0},
		"DROP TABLE u; ALTER TABLE w SET LOCATION 'mem://lake/wh/u'": {"SELECT a FROM u", "wh/u/",
			"SELECT a FROM w", []string{"1", "2", "3"}, nil, 0},
		"ALTER TABLE t DROP PARTITION (ds='x'); MSCK REPAIR TABLE t": {"SELECT a FROM t WHERE ds = 'x'", "wh/t/ds=x/",
			"SHOW PARTITIONS t", []string{"1", "2"}, []string{"ds=y"}, 0},
		"ALTER TABLE t DROP PARTITION (ds='x'); INSERT INTO t PARTITION (ds='x') VALUES (7)": {"SELECT a FROM t WHERE ds = 'x'", "wh/t/ds=x/",
			"SELECT a FROM t WHERE ds = 'x'", []string{"1", "2"}, []string{"7"}, 1},
		"ALTER TABLE o EXCHANGE PARTITION (ds='x') WITH TABLE t": {"SELECT a FROM t WHERE ds = 'x'", "wh/t/ds=x/",
			"SELECT a FROM o", []string{"1", "2"}, []string{"1", "2"}, 0},
		"TRUNCATE TABLE t":                        {"SELECT a, ds FROM t", "wh/t/", "SELECT a FROM t", []string{"1 x", "2 x", "3 y"}, nil, 0},
		"ALTER TABLE y DROP PARTITION (ds='far')": {"SELECT a, ds FROM y", "far/", "SELECT a FROM y", []string{"8 far", "9 near"}, []string{"9"}, 0},
		"ALTER TABLE y DROP PARTITION (ds='far'); CREATE TABLE f (a INT) LOCATION 'mem://lake/far'": {"SELECT a, ds FROM y", "far/",
			"SELECT a FROM f", []string{"8 far", "9 near"}, nil, 0},
		"ALTER TABLE y DROP PARTITION (ds='far'); ALTER TABLE y ADD PARTITION (ds='far') LOCATION 'mem://lake/far'; INSERT INTO y PARTITION (ds='far') VALUES (7)": {
			"SELECT a, ds FROM y", "far/", "SELECT a FROM y", []string{"8 far", "9 near"}, []string{"7", "9"}, 1},
		"DROP TABLE y": {"SELECT a, ds FROM y", "far/", "SHOW TABLES LIKE 'y'", []string{"8 far", "9 near"}, nil, 0},
		"DROP TABLE y; CREATE TABLE f AS SELECT a FROM w; ALTER TABLE f SET LOCATION 'mem://lake/far'": {"SELECT a, ds FROM y", "far/",
			"SELECT a FROM f", []string{"8 far", "9 near"}, nil, 0},
		"ALTER TABLE y PARTITION (ds='far') RENAME TO PARTITION (ds='new')": {"SELECT a, ds FROM y", "far/",
			"SELECT a, ds FROM y", []string{"8 far", "9 near"}, []string{"8 new", "9 near"}, 1},
		"DROP DATABASE d CASCADE": {"SELECT a FROM d.v", "wh/d.db/", "SHOW DATABASES LIKE 'd'",
			[]string{"1"}, nil, 0},
		"DROP DATABASE d CASCADE; CREATE DATABASE d; CREATE TABLE d.v (a INT); INSERT INTO d.v VALUES (7)": {"SELECT a FROM d.v", "wh/d.db/",
			"SELECT a FROM d.v", []string{"1"}, []string{"7"}, 1},
	} {
		t.Run(drop, func(t *testing.T) {
			w := newWorld(t)
			w.grace = "300ms"
			w.track = "false"
			must(t, w.plain(), setup+`; CREATE TABLE w (a INT); INSERT INTO w VALUES (5); CREATE DATABASE d; CREATE TABLE d.v (a INT); INSERT INTO d.v VALUES (1);
				CREATE TABLE o (a INT) PARTITIONED BY (ds STRING); CREATE TABLE y (a INT) PARTITIONED BY (ds STRING);
				ALTER TABLE y ADD PARTITION (ds='far') LOCATION 'mem://lake/far'; INSERT INTO y PARTITION (ds) VALUES (8, 'far'), (9, 'near')`)
			s := w.plain()
			old := w.during(c.query, func() {
				must(t, s, drop)
				same(t, "dropped", must(t, w.plain(), c.after), c.then...)
				if err := s.Close(t.Context()); err != nil { // after the grace
					t.Error(err)
				}
			})
			same(t, "an old reader", old, c.rows...)
			if _, err := w.plain().Vacuum(t.Context(), "", "", false); err != nil {
				t.Fatal(err)
			}
			same(t, "dropped", must(t, w.plain(), c.after), c.then...)
			if left := w.below(c.place); len(left) != c.files {
				t.Errorf("left: %q", left)
			}
			if d, err := w.store.Database(t.Context(), metastore.DefaultDatabase); err != nil || len(d.Parameters) > 0 {
				t.Errorf("the record is still there: %v, %v", d.Parameters, err)
			}
		})
	}
}

// TestDropElsewhere drops what lies outside of its table's place: it stays for a while too, and is not taken for rows
// of what is made there meanwhile.
func TestDropElsewhere(t *testing.T) {
	for _, drop := range []string{"DROP TABLE t", "ALTER TABLE t DROP PARTITION (ds='far')"} {
		for then, query := range map[string]string{
			"CREATE TABLE f (a INT) LOCATION 'mem://lake/far'":                                                                                  "SELECT a FROM f",
			"CREATE EXTERNAL TABLE f (a INT) LOCATION 'mem://lake/far'":                                                                         "SELECT a FROM f",
			"CREATE TABLE f (a INT) PARTITIONED BY (ds STRING); ALTER TABLE f ADD PARTITION (ds='far') LOCATION 'mem://lake/far'":               "SELECT a FROM f",
			"CREATE TABLE IF NOT EXISTS t (a INT) PARTITIONED BY (ds STRING); ALTER TABLE t ADD PARTITION (ds='far') LOCATION 'mem://lake/far'": "SELECT a FROM t WHERE ds='far'",
		} {
			w := newWorld(t)
			w.grace = "1h"
			must(t, w.plain(), setup+"; ALTER TABLE t ADD PARTITION (ds='far') LOCATION 'mem://lake/far'; INSERT INTO t PARTITION (ds='far') VALUES (8)")
			must(t, w.plain(), drop+"; "+then)
			same(t, drop+", "+then, must(t, w.plain(), query))
			if left := w.below("far/"); len(left) != 2 { // the file, and the list
				t.Errorf("%s leaves %q", drop, left)
			}
			w.grace = "0s"
			if _, err := w.plain().Vacuum(t.Context(), "", "", false); err != nil {
				t.Fatal(err)
			}
			same(t, drop+", "+then, w.below("far/"))
		}
	}
}

// during runs a query, and does something while it reads: before it opens its first file, and once it has a
// lock.
func (w *world) during(query string, do func()) []string {
	w.t.Helper()
	var once sync.Once
	opening, done := make(chan struct{}), make(chan struct{})
	slow := storagetest.Faulty(w.mem, func(op storagetest.Op) error {
		if op.Kind == storagetest.OpOpen {
			once.Do(func() { close(opening) })
			<-done
		}
		return nil
	})
	type answer struct {
		rows []string
		err  error
	}
	reading := make(chan answer)
	go func() {
		rows, err := run(w.session(slow, w.store), query)
		reading <- answer{rows, err}
	}()
	<-opening
	w.waitForLock()
	func() {
		defer close(done)
		do()
	}()
	a := <-reading
	if a.err != nil {
		w.t.Errorf("%s: %v", query, a.err)
	}
	return a.rows
}
