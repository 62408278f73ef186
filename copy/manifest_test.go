package copier_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

func manifestLines(t *testing.T, b *storagetest.Mem, key string) []string {
	t.Helper()
	content, ok := b.Content(key)
	if !ok {
		t.Fatalf("there is no %s, but %v", key, b.Keys())
	}
	return slices.Sorted(strings.Lines(gunzipped(t, content)))
}

// Of the outputs of groups a manifest does not tell enough; the store is asked for several at once.
func TestOutputsOfAManifestAreLookedUpAtOnce(t *testing.T) {
	src, dest, next := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://out/"), storagetest.NewMem("s3://next/")
	for i := range 100 {
		src.Put(fmt.Sprintf("h/g%02d-1", i), "x")
	}
	if _, err := copier.Run(t.Context(), at(src, ""), at(dest, ""), quick(copier.Options{GroupBy: `.*/(g\d+)-1`, OutputManifest: "m.gz"})); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var asked atomic.Int64
	all := make(chan struct{})
	meet := func(op storagetest.Op) error {
		if op.Kind == storagetest.OpStat {
			if asked.Add(1) == 8 {
				close(all)
			}
			select {
			case <-all:
			case <-ctx.Done():
			}
		}
		return nil
	}
	opts := quick(copier.Options{CopyFromManifest: true, PreviousManifest: at(dest, "m.gz"), Workers: 8})
	sum, err := copier.Run(ctx, at(storagetest.Faulty(dest, meet), ""), at(next, ""), opts)
	if err != nil || sum.Objects != 100 || ctx.Err() != nil {
		t.Errorf("%d copied, %d asked for: %v", sum.Objects, asked.Load(), err)
	}
}

func TestManifestIsS3DistCps(t *testing.T) {
	src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://out/")
	o := src.Put("in/d/a&b", "hello")
	if _, err := copier.Run(t.Context(), at(src, "in"), at(dest, "to/"), quick(copier.Options{OutputManifest: "m.gz"})); err != nil {
		t.Fatal(err)
	}
	lines := manifestLines(t, dest, "to/m.gz")
	prefix := `{"path":"s3://out/to/d/a&b","baseName":"d/a&b","srcDir":"s3://out/to","size":5,`
	if len(lines) != 1 || !strings.HasPrefix(lines[0], prefix) {
		t.Fatalf("got %s", lines)
	}
	var got struct{ CRC32C, ETag, MTime, Output string }
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil {
		t.Fatal(err)
	}
	if got.CRC32C != o.CRC32C.String() || got.ETag != o.ETag || got.MTime == "" || got.Output != "" {
		t.Errorf("%+v", got)
	}
}

// The manifest of a grouping job has a line with the checksum of each source.
func TestManifestOfGroups(t *testing.T) {
	src, dest := storagetest.NewMem("mem://lake/"), storagetest.NewMem("mem://out/")
	want := map[string]string{}
	for i := range 5 {
		key := fmt.Sprintf("d/x%d", i)
		want[src.Put(key, text(uint64(i), 3000)).CRC32C.String()] = "mem://out/" + key
	}
	opts := quick(copier.Options{OutputManifest: "m", GroupBy: ".*/(x).", PartSize: 1000})
	if _, err := copier.Run(t.Context(), at(unlisted{src, true}, ""), at(dest, ""), opts); err != nil {
		t.Fatal(err)
	}
	for _, line := range manifestLines(t, dest, "m") {
		var got struct{ Path, CRC32C, Output string }
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		if want[got.CRC32C] != got.Path || got.Output != "mem://out/d/x" {
			t.Errorf("%+v", got)
		}
		delete(want, got.CRC32C)
	}
	if len(want) != 0 {
		t.Errorf("not listed: %v", slices.Collect(maps.Values(want)))
	}
}

func TestPreviousManifestSkipsWhatIsUnchanged(t *testing.T) {
	src, dest := lake(), storagetest.NewMem("s3://out/")
	opts := quick(copier.Options{OutputManifest: "1.gz"})
	if _, err := copier.Run(t.Context(), at(src, "in/"), at(dest, ""), opts); err != nil {
		t.Fatal(err)
	}
	src.Put("in/0/part-3", text(99, 5000)) // of the same size
	src.Put("in/new", "new")
	opts.PreviousManifest, opts.OutputManifest = at(dest, "1.gz"), "2.gz"
	sum, err := copier.Run(t.Context(), at(src, "in/"), at(dest, ""), opts)
	if err != nil || sum.Objects != 2 || sum.Skipped != 7 {
		t.Fatalf("%+v, %v", sum, err)
	}
	if got := len(manifestLines(t, dest, "2.gz")); got != 9 {
		t.Errorf("the second manifest has %d lines, want all 9 files", got)
	}
	// S3DistCp's own manifests have sizes only.
	dest.Put("3.gz", `{"path":"s3://x/new","baseName":"new","srcDir":"s3://x","size":3}`+"\n\n"+
		`{"path":"s3://x/0/part-3","baseName":"0/part-3","srcDir":"s3://x","size":4}`)
	opts.PreviousManifest, opts.OutputManifest = at(dest, "3.gz"), ""
	if sum, err = copier.Run(t.Context(), at(src, "in/"), at(dest, ""), opts); err != nil || sum.Objects != 8 || sum.Skipped != 1 {
		t.Errorf("%+v, %v", sum, err)
	}
}

