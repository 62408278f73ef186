package copier_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

// dated is a bucket that tells of other times. Its listings have no checksums, as those of S3.
type dated struct {
	*storagetest.Mem
	times map[string]time.Time
}

func newDated(url string) *dated { return &dated{storagetest.NewMem(url), map[string]time.Time{}} }

func (d *dated) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		for o, err := range d.Mem.List(ctx, prefix) {
			o.CRC32C = storage.Checksum{}
			if !yield(d.stamp(o), err) {
				return
			}
		}
	}
}

func (d *dated) Stat(ctx context.Context, key string) (storage.Object, error) {
	o, err := d.Mem.Stat(ctx, key)
	return d.stamp(o), err
}

func (d *dated) stamp(o storage.Object) storage.Object {
	if at, ok := d.times[o.Key]; ok {
		o.ModTime = at
	}
	return o
}

var epoch = time.Date(2024, 5, 1, 12, 0, 0, 500, time.UTC)

// put makes an object that is so many seconds younger than epoch.
func (d *dated) put(key, content string, seconds int) {
	d.Put(key, content)
	d.times[key] = epoch.Add(time.Duration(seconds) * time.Second)
}

// The scripts in testdata/sync hold two commands:
//
//	have src=s3://a/ dest=s3://b/   what is on each side: "src" or "dest", a key, a content and a time
//	sync                            what a job does with the options, in order, and what is left
func TestSync(t *testing.T) {
	datadriven.Walk(t, "testdata/sync", func(t *testing.T, path string) {
		var have string
		var urls [2]string
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "have":
				d.ScanArgs(t, "src", &urls[0])
				d.ScanArgs(t, "dest", &urls[1])
				have = d.Input
				return ""
			case "sync":
				src, dest := "in/", "out/"
				d.MaybeScanArgs(t, "src", &src)
				return syncText(t, urls, have, src, dest, d.Input)
			}
			t.Fatalf("unknown command %s", d.Cmd)
			return ""
		})
	})
}

func syncText(t *testing.T, urls [2]string, have, src, dest, options string) string {
	sides := map[string]*dated{"src": newDated(urls[0]), "dest": newDated(urls[1])}
	for line := range strings.Lines(have) {
		var side, key, content string
		var seconds int
		if _, err := fmt.Sscan(line, &side, &key, &content, &seconds); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		sides[side].put(key, content, seconds)
	}
	opts, backup := syncOptions(t, options)
	opts.Workers = 1 // so that it is always the same failure that is the first
	var said []string
	opts.Report = func(e copier.Event) {
		switch e.Kind {
		case copier.Copied, copier.Skipped, copier.Planned, copier.Removed, copier.RemoveFailed, copier.Failed:
			said = append(said, fmt.Sprintf("%s %s\n", e.Kind, e.Dest))
		}
	}
	_, err := copier.Run(t.Context(), at(sides["src"], src), at(sides["dest"], dest), quick(opts))
	slices.Sort(said)
	text := strings.Join(said, "")
	if err != nil {
		text += fmt.Sprintf("error: %v\n", err)
	}
	for _, b := range []*storagetest.Mem{sides["dest"].Mem, backup} {
		contents := b.Contents()
		for _, key := range slices.Sorted(maps.Keys(contents)) {
			text += fmt.Sprintf("= %s%s %s\n", b.URL(), key, contents[key])
		}
	}
	return text
}

func syncOptions(t *testing.T, text string) (copier.Options, *storagetest.Mem) {
	var plain strings.Builder
	var s copier.Sync
	var opts copier.Options
	backup := storagetest.NewMem("s3://backup/")
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch name {
		case "update":
			s.Existing, s.CompareBy = copier.ExistingUpdate, copier.CompareBy(value)
		case "keep":
			s.Existing = copier.ExistingKeep
		case "delete":
			s.Delete = true
		case "deleteExcluded":
			s.DeleteExcluded = true
		case "maxDelete":
			if _, err := fmt.Sscan(value, &s.MaxDelete); err != nil {
				t.Fatal(err)
			}
		case "backup":
			s.BackupDir = at(backup, "kept")
		case "dryRun":
			opts.DryRun = true
		case "deleteOnSuccess":
			opts.DeleteOnSuccess = true
		default:
			plain.WriteString(line)
		}
	}
	parsed, err := parseOptions(plain.String())
	if err != nil {
		t.Fatal(err)
	}
	parsed.Sync, parsed.DryRun, parsed.DeleteOnSuccess = s, opts.DryRun, opts.DeleteOnSuccess
	return parsed, backup
}

