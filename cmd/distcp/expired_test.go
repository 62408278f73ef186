package main

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/skepdata/skep/testenv"
)

// Credentials that expire in the middle of a copy end it, with one line and not one for each file that is left, on
// either side. With new ones the same command goes on where it was, in the middle of large objects too.
func TestExpiredCredentials(t *testing.T) {
	const answer = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>`
	files := fileSet{"large": randomText(9, 40<<20)}
	for n := range 60 {
		files["d/"+string(rune('a'+n%26))+string(rune('a'+n/26))] = randomText(uint64(n), 1000)
	}
	for _, up := range []bool{true, false} {
		r := &faultRound{s3: testenv.MinIO(t)}
		r.proxy = testenv.NewProxy(t, r.s3)
		r.src, r.dest = dirPlace(filepath.Join(t.TempDir(), "src")), storePlace{r.s3, "", r.s3.URL("there/")}
		if !up {
			r.src, r.dest = storePlace{r.s3, "", r.s3.URL("there/")}, dirPlace(filepath.Join(t.TempDir(), "dest"))
		}
		r.src.write(t, files)
		r.args = []string{"--src", r.src.url(), "--dest", r.dest.url(), "--multipartUploadChunkSize=5", "--workers=4"}
		var expires, served atomic.Int64
		expires.Store(30)
		r.proxy.Change(nil, func(p *http.Response) error {
			object := strings.Contains(p.Request.URL.Path, "/there/")
			if !object || served.Add(1) <= expires.Load() {
				return nil
			}
			_ = p.Body.Close()
			p.StatusCode, p.Body, p.ContentLength = http.StatusBadRequest, io.NopCloser(strings.NewReader(answer)), int64(len(answer))
			p.Header = http.Header{"Content-Type": {"application/xml"}}
			return nil
		})
		code, output := r.attempt(t)
		if code != exitError || strings.Count(output, "distcp: ") != 1 || !strings.Contains(output, "with new credentials the same command goes on") {
			t.Errorf("up %v: exit code %d: %s", up, code, output)
		}
		expires.Store(1 << 40)
		before := served.Load()
		if code, output = r.attempt(t); code != exitOK {
			t.Errorf("up %v, with new credentials: exit code %d: %s", up, code, output)
		}
		if again := served.Load() - before; again > 60 { // of 70 or more in all
			t.Errorf("up %v: %d requests more", up, again)
		}
		files.compare(t, r.dest.read(t), "with new credentials")
	}
}

// Who may not abort what an earlier run has left is told so, and gets the copy all the same.
func TestAbortIsDenied(t *testing.T) {
	const answer = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>`
	r := &faultRound{s3: testenv.MinIO(t)}
	r.proxy = testenv.NewProxy(t, r.s3)
	r.src, r.dest = dirPlace(filepath.Join(t.TempDir(), "src")), storePlace{r.s3, "", r.s3.URL("there/")}
	r.src.write(t, fileSet{"large": randomText(1, 20<<20)})
	r.args = []string{"--src", r.src.url(), "--dest", r.dest.url(), "--multipartUploadChunkSize=5", "--workers=1"}
	var broken atomic.Bool
	broken.Store(true)
	r.proxy.Change(nil, func(p *http.Response) error {
		q := p.Request.URL.Query()
		if p.Request.Method != http.MethodDelete && (!broken.Load() || q.Get("partNumber") != "3") {
			return nil
		}
		_ = p.Body.Close()
		p.StatusCode, p.Body, p.ContentLength = http.StatusForbidden, io.NopCloser(strings.NewReader(answer)), int64(len(answer))
		p.Header = http.Header{"Content-Type": {"application/xml"}}
		return nil
	})
	if code, output := r.attempt(t); code == exitOK {
		t.Fatalf("the first run has succeeded: %s", output)
	}
	broken.Store(false)
	want := fileSet{"large": randomText(2, 20<<20)}
	r.src.write(t, want)
	code, output := r.attempt(t)
	if code != exitOK || strings.Count(output, "that an earlier run has left stay there: ") != 1 || !strings.Contains(output, "needs s3:AbortMultipartUpload") {
		t.Errorf("exit code %d: %s", code, output)
	}
	want.compare(t, r.dest.read(t), "after an abort that was denied")
}
