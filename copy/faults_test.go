package copier_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

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

// A full disk is not tried with every object; what finds room in between is copied.
func TestGivenUpWhenADiskIsFull(t *testing.T) {
	src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://out/")
	for i := range 5000 {
		src.Put(fmt.Sprintf("x/%04d", i), "x")
	}
	var tried atomic.Int64
	full := storagetest.Faulty(dest, func(op storagetest.Op) error {
		if op.Kind == storagetest.OpCreate && tried.Add(1) > 100 && tried.Load() != 110 {
			return &storage.Error{Err: syscall.ENOSPC}
		}
		return nil
	})
	var rows []int64
	report := func(e copier.Event) {
		if e.Kind == copier.Failed {
			rows = append(rows, e.Row)
		}
	}
	sum, err := copier.Run(t.Context(), at(src, ""), at(full, ""), quick(copier.Options{DisableServerCopy: true, Workers: 1, Report: report}))
	var failed *copier.FailedError
	var givenUp *copier.GivenUpError
	if !errors.Is(err, syscall.ENOSPC) || errors.As(err, &failed) || !errors.As(err, &givenUp) || sum.Outputs < 101 || tried.Load() > 200 {
		t.Errorf("after %d attempts: %v, %+v", tried.Load(), err, sum)
	}
	if len(rows) < 31 || rows[0] != 1 || rows[len(rows)-1] != 31 {
		t.Errorf("rows of failures: %d", rows)
	}
}

// A destination that takes no output as it is to be ends a job with the first, if there are none yet.
func TestRefusedOptionsEndAJob(t *testing.T) {
	for name, made := range map[string]bool{"nothing made": false, "something made": true} {
		src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://out/")
		for i := range 50 {
			src.Put(fmt.Sprintf("x/%04d", i), "x")
		}
		refuses := storagetest.Faulty(dest, func(op storagetest.Op) error {
			if op.Kind == storagetest.OpCommit && !(made && op.Key == "x/0000") {
				return &storage.Error{Err: storage.ErrRefused}
			}
			return nil
		})
		sum, err := copier.Run(t.Context(), at(src, ""), at(refuses, ""), quick(copier.Options{DisableServerCopy: true, Workers: 1}))
		var failed *copier.FailedError
		if !errors.Is(err, storage.ErrRefused) || errors.As(err, &failed) != made || sum.Failed != map[bool]int64{true: 49}[made] {
			t.Errorf("%s: %v, %+v", name, err, sum)
		}
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

// closedDir tells of a directory that may not be listed.
type closedDir struct {
	storage.Bucket
	key string
}

func (c closedDir) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	if tell := storage.TellIgnored(ctx); tell != nil {
		tell(storage.Ignored{Object: storage.Object{Key: c.key}, Err: &storage.Error{Op: "list", URL: c.URL() + c.key, Err: storage.ErrPermission}})
	}
	return c.Bucket.List(ctx, prefix)
}

// A directory that may not be listed is a failure, after which nothing is deleted, and the rest is
// copied; unless the rules leave out whatever is in it.
func TestDirectoriesThatMayNotBeListed(t *testing.T) {
	for _, c := range []struct {
		rules  []copier.Rule
		failed int64
	}{
		{nil, 1},
		{[]copier.Rule{{Glob: "b/*", Exclude: true}}, 0},
		{[]copier.Rule{{Glob: "*", Exclude: true}, {Glob: "a"}}, 1},
		{[]copier.Rule{{Glob: "b", Exclude: true}, {Glob: "b/x*", Exclude: true}}, 1},
	} {
		src, dest := storagetest.NewMem("file:///"), storagetest.NewMem("s3://out/")
		src.Put("in/a", "a")
		dest.Put("extra", "e")
		from := closedDir{src, "in/b/"}
		sum, err := copier.Run(t.Context(), at(from, "in/"), at(dest, ""), copier.Options{
			Filter: copier.Filter{Rules: c.rules}, Sync: copier.Sync{Existing: copier.ExistingUpdate, Delete: true},
		})
		if sum.Failed != c.failed || sum.Objects != 1 || (err != nil) != (c.failed > 0) || sum.Removed != 1-c.failed {
			t.Errorf("%v: %v, %+v", c.rules, err, sum)
		}
	}
}
