package s3store_test

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/s3store"
	"github.com/skepdata/skep/testenv"
)

// foreign writes objects as other programs do.
type foreign struct {
	*minio.Core
	bucket string
}

func newForeign(t *testing.T, s3 *testenv.S3) foreign {
	t.Helper()
	core, err := minio.NewCore(strings.TrimPrefix(s3.Endpoint, "http://"), &minio.Options{Creds: credentials.NewStaticV4(s3.AccessKey, s3.SecretKey, "")})
	if err != nil {
		t.Fatal(err)
	}
	return foreign{core, s3.Bucket}
}

// put writes an object by one request, with headers.
func (f foreign) put(t *testing.T, key string, content []byte, headers map[string]string) {
	t.Helper()
	_, err := f.PutObject(t.Context(), f.bucket, key, bytes.NewReader(content), int64(len(content)), "", "",
		minio.PutObjectOptions{UserMetadata: headers, DisableContentSha256: true})
	if err != nil {
		t.Fatal(err)
	}
}

// putParts writes an object in parts of 5 MiB but for the first, which may have other sizes, each with a CRC32C where that
// is wanted.
func (f foreign) putParts(t *testing.T, key string, content []byte, summed bool, sizes ...int) {
	t.Helper()
	headers := map[string]string{}
	if summed {
		headers["x-amz-checksum-algorithm"] = "CRC32C"
	}
	id, err := f.NewMultipartUpload(t.Context(), f.bucket, key, minio.PutObjectOptions{UserMetadata: headers})
	if err != nil {
		t.Fatal(err)
	}
	var parts []minio.CompletePart
	for n := 1; len(content) > 0; n++ {
		size := 5 << 20
		if n <= len(sizes) {
			size = sizes[n-1]
		}
		part := content[:min(size, len(content))]
		content = content[len(part):]
		h := http.Header{}
		sum := ""
		if summed {
			sum = storage.CRC32C(part).String()
			h.Set("x-amz-checksum-crc32c", sum)
		}
		sent, err := f.PutObjectPart(t.Context(), f.bucket, key, id, n, bytes.NewReader(part), int64(len(part)),
			minio.PutObjectPartOptions{CustomHeader: h, DisableContentSha256: true})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, minio.CompletePart{PartNumber: n, ETag: sent.ETag, ChecksumCRC32C: sum})
	}
	if _, err := f.CompleteMultipartUpload(t.Context(), f.bucket, key, id, parts, minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
}

// TestAttest: what others have written is told by a sum that it has, by as few requests as that takes.
func TestAttest(t *testing.T) {
	content := make([]byte, 11<<20)
	rand.NewChaCha8([32]byte{7}).Read(content)
	s3 := testenv.MinIO(t)
	proxy := testenv.NewProxy(t, s3)
	b := newClient(t, &proxy.S3, s3store.Config{}).Bucket(s3.Bucket)
	f := newForeign(t, s3)
	b64 := func(sum []byte) string { return base64.StdEncoding.EncodeToString(sum) }
	crc := crc32.NewIEEE()
	_, _ = crc.Write(content)
	whole := sha256.Sum256(content)
	nvme := storage.Digest{Algorithm: "CRC64NVME"}
	h := nvme.New()
	_, _ = h.Write(content)
	f.put(t, "etag", content, nil)
	f.put(t, "crc64nvme", content, map[string]string{"x-amz-checksum-crc64nvme": b64(h.Sum(nil))})
	f.put(t, "crc32", content, map[string]string{"x-amz-checksum-crc32": b64(crc.Sum(nil))})
	f.put(t, "crc32c", content, map[string]string{"x-amz-checksum-crc32c": storage.CRC32C(content).String()})
	f.put(t, "sha256", content, map[string]string{"x-amz-checksum-sha256": b64(whole[:])})
	f.putParts(t, "parts", content, false)
	f.putParts(t, "summed parts", content, true)
	listed := map[string]storage.Object{}
	for o, err := range b.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		listed[o.Key] = o
	}
	heads := func() int { return proxy.Counts()["HEAD"] + proxy.Counts()["HEAD part"] }
	for key, want := range map[string]struct {
		algorithm string
		doubtful  bool
		heads     int
	}{
		"etag": {"MD5", true, 1}, "crc64nvme": {"CRC64NVME", false, 1}, "crc32": {"CRC32", false, 1}, "sha256": {"SHA256", false, 1},
		"crc32c": {"", false, 1}, "parts": {"MD5", true, 2}, "summed parts": {"CRC32C", true, 2},
	} {
		before := heads()
		o, err := b.Attest(t.Context(), listed[key])
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		if n := heads() - before; n != want.heads {
			t.Errorf("%s: %d requests", key, n)
		}
		if o.Digest.Algorithm != want.algorithm || o.Digest.Doubtful != want.doubtful || o.CRC32C.Known == o.Digest.Known() {
			t.Errorf("%s: CRC32C %s, %s", key, o.CRC32C, o.Digest)
			continue
		}
		if o.CRC32C.Differs(storage.CRC32C(content)) {
			t.Errorf("%s: CRC32C %s", key, o.CRC32C)
		}
		if o.Digest.Known() {
			h := o.Digest.New()
			_, _ = h.Write(content)
			if got := o.Digest.Of(h); got.Differs(o.Digest) {
				t.Errorf("%s: %s is told, and it has %s", key, o.Digest, got)
			}
		}
		if _, err := b.Attest(t.Context(), o); err != nil || heads()-before != want.heads {
			t.Errorf("%s: asked for again, %v", key, err)
		}
	}
	f.put(t, "etag", content[1:], nil)
	if _, err := b.Attest(t.Context(), listed["etag"]); !errors.Is(err, storage.ErrChanged) {
		t.Errorf("of another version: %v", err)
	}
	if _, err := b.Attest(t.Context(), storage.Object{Key: "none", ETag: "x"}); !errors.Is(err, storage.ErrChanged) {
		t.Errorf("of none: %v", err)
	}
	sealed, err := s3store.New(s3store.Config{Endpoint: "https://127.0.0.1:1", AccessKey: "a", SecretKey: "b"})
	if err != nil {
		t.Fatal(err)
	}
	if o, err := sealed.Bucket("nowhere").Attest(t.Context(), listed["etag"]); err != nil || o.Digest.Known() {
		t.Errorf("over TLS: %v, %v", o.Digest, err)
	}
}

