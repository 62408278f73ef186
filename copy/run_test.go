package copier_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

// quick are options for tests: small parts, and no waiting between attempts.
func quick(opts copier.Options) copier.Options {
	if opts.PartSize == 0 {
		opts.PartSize = 10_000
	}
	opts.Backoff = time.Nanosecond
	if opts.Workers == 0 {
		opts.Workers = 4
	}
	return opts
}

func at(b storage.Bucket, prefix string) storage.Location {
	return storage.Location{Bucket: b, Prefix: prefix}
}

// text is n bytes that differ from one seed to the next.
func text(seed uint64, n int) string {
	r := rand.New(rand.NewPCG(seed, 7))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + r.IntN(26))
	}
	return string(b)
}

func lake() *storagetest.Mem {
	src := storagetest.NewMem("s3://lake/")
	for i, size := range []int{0, 1, 100, 5000, 9999, 10_000, 10_001, 35_000} {
		src.Put(fmt.Sprintf("in/%d/part-%d", i%3, i), text(uint64(i), size))
	}
	src.Put("in/dir/", "")
	src.Put("other", "not copied")
	return src
}

func wantCopied(t *testing.T, src *storagetest.Mem, prefix string, dest *storagetest.Mem, to string) {
	t.Helper()
	want := map[string]string{}
	for key, content := range src.Contents() {
		if rel, ok := strings.CutPrefix(key, prefix); ok && !strings.HasSuffix(key, "/") {
			want[to+rel] = content
		}
	}
	wantContents(t, dest, want)
}

func wantContents(t *testing.T, dest *storagetest.Mem, want map[string]string) {
	t.Helper()
	got := outputs(dest)
	for key := range maps.Keys(want) {
		if g, ok := got[key]; !ok {
			t.Errorf("%s is missing", key)
		} else if g != want[key] {
			t.Errorf("%s has %d other bytes, want %d", key, len(g), len(want[key]))
		}
	}
	for key := range maps.Keys(got) {
		if _, ok := want[key]; !ok {
			t.Errorf("%s should not be there", key)
		}
	}
}

// outputs are the objects of b but for the records of grouping jobs.
func outputs(b *storagetest.Mem) map[string]string {
	contents := b.Contents()
	maps.DeleteFunc(contents, func(key, _ string) bool { return strings.Contains(key, ".distcp/") })
	return contents
}

func TestRunCopies(t *testing.T) {
	cases := map[string]copier.Options{
		"on the server":  {},
		"through us":     {DisableServerCopy: true},
		"in one piece":   {DisableServerCopy: true, DisableParts: true},
		"by one worker":  {DisableServerCopy: true, Workers: 1, PartSize: 7},
		"in small parts": {DisableServerCopy: true, Workers: 16, PartSize: 1000},
	}
	for name, opts := range cases {
		t.Run(name, func(t *testing.T) {
			src, dest := lake(), storagetest.NewMem("s3://out/")
			sum, err := copier.Run(t.Context(), at(src, "in/"), at(dest, "a/b"), quick(opts))
			if err != nil {
				t.Fatal(err)
			}
			wantCopied(t, src, "in/", dest, "a/b/")
			if sum.Objects != 8 || sum.Outputs != 8 || sum.Bytes != 70_101-0 || sum.Failed != 0 {
				t.Errorf("summary: %+v", sum)
			}
			if (sum.ServerCopied > 0) != (name == "on the server") {
				t.Errorf("%d outputs copied on the server", sum.ServerCopied)
			}
		})
	}
}

func TestContentTypeAndMetadataAreKept(t *testing.T) {
	for name, opts := range map[string]copier.Options{
		"server": {}, "stream": {DisableServerCopy: true}, "parts": {DisableServerCopy: true, PartSize: 3},
	} {
		t.Run(name, func(t *testing.T) {
			src, dest := storagetest.NewMem("mem://a/"), storagetest.NewMem("mem://b/")
			w, err := src.Create(t.Context(), "x", storage.CreateOptions{
				ContentType: "text/csv", Metadata: map[string]string{"owner": "ops"},
			})
			if err == nil {
				_, err = io.WriteString(w, "some text")
			}
			if err == nil {
				_, err = w.Commit()
			}
			if err == nil {
				_, err = copier.Run(t.Context(), at(src, ""), at(dest, ""), quick(opts))
			}
			if err != nil {
				t.Fatal(err)
			}
			o, err := dest.Stat(t.Context(), "x")
			if err != nil || o.ContentType != "text/csv" || o.Metadata["owner"] != "ops" {
				t.Errorf("%+v, %v", o, err)
			}
		})
	}
}

