package duck_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/duck"
)

// TestHookHolds keeps a new DuckDB, or another linker, from reading past the hook unnoticed.
func TestHookHolds(t *testing.T) {
	if hooked := open(t, duck.Config{}).Hooked(); hooked != (runtime.GOOS == "linux") {
		t.Errorf("on %s the hook holds: %v", runtime.GOOS, hooked)
	}
}

// far is a Source whose files come by parts: what DuckDB opens are holes.
type far struct {
	*catalog
	holes   string
	fail    func(ctx context.Context) error // of each read; may be nil
	before  func(hiveql.Local)              // is shown what Local gives; may be nil
	brought atomic.Int64
	size    atomic.Int64
}

func (f *far) Local(_ context.Context, file hiveql.File) (hiveql.Local, error) {
	content, err := os.ReadFile("/" + file.Object.Key)
	if err != nil {
		return hiveql.Local{}, err
	}
	f.size.Add(int64(len(content)))
	path := filepath.Join(f.holes, filepath.Base(file.Object.Key))
	if err := os.WriteFile(path, make([]byte, len(content)), 0o600); err != nil {
		return hiveql.Local{}, err
	}
	local := hiveql.Local{Path: path, Parts: &farParts{far: f, path: path, content: content}, Release: func() {}}
	if f.before != nil {
		f.before(local)
	}
	return local, nil
}

// farParts brings 4 KiB blocks, so that what is not asked for stays away.
type farParts struct {
	*far
	path    string
	content []byte
	mu      sync.Mutex
	have    map[int64]bool
}

func (p *farParts) Hold(ctx context.Context, off, n int64) (func(), error) {
	if p.fail != nil {
		if err := p.fail(ctx); err != nil {
			return func() {}, err
		}
	}
	return func() {}, p.bring(off, n)
}

