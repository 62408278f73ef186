package copier_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
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

func TestGroupsAreConcatenatedInKeyOrder(t *testing.T) {
	for _, partSize := range []int64{1, 7, 1000, 100_000} {
		t.Run(fmt.Sprint(partSize), func(t *testing.T) {
			src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://out/")
			want := ""
			for i, size := range []int{0, 3, 0, 1200, 1, 0, 900, 0} {
				key := fmt.Sprintf("d/2024-01-%02d", i)
				want += text(uint64(i), size)
				src.Put(key, text(uint64(i), size))
			}
			src.Put("e/2024-02-01", "")
			sum, err := copier.Run(t.Context(), at(src, ""), at(dest, ""), quick(copier.Options{
				GroupBy: `.*/(\d+-\d+)-\d+`, PartSize: partSize,
			}))
			if err != nil || sum.Objects != 9 || sum.Outputs != 2 {
				t.Fatalf("%+v, %v", sum, err)
			}
			wantContents(t, dest, map[string]string{"d/2024-01": want, "e/2024-02": ""})
		})
	}
}

func gzipped(t *testing.T, s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func gunzipped(t *testing.T, s string) string {
	r, err := gzip.NewReader(strings.NewReader(s))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCodecs(t *testing.T) {
	a, b, c := text(1, 30_000), text(2, 10), text(3, 40_000)
	run := func(t *testing.T, codec copier.Codec, group string) *storagetest.Mem {
		src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://out/")
		src.Put("x/1.log.gz", gzipped(t, a))
		src.Put("x/2.log.gz", gzipped(t, b)+gzipped(t, ""))
		src.Put("x/3.log.gz", gzipped(t, c))
		if codec != copier.CodecKeep {
			src.Put("x/4.log", c)
		}
		if _, err := copier.Run(t.Context(), at(src, ""), at(dest, ""), quick(copier.Options{GroupBy: group, OutputCodec: codec})); err != nil {
			t.Fatal(err)
		}
		return dest
	}
	t.Run("gzip files are put together without decoding", func(t *testing.T) {
		got, _ := run(t, copier.CodecKeep, ".*/(x)/.*").Content("x/x.gz")
		if want := gzipped(t, a) + gzipped(t, b) + gzipped(t, "") + gzipped(t, c); got != want {
			t.Error("not the bytes of the sources")
		}
		if gunzipped(t, got) != a+b+c {
			t.Error("the output is not the text of the sources")
		}
	})
	t.Run("gzip compresses the others", func(t *testing.T) {
		got, _ := run(t, copier.CodecGzip, ".*/(x)/.*").Content("x/x.gz")
		if gunzipped(t, got) != a+b+c+c {
			t.Error("the output is not the text of the sources")
		}
	})
	t.Run("none decodes", func(t *testing.T) {
		wantContents(t, run(t, copier.CodecNone, ".*/(x)/.*"), map[string]string{"x/x.log": a + b + c + c})
		wantContents(t, run(t, copier.CodecNone, ""), map[string]string{"x/1.log": a, "x/2.log": b, "x/3.log": c, "x/4.log": c})
	})
	t.Run("what is not gzip is an error that names it", func(t *testing.T) {
		src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://out/")
		src.Put("bad.gz", text(1, 1000))
		src.Put("good.gz", gzipped(t, a))
		sum, err := copier.Run(t.Context(), at(src, ""), at(dest, ""), quick(copier.Options{OutputCodec: copier.CodecNone}))
		if err == nil || !strings.Contains(err.Error(), "s3://lake/bad.gz: decode gzip") || sum.Failed != 1 {
			t.Errorf("%+v, %v", sum, err)
		}
		wantContents(t, dest, map[string]string{"good": a})
	})
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

// Every single operation of a job fails once, for good or for the moment, in one piece and in
// parts, at the source and at the destination.
func TestEveryFault(t *testing.T) {
	type side int
	const source, destination side = 0, 1
	for name, base := range map[string]copier.Options{
		"streamed":   {DisableServerCopy: true, DisableParts: true},
		"in parts":   {DisableServerCopy: true},
		"on server":  {},
		"grouped":    {GroupBy: ".*/in/(.)/.*"},
		"deleting":   {DeleteOnSuccess: true, DisableServerCopy: true},
		"manifested": {OutputManifest: "manifest.gz", DisableServerCopy: true},
	} {
		for _, where := range []side{source, destination} {
			for _, temporary := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/side=%d/temporary=%t", name, where, temporary), func(t *testing.T) {
					opts := quick(base)
					for nth := int64(0); ; nth++ {
						src, dest := lake(), storagetest.NewMem("s3://out/")
						original := lake()
						var n atomic.Int64
						fail := func(op storagetest.Op) error {
							if n.Add(1)-1 == nth {
								return &storage.Error{Op: string(op.Kind), Err: fmt.Errorf("injected into %s", op), Temporary: temporary}
							}
							return nil
						}
						from, to := storage.Bucket(src), storage.Bucket(dest)
						if where == source {
							from = storagetest.Faulty(src, fail)
						} else {
							to = storagetest.Faulty(dest, fail)
						}
						_, err := copier.Run(t.Context(), at(from, "in/"), at(to, "x"), opts)
						if n.Load() <= nth {
							if err != nil {
								t.Fatalf("without a fault: %v", err)
							}
							break
						}
						checkAfterFault(t, original, dest, base, err, nth)
						if err != nil && temporary && !strings.Contains(err.Error(), "list") && !strings.Contains(err.Error(), "manifest") {
							t.Fatalf("operation %d: a passing fault was not survived: %v", nth, err)
						}
						if _, err := copier.Run(t.Context(), at(src, "in/"), at(dest, "x"), opts); err != nil {
							t.Fatalf("operation %d: run again: %v", nth, err)
						}
						checkComplete(t, original, src, dest, base)
						if t.Failed() {
							t.Fatalf("after a fault in operation %d", nth)
						}
					}
				})
			}
		}
	}
}

