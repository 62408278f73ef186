package duck_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/skepdata/skep/hiveql/duck"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// compactColumns are those of the tables that the tests compute with.
var compactColumns = []string{"a:decimal(15,2)", "b:decimal(15,2)", "n:bigint", "big:decimal(30,4)", "k:int"}

// numbersTable declares a partitioned table of decimals, and the same rows as text, from which
// nothing is known of them.
type numbersTable struct {
	*catalogTable
	rows []string // as SQL: (a, b, n, big, k)
}

func (c *catalog) decimals(t *testing.T) *numbersTable {
	d := &numbersTable{catalogTable: c.newTable(t, "d", parquetInput, parquetSerDe, compactColumns...)}
	d.PartitionKeys = []metastore.Column{parseColumn(t, "p:int")}
	return d
}

// partition makes the directory of one more partition.
func (d *numbersTable) partition(t *testing.T) *metastore.Partition {
	sd := d.Storage.Clone()
	sd.Location = filepath.Join(t.TempDir(), fmt.Sprint(len(d.parts)))
	if err := os.MkdirAll(sd.Location, 0o755); err != nil {
		t.Fatal(err)
	}
	p := &metastore.Partition{Values: partitions.Values{fmt.Sprint(len(d.parts))}, Storage: sd}
	d.parts = append(d.parts, p)
	return p
}

// add adds a partition with one file of rows (a, b, n, big, k), NULL or numbers.
func (d *numbersTable) add(t *testing.T, c *catalog, e *duck.Executor, rows ...string) {
	d.rows = append(d.rows, rows...)
	var list []string
	for _, r := range rows {
		item := "SELECT "
		for i, v := range strings.Split(r, ",") {
			_, kind, _ := strings.Cut(compactColumns[i], ":")
			item += fmt.Sprintf("cast('%s' AS %s),", strings.TrimSpace(v), kind)
		}
		list = append(list, strings.TrimSuffix(item, ","))
	}
	c.into(t, e, d.partition(t).Storage.Location, "f", compactColumns, strings.Join(list, " UNION ALL "))
}

// asText is a subselect of the rows.
func (d *numbersTable) asText() string {
	var rows, list []string
	for _, r := range d.rows {
		rows = append(rows, "struct('"+strings.Join(strings.Split(r, ","), "','")+"')")
	}
	for i, c := range compactColumns {
		name, kind, _ := strings.Cut(c, ":")
		list = append(list, fmt.Sprintf("cast(s.col%d AS %s) AS %s", i+1, kind, name))
	}
	return "(SELECT " + strings.Join(list, ", ") + " FROM (SELECT 1) one LATERAL VIEW explode(array(" + strings.Join(rows, ", ") + ")) x AS s)"
}

// compact reports whether products of the table's columns are computed in 64 bits.
func (d *numbersTable) compact(t *testing.T, c *catalog, e *duck.Executor) bool {
	t.Helper()
	q, err := c.analyze(t.Context(), "SELECT sum(a * b) FROM d")
	if err != nil {
		t.Fatal(err)
	}
	sql, err := e.SQL(t.Context(), q, c)
	if err != nil {
		t.Fatal(err)
	}
	return !strings.Contains(sql, "skep_sum")
}

