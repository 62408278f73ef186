package blockstore

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
)

// BenchmarkTinyFiles creates objects of 1 KiB: by eight goroutines, and by eight processes.
func BenchmarkTinyFiles(b *testing.B) {
	b.Run("Goroutines", func(b *testing.B) {
		bucket := newBucket(b, 0, 1)
		var next atomic.Int64
		var wg sync.WaitGroup
		b.ResetTimer()
		for range 8 {
			wg.Go(func() {
				for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
					put(b, bucket, fmt.Sprintf("tiny/%03d/%06d", i/1000, i), tinyContent)
				}
			})
		}
		wg.Wait()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "files/s")
	})
	b.Run("Processes", func(b *testing.B) {
		bucket := newBucket(b, 0, 1)
		each := (b.N + 7) / 8
		b.ResetTimer()
		var wg sync.WaitGroup
		for p := range 8 {
			wg.Go(func() {
				cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestTinyWriter$")
				cmd.Env = append(os.Environ(), crashRoots+"="+strings.Join(bucket.roots, ":"), fmt.Sprintf("TINY=%d %d", p, each))
				if out, err := cmd.CombinedOutput(); err != nil {
					b.Errorf("%v: %s", err, out)
				}
			})
		}
		wg.Wait()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "files/s")
	})
}

var tinyContent = strings.Repeat("0123456789abcdef", 64)

// TestTinyWriter is run by BenchmarkTinyFiles in processes of its own.
func TestTinyWriter(t *testing.T) {
	process, count, ok := strings.Cut(os.Getenv("TINY"), " ")
	if !ok {
		return
	}
	n, err := strconv.Atoi(count)
	if err != nil {
		t.Fatal(err)
	}
	b := openAt(t, "test", 0, strings.Split(os.Getenv(crashRoots), ":")...)
	for i := range n {
		put(t, b, fmt.Sprintf("tiny/%s/%06d", process, i), tinyContent)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkList lists volumes of a million and of ten million objects, whole and from the middle.
func BenchmarkList(b *testing.B) {
	for _, objects := range []int{1_000_000, 10_000_000} {
		b.Run(strconv.Itoa(objects), func(b *testing.B) {
			if objects > 1_000_000 && testing.Short() {
				return
			}
			bucket := newBucket(b, 0, 1)
			fillVolume(b, bucket, objects)
			b.Run("All", func(b *testing.B) {
				n := 0
				var memory runtime.MemStats
				most := uint64(0)
				for b.Loop() {
					for _, err := range bucket.List(b.Context(), "") {
						if err != nil {
							b.Fatal(err)
						}
						if n++; n%500_000 == 0 {
							runtime.ReadMemStats(&memory)
							most = max(most, memory.HeapAlloc)
						}
					}
				}
				if n != b.N*objects {
					b.Fatalf("listed %d objects, want %d", n, b.N*objects)
				}
				b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "objects/s")
				b.ReportMetric(float64(most)/1e6, "MB-heap")
			})
			b.Run("First", func(b *testing.B) {
				slowest := time.Duration(0)
				for i := 0; b.Loop(); i++ {
					begin := time.Now()
					cold := openAt(b, "test", 0, bucket.roots...)
					for _, err := range cold.List(b.Context(), fmt.Sprintf("dir%03d/", i%1000)) {
						if err != nil {
							b.Fatal(err)
						}
						break
					}
					slowest = max(slowest, time.Since(begin))
					if err := cold.Close(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(slowest.Microseconds())/1000, "ms-at-most")
			})
		})
	}
}

// fillVolume makes so many objects without content, in a thousand directories.
func fillVolume(b *testing.B, bucket *Bucket, objects int) {
	b.Helper()
	err := bucket.open.ns.update(b.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(b.Context(), `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
			INSERT INTO files (volume, key, version, size, crc32c, mtime, content_type, metadata, more)
			SELECT ?2, CAST(printf('dir%03d/object-%08d.csv', i / (?1 / 1000), i) AS BLOB), i + 1, i, i * 7919 % 4294967296, 1700000000000000000 + i, 'text/csv', '', ''
			FROM n`, objects, bucket.found.id)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkOneBlock measures what a whole object of 64 KiB costs, which is a block.
func BenchmarkOneBlock(b *testing.B) {
	bucket := newBucket(b, 0, 1)
	content := make([]byte, 64<<10)
	b.SetBytes(int64(len(content)))
	for i := 0; b.Loop(); i++ {
		w, err := bucket.Create(b.Context(), fmt.Sprintf("a/%d", i), storage.CreateOptions{Size: int64(len(content))})
		if err == nil {
			_, err = w.Write(content)
		}
		if err == nil {
			_, err = w.Commit()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
