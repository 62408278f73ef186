package s3store_test

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/skepdata/skep/storage/s3store"
	"github.com/skepdata/skep/testenv"
)

// proxy stands between a client and the real server: it counts requests, and does to them
// what networks do.
type proxy struct {
	bucket *s3store.Bucket // by way of the proxy
	direct *s3store.Bucket // past it

	mu       sync.Mutex
	requests []string
	request  func(*http.Request)        // changes a request on its way to the server
	response func(*http.Response) error // changes a response; an error becomes a 502
}

// newProxy starts a proxy in front of a bucket of the test's own.
func newProxy(t testing.TB) *proxy {
	t.Helper()
	s := testenv.MinIO(t)
	target, err := url.Parse(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{}
	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // which is signed
			if f := p.note(r.Out); f != nil {
				f(r.Out)
			}
		},
		ModifyResponse: func(r *http.Response) error {
			if f := p.onResponse(); f != nil {
				return f(r)
			}
			return nil
		},
		ErrorLog:     log.New(io.Discard, "", 0),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	})
	t.Cleanup(server.Close)
	p.direct = newClient(t, s, s3store.Config{PartSize: 5 * mib}).Bucket(s.Bucket)
	through := *s
	through.Endpoint = server.URL
	p.bucket = newClient(t, &through, s3store.Config{PartSize: 5 * mib, Attempts: 3}).Bucket(s.Bucket)
	return p
}

func (p *proxy) note(r *http.Request) func(*http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, describeRequest(r))
	return p.request
}

// describeRequest is a request without bucket, key and identifiers: "PUT part", "GET range".
func describeRequest(r *http.Request) string {
	q := r.URL.Query()
	words := []string{r.Method}
	for name, word := range map[string]string{"uploads": "uploads", "uploadId": "upload", "list-type": "list", "delete": "delete"} {
		if q.Has(name) {
			words = append(words, word)
		}
	}
	if q.Has("partNumber") {
		words = append(words, "part")
	}
	if r.Header.Get("Range") != "" {
		words = append(words, r.Header.Get("Range"))
	}
	if r.Header.Get("x-amz-copy-source") != "" {
		words = append(words, "copy")
	}
	return strings.Join(words, " ")
}

func (p *proxy) onResponse() func(*http.Response) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.response
}

// changing sets what happens to requests and responses from now on; nil is nothing.
func (p *proxy) changing(request func(*http.Request), response func(*http.Response) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.request, p.response = request, response
}

// sent returns what was requested since it was last called.
func (p *proxy) sent() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	sent := p.requests
	p.requests = nil
	return sent
}

func (p *proxy) wantSent(t *testing.T, what string, want ...string) {
	t.Helper()
	if got := p.sent(); !slices.Equal(got, want) {
		t.Errorf("%s: sent %q, want %q", what, got, want)
	}
}

var errCut = errors.New("the connection was cut")

// cutAfter is body until n bytes have gone by, and then an error.
func cutAfter(body io.ReadCloser, n int64) io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.LimitReader(body, n), errReader{}), body}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errCut }

// damaged is body with one bit of byte n another.
func damaged(body io.ReadCloser, n int64) io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{&damager{body, n}, body}
}

type damager struct {
	r io.Reader
	n int64
}

func (d *damager) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	if d.n >= 0 && d.n < int64(n) {
		p[d.n] ^= 4
	}
	d.n -= int64(n)
	return n, err
}
