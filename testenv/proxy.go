package testenv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// Proxy stands between a client and an S3 service: it counts requests, and does to them what
// networks and busy servers do. It is safe for concurrent use.
type Proxy struct {
	S3 // the service by way of the proxy, with the bucket of the one behind it

	server *http.Server
	ended  chan struct{}

	mu       sync.Mutex
	requests []string
	counts   map[string]int
	injected map[string]int
	faults   *faults
	request  func(*http.Request)
	response func(*http.Response) error
}

// NewProxy starts a proxy in front of s, which ends with the test.
func NewProxy(t testing.TB, s *S3) *Proxy {
	t.Helper()
	p, err := StartProxy(s)
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("testenv: close the proxy: %v", err)
		}
	})
	return p
}

// StartProxy starts a proxy in front of s on a loopback port of its own. It ends with Close.
func StartProxy(s *S3) (*Proxy, error) {
	target, err := url.Parse(s.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("a proxy for %s: %w", s.Endpoint, err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("a proxy for %s: %w", s.Endpoint, err)
	}
	p := &Proxy{S3: *s, ended: make(chan struct{}), counts: map[string]int{}, injected: map[string]int{}}
	p.Endpoint = "http://" + listener.Addr().String()
	quiet := log.New(io.Discard, "", 0)
	p.server = &http.Server{
		Handler:           p.handler(target, quiet),
		ErrorLog:          quiet,
		ReadHeaderTimeout: time.Minute,
	}
	go func() {
		defer close(p.ended)
		_ = p.server.Serve(listener) // it returns when Close closes the listener
	}()
	return p, nil
}

// Close cuts all connections and ends the proxy.
func (p *Proxy) Close() error {
	err := p.server.Close()
	<-p.ended
	return err
}

// errCut ends a body, and with it the connection, in the middle.
var errCut = errors.New("the proxy cuts the connection")

func (p *Proxy) handler(target *url.URL, quiet *log.Logger) http.Handler {
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // which is signed
			if f := p.onRequest(); f != nil {
				f(r.Out)
			}
		},
		ModifyResponse: p.modify,
		Transport:      &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
		ErrorLog:       quiet,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			if errors.Is(err, errCut) {
				panic(http.ErrAbortHandler) // which closes the connection without an answer
			}
			w.WriteHeader(http.StatusBadGateway)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := p.begin(r)
		if f == nil {
			forward.ServeHTTP(w, r)
			return
		}
		if !pause(r.Context(), f.latency) {
			return
		}
		if f.busy {
			p.note("busy")
			slowDown(w)
			return
		}
		r.Body = f.upload(r.Body, r.ContentLength)
		forward.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), fateKey{}, f)))
	})
}

// modify does to a response what its request is fated to.
func (p *Proxy) modify(r *http.Response) error {
	if hook := p.onResponse(); hook != nil { //nolint:bodyclose // it is a function, not a response
		if err := hook(r); err != nil {
			return err // and the reverse proxy closes the body
		}
	}
	if f, ok := r.Request.Context().Value(fateKey{}).(*fate); ok {
		return f.download(r)
	}
	return nil
}

// slowDown is how S3 answers who asks for too much.
func slowDown(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?>`+
		`<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>`)
}

// pause waits, and reports whether there is still somebody to wait for.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// begin counts a request and decides what is to become of it; nil is nothing particular.
func (p *Proxy) begin(r *http.Request) *fate {
	kind := describeRequest(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, kind)
	p.counts[strings.TrimSuffix(kind, " "+r.Header.Get("Range"))]++
	if p.faults == nil {
		return nil
	}
	return p.faults.next(p.note)
}

// note counts something that was done to a request.
func (p *Proxy) note(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.injected[what]++
}

// describeRequest is a request without bucket, key and identifiers: "PUT upload part", "GET
// bytes=0-9".
func describeRequest(r *http.Request) string {
	q := r.URL.Query()
	words := []string{r.Method}
	for _, name := range []struct{ query, word string }{
		{"uploads", "uploads"}, {"uploadId", "upload"}, {"list-type", "list"}, {"versions", "versions"},
		{"delete", "delete"}, {"tagging", "tags"}, {"acl", "acl"}, {"partNumber", "part"},
	} {
		if q.Has(name.query) {
			words = append(words, name.word)
		}
	}
	if r.Header.Get("x-amz-meta-snowball-auto-extract") != "" {
		words = append(words, "batch")
	}
	if r.Header.Get("Range") != "" {
		words = append(words, r.Header.Get("Range"))
	}
	if r.Header.Get("x-amz-copy-source") != "" {
		words = append(words, "copy")
	}
	return strings.Join(words, " ")
}

// Requests returns what was requested since it was last called, in order: method, what the
// query and headers make of it, and the range, as "GET list" or "GET bytes=10-14".
func (p *Proxy) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	sent := p.requests
	p.requests = nil
	return sent
}

// Counts returns how many requests of each kind there have been; ranges make no kinds.
func (p *Proxy) Counts() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.counts)
}

// Injected returns how often each fault was done to a request: "busy", "cut up", "cut down",
// "stall", "truncate", "flip up", "flip down", "lost answer".
func (p *Proxy) Injected() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.injected)
}

// Change sets what happens to requests on their way to the service, and to its responses,
// from now on; nil is nothing. An error of response becomes a 502.
func (p *Proxy) Change(request func(*http.Request), response func(*http.Response) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.request, p.response = request, response
}

func (p *Proxy) onRequest() func(*http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.request
}

func (p *Proxy) onResponse() func(*http.Response) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.response
}
