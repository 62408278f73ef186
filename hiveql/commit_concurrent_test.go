package hiveql_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skepdata/skep/partitions"
	"github.com/skepdata/skep/storage"
)

// TestReadersSeeWholeWrites overwrites and inserts all the time while readers check sums.
func TestReadersSeeWholeWrites(t *testing.T) { eachWay(t, testReadersSeeWholeWrites) }

func testReadersSeeWholeWrites(t *testing.T, world func() *world) {
	w := world()
	must(t, w.plain(), `CREATE TABLE t (a INT) PARTITIONED BY (ds STRING);
		INSERT OVERWRITE TABLE t PARTITION (ds) VALUES (0, 'x'), (0, 'y'), (0, 'z')`)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		defer cancel()
		for i := 1; i <= 25; i++ {
			sql := fmt.Sprintf("INSERT OVERWRITE TABLE t PARTITION (ds) VALUES (%d, 'x'), (%d, 'y'), (%d, 'z')", i, i, i)
			if _, err := run(w.plain(), sql); err != nil {
				t.Error(err)
				return
			}
		}
	})
	reads, overtaken := 0, 0
	for last := false; !last; {
		if ctx.Err() != nil {
			wg.Wait()
			last = true // and nobody writes any more
		}
		rows, err := run(w.plain(), "SELECT a, ds FROM t")
		if err != nil {
			if !last && (errors.Is(err, storage.ErrNotExist) || errors.Is(err, storage.ErrChanged)) {
				overtaken++ // the files went while they were read; the query failed, and did not lie
				continue
			}
			t.Fatal(err)
		}
		reads++
		if len(rows) != 3 {
			t.Fatalf("a reader saw %q", rows)
		}
		n := strings.Fields(rows[0])[0]
		if !slices.Equal(rows, []string{n + " x", n + " y", n + " z"}) {
			t.Fatalf("a reader saw %q", rows)
		}
	}
	if reads == 1 && overtaken > 3 {
		t.Errorf("none of %d reads beside a writer succeeded", overtaken)
	}
}

// TestConcurrentWriters lets writers insert and overwrite at the same time. Inserts are never
// lost, and of two overwrites one wins whole.
func TestConcurrentWriters(t *testing.T) { eachWay(t, testConcurrentWriters) }

