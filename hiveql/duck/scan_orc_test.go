package duck_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/skepdata/skep/hiveql/duck"
)

// TestORCGroups: conditions that leave out groups of rows of a stripe, by bounds and by Bloom filters, leave out no row.
func TestORCGroups(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	table := c.newTable(t, "o", "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat", "org.apache.hadoop.hive.ql.io.orc.OrcSerde",
		"i:int", "l:bigint", "s:string", "w:string", "d:date", "f:double", "b:boolean", "t:tinyint", "c:decimal(20,3)", "ts:timestamp",
		"a:array<int>", "m:map<string,int>")
	file, err := os.ReadFile("../orc/testdata/indexed/pyorc.orc")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(table.Storage.Location, "f"), file, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, q := range []struct{ what, where, hidden string }{
		{"i, l, s, w, d, f, b, t, c, a, m", "i = 12345", "i + 0 = 12345"},
		{"count(*), sum(l), max(w), sum(t)", "i BETWEEN 3500 AND 5200", "i + 0 BETWEEN 3500 AND 5200"},
		{"count(*), sum(l), max(ts), min(c)", "i < 1500 OR i > 24000", "i + 0 < 1500 OR i + 0 > 24000"},
		{"i, f, b, ts, c", "w = 'text of row 77'", "concat(w, '') = 'text of row 77'"},
		{"i, ts", "w IN ('text of row 77', 'text of row 24999', 'none')", "concat(w, '') IN ('text of row 77', 'text of row 24999', 'none')"},
		{"count(*), min(i), max(i)", "d = '1970-03-11'", "date_add(d, 0) = '1970-03-11'"},
		{"count(*), min(i), max(i)", "s IS NULL", "concat(s, '') IS NULL"},
		{"i, s, m", "l = 7919 * 3", "l + 0 = 7919 * 3"},
		{"count(*), sum(i)", "s = 'word7' AND i > 20000", "concat(s, '') = 'word7' AND i + 0 > 20000"},
	} {
		want, err := c.rows(t.Context(), e, "SELECT "+q.what+" FROM o WHERE "+q.hidden+" ORDER BY 1")
		if err != nil {
			t.Fatal(err)
		}
		c.check(t, e, "SELECT "+q.what+" FROM o WHERE "+q.where+" ORDER BY 1", want...)
	}
	for _, where := range []string{"w = 'text of row x'", "l = 50001"} {
		c.groups.Store(0)
		c.pruned.Store(0)
		c.check(t, e, "SELECT i FROM o WHERE "+where)
		if n := c.pruned.Load(); n != 2 {
			t.Errorf("WHERE %s: %d of %d stripes are left out", where, n, c.groups.Load())
		}
	}
}
