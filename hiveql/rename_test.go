package hiveql_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

// TestRenameDies ends RENAME before each of its effects. The rows are in the table, or partition, of the old
// name or in that of the new one. Where it was not renamed, something else of the new name has none of them,
// but has the files that others have put there since; what was copied is gone.
func TestRenameDies(t *testing.T) {
	for name, c := range map[string]struct {
		statement, place string // where the copies go
		old, renamed     string // queries
		rows, none       []string
		again            string // makes something of the new name
		fresh            []string
	}{
		"table": {
			"ALTER TABLE u RENAME TO v", "wh/v/", "SELECT a FROM u", "SELECT a FROM v", []string{"1", "2", "3"}, nil,
			"CREATE TABLE v (a INT)", []string{"77"},
		},
		"to another database": {
			"ALTER TABLE u RENAME TO d.v", "wh/d.db/v/", "SELECT a FROM u", "SELECT a FROM d.v", []string{"1", "2", "3"}, nil,
			"CREATE TABLE d.v (a INT)", []string{"77"},
		},
		"partitions": {
			"ALTER TABLE t RENAME TO v", "wh/v/", "SELECT a, ds FROM t", "SELECT a, ds FROM v", []string{"1 x", "2 x", "3 y"}, nil,
			"CREATE TABLE v (a INT) PARTITIONED BY (ds STRING); MSCK REPAIR TABLE v", []string{"77 x"},
		},
		"partition": {
			"ALTER TABLE t PARTITION (ds='x') RENAME TO PARTITION (ds='z')", "wh/t/ds=z/", "SELECT a, ds FROM t WHERE ds = 'x'",
			"SELECT a, ds FROM t WHERE ds = 'z'", []string{"1", "2"}, nil,
			"ALTER TABLE t ADD PARTITION (ds='z')", []string{"77 z"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			steps := 0
			for finished := false; !finished; steps++ {
				w := newWorld(t)
				must(t, w.plain(), setup+"; CREATE DATABASE d")
				w.put("wh/u/_hidden", "h", "wh/t/ds=x/_hidden", "h")
				s, k := w.mortal(steps)
				_, err := run(s, c.statement)
				finished = !k.dead
				w.orphan("d")
				old, _ := run(w.plain(), c.old)
				renamed, _ := run(w.plain(), c.renamed)
				rows := slices.DeleteFunc(slices.Concat(old, renamed), func(r string) bool { return !strings.HasPrefix(r, c.rows[0]) })
				if len(rows) != 1 || err == nil && len(renamed) != len(c.rows) || len(old)+len(renamed) != len(c.rows) {
					t.Fatalf("after step %d (%v): %q of the old name, %q of the new one", steps, err, old, renamed)
				}
				if len(renamed) > 0 {
					continue
				}
				place := c.place
				if name == "partitions" {
					place += "ds=x/"
				}
				w.put(place+"new", "77\n")
				must(t, w.plain(), c.again)
				same(t, fmt.Sprintf("of the new name, step %d", steps), must(t, w.plain(), c.renamed), c.fresh...)
				if left := w.below(c.place); slices.ContainsFunc(left, func(k string) bool { return k != place+"new" && !strings.HasSuffix(k, "/_hidden") }) {
					t.Errorf("step %d: %q is left", steps, left)
				}
			}
			if steps < 6 {
				t.Errorf("only %d steps", steps)
			}
		})
	}
}