// Products are computed in 64 bits if all values of all files are known to be small enough, and only
// then: 18 digits are.
func TestCompactProof(t *testing.T) {
	text := func(t *testing.T, d *numbersTable, line string) {
		p := d.partition(t)
		p.Storage.InputFormat, p.Storage.SerDe.Library = textInput, lazySimple
		if err := os.WriteFile(filepath.Join(p.Storage.Location, "f"), []byte(line), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name  string
		rows  []string
		more  func(t *testing.T, d *numbersTable, c *catalog, e *duck.Executor)
		small bool
		want  string
	}{
		{"18 digits", []string{"9999999999.99,9999.99,0,0,0"}, nil, true, "99999899999900.0001"},
		{"19 digits", []string{"9999999999.99,10000.01,0,0,0"}, nil, false, "100000099999899.9999"},
		{"the least number", []string{"-9999999999.99,9999.99,0,0,0", "1,1,0,0,0"}, nil, true, "-99999899999899.0001"},
		{"below it", []string{"-9999999999.99,10000.01,0,0,0", "1,1,0,0,0"}, nil, false, "-100000099999898.9999"},
		{"no row has both", []string{"9999999999.99,0,0,0,0", "0,10000.01,0,0,0"}, nil, false, "0.0000"},
		{"NULL", []string{"NULL,9.99,0,0,0", "1.5,NULL,0,0,0"}, nil, true, "NULL"},
		{"all NULL", []string{"NULL,9999999999999.99,0,0,0"}, nil, true, "NULL"},
		{"another partition", []string{"1,1,0,0,0"}, func(t *testing.T, d *numbersTable, c *catalog, e *duck.Executor) {
			d.add(t, c, e, "9999999999.99,10000.01,0,0,0")
		}, false, "100000099999900.9999"},
		{"text", []string{"1,1,0,0,0"}, func(t *testing.T, d *numbersTable, _ *catalog, _ *duck.Executor) {
			text(t, d, "9999999999.99\x0110000.01\n")
		}, false, "100000099999900.9999"},
		{"a file that lacks a column", []string{"1,1,0,0,0"}, func(t *testing.T, d *numbersTable, c *catalog, e *duck.Executor) {
			c.into(t, e, d.partition(t).Storage.Location, "f", []string{"a:decimal(15,2)"}, "SELECT cast(9999999999999.99 AS decimal(15,2))")
		}, true, "1.0000"},
		{"a file of another type", []string{"1,1,0,0,0"}, func(t *testing.T, d *numbersTable, c *catalog, e *duck.Executor) {
			c.into(t, e, d.partition(t).Storage.Location, "f", []string{"a:double", "b:double"}, "SELECT 9999999999.99e0, 10000.01e0")
		}, false, "100000099999900.9999"},
		{"no statistics", nil, func(t *testing.T, d *numbersTable, _ *catalog, _ *duck.Executor) {
			writeDecimals(t, filepath.Join(d.partition(t).Storage.Location, "f"), false, "9999999999.99", "10000.01")
		}, false, "100000099999899.9999"},
		{"a second file without statistics", []string{"1,1,0,0,0"}, func(t *testing.T, d *numbersTable, _ *catalog, _ *duck.Executor) {
			writeDecimals(t, filepath.Join(d.partition(t).Storage.Location, "f"), false, "9999999999.99", "10000.01")
		}, false, "100000099999900.9999"},
		{"statistics of another writer", nil, func(t *testing.T, d *numbersTable, _ *catalog, _ *duck.Executor) {
			writeDecimals(t, filepath.Join(d.partition(t).Storage.Location, "f"), true, "9999999999.99", "-9999.99")
		}, true, "-99999899999900.0001"},
		{"no rows", nil, func(t *testing.T, d *numbersTable, _ *catalog, _ *duck.Executor) { d.partition(t) }, true, "NULL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, cat := open(t, duck.Config{}), newCatalog(t)
			d := cat.decimals(t)
			if c.rows != nil {
				d.add(t, cat, e, c.rows...)
			}
			if c.more != nil {
				c.more(t, d, cat, e)
			}
			if got := d.compact(t, cat, e); got != c.small {
				t.Errorf("computed in 64 bits: %v, want %v", got, c.small)
			}
			cat.check(t, e, "SELECT sum(a * b) FROM d", c.want)
		})
	}
}

