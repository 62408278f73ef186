package copier_test

import (
	"context"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

// unanswered begins uploads and loses the answers.
type unanswered struct {
	*storagetest.Mem
	times *atomic.Int64
	lost  func()
}

func (f unanswered) CreateParts(ctx context.Context, key string, opts storage.CreateOptions) (storage.Upload, error) {
	u, err := f.Mem.CreateParts(ctx, key, opts)
	if err == nil && f.times.Add(-1) >= 0 {
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
	var times atomic.Int64
	times.Store(2)
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
	times.Store(1)
	run(-1, true, "out/big", "out/somebody's")
	if err := src.Delete(t.Context(), "in/big"); err != nil {
		t.Fatal(err)
	}
	run(0, false, "out/somebody's")
}

// late begins the first upload when it is asked for the second, long after whoever asked has gone.
type late struct {
	*storagetest.Mem
	asked *int
}

func (f late) CreateParts(ctx context.Context, key string, opts storage.CreateOptions) (storage.Upload, error) {
	switch *f.asked++; *f.asked {
	case 1:
		return nil, unwell("no answer")
	case 2:
		if _, err := f.Mem.CreateParts(ctx, key, opts); err != nil {
			return nil, err
		}
	}
	return f.Mem.CreateParts(ctx, key, opts)
}

// An upload that comes to be when it has been looked for already is found at the end of the job, or by
// the runs of the next minute. Later ones are somebody else's.
func TestUploadsThatComeLate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "job.journal")
	synctest.Test(t, func(t *testing.T) {
		src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://copy/")
		src.Put("in/big", text(1, 50_000))
		asked := 0
		run := func(retries int, fails bool, left int) {
			t.Helper()
			_, err := journaled(t.Context(), t, path, "a", src, late{dest, &asked}, copier.Options{Retries: retries})
			if (err != nil) != fails {
				t.Fatal(err)
			}
			if got := uploadsOf(t, dest); len(got) != left {
				t.Errorf("uploads %q are left, want %d", got, left)
			}
		}
		another := func() {
			t.Helper()
			if _, err := dest.CreateParts(t.Context(), "out/big", storage.CreateOptions{Size: 9}); err != nil {
				t.Fatal(err)
			}
		}
		run(1, false, 0)
		src.Put("in/big", text(2, 50_000))
		asked = 0
		run(-1, true, 0)
		run(-1, false, 0)
		if asked != 2 {
			t.Errorf("%d uploads were asked for", asked)
		}
		<-time.After(50 * time.Second)
		another()
		run(-1, false, 0)
		<-time.After(time.Minute)
		run(-1, false, 0)
		another()
		run(-1, false, 1)
	})
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

// Where an output fails by what its sources are, nothing can come late, and the end of the job waits for
// nothing.
func TestNothingLateOfDamagedSources(t *testing.T) {
	want := map[string]int64{"bad.gz": 2, "bad.parquet": 1}
	for name, opts := range map[string]copier.Options{
		"bad.gz":      {OutputCodec: copier.CodecNone},
		"bad.parquet": {GroupBy: ".*/(bad).*"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "job.journal")
			synctest.Test(t, func(t *testing.T) {
				src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://copy/")
				src.Put("in/"+name, text(1, 50_000))
				src.Put("in/bad2.parquet", text(1, 50_000))
				src.Put("in/closed.gz", text(1, 50_000))
				from := storagetest.Faulty(src, func(op storagetest.Op) error {
					if op.Kind == storagetest.OpOpen && op.Key == "in/closed.gz" {
						return storage.ErrPermission
					}
					return nil
				})
				started := time.Now()
				sum, err := journaled(t.Context(), t, path, "a", from, dest, opts)
				if err == nil || sum.Failed != want[name] {
					t.Errorf("%d failed, %v; want %d", sum.Failed, err, want[name])
				}
				if d := time.Since(started); d != 0 {
					t.Errorf("it has waited for %s", d)
				}
			})
		})
	}
}

// behind begins the first upload a second after it was asked for, when who asked is dead.
type behind struct {
	*storagetest.Mem
	asked *int
	begun chan<- error
	kill  func()
}

func (b behind) CreateParts(ctx context.Context, key string, opts storage.CreateOptions) (storage.Upload, error) {
	if *b.asked++; *b.asked > 1 {
		return b.Mem.CreateParts(ctx, key, opts)
	}
	time.AfterFunc(time.Second, func() {
		_, err := b.Mem.CreateParts(context.WithoutCancel(ctx), key, opts)
		b.begun <- err
	})
	b.kill()
	return nil, unwell("no answer")
}

// An upload that a service begins on behalf of a process that was killed meanwhile is gone when the
// first run after that has ended, whether it makes that output itself or has no use for it any more.
func TestFirstRunAfterKillLeavesNothing(t *testing.T) {
	for _, stays := range []bool{true, false} {
		path := filepath.Join(t.TempDir(), "job.journal")
		synctest.Test(t, func(t *testing.T) {
			src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://copy/")
			src.Put("in/big", text(1, 50_000))
			ctx, kill := context.WithCancel(t.Context())
			asked, begun := 0, make(chan error, 1)
			to := behind{dest, &asked, begun, kill}
			if _, err := journaled(ctx, t, path, "a", src, to, copier.Options{Retries: -1}); err == nil {
				t.Fatal("it was killed")
			}
			if !stays {
				if err := src.Delete(t.Context(), "in/big"); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := journaled(t.Context(), t, path, "a", src, to, copier.Options{Retries: -1}); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-begun:
				if err != nil {
					t.Fatal(err)
				}
			default:
				t.Fatal("the upload has not come")
			}
			if got := uploadsOf(t, dest); len(got) > 0 {
				t.Errorf("uploads %q are left", got)
			}
		})
	}
}