// expected is what a job with the given options makes of lake's in/.
func expected(original *storagetest.Mem, opts copier.Options) map[string]string {
	want := map[string]string{}
	contents := original.Contents()
	for _, key := range slices.Sorted(maps.Keys(contents)) {
		rel, ok := strings.CutPrefix(key, "in/")
		if !ok || strings.HasSuffix(key, "/") {
			continue
		}
		if opts.GroupBy != "" {
			rel = rel[:2] + rel[:1]
		}
		want["x/"+rel] += contents[key]
	}
	return want
}

// checkAfterFault looks for anything at the destination that is not whole.
func checkAfterFault(t *testing.T, original, dest *storagetest.Mem, opts copier.Options, err error, nth int64) {
	t.Helper()
	want := expected(original, opts)
	got := outputs(dest)
	for key, content := range got {
		if key == "x/manifest.gz" && opts.OutputManifest != "" {
			continue
		}
		if w, ok := want[key]; !ok || w != content {
			t.Errorf("operation %d: %s is visible with %d bytes, want %d", nth, key, len(content), len(w))
		}
	}
	if _, ok := got["x/manifest.gz"]; ok && len(got) <= len(want) {
		t.Errorf("operation %d: there is a manifest, but not all of what it lists", nth)
	}
	if err == nil && len(got) < len(want) {
		t.Errorf("operation %d: no error, and %d of %d outputs", nth, len(got), len(want))
	}
}

func checkComplete(t *testing.T, original, src, dest *storagetest.Mem, opts copier.Options) {
	t.Helper()
	want := expected(original, opts)
	if opts.OutputManifest != "" {
		manifest, _ := dest.Content("x/manifest.gz")
		want["x/manifest.gz"] = manifest
		if lines := strings.Count(gunzipped(t, manifest), "\n"); lines != 8 {
			t.Errorf("the manifest has %d lines", lines)
		}
	}
	wantContents(t, dest, want)
	left := 0
	for _, key := range src.Keys() {
		if strings.HasPrefix(key, "in/") && !strings.HasSuffix(key, "/") {
			left++
		}
	}
	if opts.DeleteOnSuccess && left != 0 {
		t.Errorf("%d sources are left", left)
	}
	if _, ok := src.Content("other"); !ok {
		t.Error("an object outside the source is gone")
	}
}

