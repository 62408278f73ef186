package hiveql_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

// put makes objects in the store, of key and content in turn.
func (w *world) put(pairs ...string) {
	w.t.Helper()
	for n := 0; n < len(pairs); n += 2 {
		o, err := w.mem.Create(context.Background(), pairs[n], storage.CreateOptions{})
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err := o.Write([]byte(pairs[n+1])); err != nil {
			w.t.Fatal(err)
		}
		if _, err := o.Commit(); err != nil {
			w.t.Fatal(err)
		}
	}
}

// TestLoadDies ends LOAD DATA before each of its effects. The same statement again loads what was not
// loaded, and nothing twice; in the end the sources are gone.
func TestLoadDies(t *testing.T) { eachWay(t, testLoadDies) }

func testLoadDies(t *testing.T, world func() *world) {
	for name, c := range map[string]struct {
		statement, query string
		before, after    []string
	}{
		"files": {
			"LOAD DATA INPATH 'mem://lake/in' INTO TABLE u", "SELECT a FROM u",
			[]string{"1", "2", "3"}, []string{"1", "2", "3", "7", "8"},
		},
		"overwrite": {
			"LOAD DATA INPATH 'mem://lake/in/' OVERWRITE INTO TABLE u", "SELECT a FROM u", []string{"1", "2", "3"}, []string{"7", "8"},
		},
		"partition": {
			"LOAD DATA INPATH 'mem://lake/in/?' INTO TABLE t PARTITION (ds='z')", "SELECT a, ds FROM t",
			[]string{"1 x", "2 x", "3 y"}, []string{"1 x", "2 x", "3 y", "7 z", "8 z"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			steps := 0
			for finished := false; !finished; steps++ {
				w := world()
				w.grace = "1h" // which is no reason to keep sources
				must(t, w.plain(), setup)
				w.put("in/a", "7\n", "in/b", "8\n", "in/deep/c", "9\n")
				s, k := w.mortal(steps)
				_, err := run(s, c.statement)
				finished = !k.dead
				got := must(t, w.plain(), c.query)
				if !slices.Equal(got, c.after) && (err == nil || !slices.Equal(got, c.before)) {
					t.Fatalf("after step %d (%v) a reader sees %q", steps, err, got)
				}
				_, err = run(w.plain(), c.statement)
				if done := errors.Is(err, storage.ErrNotExist); err != nil && !done {
					t.Fatalf("again after step %d: %v", steps, err)
				}
				same(t, fmt.Sprintf("again after step %d", steps), must(t, w.plain(), c.query), c.after...)
				same(t, "sources", w.below("in/"), "in/deep/c")
				if left := slices.DeleteFunc(w.mem.Keys(), func(k string) bool { return !strings.Contains(k, ".skep-moved-") }); len(left) > 0 && finished {
					t.Errorf("step %d: %q is left", steps, left)
				}
			}
			if steps < 6 {
				t.Errorf("only %d steps", steps)
			}
		})
	}
}

// keeping is the lake for a process that dies when it removes a file.
func (w *world) keeping(key string) storage.Bucket {
	return storagetest.Faulty(w.mem, func(op storagetest.Op) error {
		if op.Kind == storagetest.OpDelete && op.Key == key {
			return errDead
		}
		return nil
	})
}

// loadedHalf is a world in which a LOAD DATA died between its commit and the removal of what it loaded.
func loadedHalf(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	must(t, w.plain(), setup)
	w.put("in/a", "7\n")
	if _, err := run(w.session(w.keeping("in/a"), w.store), "LOAD DATA INPATH 'mem://lake/in' INTO TABLE u"); !errors.Is(err, errDead) ||
		!strings.Contains(err.Error(), "the data is loaded") {
		t.Fatal(err)
	}
	return w
}

// TestSourcesThatStay loads files that cannot be removed. They are not loaded again, other writes go on,
// and whoever writes next when they can be removed removes them.
func TestSourcesThatStay(t *testing.T) {
	w := loadedHalf(t)
	stays := func() storage.Bucket {
		return storagetest.Faulty(w.mem, func(op storagetest.Op) error {
			if op.Kind == storagetest.OpDelete && strings.HasPrefix(op.Key, "in/") {
				return errDead
			}
			return nil
		})
	}
	s := w.session(stays(), w.store)
	if _, err := run(s, "LOAD DATA INPATH 'mem://lake/in' INTO TABLE u"); err == nil || !strings.Contains(err.Error(), "mem://lake/in/a") {
		t.Errorf("loaded again: %v", err)
	}
	must(t, s, "INSERT INTO u VALUES (4)")
	same(t, "rows", must(t, s, "SELECT a FROM u"), "1", "2", "3", "4", "7")
	same(t, "sources", w.below("in/"), "in/a")
	must(t, w.plain(), "INSERT INTO u VALUES (5)")
	same(t, "rows", must(t, s, "SELECT a FROM u"), "1", "2", "3", "4", "5", "7")
	same(t, "sources", w.below("in/"))
}

