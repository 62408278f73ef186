package copier_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/filestore"
	"github.com/skepdata/skep/storage/s3store"
	"github.com/skepdata/skep/testenv"
)

// BenchmarkClaims downloads an object of 512 MiB over plain HTTP of which the store has one or another sum, in turns: with
// MD5 it was written in parts of 8 MiB. For each there are the shortest time and the least processor time of ours.
func BenchmarkClaims(b *testing.B) {
	const size, part = 512 << 20, 8 << 20
	s3 := testenv.MinIO(b)
	client, err := s3store.New(s3.Config())
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	core, err := minio.NewCore(strings.TrimPrefix(s3.Endpoint, "http://"), &minio.Options{Creds: credentials.NewStaticV4(s3.AccessKey, s3.SecretKey, "")})
	if err != nil {
		b.Fatal(err)
	}
	content := []byte(text(3, size))
	nvme := storage.Digest{Algorithm: "CRC64NVME"}.New()
	_, _ = nvme.Write(content)
	putWhole := func(key string, headers map[string]string) error {
		_, err := core.PutObject(b.Context(), s3.Bucket, key, bytes.NewReader(content), size, "", "",
			minio.PutObjectOptions{UserMetadata: headers, DisableContentSha256: true})
		return err
	}
	_, err = core.Client.PutObject(b.Context(), s3.Bucket, "md5/x", bytes.NewReader(content), size,
		minio.PutObjectOptions{PartSize: part, DisableContentSha256: true, AutoChecksum: minio.ChecksumNone, SendContentMd5: true})
	err = errors.Join(err,
		putWhole("crc32c/x", map[string]string{"x-amz-checksum-crc32c": storage.CRC32C(content).String()}),
		putWhole("nvme/x", map[string]string{"x-amz-checksum-crc64nvme": base64.StdEncoding.EncodeToString(nvme.Sum(nil))}))
	if err != nil {
		b.Fatal(err)
	}
	files, err := filestore.New(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	ways := []struct {
		name, prefix string
		verify       copier.Verify
	}{
		{"crc32c", "crc32c/", ""}, {"crc64nvme", "nvme/", ""}, {"md5", "md5/", ""}, {"md5-not-compared", "md5/", copier.VerifySize},
	}
	least := make([][2]time.Duration, len(ways))
	for b.Loop() {
		for i, w := range ways {
			before, begin := processorTime(b), time.Now()
			if sum, err := copier.Run(b.Context(), at(client.Bucket(s3.Bucket), w.prefix), at(files, "out/"),
				copier.Options{Verify: w.verify}); err != nil || sum.Bytes != size {
				b.Fatalf("%+v, %v", sum, err)
			}
			for k, took := range []time.Duration{time.Since(begin), processorTime(b) - before} {
				if least[i][k] == 0 || took < least[i][k] {
					least[i][k] = took
				}
			}
		}
	}
	b.ReportMetric(0, "ns/op") // of all ways together, which says nothing
	for i, w := range ways {
		b.ReportMetric(float64(least[i][0].Milliseconds()), w.name+"-ms")
		b.ReportMetric(least[i][1].Seconds()*1e9/size, w.name+"-cpu-s/GB")
	}
}

// processorTime is what this process has taken.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