func TestOneBadObjectDoesNotStopTheOthers(t *testing.T) {
	src, dest := lake(), storagetest.NewMem("s3://out/")
	broken := storagetest.Faulty(src, func(op storagetest.Op) error {
		if op.Kind == storagetest.OpRead && op.N > 0 && (strings.HasSuffix(op.Key, "part-3") || strings.HasSuffix(op.Key, "part-7")) {
			return errors.New("bad sector")
		}
		return nil
	})
	var events []copier.Event
	sum, err := copier.Run(t.Context(), at(broken, "in/"), at(dest, ""), quick(copier.Options{
		DisableServerCopy: true, OutputManifest: "m.gz", DeleteOnSuccess: true, Report: func(e copier.Event) { events = append(events, e) },
	}))
	var failed *copier.FailedError
	if !errors.As(err, &failed) || failed.Failed != 2 || failed.Outputs != 8 || !strings.Contains(err.Error(), "bad sector") {
		t.Fatalf("got %v", err)
	}
	if sum.Objects != 6 || sum.Deleted != 6 || len(sum.Failures) != 2 || sum.Retries != 0 {
		t.Errorf("%+v", sum)
	}
	if got := dest.Keys(); len(got) != 6 {
		t.Errorf("at the destination: %v", got)
	}
	for _, key := range []string{"in/0/part-3", "in/1/part-7"} {
		if _, ok := src.Content(key); !ok {
			t.Errorf("%s was deleted though its copy failed", key)
		}
	}
	var net int64
	ended := map[string]int{}
	for _, e := range events {
		switch e.Kind {
		case copier.Progress:
			net += e.Bytes
		case copier.Copied, copier.Failed:
			ended[e.Dest]++
		}
	}
	if net != sum.Bytes || len(ended) != 8 {
		t.Errorf("progress of %d bytes for %d copied; %d outputs ended", net, sum.Bytes, len(ended))
	}
}

func TestDamageIsFound(t *testing.T) {
	t.Run("of what is read", func(t *testing.T) {
		for _, opts := range []copier.Options{{DisableParts: true}, {PartSize: 9}, {PartSize: 9, GroupBy: ".*(in).*"}} {
			src, dest := storagetest.NewMem("mem://lake/"), storagetest.NewMem("mem://out/")
			src.Put("in/x", text(1, 100))
			src.Put("in/y", text(2, 50))
			opts.DisableServerCopy = true
			opts.Retries = 1
			_, err := copier.Run(t.Context(), at(damaging{src, "in/y"}, ""), at(dest, ""), quick(opts))
			if !errors.Is(err, storage.ErrChecksum) || !strings.Contains(err.Error(), "mem://lake/in/y") {
				t.Errorf("got %v", err)
			}
			for _, key := range dest.Keys() {
				if key != "in/x" {
					t.Errorf("%s is visible", key)
				}
			}
		}
	})
	t.Run("of what is stored", func(t *testing.T) {
		for _, opts := range []copier.Options{{DisableParts: true, DisableServerCopy: true}, {PartSize: 9, DisableServerCopy: true}, {PartSize: 9, DisableServerCopy: true, Retries: 2}, {}} {
			src, dest := storagetest.NewMem("mem://lake/"), storagetest.NewMem("mem://out/")
			src.Put("in/x", text(1, 100))
			_, err := copier.Run(t.Context(), at(src, ""), at(lying{dest, opts.Retries > 0}, ""), quick(opts))
			if !errors.Is(err, storage.ErrChecksum) || len(dest.Keys()) != 0 {
				t.Errorf("%+v: got %v, and %v is visible", opts, err, dest.Keys())
			}
		}
	})
}

