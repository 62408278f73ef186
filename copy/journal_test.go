package copier_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

func openJournal(t *testing.T, path, identity string) *copier.Journal {
	t.Helper()
	j, err := copier.OpenJournal(path, identity)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// journaled runs a job with the journal at path.
func journaled(
	ctx context.Context, t *testing.T, path, identity string, src, dest storage.Bucket, opts copier.Options,
) (copier.Summary, error) {
	t.Helper()
	opts = quick(opts)
	opts.Journal = openJournal(t, path, identity)
	opts.DisableServerCopy = true
	sum, err := copier.Run(ctx, at(src, "in/"), at(dest, "out/"), opts)
	if closed := opts.Journal.Close(); closed != nil {
		t.Fatal(closed)
	}
	return sum, err
}

func uploadsOf(t *testing.T, b storage.Bucket) (keys []string) {
	t.Helper()
	r, _ := storage.As[storage.PartResumer](b)
	for u, err := range r.Uploads(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, u.Key)
	}
	return keys
}

// A run that is run again copies what has changed on either side, and nothing else.
func TestJournalOfOutputs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "job.journal")
	src, dest := lake(), storagetest.NewMem("s3://copy/")
	run := func(identity string, opts copier.Options, want int64) {
		t.Helper()
		sum, err := journaled(t.Context(), t, path, identity, src, dest, opts)
		if err != nil || sum.Objects != want || sum.Objects+sum.Skipped != 8 {
			t.Errorf("copied %d and skipped %d: %v, want %d copied of 8", sum.Objects, sum.Skipped, err, want)
		}
	}
	run("a", copier.Options{}, 8)
	run("a", copier.Options{}, 0)
	src.Put("in/1/part-4", text(77, 9999)) // the same size
	run("a", copier.Options{}, 1)
	if got, _ := dest.Content("out/1/part-4"); got != text(77, 9999) {
		t.Error("the source was changed, and the output was not")
	}
	dest.Put("out/1/part-4", text(78, 9999))
	if err := dest.Delete(t.Context(), "out/0/part-3"); err != nil {
		t.Fatal(err)
	}
	run("a", copier.Options{}, 2)
	run("a", copier.Options{Sync: copier.Sync{Delete: true}}, 0)
	run("b", copier.Options{}, 8) // another job of the same name
	run("b", copier.Options{}, 0)
	run("b", copier.Options{NumberFiles: true}, 8)

	// What was torn off by a kill is copied again, and nothing else is said of it.
	torn, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, torn[:len(torn)-3], 0o600); err != nil {
		t.Fatal(err)
	}
	run("b", copier.Options{}, 0) // it was of a numbered one
	if err := os.WriteFile(path, []byte("something else\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := copier.OpenJournal(path, "b"); err == nil || !strings.Contains(err.Error(), "not a journal") {
		t.Errorf("a file that is no journal: %v", err)
	}
}

// A large output is gone on with where its parts still fit, and begun anew where they do not.
func TestJournalOfParts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "job.journal")
	src, mem := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://copy/")
	src.Put("in/large", text(1, 95_000))
	stop := func() {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		written := 0
		dest := storagetest.Faulty(mem, func(op storagetest.Op) error {
			if op.Kind == storagetest.OpWritePart {
				if written++; written > 5 {
					cancel()
					return context.Canceled
				}
			}
			return nil
		})
		if _, err := journaled(ctx, t, path, "a", src, dest, copier.Options{Workers: 1}); err == nil {
			t.Fatal("the run was not stopped")
		}
		if got := uploadsOf(t, mem); len(got) != 1 {
			t.Fatalf("uploads %v are left, want one", got)
		}
	}
	finish := func(what string, resumed int64) {
		t.Helper()
		sum, err := journaled(t.Context(), t, path, "a", src, mem, copier.Options{})
		if err != nil || sum.Resumed != resumed {
			t.Errorf("%s: resumed %d bytes: %v, want %d", what, sum.Resumed, err, resumed)
		}
		for key, content := range src.Contents() {
			if got, _ := mem.Content("out" + strings.TrimPrefix(key, "in")); got != content {
				t.Errorf("%s: the output of %s has other %d bytes", what, key, len(got))
			}
		}
		if got := uploadsOf(t, mem); len(got) != 0 {
			t.Errorf("%s: uploads %v are left", what, got)
		}
	}
	stop()
	finish("unchanged", 50_000)
	src.Put("in/large", text(2, 95_000))
	stop()
	src.Put("in/large", text(3, 95_000))
	finish("another version of the same size", 0)
	src.Put("in/large", text(4, 95_000))
	stop()
	if err := src.Delete(t.Context(), "in/large"); err != nil {
		t.Fatal(err)
	}
	src.Put("in/other", "small")
	finish("gone", 0)
}

// Uploads that another job has begun of the very same output are left alone.
func TestJournalLeavesOthersAlone(t *testing.T) {
	src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://copy/")
	src.Put("in/large", text(1, 95_000))
	if _, err := dest.CreateParts(t.Context(), "out/large", storage.CreateOptions{Size: 95_000, PartSize: 10_000}); err != nil {
		t.Fatal(err)
	}
	sum, err := journaled(t.Context(), t, filepath.Join(t.TempDir(), "j"), "a", src, dest, copier.Options{})
	if err != nil || sum.Resumed != 0 {
		t.Errorf("resumed %d bytes: %v", sum.Resumed, err)
	}
	if got := uploadsOf(t, dest); len(got) != 1 {
		t.Errorf("the uploads are %v, want the other's", got)
	}
}

// A finished output stays under --update though its time says that it may be older than its source, as
// where a store tells only seconds: the journal has both versions.
func TestJournalOfCopiesThatLookOld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "job.journal")
	src, dest := newDated("s3://lake/"), newDated("block://copy/")
	src.put("in/a", "one", 1)
	dest.times["out/a"] = epoch
	run := func(update copier.Sync, want int64) {
		t.Helper()
		sum, err := journaled(t.Context(), t, path, "a", src, dest, copier.Options{Sync: update})
		if err != nil || sum.Objects != want {
			t.Errorf("%d were copied, want %d: %v", sum.Objects, want, err)
		}
	}
	update := copier.Sync{Existing: copier.ExistingUpdate}
	run(update, 1)
	run(update, 0)
	src.Put("in/a", "two") // of the same size and time
	run(update, 1)
	dest.Put("out/a", "six")
	run(update, 1)
}