// What a synchronisation asks for is two listings, whatever the number of objects.
func TestUpdateOfNothingOnlyLists(t *testing.T) {
	a, b := storagetest.NewMem("s3://a/"), storagetest.NewMem("s3://b/")
	for i := range 3000 {
		a.Put(fmt.Sprintf("in/%d", i), "x")
	}
	if _, err := copier.Run(t.Context(), at(a, "in/"), at(b, "out/"), quick(copier.Options{})); err != nil {
		t.Fatal(err)
	}
	for _, by := range []copier.CompareBy{copier.CompareTime, copier.CompareSize, copier.CompareChecksum} {
		src, dest := storagetest.NewCounting(a), storagetest.NewCounting(b)
		opts := copier.Options{Sync: copier.Sync{Existing: copier.ExistingUpdate, CompareBy: by, Delete: true}}
		sum, err := copier.Run(t.Context(), at(src, "in/"), at(dest, "out/"), quick(opts))
		if err != nil || sum.Skipped != 3000 || sum.Outputs != 0 {
			t.Fatalf("%s: %+v, %v", by, sum, err)
		}
		if got := src.Counts(); got.List != 1 || got.Stat+got.Open+got.CopyFrom > 0 {
			t.Errorf("%s: the source was asked for %+v", by, got)
		}
		if got := dest.Counts(); got.List != 2 || got.Stat+got.Open+got.Create+got.Delete > 0 { // one to see whether it is there
			t.Errorf("%s: the destination was asked for %+v", by, got)
		}
	}
}

// Whatever fails, nothing is deleted, and running the job again completes it.
func TestNothingIsDeletedAfterAFailure(t *testing.T) {
	broken := errors.New("broken")
	for _, kind := range []storagetest.OpKind{
		storagetest.OpList, storagetest.OpOpen, storagetest.OpRead, storagetest.OpCreate, storagetest.OpWrite, storagetest.OpCommit,
	} {
		for _, side := range []string{"src", "dest"} {
			a, b := storagetest.NewMem("s3://a/"), storagetest.NewMem("s3://b/")
			for i := range 9 {
				a.Put(fmt.Sprintf("in/%d", i), text(uint64(i), 100))
				b.Put(fmt.Sprintf("out/%d/gone", i), "x")
			}
			fail := func(op storagetest.Op) error {
				if op.Kind == kind && (kind != storagetest.OpList || op.N == 4) && (kind == storagetest.OpList || strings.HasSuffix(op.Key, "/7")) {
					return broken
				}
				return nil
			}
			var src, dest storage.Bucket = a, b
			if side == "src" {
				src = storagetest.Faulty(a, fail)
			} else {
				dest = storagetest.Faulty(b, fail)
			}
			opts := quick(copier.Options{Sync: copier.Sync{Delete: true}, DisableServerCopy: true})
			_, err := copier.Run(t.Context(), at(src, "in/"), at(dest, "out/"), opts)
			if err == nil {
				continue // that side does not do that
			}
			for i := range 9 {
				if _, ok := b.Content(fmt.Sprintf("out/%d/gone", i)); !ok {
					t.Errorf("%s of %s failed, and %d was deleted", kind, side, i)
				}
			}
			if _, err := copier.Run(t.Context(), at(a, "in/"), at(b, "out/"), opts); err != nil {
				t.Fatal(err)
			}
			wantCopied(t, a, "in/", b, "out/")
		}
	}
}

