package duck_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skepdata/skep/hiveql/duck"
)

// flights declares a table of sixteen columns over one text file of some 190 MB.
func (c *catalog) flights(b *testing.B, rows int) (file string, size int64) {
	b.Helper()
	var columns []string
	for i, t := range strings.Fields("date int string double string int bigint timestamp string double smallint string double int string string") {
		columns = append(columns, fmt.Sprintf("c%d:%s", i, t))
	}
	table := c.newTable(b, "flights", textInput, lazySimple, columns...)
	file = filepath.Join(table.Storage.Location, "000000_0")
	f, err := os.Create(file)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(f)
	for i := range rows {
		n, err := fmt.Fprintf(w, "2024-%02d-%02d\x01%d\x01N%05d\x01%d.%d\x01SFO\x01%d\x01%d\x012024-03-17 10:11:%02d\x01a somewhat longer text\x01%d.%02d\x0117\x01LAX\x01-0.25\x01%d\x01true\x01end of the line\n",
			i%12+1, i%28+1, i, i%99999, i%500, i%10, i%2400, int64(i)*1e9, i%60, i%9999, i%100, i%7)
		if err != nil {
			b.Fatal(err)
		}
		size += int64(n)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return file, size
}

// BenchmarkText reads columns of one text file by package formats, and by DuckDB's read_csv: with
// typed columns, where what is no number ends the query, and with text converted as Hive does it,
// which is what read_csv would have to do in its place.
func BenchmarkText(b *testing.B) {
	for _, threads := range []int{1, 2} {
		e, c := open(b, duck.Config{Threads: threads}), newCatalog(b)
		file, size := c.flights(b, 1_500_000)
		typed, texts := []string{}, []string{}
		for i, t := range strings.Fields("DATE INTEGER VARCHAR DOUBLE VARCHAR INTEGER BIGINT TIMESTAMP VARCHAR DOUBLE SMALLINT VARCHAR DOUBLE INTEGER VARCHAR VARCHAR") {
			typed = append(typed, fmt.Sprintf("'c%d': '%s'", i, t))
			texts = append(texts, fmt.Sprintf("'c%d': 'VARCHAR'", i))
		}
		csv := func(columns []string, more string) string {
			return "read_csv('" + file + "', delim = chr(1), quote = '', escape = '', nullstr = '\\N', header = false, auto_detect = false, columns = {" +
				strings.Join(columns, ", ") + "}" + more + ")"
		}
		for _, q := range []struct{ name, hive, typed, text string }{
			{"4 of 16", "SELECT max(c0), sum(c1), max(c3), max(c5) FROM flights", "SELECT max(c0), sum(c1), max(c3), max(c5) FROM ",
				"SELECT max(TRY_CAST(c0 AS DATE)), sum(TRY_CAST(c1 AS INTEGER)), max(TRY_CAST(c3 AS DOUBLE)), max(TRY_CAST(c5 AS INTEGER)) FROM "},
			{"4 spread", "SELECT max(c0), sum(c5), max(c9), max(c13) FROM flights", "SELECT max(c0), sum(c5), max(c9), max(c13) FROM ",
				"SELECT max(TRY_CAST(c0 AS DATE)), sum(TRY_CAST(c5 AS INTEGER)), max(TRY_CAST(c9 AS DOUBLE)), max(TRY_CAST(c13 AS INTEGER)) FROM "},
		} {
			b.Run(fmt.Sprintf("%s/%d threads/hive", q.name, threads), func(b *testing.B) {
				b.SetBytes(size)
				for b.Loop() {
					c.drain(b, e, q.hive)
				}
			})
			for name, sql := range map[string]string{
				"read_csv typed": q.typed + csv(typed, ""),
				"read_csv text":  q.text + csv(texts, ", null_padding = true, strict_mode = false"),
			} {
				b.Run(fmt.Sprintf("%s/%d threads/%s", q.name, threads, name), func(b *testing.B) {
					b.SetBytes(size)
					for b.Loop() {
						if err := e.Exec(b.Context(), "CREATE OR REPLACE TEMP TABLE result AS "+sql); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}

// drain runs a query to its end.
func (c *catalog) drain(b *testing.B, e *duck.Executor, sql string) {
	b.Helper()
	q, err := c.analyze(b.Context(), sql)
	if err != nil {
		b.Fatal(err)
	}
	rows, err := e.Query(b.Context(), q, c)
	if err != nil {
		b.Fatal(err)
	}
	for rows.Next() {
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	if err := rows.Close(); err != nil {
		b.Fatal(err)
	}
}
