package rangecache_test

import (
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/rangecache"
	"github.com/skepdata/skep/storage/storagetest"
)

// BenchmarkReadOn reads an object of 64 MB through an empty cache, from one end to the other, as text is: of a
// store that tells a CRC32C, and of one that tells something else, or nothing.
func BenchmarkReadOn(b *testing.B) {
	text := noise(1, 64<<20)
	mem := storagetest.NewMem("mem://lake/")
	o := mem.Put("k", text)
	for _, algorithm := range []string{"CRC32C", "CRC64NVME", "SHA256", "MD5", "nothing"} {
		b.Run(algorithm, func(b *testing.B) {
			var bucket storage.Bucket = mem
			if algorithm != "CRC32C" {
				told := &telling{Bucket: mem}
				if algorithm != "nothing" {
					h := storage.Digest{Algorithm: algorithm}.New()
					_, _ = io.WriteString(h, text)
					told.digest = storage.Digest{Algorithm: algorithm}.Of(h)
				}
				bucket, o = told, unsummed(o)
			}
			b.SetBytes(o.Size)
			for b.Loop() {
				cache, err := rangecache.Open(b.TempDir(), 1<<30)
				if err != nil {
					b.Fatal(err)
				}
				f, err := cache.Object(b.Context(), bucket, o)
				if err != nil {
					b.Fatal(err)
				}
				p := make([]byte, block)
				off := int64(0)
				for err == nil {
					var n int
					n, err = f.ReadOn(b.Context(), p, off)
					off += int64(n)
				}
				if !errors.Is(err, io.EOF) || off != o.Size {
					b.Fatalf("%d bytes, %v", off, err)
				}
				f.Close()
				cache.Close()
			}
		})
	}
}

// BenchmarkConfirm brings the last two blocks of an object, as who reads a footer does, by one request and by two. Its
// processor time says more than the time.
func BenchmarkConfirm(b *testing.B) {
	text := noise(1, 64<<20)
	mem := storagetest.NewMem("mem://lake/")
	bucket, o := &telling{Bucket: mem}, unsummed(mem.Put("k", text))
	for _, c := range []struct {
		name  string
		bring func(*rangecache.File) error
	}{
		{"once", func(f *rangecache.File) error { return f.Fill(b.Context(), o.Size-2*block, 2*block) }},
		{"twice", func(f *rangecache.File) error { return f.Confirm(b.Context(), o.Size-2*block, 2*block) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			dir, begin := b.TempDir(), processorTime(b)
			for b.Loop() {
				cache, err := rangecache.Open(dir, 1<<30)
				if err != nil {
					b.Fatal(err)
				}
				f, err := cache.Object(b.Context(), bucket, o)
				if err == nil {
					err = c.bring(f)
				}
				if err != nil {
					b.Fatal(err)
				}
				f.Close()
				cache.Close()
				if err := os.RemoveAll(dir); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((processorTime(b)-begin).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

// processorTime is that of the process.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
