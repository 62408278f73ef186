package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/testenv"
)

// What a killed run has begun on S3 is aborted when its job is forgotten, or goes elsewhere.
func TestUploadsOfAKilledJob(t *testing.T) {
	s3 := testenv.MinIO(t)
	proxy := testenv.NewProxy(t, s3)
	src := t.TempDir()
	if err := os.WriteFile(filepath.Join(src, "large"), randomText(9, 24<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	dest := s3.URL("begun/")
	uploads := func() (n int) {
		storePlace{s3, "", dest}.with(t, func(l storage.Location) {
			r, ok := storage.As[storage.PartResumer](l.Bucket)
			if !ok {
				t.Fatal("uploads cannot be listed")
			}
			for _, err := range r.Uploads(t.Context(), l.Prefix+"large") {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
		})
		return n
	}
	begin := func() {
		t.Helper()
		var once sync.Once
		enough := make(chan struct{})
		proxy.Change(func(q *http.Request) {
			if q.Method == http.MethodPut && q.URL.Query().Get("partNumber") == "2" {
				once.Do(func() { close(enough) })
			}
		}, nil)
		killAfter(t, program(t.Context(), t, &proxy.S3, "--src", src, "--dest", dest, "--job", "big",
			"--multipartUploadChunkSize=5", "--workers=1", "--bandwidth=8", "--quiet"), enough)
		if uploads() != 1 {
			t.Fatal("there is no upload to abort")
		}
	}

	begin()
	unreachable := *s3
	unreachable.Endpoint = "http://127.0.0.1:1"
	out, err := program(t.Context(), t, &unreachable, "jobs", "rm", "big").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "the job big stays") || !strings.Contains(string(out), "connection refused") {
		t.Errorf("%v: %s", err, out)
	}
	mustRun(t, s3, "jobs", "rm", "big")
	if uploads() != 0 {
		t.Error("the upload of a job that was forgotten is left")
	}

	begin()
	mustRun(t, s3, "--src", src, "--dest", t.TempDir(), "--job", "big", "--quiet")
	if uploads() != 0 {
		t.Error("the upload of a job that went elsewhere is left")
	}

	begin()
	mustRun(t, &unreachable, "jobs", "rm", "big", "--force")
	if uploads() != 1 {
		t.Error("there was no way to abort it")
	}
}