func TestCopyFromManifest(t *testing.T) {
	src, hop, dest := lake(), storagetest.NewMem("s3://hop/"), storagetest.NewMem("s3://out/")
	if _, err := copier.Run(t.Context(), at(src, "in/"), at(hop, "h"), quick(copier.Options{OutputManifest: "m.gz", SrcPattern: ".*/0/.*"})); err != nil {
		t.Fatal(err)
	}
	counting := storagetest.NewCounting(hop)
	hop.Put("h/later", "not in the manifest")
	opts := quick(copier.Options{PreviousManifest: at(hop, "h/m.gz"), CopyFromManifest: true})
	if _, err := copier.Run(t.Context(), at(counting, "h/"), at(dest, "o"), opts); err != nil {
		t.Fatal(err)
	}
	wantCopied(t, src, "in/0/", dest, "o/0/")
	if n := counting.Counts().List; n != 0 {
		t.Errorf("%d listings", n)
	}
	if err := hop.Delete(t.Context(), "h/0/part-0"); err != nil {
		t.Fatal(err)
	}
	_, err := copier.Run(t.Context(), at(hop, "h/"), at(dest, "o"), opts)
	if err == nil || !strings.Contains(err.Error(), "s3://hop/h/0/part-0: does not exist") {
		t.Errorf("got %v", err)
	}
}

func TestManifestErrors(t *testing.T) {
	src, dest := lake(), storagetest.NewMem("s3://out/")
	for content, want := range map[string]string{
		"":                                "", // not there
		"nonsense":                        "line 1: not a JSON object",
		"{\"path\":\"a\"}":                "line 1: path, baseName or size is missing",
		"\n{\"path\":\"a\",\"crc32c\":1}": "line 2: not a JSON object",
		"{\"path\":\"s3://b/x\",\"baseName\":\"x\",\"size\":1,\"crc32c\":\"?\"}": "line 1: crc32c",
		"\x1f\x8bnot gzip": "line 1: ",
	} {
		if content == "" {
			want = "s3://out/m: does not exist"
		} else {
			dest.Put("m", content)
		}
		_, err := copier.Run(t.Context(), at(src, "in/"), at(dest, "x"), quick(copier.Options{PreviousManifest: at(dest, "m")}))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "s3://out/m") {
			t.Errorf("%q: got %v, want %s", content, err, want)
		}
		if err := dest.Delete(t.Context(), "m"); err != nil {
			t.Fatal(err)
		}
	}
	opts := quick(copier.Options{PreviousManifest: at(dest, "m"), PreviousOptional: true})
	if sum, err := copier.Run(t.Context(), at(src, "in/"), at(dest, "x"), opts); err != nil || sum.Objects != 8 {
		t.Errorf("%+v, %v", sum, err)
	}
	dest.Put("m", `{"path":"s3://elsewhere/x","baseName":"x","srcDir":"s3://elsewhere","size":1}`)
	opts = quick(copier.Options{PreviousManifest: at(dest, "m"), CopyFromManifest: true})
	if _, err := copier.Run(t.Context(), at(src, "in/"), at(dest, "x"), opts); err == nil || !strings.Contains(err.Error(), "s3://elsewhere/x is not in s3://lake/") {
		t.Errorf("got %v", err)
	}
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"path":"s3://lake/in/0/part-0","baseName":"0/part-0","srcDir":"s3://lake/in","size":0,"crc32c":"AAAAAA=="}`))
	f.Add([]byte("\x1f\x8b"))
	f.Add([]byte("\n\n{}\nnull"))
	f.Fuzz(func(t *testing.T, content []byte) {
		src := lake()
		src.Put("m", string(content))
		opts := copier.Options{PreviousManifest: storage.Location{Bucket: src, Prefix: "m"}, CopyFromManifest: true}
		for task, err := range copier.Plan(t.Context(), at(src, "in/"), opts) {
			if err == nil && (task.Sources.Len() != 1 || task.Key == "" || task.Size() < 0) {
				t.Errorf("%+v", task)
			}
		}
	})
}

// A manifest of somebody else may tell no more than sizes. What has another size now is a failure, however
// it would be copied, and what is replaced while it is copied is, too.
func TestStaleManifest(t *testing.T) {
	for name, opts := range map[string]copier.Options{
		"server": {}, "stream": {DisableServerCopy: true, DisableParts: true}, "parts": {DisableServerCopy: true, PartSize: 100},
		"groups": {DisableServerCopy: true, PartSize: 100, GroupBy: `.*/([xy])`},
	} {
		for _, size := range []int{300, 499, 501, 700} {
			src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://copy/")
			src.Put("in/x", text(1, 500))
			src.Put("m.gz", gzipped(t, fmt.Sprintf(`{"path":"s3://lake/in/x","baseName":"x","srcDir":"s3://lake/in","size":%d}`, size)))
			opts.CopyFromManifest, opts.PreviousManifest, opts.Retries = true, at(src, "m.gz"), -1
			_, err := copier.Run(t.Context(), at(src, "in/"), at(dest, ""), quick(opts))
			var failed *copier.FailedError
			if !errors.As(err, &failed) || len(outputs(dest)) != 0 {
				t.Errorf("%s, %d bytes: %v, %v", name, size, err, dest.Keys())
			}
		}
	}
	src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://copy/")
	src.Put("in/x", text(1, 500))
	src.Put("m.gz", gzipped(t, `{"path":"s3://lake/in/x","baseName":"x","srcDir":"s3://lake/in","size":500}`))
	meddling := storagetest.Faulty(src, func(op storagetest.Op) error {
		if op.Kind == storagetest.OpOpen && op.N == 300 {
			src.Put("in/x", text(2, 500))
		}
		return nil
	})
	opts := copier.Options{
		CopyFromManifest: true, PreviousManifest: at(src, "m.gz"), DisableServerCopy: true, PartSize: 100, Workers: 1, Retries: -1,
	}
	if _, err := copier.Run(t.Context(), at(meddling, "in/"), at(dest, ""), quick(opts)); !errors.Is(err, storage.ErrChanged) {
		t.Errorf("replaced while it is copied: %v, %v", err, dest.Keys())
	}
}
