package main

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/testenv"
)

// claimedSize is that of objects that are read in three parts.
const claimedSize = 34 << 20

// putClaimed writes objects as other programs do, of which the service keeps other sums than the CRC32C of the whole.
func putClaimed(t *testing.T, s3 *testenv.S3) (content []byte) {
	t.Helper()
	core, err := minio.NewCore(strings.TrimPrefix(s3.Endpoint, "http://"), &minio.Options{Creds: credentials.NewStaticV4(s3.AccessKey, s3.SecretKey, "")})
	if err != nil {
		t.Fatal(err)
	}
	content = randomText(6, claimedSize)
	sumOf := func(algorithm string, p []byte) string {
		h := storage.Digest{Algorithm: algorithm}.New()
		_, _ = h.Write(p)
		return base64.StdEncoding.EncodeToString(h.Sum(nil))
	}
	for _, algorithm := range []string{"CRC32", "CRC64NVME"} {
		if _, err := core.PutObject(t.Context(), s3.Bucket, algorithm+"/x", bytes.NewReader(content), claimedSize, "", "", minio.PutObjectOptions{
			DisableContentSha256: true, UserMetadata: map[string]string{"x-amz-checksum-" + strings.ToLower(algorithm): sumOf(algorithm, content)},
		}); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		algorithm string
		sizes     []int // of the first parts; the others have 5 MiB
	}{
		"md5": {}, "composite CRC32C": {algorithm: "CRC32C"}, "composite SHA256": {algorithm: "SHA256"}, "uneven": {sizes: []int{5 << 20, 6 << 20, 9 << 20}},
	} {
		header := map[string]string{}
		if c.algorithm != "" {
			header["x-amz-checksum-algorithm"] = c.algorithm
		}
		id, err := core.NewMultipartUpload(t.Context(), s3.Bucket, name+"/x", minio.PutObjectOptions{UserMetadata: header})
		if err != nil {
			t.Fatal(err)
		}
		var parts []minio.CompletePart
		for rest := content; len(rest) > 0; {
			n := len(parts)
			part := rest[:min(5<<20, len(rest))]
			if n < len(c.sizes) {
				part = rest[:c.sizes[n]]
			}
			rest = rest[len(part):]
			h := http.Header{}
			if c.algorithm != "" {
				h.Set("x-amz-checksum-"+c.algorithm, sumOf(c.algorithm, part))
			}
			p, err := core.PutObjectPart(t.Context(), s3.Bucket, name+"/x", id, n+1, bytes.NewReader(part), int64(len(part)),
				minio.PutObjectPartOptions{CustomHeader: h, DisableContentSha256: true})
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, minio.CompletePart{PartNumber: n + 1, ETag: p.ETag, ChecksumCRC32C: p.ChecksumCRC32C, ChecksumSHA256: p.ChecksumSHA256})
		}
		if _, err := core.CompleteMultipartUpload(t.Context(), s3.Bucket, name+"/x", id, parts, minio.PutObjectOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return content
}

// Large objects that other programs have written are read in parts over plain HTTP, and a bit that is another is seen by
// whatever sum the service has. Parts end where those do that the objects were written in.
func TestFlippedPartsOfForeign(t *testing.T) {
	s3 := testenv.MinIO(t)
	content := putClaimed(t, s3)
	for _, c := range []struct {
		name    string
		args    []string
		flips   int64
		code    int
		damaged bool
	}{
		{"CRC32", nil, 0, exitOK, false},
		{"CRC32", nil, 1, exitOK, false}, // it is fetched again
		{"CRC32", nil, 1000, exitSomeFailed, false},
		{"CRC32", []string{"--verify=size"}, 1, exitOK, true},
		{"CRC64NVME", nil, 1, exitOK, false},
		{"CRC64NVME", []string{"--multipartUploadChunkSize=7"}, 1, exitOK, false},
		{"md5", nil, 0, exitOK, false},
		{"md5", nil, 1, exitOK, false},
		{"md5", nil, 1000, exitSomeFailed, false},
		{"md5", []string{"--multipartUploadChunkSize=10"}, 1, exitOK, false},
		{"md5", []string{"--multipartUploadChunkSize=8"}, 1, exitOK, true}, // as the documentation says
		{"md5", []string{"--verify=size"}, 1, exitOK, true},
		{"composite CRC32C", nil, 1, exitOK, false},
		{"composite SHA256", nil, 1, exitOK, false},
		{"uneven", nil, 0, exitOK, false},
	} {
		r := &faultRound{s3: s3, proxy: testenv.NewProxy(t, s3)}
		var left, gets atomic.Int64
		left.Store(c.flips)
		r.proxy.Change(nil, func(p *http.Response) error {
			if p.Request.Method != http.MethodGet || !strings.Contains(p.Request.URL.Path, "/x") {
				return nil
			}
			gets.Add(1)
			if n := left.Add(-1); n >= 0 {
				p.Body = testenv.FlipBit(p.Body, 100+n%7)
			}
			return nil
		})
		dest := dirPlace(filepath.Join(t.TempDir(), "dest"))
		r.args = append([]string{"--src", s3.URL(c.name + "/"), "--dest", dest.url(), "--quiet", "--retry-budget=checksum=1"}, c.args...)
		code, output := r.attempt(t)
		if code != c.code {
			t.Errorf("%s %q, %d flipped: exit code %d: %s", c.name, c.args, c.flips, code, output)
		}
		got := dest.read(t)["x"]
		if right := bytes.Equal(got, content); right == c.damaged && code == exitOK || code != exitOK && got != nil {
			t.Errorf("%s %q, %d flipped: right: %v, there are %d bytes", c.name, c.args, c.flips, right, len(got))
		}
		if c.args == nil && c.flips == 0 && c.name != "uneven" && gets.Load() != 3 {
			t.Errorf("%s: %d requests for ranges", c.name, gets.Load())
		}
	}
}

// What an interrupted run has read is compared too, by the next run: the journal has what was computed of it.
func TestFlippedPartOfInterruptedRun(t *testing.T) {
	s3 := testenv.MinIO(t)
	content := putClaimed(t, s3)
	// Of the two parts that are missing, and of all three once the first is known to be damaged. What may be no MD5 comes
	// once more before.
	for name, want := range map[string]int64{"CRC64NVME": 2 + 3, "md5": 2 + 1 + 3} {
		r := &faultRound{s3: s3, proxy: testenv.NewProxy(t, s3)}
		dest := dirPlace(filepath.Join(t.TempDir(), "dest"))
		r.args = []string{"--src", s3.URL(name + "/"), "--dest", dest.url(), "--quiet", "--workers=1", "--retry-budget=throttled=0,server=0"}
		var gets atomic.Int64
		count := func(p *http.Response) bool {
			return p.Request.Method == http.MethodGet && strings.Contains(p.Request.URL.Path, "/x") && gets.Add(1) > 0
		}
		r.proxy.Change(nil, func(p *http.Response) error {
			if !count(p) {
				return nil
			}
			if p.Body = testenv.FlipBit(p.Body, 1000); gets.Load() > 1 {
				p.StatusCode, p.Status = http.StatusServiceUnavailable, "503 Service Unavailable"
			}
			return nil
		})
		if code, output := r.attempt(t); code == exitOK || dest.read(t)["x"] != nil {
			t.Fatalf("%s: exit code %d: %s", name, code, output)
		}
		gets.Store(0)
		r.proxy.Change(nil, func(p *http.Response) error {
			count(p)
			return nil
		})
		code, output := r.attempt(t)
		if got := dest.read(t)["x"]; code != exitOK || !bytes.Equal(got, content) {
			t.Errorf("%s: exit code %d, %d bytes: %s", name, code, len(got), output)
		}
		if n := gets.Load(); n != want {
			t.Errorf("%s: %d requests, want %d", name, n, want)
		}
	}
}
