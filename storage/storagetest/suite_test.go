package storagetest

import (
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/skepdata/skep/storage"
)

// broken are stores that break one sentence of the contract each, with the group of the suite
// that must notice.
var broken = map[string]struct {
	group string
	wrap  func(*Mem) storage.Bucket
}{
	"walks the tree":             {"List", func(m *Mem) storage.Bucket { return &treeOrder{m} }},
	"ignores part of the prefix": {"List", func(m *Mem) storage.Bucket { return &dirPrefix{m} }},
	"shows before commit":        {"Write", func(m *Mem) storage.Bucket { return &eager{m} }},
	"commits on abort":           {"Write", func(m *Mem) storage.Bucket { return &stubborn{m} }},
	"ignores the context":        {"Write", func(m *Mem) storage.Bucket { return &deaf{m} }},
	"ignores If-Match":           {"Read", func(m *Mem) storage.Bucket { return &careless{m} }},
	"appends":                    {"Write", func(m *Mem) storage.Bucket { return &appender{m} }},
	"forgets bytes":              {"Read", func(m *Mem) storage.Bucket { return &short{m} }},
}

type treeOrder struct{ *Mem }

func (b *treeOrder) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	var all []storage.Object
	for o, err := range b.Mem.List(ctx, prefix) {
		if err != nil {
			return b.Mem.List(ctx, prefix)
		}
		all = append(all, o)
	}
	slices.SortFunc(all, func(x, y storage.Object) int {
		return slices.Compare(strings.Split(x.Key, "/"), strings.Split(y.Key, "/"))
	})
	return func(yield func(storage.Object, error) bool) {
		for _, o := range all {
			if !yield(o, nil) {
				return
			}
		}
	}
}

type dirPrefix struct{ *Mem }

func (b *dirPrefix) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return b.Mem.List(ctx, prefix[:strings.LastIndex(prefix, "/")+1])
}

type eager struct{ *Mem }

func (b *eager) Create(
	ctx context.Context, key string, opts storage.CreateOptions,
) (storage.Writer, error) {
	if key != "" && ctx.Err() == nil {
		b.Put(key, "")
	}
	return b.Mem.Create(ctx, key, opts)
}

type stubborn struct{ *Mem }

type stubbornWriter struct{ storage.Writer }

func (w stubbornWriter) Abort() error { w.Commit(); return nil }

func (b *stubborn) Create(
	ctx context.Context, key string, opts storage.CreateOptions,
) (storage.Writer, error) {
	w, err := b.Mem.Create(ctx, key, opts)
	return stubbornWriter{w}, err
}

type deaf struct{ *Mem }

func (b *deaf) Create(
	ctx context.Context, key string, opts storage.CreateOptions,
) (storage.Writer, error) {
	return b.Mem.Create(context.WithoutCancel(ctx), key, opts)
}

type careless struct{ *Mem }

func (b *careless) Open(
	ctx context.Context, key string, opts storage.ReadOptions,
) (storage.Reader, error) {
	opts.IfMatch = ""
	return b.Mem.Open(ctx, key, opts)
}

type appender struct{ *Mem }

func (b *appender) Create(
	ctx context.Context, key string, opts storage.CreateOptions,
) (storage.Writer, error) {
	w, err := b.Mem.Create(ctx, key, opts)
	if old, ok := b.Content(key); ok && err == nil {
		w.Write([]byte(old))
	}
	return w, err
}

type short struct{ *Mem }

type shortReader struct {
	storage.Reader
	r io.Reader
}

func (r shortReader) Read(p []byte) (int, error) { return r.r.Read(p) }

func (b *short) Open(
	ctx context.Context, key string, opts storage.ReadOptions,
) (storage.Reader, error) {
	r, err := b.Mem.Open(ctx, key, opts)
	if err != nil {
		return nil, err
	}
	return shortReader{r, io.LimitReader(r, 65536)}, nil
}

const brokenEnv = "STORAGETEST_BROKEN"

// TestBroken is run by TestSuiteNotices in a process of its own, where it is to fail.
func TestBroken(t *testing.T) {
	b, ok := broken[os.Getenv(brokenEnv)]
	if !ok {
		return
	}
	Run(t, Config{New: func(testing.TB) storage.Bucket { return b.wrap(NewMem("mem://test/")) }})
}

func TestSuiteNotices(t *testing.T) {
	for name, b := range broken {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBroken$", "-test.timeout=60s")
			cmd.Env = append(os.Environ(), brokenEnv+"="+name)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || !strings.Contains(string(out), "--- FAIL: TestBroken/"+b.group+"/") {
				t.Errorf("the suite passes, or fails elsewhere than in %s: %v\n%s", b.group, err, out)
			}
		})
	}
}
