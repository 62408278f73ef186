package duck

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/footer"
	"github.com/skepdata/skep/storage"
)

// Exec runs DuckDB's SQL, to compare with.
func (e *Executor) Exec(ctx context.Context, sql string) error {
	c, err := e.connect()
	if err != nil {
		return err
	}
	defer c.close()
	return c.exec(ctx, sql)
}

// Kept is how many bytes of files DuckDB keeps in memory.
func (e *Executor) Kept(ctx context.Context) (string, error) {
	c, err := e.connect()
	if err != nil {
		return "", err
	}
	defer c.close()
	rows, err := c.query(ctx, "SELECT sum(memory_usage_bytes)::VARCHAR FROM duckdb_memory() WHERE tag = 'EXTERNAL_FILE_CACHE'")
	if err != nil {
		return "", err
	}
	return rows[0][0], nil
}

// Idle is how many connections are kept.
func (e *Executor) Idle() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.idle)
}

// Hooked reports whether the hook holds in this build.
func (e *Executor) Hooked() bool { return e.hooked() }

// Failure is what is made of a text of DuckDB's.
func Failure(ctx context.Context, text string) error { return failure(ctx, text, "") }

// HookedFiles is how many files the process has registered, and not given up.
func HookedFiles() int {
	hooks.mu.Lock()
	defer hooks.mu.Unlock()
	return len(hooks.byID)
}

// Patch is a file that is in memory.
func Patch(content []byte) hiveql.Parts { return &patch{content} }

// SumInC is the CRC32C of bytes.
func SumInC(p []byte) uint32 { return crcInC(p) }

// Read registers a file for a statement, until the function it returns is called.
func Read(ctx context.Context, f hiveql.Local) (end func()) {
	return hooks.read(ctx, f, &reading{fail: func(error) {}, touch: func(int64, int64) bool { return false }})
}

// GiveUp registers a file for a statement that is cancelled, and is not over until the function it returns
// is called. No other reads the file.
func GiveUp(f hiveql.Local) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	r := &reading{fail: func(error) {}, touch: func(int64, int64) bool { return false }}
	end = hooks.read(ctx, f, r)
	hooks.mu.Lock()
	reads := hooks.byPath[f.Path].ctx
	hooks.mu.Unlock()
	cancel()
	<-reads.Done()
	return end
}

// ColumnTypes are the types of a file's columns, as DuckDB describes them and as its footer says,
// where that is enough.
func (e *Executor) ColumnTypes(ctx context.Context, path string) (described, said map[string]string, err error) {
	c, err := e.connect()
	if err != nil {
		return nil, nil, err
	}
	defer c.close()
	l := &lowerer{ctx: ctx, conn: c}
	if described, err = l.parquetColumns("["+quote(path)+"]", false); err != nil {
		return nil, nil, err
	}
	f, err := e.Footer(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	said = map[string]string{}
	for i := range f.Columns {
		if t, ok := f.Columns[i].Type(); ok {
			said[strings.ToLower(f.Columns[i].Name)] = f.Columns[i].Name + "\x00" + sqlType(t)
		}
	}
	return described, said, nil
}

// Footer reads a local file's.
func (e *Executor) Footer(ctx context.Context, path string) (*footer.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	return e.readFooter(ctx, hiveql.File{Object: storage.Object{Size: info.Size()}, Bucket: nowhere{}}, hiveql.Local{Path: path})
}

// nowhere is a bucket that only has a name.
type nowhere struct{ storage.Bucket }

func (nowhere) URL() string { return "nowhere://" }

// SQL is what a query is made into. The query is run, and its rows are dropped.
func (e *Executor) SQL(ctx context.Context, q *analysis.Query, src hiveql.Source) (sql string, err error) {
	j, err := e.lowered(ctx, src, func(l *lowerer) string {
		sql = l.query(q)
		return sql
	})
	if err != nil {
		return sql, err
	}
	return sql, j.close()
}

// Told is how many rows DuckDB is told that files of so many rows have, of which narrow leaves only some.
func Told(rows []int64, left []int) int64 {
	g := &scanGroup{parquet: true}
	for _, n := range rows {
		f := scanFile{footer: &footer.File{Rows: n, Groups: make([]footer.Group, 1)}, groups: []int{0}}
		f.file.Object.Size = 1
		g.files = append(g.files, f)
	}
	g.files[0].groups = nil // by what the query says itself
	g.count()
	for i := range g.files {
		if !slices.Contains(left, i) {
			g.files[i].groups = nil
		}
	}
	g.count() // by another condition
	g.leaveOut(uncounted{})
	told, _ := g.rows()
	return told
}
