package copier_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime"
	"strings"
	"testing"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

// generated is a bucket that invents its objects as it lists them, and forgets what it is given.
type generated struct {
	*storagetest.Mem
	objects int
	peak    uint64 // of the heap in use, bytes
}

func (g *generated) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		for i := range g.objects {
			if i%5000 == 0 {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				g.peak = max(g.peak, m.HeapInuse)
			}
			o := storage.Object{
				Key:  fmt.Sprintf("logs/dt=2024-%02d-%02d/part-%08d.txt.gz", i/8000+1, i/300%28+1, i),
				Size: 7, ETag: fmt.Sprintf("%032x", i),
			}
			if !yield(o, nil) {
				return
			}
		}
	}
}

func (g *generated) Open(_ context.Context, key string, _ storage.ReadOptions) (storage.Reader, error) {
	return generatedReader{strings.NewReader("content")}, nil
}

type generatedReader struct{ io.Reader }

func (generatedReader) Object() storage.Object { return storage.Object{} }
func (generatedReader) Close() error           { return nil }

type forgetful struct{ *storagetest.Mem }

func (forgetful) Create(context.Context, string, storage.CreateOptions) (storage.Writer, error) {
	return &forgetfulWriter{}, nil
}

type forgetfulWriter struct{ o storage.Object }

func (w *forgetfulWriter) Write(p []byte) (int, error) {
	w.o.Size += int64(len(p))
	w.o.CRC32C = storage.UpdateCRC32C(w.o.CRC32C, p)
	return len(p), nil
}
func (w *forgetfulWriter) Commit() (storage.Object, error) { return w.o, nil }
func (w *forgetfulWriter) Abort() error                    { return nil }

// BenchmarkJob100k is a whole job over a listing of 100,000 objects. peak-heap-MiB is the
// largest heap while it runs, peak-RSS-MiB the largest resident set of the process so far.
func BenchmarkJob100k(b *testing.B) {
	const objects = 100_000
	for name, opts := range map[string]copier.Options{
		"plan":     {DryRun: true, SrcPattern: `.*/dt=2024-.*\.gz`},
		"copy":     {DisableServerCopy: true},
		"manifest": {DisableServerCopy: true, OutputManifest: "manifest.gz"},
		"group":    {DisableServerCopy: true, GroupBy: `.*/dt=(\d+-\d+)-\d+/.*`},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			src := &generated{Mem: storagetest.NewMem("s3://lake/"), objects: objects}
			dest := forgetful{storagetest.NewMem("s3://out/")}
			for range b.N {
				sum, err := copier.Run(b.Context(), at(src, "logs/"), at(dest, ""), opts)
				if err != nil || sum.Objects != objects {
					b.Fatalf("%+v, %v", sum, err)
				}
			}
			b.ReportMetric(float64(src.peak)/(1<<20), "peak-heap-MiB")
			b.ReportMetric(peakRSS(b), "peak-RSS-MiB")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*objects), "ns/object")
		})
	}
}

func peakRSS(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0 // not a Linux machine
	}
	var kib float64
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			if _, err := fmt.Sscanf(rest, "%f kB", &kib); err != nil {
				b.Fatal(err)
			}
		}
	}
	return kib / 1024
}
