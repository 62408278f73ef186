package s3store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/testenv"
)

// errRefused makes a proxy answer 502.
var errRefused = errors.New("no")

func content(size int) []byte {
	p := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1: byte(size)}).Read(p)
	return p
}

func put(t testing.TB, b storage.Bucket, key string, p []byte) (storage.Object, error) {
	t.Helper()
	w, err := b.Create(t.Context(), key, storage.CreateOptions{})
	if err != nil {
		return storage.Object{}, err
	}
	defer w.Abort()
	if _, err := w.Write(p); err != nil {
		return storage.Object{}, err
	}
	return w.Commit()
}

func mustPut(t testing.TB, b storage.Bucket, key string, p []byte) storage.Object {
	t.Helper()
	o, err := put(t, b, key, p)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func get(t testing.TB, b storage.Bucket, key string, opts storage.ReadOptions) ([]byte, error) {
	t.Helper()
	r, err := b.Open(t.Context(), key, opts)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// TestRequests shows what each operation costs.
func TestRequests(t *testing.T) {
	p := newProxy(t)
	small, part := content(1000), content(5*mib)
	o := mustPut(t, p.bucket, "small", small)
	p.wantSent(t, "put a small object", "PUT")
	mustPut(t, p.bucket, "part", part)
	p.wantSent(t, "put exactly one part", "PUT")
	mustPut(t, p.bucket, "big", append(part, 1))
	p.wantSent(t, "put more than one part", "POST uploads", "PUT upload part", "PUT upload part", "POST upload")

	for _, c := range []struct {
		name string
		opts storage.ReadOptions
		want []string
	}{
		{"read", storage.ReadOptions{}, []string{"GET"}},
		{"read a version", storage.ReadOptions{IfMatch: o.ETag}, []string{"GET"}},
		{"read a range", storage.ReadOptions{Offset: 10, Length: 5}, []string{"GET bytes=10-14"}},
		{"read the rest", storage.ReadOptions{Offset: 10}, []string{"GET bytes=10-"}},
	} {
		if _, err := get(t, p.bucket, "small", c.opts); err != nil {
			t.Fatal(err)
		}
		p.wantSent(t, c.name, c.want...)
	}
	if _, err := p.bucket.Stat(t.Context(), "small"); err != nil {
		t.Fatal(err)
	}
	p.wantSent(t, "stat", "HEAD")
	for _, err := range p.bucket.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
	}
	p.wantSent(t, "list", "GET list")
	if _, err := p.bucket.CopyFrom(t.Context(), "copied", p.bucket, o); err != nil {
		t.Fatal(err)
	}
	p.wantSent(t, "copy", "PUT copy")
	if err := p.bucket.Delete(t.Context(), "small", "part", "big", "copied"); err != nil {
		t.Fatal(err)
	}
	p.wantSent(t, "delete", "POST delete")
	if err := p.bucket.Delete(t.Context(), "small"); err != nil {
		t.Fatal(err)
	}
	p.wantSent(t, "delete one", "DELETE")
}

func TestReadResumes(t *testing.T) {
	p := newProxy(t)
	want := content(3 * mib)
	mustPut(t, p.direct, "a", want)
	var cuts atomic.Int32
	p.Change(nil, func(r *http.Response) error {
		if cuts.Add(1) <= 4 {
			r.Body = testenv.CutAfter(r.Body, 500_000)
		}
		return nil
	})
	got, err := get(t, p.bucket, "a", storage.ReadOptions{})
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %d bytes, %v, want all %d", len(got), err, len(want))
	}
	sent := p.Requests()
	if len(sent) != 5 || sent[0] != "GET" || !strings.HasPrefix(sent[4], "GET bytes=") {
		t.Errorf("sent %q, want one GET and four of the rest", sent)
	}
}

