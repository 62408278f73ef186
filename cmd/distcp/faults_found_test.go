package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/skepdata/skep/testenv"
)

// The answer to a range has no checksum of the object, and yet a bit that is another is seen.
func TestFlippedInRange(t *testing.T) {
	r := &faultRound{s3: testenv.MinIO(t)}
	r.proxy = testenv.NewProxy(t, r.s3)
	r.src, r.dest = storePlace{r.s3, "", r.s3.URL("src/")}, dirPlace(filepath.Join(t.TempDir(), "dest"))
	r.want = fileSet{"d/large": randomText(1, 11<<20)}
	r.src.write(t, r.want)
	r.args = []string{"--src", r.src.url(), "--dest", r.dest.url(), "--multipartUploadChunkSize=5", "--quiet"}
	var flipped atomic.Bool
	r.proxy.Change(nil, func(p *http.Response) error {
		if p.Request.Method == http.MethodGet && p.ContentLength > 1<<20 && !flipped.Swap(true) {
			p.Body = testenv.FlipBit(p.Body, 1000)
		}
		return nil
	})
	if code, output := r.attempt(t); code != exitOK || !flipped.Load() {
		t.Fatalf("exit code %d, flipped %v: %s", code, flipped.Load(), output)
	}
	r.want.compare(t, r.dest.read(t), "after a flipped bit")
}

// An output that came to be though the answer said otherwise is not made a second time.
func TestLostAnswerOfGroup(t *testing.T) {
	r := &faultRound{s3: testenv.MinIO(t)}
	r.proxy = testenv.NewProxy(t, r.s3)
	source := fileSet{"d1/a": randomText(1, 6<<20), "d1/b": randomText(2, 6<<20)}
	r.src, r.dest = dirPlace(filepath.Join(t.TempDir(), "src")), storePlace{r.s3, "", r.s3.URL("dest/")}
	r.src.write(t, source)
	r.want = serialCopy(source, true)
	r.args = []string{
		"--src", r.src.url(), "--dest", r.dest.url(), "--multipartUploadChunkSize=5", "--groupBy", `.*/(d\d)/[^/]*`, "--quiet",
	}
	r.proxy.Change(nil, func(p *http.Response) error {
		if p.Request.Method == http.MethodPost && p.Request.URL.Query().Has("uploadId") {
			p.StatusCode, p.Body, p.ContentLength = http.StatusForbidden, http.NoBody, 0
			p.Header.Set("Content-Length", "0")
		}
		return nil
	})
	if code, output := r.attempt(t); code == exitOK || !strings.Contains(output, "d1/d1") {
		t.Fatalf("exit code %d: %s", code, output)
	}
	r.proxy.Change(nil, nil)
	if code, output := r.attempt(t); code != exitOK {
		t.Fatalf("exit code %d: %s", code, output)
	}
	r.want.compare(t, r.dest.read(t), "run again")
}
