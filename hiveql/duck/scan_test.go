package duck_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skepdata/skep/hiveql/duck"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// into writes a query as a Parquet file into a directory.
func (c *catalog) into(t *testing.T, e *duck.Executor, dir, file string, columns []string, sql string) {
	t.Helper()
	one := c.newTable(t, "into", parquetInput, parquetSerDe, columns...)
	for _, f := range c.write(t, e, one, 0, sql) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(f.Path, filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
	}
}

func (c *catalog) check(t *testing.T, e *duck.Executor, sql string, want ...string) {
	t.Helper()
	got, err := c.rows(t.Context(), e, sql)
	if err != nil {
		t.Errorf("%s: %v", sql, err)
	} else if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s:\n%s\nwant\n%s", sql, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Files that were written under other schemas: columns missing, renamed in case, moved, and of
// other types.
func TestParquetSchemaEvolution(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	table := c.newTable(t, "t", parquetInput, parquetSerDe, "a:bigint", "b:string", "c:int", "d:decimal(10,2)", "s:struct<x:bigint,y:string>")
	dir := table.Storage.Location
	c.into(t, e, dir, "1", []string{"a:int", "b:string"}, "SELECT 1, 'x'")
	c.into(t, e, dir, "2", []string{"c:string", "B:int", "A:smallint"}, "SELECT '7', 5, cast(2 AS smallint)")
	c.into(t, e, dir, "3", []string{"a:bigint", "d:double", "s:struct<x:int>", "extra:int"}, "SELECT cast(3 AS bigint), 1.005e0, named_struct('x', 9), 0")
	if err := os.WriteFile(filepath.Join(dir, "4"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	c.check(t, e, "SELECT a, b, c, d, s.x FROM t ORDER BY a",
		"1\tx\tNULL\tNULL\tNULL", "2\t5\t7\tNULL\tNULL", "3\tNULL\tNULL\t1.01\t9")
	c.check(t, e, "SELECT count(*) FROM t", "3")
	c.check(t, e, "SELECT count(c) FROM t WHERE b IS NOT NULL", "1")
}

// Paths that mean something to DuckDB, or to SQL, are only paths.
func TestParquetPaths(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	for _, dir := range []string{"a*b", "q?", "[x]", "it's", "ds=1", "ü %20", "{a,b}"} {
		table := c.newTable(t, "t", parquetInput, parquetSerDe, "a:int")
		table.Storage.Location = filepath.Join(table.Storage.Location, dir)
		c.into(t, e, table.Storage.Location, "f*[1]?", []string{"a:int"}, "SELECT 1")
		c.into(t, e, table.Storage.Location, "f2", []string{"a:int"}, "SELECT 2")
		c.check(t, e, "SELECT a FROM t ORDER BY a", "1", "2")
		c.check(t, e, "SELECT a FROM t WHERE INPUT__FILE__NAME LIKE '%f2'", "2")
	}
}

// partitioned declares a table of which every partition has a format of its own.
func (c *catalog) partitioned(t *testing.T, e *duck.Executor) {
	table := c.newTable(t, "p", textInput, lazySimple, "a:int", "b:string")
	table.PartitionKeys = []metastore.Column{parseColumn(t, "ds:string"), parseColumn(t, "h:int")}
	add := func(format, serde string, values ...string) string {
		sd := table.Storage.Clone()
		sd.InputFormat, sd.SerDe.Library = format, serde
		sd.Location = filepath.Join(t.TempDir(), values[0])
		if err := os.MkdirAll(sd.Location, 0o755); err != nil {
			t.Fatal(err)
		}
		table.parts = append(table.parts, &metastore.Partition{Values: partitions.Values(values), Storage: sd})
		return sd.Location
	}
	dir := add(parquetInput, parquetSerDe, "x", "1")
	c.into(t, e, dir, "f", []string{"a:int", "b:string"}, "SELECT 1, 'one'")
	dir = add(parquetInput, parquetSerDe, partitions.DefaultName, "2")
	c.into(t, e, dir, "f", []string{"a:int", "b:string"}, "SELECT 2, 'two'")
	c.into(t, e, dir, "g", []string{"a:int"}, "SELECT 3")
	dir = add(textInput, lazySimple, "it's", "-3")
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("4\x01four\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	dir = add(textInput, jsonSerDe, "x", "4")
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte(`{"b":"five","a":5}`+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	add(parquetInput, parquetSerDe, "empty", "5")
}

func TestPartitionsOfAllFormats(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	c.partitioned(t, e)
	c.check(t, e, "SELECT a, b, ds, h FROM p ORDER BY a",
		"1\tone\tx\t1", "2\ttwo\tNULL\t2", "3\tNULL\tNULL\t2", "4\tfour\tit's\t-3", "5\tfive\tx\t4")
	c.check(t, e, "SELECT h, count(*) FROM p GROUP BY h ORDER BY h", "-3\t1", "1\t1", "2\t2", "4\t1")
	c.check(t, e, "SELECT h FROM p WHERE ds = 'x' ORDER BY h", "1", "4")
	c.check(t, e, "SELECT count(*) FROM p", "5")
	c.check(t, e, "SELECT count(*) FROM p WHERE ds = 'empty'", "0")
	c.check(t, e, "SELECT max(h) FROM p WHERE a < 3", "2")
	c.check(t, e, "SELECT a.a, b.a FROM p a JOIN p b ON a.ds = b.ds AND a.h < b.h", "1\t5")
}

// The text of a partition is read by the partition's own columns.
func TestTextPartitionSchema(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	table := c.newTable(t, "p", textInput, lazySimple, "a:bigint", "b:string", "c:int")
	table.PartitionKeys = []metastore.Column{parseColumn(t, "ds:string")}
	sd := table.Storage.Clone()
	sd.Location = t.TempDir()
	sd.Columns = []metastore.Column{parseColumn(t, "a:string"), parseColumn(t, "b:string")}
	if err := os.WriteFile(filepath.Join(sd.Location, "f"), []byte("12\x01x\nno\x01y\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	table.parts = []*metastore.Partition{{Values: partitions.Values{"1"}, Storage: sd}}
	c.check(t, e, "SELECT a, b, c, ds FROM p", "12\tx\tNULL\t1", "NULL\ty\tNULL\t1")
}