// damaging flips a bit of one object as it is read, behind the store's own verification.
type damaging struct {
	*storagetest.Mem
	key string
}

func (d damaging) Open(ctx context.Context, key string, opts storage.ReadOptions) (storage.Reader, error) {
	r, err := d.Mem.Open(ctx, key, opts)
	if err != nil || key != d.key {
		return r, err
	}
	return &damagedReader{Reader: r}, nil
}

type damagedReader struct {
	storage.Reader
	done bool
}

func (d *damagedReader) Read(p []byte) (int, error) {
	n, err := d.Reader.Read(p)
	if n > 0 && !d.done {
		p[0] ^= 4
		d.done = true
	}
	return n, err
}

// lying reports wrong checksums for what it stores.
type lying struct {
	*storagetest.Mem
	parts bool // of the parts of an upload rather than the whole
}

func (l lying) Create(ctx context.Context, key string, opts storage.CreateOptions) (storage.Writer, error) {
	w, err := l.Mem.Create(ctx, key, opts)
	return lyingWriter{w}, err
}

func (l lying) CreateParts(ctx context.Context, key string, opts storage.CreateOptions) (storage.Upload, error) {
	u, err := l.Mem.CreateParts(ctx, key, opts)
	return lyingUpload{u, l.parts}, err
}

func (l lying) CopyFrom(ctx context.Context, key string, src storage.Bucket, o storage.Object) (storage.Object, error) {
	o, err := l.Mem.CopyFrom(ctx, key, src, o)
	o.CRC32C.Sum++
	return o, err
}

type lyingWriter struct{ storage.Writer }

func (w lyingWriter) Commit() (storage.Object, error) {
	o, err := w.Writer.Commit()
	o.CRC32C.Sum++
	return o, err
}

type lyingUpload struct {
	storage.Upload
	parts bool // rather than of the whole
}

// WritePart tells the truth about all parts but the first.
func (u lyingUpload) WritePart(ctx context.Context, n int, r io.Reader, size int64) (storage.Checksum, error) {
	sum, err := u.Upload.WritePart(ctx, n, r, size)
	if n == 0 && u.parts {
		sum.Sum++
	}
	return sum, err
}

