package copier_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/filestore"
	"github.com/skepdata/skep/storage/s3store"
	"github.com/skepdata/skep/testenv"
)

// BenchmarkS3 copies to, from and within a real server: many small objects, and a few large ones.
func BenchmarkS3(b *testing.B) {
	s3 := testenv.MinIO(b)
	client, err := s3store.New(s3.Config())
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	remote := client.Bucket(s3.Bucket)
	files, err := filestore.New(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	for _, set := range []struct {
		name          string
		objects, size int
	}{{"8KiB", 2000, 8 << 10}, {"4MiB", 50, 4 << 20}, {"128MiB", 2, 128 << 20}} {
		fill(b, files, set.name+"/", set.objects, set.size)
		for _, way := range []struct {
			name     string
			src, dst storage.Location
		}{
			{"up", at(files, set.name+"/"), at(remote, set.name+"/")},
			{"down", at(remote, set.name+"/"), at(files, "back/")},
			{"within", at(remote, set.name+"/"), at(remote, "copy/")},
		} {
			b.Run(set.name+"/"+way.name, func(b *testing.B) {
				b.SetBytes(int64(set.objects * set.size))
				for range b.N {
					sum, err := copier.Run(b.Context(), way.src, way.dst, copier.Options{})
					if err != nil || sum.Objects != int64(set.objects) {
						b.Fatalf("%+v, %v", sum, err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*set.objects), "us/object")
			})
		}
	}
}

// fill makes objects that differ from each other.
func fill(b *testing.B, bucket storage.Bucket, prefix string, objects, size int) {
	b.Helper()
	content := []byte(text(1, size))
	for i := range objects {
		copy(content, fmt.Sprint(i))
		if err := put(b.Context(), bucket, fmt.Sprintf("%sd%d/f%06d", prefix, i%10, i), content); err != nil {
			b.Fatal(err)
		}
	}
}

func put(ctx context.Context, bucket storage.Bucket, key string, content []byte) error {
	w, err := bucket.Create(ctx, key, storage.CreateOptions{Size: int64(len(content))})
	if err != nil {
		return err
	}
	defer w.Abort()
	if _, err := bytes.NewReader(content).WriteTo(w); err != nil {
		return err
	}
	_, err = w.Commit()
	return err
}
