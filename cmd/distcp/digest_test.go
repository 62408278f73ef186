package main

import (
	"bytes"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/skepdata/skep/testenv"
)

// Of what other programs have written a store may have no more than an MD5. A bit that is another on its way
// over plain HTTP is seen all the same: of what comes by one request at once, of what comes in ranges and has an MD5 of the
// whole with read-back.
func TestFlippedOfForeign(t *testing.T) {
	s3 := testenv.MinIO(t)
	core, err := minio.NewCore(strings.TrimPrefix(s3.Endpoint, "http://"), &minio.Options{Creds: credentials.NewStaticV4(s3.AccessKey, s3.SecretKey, "")})
	if err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int{"small": 1000, "large": 11 << 20} {
		content := randomText(5, size)
		if _, err := core.PutObject(t.Context(), s3.Bucket, name+"/x", bytes.NewReader(content), int64(size), "", "",
			minio.PutObjectOptions{DisableContentSha256: true}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name    string
		args    []string
		flips   int // how often a bit is another
		code    int
		damaged bool
	}{
		{"small/", nil, 0, exitOK, false},
		{"small/", nil, 1, exitOK, false}, // it is fetched again
		{"small/", nil, 1000, exitSomeFailed, false},
		{"small/", []string{"--verify=size"}, 1, exitOK, true},
		{"small/", []string{"--groupBy", ".*/(x)"}, 1, exitOK, false},
		{"large/", []string{"--multipartUploadChunkSize=5", "--verify=read-back"}, 0, exitOK, false},
		{"large/", []string{"--multipartUploadChunkSize=5", "--verify=read-back"}, 1, exitSomeFailed, false},
		{"large/", []string{"--multipartUploadChunkSize=5"}, 1, exitOK, true}, // as the documentation says
	} {
		r := &faultRound{s3: s3, proxy: testenv.NewProxy(t, s3)}
		left := c.flips
		r.proxy.Change(nil, func(p *http.Response) error {
			if p.Request.Method == http.MethodGet && strings.Contains(p.Request.URL.Path, c.name) && p.ContentLength > 500 && left > 0 {
				left--
				p.Body = testenv.FlipBit(p.Body, int64(100+left%7))
			}
			return nil
		})
		dest := dirPlace(filepath.Join(t.TempDir(), "dest"))
		r.args = append([]string{"--src", s3.URL(c.name), "--dest", dest.url(), "--quiet", "--workers=1", "--retry-budget=checksum=1"}, c.args...)
		code, output := r.attempt(t)
		if code != c.code {
			t.Errorf("%s %q, %d flipped: exit code %d: %s", c.name, c.args, c.flips, code, output)
		}
		want := map[string][]byte{"small/": randomText(5, 1000), "large/": randomText(5, 11<<20)}[c.name]
		got := dest.read(t)["x"]
		if right := bytes.Equal(got, want); right == c.damaged && code == exitOK || code != exitOK && got != nil {
			t.Errorf("%s %q, %d flipped: right: %v, there are %d bytes", c.name, c.args, c.flips, right, len(got))
		}
	}
}