// TestRenameIsForgotten ends RENAME before each of its effects: the next write in the database, or Vacuum,
// removes all that it has left at the new place, and its records.
func TestRenameIsForgotten(t *testing.T) {
	for steps, finished := 0, false; !finished; steps++ {
		w := newWorld(t)
		must(t, w.plain(), setup)
		w.put("wh/u/_hidden", "h")
		s, k := w.mortal(steps)
		_, err := run(s, "ALTER TABLE u RENAME TO v")
		finished = !k.dead
		w.orphan()
		if steps%2 == 0 {
			if _, err := w.plain().Vacuum(t.Context(), "", "", false); err != nil {
				t.Fatal(err)
			}
		} else {
			must(t, w.plain(), "INSERT INTO t PARTITION (ds='y') VALUES (5)")
		}
		place, gone := "wh/u/", "wh/v/"
		if _, missing := w.store.Table(t.Context(), metastore.TableName{Database: "default", Name: "v"}); missing == nil {
			place, gone = gone, place
		}
		if there, left := w.below(place), w.below(gone); len(there) != 3 || len(left) > 0 {
			t.Errorf("step %d (%v): %q is there, %q is left", steps, err, there, left)
		}
		d, err := w.store.Database(t.Context(), metastore.DefaultDatabase)
		if err != nil || len(d.Parameters) > 0 {
			t.Errorf("step %d: the record is still there: %v, %v", steps, d.Parameters, err)
		}
	}
}

// TestRenameFails ends in an error: what was copied goes at once.
func TestRenameFails(t *testing.T) {
	w := newWorld(t)
	must(t, w.plain(), setup)
	for _, sql := range []string{"ALTER TABLE t RENAME TO v", "ALTER TABLE t PARTITION (ds='x') RENAME TO PARTITION (ds='z')"} {
		before := w.mem.Keys()
		var copies atomic.Int64
		b := storagetest.Faulty(w.mem, func(op storagetest.Op) error {
			if op.Kind != storagetest.OpCopyFrom {
				return nil
			}
			if copies.Add(1) > 1 {
				return errDead
			}
			return nil
		})
		if _, err := run(w.session(b, w.store), sql); !errors.Is(err, errDead) {
			t.Errorf("%s: %v", sql, err)
		}
		same(t, sql, w.mem.Keys(), before...)
	}
}

// TestRenameOntoFiles renames to a place where there are files of others. They would become rows.
func TestRenameOntoFiles(t *testing.T) {
	w := newWorld(t)
	must(t, w.plain(), setup)
	w.put("wh/v/a", "77\n", "wh/t/ds=z/a", "77\n")
	for _, sql := range []string{"ALTER TABLE u RENAME TO v", "ALTER TABLE t PARTITION (ds='x') RENAME TO PARTITION (ds='z')"} {
		if _, err := run(w.plain(), sql); err == nil || !strings.Contains(err.Error(), "already exists : mem://lake/wh/") {
			t.Errorf("%s: %v", sql, err)
		}
	}
	same(t, "of others", w.below("wh/v/"), "wh/v/a")
	same(t, "rows", must(t, w.plain(), "SELECT a FROM u"), "1", "2", "3")
}

// TestRenameAfterOverwrite renames while files that were replaced are still there for older readers, also in
// a partition that lies elsewhere.
func TestRenameAfterOverwrite(t *testing.T) {
	w := newWorld(t)
	w.grace = "1h"
	must(t, w.plain(), setup)
	must(t, w.plain(), `ALTER TABLE t ADD PARTITION (ds='far') LOCATION 'mem://lake/far'; INSERT INTO t PARTITION (ds='far') VALUES (8);
		INSERT OVERWRITE TABLE t PARTITION (ds) VALUES (10, 'x'), (11, 'far'); INSERT OVERWRITE TABLE u VALUES (7);
		ALTER TABLE t RENAME TO v; ALTER TABLE u RENAME TO w`)
	rows := []string{"10 x", "11 far", "3 y"}
	same(t, "rows", must(t, w.plain(), "SELECT a, ds FROM v"), rows...)
	same(t, "rows", must(t, w.plain(), "SELECT a FROM w"), "7")
	w.grace = "0s"
	must(t, w.plain(), "INSERT INTO v PARTITION (ds='new') VALUES (1); INSERT INTO w VALUES (8)")
	same(t, "rows", must(t, w.plain(), "SELECT a, ds FROM v"), "1 new", "10 x", "11 far", "3 y")
	same(t, "rows", must(t, w.plain(), "SELECT a FROM w"), "7", "8")
	if left := w.below("far/"); len(left) != 1 {
		t.Errorf("in the partition elsewhere: %q", left)
	}
}

