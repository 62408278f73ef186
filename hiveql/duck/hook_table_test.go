package duck_test

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/duck"
	"github.com/skepdata/skep/internal/castagnoli"
	"github.com/skepdata/skep/storage/rangecache"
	"github.com/skepdata/skep/storage/storagetest"
)

// asked are parts that count the reads that they are asked for.
type asked struct {
	*rangecache.File
	reads atomic.Int64
}

func (a *asked) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	a.reads.Add(1)
	return a.File.ReadAt(ctx, p, off)
}

func (a *asked) ReadOn(ctx context.Context, p []byte, off int64) (int, error) {
	a.reads.Add(1)
	return a.File.ReadOn(ctx, p, off)
}

// TestHookReadsByTable: what is in the cache is read without a call into Go, compared with its sum, and fetched again
// if the disk has damaged it.
func TestHookReadsByTable(t *testing.T) {
	e := open(t, duck.Config{})
	whole := filepath.Join(t.TempDir(), "whole")
	if err := e.Exec(t.Context(), "COPY (SELECT range AS n, hash(range) AS h FROM range(300000)) TO '"+whole+"' (FORMAT parquet)"); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	mem := storagetest.NewMem("mem://lake/")
	o := mem.Put("k", string(content))
	cache, err := rangecache.Open(t.TempDir(), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cache.Close() })
	query := func() (path string, reads, fetched, found int64) {
		t.Helper()
		f, err := cache.Object(t.Context(), mem, o)
		if err != nil {
			t.Fatal(err)
		}
		parts := &asked{File: f}
		end := duck.Read(t.Context(), hiveql.Local{Path: f.Path(), Parts: parts, Release: func() { f.Close() }})
		defer end()
		sql := "SELECT CASE WHEN sum(n) = 44999850000 AND count(DISTINCT h) = 300000 THEN 1 ELSE error('another sum') END FROM read_parquet('" + f.Path() + "')"
		if err := e.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
		return f.Path(), parts.reads.Load(), f.Fetched(), f.Found()
	}
	path, reads, fetched, _ := query()
	if reads == 0 || fetched == 0 {
		t.Fatalf("%d reads, %d bytes fetched, of what was not there", reads, fetched)
	}
	if _, reads, fetched, found := query(); reads != 0 || fetched != 0 || found < int64(len(content))/2 {
		t.Errorf("%d reads, %d bytes fetched, %d found, of what was there", reads, fetched, found)
	}

	content[len(content)/2] ^= 1
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour) // DuckDB keeps what it has read of a file as it was
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
	if _, reads, fetched, _ := query(); reads == 0 || fetched != hiveql.PartBlock {
		t.Errorf("%d reads, %d bytes fetched, of what was damaged", reads, fetched)
	}
	if n := duck.HookedFiles(); n != 0 {
		t.Errorf("%d files are still registered", n)
	}
}

func TestSumsInC(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	p := make([]byte, 1<<18)
	for i := range p {
		p[i] = byte(rng.Uint32())
	}
	for n := 1; n < len(p); n += 1 + n/7 {
		for _, from := range []int{0, 1, 5} {
			b := p[from:][:min(n, len(p)-from)]
			if got, want := duck.SumInC(b), castagnoli.Update(0, b); got != want {
				t.Errorf("%d bytes: %08x, want %08x", len(b), got, want)
			}
		}
	}
}