// A deletion that fails is told, and the others are done.
func TestObjectsThatCannotBeDeleted(t *testing.T) {
	a, b := storagetest.NewMem("s3://a/"), storagetest.NewMem("s3://b/")
	a.Put("in/x", "x")
	for i := range 5 {
		b.Put(fmt.Sprintf("out/%d", i), "y")
	}
	dest := storagetest.Faulty(b, func(op storagetest.Op) error {
		if op.Kind == storagetest.OpDelete && op.Key == "out/3" {
			return errors.New("locked")
		}
		return nil
	})
	sum, err := copier.Run(t.Context(), at(a, "in/"), at(dest, "out/"), quick(copier.Options{Sync: copier.Sync{Delete: true}}))
	var failed *copier.FailedError
	if !errors.As(err, &failed) || sum.Removed != 4 || sum.RemoveFailures != 1 || !strings.Contains(err.Error(), "locked") {
		t.Errorf("%+v, %v", sum, err)
	}
	wantContents(t, b, map[string]string{"out/x": "x", "out/3": "y"})
}

// More objects than are kept in mind are found by listing again.
func TestManyObjectsAreDeleted(t *testing.T) {
	a, b := storagetest.NewMem("s3://a/"), storagetest.NewMem("s3://b/")
	a.Put("in/x", "x")
	for i := range 130_000 {
		b.Put(fmt.Sprintf("out/%d", i), "")
	}
	sum, err := copier.Run(t.Context(), at(a, "in/"), at(b, "out/"), quick(copier.Options{Sync: copier.Sync{Delete: true}}))
	if err != nil || sum.Removed != 130_000 {
		t.Errorf("%+v, %v", sum, err)
	}
	wantContents(t, b, map[string]string{"out/x": "x"})
}

// Random synchronisations against what the words mean.
func TestRandomSync(t *testing.T) {
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 11))
		a, b := newDated("s3://a/"), newDated("s3://b/")
		names := []string{"a", "a-b", "a/b", "a/c/d", "a.b", "b", "b/", "b0", "ä", "z z", "\u007f"}
		for _, name := range names {
			for prefix, side := range map[string]*dated{"in/": a, "out/": b} {
				if r.IntN(3) > 0 {
					side.put(prefix+name, text(r.Uint64N(2), 1+r.IntN(2)), r.IntN(3))
				}
			}
		}
		s := copier.Sync{Delete: r.IntN(2) > 0, Existing: []copier.Existing{"", copier.ExistingUpdate, copier.ExistingKeep}[r.IntN(3)]}
		if s.Delete {
			s.MaxDelete = 100
		}
		want := b.Contents()
		for name, content := range a.Contents() {
			name = strings.TrimPrefix(name, "in/")
			had, there := want["out/"+name]
			younger := a.times["in/"+name].After(b.times["out/"+name])
			switch {
			case strings.HasSuffix(name, "/"), there && s.Existing == copier.ExistingKeep:
			case there && s.Existing == copier.ExistingUpdate && len(had) == len(content) && !younger:
			default:
				want["out/"+name] = content
			}
		}
		for key := range b.Contents() {
			name := strings.TrimPrefix(key, "out/")
			if _, ok := a.Content("in/" + name); s.Delete && !ok && !strings.HasSuffix(name, "/") {
				delete(want, key)
			}
		}
		if _, err := copier.Run(t.Context(), at(a, "in/"), at(b, "out/"), quick(copier.Options{Sync: s})); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		wantContents(t, b.Mem, want)
		if t.Failed() {
			t.Fatalf("seed %d: %+v", seed, s)
		}
	}
}

func BenchmarkUpdateOfNothing(b *testing.B) {
	src, dest := storagetest.NewMem("s3://a/"), storagetest.NewMem("s3://b/")
	for i := range 20_000 {
		src.Put(fmt.Sprintf("in/%d", i), "x")
	}
	for i := range 20_000 {
		dest.Put(fmt.Sprintf("out/%d", i), "x")
	}
	for b.Loop() {
		opts := copier.Options{Sync: copier.Sync{Existing: copier.ExistingUpdate}}
		if sum, err := copier.Run(b.Context(), at(src, "in/"), at(dest, "out/"), opts); err != nil || sum.Skipped != 20_000 {
			b.Fatal(sum, err)
		}
	}
}
