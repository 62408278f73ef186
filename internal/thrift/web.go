package thrift

import (
	"context"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"sync"
	"time"
)

// handoff gives a web server connections that have been accepted elsewhere.
type handoff struct {
	addr  net.Addr
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newHandoff(addr net.Addr) *handoff {
	return &handoff{addr: addr, conns: make(chan net.Conn), done: make(chan struct{})}
}

func (h *handoff) give(c net.Conn) bool {
	select {
	case h.conns <- c:
		return true
	case <-h.done:
		return false
	}
}

// Accept implements net.Listener.
func (h *handoff) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (h *handoff) Close() error {
	h.once.Do(func() { close(h.done) })
	return nil
}

// Addr implements net.Listener.
func (h *handoff) Addr() net.Addr { return h.addr }

// handed is a connection that says when it is closed.
type handed struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

func (c *handed) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { close(c.closed) })
	return err
}

const mediaType = "application/x-thrift"

func (s *Server) webServer(ctx context.Context) *http.Server {
	return &http.Server{
		Handler: http.HandlerFunc(s.serveHTTP), ReadHeaderTimeout: greeting, IdleTimeout: s.Idle,
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
}

// endWeb lets calls over HTTP end.
func (s *Server) endWeb(grace time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if s.web.Shutdown(ctx) != nil {
		_ = s.web.Close() // it has been given its time
	}
	_ = s.handoff.Close() // it cannot fail
}

// serveHTTP answers a message in the body of a POST.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		http.Error(w, "thrift messages come by POST", http.StatusMethodNotAllowed)
		return
	}
	// A browser sends this type to another site only when that site agrees, which we do not.
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != mediaType {
		http.Error(w, "the content must be "+mediaType, http.StatusUnsupportedMediaType)
		return
	}
	conn := &Conn{Remote: r.RemoteAddr}
	user, password, given := r.BasicAuth()
	if s.Auth != nil {
		if !given {
			w.Header().Set("WWW-Authenticate", `Basic realm="thrift"`)
			http.Error(w, "this server wants a name and a password", http.StatusUnauthorized)
			return
		}
		if err := s.Auth(r.Context(), user, password); err != nil {
			w.Header().Set("WWW-Authenticate", `Basic realm="thrift"`)
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		conn.User = user
	} else if given {
		conn.Claim(user)
	} else {
		conn.Claim(r.Header.Get("X-Actor-Username"))
	}
	d := newDecoder(r.Body, Binary, s.Limits)
	if !d.fill(1) {
		http.Error(w, "there is no message", http.StatusBadRequest)
		return
	}
	if d.buf[d.r] == 0x82 {
		d.proto = Compact
	}
	w.Header().Set("Content-Type", mediaType)
	e := &encoder{sink: w}
	if err := s.serve(r.Context(), d, e, conn); err != nil {
		if s.Refused != nil && !errors.Is(err, io.EOF) {
			s.Refused(r.RemoteAddr, err)
		}
		if e.sent > 0 {
			panic(http.ErrAbortHandler) // which ends the connection, so that the client sees that something is missing
		}
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}
