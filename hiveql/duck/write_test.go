package duck_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/duck"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

const (
	textInput    = "org.apache.hadoop.mapred.TextInputFormat"
	lazySimple   = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
	jsonSerDe    = "org.apache.hive.hcatalog.data.JsonSerDe"
	parquetInput = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
	parquetSerDe = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
)

// newTable declares a table in a directory of its own. Columns are name:type.
func (c *catalog) newTable(t testing.TB, name, input, serde string, columns ...string) *catalogTable {
	t.Helper()
	table := &catalogTable{Table: &metastore.Table{TableName: metastore.TableName{Database: "default", Name: name}}}
	table.Storage = metastore.StorageDescriptor{Location: t.TempDir(), InputFormat: input, SerDe: metastore.SerDe{Library: serde}}
	for _, text := range columns {
		column, kind, _ := strings.Cut(text, ":")
		typ, err := hivetype.Parse(kind)
		if err != nil {
			t.Fatal(err)
		}
		table.Storage.Columns = append(table.Storage.Columns, metastore.Column{Name: column, Type: typ})
	}
	c.tables[name] = table
	return table
}

// write runs a query into a table's directory; dynamic is the number of its last columns that
// are partition values.
func (c *catalog) write(t testing.TB, e *duck.Executor, table *catalogTable, dynamic int, sql string) []hiveql.Written {
	t.Helper()
	q, err := c.analyze(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	files := &collected{}
	out := hiveql.Output{Dir: table.Storage.Location, Table: table.Table, Dynamic: dynamic, Sink: files}
	if err := e.Write(t.Context(), q, c, out); err != nil {
		t.Fatalf("%+v", err)
	}
	return files.sorted(t)
}

// collected is a sink that leaves the files where they are.
type collected struct {
	mu    sync.Mutex
	files []hiveql.Written
	bytes int64
	// expected are the partitions that it was told of.
	expected map[string]bool
}

func (c *collected) Expect(values []partitions.Values) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.expected == nil {
		c.expected = map[string]bool{}
	}
	for _, v := range values {
		if key := strings.Join(v, "/"); c.expected[key] {
			return fmt.Errorf("told of %s twice", key)
		}
		c.expected[strings.Join(v, "/")] = true
	}
	return nil
}

func (c *collected) Grow(n int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes += n
	return nil
}

func (c *collected) Take(f hiveql.Written) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if key := strings.Join(f.Values, "/"); len(f.Values) > 0 && !c.expected[key] {
		return fmt.Errorf("not told of %s before its file", key)
	}
	c.files = append(c.files, f)
	return nil
}

// sorted are the files by their partitions and names, of which all bytes must have been told before.
func (c *collected) sorted(t testing.TB) []hiveql.Written {
	t.Helper()
	var bytes int64
	for _, f := range c.files {
		bytes += f.Bytes
		if info, err := os.Stat(f.Path); err != nil || info.Size() != f.Bytes {
			t.Errorf("%s has not the %d bytes it should have: %v", f.Path, f.Bytes, err)
		}
	}
	if bytes != c.bytes {
		t.Errorf("the files have %d bytes, and the sink was told of %d", bytes, c.bytes)
	}
	slices.SortFunc(c.files, func(a, b hiveql.Written) int {
		if c := slices.Compare(a.Values, b.Values); c != 0 {
			return c
		}
		return strings.Compare(a.Path, b.Path)
	})
	return c.files
}

const allTypes = `SELECT true AS b, cast(1 AS tinyint) AS t, cast(-2 AS smallint) AS s, 3 AS i, cast(4 AS bigint) AS l,
	cast(1.5 AS float) AS f, 2.5e0 AS d, cast(12.345 AS decimal(10,3)) AS n, cast('-1234567890123456789012.5' AS decimal(38,4)) AS m,
	'té\txt which is longer' AS x, cast('ab' AS char(4)) AS c, cast('raw' AS binary) AS y, cast('2024-02-29' AS date) AS e,
	cast('2024-02-29 01:02:03.456' AS timestamp) AS ts, array(1, 2, 3) AS a, map('k', 1) AS p, named_struct('u', 1, 'v', 'w') AS r
	UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL`

