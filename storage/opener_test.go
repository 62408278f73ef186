package storage

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// named is a bucket that has nothing but a URL.
type named struct {
	url    string
	closed int
	err    error
}

func (b *named) URL() string { return b.url }
func (b *named) Close() error {
	b.closed++
	return b.err
}
func (b *named) List(context.Context, string) iter.Seq2[Object, error] {
	return func(func(Object, error) bool) {}
}
func (b *named) Stat(context.Context, string) (Object, error)              { return Object{}, ErrNotExist }
func (b *named) Open(context.Context, string, ReadOptions) (Reader, error) { return nil, ErrNotExist }
func (b *named) Create(context.Context, string, CreateOptions) (Writer, error) {
	return nil, ErrUnsupported
}
func (b *named) Delete(context.Context, ...string) error { return nil }

// newOpener knows the given schemes, and opens buckets that are only named.
func newOpener(defaultFS string, schemes ...string) *Opener {
	o := &Opener{DefaultFS: defaultFS}
	for _, s := range schemes {
		o.Register(func(_ context.Context, host string) (Bucket, error) {
			return &named{url: s + "://" + host + "/"}, nil
		}, s)
	}
	return o
}

// TestOpener opens the URLs of testdata/opener, one a line, and prints bucket and prefix.
func TestOpener(t *testing.T) {
	cases, err := filepath.Abs("testdata/opener")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("/usr") // which relative paths are taken from
	datadriven.RunTest(t, cases, func(t *testing.T, d *datadriven.TestData) string {
		defaultFS := ""
		schemes := []string{"s3", "file", "block"}
		for _, arg := range d.CmdArgs {
			switch arg.Key {
			case "hdfs":
				defaultFS = arg.Vals[0]
			case "schemes":
				schemes = arg.Vals
			}
		}
		o := newOpener(defaultFS, schemes...)
		var out strings.Builder
		for url := range strings.SplitSeq(d.Input, "\n") {
			if l, err := o.Open(t.Context(), url); err != nil {
				fmt.Fprintf(&out, "error: %v\n", err)
			} else {
				fmt.Fprintf(&out, "%s %q\n", l.Bucket.URL(), l.Prefix)
			}
		}
		return out.String()
	})
}

func TestOpenerSharesBuckets(t *testing.T) {
	o := newOpener("", "s3", "file")
	opened := map[Bucket]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, url := range []string{"s3://a/x", "s3a://a/y", "s3n://a", "s3://b/x", "/etc/x", "file:///y"} {
		wg.Go(func() {
			l, err := o.Open(t.Context(), url)
			if err != nil {
				t.Errorf("open %s: %v", url, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			opened[l.Bucket] = true
		})
	}
	wg.Wait()
	if len(opened) != 3 {
		t.Errorf("%d buckets are open, want one for each of s3://a, s3://b and local files", len(opened))
	}
	boom := errors.New("boom")
	for b := range opened {
		b.(*named).err = boom
	}
	if err := o.Close(); !errors.Is(err, boom) {
		t.Errorf("close: %v, want what the buckets said", err)
	}
	for b := range opened {
		if n := b.(*named).closed; n != 1 {
			t.Errorf("%s was closed %d times", b.URL(), n)
		}
	}
	if err := o.Close(); err != nil {
		t.Errorf("close again: %v", err)
	}
}

func TestOpenerPassesErrorsOn(t *testing.T) {
	boom := errors.New("boom")
	o := &Opener{}
	o.Register(func(context.Context, string) (Bucket, error) { return nil, boom }, "s3")
	if _, err := o.Open(t.Context(), "s3://a/b"); !errors.Is(err, boom) {
		t.Errorf("open: %v, want boom", err)
	}
}

func FuzzOpenerParse(f *testing.F) {
	for _, url := range []string{
		"s3://bucket/key", "s3a://b", "S3N://b/", "file:///etc/hostname", "file:/etc", "/etc",
		"relative/path", ".", "..", "block://v/a b", "hdfs:///x", "hdfs://nn:8020/x/", "", "://",
		"s3://", "s3:///x", "file://host/x", "x://y", "a//b/../c/",
		"s3://b//k", "s3://b/../k", "s3://b/%2F?x#y", "s3://ü/ü",
	} {
		f.Add(url)
	}
	o := newOpener("block://hdfs", "s3", "file", "block")
	f.Fuzz(func(t *testing.T, url string) {
		l, err := o.Open(t.Context(), url)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.URL != url {
				t.Errorf("open %q: %v, want an *Error about it", url, err)
			}
			return
		}
		if strings.HasPrefix(l.Bucket.URL(), "file:") {
			for segment := range strings.SplitSeq(l.Prefix, "/") {
				if segment == "." || segment == ".." {
					t.Errorf("open %q: prefix %q has dots", url, l.Prefix)
				}
			}
		}
		again, err := o.Open(t.Context(), l.URL())
		if err != nil || again != l {
			t.Errorf("open %q gives %q, and opening that gives %q, %v", url, l.URL(), again.Prefix, err)
		}
	})
}
