package duck_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/duck"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/filestore"
)

// open starts an executor that ends with the test.
func open(t testing.TB, config duck.Config) *duck.Executor {
	t.Helper()
	if config.TempDir == "" {
		config.TempDir = t.TempDir()
	}
	e, err := duck.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// catalog is a metastore in memory, which is also the Source of its tables' files: those below
// the location of each table or partition.
type catalog struct {
	cutting bool // timestamps are in microseconds
	bucket  storage.Bucket
	tables  map[string]*catalogTable

	groups, pruned atomic.Int64 // row groups
	cut            atomic.Int64
}

type catalogTable struct {
	*metastore.Table
	parts []*metastore.Partition
}

func newCatalog(t testing.TB) *catalog {
	t.Helper()
	b, err := filestore.New("/")
	if err != nil {
		t.Fatal(err)
	}
	return &catalog{bucket: b, tables: map[string]*catalogTable{}}
}

func (c *catalog) Table(_ context.Context, n metastore.TableName) (*metastore.Table, error) {
	if t, ok := c.tables[n.Name]; ok {
		return t.Table, nil
	}
	return nil, metastore.ErrNoSuchTable
}

func (c *catalog) Partitions(_ context.Context, n metastore.TableName, p partitions.Predicate) iter.Seq2[*metastore.Partition, error] {
	return func(yield func(*metastore.Partition, error) bool) {
		t := c.tables[n.Name]
		for _, part := range t.parts {
			if p != nil {
				ok, err := t.Keys().Match(p, part.Values)
				if err != nil {
					yield(nil, err)
					return
				}
				if !ok {
					continue
				}
			}
			if !yield(part, nil) {
				return
			}
		}
	}
}

func (c *catalog) Files(ctx context.Context, scan *analysis.Scan) iter.Seq2[hiveql.PartitionFiles, error] {
	return func(yield func(hiveql.PartitionFiles, error) bool) {
		parts := scan.Partitions
		if !scan.Table.Partitioned() {
			parts = []*metastore.Partition{nil}
		}
		for _, p := range parts {
			sd := &scan.Table.Storage
			if p != nil {
				sd = &p.Storage
			}
			files := hiveql.PartitionFiles{Partition: p, Storage: sd}
			for o, err := range c.bucket.List(ctx, strings.TrimPrefix(sd.Location, "/")+"/") {
				if err != nil {
					yield(files, err)
					return
				}
				files.Files = append(files.Files, hiveql.File{Bucket: c.bucket, Object: o})
			}
			if !yield(files, nil) {
				return
			}
		}
	}
}

func (c *catalog) RowGroups(considered, pruned int) {
	c.groups.Add(int64(considered))
	c.pruned.Add(int64(pruned))
}

func (c *catalog) Nanos() bool { return !c.cutting }

func (c *catalog) Cut() *atomic.Int64 { return &c.cut }

func (c *catalog) Local(ctx context.Context, f hiveql.File) (hiveql.Local, error) {
	return hiveql.Local{Path: "/" + f.Object.Key, Release: func() {}}, nil
}

func (c *catalog) Open(ctx context.Context, f hiveql.File, from int64) (storage.Reader, error) {
	return c.bucket.Open(ctx, f.Object.Key, storage.ReadOptions{Offset: from})
}

// env fixes the clock.
func env() analysis.Env {
	return analysis.Env{Now: time.Date(2024, 2, 29, 12, 30, 45, 0, time.UTC), User: "ann"}
}

// analyze plans a query.
func (c *catalog) analyze(ctx context.Context, sql string) (*analysis.Query, error) {
	stmts, err := syntax.Parse(sql)
	if err != nil {
		return nil, err
	}
	if len(stmts) != 1 {
		return nil, fmt.Errorf("%d statements", len(stmts))
	}
	q, ok := stmts[0].(*syntax.QueryStmt)
	if !ok {
		return nil, fmt.Errorf("a %T is no query", stmts[0])
	}
	return analysis.AnalyzeQuery(ctx, c, env(), q.Query)
}

// rows runs a query and prints its rows as the Hive CLI does.
func (c *catalog) rows(ctx context.Context, e *duck.Executor, sql string) ([]string, error) {
	q, err := c.analyze(ctx, sql)
	if err != nil {
		return nil, err
	}
	rows, err := e.Query(ctx, q, c)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var lines []string
	for rows.Next() {
		var line []byte
		for i, v := range rows.Row() {
			if i > 0 {
				line = append(line, '\t')
			}
			line = hivetype.AppendText(line, v, rows.Columns()[i].Type)
		}
		lines = append(lines, string(line))
	}
	return lines, rows.Err()
}

// TestGolden evaluates what testdata says: "eval" prints, for each line, the value of the
// expressions on it; "query" prints rows; "table" declares a table and writes its file.
func TestGolden(t *testing.T) {
	e := open(t, duck.Config{})
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		c := newCatalog(t)
		dir := t.TempDir()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "eval":
				var b strings.Builder
				for line := range strings.Lines(d.Input) {
					rows, err := c.rows(t.Context(), e, "SELECT "+line)
					b.WriteString(answer(rows, err) + "\n")
				}
				return b.String()
			case "query":
				rows, err := c.rows(t.Context(), e, d.Input)
				return answer(rows, err) + "\n"
			case "table":
				c.create(t, d, dir)
				return ""
			}
			t.Fatalf("unknown command %s", d.Cmd)
			return ""
		})
	})
}

