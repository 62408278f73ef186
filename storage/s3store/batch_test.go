package s3store_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/testenv"
)

// smallObjects are count objects of size bytes, which differ.
func smallObjects(dir string, count, size int) []storage.SmallObject {
	p := content(size + count)
	objects := make([]storage.SmallObject, count)
	for i := range objects {
		objects[i] = storage.SmallObject{Key: fmt.Sprintf("%s%05d", dir, i), Content: p[i : i+size]}
	}
	return objects
}

func wantBatch(t *testing.T, b storage.Bucket, objects []storage.SmallObject, written []storage.Object) {
	t.Helper()
	for i, o := range objects {
		if written[i].Key != o.Key || written[i].CRC32C != storage.CRC32C(o.Content) {
			t.Errorf("%s is described as %+v", o.Key, written[i])
		}
		if got, err := get(t, b, o.Key, storage.ReadOptions{}); err != nil || string(got) != string(o.Content) {
			t.Errorf("%s holds %d bytes, %v, want %d", o.Key, len(got), err, len(o.Content))
		}
	}
}

func TestBatchRequests(t *testing.T) {
	p := newProxy(t)
	for i := range 30 { // neighbours, which the listing passes by
		mustPut(t, p.direct, fmt.Sprintf("d/%05d", 1000+i), []byte("x"))
	}
	p.Requests()
	objects := smallObjects("d/", 100, 500)
	written, err := p.bucket.WriteBatch(t.Context(), objects)
	if err != nil {
		t.Fatal(err)
	}
	p.wantSent(t, "the first batch", "HEAD", "PUT batch", "GET list")
	wantBatch(t, p.direct, objects, written)
	p.Requests()
	if _, err := p.bucket.WriteBatch(t.Context(), objects); err != nil {
		t.Fatal(err)
	}
	p.wantSent(t, "another batch", "PUT batch", "GET list")
}

// TestBatchDamaged shows that what arrives otherwise than it was sent is written again.
func TestBatchDamaged(t *testing.T) {
	p := newProxy(t)
	objects := smallObjects("d/", 20, 5000)
	p.Change(func(r *http.Request) {
		if r.Method == http.MethodPut && r.ContentLength > 20*5000 {
			r.Body = testenv.FlipBit(r.Body, 50_000)
		}
	}, nil)
	written, err := p.bucket.WriteBatch(t.Context(), objects)
	if err != nil {
		t.Fatal(err)
	}
	wantBatch(t, p.direct, objects, written)
	if n := p.Counts()["PUT"]; n == 0 {
		t.Errorf("nothing was written again: %v", p.Counts())
	}
}

func TestBatchLostAnswer(t *testing.T) {
	p := newProxy(t)
	objects := smallObjects("d/", 20, 100)
	p.Change(nil, func(r *http.Response) error {
		if r.Request.Header.Get("x-amz-meta-snowball-auto-extract") != "" {
			return errRefused
		}
		return nil
	})
	written, err := p.bucket.WriteBatch(t.Context(), objects)
	if !storage.IsTemporary(err) {
		t.Errorf("error %v, want a temporary one", err)
	}
	if i := slices.IndexFunc(written, func(o storage.Object) bool { return o.Key != "" }); i >= 0 {
		t.Errorf("%+v is told as written", written[i])
	}
}

func TestBatchElsewhere(t *testing.T) {
	p := newProxy(t)
	p.Change(nil, func(r *http.Response) error {
		r.Header.Set("Server", "AmazonS3")
		return nil
	})
	_, err := p.bucket.WriteBatch(t.Context(), smallObjects("d/", 2, 10))
	if !errors.Is(err, storage.ErrUnsupported) {
		t.Errorf("error %v, want ErrUnsupported", err)
	}
	if n := p.Counts()["PUT batch"]; n != 0 {
		t.Errorf("%d batches were sent", n)
	}
}

func TestBatchUnfitBucket(t *testing.T) {
	p := newProxy(t)
	p.Change(nil, func(r *http.Response) error {
		if r.Request.URL.Query().Has("list-type") {
			r.Body.Close()
			r.Body, r.ContentLength = listOf("d/00000", "d/00001"), -1
			r.Header.Del("Content-Length")
		}
		return nil
	})
	objects := smallObjects("d/", 2, 10)
	written, err := p.bucket.WriteBatch(t.Context(), objects)
	if err != nil {
		t.Fatal(err)
	}
	wantBatch(t, p.direct, objects, written)
	if _, err := p.bucket.WriteBatch(t.Context(), objects); !errors.Is(err, storage.ErrUnsupported) {
		t.Errorf("second batch: %v, want ErrUnsupported", err)
	}
}

// listOf is a listing of objects whose ETags are no MD5s.
func listOf(keys ...string) io.ReadCloser {
	r, w := io.Pipe()
	go func() {
		fmt.Fprint(w, `<ListBucketResult><IsTruncated>false</IsTruncated>`)
		for _, k := range keys {
			fmt.Fprintf(w, `<Contents><Key>%s</Key><Size>10</Size><ETag>"opaque"</ETag>`+
				`<LastModified>2026-11-23T19:19:49.857Z</LastModified></Contents>`, k)
		}
		fmt.Fprint(w, `</ListBucketResult>`)
		w.Close()
	}()
	return r
}

// BenchmarkSmallObjects writes 5,000 objects of 8 KiB, one by one and in batches, from four
// workers each.
func BenchmarkSmallObjects(b *testing.B) {
	const count, size, workers = 5000, 8 << 10, 4
	for _, way := range []string{"put", "batch"} {
		b.Run(way, func(b *testing.B) {
			bucket := newBucket(b)
			objects := smallObjects("d/", count, size)
			limit, _ := bucket.BatchLimit()
			if way == "put" {
				limit = 1
			}
			b.ReportAllocs()
			b.SetBytes(count * size)
			for b.Loop() {
				work := make(chan []storage.SmallObject)
				failed := make(chan error, workers)
				for range workers {
					go func() {
						var first error
						for batch := range work {
							if err := writeSmall(b, bucket, batch); first == nil {
								first = err
							}
						}
						failed <- first
					}()
				}
				for batch := range slices.Chunk(objects, limit) {
					work <- batch
				}
				close(work)
				for range workers {
					if err := <-failed; err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

func writeSmall(b *testing.B, bucket storage.Bucket, batch []storage.SmallObject) error {
	if len(batch) > 1 {
		w, _ := storage.As[storage.BatchWriter](bucket)
		_, err := w.WriteBatch(b.Context(), batch)
		return err
	}
	_, err := put(b, bucket, batch[0].Key, batch[0].Content)
	return err
}
