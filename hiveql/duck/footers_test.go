package duck_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/skepdata/skep/hiveql/duck"
	"github.com/skepdata/skep/hivetype"
)

// TestTypesByFooter: what the footers say of the types of columns is what DuckDB reads them as.
func TestTypesByFooter(t *testing.T) {
	e := open(t, duck.Config{})
	path := filepath.Join(t.TempDir(), "all.parquet")
	err := e.Exec(t.Context(), `COPY (SELECT TRUE AS b, 1::TINYINT AS i1, 1::SMALLINT AS i2, 1::INTEGER AS i4, 1::BIGINT AS i8,
		1::UTINYINT AS u1, 1::UBIGINT AS u8, 1::HUGEINT AS h, 1::FLOAT AS f, 1::DOUBLE AS d, 1::DECIMAL(4,2) AS d4, 1::DECIMAL(9,0) AS d9,
		1::DECIMAL(18,3) AS d18, 1::DECIMAL(38,10) AS d38, 'x' AS "S", 'x'::BLOB AS bytes, DATE '2001-02-03' AS day,
		TIMESTAMP '2001-02-03 04:05:06' AS t, TIMESTAMP_MS '2001-02-03 04:05:06' AS tms, TIMESTAMP_NS '2001-02-03 04:05:06' AS tns,
		TIMESTAMPTZ '2001-02-03 04:05:06' AS tz, TIME '04:05:06' AS tm, uuid() AS u, [1] AS list, {'a': 1} AS s, MAP {'a': 1} AS m,
		INTERVAL 1 DAY AS iv, '1'::JSON AS j) TO '`+path+`' (FORMAT parquet)`)
	if err != nil {
		t.Fatal(err)
	}
	described, said, err := e.ColumnTypes(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	for name, of := range said {
		if described[name] != of {
			t.Errorf("%s: the footer says %q, DuckDB %q", name, of, described[name])
		}
	}
	for _, name := range []string{"b", "i1", "i2", "i4", "i8", "f", "d", "d4", "d9", "d18", "d38", "s", "day", "t"} {
		if said[name] == "" {
			t.Errorf("%s: the footer says nothing", name)
		}
	}
	for _, name := range []string{"u1", "u8", "bytes", "tz", "list", "m", "tns"} {
		if said[name] != "" {
			t.Errorf("%s: the footer says %q", name, said[name])
		}
	}
}

// TestSums: what is written has the sums of its blocks, is read by plain DuckDB, and what DuckDB writes
// with the sums of another file is not taken for that one.
func TestSums(t *testing.T) {
	e := open(t, duck.Config{})
	c := newCatalog(t)
	table := c.newTable(t, "t", parquetInput, parquetSerDe, "id:bigint", "s:string")
	c.into(t, e, table.Storage.Location, "one", []string{"id:bigint", "s:string"},
		"SELECT pos, md5(cast(pos AS string)) FROM (SELECT posexplode(split(space(9999), ' ')) AS (pos, v)) x")
	files, err := filepath.Glob(table.Storage.Location + "/*")
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	f, err := e.Footer(t.Context(), files[0])
	if err != nil || f == nil || len(f.Sums) < 2 || f.Doubtful {
		t.Fatalf("%+v, %v", f, err)
	}
	copied := filepath.Join(t.TempDir(), "copied.parquet")
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	note := regexp.MustCompile("skepsums1:[0-9a-f]{8}:[A-Za-z0-9+/]*").Find(content)
	err = e.Exec(t.Context(), "COPY (SELECT *, if(count(*) OVER () = 10000, 1, error('rows are missing')) AS n FROM read_parquet('"+files[0]+"')) TO '"+
		copied+"' (FORMAT parquet, KV_METADATA {'skep.crc32c.64k': '"+string(note)+"'})")
	if err != nil {
		t.Fatal(err)
	}
	if f, err = e.Footer(t.Context(), copied); err != nil || f == nil || f.Sums != nil || !f.Doubtful || f.Rows != 10000 {
		t.Errorf("%+v, %v", f, err)
	}
}

// TestBounds: the bounds in a footer are those of the values, and few are not known.
func TestBounds(t *testing.T) {
	e := open(t, duck.Config{})
	path := filepath.Join(t.TempDir(), "t.parquet")
	err := e.Exec(t.Context(), `COPY (SELECT CASE WHEN i % 3 > 0 THEN i - 20 END::INTEGER AS i, (i * 1.5 - 3)::DECIMAL(10,2) AS small,
		(i * 100000000000000000000 - 7)::DECIMAL(38,4) AS big, DATE '1969-12-25' + i::INTEGER AS day, NULL::BIGINT AS none,
		'v' || lpad(i::VARCHAR, 3, '0') AS s, i::DOUBLE AS d, i > 200 AS b, TIMESTAMP '1969-12-31 23:59:59.5' + i * INTERVAL 1 SECOND AS t
		FROM range(100) AS r(i)) TO '`+path+`' (FORMAT parquet)`)
	if err != nil {
		t.Fatal(err)
	}
	f, err := e.Footer(t.Context(), path)
	if err != nil || f == nil || f.Rows != 100 || len(f.Groups) != 1 {
		t.Fatalf("%+v, %v", f, err)
	}
	for _, c := range []struct {
		name, as, min, max string
		nulls              int64
	}{
		{"i", "int", "-19", "78", 34}, {"I", "bigint", "-19", "78", 34}, {"i", "smallint", "", "", 34}, {"i", "string", "", "", 34},
		{"small", "decimal(10,2)", "-3.00", "145.50", 0}, {"small", "decimal(12,3)", "-3.000", "145.500", 0}, {"small", "decimal(10,1)", "", "", 0},
		{"big", "decimal(38,4)", "-7.0000", "9899999999999999999993.0000", 0}, {"day", "date", "1969-12-25", "1970-04-03", 0},
		{"none", "bigint", "", "", 100}, {"s", "string", "v000", "v099", 0}, {"s", "varchar(4)", "v000", "v099", 0}, {"s", "char(4)", "", "", 0},
		{"d", "double", "", "", 0}, {"b", "boolean", "false", "false", 0},
		{"t", "timestamp", "1969-12-31 23:59:59.5", "1970-01-01 00:01:38.5", 0},
	} {
		typ, err := hivetype.Parse(c.as)
		if err != nil {
			t.Fatal(err)
		}
		text := func(v hivetype.Value) string {
			if v == nil {
				return ""
			}
			return string(hivetype.AppendText(nil, v, typ))
		}
		b := f.Find(c.name).Bounds(&f.Groups[0], typ)
		if text(b.Min) != c.min || text(b.Max) != c.max || b.Nulls != c.nulls || b.Rows != 100 {
			t.Errorf("%s as %s: %s to %s, %d NULL of %d; want %s to %s, %d NULL", c.name, c.as, text(b.Min), text(b.Max), b.Nulls, b.Rows, c.min, c.max, c.nulls)
		}
	}
}

// TestSummary: what is answered from footers is what reading the rows gives, and of ORC it needs none.
func TestSummary(t *testing.T) {
	e := open(t, duck.Config{})
	c := newCatalog(t)
	columns := []string{"id:bigint", "i:int", "small:decimal(10,2)", "day:date", "s:string", "v:varchar(5)", "d:double", "b:boolean", "empty:int", "ts:timestamp"}
	c.newTable(t, "t", parquetInput, parquetSerDe, columns...)
	o := c.newTable(t, "o", "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat", "org.apache.hadoop.hive.ql.io.orc.OrcSerde", columns...)
	o.Parameters = map[string]string{"orc.create.index": "false"} // so that files begin with rows
	for _, name := range []string{"t", "o"} {
		for i := range 3 {
			c.add(t, e, name, fmt.Sprint("file", i), fmt.Sprintf(
				"SELECT pos, if(pos %% 3 = 0, NULL, pos - 50), cast(pos * 1.25 AS decimal(10,2)), date_add(date '2020-02-01', pos), concat('v', pos), "+
					"cast(concat('v', pos) AS varchar(5)), pos / 7, "+
					"pos %% 2 = 0, cast(NULL AS int), cast(concat('2020-01-01 00:00:', lpad(pos %% 60, 2, '0'), '.123456', pos %% 9) AS timestamp) FROM (SELECT posexplode(split(space(99), ' ')) AS (pos, v)) x WHERE pos %% 3 = %d", i))
		}
	}
	told := map[string][]string{}
	for _, what := range []string{
		"count(*)", "count(*), count(i), count(empty)", "min(i), max(i)", "min(small), max(small)", "min(day), max(day)", "min(s), max(s)", "min(ts), max(ts)",
		"min(v), max(v)", "min(DISTINCT i)", "min(empty), max(empty), count(empty)", "count(d), count(b), count(s)",
		"min(d), max(d)", "min(b), max(b)", "count(DISTINCT i)", "max(id), count(1), sum(id)",
		"count(DISTINCT empty)", "max(id + 1)", "count(id, i)",
	} {
		for _, name := range []string{"t", "o"} {
			want, err := c.rows(t.Context(), e, "SELECT "+what+" FROM (SELECT * FROM "+name+" WHERE id * 2 >= 0) x")
			if err != nil {
				t.Fatal(err)
			}
			c.check(t, e, "SELECT "+what+" FROM "+name, want...)
			told[what] = want
		}
	}
	for _, name := range []string{"t", "o"} {
		c.check(t, e, "SELECT count(*) + 1 FROM "+name+" HAVING count(*) > 10", "101")
		c.check(t, e, "SELECT count(*), max(i) FROM "+name+" WHERE 1 = 0", "0\tNULL")
	}
	c.spoil(t, "o", len("ORC"), 200)
	if _, err := c.rows(t.Context(), e, "SELECT max(i + 1) FROM o"); err == nil {
		t.Error("rows were read of what is none")
	}
	for _, what := range []string{
		"count(*)", "count(*), count(i), count(empty)", "min(i), max(i)", "min(small), max(small)", "min(day), max(day)", "min(s), max(s)", "min(ts), max(ts)",
		"min(v), max(v)", "min(DISTINCT i)", "min(empty), max(empty), count(empty)", "count(d), count(b), count(s)",
	} {
		c.check(t, e, "SELECT "+what+" FROM o", told[what]...)
	}
}

// add moves what a query writes into a table's directory, under a name of its own.
func (c *catalog) add(t *testing.T, e *duck.Executor, table, name, sql string) {
	t.Helper()
	of := c.tables[table]
	for _, f := range c.write(t, e, of, 0, sql) {
		if err := os.MkdirAll(of.Storage.Location, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(f.Path, filepath.Join(of.Storage.Location, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// spoil overwrites bytes of all files of a table.
func (c *catalog) spoil(t *testing.T, table string, from, to int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(c.tables[table].Storage.Location, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteAt(make([]byte, to-from), int64(from))
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestBloom: the Bloom filters that DuckDB writes hold the values of the column, as we encode them,
// and few others.
func TestBloom(t *testing.T) {
	e := open(t, duck.Config{})
	path := filepath.Join(t.TempDir(), "t.parquet")
	err := e.Exec(t.Context(), `COPY (SELECT (i % 100)::TINYINT AS i1, (i % 100 - 50)::INTEGER AS i4, (i % 100 * 10000000000)::BIGINT AS i8,
		DATE '1969-12-25' + (i % 100)::INTEGER AS day, (i % 100 * 0.25)::DECIMAL(9,2) AS d9, (i % 100 * -0.25)::DECIMAL(18,2) AS d18,
		'v' || (i % 100) AS s, TIMESTAMP '1969-12-31 23:59:59.5' + i % 100 * INTERVAL 1 SECOND AS t
		FROM range(10000) AS r(i)) TO '`+path+`' (FORMAT parquet)`)
	if err != nil {
		t.Fatal(err)
	}
	f, err := e.Footer(t.Context(), path)
	if err != nil || f == nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, as, there, not string }{
		{"i1", "tinyint", "0 99", "100 -1"}, {"i1", "bigint", "7", "-7"}, {"i4", "int", "-50 49", "-51 50 1000"}, {"i8", "bigint", "990000000000", "1 2 3 4"},
		{"day", "date", "1969-12-25 1970-04-03", "1969-12-24 2001-01-01"}, {"d9", "decimal(9,2)", "0.25 24.75", "0.10 -0.25"},
		{"d9", "decimal(12,3)", "0.250 24.750", "0.100"}, {"d18", "decimal(18,2)", "-0.25", "0.25"}, {"s", "string", "v0 v99", "v w0 v100"},
		{"t", "timestamp", "1969-12-31T23:59:59.5", "1969-12-31T23:59:59.6"},
	} {
		typ, err := hivetype.Parse(c.as)
		if err != nil {
			t.Fatal(err)
		}
		col := f.Find(c.name)
		at, ok := col.BloomAt(&f.Groups[0])
		if !ok {
			t.Errorf("%s: there is no filter", c.name)
			continue
		}
		b, err := col.Bloom(file[at.Offset : at.Offset+at.Size])
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		lacks := func(text string) bool {
			v, ok := hivetype.ParseValue(strings.Replace(text, "T", " ", 1), typ)
			if !ok {
				t.Fatal(text)
			}
			return b.Lacks(v, typ)
		}
		for _, v := range strings.Fields(c.there) {
			if lacks(v) {
				t.Errorf("%s as %s: %s is there", c.name, c.as, v)
			}
		}
		all := true
		for _, v := range strings.Fields(c.not) {
			all = all && !lacks(v)
		}
		if all {
			t.Errorf("%s as %s: none of %s is missed", c.name, c.as, c.not)
		}
	}
	// Of other types nothing is known: values of the file may become others.
	of, _ := hivetype.Parse("varchar(2)")
	col := f.Find("s")
	at, _ := col.BloomAt(&f.Groups[0])
	b, err := col.Bloom(file[at.Offset : at.Offset+at.Size])
	if err != nil || b.Lacks("v9", of) || b.Lacks("zz", of) {
		t.Errorf("a longer text may have been cut off to this, %v", err)
	}
}