// TestGarbledDeletions: requests to delete, and their answers, that come with other bytes than they were sent with are
// sent again.
func TestGarbledDeletions(t *testing.T) {
	p := newProxy(t)
	cut := func(n int64) func(*http.Response) error {
		return func(r *http.Response) error {
			n = min(n, r.ContentLength)
			r.Body, r.ContentLength = io.NopCloser(io.LimitReader(r.Body, n)), n
			r.Header.Set("Content-Length", strconv.FormatInt(n, 10))
			return nil
		}
	}
	for name, c := range map[string]struct {
		request  func(*http.Request)
		response func(*http.Response) error
	}{
		"no XML":         {request: func(r *http.Request) { r.Body = testenv.FlipBit(r.Body, 3) }},
		"another key":    {request: func(r *http.Request) { r.Body = testenv.FlipBit(r.Body, 60) }},
		"no answer":      {response: cut(0)},
		"a part of it":   {response: cut(150)},
		"another answer": {response: func(r *http.Response) error { r.Body = testenv.FlipBit(r.Body, 5); return nil }},
	} {
		mustPut(t, p.direct, "a", nil)
		mustPut(t, p.direct, "b", nil)
		var once, twice atomic.Bool
		p.Change(func(r *http.Request) {
			if c.request != nil && !once.Swap(true) {
				c.request(r)
			}
		}, func(r *http.Response) error {
			if c.response != nil && !twice.Swap(true) {
				return c.response(r)
			}
			return nil
		})
		if err := p.bucket.Delete(t.Context(), "a", "b"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		p.Change(nil, nil)
		for o, err := range p.direct.List(t.Context(), "") {
			t.Errorf("%s: %s is left, %v", name, o.Key, err)
		}
	}
}

// TestListingBreaksOff: pages that break off are asked for again.
func TestListingBreaksOff(t *testing.T) {
	p := newProxy(t)
	mustPut(t, p.direct, "a", nil)
	mustPut(t, p.direct, "b", nil)
	var cuts atomic.Int32
	p.Change(nil, func(r *http.Response) error {
		if cuts.Add(1) <= 2 {
			r.Body = testenv.CutAfter(r.Body, 300)
		}
		return nil
	})
	var keys []string
	for o, err := range p.bucket.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, o.Key)
	}
	if strings.Join(keys, " ") != "a b" || cuts.Load() != 3 {
		t.Errorf("%q by %d requests", keys, cuts.Load())
	}
}

func TestReadDoesNotResumeAnotherVersion(t *testing.T) {
	for name, change := range map[string]func(p *proxy) error{
		"replaced":          func(p *proxy) error { _, err := put(t, p.direct, "a", content(3*mib+1)); return err },
		"replaced, shorter": func(p *proxy) error { _, err := put(t, p.direct, "a", nil); return err },
		"deleted":           func(p *proxy) error { return p.direct.Delete(t.Context(), "a") },
	} {
		t.Run(name, func(t *testing.T) {
			p := newProxy(t)
			want := content(3 * mib)
			mustPut(t, p.direct, "a", want)
			p.Change(nil, func(r *http.Response) error {
				p.Change(nil, nil)
				r.Body = testenv.CutAfter(r.Body, 500_000)
				return change(p)
			})
			got, err := get(t, p.bucket, "a", storage.ReadOptions{})
			if !errors.Is(err, storage.ErrChanged) {
				t.Errorf("read: %v, want ErrChanged", err)
			}
			if !bytes.HasPrefix(want, got) {
				t.Errorf("read %d bytes that are not of the version that was opened", len(got))
			}
		})
	}
}

func TestReadGivesUp(t *testing.T) {
	p := newProxy(t)
	mustPut(t, p.direct, "a", content(mib))
	p.Change(nil, func(r *http.Response) error {
		r.Body = testenv.CutAfter(r.Body, 0)
		return nil
	})
	_, err := get(t, p.bucket, "a", storage.ReadOptions{})
	if !storage.IsTemporary(err) {
		t.Errorf("read: %v, want a temporary error", err)
	}
}