// TestReadingComparesDigests: whoever reads a whole object is told of changed bits by other checksums than
// CRC32C too.
func TestReadingComparesDigests(t *testing.T) {
	content := make([]byte, 7<<20)
	rand.NewChaCha8([32]byte{8}).Read(content)
	s3 := testenv.MinIO(t)
	proxy := testenv.NewProxy(t, s3)
	b := newClient(t, &proxy.S3, s3store.Config{}).Bucket(s3.Bucket)
	f := newForeign(t, s3)
	h := storage.Digest{Algorithm: "CRC64NVME"}.New()
	_, _ = h.Write(content)
	f.put(t, "nvme", content, map[string]string{"x-amz-checksum-crc64nvme": base64.StdEncoding.EncodeToString(h.Sum(nil))})
	whole := sha256.Sum256(content)
	f.put(t, "sha256", content, map[string]string{"x-amz-checksum-sha256": base64.StdEncoding.EncodeToString(whole[:])})
	f.put(t, "etag", content, nil)
	f.putParts(t, "parts", content, false)
	f.putParts(t, "summed parts", content, true)
	read := func(key string) error {
		r, err := b.Open(t.Context(), key, storage.ReadOptions{})
		if err != nil {
			return err
		}
		defer r.Close()
		if sum := md5.Sum(content); key == "etag" && r.Object().Digest.Sum != string(sum[:]) {
			t.Errorf("the ETag is told as %s", r.Object().Digest)
		}
		_, err = io.Copy(io.Discard, r)
		return err
	}
	kinds := map[string]string{"nvme": "CRC64NVME", "etag": "MD5", "sha256": "SHA256", "parts": "MD5", "summed parts": "CRC32C"}
	for key := range kinds {
		if err := read(key); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	var changes atomic.Int64
	proxy.Change(nil, func(r *http.Response) error {
		if r.Request.Method == http.MethodGet && changes.Add(-1) >= 0 {
			r.Body = testenv.FlipBit(r.Body, 123_456)
		}
		return nil
	})
	for key, algorithm := range kinds {
		changes.Store(1)
		if err := read(key); !errors.Is(err, storage.ErrChecksum) || !strings.Contains(err.Error(), algorithm) {
			t.Errorf("%s: a changed bit: %v", key, err)
		}
		if err := read(key); err != nil {
			t.Errorf("%s, afterwards: %v", key, err)
		}
	}
}

// TestETagThatIsNoDigest: where what comes twice in one way is not what the ETag looks like, it means something else,
// which is found out once.
func TestETagThatIsNoDigest(t *testing.T) {
	content := make([]byte, 12<<20)
	rand.NewChaCha8([32]byte{9}).Read(content)
	s3 := testenv.MinIO(t)
	proxy := testenv.NewProxy(t, s3)
	b := newClient(t, &proxy.S3, s3store.Config{}).Bucket(s3.Bucket)
	newForeign(t, s3).putParts(t, "uneven", content, false, 5<<20, 6<<20)
	for _, gets := range []int{2, 1} {
		before := proxy.Counts()["GET"]
		r, err := b.Open(t.Context(), "uneven", storage.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil || !bytes.Equal(got, content) || proxy.Counts()["GET"]-before != gets {
			t.Errorf("%d bytes by %d requests, %v", len(got), proxy.Counts()["GET"]-before, err)
		}
	}
}
