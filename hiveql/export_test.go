package hiveql_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/sqlstore"
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
				other := w.otherMetastore()
				must(t, other, "CREATE TABLE u (a INT); INSERT INTO u VALUES (77)")
				if _, err := run(other, "EXPORT TABLE u TO 'mem://lake/out'"); err == nil || !strings.Contains(err.Error(), "mem://lake/out") {
					t.Errorf("that of another metastore: %v", err)
				}
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

// otherMetastore is a session in another metastore and warehouse, over the same store.
func (w *world) otherMetastore() *hiveql.Session {
	w.t.Helper()
	store, err := sqlstore.Open(context.Background(), "sqlite://"+filepath.Join(w.t.TempDir(), "other.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { store.Close() })
	s := w.session(w.mem, store)
	must(w.t, s, "CREATE DATABASE o LOCATION 'mem://lake/other'; USE o")
	return s
}

// TestExportsOfTwoMetastores exports to one place from two metastores at the same time, again and again. At
// most one succeeds, and what is there then is its table alone.
func TestExportsOfTwoMetastores(t *testing.T) {
	w := newWorld(t)
	must(t, w.plain(), setup)
	other := w.otherMetastore()
	must(t, other, "CREATE TABLE u (a INT); INSERT INTO u VALUES (77)")
	succeeded := 0
	for round := range 30 {
		place := fmt.Sprintf("mem://lake/out%d", round)
		var errs [2]error
		var both sync.WaitGroup
		for i, s := range []*hiveql.Session{w.plain(), other} {
			both.Go(func() { _, errs[i] = run(s, "EXPORT TABLE u TO '"+place+"'") })
		}
		both.Wait()
		if errs[0] == nil && errs[1] == nil {
			t.Fatalf("round %d: both have succeeded", round)
		}
		for i, want := range [][]string{{"1", "2", "3"}, {"77"}} {
			if errs[i] != nil {
				if !strings.Contains(errs[i].Error(), place) {
					t.Errorf("round %d: %v", round, errs[i])
				}
				continue
			}
			succeeded++
			must(t, w.plain(), "DROP TABLE IF EXISTS i; IMPORT TABLE i FROM '"+place+"'")
			same(t, place, must(t, w.plain(), "SELECT a FROM i"), want...)
		}
		if left := w.below(fmt.Sprintf("out%d/.", round)); len(left) > 0 {
			t.Errorf("round %d: %q is left", round, left)
		}
	}
	if succeeded < 20 {
		t.Errorf("only %d of 30 have succeeded", succeeded)
	}
}

// TestClaimOfAnotherMachine: the place of an EXPORT that died on another machine, in another metastore, is free
// when its claim has not been renewed for five minutes by the clock of the store.
func TestClaimOfAnotherMachine(t *testing.T) {
	w := newWorld(t)
	must(t, w.plain(), setup)
	w.put("out/.skep-export-0000000100000001", "elsewhere/pid:[1] 12 34 -", "out/data/000000_0_0000000100000001", "9\n")
	if _, err := run(w.plain(), "EXPORT TABLE u TO 'mem://lake/out'"); err == nil {
		t.Error("the place of another was taken")
	}
	dir := filepath.Join(t.TempDir(), "out")
	claim := filepath.Join(dir, ".skep-export-0000000100000001")
	for file, text := range map[string]string{claim: "elsewhere/pid:[1] 12 34 -", filepath.Join(dir, "data/000000_0_0000000100000001"): "9"} {
		err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600))
		if err != nil {
			t.Fatal(err)
		}
	}
	then := time.Now().Add(-4 * time.Minute)
	for range 2 {
		if err := os.Chtimes(claim, then, then); err != nil {
			t.Fatal(err)
		}
		_, err := run(w.plain(), "EXPORT TABLE u TO 'file://"+dir+"'")
		if old := time.Since(then) > 5*time.Minute; old != (err == nil) {
			t.Errorf("of %v ago: %v", time.Since(then), err)
		}
		then = then.Add(-2 * time.Minute)
	}
	if left, err := filepath.Glob(dir + "/data/*_0000000100000001*"); err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
}
