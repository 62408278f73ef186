package hiveql_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/metrics"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkMsck compares directories of local files with as many partitions, all of which are known.
// heap-MB is the most that was live at once.
func BenchmarkMsck(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dir := b.TempDir()
			s := newWorld(b).plain()
			for i := range n {
				at := filepath.Join(dir, "t", fmt.Sprintf("ds=%05d/hr=%d", i/24, i%24))
				if err := os.MkdirAll(at, 0o755); err != nil {
					b.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(at, "f"), []byte("1\n"), 0o600); err != nil {
					b.Fatal(err)
				}
			}
			must(b, s, "CREATE EXTERNAL TABLE t (a INT) PARTITIONED BY (ds STRING, hr INT) LOCATION 'file://"+dir+"/t'")
			begin := time.Now()
			must(b, s, "MSCK REPAIR TABLE t")
			b.Logf("%d partitions added in %v", n, time.Since(begin))
			most := watchHeap(b)
			for b.Loop() {
				must(b, s, "MSCK REPAIR TABLE t")
			}
			b.ReportMetric(float64(most.Load())/(1<<20), "heap-MB")
		})
	}
}

// watchHeap notes the largest heap until the benchmark ends.
func watchHeap(b *testing.B) *atomic.Uint64 {
	most, stop, done := &atomic.Uint64{}, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			metrics.Read(sample)
			most.Store(max(most.Load(), sample[0].Value.Uint64()))
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	}()
	b.Cleanup(func() { close(stop); <-done })
	return most
}
