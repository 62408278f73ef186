package http1

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Transport keeps connections and sends requests over them. Its fields are not changed once it
// is in use; it is then safe for concurrent use. The zero value works.
type Transport struct {
	// Dial makes connections; nil is a plain [net.Dialer].
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// TLS is for https; nil is the default configuration. HTTP/1.1 is all that is offered.
	TLS *tls.Config
	// HandshakeTimeout bounds a TLS handshake; 0 is 10 seconds.
	HandshakeTimeout time.Duration
	// MaxIdlePerHost is how many connections to one host are kept for further requests; 0 is 2.
	MaxIdlePerHost int
	// IdleTimeout is how long they are kept; 0 is 90 seconds.
	IdleTimeout time.Duration
	// AnswerTimeout bounds the wait for the head of an answer once the request has been sent,
	// and StallTimeout the wait for any more bytes, either way; 0 is 5 minutes each.
	AnswerTimeout, StallTimeout time.Duration
	// Answered, if not nil, is told how long the first byte of the answer to a request without a body
	// has taken, from when the request had been sent.
	Answered func(time.Duration)

	mu   sync.Mutex
	idle map[string][]*conn // by scheme and host, the latest used last
}

const (
	defaultMaxIdle   = 2
	defaultIdle      = 90 * time.Second
	defaultHandshake = 10 * time.Second
	defaultWait      = 5 * time.Minute
)

// errStale is a kept connection that turns out to be of no use: the server has closed it before
// it said anything.
var errStale = errors.New("the server has closed the idle connection")

// RoundTrip implements [http.RoundTripper]. A request that a kept connection lost without any
// answer is sent once more over another one, if its body can be had again and it is no POST: what
// that does when it arrives twice, the caller knows.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := check(req); err != nil {
		closeBody(req)
		return nil, err
	}
	for {
		c, err := t.connect(req.Context(), req.URL)
		if err != nil {
			closeBody(req)
			return nil, err
		}
		resp, err := c.exchange(req)
		if !errors.Is(err, errStale) || req.Method == http.MethodPost {
			return resp, err
		}
		again, ok := Rewind(req)
		if !ok {
			return nil, err
		}
		req = again
	}
}

// check refuses what this client does not do.
func check(req *http.Request) error {
	switch {
	case req.URL.Scheme != "http" && req.URL.Scheme != "https":
		return fmt.Errorf("http1: unsupported scheme %q", req.URL.Scheme)
	case req.URL.Host == "":
		return errors.New("http1: the URL has no host")
	case req.ContentLength < 0 || req.ContentLength == 0 && req.Body != nil && req.Body != http.NoBody || len(req.TransferEncoding) > 0:
		return errors.New("http1: the body's length must be known")
	case len(req.Trailer) > 0:
		return errors.New("http1: trailers are not supported")
	}
	return nil
}

// Rewind is the request with its body at the beginning again, where that can be had.
func Rewind(req *http.Request) (*http.Request, bool) {
	if req.Body == nil || req.Body == http.NoBody {
		return req, true
	}
	if req.GetBody == nil {
		return nil, false
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, false
	}
	again := *req
	again.Body = body
	return &again, true
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

// connect takes a kept connection, or makes one.
func (t *Transport) connect(ctx context.Context, u *url.URL) (*conn, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	key := u.Scheme + "://" + u.Host
	for {
		c := t.take(key)
		if c == nil {
			return t.dial(ctx, u, key)
		}
		if time.Since(c.since) < or(t.IdleTimeout, defaultIdle) && c.alive() {
			return c, nil
		}
		_ = c.nc.Close() // nothing is lost with it
	}
}

func (t *Transport) dial(ctx context.Context, u *url.URL, key string) (*conn, error) {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	dial := t.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	nc, err := dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, err
	}
	hasten(nc)
	if u.Scheme == "https" {
		if nc, err = t.handshake(ctx, nc, u.Hostname()); err != nil {
			return nil, err
		}
	}
	return newConn(t, key, nc), nil
}

func (t *Transport) handshake(ctx context.Context, nc net.Conn, host string) (net.Conn, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.TLS != nil {
		cfg = t.TLS.Clone()
	}
	if cfg.ServerName == "" {
		cfg.ServerName = host
	}
	cfg.NextProtos = []string{"http/1.1"}
	ctx, cancel := context.WithTimeout(ctx, or(t.HandshakeTimeout, defaultHandshake))
	defer cancel()
	secured := tls.Client(nc, cfg)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = nc.Close() // the handshake's error tells more
		var record tls.RecordHeaderError
		if errors.As(err, &record) && string(record.RecordHeader[:]) == "HTTP/" {
			return nil, fmt.Errorf("TLS handshake with %s: server gave HTTP response to HTTPS client", host)
		}
		return nil, fmt.Errorf("TLS handshake with %s: %w", host, err)
	}
	return secured, nil
}

// take removes the connection that was used last from those kept, if there is one.
func (t *Transport) take(key string) *conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	kept := t.idle[key]
	if len(kept) == 0 {
		return nil
	}
	c := kept[len(kept)-1]
	kept[len(kept)-1] = nil
	t.idle[key] = kept[:len(kept)-1]
	return c
}

// keep keeps a connection for a further request. Of too many the one idle longest is closed.
func (t *Transport) keep(c *conn) {
	c.since = time.Now()
	c.used = true
	most := t.MaxIdlePerHost
	if most <= 0 {
		most = defaultMaxIdle
	}
	var drop *conn
	t.mu.Lock()
	if t.idle == nil {
		t.idle = map[string][]*conn{}
	}
	kept := t.idle[c.key]
	if len(kept) > 0 && (len(kept) >= most || time.Since(kept[0].since) > or(t.IdleTimeout, defaultIdle)) {
		drop = kept[0]
		kept = append(kept[:0], kept[1:]...)
	}
	t.idle[c.key] = append(kept, c)
	t.mu.Unlock()
	if drop != nil {
		_ = drop.nc.Close() // nothing is lost with it
	}
}

// CloseIdleConnections closes the connections that are kept.
func (t *Transport) CloseIdleConnections() {
	t.mu.Lock()
	idle := t.idle
	t.idle = nil
	t.mu.Unlock()
	for _, kept := range idle {
		for _, c := range kept {
			_ = c.nc.Close() // nothing is lost with it
		}
	}
}

func or(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

var _ http.RoundTripper = (*Transport)(nil)
var _ io.Closer = (*answerBody)(nil)
