package hiveql_test

import (
	"context"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/filestore"
	"github.com/skepdata/skep/storage/storagetest"

	"github.com/skepdata/skep/hiveql"
)

// TestListingTTL: what others put into an external table is seen by the next query, or, where the
// session says so, when the listing has become too old. What this program writes is always seen.
func TestListingTTL(t *testing.T) {
	w := newWorld(t)
	b := storagetest.NewCounting(w.mem)
	opener := &storage.Opener{}
	opener.Register(func(context.Context, string) (storage.Bucket, error) { return b, nil }, "mem")
	opener.Register(func(context.Context, string) (storage.Bucket, error) { return filestore.New("/") }, "file")
	engine := hiveql.New(hiveql.Config{Store: w.store, Storage: opener, Executor: lines{}, Warehouse: "mem://lake/wh", StagingDir: t.TempDir()})
	fresh, lazy := engine.NewSession(), engine.NewSession()
	must(t, lazy, "SET skep.listing.ttl=1h")
	must(t, fresh, "CREATE EXTERNAL TABLE x (a INT) PARTITIONED BY (ds STRING) LOCATION 'mem://lake/x'; ALTER TABLE x ADD PARTITION (ds='p') PARTITION (ds='q')")
	w.mem.Put("x/ds=p/one", "1\n")
	const query = "SELECT a FROM x WHERE ds = 'p'"
	lists := func(what string, s *hiveql.Session, want int64, rows ...string) {
		t.Helper()
		b.Reset()
		same(t, what, must(t, s, query), rows...)
		if n := b.Counts().List; int64(n) != want {
			t.Errorf("%s: %d listings, want %d", what, n, want)
		}
	}
	lists("the first", lazy, 1, "1")
	w.mem.Put("x/ds=p/two", "2\n")
	lists("kept", lazy, 0, "1")
	lists("not kept by others", fresh, 1, "1", "2")
	must(t, engine.NewSession(), "INSERT INTO x PARTITION (ds='p') VALUES (3)")
	lists("after a write of ours", lazy, 1, "1", "2", "3")
	lists("kept again", lazy, 0, "1", "2", "3")
	must(t, lazy, "SET skep.listing.ttl=1ns")
	lists("too old", lazy, 1, "1", "2", "3")
	must(t, lazy, "SET skep.listing.ttl=1h")
	lists("still there", lazy, 0, "1", "2", "3")
	if err := w.mem.Delete(t.Context(), "x/ds=p/two"); err != nil {
		t.Fatal(err)
	}
	if _, err := run(lazy, query); err == nil {
		t.Error("a file is read that is gone")
	}
	lists("after a file was missed", lazy, 1, "1", "3")
	must(t, fresh, "CREATE TABLE m (a INT); INSERT INTO m VALUES (7)")
	w.mem.Put("wh/m/other", "8\n")
	same(t, "managed", must(t, lazy, "MSCK REPAIR TABLE m; SELECT a FROM m"), "7", "8")
	w.mem.Put("wh/m/more", "9\n")
	same(t, "managed tables are not meant", must(t, lazy, "SELECT a FROM m"), "7", "8", "9")
	for _, bad := range []string{"soon", "-1s", "5"} {
		if _, err := run(lazy, "SET skep.listing.ttl="+bad); err == nil {
			t.Errorf("%s is taken for a duration", bad)
		}
	}
}
