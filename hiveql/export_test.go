package hiveql_test

import (
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

// TestExportDies ends EXPORT before each of its effects. The directory is then a whole export or none, and
// the same statement again, or one of another database, makes it one with each file once.
func TestExportDies(t *testing.T) {
	steps := 0
	for finished := false; !finished; steps++ {
		again := "EXPORT TABLE t TO 'mem://lake/out'"
		if steps%2 == 0 {
			again = "EXPORT TABLE d.t TO 'mem://lake/out'"
		}
		w := newWorld(t)
		must(t, w.plain(), setup+`; CREATE DATABASE d; CREATE TABLE d.t (a INT) PARTITIONED BY (ds STRING); INSERT INTO d.t PARTITION (ds) SELECT * FROM t;
			CREATE TABLE e (a INT) PARTITIONED BY (ds STRING); EXPORT TABLE e TO 'mem://lake/out'`) // which leaves _metadata alone
		s, k := w.mortal(steps)
		_, err := run(s, "EXPORT TABLE t TO 'mem://lake/out'")
		finished = !k.dead
		w.orphan()
		var got []string
		if _, absent := run(w.plain(), "IMPORT TABLE i FROM 'mem://lake/out'"); absent == nil {
			got = must(t, w.plain(), "SELECT a, ds FROM i")
		} else if !errors.Is(absent, storage.ErrNotExist) {
			t.Fatal(absent)
		}
		rows := []string{"1 x", "2 x", "3 y"}
		if !slices.Equal(got, rows) && (err == nil || len(got) > 0) {
			t.Fatalf("after step %d (%v) IMPORT finds %q", steps, err, got)
		}
		if _, err := run(w.plain(), again); (err == nil) != (len(got) == 0) {
			t.Errorf("again after step %d: %v", steps, err)
		}
		must(t, w.plain(), "DROP TABLE IF EXISTS i; IMPORT TABLE i FROM 'mem://lake/out'")
		same(t, fmt.Sprintf("again after step %d", steps), must(t, w.plain(), "SELECT a, ds FROM i"), rows...)
		must(t, w.plain(), "INSERT INTO t PARTITION (ds='y') VALUES (5)")
		d, err := w.store.Database(t.Context(), metastore.DefaultDatabase)
		if err != nil || len(d.Parameters) > 0 {
			t.Errorf("step %d: the record is still there: %v, %v", steps, d.Parameters, err)
		}
	}
	if steps < 6 {
		t.Errorf("only %d steps", steps)
	}
}

// TestVacuumExport lets Vacuum remove what a killed EXPORT has left, and leave a whole one.
func TestVacuumExport(t *testing.T) {
	for steps, finished := 0, false; !finished; steps++ {
		w := newWorld(t)
		must(t, w.plain(), setup)
		s, k := w.mortal(steps)
		_, err := run(s, "EXPORT TABLE t TO 'mem://lake/out'")
		finished = !k.dead
		w.orphan()
		if _, err := w.plain().Vacuum(t.Context(), "", "", false); err != nil {
			t.Fatal(err)
		}
		left := w.below("out/")
		if whole := slices.Contains(left, "out/_metadata"); whole && len(left) != 4 || !whole && (len(left) > 0 || err == nil) {
			t.Errorf("step %d (%v): %q", steps, err, left)
		}
	}
}

// TestExportFails ends in an error, at a copy or at _metadata: nothing is left.
func TestExportFails(t *testing.T) {
	w := newWorld(t)
	must(t, w.plain(), setup)
	for _, kind := range []storagetest.OpKind{storagetest.OpCopyFrom, storagetest.OpCommit} {
		var n atomic.Int64
		b := storagetest.Faulty(w.mem, func(op storagetest.Op) error {
			if n.Add(1) > 1 && op.Kind == kind {
				return errDead
			}
			return nil
		})
		if _, err := run(w.session(b, w.store), "EXPORT TABLE t TO 'mem://lake/out'"); !errors.Is(err, errDead) {
			t.Errorf("%v: %v", kind, err)
		}
		same(t, "left", w.below("out/"))
	}
	must(t, w.plain(), "EXPORT TABLE t TO 'mem://lake/out'")
}

// TestTwoExports exports to one place while another does. The second is refused, also when it has seen
// nothing there yet, and what it says is true of both.
func TestTwoExports(t *testing.T) {
	w := newWorld(t)
	must(t, w.plain(), setup)
	var once sync.Once
	b := storagetest.Faulty(w.mem, func(op storagetest.Op) error {
		if op.Kind == storagetest.OpCopyFrom {
			once.Do(func() {
				if _, err := run(w.plain(), "EXPORT TABLE u TO 'mem://lake/out'"); err == nil || !strings.Contains(err.Error(), "mem://lake/out") {
					t.Errorf("the second: %v", err)
				}
			})
		}
		return nil
	})
	must(t, w.session(b, w.store), "EXPORT TABLE t TO 'mem://lake/out'")
	must(t, w.plain(), "IMPORT TABLE i FROM 'mem://lake/out'")
	same(t, "rows", must(t, w.plain(), "SELECT a, ds FROM i"), "1 x", "2 x", "3 y")
}

// TestExportWithoutColumnStats: _metadata calls no statistics of columns accurate, because it has none.
func TestExportWithoutColumnStats(t *testing.T) {
	w := newWorld(t)
	must(t, w.plain(), setup+"; EXPORT TABLE t TO 'mem://lake/t'; EXPORT TABLE u TO 'mem://lake/u'")
	for _, key := range []string{"t/_metadata", "u/_metadata"} {
		text, ok := w.mem.Content(key)
		n, all := strings.Count(string(text), "COLUMN_STATS_ACCURATE"), strings.Count(string(text), "COLUMN_STATS")
		if !ok || n == 0 || all != n || strings.Count(string(text), "BASIC_STATS") != n {
			t.Errorf("%s: %s", key, text)
		}
	}
}