func answer(rows []string, err error) string {
	if err != nil {
		if os.Getenv("DUCK_DEBUG") != "" {
			var e *duck.Error
			for w := err; errors.As(w, &e); w = e.Err {
				err = fmt.Errorf("%w [%s]", err, fmt.Sprintf("%+v", e.Err))
			}
		}
		return "error: " + err.Error()
	}
	return strings.Join(rows, "\n")
}

// create declares a text table: table name=t columns=(a:int, b:string) [partition=ds=1] and its
// lines, with | between fields. A second partition of a table repeats the name.
func (c *catalog) create(t *testing.T, d *datadriven.TestData, dir string) {
	t.Helper()
	var name, partition, keys string
	d.ScanArgs(t, "name", &name)
	d.MaybeScanArgs(t, "partition", &partition)
	d.MaybeScanArgs(t, "keys", &keys)
	var fields []string
	if arg, ok := d.Arg("columns"); ok {
		fields = arg.Vals
	}
	sd := metastore.StorageDescriptor{
		Location:    filepath.Join(dir, name, partition),
		InputFormat: "org.apache.hadoop.mapred.TextInputFormat",
		SerDe: metastore.SerDe{Library: "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
			Parameters: map[string]string{"field.delim": "|", "collection.delim": ",", "mapkey.delim": ":"}},
	}
	table := c.tables[name]
	if table == nil {
		table = &catalogTable{Table: &metastore.Table{TableName: metastore.TableName{Database: "default", Name: name}}}
		for _, f := range fields {
			table.Storage.Columns = append(table.Storage.Columns, parseColumn(t, f))
		}
		if keys != "" {
			table.PartitionKeys = append(table.PartitionKeys, parseColumn(t, keys))
		}
		c.tables[name] = table
	}
	sd.Columns = table.Storage.Columns
	if partition == "" {
		table.Storage = sd
	} else {
		_, value, _ := strings.Cut(partition, "=")
		table.parts = append(table.parts, &metastore.Partition{Values: partitions.Values{value}, Storage: sd})
	}
	if err := os.MkdirAll(sd.Location, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(sd.Location, "000000_0"), []byte(d.Input), 0o644); err != nil {
		t.Fatal(err)
	}
}

func parseColumn(t *testing.T, text string) metastore.Column {
	t.Helper()
	name, kind, _ := strings.Cut(text, ":")
	typ, err := hivetype.Parse(kind)
	if err != nil {
		t.Fatal(err)
	}
	return metastore.Column{Name: name, Type: typ}
}