func testConcurrentWriters(t *testing.T, world func() *world) {
	w := world()
	must(t, w.plain(), "CREATE TABLE t (a INT) PARTITIONED BY (ds STRING)")
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for k := range 5 {
				sql := fmt.Sprintf("INSERT INTO t PARTITION (ds='i') VALUES (%d)", i*5+k)
				if _, err := run(w.plain(), sql); err != nil {
					t.Error(err)
				}
				sql = fmt.Sprintf("INSERT OVERWRITE TABLE t PARTITION (ds='o') VALUES (%d), (%d)", 100*i+k, 100*i+k)
				if _, err := run(w.plain(), sql); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(must(t, w.plain(), "SELECT a FROM t WHERE ds='i'")); n != 20 {
		t.Errorf("%d rows of 20 inserts", n)
	}
	rows := must(t, w.plain(), "SELECT a FROM t WHERE ds='o'")
	if len(rows) != 2 || rows[0] != rows[1] {
		t.Errorf("after overwrites: %q", rows)
	}
	w.mustHave(t, "i", 20)
	w.mustHave(t, "o", 1)
}

// mustHave counts the files of a partition of t.
func (w *world) mustHave(t *testing.T, ds string, want int) {
	t.Helper()
	n := 0
	for _, k := range w.mem.Keys() {
		if strings.HasPrefix(k, "wh/t/ds="+ds+"/") {
			n++
		}
	}
	if n != want {
		t.Errorf("%d files in ds=%s, want %d: %q", n, ds, want, w.mem.Keys())
	}
}

// TestRandomHistory runs random writes, some of which die, and compares with a simple model
// after each.
func TestRandomHistory(t *testing.T) { eachWay(t, testRandomHistory) }

func testRandomHistory(t *testing.T, world func() *world) {
	seed := rand.Uint64()
	defer func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	}()
	rng := rand.New(rand.NewPCG(seed, 0))
	w := world()
	must(t, w.plain(), "CREATE TABLE t (a INT) PARTITIONED BY (ds STRING)")
	model := map[string][]string{}
	for i := range 60 {
		ds := string(rune('a' + rng.IntN(3)))
		overwrite := rng.IntN(2) == 0
		verb := "INTO"
		if overwrite {
			verb = "OVERWRITE"
		}
		s := w.plain()
		if rng.IntN(3) == 0 {
			s, _ = w.mortal(rng.IntN(8))
		}
		if rng.IntN(4) == 0 { // which changes nothing that a reader sees
			_, _ = run(s, "OPTIMIZE TABLE t")
			same(t, fmt.Sprintf("optimized before write %d", i), must(t, w.plain(), "SELECT a FROM t WHERE ds='"+ds+"'"), model[ds]...)
			continue
		}
		_, err := run(s, fmt.Sprintf("INSERT %s TABLE t PARTITION (ds='%s') VALUES (%d)", verb, ds, i))
		got := must(t, w.plain(), "SELECT a FROM t WHERE ds='"+ds+"'")
		next := append(slices.Clone(model[ds]), fmt.Sprint(i))
		if overwrite {
			next = []string{fmt.Sprint(i)}
		}
		slices.Sort(next)
		switch {
		case slices.Equal(got, next):
			model[ds] = next
		case err == nil || !slices.Equal(got, model[ds]):
			t.Fatalf("write %d (%s, %v): got %q, want %q or %q", i, verb, err, got, next, model[ds])
		}
	}
	for ds, want := range model {
		same(t, ds, must(t, w.plain(), "SELECT a FROM t WHERE ds='"+ds+"'"), want...)
	}
	for _, k := range w.mem.Keys() {
		if partitions.Hidden(strings.TrimPrefix(k, "wh/t/")) && !strings.Contains(k, ".skep-replaced-") {
			t.Errorf("%s is left", k)
		}
	}
}

// TestCompactBesideWriters joins files while others add some and replace some. No row is lost, and
// none is there twice.
func TestCompactBesideWriters(t *testing.T) { eachWay(t, testCompactBesideWriters) }

func testCompactBesideWriters(t *testing.T, world func() *world) {
	w := world()
	must(t, w.plain(), "CREATE TABLE t (a INT) PARTITIONED BY (ds STRING); INSERT INTO t PARTITION (ds='o') VALUES (0)")
	var writers, compactor sync.WaitGroup
	stop := make(chan struct{})
	compactor.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := run(w.plain(), "OPTIMIZE TABLE t"); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for i := range 3 {
		writers.Go(func() {
			for k := range 5 {
				sql := fmt.Sprintf("INSERT INTO t PARTITION (ds='i') VALUES (%d); INSERT INTO t PARTITION (ds='o') VALUES (-1)", i*5+k)
				if k%2 == 0 {
					sql += fmt.Sprintf("; INSERT OVERWRITE TABLE t PARTITION (ds='o') VALUES (%d)", i*5+k)
				}
				if _, err := run(w.plain(), sql); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	compactor.Wait()
	var want []string
	for i := range 15 {
		want = append(want, fmt.Sprint(i))
	}
	slices.Sort(want)
	same(t, "inserted", must(t, w.plain(), "SELECT a FROM t WHERE ds='i'"), want...)
	before := must(t, w.plain(), "SELECT a FROM t WHERE ds='o'")
	must(t, w.plain(), "OPTIMIZE TABLE t")
	same(t, "overwritten", must(t, w.plain(), "SELECT a FROM t WHERE ds='o'"), before...)
	w.mustHave(t, "i", 1)
	w.mustHave(t, "o", 1)
}
