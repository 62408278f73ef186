package hiveql_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

// TestForeignFiles: a file that others put into a place that is tracked is found once somebody has
// said so, and an overwrite removes it in any case.
func TestForeignFiles(t *testing.T) {
	for name, tell := range map[string]string{
		"MSCK":                    "MSCK REPAIR TABLE u",
		"a change through dfs":    "dfs -cp /wh/none/x /wh/u/x",
		"the table becomes other": "ALTER TABLE u SET TBLPROPERTIES ('EXTERNAL'='TRUE'); ALTER TABLE u SET TBLPROPERTIES ('EXTERNAL'='FALSE')",
		"a move out of it":        "CREATE TABLE v (a INT); LOAD DATA INPATH 'mem://lake/wh/u/away' INTO TABLE v",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			must(t, w.plain(), setup)
			w.mem.Put("wh/u/foreign", "9\n")
			if strings.Contains(tell, "away") {
				w.mem.Put("wh/u/away", "8\n")
			}
			w.mem.Put("wh/none/x", "")
			same(t, "before", must(t, w.plain(), "SELECT a FROM u"), "1", "2", "3")
			must(t, w.plain(), strings.ReplaceAll(tell, " /wh", " mem://lake/wh"))
			got := must(t, w.plain(), "SELECT a FROM u")
			same(t, "after", got, "1", "2", "3", "9")
			must(t, w.plain(), "INSERT INTO u VALUES (4)")
			same(t, "tracked again", must(t, w.plain(), "SELECT a FROM u"), "1", "2", "3", "4", "9")
			w.mem.Put("wh/u/foreign2", "10\n")
			must(t, w.plain(), "INSERT OVERWRITE TABLE u VALUES (5)")
			same(t, "overwritten", must(t, w.plain(), "MSCK REPAIR TABLE u; SELECT a FROM u"), "5")
		})
	}
}

// TestManyFiles: a place of more files than a list may have is listed.
func TestManyFiles(t *testing.T) {
	w := newWorld(t)
	must(t, w.plain(), "CREATE TABLE u (a INT)")
	for i := range 1001 {
		w.mem.Put(fmt.Sprintf("wh/u/f%04d", i), "1\n")
	}
	must(t, w.plain(), "INSERT INTO u VALUES (2)")
	b := storagetest.NewCounting(w.mem)
	if n := len(must(t, w.session(b, w.store), "SELECT a FROM u")); n != 1002 || b.Counts().List != 1 {
		t.Errorf("%d rows, %d lists; want 1002 and 1", n, b.Counts().List)
	}
	must(t, w.plain(), "INSERT OVERWRITE TABLE u VALUES (2)")
	same(t, "overwritten", must(t, w.plain(), "SELECT a FROM u"), "2")
}

// TestReadersKeepTheirFiles reads slowly while the table is overwritten: each reader sees one state
// to its end, and in the end nothing is left of the others.
func TestReadersKeepTheirFiles(t *testing.T) {
	w := newWorld(t)
	w.grace = "300ms"
	must(t, w.plain(), setup)
	old := w.during("SELECT a FROM u", func() {
		s := w.plain()
		must(t, s, "INSERT OVERWRITE TABLE u VALUES (7)")
		if err := s.Close(t.Context()); err != nil { // after the grace
			t.Error(err)
		}
		same(t, "a new reader", must(t, w.plain(), "SELECT a FROM u"), "7")
	})
	same(t, "an old reader", old, "1", "2", "3")
	if locks, err := w.store.Locks(t.Context()); err != nil || len(locks) != 0 {
		t.Errorf("locks are left: %v, %v", locks, err)
	}
	s := w.plain()
	must(t, s, "INSERT OVERWRITE TABLE u VALUES (8)")
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.checkClean(t, true)
	n := 0
	for _, key := range w.mem.Keys() {
		if strings.HasPrefix(key, "wh/u/") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d files in u, want 1: %q", n, w.mem.Keys())
	}
}

// waitForLock waits until a reader or a writer has taken its lock.
func (w *world) waitForLock() {
	w.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-w.t.Context().Done():
			w.t.Fatal(w.t.Context().Err())
		}
		locks, err := w.store.Locks(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		if slices.ContainsFunc(locks, func(l *metastore.Lock) bool { return strings.HasPrefix(l.Agent, "skep ") }) {
			return
		}
	}
}