// TestSourceIsDeliveredAgain puts another file in the place of one that was loaded and not removed.
func TestSourceIsDeliveredAgain(t *testing.T) {
	w := loadedHalf(t)
	at := func() int64 {
		o, err := w.mem.Stat(t.Context(), "in/a")
		if err != nil {
			t.Fatal(err)
		}
		return o.ModTime.UnixMilli()
	}
	for was := at(); at() == was; {
		w.put("in/a", "7\n") // the same content, which a new file may have, at another millisecond
	}
	must(t, w.plain(), "LOAD DATA INPATH 'mem://lake/in' INTO TABLE u")
	same(t, "rows", must(t, w.plain(), "SELECT a FROM u"), "1", "2", "3", "7", "7")
	same(t, "sources", w.below("in/"))
}

// TestVacuumSources lets Vacuum remove them.
func TestVacuumSources(t *testing.T) {
	w := loadedHalf(t)
	if v, err := w.plain().Vacuum(t.Context(), "", "", true); err != nil || v.Finished != 1 || len(w.below("in/")) != 1 {
		t.Errorf("dry: %+v, %v", v, err)
	}
	if v, err := w.plain().Vacuum(t.Context(), "", "", false); err != nil || v.Finished != 1 || len(w.below("in/")) != 0 {
		t.Errorf("%+v, %v", v, err)
	}
	must(t, w.plain(), "DROP TABLE u; CREATE TABLE u (a INT)")
	same(t, "left", w.below("wh/u/"))
}

// TestTwoLoads loads the same files twice at the same time, into one table or two: the second has found them
// before the first has committed, and comes to its commit after that.
func TestTwoLoads(t *testing.T) {
	const load = "LOAD DATA INPATH 'mem://lake/in' INTO TABLE u"
	for n, second := range []string{load, load, "LOAD DATA INPATH 'mem://lake/in' INTO TABLE t PARTITION (ds='z')"} {
		w, removes := newWorld(t), n > 0
		must(t, w.plain(), setup)
		w.put("in/a", "7\n")
		first := false
		b := storagetest.Faulty(w.mem, func(op storagetest.Op) error {
			if op.Kind != storagetest.OpCopyFrom || first {
				return nil
			}
			first = true
			stays := storagetest.Faulty(w.mem, func(op storagetest.Op) error {
				if op.Kind == storagetest.OpDelete && strings.HasPrefix(op.Key, "in/") && !removes {
					return errDead
				}
				return nil
			})
			if _, err := run(w.session(stays, w.store), load); (err == nil) != removes {
				t.Errorf("the first: %v", err)
			}
			w.put("in/b", "8\n")
			return errors.ErrUnsupported // to copy it by itself
		})
		if _, err := run(w.session(b, w.store), second); err == nil {
			t.Error("the second has loaded them, too")
		}
		same(t, "rows", must(t, w.plain(), "SELECT a FROM u"), "1", "2", "3", "7")
		same(t, "rows", must(t, w.plain(), "SELECT a FROM t WHERE ds = 'z'"))
	}
}

// TestTwoLoadsCommit has another LOAD DATA, of the same file into another table, commit and remove it after
// the first has made sure that it is there.
func TestTwoLoadsCommit(t *testing.T) {
	w := newWorld(t)
	must(t, w.plain(), setup)
	w.put("in/a", "7\n")
	first := false
	b := storagetest.Faulty(w.mem, func(op storagetest.Op) error {
		if op.Kind == storagetest.OpCommit && strings.Contains(op.Key, ".skep-moved-") && !first {
			first = true
			must(t, w.plain(), "LOAD DATA INPATH 'mem://lake/in' INTO TABLE u")
		}
		return nil
	})
	if _, err := run(w.session(b, w.store), "LOAD DATA INPATH 'mem://lake/in' INTO TABLE t PARTITION (ds='z')"); err == nil {
		t.Error("the second has loaded it, too")
	}
	same(t, "rows", must(t, w.plain(), "SELECT a FROM u"), "1", "2", "3", "7")
	same(t, "rows", must(t, w.plain(), "SELECT a FROM t WHERE ds = 'z'"))
}

