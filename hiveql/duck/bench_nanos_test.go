package duck_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

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

// BenchmarkWideTimestamps reads timestamps of 96 bits, 2,000,000 different ones without a dictionary,
// which is where to look for digits takes longest: without looking, looking, and with digits in one
// row of 100.
func BenchmarkWideTimestamps(b *testing.B) {
	const rows = 2000000
	e, c := open(b, duck.Config{}), newCatalog(b)
	for _, name := range []string{"whole", "finer"} {
		t := c.newTable(b, name, parquetInput, parquetSerDe, "t:timestamp")
		writeWide(b, filepath.Join(t.Storage.Location, "0"), rows, map[string]int{"whole": rows + 1, "finer": 100}[name])
	}
	for _, how := range []string{"cut whole", "whole", "finer"} {
		b.Run(how, func(b *testing.B) {
			c.cutting = how == "cut whole"
			for i := 0; b.Loop(); i++ {
				if err := os.Chtimes(filepath.Join(c.tables[how[max(0, len(how)-5):]].Storage.Location, "0"), env().Now, env().Now.AddDate(0, 0, i)); err != nil {
					b.Fatal(err) // so that what was found before does not count
				}
				if _, err := c.rows(b.Context(), e, "SELECT year(t), count(*) FROM "+how[max(0, len(how)-5):]+" GROUP BY year(t)"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func writeWide(b *testing.B, path string, rows, every int) {
	b.Helper()
	schema := arrow.NewSchema([]arrow.Field{{Name: "t", Type: &arrow.TimestampType{Unit: arrow.Nanosecond}, Nullable: true}}, nil)
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w, err := pqarrow.NewFileWriter(schema, f, parquet.NewWriterProperties(parquet.WithDictionaryDefault(false), parquet.WithMaxRowGroupLength(200000)),
		pqarrow.NewArrowWriterProperties(pqarrow.WithDeprecatedInt96Timestamps(true)))
	if err != nil {
		b.Fatal(err)
	}
	build := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for i := range rows {
		n := int64(i)*7919%100000007*1e9 + 1e18
		if i%every == 1 {
			n++
		}
		build.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(n))
	}
	if err := w.Write(build.NewRecordBatch()); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
}