func TestDamageOnTheWay(t *testing.T) {
	p := newProxy(t)
	want := content(6 * mib)
	t.Run("read", func(t *testing.T) {
		mustPut(t, p.direct, "a", want)
		p.Change(nil, func(r *http.Response) error {
			r.Body = testenv.FlipBit(r.Body, 4*mib)
			return nil
		})
		defer p.Change(nil, nil)
		r, err := p.bucket.Open(t.Context(), "a", storage.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		// Even a reader that knows the length and does not ask for the end must see it.
		if _, err := io.ReadFull(r, make([]byte, len(want))); !errors.Is(err, storage.ErrChecksum) {
			t.Errorf("read: %v, want ErrChecksum", err)
		}
	})
	for name, size := range map[string]int{"small": 1000, "in parts": 6 * mib} {
		t.Run("write "+name, func(t *testing.T) {
			p.Change(func(r *http.Request) {
				if r.Method == http.MethodPut {
					r.Body = testenv.FlipBit(r.Body, 500)
				}
			}, nil)
			defer p.Change(nil, nil)
			_, err := put(t, p.bucket, name, want[:size])
			if !errors.Is(err, storage.ErrChecksum) {
				t.Errorf("write: %v, want ErrChecksum", err)
			}
			if _, err := p.direct.Stat(t.Context(), name); !errors.Is(err, storage.ErrNotExist) {
				t.Errorf("stat: %v, want ErrNotExist", err)
			}
			if left := pendingUploads(t, p.direct); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

func TestServerIsBusyForAWhile(t *testing.T) {
	p := newProxy(t)
	var refusals atomic.Int32
	busy := func(times int32) func(*http.Response) error {
		refusals.Store(times)
		return func(r *http.Response) error {
			if refusals.Add(-1) < 0 {
				return nil
			}
			r.Body.Close()
			r.StatusCode = http.StatusServiceUnavailable
			r.Header.Del("Content-Length")
			r.Body = io.NopCloser(strings.NewReader("<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"))
			return nil
		}
	}
	p.Change(nil, busy(2))
	mustPut(t, p.bucket, "a", content(1000))
	p.wantSent(t, "put", "PUT", "PUT", "PUT")

	p.Change(nil, busy(1000))
	_, err := put(t, p.bucket, "b", content(1000))
	if !storage.IsTemporary(err) {
		t.Errorf("put: %v, want a temporary error", err)
	}
	p.wantSent(t, "put", "PUT", "PUT", "PUT")
}

// TestLostAnswer loses the answer to the request that makes an object visible. The library
// sends it again, is told that there is no such upload, and Commit finds out why.
func TestLostAnswer(t *testing.T) {
	p := newProxy(t)
	want := content(6 * mib)
	p.Change(nil, func(r *http.Response) error {
		if r.Request.Method == http.MethodPost && r.Request.URL.Query().Has("uploadId") {
			p.Change(nil, nil)
			return errRefused
		}
		return nil
	})
	o, err := put(t, p.bucket, "a", want)
	if err != nil || o.CRC32C != storage.CRC32C(want) || o.Size != int64(len(want)) {
		t.Errorf("put: %+v, %v", o, err)
	}
	if sent := p.Requests(); slices.Index(sent, "HEAD") < 0 {
		t.Errorf("sent %q, want a HEAD at the end", sent)
	}
}

// TestDeadContextAbortsTheUpload cancels a writer that has sent parts already.
func TestDeadContextAbortsTheUpload(t *testing.T) {
	b := newBucket(t)
	for _, commit := range []bool{false, true} {
		cause := errors.New("the user went home")
		ctx, cancel := context.WithCancelCause(t.Context())
		w, err := b.Create(ctx, "a", storage.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content(11 * mib)); err != nil {
			t.Fatal(err)
		}
		if len(pendingUploads(t, b)) == 0 {
			t.Error("no part was sent early")
		}
		cancel(cause)
		if commit {
			if _, err := w.Commit(); !errors.Is(err, cause) {
				t.Errorf("commit: %v, want the cause", err)
			}
		}
		if err := w.Abort(); err != nil {
			t.Errorf("abort: %v", err)
		}
		if left := pendingUploads(t, b); len(left) > 0 {
			t.Errorf("commit %v: left behind: %q", commit, left)
		}
		if _, err := b.Stat(t.Context(), "a"); !errors.Is(err, storage.ErrNotExist) {
			t.Errorf("commit %v: stat: %v, want ErrNotExist", commit, err)
		}
	}
}

// TestHangingServer cancels a request that would never be answered.
func TestHangingServer(t *testing.T) {
	p := newProxy(t)
	cause := errors.New("the user went home")
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan struct{})
	p.Change(nil, func(*http.Response) error {
		cancel(cause)
		<-done
		return errRefused
	})
	_, err := p.bucket.Stat(ctx, "a")
	close(done)
	if !errors.Is(err, cause) {
		t.Errorf("stat: %v, want the cause", err)
	}
}

// TestNothingCame reads an object of which the whole content, and the length that says so, are lost on
// the way.
func TestNothingCame(t *testing.T) {
	p := newProxy(t)
	mustPut(t, p.bucket, "full", []byte("something"))
	mustPut(t, p.bucket, "empty", nil)
	p.Change(nil, func(r *http.Response) error {
		if r.Request.Method == http.MethodGet {
			r.Body = http.NoBody
			r.ContentLength = 0
			r.Header.Set("Content-Length", "0")
		}
		return nil
	})
	if got, err := get(t, p.bucket, "full", storage.ReadOptions{}); !errors.Is(err, storage.ErrChecksum) {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := get(t, p.bucket, "empty", storage.ReadOptions{}); err != nil || len(got) > 0 {
		t.Errorf("of nothing: %q, %v", got, err)
	}
}
