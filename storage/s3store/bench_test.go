package s3store_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/s3store"
	"github.com/skepdata/skep/storage/storagetest"
)

// listingServer answers ListObjectsV2 for a bucket of count objects that nobody had to
// write. It is for measuring only; what is right is shown by the real server.
func listingServer(b *testing.B, count int) *s3store.Bucket {
	b.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, _ := strconv.Atoi(r.URL.Query().Get("continuation-token"))
		to := min(from+1000, count)
		var page bytes.Buffer
		fmt.Fprintf(&page, `<?xml version="1.0" encoding="UTF-8"?>`+
			`<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>lake</Name><Prefix></Prefix>`+
			`<KeyCount>%d</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>%v</IsTruncated><EncodingType>url</EncodingType>`,
			to-from, to < count)
		if to < count {
			fmt.Fprintf(&page, "<NextContinuationToken>%d</NextContinuationToken>", to)
		}
		for i := from; i < to; i++ {
			fmt.Fprintf(&page, `<Contents><Key>flights/ds%%3D2024-01-01/hr%%3D%05d/part-%08d.parquet</Key>`+
				`<LastModified>2026-11-23T19:19:49.857Z</LastModified><ETag>&#34;15986aaa2edb1a5148af59d63d59e281&#34;</ETag>`+
				`<Size>%d</Size><StorageClass>STANDARD</StorageClass></Contents>`, i/1000, i, i)
		}
		page.WriteString("</ListBucketResult>")
		w.Header().Set("Content-Type", "application/xml")
		_, _ = w.Write(page.Bytes())
	}))
	b.Cleanup(server.Close)
	c, err := s3store.New(s3store.Config{Endpoint: server.URL, AccessKey: "id", SecretKey: "secret"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	return c.Bucket("lake")
}

// BenchmarkList100k lists 100,000 objects and reports the memory that a listing holds in
// between, which does not grow with their number.
func BenchmarkList100k(b *testing.B) {
	const count = 100_000
	bucket := listingServer(b, count)
	b.ReportAllocs()
	var peak uint64
	for b.Loop() {
		n := 0
		for _, err := range bucket.List(b.Context(), "") {
			if err != nil {
				b.Fatal(err)
			}
			if n++; n%10_000 == 0 {
				b.StopTimer()
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapInuse)
				b.StartTimer()
			}
		}
		if n != count {
			b.Fatalf("listed %d objects", n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/count, "ns/object")
	b.ReportMetric(float64(peak)/(1<<20), "MiB-live")
}

// BenchmarkPut8K writes small objects to the real server from eight workers.
func BenchmarkPut8K(b *testing.B) {
	bucket := newBucket(b)
	content := bytes.Repeat([]byte("honey"), 8<<10/5)
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			w, err := bucket.Create(b.Context(), fmt.Sprintf("%p/%d", pb, i), storage.CreateOptions{Size: int64(len(content))})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := w.Write(content); err != nil {
				b.Fatal(err)
			}
			if _, err := w.Commit(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkGet8K reads small objects from the real server.
func BenchmarkGet8K(b *testing.B) {
	bucket := newBucket(b)
	content := bytes.Repeat([]byte("honey"), 8<<10/5)
	w, err := bucket.Create(b.Context(), "a", storage.CreateOptions{})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		b.Fatal(err)
	}
	if _, err := w.Commit(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r, err := bucket.Open(b.Context(), "a", storage.ReadOptions{})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, r); err != nil {
				b.Fatal(err)
			}
			if err := r.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkStore(b *testing.B) {
	storagetest.RunBenchmarks(b, storagetest.Config{New: func(t testing.TB) storage.Bucket { return newBucket(t) }})
}
