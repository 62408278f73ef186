package duck_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/skepdata/skep/hiveql/duck"
)

// lake declares tables of the same rows as text and as Parquet, in four files each, and returns
// the bytes of the text.
func (c *catalog) lake(b *testing.B, e *duck.Executor, rows int) int64 {
	b.Helper()
	columns := []string{"id:bigint", "day:date", "price:double", "amount:decimal(12,2)", "name:string", "city:string",
		"a:int", "b:int", "c:int", "d:int", "comment:string", "e:double"}
	text := c.newTable(b, "txt", textInput, lazySimple, columns...)
	size := int64(0)
	for f := range 4 {
		file, err := os.Create(filepath.Join(text.Storage.Location, fmt.Sprint(f)))
		if err != nil {
			b.Fatal(err)
		}
		w := bufio.NewWriter(file)
		for i := f; i < rows; i += 4 {
			n, err := fmt.Fprintf(w, "%d\x012024-%02d-%02d\x01%d.%d\x01%d.%02d\x01name of %d\x01%s\x01%d\x01%d\x01%d\x01%d\x01a longer comment about row %d\x010.%d\n",
				i, i%12+1, i%28+1, i%1000, i%7, i%5000, i%100, i%10000, []string{"Oslo", "Lima", "Rome", "Bonn"}[i%4], i%10, i%100, i%1000, i, i, i)
			if err != nil {
				b.Fatal(err)
			}
			size += int64(n)
		}
		if err := w.Flush(); err != nil {
			b.Fatal(err)
		}
		if err := file.Close(); err != nil {
			b.Fatal(err)
		}
	}
	parquet := c.newTable(b, "pq", parquetInput, parquetSerDe, columns...)
	c.write(b, e, parquet, 0, "SELECT * FROM txt")
	return size
}

func BenchmarkQuery(b *testing.B) {
	const rows = 400000
	e, c := open(b, duck.Config{}), newCatalog(b)
	size := c.lake(b, e, rows)
	for _, table := range []string{"txt", "pq"} {
		for name, sql := range map[string]string{
			"count":   "SELECT count(*) FROM %s",
			"one":     "SELECT sum(id) FROM %s",
			"four":    "SELECT city, sum(price), sum(amount), count(*) FROM %s WHERE day < '2024-06-01' GROUP BY city",
			"all":     "SELECT max(id), max(day), max(price), max(amount), max(name), max(city), max(a), max(b), max(c), max(d), max(comment), max(e) FROM %s",
			"results": "SELECT id, price, name FROM %s",
		} {
			b.Run(table+"/"+name, func(b *testing.B) {
				b.SetBytes(size)
				for b.Loop() {
					q, err := c.analyze(b.Context(), fmt.Sprintf(sql, table))
					if err != nil {
						b.Fatal(err)
					}
					result, err := e.Query(b.Context(), q, c)
					if err != nil {
						b.Fatal(err)
					}
					for result.Next() {
					}
					if err := result.Err(); err != nil {
						b.Fatal(err)
					}
					if err := result.Close(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
			})
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	const rows = 400000
	e, c := open(b, duck.Config{}), newCatalog(b)
	size := c.lake(b, e, rows)
	for name, format := range map[string][2]string{"text": {textInput, lazySimple}, "parquet": {parquetInput, parquetSerDe}} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				table := c.newTable(b, "out", format[0], format[1], "id:bigint", "price:double", "name:string", "comment:string")
				c.write(b, e, table, 1, "SELECT id, price, name, comment, concat('day ', a) FROM pq")
			}
		})
	}
}
