package duck_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/skepdata/skep/hiveql/duck"
)

// BenchmarkTimestamps compares a table of timestamps in microseconds, us, with the same one in
// nanoseconds, ns, and both as text that is read in either way.
func BenchmarkTimestamps(b *testing.B) {
	const rows = 2000000
	e, c := open(b, duck.Config{}), newCatalog(b)
	for name, of := range map[string]string{"us": "TIMESTAMP", "ns": "TIMESTAMP_NS"} {
		t := c.newTable(b, name, parquetInput, parquetSerDe, "t:timestamp")
		if err := e.Exec(b.Context(), fmt.Sprintf("COPY (SELECT (TIMESTAMP '2000-01-01' + to_microseconds(i * 7919 %% 100000007 * 1000000))::%s AS t FROM range(%d) r(i)) TO '%s' (FORMAT parquet)",
			of, rows, filepath.Join(t.Storage.Location, "0"))); err != nil {
			b.Fatal(err)
		}
	}
	c.write(b, e, c.newTable(b, "text", textInput, lazySimple, "t:timestamp"), 0, "SELECT t FROM us")
	for name, sql := range map[string]string{
		"range": "SELECT count(*) FROM %s WHERE t BETWEEN TIMESTAMP '2001-01-01 00:00:00' AND TIMESTAMP '2001-02-01 00:00:00'",
		"max":   "SELECT min(t), max(t), count(*) FROM (SELECT t FROM %s WHERE t IS NOT NULL) x",
		"group": "SELECT count(*) FROM (SELECT t, count(*) FROM %s GROUP BY t) g",
		"order": "SELECT t FROM %s ORDER BY t LIMIT 5",
		"join":  "SELECT count(*) FROM %[1]s a JOIN %[1]s b ON a.t = b.t",
		"year":  "SELECT year(t), count(*) FROM %s GROUP BY year(t)",
	} {
		for _, table := range []string{"us", "ns", "text", "text cut"} {
			b.Run(name+"/"+table, func(b *testing.B) {
				c.cutting = table == "text cut"
				defer func() { c.cutting = false }()
				for b.Loop() {
					if _, err := c.rows(b.Context(), e, fmt.Sprintf(sql, table[:min(len(table), 4)])); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