// TestStaleList: a list of another place, or of another time, does not count.
func TestStaleList(t *testing.T) {
	w := newWorld(t)
	must(t, w.plain(), setup)
	name := metastore.TableName{Database: "default", Name: "u"}
	for what, change := range map[string]func(*metastore.Table){
		"damaged": func(t *metastore.Table) { t.Parameters[metastore.FilesParameter] = "{" },
		"of another tracking": func(t *metastore.Table) {
			t.Parameters[metastore.TrackingParameter] = "0"
		},
		"of another place": func(t *metastore.Table) {
			t.Parameters[metastore.FilesParameter] = strings.ReplaceAll(t.Parameters[metastore.FilesParameter], "wh/u", "wh/x")
		},
	} {
		must(t, w.plain(), "INSERT OVERWRITE TABLE u VALUES (1), (2), (3)")
		w.alter(name, change)
		w.mem.Put("wh/u/foreign", "9\n")
		same(t, what, must(t, w.plain(), "SELECT a FROM u"), "1", "2", "3", "9")
	}
}

// TestShared: a table that other programs look up is listed.
func TestShared(t *testing.T) {
	w := newWorld(t)
	must(t, w.plain(), setup)
	for ago, want := range map[time.Duration]int{time.Minute: 1, 23 * time.Hour: 1, 25 * time.Hour: 0} {
		w.alter(metastore.TableName{Database: "default", Name: "u"}, func(t *metastore.Table) {
			t.Parameters[metastore.SharedParameter] = fmt.Sprint(time.Now().Add(-ago).Unix())
			delete(t.Parameters, metastore.TrackingParameter)
		})
		must(t, w.plain(), "INSERT OVERWRITE TABLE u VALUES (1)")
		b := storagetest.NewCounting(w.mem)
		must(t, w.session(b, w.store), "SELECT a FROM u")
		if n := b.Counts().List; n != want {
			t.Errorf("looked up %v ago: %d lists, want %d", ago, n, want)
		}
	}
}

// TestTransactional: a table of another metastore that keeps versions of rows is told of, and otherwise refused by name.
func TestTransactional(t *testing.T) {
	w := newWorld(t)
	must(t, w.plain(), setup)
	w.alter(metastore.TableName{Database: "default", Name: "u"}, func(t *metastore.Table) { t.Parameters["transactional"] = "TRUE" })
	for _, statement := range []string{
		"SELECT a FROM u", "SELECT 1 FROM (SELECT 1) x JOIN u ON true", "INSERT INTO u VALUES (1)", "TRUNCATE TABLE u", "ALTER TABLE u ADD COLUMNS (z INT)", "ANALYZE TABLE u COMPUTE STATISTICS",
		"OPTIMIZE TABLE u", "EXPLAIN SELECT * FROM u", "CREATE VIEW v AS SELECT * FROM u", "FROM (SELECT 1 AS a) x INSERT INTO u SELECT a", "MSCK REPAIR TABLE u",
	} {
		var failure error
		for _, err := range w.plain().Execute(t.Context(), statement) {
			failure = errors.Join(failure, err)
		}
		if failure == nil || !strings.Contains(failure.Error(), "the transactional (ACID) table default.u is not supported yet") {
			t.Errorf("%s: %v", statement, failure)
		}
	}
	must(t, w.plain(), "DESCRIBE u; SHOW TABLES; SHOW CREATE TABLE u; DROP TABLE u")
}

func (w *world) alter(name metastore.TableName, change func(*metastore.Table)) {
	w.t.Helper()
	ctx := context.Background()
	err := w.store.Update(ctx, func(tx metastore.Tx) error {
		t, err := tx.Table(ctx, name)
		if err != nil {
			return err
		}
		change(t)
		return tx.AlterTable(ctx, name, t)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestShortGrace: a grace that is shorter than the time until readers have a lock is as long as that.
func TestShortGrace(t *testing.T) {
	w := newWorld(t)
	w.grace = "1ms"
	must(t, w.plain(), setup)
	s, start := w.plain(), time.Now()
	must(t, s, "INSERT OVERWRITE TABLE u VALUES (7)")
	must(t, s, "SELECT a FROM u")
	if left := w.below("wh/u/0"); len(left) != 3 && time.Since(start) < 250*time.Millisecond {
		t.Errorf("after %v: %q", time.Since(start), left)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := w.below("wh/u/"); len(left) != 1 {
		t.Errorf("after the grace: %q", left)
	}
}

// TestTrackedSums: the list of a table's files has the checksum of each that INSERT has sent, so that who reads
// them need not ask the store for it.
func TestTrackedSums(t *testing.T) {
	w := newWorld(t)
	must(t, w.plain(), setup)
	u, err := w.store.Table(t.Context(), metastore.TableName{Database: "default", Name: "u"})
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Files []struct{ Name, CRC string }
	}
	if err := json.Unmarshal([]byte(u.Parameters[metastore.FilesParameter]), &list); err != nil || len(list.Files) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, f := range list.Files {
		text, ok := w.mem.Content("wh/u/" + f.Name)
		if want := storage.CRC32C([]byte(text)).String(); !ok || f.CRC != want {
			t.Errorf("%s has %q, and not %s", f.Name, f.CRC, want)
		}
	}
}
