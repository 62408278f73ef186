package hiveql_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/skepdata/skep/metastore"
)

// orphan makes all writes on record, of the default database and others, those of processes that do not run
// any more.
func (w *world) orphan(dbs ...string) {
	w.t.Helper()
	ctx := context.Background()
	err := w.store.Update(ctx, func(tx metastore.Tx) error {
		for _, name := range append(dbs, "default") {
			d, err := tx.Database(ctx, name)
			if err != nil {
				return err
			}
			orphaned(d.Parameters)
			if err := tx.AlterDatabase(ctx, d); err != nil {
				return err
			}
		}
		for _, name := range []string{"t", "u", "v"} {
			t, err := tx.Table(ctx, metastore.TableName{Database: "default", Name: name})
			if errors.Is(err, metastore.ErrNoSuchTable) {
				continue
			}
			if err != nil {
				return err
			}
			orphaned(t.Parameters)
			if err := tx.AlterTable(ctx, t.TableName, t); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, key := range w.mem.Keys() {
		if text, _ := w.mem.Content(key); strings.Contains(key, "/.skep-export-") {
			claim := map[string]string{"skep.write.": "claimed " + string(text)}
			orphaned(claim)
			w.put(key, strings.TrimPrefix(claim["skep.write."], "claimed "))
		}
	}
}

// orphaned makes the writes in parameters those of a process that does not run any more. It reports whether
// there are any.
func orphaned(params map[string]string) bool {
	found := false
	for k, v := range params {
		words := strings.Fields(v)
		if strings.HasPrefix(k, "skep.write.") && len(words) > 4 { // an owner, and more than "cleaning 12 at place"
			words[2], words[3] = "1073741824", "1" // nobody's number
			params[k] = strings.Join(words, " ")
			found = true
		}
	}
	return found
}

// below are the keys of the store that begin with a prefix.
func (w *world) below(prefix string) []string {
	return slices.DeleteFunc(w.mem.Keys(), func(k string) bool { return !strings.HasPrefix(k, prefix) })
}

// TestDeadWritesWithoutTable ends writes to places of no table before each of their effects. The next
// write, whatever it writes to, removes what they have left, or finishes it.
func TestDeadWritesWithoutTable(t *testing.T) {
	for name, c := range map[string]struct {
		statement, place string
		after            func(w *world) bool // whether it has been done
	}{
		"create as": {"CREATE TABLE c AS SELECT a FROM u", "wh/c/", func(w *world) bool {
			_, err := w.store.Table(t.Context(), metastore.TableName{Database: "default", Name: "c"})
			return err == nil
		}},
		"create partitions as": {"CREATE TABLE c PARTITIONED BY (ds) AS SELECT a, ds FROM t", "wh/c/", func(w *world) bool {
			_, err := w.store.Table(t.Context(), metastore.TableName{Database: "default", Name: "c"})
			return err == nil
		}},
		"directory": {"INSERT OVERWRITE DIRECTORY 'mem://lake/out' SELECT a FROM u", "out/", nil},
	} {
		t.Run(name, func(t *testing.T) {
			steps := 0
			for finished := false; !finished; steps++ {
				w := newWorld(t)
				must(t, w.plain(), setup+"; INSERT OVERWRITE DIRECTORY 'mem://lake/out' VALUES (9)")
				old := w.below("out/")
				s, k := w.mortal(steps)
				_, err := run(s, c.statement)
				finished = !k.dead
				w.orphan()
				must(t, w.plain(), "INSERT INTO u VALUES (4)")
				left := w.below(c.place)
				switch {
				case c.after != nil && c.after(w):
					if len(must(t, w.plain(), "SELECT a FROM c")) != 3 {
						t.Errorf("step %d: rows are missing", steps)
					}
				case c.after != nil:
					if len(left) > 0 || err == nil {
						t.Errorf("step %d (%v): %q is left", steps, err, left)
					}
				case slices.Equal(left, old):
					if err == nil {
						t.Errorf("step %d: it was not done", steps)
					}
				case len(left) != 1:
					t.Errorf("step %d (%v): %q, of which one file should be left", steps, err, left)
				}
				d, err := w.store.Database(t.Context(), "default")
				if err != nil || len(d.Parameters) > 0 {
					t.Errorf("step %d: the record is still there: %v, %v", steps, d.Parameters, err)
				}
			}
			if steps < 4 {
				t.Errorf("only %d steps", steps)
			}
		})
	}
}

// TestVacuumWritesWithoutTable lets Vacuum do the same.
func TestVacuumWritesWithoutTable(t *testing.T) {
	w := newWorld(t)
	must(t, w.plain(), setup)
	for steps := 2; len(w.below("wh/c/")) == 0; steps++ {
		s, _ := w.mortal(steps)
		if _, err := run(s, "CREATE TABLE c AS SELECT a FROM u"); err == nil {
			t.Fatal("it did not die")
		}
	}
	n := fmt.Sprint(len(w.below("wh/c/")))
	if v, err := w.plain().Vacuum(t.Context(), "", "", false); err != nil || v.Undone != 0 || len(w.below("wh/c/")) == 0 {
		t.Errorf("of a process that runs: %+v, %v", v, err)
	}
	w.orphan()
	if v, err := w.plain().Vacuum(t.Context(), "", "", true); err != nil || v.Undone == 0 || len(w.below("wh/c/")) == 0 {
		t.Errorf("dry: %+v, %v", v, err)
	}
	if v, err := w.plain().Vacuum(t.Context(), "", "", false); err != nil || v.Undone == 0 || len(w.below("wh/c/")) > 0 {
		t.Errorf("of %s files: %+v, %v; left %q", n, v, err, w.below("wh/c/"))
	}
}