func (u lyingUpload) Commit(ctx context.Context) (storage.Object, error) {
	o, err := u.Upload.Commit(ctx)
	if !u.parts {
		o.CRC32C.Sum++
	}
	return o, err
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

func TestCompactionInPlace(t *testing.T) {
	b := storagetest.NewMem("s3://lake/")
	for i := range 5 {
		b.Put(fmt.Sprintf("d/2024-01-%02d", i), fmt.Sprint(i))
	}
	b.Put("d/2024-01", "a source of that name")
	opts := quick(copier.Options{GroupBy: `.*/(\d+-\d+)(?:-\d+)?`, DeleteOnSuccess: true})
	if _, err := copier.Run(t.Context(), at(b, "d/"), at(b, "d/"), opts); err != nil {
		t.Fatal(err)
	}
	wantContents(t, b, map[string]string{"d/2024-011": "a source of that name01234"})
}

// With DeleteOnSuccess an output may be all that is left of its sources.
func TestDeletingGroupsNeverReplaceEarlierOnes(t *testing.T) {
	src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://out/")
	opts := quick(copier.Options{GroupBy: `.*/(day)-\d+`, DeleteOnSuccess: true})
	run := func() copier.Summary {
		t.Helper()
		sum, err := copier.Run(t.Context(), at(src, ""), at(dest, ""), opts)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	src.Put("h/day-1", "one ")
	src.Put("h/day-2", "two ")
	run()
	src.Put("h/day-3", "three ")
	run()
	wantContents(t, dest, map[string]string{"h/day": "one two ", "h/day1": "three "})

	// What could not be deleted does not become part of a further output.
	src.Put("h/day-4", "four ")
	src.Put("h/day-5", "five ")
	stuck := storagetest.Faulty(src, func(op storagetest.Op) error {
		if op.Kind == storagetest.OpDelete && op.Key == "h/day-5" {
			return storage.ErrPermission
		}
		return nil
	})
	sum, err := copier.Run(t.Context(), at(stuck, ""), at(dest, ""), opts)
	if err != nil || sum.Deleted != 1 || sum.DeleteFailures != 1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	src.Put("h/day-6", "six ")
	if sum := run(); sum.Objects != 1 || sum.Deleted != 2 {
		t.Errorf("%+v", sum)
	}
	wantContents(t, dest, map[string]string{
		"h/day": "one two ", "h/day1": "three ", "h/day2": "four five ", "h/day3": "six ",
	})
	if keys := src.Keys(); len(keys) != 0 {
		t.Errorf("left: %v", keys)
	}
}

// A source that was replaced after it was grouped is another one.
func TestReplacedSourceIsNotDeleted(t *testing.T) {
	src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://out/")
	src.Put("h/x-1", "one")
	stuck := storagetest.Faulty(src, func(op storagetest.Op) error {
		if op.Kind == storagetest.OpDelete {
			return storage.ErrPermission
		}
		return nil
	})
	opts := quick(copier.Options{GroupBy: `.*/(x)-.`, DeleteOnSuccess: true})
	if sum, err := copier.Run(t.Context(), at(stuck, ""), at(dest, ""), opts); err != nil || sum.DeleteFailures != 1 {
		t.Fatal(sum, err)
	}
	src.Put("h/x-1", "two")
	if _, err := copier.Run(t.Context(), at(src, ""), at(dest, ""), opts); err != nil {
		t.Fatal(err)
	}
	wantContents(t, dest, map[string]string{"h/x": "one", "h/x1": "two"})
}

// A job that deletes what it has grouped stops at any of its operations; new files arrive, it is
// run again, and every file is in exactly one output.
func TestStoppedWhileDeletingGroups(t *testing.T) {
	for _, parts := range []bool{false, true} {
		for nth := int64(1); ; nth++ {
			src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://out/")
			for i := range 12 {
				src.Put(fmt.Sprintf("h/g%d-%02d", i%2, i), fmt.Sprintf("<%d>", i))
			}
			opts := quick(copier.Options{GroupBy: `.*/(g\d)-\d+`, TargetSize: 9, DeleteOnSuccess: true, Workers: 2, DisableParts: !parts, PartSize: 4})
			ctx, cancel := context.WithCancel(t.Context())
			var n atomic.Int64
			stop := func(op storagetest.Op) error {
				if n.Add(1) >= nth {
					cancel()
					return errors.New("the machine is off")
				}
				return nil
			}
			_, err := copier.Run(ctx, at(storagetest.Faulty(src, stop), ""), at(storagetest.Faulty(dest, stop), ""), opts)
			cancel()
			if n.Load() < nth {
				if err != nil {
					t.Fatal(err)
				}
				break
			}
			src.Put("h/g0-99", "<99>")
			if _, err := copier.Run(t.Context(), at(src, ""), at(dest, ""), opts); err != nil {
				t.Fatalf("stopped at operation %d: %v", nth, err)
			}
			all := strings.Join(slices.Sorted(maps.Values(outputs(dest))), "")
			for _, i := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 99} {
				if c := strings.Count(all, fmt.Sprintf("<%d>", i)); c != 1 {
					t.Errorf("stopped at operation %d: file %d is there %d times", nth, i, c)
				}
			}
			if len(src.Keys()) != 0 {
				t.Errorf("stopped at operation %d: left: %v", nth, src.Keys())
			}
			for _, key := range dest.Keys() {
				if strings.HasPrefix(key, ".distcp/") {
					t.Errorf("stopped at operation %d: %s is left", nth, key)
				}
			}
			if t.Failed() {
				t.FailNow()
			}
		}
	}
}

func TestGivenUpWhenTheDestinationWantsNothing(t *testing.T) {
	for _, objects := range []int{3, 5000} {
		t.Run(fmt.Sprint(objects), func(t *testing.T) { testGivenUp(t, objects) })
	}
}

func testGivenUp(t *testing.T, objects int) {
	src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://out/")
	for i := range objects {
		src.Put(fmt.Sprintf("x/%04d", i), "x")
	}
	var tried atomic.Int64
	closed := storagetest.Faulty(dest, func(op storagetest.Op) error {
		if op.Kind == storagetest.OpCreate {
			tried.Add(1)
			return storage.ErrPermission
		}
		return nil
	})
	_, err := copier.Run(t.Context(), at(src, ""), at(closed, ""), quick(copier.Options{DisableServerCopy: true}))
	var failed *copier.FailedError
	if !errors.Is(err, storage.ErrPermission) || errors.As(err, &failed) || tried.Load() > 100 {
		t.Errorf("after %d attempts: %v", tried.Load(), err)
	}
}

// A server that has gone for good is not asked for every object.
func TestGivenUpWhenAServerHasGone(t *testing.T) {
	src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://out/")
	for i := range 5000 {
		src.Put(fmt.Sprintf("x/%04d", i), "x")
	}
	var opens atomic.Int64
	gone := storagetest.Faulty(src, func(op storagetest.Op) error {
		if op.Kind == storagetest.OpOpen && opens.Add(1) > 100 {
			return &storage.Error{Err: errors.New("connection refused"), Temporary: true}
		}
		return nil
	})
	sum, err := copier.Run(t.Context(), at(gone, ""), at(dest, ""), quick(copier.Options{DisableServerCopy: true}))
	var failed *copier.FailedError
	if err == nil || errors.As(err, &failed) || !strings.Contains(err.Error(), "connection refused") || opens.Load() > 200 {
		t.Errorf("after %d attempts: %v, %+v", opens.Load(), err, sum)
	}
	// Those that were on their way when the job was given up may not have arrived.
	if sum.Objects > 100 || sum.Objects < 50 {
		t.Errorf("%d objects copied of the 100 that could be read", sum.Objects)
	}
}

// Random jobs must do what the ten lines of serial do.
func TestRandomJobsAgainstASerialCopy(t *testing.T) {
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 99))
		src, dest, want := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://out/"), map[string]string{}
		for range r.IntN(40) {
			key := fmt.Sprintf("%c%s%d-%d", 'a'+r.IntN(3), []string{"/", "-", "/x/"}[r.IntN(3)], r.IntN(5), r.IntN(5))
			src.Put(key, text(r.Uint64(), r.IntN(200)*r.IntN(50)))
		}
		opts := quick(copier.Options{
			SrcPattern: []string{"", ".*/.*", ".*[0-3]"}[r.IntN(3)], GroupBy: []string{"", `.*/([^/]*)-\d`, `.*(\d)-(\d)`}[r.IntN(3)],
			TargetSize: int64(r.IntN(3) * 3000), NumberFiles: r.IntN(4) == 0, StartingIndex: int64(r.IntN(20)),
			Workers: 1 + r.IntN(8), PartSize: int64(1 + r.IntN(5000)), DisableParts: r.IntN(3) == 0, DisableServerCopy: r.IntN(3) == 0,
		})
		prefix := []string{"", "a", "b/"}[r.IntN(3)]
		serial(t, at(src, prefix), opts, want)
		if _, err := copier.Run(t.Context(), at(src, prefix), at(dest, "o"), opts); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		wantContents(t, dest, want)
		if t.Failed() {
			t.Fatalf("seed %d: %+v", seed, opts)
		}
	}
}

// serial is a copy job in its simplest form.
func serial(t *testing.T, src storage.Location, opts copier.Options, into map[string]string) {
	for task, err := range copier.Plan(t.Context(), src, opts) {
		if err != nil {
			t.Fatal(err)
		}
		content := ""
		for _, s := range task.Sources {
			c, _ := src.Bucket.(*storagetest.Mem).Content(s.Key)
			content += c
		}
		into[path.Join("o", task.Key)] = content
	}
}
