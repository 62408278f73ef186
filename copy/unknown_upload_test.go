package copier_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

// unanswered begins uploads and loses the answers.
type unanswered struct {
	*storagetest.Mem
	times *int
	lost  func()
}

func (f unanswered) CreateParts(ctx context.Context, key string, opts storage.CreateOptions) (storage.Upload, error) {
	u, err := f.Mem.CreateParts(ctx, key, opts)
	if *f.times > 0 && err == nil {
		*f.times--
		f.lost()
		return nil, unwell("no answer")
	}
	return u, err
}

// An upload that was begun and that nobody was told of is aborted, by the next attempt or the next
// run, also if that has no use for its output any more. Those of others stay.
func TestUploadsThatNobodyKnows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "job.journal")
	src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://copy/")
	src.Put("in/big", text(1, 50_000))
	src.Put("in/other", text(2, 50_000))
	if _, err := dest.CreateParts(t.Context(), "out/somebody's", storage.CreateOptions{Size: 9}); err != nil {
		t.Fatal(err)
	}
	times := 2
	to := unanswered{dest, &times, func() {}}
	run := func(retries int, fails bool, want ...string) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if to.lost = func() {}; fails {
			to.lost = cancel // as a kill, after which nothing is tidied up
		}
		if _, err := journaled(ctx, t, path, "a", src, to, copier.Options{Retries: retries}); (err != nil) != fails {
			t.Fatal(err)
		}
		if got := uploadsOf(t, dest); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
			t.Errorf("uploads %q, want %q", got, want)
		}
	}
	run(3, false, "out/somebody's")
	src.Put("in/big", text(3, 50_000))
	times = 1
	run(-1, true, "out/big", "out/somebody's")
	if err := src.Delete(t.Context(), "in/big"); err != nil {
		t.Fatal(err)
	}
	run(0, false, "out/somebody's")
}

// What a journal knows can be aborted without a run of its job.
func TestAbortUploads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "job.journal")
	src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://copy/")
	src.Put("in/big", text(1, 50_000))
	failing := storagetest.Faulty(dest, func(op storagetest.Op) error {
		if op.Kind == storagetest.OpWritePart && op.N == 3 {
			return unwell("no answer")
		}
		return nil
	})
	if _, err := journaled(t.Context(), t, path, "a", src, failing, copier.Options{Retries: -1}); err == nil {
		t.Fatal("it should have failed")
	}
	if got := uploadsOf(t, dest); len(got) != 1 {
		t.Fatalf("uploads %q, want one", got)
	}
	j, err := copier.ReadJournal(path, "another")
	if err != nil {
		t.Fatal(err)
	}
	open := func(context.Context, string) (storage.Bucket, error) { return dest, nil }
	if n, err := j.AbortUploads(t.Context(), dest.URL(), open); n != 0 || err != nil {
		t.Errorf("%d aborted where none was to be, %v", n, err)
	}
	if n, err := j.AbortUploads(t.Context(), "", open); n != 1 || err != nil {
		t.Errorf("%d aborted, %v", n, err)
	}
	if got := uploadsOf(t, dest); len(got) != 0 {
		t.Errorf("uploads %q are left", got)
	}
}
