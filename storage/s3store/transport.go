package s3store

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/s3store/internal/http1"
)

// transport sends requests, and keeps the connections that are worth it.
type transport interface {
	http.RoundTripper
	CloseIdleConnections()
}

// newTransport makes connections that are worth keeping: as many idle ones as there are workers.
func newTransport(cfg Config, secure bool, answered func(time.Duration)) (transport, error) {
	trust := &tls.Config{MinVersion: tls.VersionTLS12}
	if secure && cfg.CAFile != "" { // a bundle takes milliseconds to read
		pem, err := os.ReadFile(cfg.CAFile)
		if err != nil {
			return nil, fmt.Errorf("certificate authorities for S3: %w", err)
		}
		trust.RootCAs = x509.NewCertPool()
		if !trust.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("certificate authorities for S3: %s holds no PEM certificate", cfg.CAFile)
		}
	}
	dial := dialer(nil)
	return proxying{
		direct: &http1.Transport{Dial: dial, TLS: trust, MaxIdlePerHost: cfg.Workers, Answered: answered},
		proxied: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           dial,
			MaxIdleConnsPerHost:   cfg.Workers,
			IdleConnTimeout:       90 * time.Second,
			TLSHandshakeTimeout:   10 * time.Second,
			ResponseHeaderTimeout: 5 * time.Minute,
			WriteBufferSize:       64 << 10,
			ReadBufferSize:        64 << 10,
			DisableCompression:    true, // objects are what they are
			TLSClientConfig:       trust,
		},
	}, nil
}

const (
	connectPatience = 5 * time.Second
	// lookupPatience is for finding the address of a name: a name server that does not answer is given up after 5
	// seconds, and the next one asked.
	lookupPatience = 15 * time.Second
)

// dialer makes connections; a nil resolver is the machine's. A name may take its time, an address that does not
// answer is soon given up.
func dialer(resolver *net.Resolver) func(ctx context.Context, network, address string) (net.Conn, error) {
	connect := &net.Dialer{Timeout: connectPatience, KeepAlive: 15 * time.Second}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(address)
		if err != nil || net.ParseIP(host) != nil {
			return connect.DialContext(ctx, network, address)
		}
		named := *connect
		named.Timeout, named.Resolver = lookupPatience, resolver
		return named.DialContext(ctx, network, address)
	}
}

// proxying sends what the environment wants to go through a proxy by net/http, which knows how.
type proxying struct {
	direct  *http1.Transport
	proxied *http.Transport
}

func (p proxying) RoundTrip(req *http.Request) (*http.Response, error) {
	if proxy, err := http.ProxyFromEnvironment(req); proxy != nil || err != nil {
		if req.Body != nil && req.Body != http.NoBody {
			body := &attemptBody{ReadCloser: req.Body}
			defer body.end()
			req.Body = body
		}
		return p.proxied.RoundTrip(req)
	}
	return p.direct.RoundTrip(req)
}

func (p proxying) CloseIdleConnections() {
	p.direct.CloseIdleConnections()
	p.proxied.CloseIdleConnections()
}

// listeningTransport hands response headers to callers that want more of them than the
// library passes on, which spares them a HEAD.
type listeningTransport struct {
	http.RoundTripper
	pays    *payer // nil if the bucket's owner pays
	regions *regions
	servers *serverName
	busy    *atomic.Int64 // answers that asked for fewer requests
}

// serverName is what the service calls itself in its answers.
type serverName struct{ value atomic.Pointer[string] }

func (s *serverName) get() string {
	if v := s.value.Load(); v != nil {
		return *v
	}
	return ""
}

// note keeps the name in the first answer that has one.
func (s *serverName) note(h http.Header) {
	if s.value.Load() != nil {
		return
	}
	if name := h.Get("Server"); name != "" {
		s.value.Store(&name)
	}
}

// roundTrip is the shortest time that an answer has taken. The zero value has none.
type roundTrip struct{ nanos atomic.Int64 }

// note takes in how long an answer took.
func (r *roundTrip) note(d time.Duration) {
	for {
		least := r.nanos.Load()
		if least > 0 && int64(d) >= least || r.nanos.CompareAndSwap(least, max(int64(d), 1)) {
			return
		}
	}
}

// answer receives the headers of the last response to a request made with its context.
type answer struct{ header http.Header }

type answerKey struct{}

// listen returns a context for one call, whose response headers will be in the answer.
func listen(ctx context.Context) (context.Context, *answer) {
	a := &answer{}
	return context.WithValue(ctx, answerKey{}, a), a
}

func (t listeningTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.pays != nil {
		t.pays.sign(req)
	}
	req = t.regions.forward(req)
	resp, err := t.RoundTripper.RoundTrip(req)
	if err != nil {
		return resp, err
	}
	if elsewhere := t.regions.again(req, resp); elsewhere != nil {
		_ = resp.Body.Close() // it said where to ask
		if resp, err = t.RoundTripper.RoundTrip(elsewhere); err != nil {
			return resp, err
		}
	}
	t.servers.note(resp.Header)
	if resp.StatusCode == http.StatusServiceUnavailable || resp.StatusCode == http.StatusTooManyRequests {
		t.busy.Add(1)
	}
	if a, ok := req.Context().Value(answerKey{}).(*answer); ok {
		a.header = resp.Header
	}
	return resp, err
}

// attemptBody is the body of one attempt. net/http may go on reading a body that was answered
// early, while the next attempt has gone back to the start of the same bytes.
type attemptBody struct {
	io.ReadCloser
	mu    sync.Mutex
	ended bool
}

func (b *attemptBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return 0, io.EOF // where all was read already, that is what net/http looks for
	}
	return b.ReadCloser.Read(p)
}

func (b *attemptBody) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
}

// date is the server's clock at the response, or ours where it does not tell.
func (a *answer) date() time.Time {
	if t, err := http.ParseTime(a.header.Get("Date")); err == nil {
		return t
	}
	return time.Now()
}

// checksum is that of the whole object, as far as the response tells it.
func (a *answer) checksum() storage.Checksum {
	return fullChecksum(a.header.Get("X-Amz-Checksum-Crc32c"), a.header.Get("X-Amz-Checksum-Type"))
}

// fullChecksum reads a checksum header. One of parts' checksums says nothing of the bytes:
// it is marked COMPOSITE, or ends in "-" and the number of parts.
func fullChecksum(value, kind string) storage.Checksum {
	if kind == "COMPOSITE" {
		return storage.Checksum{}
	}
	sum, err := storage.ParseChecksum(value)
	if err != nil {
		return storage.Checksum{}
	}
	return sum
}
