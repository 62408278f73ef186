package hiveql_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/storage/storagetest"
)

// TestSetLocationWhileCleaning moves a table, by name only, while files that were replaced are still there for
// older readers. They are no rows at the old place, whoever looks there, and they go.
func TestSetLocationWhileCleaning(t *testing.T) { eachWay(t, testSetLocationWhileCleaning) }

func testSetLocationWhileCleaning(t *testing.T, world func() *world) {
	w := world()
	w.grace = "1h"
	must(t, w.plain(), setup+`; INSERT OVERWRITE TABLE u VALUES (9); INSERT OVERWRITE TABLE t PARTITION (ds='x') VALUES (9);
		ALTER TABLE u SET LOCATION 'mem://lake/else/u'; ALTER TABLE t SET LOCATION 'mem://lake/else/t'`)
	same(t, "at the new place", must(t, w.plain(), "SELECT a FROM u"))
	same(t, "partitions stay", must(t, w.plain(), "SELECT a, ds FROM t"), "3 y", "9 x")
	must(t, w.plain(), "INSERT OVERWRITE TABLE u VALUES (10); INSERT OVERWRITE TABLE u VALUES (11); INSERT INTO t PARTITION (ds='z') VALUES (4)")
	same(t, "at the new place", must(t, w.plain(), "SELECT a FROM u"), "11")
	must(t, w.plain(), "ALTER TABLE u SET LOCATION 'mem://lake/wh/u'")
	same(t, "at the old one", must(t, w.plain(), "SELECT a FROM u"), "9")
	w.grace = "0s"
	if _, err := w.plain().Vacuum(t.Context(), "", "", false); err != nil {
		t.Fatal(err)
	}
	same(t, "cleaned", must(t, w.plain(), "SELECT a FROM u"), "9")
	same(t, "cleaned", must(t, w.plain(), "SELECT a, ds FROM t"), "3 y", "4 z", "9 x")
	w.grace = "1h"
	must(t, w.plain(), "INSERT OVERWRITE TABLE u VALUES (10); ALTER TABLE u SET LOCATION 'mem://lake/new/u'; DROP TABLE u")
	w.grace = "0s"
	must(t, w.plain(), "INSERT INTO t PARTITION (ds='z') VALUES (5)")
	if all := w.below(""); len(all) != 6 || slices.ContainsFunc(all, func(k string) bool { return strings.Contains(k, ".skep") }) {
		t.Errorf("there is %q", all)
	}
}

// TestSetLocationBesideInsert moves a table while a write to it has its file there and has not committed. It
// fails, or dies, and its file never becomes a row.
func TestSetLocationBesideInsert(t *testing.T) {
	for _, dies := range []bool{false, true} {
		for _, insert := range []string{"INSERT INTO u VALUES (9)", "INSERT OVERWRITE TABLE u VALUES (9)", "INSERT INTO t PARTITION (ds='new') VALUES (9)"} {
			w := newWorld(t)
			w.track = "false"
			must(t, w.plain(), setup)
			before := w.mem.Keys()
			n := 2 // the commit
			s := w.session(w.mem, hookedStore{w.store, &n, func() {
				must(t, w.plain(), "ALTER TABLE u SET LOCATION 'mem://lake/else/u'; ALTER TABLE t SET LOCATION 'mem://lake/else/t'")
				if dies {
					panic(errDead)
				}
			}})
			_, err := run(s, insert)
			if !dies && !errors.Is(err, metastore.ErrConflict) {
				t.Errorf("%s: %v", insert, err)
			}
			w.orphan()
			must(t, w.plain(), "ALTER TABLE u SET LOCATION 'mem://lake/wh/u'; ALTER TABLE t SET LOCATION 'mem://lake/wh/t'")
			same(t, insert, must(t, w.plain(), "SELECT a FROM u"), "1", "2", "3")
			same(t, insert, must(t, w.plain(), "SELECT a FROM t"), "1", "2", "3")
			must(t, w.plain(), "ALTER TABLE u SET LOCATION 'mem://lake/else/u'; ALTER TABLE t SET LOCATION 'mem://lake/else/t'")
			if _, err := w.plain().Vacuum(t.Context(), "", "", false); err != nil {
				t.Fatal(err)
			}
			same(t, insert, w.mem.Keys(), before...)
		}
	}
}

// TestSetLocationWithMoves moves a table whose LOAD DATA could not remove its source: that is not loaded again.
func TestSetLocationWithMoves(t *testing.T) {
	w := newWorld(t)
	must(t, w.plain(), setup)
	w.put("in/a", "7\n")
	_, err := run(w.session(w.keeping("in/a"), w.store), "LOAD DATA INPATH 'mem://lake/in/a' INTO TABLE u")
	if err == nil || !strings.Contains(err.Error(), "its source is still there") {
		t.Fatal(err)
	}
	must(t, w.plain(), "ALTER TABLE u SET LOCATION 'mem://lake/else/u'")
	if _, err := run(w.session(w.keeping("in/a"), w.store), "LOAD DATA INPATH 'mem://lake/in/a' INTO TABLE u"); err == nil || !strings.Contains(err.Error(), "an earlier LOAD DATA") {
		t.Errorf("loaded again: %v", err)
	}
	must(t, w.plain(), "INSERT INTO u VALUES (8)")
	same(t, "rows", must(t, w.plain(), "SELECT a FROM u"), "8")
	same(t, "left", w.below("in/"))
	w.wantNoMoves("u")
}

// TestFailsWhenTakenBack: a write that was taken back meanwhile, and then cannot send its files, has failed.
func TestFailsWhenTakenBack(t *testing.T) {
	w := newWorld(t)
	must(t, w.plain(), setup)
	b := storagetest.Faulty(w.mem, func(op storagetest.Op) error {
		if op.Kind != storagetest.OpCommit {
			return nil
		}
		w.alter(metastore.TableName{Database: "default", Name: "u"}, func(t *metastore.Table) {
			for k := range t.Parameters {
				if strings.HasPrefix(k, "skep.write.") {
					t.Parameters[k] = "writing nobody since 1700000000000 at mem://lake/wh/u"
				}
			}
		})
		return errDead
	})
	if _, err := run(w.session(b, w.store), "INSERT INTO u VALUES (9)"); !errors.Is(err, errDead) {
		t.Errorf("the statement says %v", err)
	}
	same(t, "rows", must(t, w.plain(), "SELECT a FROM u"), "1", "2", "3")
}
