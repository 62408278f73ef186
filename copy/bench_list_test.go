package copier_test

import (
	"cmp"
	"context"
	"io"
	"iter"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/filestore"
	"github.com/skepdata/skep/storage/storagetest"
)

// archive is a bucket that invents its objects as it lists them: so many directories of so many
// objects each. It can list levels.
type archive struct {
	*storagetest.Mem
	dirs, each int
	modified   time.Time
	peak       *atomic.Uint64 // of the heap in use, bytes
}

func (a *archive) dir(i int) string { return "logs/d=" + digits(i, 6) + "/" }

func (a *archive) object(dir string, i int) storage.Object {
	if i%1000 == 0 && len(dir) > 0 && dir[len(dir)-2] == '0' {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		a.peak.Store(max(a.peak.Load(), m.HeapInuse))
	}
	return storage.Object{
		Key: dir + "part-" + digits(i, 8) + ".txt.gz", Size: int64(i), ModTime: a.modified,
		ETag: "0123456789abcdef01234567" + digits(i, 8),
	}
}

func digits(i, width int) string {
	b := []byte("000000000000")[:width]
	for at := width - 1; i > 0; at, i = at-1, i/10 {
		b[at] = byte('0' + i%10)
	}
	return string(b)
}

func (a *archive) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return a.ListAfter(ctx, prefix, "")
}

func (a *archive) ListAfter(_ context.Context, prefix, after string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		for i := range a.dirs {
			dir := a.dir(i)
			if !strings.HasPrefix(dir, prefix) || dir < after && !strings.HasPrefix(after, dir) {
				continue
			}
			for k := range a.each {
				if o := a.object(dir, k); o.Key > after && !yield(o, nil) {
					return
				}
			}
		}
	}
}

func (a *archive) ListLevel(_ context.Context, _, after string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		for i := range a.dirs {
			if dir := a.dir(i); dir > after && !yield(storage.Object{Key: dir}, nil) {
				return
			}
		}
	}
}

// BenchmarkListing10M plans jobs over ten million objects in ten thousand directories: to copy all, and
// to sync with a destination that has the same. peak-RSS-MiB is the largest resident set of the process.
func BenchmarkListing10M(b *testing.B) {
	const dirs, each = 10_000, 1000
	now := time.Now()
	for _, c := range []struct {
		name string
		opts copier.Options
		all  int64 // objects to copy
	}{
		{"copy", copier.Options{DryRun: true}, dirs * each},
		{"sync", copier.Options{DryRun: true, Sync: copier.Sync{Existing: copier.ExistingUpdate, Delete: true}}, 0},
	} {
		b.Run(c.name, func(b *testing.B) {
			var peak atomic.Uint64
			src := &archive{storagetest.NewMem("s3://lake/"), dirs, each, now.Add(-time.Hour), &peak}
			dest := &archive{storagetest.NewMem("s3://out/"), dirs, each, now, &peak}
			for range b.N {
				sum, err := copier.Run(b.Context(), at(src, "logs/"), at(dest, "logs/"), c.opts)
				if err != nil || sum.Objects != c.all || sum.Objects+sum.Skipped != dirs*each {
					b.Fatalf("%+v, %v", sum, err)
				}
			}
			b.ReportMetric(float64(peak.Load())/(1<<20), "peak-heap-MiB")
			b.ReportMetric(peakRSS(b), "peak-RSS-MiB")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*dirs*each), "ns/object")
		})
	}
}

// crumbs is an archive whose objects have one byte each, which can be read.
type crumbs struct{ *archive }

func (c crumbs) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return c.ListAfter(ctx, prefix, "")
}

func (c crumbs) ListAfter(ctx context.Context, prefix, after string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		for o, err := range c.archive.ListAfter(ctx, prefix, after) {
			o.Size = 1
			if !yield(o, err) {
				return
			}
		}
	}
}

func (c crumbs) Open(_ context.Context, key string, opts storage.ReadOptions) (storage.Reader, error) {
	o := storage.Object{Key: key, Size: 1, ModTime: c.modified, ETag: opts.IfMatch}
	return crumb{io.NopCloser(strings.NewReader("x")), o}, nil
}

type crumb struct {
	io.ReadCloser
	object storage.Object
}

func (c crumb) Object() storage.Object { return c.object }

// BenchmarkGrouping1M groups a million objects: by directories, by numbers that all directories have, and all
// into one; and does it again, when there is nothing new. peak-RSS-MiB is the largest resident set of the
// process, and first-RSS-MiB that before it is done again: each kind wants a process of its own, with GOGC=50 as
// distcp has it then.
func BenchmarkGrouping1M(b *testing.B) {
	const dirs, each = 1000, 1000
	for name, groupBy := range map[string]string{
		"directories": `.*/d=(\d+)/.*`, "numbers": `.*/part-\d+(\d\d\d)\.txt(\.gz)`, "one": `.*/d=\d+/.*(\.gz)`,
	} {
		b.Run(name, func(b *testing.B) {
			src := crumbs{&archive{storagetest.NewMem("s3://lake/"), dirs, each, time.Now().Add(-time.Hour), &atomic.Uint64{}}}
			for range b.N {
				files, err := filestore.New(b.TempDir())
				if err != nil {
					b.Fatal(err)
				}
				first := 0.0
				for _, again := range []bool{false, true} {
					sum, err := copier.Run(b.Context(), at(src, "logs/"), at(files, "out/"), copier.Options{GroupBy: groupBy})
					if err != nil || sum.Objects+sum.Skipped != dirs*each || (sum.Skipped > 0) != again {
						b.Fatalf("%+v, %v", sum, err)
					}
					first = cmp.Or(first, peakRSS(b))
				}
				b.ReportMetric(first, "first-RSS-MiB")
			}
			b.ReportMetric(peakRSS(b), "peak-RSS-MiB")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(2*b.N*dirs*each), "ns/object")
		})
	}
}