// TestRenameBesideInsert inserts into what is being renamed: no row is lost.
func TestRenameBesideInsert(t *testing.T) {
	for _, c := range []struct{ sql, insert, query string }{
		{"ALTER TABLE u RENAME TO v", "INSERT INTO u VALUES (9)", "SELECT a FROM u"},
		{"ALTER TABLE t PARTITION (ds='x') RENAME TO PARTITION (ds='z')", "INSERT INTO t PARTITION (ds='x') VALUES (9)", "SELECT a FROM t WHERE ds = 'x'"},
		{"ALTER TABLE v EXCHANGE PARTITION (ds='x') WITH TABLE t", "INSERT INTO t PARTITION (ds='x') VALUES (9)", "SELECT a FROM t WHERE ds = 'x'"},
	} {
		w := newWorld(t)
		must(t, w.plain(), setup)
		if strings.Contains(c.sql, "EXCHANGE") {
			must(t, w.plain(), "CREATE TABLE v (a INT) PARTITIONED BY (ds STRING)")
		}
		var once sync.Once
		b := storagetest.Faulty(w.mem, func(op storagetest.Op) error {
			if op.Kind == storagetest.OpCopyFrom {
				once.Do(func() { must(t, w.plain(), c.insert) })
			}
			return nil
		})
		if _, err := run(w.session(b, w.store), c.sql); !errors.Is(err, metastore.ErrConflict) {
			t.Errorf("%s: %v", c.sql, err)
		}
		if rows := must(t, w.plain(), c.query); !slices.Contains(rows, "9") {
			t.Errorf("%s: %q", c.sql, rows)
		}
	}
}

// TestRenameKeepsFiles renames files of one name but for the id, in two directories, and hidden ones.
func TestRenameKeepsFiles(t *testing.T) {
	w := newWorld(t)
	must(t, w.plain(), "CREATE TABLE u (a INT)")
	w.put("wh/u/a_0000000100000001.txt", "1\n", "wh/u/a_0000000100000002.txt", "2\n", "wh/u/sub/a.txt", "3\n", "wh/u/_sums/a", "4\n")
	must(t, w.plain(), "ALTER TABLE u RENAME TO v")
	same(t, "rows", must(t, w.plain(), "SELECT a FROM v"), "1", "2", "3")
	if _, err := w.mem.Stat(context.Background(), "wh/v/_sums/a"); err != nil {
		t.Error(err)
	}
	if _, err := w.mem.Stat(context.Background(), "wh/u/_sums/a"); !errors.Is(err, storage.ErrNotExist) {
		t.Error(err)
	}
}

// TestExchangeDies ends EXCHANGE PARTITION before each of its effects. Each row is in one of the two tables.
func TestExchangeDies(t *testing.T) {
	steps := 0
	for finished := false; !finished; steps++ {
		w := newWorld(t)
		must(t, w.plain(), setup+"; CREATE TABLE v (a INT) PARTITIONED BY (ds STRING); INSERT INTO v PARTITION (ds='y') VALUES (9)")
		s, k := w.mortal(steps)
		_, err := run(s, "ALTER TABLE v EXCHANGE PARTITION (ds='x') WITH TABLE t")
		finished = !k.dead
		w.orphan()
		rows := slices.Concat(must(t, w.plain(), "SELECT a FROM t WHERE ds = 'x'"), must(t, w.plain(), "SELECT a FROM v WHERE ds = 'x'"))
		same(t, fmt.Sprintf("step %d (%v)", steps, err), rows, "1", "2")
		must(t, w.plain(), "INSERT INTO v PARTITION (ds='y') VALUES (8); INSERT INTO t PARTITION (ds='y') VALUES (8)")
		if n := len(w.below("wh/t/ds=x/")) + len(w.below("wh/v/ds=x/")); n != 2 {
			t.Errorf("step %d: %q and %q", steps, w.below("wh/t/ds=x/"), w.below("wh/v/ds=x/"))
		}
	}
	if steps < 8 {
		t.Errorf("only %d steps", steps)
	}
}

