package duck_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skepdata/skep/hiveql"
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
	wantPruned(t, e, c, 2, "SELECT i FROM o WHERE w = 'text of row x'")
	wantPruned(t, e, c, 2, "SELECT i FROM o WHERE l = 50001")
}

// wantPruned runs a query that finds nothing, and wants so many stripes to be left out.
func wantPruned(t *testing.T, e *duck.Executor, c *catalog, want int64, query string) {
	t.Helper()
	c.groups.Store(0)
	c.pruned.Store(0)
	c.check(t, e, query)
	if n := c.pruned.Load(); n != want {
		t.Errorf("%s: %d of %d stripes are left out", query, n, c.groups.Load())
	}
}

// TestORCBloom: Bloom filters that are written for the columns a table names leave out stripes whose bounds do not decide.
func TestORCBloom(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	table := c.newTable(t, "b", "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat", "org.apache.hadoop.hive.ql.io.orc.OrcSerde",
		"n:bigint", "s:string", "d:date", "plain:bigint", "wide:string")
	table.Parameters = map[string]string{
		"orc.bloom.filter.columns": "N, s,d", "ORC.BLOOM.FILTER.FPP": "0.001", "orc.stripe.size": "100000", "orc.row.index.stride": "1000",
	}
	rows := `SELECT CAST(pmod(i * 7919, 20000) * 2 AS BIGINT), concat('w', pmod(i * 7919, 20000) * 2), date_add('2000-01-01', CAST(pmod(i * 7919, 2000) * 2 AS INT)),
		CAST(pmod(i * 7919, 20000) * 2 AS BIGINT), concat(sha2(CAST(i AS STRING), 512), sha2(CAST(-i AS STRING), 512))
		FROM (SELECT posexplode(split(space(19999), ' ')) AS (i, x)) r`
	c.add(t, e, "b", "f", rows)
	wantPruned(t, e, c, 0, "SELECT n FROM b WHERE plain = 10001")
	stripes := c.groups.Load()
	if stripes < 5 {
		t.Fatalf("%d stripes only", stripes)
	}
	for _, where := range []string{"n = 10001", "s = 'w10001'", "d = DATE '2004-01-01'", "n IN (777, 10001)"} {
		wantPruned(t, e, c, stripes, "SELECT n FROM b WHERE "+where)
	}
	c.check(t, e, "SELECT s FROM b WHERE n = 10002", "w10002")
	table.Parameters["orc.bloom.filter.fpp"] = "1"
	q, err := c.analyze(t.Context(), rows)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Write(t.Context(), q, c, hiveql.Output{Dir: t.TempDir(), Table: table.Table, Sink: &collected{}}); err == nil || !strings.Contains(err.Error(), "is no number from 1e-09 to less than 1") {
		t.Errorf("a share of 1: %v", err)
	}
}

// TestORCTimes: bounds of timestamps leave out stripes and groups, and no row, whether digits behind the microseconds are
// read or cut off; min and max are those of the rows.
func TestORCTimes(t *testing.T) {
	for _, cutting := range []bool{false, true} {
		e, c := open(t, duck.Config{}), newCatalog(t)
		c.cutting = cutting
		table := c.newTable(t, "t", "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat", "org.apache.hadoop.hive.ql.io.orc.OrcSerde", "ts:timestamp", "n:int", "wide:string")
		table.Parameters = map[string]string{"orc.stripe.size": "1000000", "orc.row.index.stride": "500"}
		c.cutting = false // to be written with all digits
		c.add(t, e, "t", "f", `SELECT CAST(concat(1955 + cast(i / 400 AS INT), '-03-04 05:06:07.123456', lpad(i % 1000, 3, '0')) AS TIMESTAMP), i, sha2(CAST(i AS STRING), 512)
			FROM (SELECT posexplode(split(space(29999), ' ')) AS (i, x)) r`)
		c.cutting = cutting
		for _, where := range []string{
			"%s = '1955-03-04 05:06:07.123456'", "%s = '1955-03-04 05:06:07.123456007'", "%s < '1956-01-01 00:00:00'",
			"%s >= '2029-03-04 05:06:07.123456998'", "%s > '1972-03-04 05:06:07.123456'", "%s <= '1968-03-04 05:06:07.123456'",
		} {
			want, err := c.rows(t.Context(), e, "SELECT count(*), sum(n) FROM t WHERE "+fmt.Sprintf(where, "date_sub(ts, 0) IS NOT NULL AND CAST(CAST(ts AS STRING) AS TIMESTAMP)"))
			if err != nil {
				t.Fatal(err)
			}
			c.check(t, e, "SELECT count(*), sum(n) FROM t WHERE "+fmt.Sprintf(where, "ts"), want...)
		}
		want, err := c.rows(t.Context(), e, "SELECT min(CAST(ts AS STRING)), max(CAST(ts AS STRING)) FROM t")
		if err != nil {
			t.Fatal(err)
		}
		c.check(t, e, "SELECT min(ts), max(ts) FROM t", want...)
		c.groups.Store(0)
		c.pruned.Store(0)
		c.check(t, e, "SELECT count(*) FROM t WHERE ts = '1999-01-01 00:00:00'", "0")
		if n := c.groups.Load(); n < 3 || !cutting && c.pruned.Load() < n-1 { // but for one with the end of the year before
			t.Errorf("%d of %d stripes are left out", c.pruned.Load(), n)
		}
	}
}
