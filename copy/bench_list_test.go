package copier_test

import (
	"context"
	"iter"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
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
