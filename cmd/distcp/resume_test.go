package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/testenv"
)

// A run killed in the middle of a large object is gone on with at its parts: what the server had
// acknowledged and the journal has is not sent again, and no upload is left.
func TestKilledInTheMiddleOfAnObject(t *testing.T) {
	s3 := testenv.MinIO(t)
	proxy := testenv.NewProxy(t, s3)
	src := t.TempDir()
	const size, partSize = 64 << 20, 5 << 20
	if err := os.WriteFile(filepath.Join(src, "large"), randomText(9, size), 0o644); err != nil {
		t.Fatal(err)
	}
	dest := s3.URL("resumed/")
	args := []string{"--src", src, "--dest", dest, "--multipartUploadChunkSize=5", "--workers=2", "--json", "--quiet"}
	slow := append([]string{"--bandwidth=16"}, args...) // four seconds

	var sent atomic.Int64
	var once sync.Once
	enough := make(chan struct{}) // two thirds: the journal is written once a second
	proxy.Change(func(q *http.Request) {
		if q.Method == http.MethodPut && q.URL.Query().Has("partNumber") {
			if sent.Add(q.ContentLength) > size*2/3 {
				once.Do(func() { close(enough) })
			}
		}
	}, nil)
	cmd := program(t.Context(), t, &proxy.S3, slow...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-enough:
	case <-time.After(time.Minute):
		t.Error("it has not come so far in a minute")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("it ended before it was killed")
	}
	sent.Store(0)
	out, err := program(t.Context(), t, &proxy.S3, args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	last := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	var line summaryLine
	if err := json.Unmarshal(last[len(last)-1], &line); err != nil {
		t.Fatal(err)
	}
	if line.Resumed < 3*partSize {
		t.Errorf("only %d bytes were there already", line.Resumed)
	}
	if want := size - line.Resumed; sent.Load() < want || sent.Load() > want+want/10 {
		t.Errorf("%d bytes were sent, want the %d that were not there", sent.Load(), want)
	}
	mustRun(t, s3, "verify", src, dest, "--quiet")
	storePlace{s3, "", dest}.with(t, func(l storage.Location) {
		uploads, ok := storage.As[storage.PartResumer](l.Bucket)
		if !ok {
			t.Fatal("uploads cannot be listed")
		}
		for u, err := range uploads.Uploads(t.Context(), l.Prefix+"large") {
			t.Errorf("the upload %s of %s is left: %v", u.ID, u.Key, err)
		}
	})
	sent.Store(0)
	mustRun(t, &proxy.S3, args...)
	if sent.Load() != 0 {
		t.Errorf("a finished job run again has sent %d bytes", sent.Load())
	}
}
