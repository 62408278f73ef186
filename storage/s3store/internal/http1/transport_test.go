package http1

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// server is an HTTP server that counts its connections.
type server struct {
	*httptest.Server
	opened, closed atomic.Int32
}

func serve(t *testing.T, handle http.HandlerFunc) *server {
	t.Helper()
	s := &server{Server: httptest.NewUnstartedServer(handle)}
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			s.opened.Add(1)
		case http.StateClosed:
			s.closed.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func newTransport(t *testing.T) *Transport {
	tr := &Transport{MaxIdlePerHost: 8}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func request(t *testing.T, method, url string, body []byte) *http.Request {
	t.Helper()
	var r io.Reader
	if body != nil {
		r = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, r)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// do sends a request and reads the answer.
func do(t *testing.T, tr *Transport, req *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: read the answer: %v", req.Method, req.URL, err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// TestRequestsArriveAsNetHTTPSendsThem compares what a server sees of ours and of net/http's.
func TestRequestsArriveAsNetHTTPSendsThem(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		r.Header.Del("User-Agent")
		r.Header.Del("Accept-Encoding")
		fmt.Fprintf(w, "%s %s %s %v %d %x %v", r.Method, r.RequestURI, r.Host, r.Header, r.ContentLength, body, err)
	})
	big := bytes.Repeat([]byte("0123456789"), 300_000)
	for _, tc := range []struct {
		method, target string
		body           []byte
	}{
		{"GET", "/", nil},
		{"GET", "/a%20b/%C3%A9//c?x=1&y=%2F", nil},
		{"PUT", "/empty", []byte{}},
		{"PUT", "/small", []byte("content")},
		{"POST", "/big", big},
		{"DELETE", "/gone", nil},
	} {
		build := func() *http.Request {
			req := request(t, tc.method, s.URL+tc.target, tc.body)
			req.Header.Set("X-Amz-Meta-Name", "größer, with  spaces\tand a tab")
			req.Header["X-Many"] = []string{"one", "two"}
			return req
		}
		_, got := do(t, newTransport(t), build())
		resp, err := http.DefaultTransport.RoundTrip(build())
		if err != nil {
			t.Fatal(err)
		}
		want, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || got != string(want) {
			t.Errorf("%s %s:\n%.300s\nwant, as net/http sends it,\n%.300s", tc.method, tc.target, got, want)
		}
	}
}

func TestAnswers(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/empty":
		case "/none":
			w.WriteHeader(http.StatusNoContent)
		case "/chunked":
			for range 3 {
				fmt.Fprint(w, "chunk ")
				w.(http.Flusher).Flush()
			}
		case "/early-hints":
			w.Header().Set("Link", "x")
			w.WriteHeader(http.StatusEarlyHints)
			fmt.Fprint(w, "final")
		case "/long":
			w.Header().Set("Content-Length", "100000")
			fmt.Fprint(w, strings.Repeat("x", 100000))
		}
	})
	tr := newTransport(t)
	for path, want := range map[string]string{
		"/empty": "", "/none": "", "/chunked": "chunk chunk chunk ", "/early-hints": "final", "/long": strings.Repeat("x", 100000),
	} {
		for _, method := range []string{"GET", "HEAD"} {
			if method == "HEAD" {
				want = ""
			}
			if _, got := do(t, tr, request(t, method, s.URL+path, nil)); got != want {
				t.Errorf("%s %s: %d bytes, want %d", method, path, len(got), len(want))
			}
		}
	}
	if n := s.opened.Load(); n != 1 {
		t.Errorf("%d connections, want 1 for all requests in a row", n)
	}
}

// TestUnreadBodyGivesUpTheConnection keeps what is left of an answer out of the next one.
func TestUnreadBodyGivesUpTheConnection(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", 1<<20)) })
	tr := newTransport(t)
	for range 2 {
		resp, err := tr.RoundTrip(request(t, "GET", s.URL, nil))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(resp.Body, make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := resp.Body.Read(make([]byte, 1)); !errors.Is(err, errClosed) {
			t.Errorf("read after Close: %v", err)
		}
	}
	if n := s.opened.Load(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

// TestServerClosesIdleConnections sends over a connection that has been closed meanwhile.
func TestServerClosesIdleConnections(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s", body)
	})
	tr := newTransport(t)
	for i := range 3 {
		for _, body := range [][]byte{nil, []byte("content")} {
			req := request(t, "PUT", s.URL, body)
			if _, got := do(t, tr, req); got != string(body) {
				t.Fatalf("round %d: %q", i, got)
			}
			s.CloseClientConnections()
		}
	}
	// A body that cannot be had again is not sent again.
	do(t, tr, request(t, "GET", s.URL, nil))
	s.CloseClientConnections()
	req := request(t, "PUT", s.URL, []byte("content"))
	req.GetBody = nil
	if resp, err := tr.RoundTrip(req); err == nil {
		resp.Body.Close()
		t.Error("a body without GetBody was sent over a connection that is closed")
	}
}

// TestBodyOfAnotherLength sends bodies of 7 bytes that were said to have fewer or more.
func TestBodyOfAnotherLength(t *testing.T) {
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err == nil {
			t.Error("a whole request has arrived")
		}
	})
	for _, hidden := range []bool{false, true} { // the body's own way of writing itself
		for length, want := range map[int64]string{3: "longer than was said", 100: "7 bytes, not 100"} {
			var body io.Reader = strings.NewReader("content")
			if hidden {
				body = struct{ io.Reader }{body}
			}
			req := request(t, "PUT", s.URL, nil)
			req.Body, req.ContentLength = io.NopCloser(body), length
			resp, err := newTransport(t).RoundTrip(req)
			if err == nil {
				resp.Body.Close()
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("a body of 7 bytes that was said to have %d: %v", length, err)
			}
		}
	}
}

func TestTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "%s %d", r.Proto, n)
	}))
	defer s.Close()
	tr := newTransport(t)
	if resp, err := tr.RoundTrip(request(t, "GET", s.URL, nil)); err == nil {
		resp.Body.Close()
		t.Error("a certificate that nobody vouches for was accepted")
	}
	tr.TLS = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	tr.TLS.RootCAs.AddCert(s.Certificate())
	for range 2 {
		if _, got := do(t, tr, request(t, "PUT", s.URL, make([]byte, 3<<20))); got != "HTTP/1.1 3145728" {
			t.Errorf("got %q", got)
		}
	}
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	_, err := tr.RoundTrip(request(t, "GET", strings.Replace(plain.URL, "http:", "https:", 1), nil))
	if err == nil || !strings.Contains(err.Error(), "HTTP response to HTTPS client") {
		t.Errorf("https to a server of http: %v", err)
	}
}

// TestManyAtOnce keeps no more connections than it may, and loses none.
func TestManyAtOnce(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	})
	tr := newTransport(t)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			body := bytes.Repeat([]byte{byte(i)}, 1000*i+1)
			for range 20 {
				if _, got := do(t, tr, request(t, "PUT", s.URL, body)); got != string(body) {
					t.Errorf("worker %d: %d bytes that are not its own", i, len(got))
				}
			}
		})
	}
	all.Wait()
	if kept := s.opened.Load() - s.closed.Load(); kept > 20 {
		t.Errorf("%d connections are open", kept)
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for key, kept := range tr.idle {
		if len(kept) > tr.MaxIdlePerHost {
			t.Errorf("%d connections to %s are kept, want up to %d", len(kept), key, tr.MaxIdlePerHost)
		}
	}
}

func BenchmarkRoundTrip(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Length", "2")
		fmt.Fprint(w, "ok")
	}))
	defer s.Close()
	content := make([]byte, 8<<10)
	for name, tr := range map[string]http.RoundTripper{"http1": &Transport{MaxIdlePerHost: 64}, "net-http": &http.Transport{MaxIdleConnsPerHost: 64}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					req, _ := http.NewRequestWithContext(b.Context(), http.MethodPut, s.URL, bytes.NewReader(content))
					resp, err := tr.RoundTrip(req)
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
			})
		})
	}
}

// fileBody is a body that a connection may take from its file.
type fileBody struct {
	*os.File
	n int64
}

func (b *fileBody) WriteTo(w io.Writer) (int64, error) {
	return w.(io.ReaderFrom).ReadFrom(io.LimitReader(b.File, b.n))
}

// TestBodyFromAFile sends a file in the clear and encrypted, and one that is shorter than it was.
func TestBodyFromAFile(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 2_000_000) // more than goes under one deadline
	path := filepath.Join(t.TempDir(), "content")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprint(w, bytes.Equal(body, content[:len(body)]), len(body), err)
	})
	open := serve(t, handler)
	encrypted := httptest.NewTLSServer(handler)
	defer encrypted.Close()
	tr := newTransport(t)
	tr.TLS = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	tr.TLS.RootCAs.AddCert(encrypted.Certificate())
	for _, url := range []string{open.URL, encrypted.URL} {
		build := func(said int64) *http.Request {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			req := request(t, "PUT", url, nil)
			req.Body, req.ContentLength = &fileBody{f, said}, said
			return req
		}
		if _, got := do(t, tr, build(int64(len(content)))); got != fmt.Sprint(true, len(content), error(nil)) {
			t.Errorf("%s: %s", url, got)
		}
		resp, err := tr.RoundTrip(build(int64(len(content)) + 1))
		if err == nil {
			resp.Body.Close()
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: a file that is too short: %v", url, err)
		}
	}
}