// TestRenameBesideReader renames a table, or a partition, while a query reads it: the query sees its rows to
// the end, and then the files go.
func TestRenameBesideReader(t *testing.T) {
	for rename, c := range map[string]struct {
		query, place, after string
		rows                []string
		files               int // in the end
	}{
		"ALTER TABLE u RENAME TO v": {"SELECT a FROM u", "wh/u/", "SELECT a FROM v", []string{"1", "2", "3"}, 0},
		"ALTER TABLE t RENAME TO v": {"SELECT a, ds FROM t", "wh/t/", "SELECT a, ds FROM v", []string{"1 x", "2 x", "3 y"}, 0},
		"ALTER TABLE t PARTITION (ds='x') RENAME TO PARTITION (ds='z'); MSCK REPAIR TABLE t": {"SELECT a FROM t WHERE ds = 'x'", "wh/t/ds=x/",
			"SELECT a FROM t WHERE ds = 'z'", []string{"1", "2"}, 0},
		"ALTER TABLE u RENAME TO v; CREATE TABLE u (a INT); INSERT INTO u VALUES (7)":   {"SELECT a FROM u", "wh/u/", "SELECT a FROM v", []string{"1", "2", "3"}, 1},
		"ALTER TABLE u RENAME TO v; ALTER TABLE v RENAME TO u":                          {"SELECT a FROM u", "wh/u/", "SELECT a FROM u", []string{"1", "2", "3"}, 2},
		"ALTER TABLE u RENAME TO v; ALTER TABLE w RENAME TO u; INSERT INTO u VALUES(1)": {"SELECT a FROM u", "wh/u/", "SELECT a FROM v", []string{"1", "2", "3"}, 2},
		"ALTER TABLE u RENAME TO v; IMPORT TABLE u FROM 'mem://lake/out'":               {"SELECT a FROM u", "wh/u/", "SELECT a FROM v", []string{"1", "2", "3"}, 1},
		"ALTER TABLE u RENAME TO v; CREATE TABLE u AS SELECT a FROM w":                  {"SELECT a FROM u", "wh/u/", "SELECT a FROM v", []string{"1", "2", "3"}, 1},
		"ALTER TABLE t PARTITION (ds='x') RENAME TO PARTITION (ds='z'); ALTER TABLE t PARTITION (ds='z') RENAME TO PARTITION (ds='x')": {
			"SELECT a FROM t WHERE ds = 'x'", "wh/t/ds=x/", "SELECT a FROM t WHERE ds = 'x'", []string{"1", "2"}, 2},
	} {
		t.Run(rename, func(t *testing.T) {
			w := newWorld(t)
			w.grace = "300ms"
			w.track = "false"
			must(t, w.plain(), setup+"; CREATE TABLE w (a INT); INSERT INTO w VALUES (5); EXPORT TABLE w TO 'mem://lake/out'")
			old := w.during(c.query, func() {
				s := w.plain()
				if _, err := run(s, rename); err != nil {
					t.Error(err)
				}
				same(t, "renamed", must(t, w.plain(), c.after), c.rows...)
				if err := s.Close(t.Context()); err != nil { // after the grace
					t.Error(err)
				}
			})
			same(t, "an old reader", old, c.rows...)
			if _, err := w.plain().Vacuum(t.Context(), "", "", false); err != nil {
				t.Fatal(err)
			}
			same(t, "renamed", must(t, w.plain(), c.after), c.rows...)
			if left := w.below(c.place); len(left) != c.files {
				t.Errorf("left: %q", left)
			}
			if d, err := w.store.Database(t.Context(), metastore.DefaultDatabase); err != nil || len(d.Parameters) > 0 {
				t.Errorf("the record is still there: %v, %v", d.Parameters, err)
			}
		})
	}
}