// TestLoadDiesAndAnotherLoads ends LOAD DATA before each of its effects, and then loads the same files into
// another table. Each row is in one of the two.
func TestLoadDiesAndAnotherLoads(t *testing.T) {
	steps := 0
	for finished := false; !finished; steps++ {
		w := newWorld(t)
		w.grace = "1h"
		must(t, w.plain(), "CREATE TABLE u (a INT); CREATE TABLE t (a INT) PARTITIONED BY (ds STRING)")
		w.put("in/a", "7\n", "in/b", "8\n", "in/deep/c", "9\n")
		s, k := w.mortal(steps)
		_, err := run(s, "LOAD DATA INPATH 'mem://lake/in' INTO TABLE u")
		finished = !k.dead
		w.orphan()
		table := "u"
		if steps%2 == 1 {
			must(t, w.plain(), "ALTER TABLE u RENAME TO v")
			table = "v"
		}
		_, again := run(w.plain(), "LOAD DATA INPATH 'mem://lake/in/?' INTO TABLE t PARTITION (ds='x')")
		if again != nil && !errors.Is(again, storage.ErrNotExist) {
			t.Fatalf("step %d: %v", steps, again)
		}
		rows := slices.Concat(must(t, w.plain(), "SELECT a FROM "+table), must(t, w.plain(), "SELECT a FROM t"))
		slices.Sort(rows)
		same(t, fmt.Sprintf("of both, step %d (%v, %v)", steps, err, again), rows, "7", "8")
		same(t, "sources", w.below("in/"), "in/deep/c")
		must(t, w.plain(), "INSERT INTO "+table+" VALUES (1)")
		w.wantNoMoves(table, "t")
	}
	if steps < 6 {
		t.Errorf("only %d steps", steps)
	}
}

// wantNoMoves fails where a LOAD DATA is on record that has sources left.
func (w *world) wantNoMoves(tables ...string) {
	w.t.Helper()
	d, err := w.store.Database(context.Background(), metastore.DefaultDatabase)
	if err != nil {
		w.t.Fatal(err)
	}
	all := []map[string]string{d.Parameters}
	for _, name := range tables {
		t, err := w.store.Table(context.Background(), metastore.TableName{Database: metastore.DefaultDatabase, Name: name})
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, t.Parameters)
	}
	for _, params := range all {
		for k := range params {
			if strings.HasPrefix(k, "skep.moved.") {
				w.t.Errorf("%s is still there", k)
			}
		}
	}
}

// TestSourcesThatStayForOthers loads files that cannot be removed into another table: an error that says
// where they are. When the first table is dropped they can be loaded.
func TestSourcesThatStayForOthers(t *testing.T) {
	w := loadedHalf(t)
	stays := storagetest.Faulty(w.mem, func(op storagetest.Op) error {
		if op.Kind == storagetest.OpDelete && strings.HasPrefix(op.Key, "in/") {
			return errDead
		}
		return nil
	})
	const load = "LOAD DATA INPATH 'mem://lake/in/a' INTO TABLE t PARTITION (ds='z')"
	if _, err := run(w.session(stays, w.store), load); err == nil || !strings.Contains(err.Error(), "mem://lake/in/a") ||
		!strings.Contains(err.Error(), "default.u") {
		t.Errorf("loaded again: %v", err)
	}
	same(t, "rows", must(t, w.plain(), "SELECT a FROM t WHERE ds = 'z'"))
	must(t, w.session(stays, w.store), "DROP TABLE u")
	must(t, w.plain(), load)
	same(t, "rows", must(t, w.plain(), "SELECT a FROM t WHERE ds = 'z'"), "7")
	w.wantNoMoves("t")
}

// TestLoadIntoTemporary does it with temporary tables, which others do not see.
func TestLoadIntoTemporary(t *testing.T) {
	w := newWorld(t)
	must(t, w.plain(), setup)
	w.put("in/a", "7\n")
	s := w.session(w.keeping("in/a"), w.store)
	must(t, s, "CREATE TEMPORARY TABLE u (a INT)")
	if _, err := run(s, "LOAD DATA INPATH 'mem://lake/in' INTO TABLE u"); !errors.Is(err, errDead) {
		t.Fatal(err)
	}
	if _, err := run(w.plain(), "LOAD DATA INPATH 'mem://lake/in' INTO TABLE u"); !errors.Is(err, storage.ErrNotExist) {
		t.Errorf("loaded again: %v", err)
	}
	same(t, "rows", must(t, s, "SELECT a FROM u"), "7")
	same(t, "sources", w.below("in/"))
	w.wantNoMoves("t")
}

// TestLoadBesideUnreadableList loads files while the list of an earlier LOAD DATA cannot be read: that stops those
// of its directory only.
func TestLoadBesideUnreadableList(t *testing.T) {
	w := loadedHalf(t)
	w.put("other/x/b", "8\n", "other/y/c", "9\n")
	b := storagetest.Faulty(w.mem, func(op storagetest.Op) error {
		if op.Kind == storagetest.OpOpen && strings.HasPrefix(op.Key, "wh/u/.skep-moved-") {
			return errDead
		}
		return nil
	})
	must(t, w.session(b, w.store), "CREATE TABLE v (a INT); LOAD DATA INPATH 'mem://lake/other/*/?' INTO TABLE v")
	same(t, "rows", must(t, w.plain(), "SELECT a FROM v"), "8", "9")
	if _, err := run(w.session(b, w.store), "LOAD DATA INPATH 'mem://lake/in' INTO TABLE v"); !errors.Is(err, errDead) {
		t.Errorf("loaded again: %v", err)
	}
	must(t, w.plain(), "INSERT INTO u VALUES (4)")
	same(t, "sources", w.below("in/"))
}
