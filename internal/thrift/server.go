package thrift

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Authenticator checks a name and a password; its error is told to the client.
type Authenticator func(ctx context.Context, user, password string) error

// Server serves a Service on connections whose transport and protocol it finds out by their
// first bytes.
type Server struct {
	Service *Service
	// Auth, if not nil, must accept a client before it is served: by SASL PLAIN or, over HTTP,
	// by basic authentication.
	Auth Authenticator
	// TLS, if not nil, serves clients that begin with TLS; RequireTLS refuses the others.
	TLS        *tls.Config
	RequireTLS bool
	Limits     Limits
	MaxReply   int64         // bytes of one answer; 1 GiB, as clients in Java cannot take 2
	MaxConns   int           // connections at a time; more wait to be accepted; 10,000
	Idle       time.Duration // after which a silent connection is closed; 0: never
	Stall      time.Duration // how long a client may take no byte of its answer; 2 minutes
	// Translate turns an error that a method must not throw into one that it may.
	Translate func(error) error
	// Observe is told of every call that has ended.
	Observe func(Info)
	// Panicked is told of the panic of a method. Refused, of a connection that ended with an
	// error.
	Panicked func(method string, value any)
	Refused  func(remote string, err error)
	// Left is told that a connection on which calls may have been made has ended. Those over HTTP
	// are not told of: a client of HTTP may come back on another one.
	Left func(*Conn)

	mu      sync.Mutex
	conns   map[net.Conn]*connState
	closing bool
	wg      sync.WaitGroup
	web     *http.Server
	handoff *handoff
}

// connState says whether a call is being answered.
type connState struct{ busy bool }

func (s *Server) maxReply() int64 {
	if s.MaxReply > 0 {
		return s.MaxReply
	}
	return 1 << 30
}

// Serve accepts connections until ctx ends. Then connections on which no call is being answered
// are closed, the other calls have grace to end, and Serve returns nil when all are gone. It
// serves one listener, which it closes.
func (s *Server) Serve(ctx context.Context, l net.Listener, grace time.Duration) error {
	limit := s.MaxConns
	if limit <= 0 {
		limit = 10000
	}
	s.mu.Lock()
	s.conns = map[net.Conn]*connState{}
	s.handoff = newHandoff(l.Addr())
	s.web = s.webServer(ctx)
	s.mu.Unlock()
	s.wg.Go(func() { _ = s.web.Serve(s.handoff) }) // it ends with the handoff

	calls, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stopped := make(chan struct{})
	s.wg.Go(func() {
		select {
		case <-ctx.Done():
		case <-stopped:
		}
		_ = l.Close() // nobody is left to be told
		s.closeIdle()
	})
	slots := make(chan struct{}, limit)
	err := s.accept(ctx, l, slots, func(c net.Conn) {
		s.wg.Go(func() {
			defer func() { <-slots }()
			s.serveConn(calls, c)
		})
	})
	close(stopped)
	timer := time.AfterFunc(grace, func() {
		cancel()
		s.closeAll()
	})
	defer timer.Stop()
	s.endWeb(grace)
	s.wg.Wait()
	return err
}

func (s *Server) accept(ctx context.Context, l net.Listener, slots chan struct{}, serve func(net.Conn)) error {
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		c, err := l.Accept()
		switch {
		case err == nil:
			serve(c)
			continue
		case ctx.Err() != nil:
			return nil
		}
		<-slots
		var temporary interface{ Temporary() bool }
		if !errors.As(err, &temporary) || !temporary.Temporary() { // out of file descriptors is
			return err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil
		}
	}
}

// track makes the connection known; false where the server is closing.
func (s *Server) track(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.conns[c] = &connState{}
	return true
}

func (s *Server) untrack(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// busy marks the connection; false where it should end instead.
func (s *Server) busy(c net.Conn, busy bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state := s.conns[c]; state != nil {
		state.busy = busy
	}
	return !s.closing
}

// Conns is the number of connections.
func (s *Server) Conns() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

func (s *Server) closeIdle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	for c, state := range s.conns {
		if !state.busy {
			_ = c.Close() // nobody is left to be told
		}
	}
}

func (s *Server) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close() // nobody is left to be told
	}
}

func (s *Server) refused(c net.Conn, err error) {
	if s.Refused != nil && err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
		s.Refused(c.RemoteAddr().String(), err)
	}
}

// greeting is how long a client may take to say what it speaks and who it is.
const greeting = 30 * time.Second

