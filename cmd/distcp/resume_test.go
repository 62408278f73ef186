package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
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
	killAfter(t, program(t.Context(), t, &proxy.S3, slow...), enough)
	plan, err := program(t.Context(), t, &proxy.S3, append([]string{"--dry-run"}, args...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	var planned eventLine
	if err := json.Unmarshal(bytes.Split(plan, []byte("\n"))[0], &planned); err != nil || planned.Action != "continue" || planned.There < 3*partSize {
		t.Errorf("%v: the plan is %s", err, plan)
	}
	sent.Store(0)
	out, err := program(t.Context(), t, &proxy.S3, args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	line := summaryOf(t, out)
	if line.Resumed < 3*partSize {
		t.Errorf("only %d bytes were there already", line.Resumed)
	}
	if line.Resumed != planned.There {
		t.Errorf("%d bytes were there, of which the plan said %d", line.Resumed, planned.There)
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

// killAfter runs a command and kills it when it has done enough.
func killAfter(t *testing.T, cmd *exec.Cmd, enough <-chan struct{}) {
	t.Helper()
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
}

// summaryOf is the last line of what --json prints.
func summaryOf(t *testing.T, out []byte) (line summaryLine) {
	t.Helper()
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], &line); err != nil {
		t.Fatal(err)
	}
	return line
}

// It is the same for a large file, and for the blocks of one: the parts that are there are not fetched
// again, and neither a hidden file nor a block is left.
func TestKilledInTheMiddleOfAFile(t *testing.T) {
	t.Run("file", func(t *testing.T) {
		parent := t.TempDir()
		dest := dirPlace(filepath.Join(parent, "new", "dest"))
		testKilledInTheMiddle(t, testenv.MinIO(t), dest)
		if files := dirPlace(parent).read(t); len(files) != 1 {
			t.Errorf("%d files below %s, want one", len(files), parent)
		}
	})
	t.Run("blocks", func(t *testing.T) {
		s3 := testenv.MinIO(t)
		roots := filepath.Join(t.TempDir(), "a") + "," + filepath.Join(t.TempDir(), "b")
		mustRun(t, s3, "mkvolume", "block://v", "--blockSize=8M", "--blockRoot", roots)
		testKilledInTheMiddle(t, s3, storePlace{s3, roots, "block://v/new/"}, "--blockRoot", roots)
		mustRun(t, s3, "fsck", "--deep", "--blockRoot", roots)
	})
}

func testKilledInTheMiddle(t *testing.T, s3 *testenv.S3, dest place, more ...string) {
	t.Helper()
	proxy := testenv.NewProxy(t, s3)
	const size, partSize = 64 << 20, 5 << 20
	source := storePlace{s3, "", s3.URL("large/")}
	source.write(t, fileSet{"large": randomText(9, size)})
	args := append([]string{"--src", source.url(), "--dest", dest.url(), "--multipartUploadChunkSize=5", "--workers=2", "--json", "--quiet"}, more...)
	slow := append([]string{"--bandwidth=16"}, args...) // four seconds

	var fetched atomic.Int64
	var once sync.Once
	enough := make(chan struct{}) // two thirds: the journal is written once a second
	proxy.Change(nil, func(p *http.Response) error {
		if p.Request.Method == http.MethodGet && p.Request.Header.Get("Range") != "" && p.ContentLength > 1 {
			if fetched.Add(p.ContentLength) > size*2/3+2*partSize {
				once.Do(func() { close(enough) })
			}
		}
		return nil
	})
	killAfter(t, program(t.Context(), t, &proxy.S3, slow...), enough)
	if files := dest.read(t); len(files) > 0 {
		t.Errorf("%d files are visible", len(files))
	}
	fetched.Store(0)
	out, err := program(t.Context(), t, &proxy.S3, args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	line := summaryOf(t, out)
	if line.Resumed < 3*partSize {
		t.Errorf("only %d bytes were there already", line.Resumed)
	}
	if got, want := fetched.Load(), size-line.Resumed; got != want {
		t.Errorf("%d bytes were fetched, want the %d that were not there", got, want)
	}
	mustRun(t, s3, append([]string{"verify", "--exact", source.url(), dest.url(), "--quiet"}, more...)...)
	dest.wantNoLeftovers(t, "resumed")
	fetched.Store(0)
	mustRun(t, &proxy.S3, args...)
	if fetched.Load() != 0 {
		t.Errorf("a finished job run again has fetched %d bytes", fetched.Load())
	}
}

// A run killed before it knows the name of the upload it has asked for leaves none behind when it
// is run again, whether it or the store has cut the object into parts.
func TestKilledBeforeTheNameIsKnown(t *testing.T) {
	s3 := testenv.MinIO(t)
	proxy := testenv.NewProxy(t, s3)
	src := t.TempDir()
	if err := os.WriteFile(filepath.Join(src, "large"), randomText(9, 24<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, more := range map[string][]string{"parts": nil, "stream": {"--outputCodec=gzip"}, "whole": {"--disableMultipartUpload"}} {
		t.Run(name, func(t *testing.T) {
			dest := storePlace{s3, "", s3.URL(name + "/")}
			args := append([]string{"--src", src, "--dest", dest.url(), "--multipartUploadChunkSize=5", "--quiet"}, more...)
			ctx, kill := context.WithCancel(t.Context())
			dead := make(chan struct{})
			cmd := program(ctx, t, &proxy.S3, args...)
			var asked atomic.Int64
			proxy.Change(nil, func(p *http.Response) error {
				if p.Request.Method == http.MethodPost && p.Request.URL.Query().Has("uploads") && asked.Add(1) == 1 {
					kill()
					<-dead
				}
				return nil
			})
			out, err := cmd.CombinedOutput()
			if close(dead); err == nil || len(out) > 0 {
				t.Fatalf("it was to be killed: %v, %s", err, out)
			}
			mustRun(t, &proxy.S3, args...)
			if asked.Load() != 2 {
				t.Errorf("%d uploads were begun, want 2", asked.Load())
			}
			dest.wantNoLeftovers(t, name)
		})
	}
}