// A copy costs one listing of the source, one read and one write an object, and nothing else.
func TestCosts(t *testing.T) {
	src, dest := storagetest.NewCounting(lake()), storagetest.NewCounting(storagetest.NewMem("s3://out/"))
	if _, err := copier.Run(t.Context(), at(src, "in/"), at(dest, ""), quick(copier.Options{DisableServerCopy: true})); err != nil {
		t.Fatal(err)
	}
	// Two objects are above the part size: two and four parts, and one question for their metadata and checksum.
	got := src.Counts()
	if want := (storagetest.Counts{List: 1, Listed: 9, Open: 6 + 2 + 4, Stat: 2, BytesRead: 70_101}); got != want {
		t.Errorf("source: %+v", got)
	}
	got = dest.Counts()
	if want := (storagetest.Counts{List: 1, Create: 6, CreateParts: 2, WritePart: 6, Commit: 8, BytesWritten: 70_101, Abort: got.Abort}); got != want {
		t.Errorf("destination: %+v", got)
	}

	src.Reset()
	dest.Reset()
	if _, err := copier.Run(t.Context(), at(src, "in/"), at(dest, ""), quick(copier.Options{})); err != nil {
		t.Fatal(err)
	}
	if got, want := src.Counts(), (storagetest.Counts{List: 1, Listed: 9}); got != want {
		t.Errorf("source of a server-side copy: %+v", got)
	}
	if got := dest.Counts(); got.CopyFrom != 8 || got.Create+got.CreateParts+got.Stat != 0 {
		t.Errorf("destination of a server-side copy: %+v", got)
	}

	src.Reset()
	dest.Reset()
	if _, err := copier.Run(t.Context(), at(src, "in/"), at(dest, ""), copier.Options{DryRun: true, GroupBy: ".*/(.).*"}); err != nil {
		t.Fatal(err)
	}
	if got, want := src.Counts(), (storagetest.Counts{List: 1, Listed: 9}); got != want {
		t.Errorf("source of a dry run: %+v", got)
	}
	if got, want := dest.Counts(), (storagetest.Counts{List: 1, Stat: 1}); got != want {
		t.Errorf("destination of a dry run: %+v", got)
	}
}

func TestAnObjectReplacedMeanwhileIsAFailure(t *testing.T) {
	for _, opts := range []copier.Options{{DisableServerCopy: true}, {}, {DisableServerCopy: true, PartSize: 10}} {
		src, dest := storagetest.NewMem("mem://lake/"), storagetest.NewMem("mem://out/")
		src.Put("x", text(1, 100))
		var once sync.Once
		meddle := func(op storagetest.Op) error {
			if op.Kind == storagetest.OpOpen || op.Kind == storagetest.OpCopyFrom { // it has been listed
				once.Do(func() { src.Put("x", text(2, 100)) })
			}
			return nil
		}
		from, to := storagetest.Faulty(src, meddle), storagetest.Faulty(dest, meddle)
		_, err := copier.Run(t.Context(), at(from, ""), at(to, ""), quick(opts))
		if !errors.Is(err, storage.ErrChanged) || len(dest.Keys()) != 0 {
			t.Errorf("got %v, %v", err, dest.Keys())
		}
	}
}

func TestCancelledJobLeavesNothingPartial(t *testing.T) {
	for nth := range int64(60) {
		src, dest := lake(), storagetest.NewMem("s3://out/")
		stop := errors.New("stopped by the test")
		ctx, cancel := context.WithCancelCause(t.Context())
		var n atomic.Int64
		to := storagetest.Faulty(dest, func(storagetest.Op) error {
			if n.Add(1) == nth {
				cancel(stop)
			}
			return nil
		})
		_, err := copier.Run(ctx, at(src, "in/"), at(to, "x"), quick(copier.Options{DisableServerCopy: true, OutputManifest: "manifest.gz"}))
		if err != nil && !errors.Is(err, stop) {
			t.Errorf("stopped at operation %d: got %v", nth, err)
		}
		checkAfterFault(t, lake(), dest, copier.Options{OutputManifest: "manifest.gz"}, err, nth)
		cancel(nil)
	}
}

// Uploads that were begun are ended, whatever stops the job.
func TestNoUploadStaysOpen(t *testing.T) {
	for nth := range int64(80) {
		src, dest := lake(), &tracking{Mem: storagetest.NewMem("s3://out/")}
		ctx, cancel := context.WithCancel(t.Context())
		var n atomic.Int64
		from := storagetest.Faulty(src, func(storagetest.Op) error {
			if n.Add(1) == nth {
				cancel()
			}
			return nil
		})
		_, err := copier.Run(ctx, at(from, "in/"), at(dest, "x"), quick(copier.Options{DisableServerCopy: true, PartSize: 1000}))
		cancel()
		if open := dest.open.Load(); open != 0 {
			t.Errorf("stopped at operation %d: %d uploads are open after: %v", nth, open, err)
		}
	}
}

// tracking counts uploads that are open.
type tracking struct {
	*storagetest.Mem
	open atomic.Int64
}

func (b *tracking) CreateParts(ctx context.Context, key string, opts storage.CreateOptions) (storage.Upload, error) {
	u, err := b.Mem.CreateParts(ctx, key, opts)
	if err != nil {
		return nil, err
	}
	b.open.Add(1)
	return &trackedUpload{Upload: u, b: b}, nil
}

type trackedUpload struct {
	storage.Upload
	b     *tracking
	ended sync.Once
}

func (u *trackedUpload) Commit(ctx context.Context) (storage.Object, error) {
	u.ended.Do(func() { u.b.open.Add(-1) })
	return u.Upload.Commit(ctx)
}

func (u *trackedUpload) Abort(ctx context.Context) error {
	u.ended.Do(func() { u.b.open.Add(-1) })
	return u.Upload.Abort(ctx)
}

func TestOverlapsAreRefused(t *testing.T) {
	b := lake()
	for _, c := range []struct{ src, dest string }{
		{"in/", "in/"}, {"in/", "in/copy"}, {"", "backup/"}, {"in", "in-backup"}, {"in", "in"},
	} {
		_, err := copier.Run(t.Context(), at(b, c.src), at(b, c.dest), quick(copier.Options{}))
		if err == nil || !strings.Contains(err.Error(), "is inside the source") {
			t.Errorf("%s to %s: got %v", c.src, c.dest, err)
		}
	}
	if _, err := copier.Run(t.Context(), at(b, "in/"), at(b, "in-backup"), quick(copier.Options{})); err != nil {
		t.Error(err)
	}
}