func (p *farParts) bring(off, n int64) error {
	const block = 4 << 10
	p.mu.Lock()
	defer p.mu.Unlock()
	f, err := os.OpenFile(p.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if p.have == nil {
		p.have = map[int64]bool{}
	}
	for b := off / block; b*block < min(off+n, int64(len(p.content))); b++ {
		if p.have[b] {
			continue
		}
		part := p.content[b*block : min((b+1)*block, int64(len(p.content)))]
		if _, err := f.WriteAt(part, b*block); err != nil {
			return err
		}
		p.have[b] = true
		p.brought.Add(int64(len(part)))
	}
	return nil
}

func (p *farParts) ReadAt(ctx context.Context, b []byte, off int64) (int, error) {
	if _, err := p.Hold(ctx, off, int64(len(b))); err != nil {
		return 0, err
	}
	f, err := os.Open(p.path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return f.ReadAt(b, off)
}

func (p *farParts) ReadOn(ctx context.Context, b []byte, off int64) (int, error) {
	return p.ReadAt(ctx, b, off)
}

func (p *farParts) Prefetch(int64, int64) {}

func (p *farParts) Missing(int64, int64) int64 { return 0 }

func (p *farParts) ReadTable() *hiveql.PartTable { return nil }

func (p *farParts) Verify([]uint32) error { return nil }

func (p *farParts) ReadConfirmed(ctx context.Context, b []byte, off int64) (int, error) {
	return p.ReadAt(ctx, b, off)
}

func (p *farParts) ConfirmAhead(off, n int64) { p.Prefetch(off, n) }

func (p *farParts) ConfirmWhole() bool { return true }

func (p *farParts) Unconfirmed(off, n int64) int64 { return p.Missing(off, n) }

func (p *farParts) Sure() bool { return true }

func (p *farParts) Prove(context.Context) error { return nil }

func (p *farParts) Marked(int64, int64, int) (bool, int) { return true, 0 }

func (p *farParts) Mark(int64, int64, int, int) error { return nil }

func (p *farParts) Again(context.Context, int64, int64) (bool, error) { return false, nil }

func (p *farParts) Recheck(context.Context, int64, int64) error { return nil }

func (p *farParts) Confirm(context.Context, int64, int64) error { return nil }

// farTable makes a table of two files of 100,000 rows, one column of which is long.
func farTable(t *testing.T, e *duck.Executor) *far {
	t.Helper()
	c := newCatalog(t)
	columns := []string{"id:int", "text:string"}
	table := c.newTable(t, "t", parquetInput, parquetSerDe, columns...)
	for _, name := range []string{"one", "two"} {
		c.into(t, e, table.Storage.Location, name, columns,
			"SELECT pos, md5(cast(pos AS string)) FROM (SELECT posexplode(split(space(99999), ' ')) AS (pos, v)) x")
	}
	return &far{catalog: c, holes: t.TempDir()}
}

func (f *far) rows(ctx context.Context, e *duck.Executor, sql string) (string, error) {
	q, err := f.analyze(ctx, sql)
	if err != nil {
		return "", err
	}
	rows, err := e.Query(ctx, q, f)
	if err != nil {
		return "", err
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		for _, v := range rows.Row() {
			out = append(out, fmt.Sprint(v))
		}
	}
	return strings.Join(out, " "), rows.Err()
}

func TestHookBringsWhatIsRead(t *testing.T) {
	e := open(t, duck.Config{Threads: 4})
	f := farTable(t, e)
	for _, q := range []struct {
		sql, want string
		all       bool
	}{
		{"SELECT sum(id), count(*) FROM t", "9999900000 200000", false},
		{"SELECT count(DISTINCT text) FROM t", "100000", true},
		{"SELECT text FROM t WHERE id = 77 LIMIT 1", "28dd2c7955ce926456240b2ff0100bde", true},
	} {
		f.brought.Store(0)
		f.size.Store(0)
		got, err := f.rows(t.Context(), e, q.sql)
		if err != nil || got != q.want {
			t.Errorf("%s: %q, %v; want %q", q.sql, got, err, q.want)
		}
		if brought, size := f.brought.Load(), f.size.Load(); !q.all && brought > size/2 {
			t.Errorf("%s: %d of %d bytes were brought", q.sql, brought, size)
		}
	}
	if n := duck.HookedFiles(); n != 0 {
		t.Errorf("%d files are still registered", n)
	}
}

func TestHookReportsWhy(t *testing.T) {
	e := open(t, duck.Config{})
	f := farTable(t, e)
	broken := errors.New("read s3://lake/t/one: the object was replaced")
	f.fail = func(context.Context) error { return broken }
	_, err := f.rows(t.Context(), e, "SELECT sum(id) FROM t")
	if !errors.Is(err, broken) || err == nil || !strings.Contains(err.Error(), broken.Error()) {
		t.Errorf("got %v", err)
	}
	f.fail = nil
	if got, err := f.rows(t.Context(), e, "SELECT count(id) FROM t"); err != nil || got != "200000" {
		t.Errorf("the next query: %q, %v", got, err)
	}
	if n := duck.HookedFiles(); n != 0 {
		t.Errorf("%d files are still registered", n)
	}
}

func TestHookIsCancelled(t *testing.T) {
	e := open(t, duck.Config{})
	f := farTable(t, e)
	ctx, cancel := context.WithCancel(t.Context())
	f.fail = func(ctx context.Context) error {
		cancel()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Minute):
			return errors.New("the read was not cancelled")
		}
	}
	if _, err := f.rows(ctx, e, "SELECT sum(id) FROM t"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if n := duck.HookedFiles(); n != 0 {
		t.Errorf("%d files are still registered", n)
	}
}

// TestHookKeepsFilesThatAreGivenUp: threads of a statement that is over may still open its files. What is
// on the disk is not what they read, nor what DuckDB keeps in its memory for others.
func TestHookKeepsFilesThatAreGivenUp(t *testing.T) {
	e := open(t, duck.Config{})
	whole, holes := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "holes")
	if err := e.Exec(t.Context(), "COPY (SELECT range AS n FROM range(100000)) TO '"+whole+"' (FORMAT parquet)"); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(holes, make([]byte, len(content)), 0o600); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-time.Hour) // DuckDB keeps nothing of files that were just changed
	if err := os.Chtimes(holes, long, long); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		end := duck.GiveUp(hiveql.Local{Path: holes, Parts: duck.Patch(content), Release: func() {}})
		sql := "SELECT CASE sum(n) WHEN 4999950000 THEN 1 ELSE error('another sum') END FROM read_parquet('" + holes + "')"
		if err := e.Exec(t.Context(), sql); err != nil {
			t.Errorf("%+v", err)
		}
		end()
		if n := duck.HookedFiles(); n != 0 {
			t.Errorf("%d files are still registered", n)
		}
	}
}

// TestWhatIsNoParquet: of a file that is found to be none when a query has begun, DuckDB does not say in
// which statement, and the error names it still.
func TestWhatIsNoParquet(t *testing.T) {
	for _, text := range []string{
		"Invalid Input Error: No magic bytes found at end of file '/cache/one'",
		"Invalid Input Error: Footer length error in file '/cache/one'",
		"Invalid Input Error: File '/cache/one': metadata is corrupt. Column 1 has invalid offset (offset=7 file_size=5).",
	} {
		const want = `read: a data file cannot be read: "/cache/one" is damaged, or no Parquet file`
		if err := duck.Failure(t.Context(), text); err.Error() != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestHookTakesUpFilesThatAreGivenUp: who needs a file that another statement has given up, and not given
// back yet, is not hit by the end of that one.
func TestHookTakesUpFilesThatAreGivenUp(t *testing.T) {
	e := open(t, duck.Config{})
	f := farTable(t, e)
	f.fail = func(ctx context.Context) error { return ctx.Err() }
	var mu sync.Mutex
	var ends []func()
	f.before = func(l hiveql.Local) {
		end := duck.GiveUp(l)
		mu.Lock()
		defer mu.Unlock()
		ends = append(ends, end)
	}
	if got, err := f.rows(t.Context(), e, "SELECT sum(id), count(*) FROM t"); err != nil || got != "9999900000 200000" {
		t.Errorf("%q, %v", got, err)
	}
	if n := duck.HookedFiles(); n != 2 || len(ends) != 2 {
		t.Errorf("%d files are registered, %d were given up", n, len(ends))
	}
	for _, end := range ends {
		end()
	}
	if n := duck.HookedFiles(); n != 0 {
		t.Errorf("%d files are still registered", n)
	}
}
