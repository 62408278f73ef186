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

	duckdb "github.com/duckdb/duckdb-go-bindings"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/duck"
)

// The declarations in duckdb.h are those of this version.
func TestVersion(t *testing.T) {
	if got := duckdb.LibraryVersion(); got != duck.Version {
		t.Errorf("linked with DuckDB %s, written for %s", got, duck.Version)
	}
	if got := duckdb.VectorSize(); got != 2048 {
		t.Errorf("vectors have %d rows, want 2048", got)
	}
}

// Closing rows that nobody has read ends the query.
func TestCloseEarly(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	c.numbers(t, 20)
	q, err := c.analyze(t.Context(), "SELECT a.n, b.n, d.n FROM n a CROSS JOIN n b CROSS JOIN n d CROSS JOIN n f CROSS JOIN n g")
	if err != nil {
		t.Fatal(err)
	}
	for _, read := range []int{0, 1, 3000} {
		rows, err := e.Query(t.Context(), q, c)
		if err != nil {
			t.Fatal(err)
		}
		for range read {
			if !rows.Next() {
				t.Fatalf("no row: %v", rows.Err())
			}
		}
		if err := errors.Join(rows.Close(), rows.Close()); err != nil {
			t.Error(err)
		}
		if rows.Next() {
			t.Error("a row after Close")
		}
	}
}

// TestConnectionsAreKept runs statements to their ends, and not to their ends: of those no connection is kept.
func TestConnectionsAreKept(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	c.numbers(t, 20)
	q, err := c.analyze(t.Context(), "SELECT a.n FROM n a CROSS JOIN n b CROSS JOIN n d")
	if err != nil {
		t.Fatal(err)
	}
	run := func(read int) hiveql.Rows {
		t.Helper()
		rows, err := e.Query(t.Context(), q, c)
		if err != nil {
			t.Fatal(err)
		}
		for range read {
			if !rows.Next() {
				break
			}
		}
		return rows
	}
	for _, test := range []struct{ read, idle int }{{8001, 1}, {8001, 1}, {3, 0}, {8001, 1}} {
		rows := run(test.read)
		if e.Idle() != 0 {
			t.Errorf("%d connections are idle while a statement runs", e.Idle())
		}
		if err := rows.Close(); err != nil || e.Idle() != test.idle {
			t.Errorf("%d connections are kept after %d rows, want %d; %v", e.Idle(), test.read, test.idle, err)
		}
	}
	var open []hiveql.Rows
	for range 6 {
		open = append(open, run(8001))
	}
	for _, rows := range open {
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}
	if e.Idle() != 4 {
		t.Errorf("%d connections are kept", e.Idle())
	}
	if err := e.Close(); err != nil || e.Idle() != 0 {
		t.Errorf("%d connections are open after Close: %v", e.Idle(), err)
	}
}

