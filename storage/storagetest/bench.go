package storagetest

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/skepdata/skep/storage"
)

// RunBenchmarks measures a store with the operations that copies and queries live on. Only
// cfg.New is used.
func RunBenchmarks(b *testing.B, cfg Config) {
	for _, size := range []int64{4 << 10, 1 << 20, 64 << 20} {
		b.Run("Write/"+sizeName(size), func(b *testing.B) { benchWrite(b, cfg.New(b), size) })
		b.Run("Read/"+sizeName(size), func(b *testing.B) { benchRead(b, cfg.New(b), size) })
	}
	b.Run("WriteSmallBy8", func(b *testing.B) { benchWriteSmall(b, cfg.New(b)) })
	b.Run("List10000", func(b *testing.B) { benchList(b, cfg.New(b)) })
	b.Run("Stat", func(b *testing.B) { benchStat(b, cfg.New(b)) })
	b.Run("ReadRange", func(b *testing.B) { benchReadRange(b, cfg.New(b)) })
}

func sizeName(size int64) string {
	if size >= 1<<20 {
		return fmt.Sprintf("%dMiB", size>>20)
	}
	return fmt.Sprintf("%dKiB", size>>10)
}

func benchPut(b *testing.B, bucket storage.Bucket, key string, content []byte) storage.Object {
	w, err := bucket.Create(b.Context(), key, storage.CreateOptions{Size: int64(len(content))})
	if err != nil {
		b.Fatal(err)
	}
	for len(content) > 0 {
		n := min(len(content), 1<<20)
		if _, err := w.Write(content[:n]); err != nil {
			b.Fatal(err)
		}
		content = content[n:]
	}
	o, err := w.Commit()
	if err != nil {
		b.Fatal(err)
	}
	return o
}

func benchWrite(b *testing.B, bucket storage.Bucket, size int64) {
	defer bucket.Close()
	content := random(1, size)
	b.SetBytes(size)
	for i := 0; b.Loop(); i++ {
		benchPut(b, bucket, fmt.Sprintf("bench/%d", i%16), content)
	}
}

func benchRead(b *testing.B, bucket storage.Bucket, size int64) {
	defer bucket.Close()
	benchPut(b, bucket, "bench", random(1, size))
	b.SetBytes(size)
	for b.Loop() {
		r, err := bucket.Open(b.Context(), "bench", storage.ReadOptions{})
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, r); err != nil || n != size {
			b.Fatalf("read %d of %d bytes: %v", n, size, err)
		}
		r.Close()
	}
}

// benchWriteSmall makes new objects of 1 KiB from eight goroutines.
func benchWriteSmall(b *testing.B, bucket storage.Bucket) {
	defer bucket.Close()
	content := random(1, 1<<10)
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range 8 {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				key := fmt.Sprintf("small/%03d/%06d", i/1000, i)
				w, err := bucket.Create(b.Context(), key, storage.CreateOptions{Size: 1 << 10})
				if err == nil {
					_, err = w.Write(content)
				}
				if err == nil {
					_, err = w.Commit()
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "objects/s")
}

func benchList(b *testing.B, bucket storage.Bucket) {
	defer bucket.Close()
	const objects = 10_000
	for i := range objects {
		benchPut(b, bucket, fmt.Sprintf("list/%02d/%05d", i/1000, i), nil)
	}
	for b.Loop() {
		n := 0
		for _, err := range bucket.List(b.Context(), "list/") {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != objects {
			b.Fatalf("listed %d of %d", n, objects)
		}
	}
	b.ReportMetric(float64(b.N)*objects/b.Elapsed().Seconds(), "objects/s")
}

func benchStat(b *testing.B, bucket storage.Bucket) {
	defer bucket.Close()
	benchPut(b, bucket, "bench/stat", nil)
	for b.Loop() {
		if _, err := bucket.Stat(b.Context(), "bench/stat"); err != nil {
			b.Fatal(err)
		}
	}
}

// benchReadRange reads 4 KiB from the middle of an object, as a query reads a footer.
func benchReadRange(b *testing.B, bucket storage.Bucket) {
	defer bucket.Close()
	benchPut(b, bucket, "bench", random(1, 16<<20))
	for b.Loop() {
		r, err := bucket.Open(b.Context(), "bench", storage.ReadOptions{Offset: 8<<20 + 17, Length: 4096})
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, r); err != nil || n != 4096 {
			b.Fatalf("read %d bytes: %v", n, err)
		}
		r.Close()
	}
}