var allColumns = []string{"b:boolean", "t:tinyint", "s:smallint", "i:int", "l:bigint", "f:float", "d:double",
	"n:decimal(10,3)", "m:decimal(38,4)", "x:string", "c:char(4)", "y:binary", "e:date", "ts:timestamp",
	"a:array<int>", "p:map<string,int>", "r:struct<u:int,v:string>"}

// Every type survives being written and read, in every format.
func TestRoundTrip(t *testing.T) {
	e := open(t, duck.Config{})
	for _, format := range []struct{ name, input, serde string }{
		{"text", textInput, lazySimple}, {"json", textInput, jsonSerDe}, {"parquet", parquetInput, parquetSerDe},
	} {
		t.Run(format.name, func(t *testing.T) {
			c := newCatalog(t)
			table := c.newTable(t, "t", format.input, format.serde, allColumns...)
			want, err := c.rows(t.Context(), e, allTypes)
			if err != nil {
				t.Fatal(err)
			}
			files := c.write(t, e, table, 0, allTypes)
			if len(files) != 1 || files[0].Rows != 2 {
				t.Fatalf("wrote %+v, want one file of two rows", files)
			}
			got, err := c.rows(t.Context(), e, "SELECT * FROM t")
			if err != nil {
				t.Fatalf("%+v", err)
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("read\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// What Write says of a file is so.
func TestWrittenBytes(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	for _, format := range []struct {
		name, input, serde string
		raw                int64
	}{
		{"text", textInput, lazySimple, 2 * 5}, {"parquet", parquetInput, parquetSerDe, 2 * 2}, {"json", textInput, jsonSerDe, 0},
	} {
		table := c.newTable(t, format.name, format.input, format.serde, "i:int", "s:string")
		for _, f := range c.write(t, e, table, 0, "SELECT 1, 'abc' UNION ALL SELECT 2, 'def'") {
			if f.Raw != format.raw {
				t.Errorf("%s: the raw data size is %d, want %d", format.name, f.Raw, format.raw)
			}
			info, err := os.Stat(f.Path)
			if err != nil {
				t.Fatal(err)
			}
			if info.Size() != f.Bytes {
				t.Errorf("%s: %d bytes, reported %d", format.name, info.Size(), f.Bytes)
			}
		}
	}
}

func TestWriteNothing(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	for _, format := range []struct{ name, input, serde string }{
		{"text", textInput, lazySimple}, {"parquet", parquetInput, parquetSerDe},
	} {
		table := c.newTable(t, format.name, format.input, format.serde, "i:int")
		for _, sql := range []string{"SELECT 1 WHERE false", "SELECT x FROM (SELECT 1 AS x) y WHERE x > 1 ORDER BY x"} {
			if files := c.write(t, e, table, 0, sql); len(files) != 0 {
				t.Errorf("%s: %s wrote %+v", format.name, sql, files)
			}
		}
	}
}

func TestDynamicPartitions(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	const sql = `SELECT i, k, m FROM (VALUES (1, 'a/b=c', 'x'), (2, 'é "\n', '-'), (3, NULL, 'x'), (4, '', 'x'), (5, 'a/b=c', 'x'),
		(6, '3:abc', NULL)) AS v(i, k, m)`
	want := map[string]string{
		"a/b=c|x": "1 5", "é \"\n|-": "2", partitions.DefaultName + "|x": "3 4", "3:abc|" + partitions.DefaultName: "6",
	}
	for _, format := range []struct{ name, input, serde string }{
		{"text", textInput, lazySimple}, {"parquet", parquetInput, parquetSerDe},
	} {
		t.Run(format.name, func(t *testing.T) {
			table := c.newTable(t, "t", format.input, format.serde, "i:int")
			got := map[string]string{}
			for _, f := range c.write(t, e, table, 2, sql) {
				one := c.newTable(t, "one", format.input, format.serde, "i:int")
				if err := os.Rename(f.Path, filepath.Join(one.Storage.Location, "f")); err != nil {
					t.Fatal(err)
				}
				rows, err := c.rows(t.Context(), e, "SELECT i FROM one ORDER BY i")
				if err != nil {
					t.Fatal(err)
				}
				if int(f.Rows) != len(rows) {
					t.Errorf("%v: %d rows, reported %d", f.Values, len(rows), f.Rows)
				}
				got[strings.Join(f.Values, "|")] = strings.Join(rows, " ")
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("wrote %v, want %v", got, want)
			}
		})
	}
}

// A partition may have fewer columns than its table; what is beyond them is not written.
func TestWriteOldPartition(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	for _, format := range []struct{ name, input, serde string }{
		{"text", textInput, lazySimple}, {"parquet", parquetInput, parquetSerDe},
	} {
		table := c.newTable(t, "t", format.input, format.serde, "a:int")
		if files := c.write(t, e, table, 1, "SELECT 1, 'new', 'p'"); len(files) != 1 || files[0].Values[0] != "p" {
			t.Errorf("%s: wrote %+v", format.name, files)
		}
	}
}

func TestWriteGzip(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	table := c.newTable(t, "t", textInput, lazySimple, "i:int")
	table.Storage.Compressed = true
	files := c.write(t, e, table, 0, "SELECT 7")
	if len(files) != 1 || filepath.Ext(files[0].Path) != ".gz" {
		t.Fatalf("wrote %+v, want one .gz file", files)
	}
	rows, err := c.rows(t.Context(), e, "SELECT i FROM t")
	if err != nil || fmt.Sprint(rows) != "[7]" {
		t.Errorf("read %v, %v", rows, err)
	}
}

// Parquet files are compressed as the table's parquet.compression says, by whatever name.
func TestParquetCompression(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	for property, want := range map[string]compress.Compression{
		"": compress.Codecs.Snappy, "SNAPPY": compress.Codecs.Snappy, "zstd": compress.Codecs.Zstd, "Gzip": compress.Codecs.Gzip,
		"UNCOMPRESSED": compress.Codecs.Uncompressed, "none": compress.Codecs.Uncompressed, "LZ4_RAW": compress.Codecs.Lz4Raw,
	} {
		table := c.newTable(t, "codecs", parquetInput, parquetSerDe, "s:string")
		if property != "" {
			table.Parameters = map[string]string{"parquet.COMPRESSION": property}
		}
		for _, f := range c.write(t, e, table, 1, "SELECT repeat('x', 100), 'p' UNION ALL SELECT repeat('y', 100), 'p'") {
			r, err := file.OpenParquetFile(f.Path, false)
			if err != nil {
				t.Fatal(err)
			}
			chunk, err := r.MetaData().RowGroup(0).ColumnChunk(0)
			if err != nil || chunk.Compression() != want {
				t.Errorf("parquet.compression=%s: %v, %v, want %v", property, chunk.Compression(), err, want)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestParquetCalendar: readers are told that dates are in today's calendar before 1582 too.
func TestParquetCalendar(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	table := c.newTable(t, "old", parquetInput, parquetSerDe, "d:date")
	for _, f := range c.write(t, e, table, 1, "SELECT date '1500-01-01', 'p'") {
		r, err := file.OpenParquetFile(f.Path, false)
		if err != nil {
			t.Fatal(err)
		}
		if note := r.MetaData().KeyValueMetadata().FindValue("writer.date.proleptic"); note == nil || *note != "true" {
			t.Errorf("the note about the calendar is %v", note)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestWriteErrors(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	other := c.newTable(t, "o", "org.example.OtherInputFormat", "org.example.OtherSerDe", "i:int")
	codec := c.newTable(t, "p", parquetInput, parquetSerDe, "i:int")
	codec.Parameters = map[string]string{"parquet.compression": "LZO"}
	for table, want := range map[*catalogTable]string{other: "OtherInputFormat", codec: "LZO"} {
		q, err := c.analyze(t.Context(), "SELECT 1")
		if err != nil {
			t.Fatal(err)
		}
		err = e.Write(t.Context(), q, c, hiveql.Output{Dir: t.TempDir(), Table: table.Table, Sink: &collected{}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("writing %s: %v, want an error that names %s", table.Name, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	q, err := c.analyze(t.Context(), "SELECT 1")
	if err != nil {
		t.Fatal(err)
	}
	ok := c.newTable(t, "k", textInput, lazySimple, "i:int")
	if err := e.Write(ctx, q, c, hiveql.Output{Dir: t.TempDir(), Table: ok.Table, Sink: &collected{}}); !errors.Is(err, context.Canceled) {
		t.Errorf("writing with a dead context: %v", err)
	}
}

// Files have about the size asked for, also those of one partition and of rows in an order, which
// they keep.
func TestFileSizes(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	const rows, most = 200_000, 256 << 10
	numbers := fmt.Sprintf("SELECT pos AS i, md5(cast(pos AS string)) AS s FROM (SELECT posexplode(split(space(%d), ' ')) AS (pos, v)) x", rows-1)
	for _, format := range []struct{ name, input, serde string }{
		{"text", textInput, lazySimple}, {"parquet", parquetInput, parquetSerDe},
	} {
		for name, write := range map[string]struct {
			sql     string
			dynamic int
		}{
			"plain":       {numbers, 0},
			"ordered":     {"SELECT i, s FROM (" + numbers + ") n ORDER BY i", 0},
			"partitioned": {"SELECT i, s, CASE WHEN i % 1000 = 0 THEN 'few' ELSE 'many' END AS p FROM (" + numbers + ") n", 1},
		} {
			t.Run(format.name+"/"+name, func(t *testing.T) {
				table := c.newTable(t, "sized", format.input, format.serde, "i:int", "s:string")
				q, err := c.analyze(t.Context(), write.sql)
				if err != nil {
					t.Fatal(err)
				}
				out := hiveql.Output{Dir: table.Storage.Location, Table: table.Table, Dynamic: write.dynamic, MaxFileBytes: most}
				sink := &collected{}
				out.Sink = sink
				err = e.Write(t.Context(), q, c, out)
				files := slices.Clone(sink.files) // in the order in which they were handed over
				sink.sorted(t)
				if err != nil {
					t.Fatal(err)
				}
				n, large := int64(0), 0
				for _, f := range files {
					n += f.Rows
					if f.Bytes > most/2 {
						large++
					}
					if info, err := os.Stat(f.Path); err != nil || info.Size() != f.Bytes || f.Bytes > 2*most {
						t.Errorf("%+v: %v, %v", f, info, err)
					}
				}
				if n != rows || large < 5 || len(files)-large > 4 {
					t.Errorf("%d files, %d of them large, of %d rows", len(files), large, n)
				}
				if name != "ordered" {
					return
				}
				first := int64(0)
				for i, f := range files {
					one := c.newTable(t, "one", format.input, format.serde, "i:int", "s:string")
					if err := os.Rename(f.Path, filepath.Join(one.Storage.Location, "f")); err != nil {
						t.Fatal(err)
					}
					got, err := c.rows(t.Context(), e, "SELECT min(i), max(i), count(*) FROM one")
					if want := fmt.Sprintf("[%d\t%d\t%d]", first, first+f.Rows-1, f.Rows); err != nil || fmt.Sprint(got) != want {
						t.Errorf("file %d has %v, %v; want %s", i, got, err, want)
					}
					first += f.Rows
				}
			})
		}
	}
}

// hurried is a sink that has no room for more files than some until it has taken one.
type hurried struct {
	collected
	ctx   context.Context
	room  int64
	taken chan struct{}
	once  sync.Once
}

func (h *hurried) Grow(n int64) error {
	if err := h.collected.Grow(n); err != nil {
		return err
	}
	h.mu.Lock()
	full := h.bytes > h.room
	h.mu.Unlock()
	if !full {
		return nil
	}
	select {
	case <-h.taken:
		return nil
	case <-h.ctx.Done():
		return context.Cause(h.ctx)
	case <-time.After(20 * time.Second): // counted from when nothing is left to do but to hand a file over
		return errors.New("no file was handed over")
	}
}

func (h *hurried) Take(f hiveql.Written) error {
	h.once.Do(func() { close(h.taken) })
	return h.collected.Take(f)
}

// Files are handed over while others are written. A writer that kept them to the end would wait for
// ever here.
func TestFilesAreHandedOverMeanwhile(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	const rows, most = 400_000, 256 << 10
	numbers := fmt.Sprintf("SELECT pos AS i, md5(cast(pos AS string)) AS s FROM (SELECT posexplode(split(space(%d), ' ')) AS (pos, v)) x", rows-1)
	for name, w := range map[string]struct {
		input, serde string
		sql          string
		dynamic      int
	}{
		"text":               {textInput, lazySimple, numbers, 0},
		"text partitions":    {textInput, lazySimple, "SELECT i, s, cast(i % 50 AS string) AS p FROM (" + numbers + ") n", 1},
		"parquet":            {parquetInput, parquetSerDe, numbers, 0},
		"parquet ordered":    {parquetInput, parquetSerDe, "SELECT i, s FROM (" + numbers + ") n ORDER BY s", 0},
		"parquet partitions": {parquetInput, parquetSerDe, "SELECT i, s, cast(i % 50 AS string) AS p FROM (" + numbers + ") n", 1},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			table := c.newTable(t, "hurried", w.input, w.serde, "i:int", "s:string")
			q, err := c.analyze(ctx, w.sql)
			if err != nil {
				t.Fatal(err)
			}
			sink := &hurried{ctx: ctx, room: 10 * most, taken: make(chan struct{})}
			err = e.Write(ctx, q, c, hiveql.Output{
				Dir: table.Storage.Location, Table: table.Table, Dynamic: w.dynamic, MaxFileBytes: most, Sink: sink,
			})
			if err != nil {
				t.Fatal(err)
			}
			var n int64
			for _, f := range sink.sorted(t) {
				n += f.Rows
			}
			if n != rows {
				t.Errorf("%d rows", n)
			}
		})
	}
}

// Different values are counted whatever the pages are compressed with, but by Brotli, of which a file tells
// no more than how many a dictionary has.
func TestWrittenDistinct(t *testing.T) {
	e := open(t, duck.Config{})
	for _, compression := range []string{"none", "snappy", "gzip", "zstd", "lz4", "brotli"} {
		t.Run(compression, func(t *testing.T) {
			c := newCatalog(t)
			table := c.newTable(t, "t", parquetInput, parquetSerDe, "few:int", "many:bigint", "text:string")
			table.Parameters = map[string]string{"parquet.compression": compression}
			q, err := c.analyze(t.Context(), `SELECT pos % 7, cast(pos AS bigint), concat('t', pos % 100)
				FROM (SELECT 1 AS one) o LATERAL VIEW posexplode(split(space(999), ' ')) x AS pos, v`)
			if err != nil {
				t.Fatal(err)
			}
			files := &collected{}
			out := hiveql.Output{Dir: table.Storage.Location, Table: table.Table, Sink: files, Measure: true}
			if err := e.Write(t.Context(), q, c, out); err != nil {
				t.Fatalf("%+v", err)
			}
			got := files.sorted(t)
			if len(got) != 1 || len(got[0].Columns) != 3 {
				t.Fatalf("wrote %+v", got)
			}
			for i, want := range []int64{7, 1000, 100} {
				f := got[0].Columns[i]
				if compression == "brotli" {
					if known := i != 1; f.Sketch != nil || known && f.Distinct != want || !known && f.Distinct != -1 {
						t.Errorf("column %d: %d different values, %v", i, f.Distinct, f.Sketch)
					}
					continue
				}
				if off := f.Distinct - want; off < -want/10 || off > want/10 || want < 1000 && off != 0 || f.Sketch == nil {
					t.Errorf("column %d: %d different values, want %d", i, f.Distinct, want)
				}
			}
		})
	}
}