// serveConn finds out what a client speaks and serves it.
func (s *Server) serveConn(ctx context.Context, c net.Conn) {
	if !s.track(c) {
		_ = c.Close() // nobody is left to be told
		return
	}
	defer s.untrack(c)
	raw := c
	c = eager{c, s.stall()}
	_ = c.SetReadDeadline(time.Now().Add(s.first())) // if it fails, so does reading
	buffered := bufio.NewReaderSize(c, 16<<10)
	head, err := buffered.Peek(3)
	secure := err == nil && head[0] == 0x16 && head[1] == 3
	if secure && s.TLS != nil {
		t := tls.Server(peeked{c, buffered}, s.TLS)
		if err := t.HandshakeContext(ctx); err != nil {
			s.refused(raw, err)
			_ = c.Close() // nobody is left to be told
			return
		}
		c, buffered = t, bufio.NewReaderSize(t, 16<<10)
		head, err = buffered.Peek(3)
	}
	switch {
	case err != nil:
		s.refused(raw, err)
	case secure && s.TLS == nil:
		s.refused(raw, errors.New("the client speaks TLS, which is not set up"))
	case !secure && s.RequireTLS:
		s.refused(raw, errors.New("the client does not speak TLS, which is required"))
	case string(head) == "POS" || string(head) == "GET" || string(head) == "HEA" || string(head) == "PUT":
		_ = c.SetReadDeadline(time.Time{}) // the web server has its own
		s.untrack(raw)                     // and knows which of its connections are busy
		web := &handed{Conn: peeked{c, buffered}, closed: make(chan struct{})}
		if s.handoff.give(web) {
			<-web.closed // until then it counts as one of ours
			return
		}
	default:
		s.refused(raw, s.serveStream(ctx, raw, c, buffered))
	}
	_ = c.Close() // nobody is left to be told
}

func (s *Server) first() time.Duration {
	if s.Idle > 0 {
		return min(s.Idle, greeting)
	}
	return greeting
}

// serveStream serves a client that speaks neither HTTP nor, any more, TLS. raw is what the
// server knows the connection by.
func (s *Server) serveStream(ctx context.Context, raw, c net.Conn, r *bufio.Reader) error {
	conn := &Conn{Remote: raw.RemoteAddr().String()}
	limits := s.Limits.orDefault()
	frames := &framed{r: r, w: c, limit: limits.Message}
	head, err := r.Peek(5)
	if err != nil {
		return unexpected(err)
	}
	var in io.Reader = r
	var out io.Writer = c
	proto := Binary
	loggedIn := s.Auth == nil
	switch first := head[0]; {
	case first == saslStart:
		if conn.User, err = acceptSASL(ctx, r, c, s.Auth); err != nil {
			return err
		}
		loggedIn = true
		in, out = frames, frames
		s.await(c) // pools log in long before they call
		start, err := frames.peek(1)
		if err != nil {
			return err // it logged in and left
		}
		if start[0] == 0x82 {
			proto = Compact
		}
	case first == 0x82:
		proto = Compact
	case first == 0 && (head[4] >= 0x80 || head[4] == 0):
		in, out = frames, frames
		if head[4] == 0x82 {
			proto = Compact
		}
	case first != 0x80 && first != 0:
		return malformed("it begins with % x", head)
	}
	if s.Left != nil {
		defer s.Left(conn)
	}
	d := newDecoder(in, proto, limits)
	e := &encoder{sink: out}
	if !loggedIn {
		return s.demandLogin(d, e)
	}
	for {
		s.await(c)
		if d.begin(); d.r == d.w && !d.fill(1) {
			return d.err
		}
		if !s.busy(raw, true) {
			return nil
		}
		err := s.serve(ctx, d, e, conn)
		if more := s.busy(raw, false); err != nil || !more {
			return err
		}
	}
}

// await gives a client the time for its next call.
func (s *Server) await(c net.Conn) {
	var until time.Time
	if s.Idle > 0 {
		until = time.Now().Add(s.Idle)
	}
	_ = c.SetReadDeadline(until) // if it fails, so does reading
}

// demandLogin answers the first call of a client that should have logged in.
func (s *Server) demandLogin(d *decoder, e *encoder) error {
	head := d.message()
	var args Fields
	d.any(&args)
	if d.err != nil {
		return d.err
	}
	e.proto = d.proto
	e.message(Message{head.Name, Exception, head.Seq})
	err := &ApplicationError{
		"this server wants a login: use SASL PLAIN, or HTTP with a name and a password", InternalError,
	}
	e.any(err)
	e.flush()
	return errors.Join(err, e.err)
}

func (s *Server) stall() time.Duration {
	if s.Stall > 0 {
		return s.Stall
	}
	return 2 * time.Minute
}

// eager is a connection that ends when its peer takes nothing for a while.
type eager struct {
	net.Conn
	stall time.Duration
}

func (c eager) Write(b []byte) (int, error) {
	_ = c.SetWriteDeadline(time.Now().Add(c.stall)) // if it fails, so does writing
	return c.Conn.Write(b)
}

// peeked is a connection of which something has been read already.
type peeked struct {
	net.Conn
	r *bufio.Reader
}

func (p peeked) Read(b []byte) (int, error) { return p.r.Read(b) }