// writeDecimals writes a file with one row of a and b, with or without statistics.
func writeDecimals(t *testing.T, path string, statistics bool, a, b string) {
	t.Helper()
	kind := &arrow.Decimal128Type{Precision: 15, Scale: 2}
	schema := arrow.NewSchema([]arrow.Field{{Name: "a", Type: kind, Nullable: true}, {Name: "b", Type: kind, Nullable: true}}, nil)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	for i, s := range []string{a, b} {
		if err := builder.Field(i).AppendValueFromString(s); err != nil {
			t.Fatal(err)
		}
	}
	batch := builder.NewRecordBatch()
	defer batch.Release()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := pqarrow.NewFileWriter(schema, f, parquet.NewWriterProperties(parquet.WithStats(statistics)), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(batch); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// What is computed of decimals has the same values, whether statistics are known or not.
func TestCompactAgrees(t *testing.T) {
	queries := []string{
		"SELECT sum(a * b), sum(a * (1 - b)), sum(a * (1 - b) * (1 + b)), avg(a * b), min(a * b), max(-a * b) FROM %s",
		"SELECT k, sum(n * a), sum(a - b), count(a * b) FROM %s GROUP BY k ORDER BY k",
		"SELECT k, sum(v), max(v), avg(v) FROM (SELECT k, a * b * 0.5 AS v FROM %s) q GROUP BY k ORDER BY k",
		"SELECT sum(CASE WHEN k > 1 THEN a * b WHEN k = 1 THEN a * n END), sum(if(k = 0, big * a, 0)) FROM %s",
		"SELECT v FROM (SELECT a * b AS v FROM %s) q WHERE v > 1.5 ORDER BY v DESC",
		"SELECT a * b + big, a * b - a, cast(a * b AS decimal(38,6)), cast(a * b AS decimal(12,1)), -(a * b) FROM %s ORDER BY a, b, n, big",
		"SELECT cast(a * b AS string), cast(a * b AS int), a * b / 3, (a * b) %% 7, concat(a * b, '') FROM %s ORDER BY a, b, n, big",
		"SELECT count(*) FROM %s WHERE a * b = b * a AND a * b <= 100 AND NOT a * b <=> NULL",
		"SELECT v, count(*) FROM (SELECT cast(a * b AS decimal(38,4)) AS v FROM %s) q GROUP BY v HAVING count(*) > 0 ORDER BY v",
		"SELECT DISTINCT v FROM (SELECT a * (b + 1) AS v FROM %[1]s UNION ALL SELECT big FROM %[1]s UNION ALL SELECT b * a FROM %[1]s) q ORDER BY v",
		"SELECT k, v, sum(v) OVER (PARTITION BY k), max(v) OVER (), rank() OVER (ORDER BY v) FROM (SELECT k, a * b AS v FROM %s) q ORDER BY k, v",
		"SELECT x.k FROM (SELECT k, sum(a * b) AS v FROM %[1]s GROUP BY k) x WHERE x.v = (SELECT max(v) FROM (SELECT sum(a * b) AS v FROM %[1]s GROUP BY k) y) ORDER BY x.k",
		"SELECT x.k, y.v FROM (SELECT k, a * b AS v FROM %[1]s) x JOIN (SELECT b * a AS v FROM %[1]s) y ON x.v = y.v ORDER BY x.k, y.v",
		"SELECT a FROM %[1]s d WHERE a * b IN (SELECT b * a FROM %[1]s) ORDER BY a",
		"SELECT k, sum(a * b), sum(DISTINCT a * b), grouping__id FROM %s GROUP BY k, n GROUPING SETS ((k), ()) ORDER BY k, grouping__id",
		"SELECT sum(s), max(s) FROM (SELECT k, sum(b) AS s FROM %s GROUP BY k) q WHERE s > -100",
		"SELECT v * 2, v + v, round(v, 1), abs(v) FROM (SELECT sum(b) AS v FROM %s GROUP BY k) q ORDER BY 1",
		"SELECT e FROM (SELECT a * b AS v FROM %s) q LATERAL VIEW explode(array(v, v * 2)) x AS e ORDER BY e",
		"SELECT coalesce(a * b, 0), named_struct('v', a * b), array(a * b, big) FROM %s ORDER BY a, b, n, big",
	}
	for seed, digits := range []int{1, 3, 6, 9, 11, 13} {
		t.Run(fmt.Sprint(digits, " digits"), func(t *testing.T) {
			e, c := open(t, duck.Config{}), newCatalog(t)
			d := c.decimals(t)
			random := rand.New(rand.NewPCG(uint64(seed), 1))
			for range 2 {
				var rows []string
				for range 6 {
					rows = append(rows, randomRow(random, digits))
				}
				d.add(t, c, e, rows...)
			}
			for _, q := range queries {
				got, err := c.rows(t.Context(), e, fmt.Sprintf(q, "d"))
				if err != nil {
					t.Fatalf("%s: %v", q, err)
				}
				want, err := c.rows(t.Context(), e, fmt.Sprintf(q, d.asText()))
				if err != nil {
					t.Fatalf("%s of text: %v", q, err)
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s:\n%s\nwant\n%s", q, strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
			}
			if got := d.compact(t, c, e); got != (digits < 8) {
				t.Errorf("numbers of %d digits are computed in 64 bits: %v", digits, got)
			}
		})
	}
}

// randomRow has numbers of so many digits before the point, and the greatest of them often.
func randomRow(random *rand.Rand, digits int) string {
	number := func(digits, places int) string {
		switch random.IntN(8) {
		case 0:
			return "NULL"
		case 1:
			return strings.Repeat("9", digits)
		case 2:
			return "-" + strings.Repeat("9", digits)
		}
		s := fmt.Sprint(random.IntN(10))
		for range digits - 1 {
			s += fmt.Sprint(random.IntN(10))
		}
		if places > 0 {
			s += "." + fmt.Sprintf("%0*d", places, random.IntN(100))
		}
		if random.IntN(2) == 0 {
			s = "-" + s
		}
		return s
	}
	return strings.Join([]string{number(digits, 2), number(min(digits, 9), 2), number(digits, 0), number(digits+2, 4), fmt.Sprint(random.IntN(3))}, ",")
}