// numbers declares the table n of the numbers below count, as several text files.
func (c *catalog) numbers(t testing.TB, count int) {
	t.Helper()
	table := c.newTable(t, "n", textInput, lazySimple, "n:bigint", "s:string")
	const files = 4
	for f := range files {
		var b strings.Builder
		for i := f; i < count; i += files {
			fmt.Fprintf(&b, "%d\x01text of row %d\n", i, i)
		}
		if err := os.WriteFile(filepath.Join(table.Storage.Location, fmt.Sprint(f)), []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A cancelled context interrupts a query wherever it is.
func TestCancel(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	c.numbers(t, 2000)
	why := errors.New("enough")
	for _, sql := range []string{
		"SELECT sum(a.n * b.n * d.n) FROM n a CROSS JOIN n b CROSS JOIN n d CROSS JOIN n f",
		"SELECT a.n, b.n, d.n FROM n a CROSS JOIN n b CROSS JOIN n d CROSS JOIN n f",
	} {
		q, err := c.analyze(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		var wait sync.WaitGroup
		started := make(chan struct{})
		wait.Go(func() {
			<-started
			cancel(why)
		})
		close(started)
		rows, err := e.Query(ctx, q, c)
		if err == nil {
			for rows.Next() {
			}
			err = errors.Join(rows.Err(), rows.Close())
		}
		wait.Wait()
		if !errors.Is(err, why) {
			t.Errorf("%s: %v, want the cause of the cancellation", sql, err)
		}
	}
	c.check(t, e, "SELECT count(*) FROM n", "2000")
}

func TestConcurrentQueries(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	c.numbers(t, 30000)
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			rows, err := c.rows(t.Context(), e, fmt.Sprintf("SELECT sum(n), max(length(s)), cast(sum(n) AS decimal(20,2)) / cast(%d AS decimal(%d,1)) FROM n", i+1, 5+i))
			if err != nil || len(rows) != 1 || !strings.HasPrefix(rows[0], "449985000\t17\t") {
				t.Errorf("%v, %v", rows, err)
			}
		})
	}
	wait.Wait()
}

// A sort that does not fit into memory spills.
func TestSpill(t *testing.T) {
	e, c := open(t, duck.Config{MemoryLimit: 100 << 20, Threads: 2}), newCatalog(t)
	c.numbers(t, 300)
	rows, err := c.rows(t.Context(), e, `SELECT concat(reverse(a.s), b.s, d.s, repeat('x', 100)) AS x
		FROM n a CROSS JOIN n b CROSS JOIN (SELECT * FROM n WHERE n < 8) d ORDER BY x`)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	if len(rows) != 300*300*8 || !slices.IsSorted(rows) {
		t.Errorf("%d rows, sorted: %v", len(rows), slices.IsSorted(rows))
	}
}

func TestMalformedFiles(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	for _, bad := range []struct{ input, serde, content, want string }{
		{textInput, jsonSerDe, "{\"a\":1}\n{oops\n", "line 2"},
		{textInput, jsonSerDe, strings.Repeat("{\"a\":1}\n", 50000) + "{oops\n", "line 50001"},
		{parquetInput, parquetSerDe, "this is not a Parquet file", "bad"},
		{textInput, lazySimple, "", "gz"},
	} {
		table := c.newTable(t, "t", bad.input, bad.serde, "a:int")
		path := filepath.Join(table.Storage.Location, "bad")
		if bad.content == "" {
			path, bad.content = path+".gz", "no gzip"
		}
		if err := os.WriteFile(path, []byte(bad.content), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, sql := range []string{"SELECT sum(a) FROM t", "SELECT a FROM t"} {
			_, err := c.rows(t.Context(), e, sql)
			if err == nil || !strings.Contains(err.Error(), "file://"+path) || !strings.Contains(err.Error(), bad.want) ||
				strings.Contains(err.Error(), "Error:") {
				t.Errorf("%s: %s: %v, want an error that names %s and %s", bad.serde, sql, err, path, bad.want)
			}
		}
	}
}

// Texts of DuckDB's are for %+v only.
func TestErrorsAreOurs(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	for sql, want := range map[string]error{
		"SELECT (SELECT 1 UNION ALL SELECT 2)": duck.ErrManyRows,
		"SELECT encode('a', 'UTF-7')":          duck.ErrUnsupported,
	} {
		_, err := c.rows(t.Context(), e, sql)
		if !errors.Is(err, want) || strings.Contains(err.Error(), "Error") {
			t.Errorf("%s: %v, want %v", sql, err, want)
		}
	}
}

// Conditions may be long.
func TestLongConditions(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	c.numbers(t, 100)
	var b strings.Builder
	b.WriteString("SELECT count(*) FROM n WHERE n = 0")
	for i := range 400 {
		fmt.Fprintf(&b, " OR n * 2 = %d AND s <> ''", i*3)
	}
	c.check(t, e, b.String(), "34")
}

// Close ends what runs.
func TestCloseInterrupts(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	c.numbers(t, 2000)
	q, err := c.analyze(t.Context(), "SELECT a.n, b.n, d.n FROM n a CROSS JOIN n b CROSS JOIN n d")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := e.Query(t.Context(), q, c)
	if err != nil {
		t.Fatal(err)
	}
	if !rows.Next() {
		t.Fatal(rows.Err())
	}
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	for rows.Next() {
	}
	if rows.Err() == nil {
		t.Error("the rows came to an end")
	}
	if err := rows.Close(); err != nil {
		t.Error(err)
	}
	wait.Wait()
}

func TestClosedExecutor(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.rows(t.Context(), e, "SELECT 1"); err == nil {
		t.Error("a query after Close")
	}
}

// Open makes its own directory for intermediate results, and Close removes it.
func TestOwnTempDir(t *testing.T) {
	parent := t.TempDir()
	t.Setenv("TMPDIR", parent)
	e, err := duck.Open(duck.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string][]string{ // as processes leave them that are killed
		"used": {"lock", "spilled"}, "being-made": {"new"}, "just-made": nil, "being-removed": {"lock"},
	} {
		dead := filepath.Join(parent, "skep-duck-"+name)
		err := os.Mkdir(dead, 0o700)
		for _, file := range files {
			err = errors.Join(err, os.WriteFile(filepath.Join(dead, file), []byte("x"), 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	other, err := duck.Open(duck.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) != 2 {
		t.Errorf("of two engines and dead ones: %v, %v", left, err)
	}
	if err := errors.Join(e.Close(), e.Close(), other.Close()); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// faulty is a source that panics in one of its calls, which stands for a bug in what calls it.
type faulty struct {
	*catalog
	call string
}

func (f faulty) Nanos() bool {
	if f.call == "Nanos" {
		panic("nanos")
	}
	return f.catalog.Nanos()
}

func (f faulty) Local(ctx context.Context, file hiveql.File) (hiveql.Local, error) {
	if f.call == "Local" {
		panic(fmt.Errorf("local: %w", os.ErrInvalid))
	}
	return f.catalog.Local(ctx, file)
}

// A panic while a plan is made into SQL fails the statement, holds up nobody, and gives all back: the
// executor can be closed.
func TestPanic(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	c.into(t, e, c.newTable(t, "p", parquetInput, parquetSerDe, "a:int").Storage.Location, "1", []string{"a:int"}, "SELECT 1")
	q, err := c.analyze(t.Context(), "SELECT a FROM p")
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range []string{"Nanos", "Local"} {
		_, err := e.Query(t.Context(), q, faulty{c, call})
		if !errors.Is(err, hiveql.ErrInternal) || !strings.Contains(err.Error(), strings.ToLower(call)) {
			t.Errorf("a panic in %s: %v, want an internal error that says which", call, err)
		}
		if errors.Is(err, os.ErrInvalid) != (call == "Local") {
			t.Errorf("a panic in %s: %v does not unwrap to its value", call, err)
		}
	}
	c.check(t, e, "SELECT a FROM p", "1")
}
