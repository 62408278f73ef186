package testenv

import (
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// Relay stands between a client and a database server, at an address that stays the same while the server
// behind it moves. It breaks connections where a test wants it. It is safe for concurrent use.
type Relay struct {
	Database // the server's by way of the relay

	listener net.Listener
	running  sync.WaitGroup

	mu     sync.Mutex
	target string
	away   bool
	conns  map[net.Conn]bool
	decide func(sent []byte) Delivery
}

// Delivery is what becomes of a message, and of the connection that it came by.
type Delivery int

const (
	Delivered  Delivery = iota
	Lost                // the connection breaks before the server gets it
	Unanswered          // the connection breaks when the server has got it, before it can answer
	Swallowed           // neither it nor what comes after it arrives, either way, and the connection stays
	Unheard             // the server gets it, but nothing gets back any more, and the connection stays
)

// NewRelay makes a relay in front of a database, which ends with the test.
func NewRelay(t testing.TB, d *Database) *Relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	r := &Relay{listener: l, conns: map[net.Conn]bool{}}
	r.running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.running.Go(func() { r.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		r.Break()
		r.running.Wait()
	})
	r.Point(t, d)
	return r
}

// Point makes the relay lead to another database, and makes its URL that one's through the relay.
func (r *Relay) Point(t testing.TB, d *Database) {
	t.Helper()
	u, err := url.Parse(d.URL)
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.target = u.Host
	u.Host = r.listener.Addr().String()
	r.URL = u.String()
}

// Decide sets what becomes of each piece that a client sends from now on: a message, as the drivers send
// them. nil delivers all. It may wait; other connections go on. Break and Away spare the connection that the
// piece has come by.
func (r *Relay) Decide(decide func(sent []byte) Delivery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.decide = decide
}

// Away says whether nobody gets through from now on; it breaks what connections there are.
func (r *Relay) Away(away bool) {
	r.mu.Lock()
	r.away = away
	r.mu.Unlock()
	if away {
		r.Break()
	}
}

// Break breaks all connections.
func (r *Relay) Break() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		_ = c.Close()
	}
}

// dial connects to the server, and notes both connections.
func (r *Relay) dial(client net.Conn) (net.Conn, error) {
	r.mu.Lock()
	target, away := r.target, r.away
	r.mu.Unlock()
	if away {
		return nil, errors.New("the server is away")
	}
	server, err := net.Dial("tcp", target)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.away {
		_ = server.Close()
		return nil, errors.New("the server is away")
	}
	r.conns[client], r.conns[server] = true, true
	return server, nil
}

// fate is what becomes of a piece.
func (r *Relay) fate(sent []byte, client, server net.Conn) Delivery {
	r.mu.Lock()
	decide := r.decide
	if decide == nil {
		r.mu.Unlock()
		return Delivered
	}
	delete(r.conns, client)
	delete(r.conns, server)
	r.mu.Unlock()
	fate := decide(sent)
	if fate != Lost && fate != Unanswered {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.conns[client], r.conns[server] = true, true
	}
	return fate
}

func (r *Relay) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := r.dial(client)
	if err != nil {
		return
	}
	var answers sync.WaitGroup
	var silent atomic.Bool
	answers.Go(func() {
		_, _ = io.Copy(unlessSilent{client, &silent}, server)
		_, _ = client.Close(), server.Close()
	})
	r.pass(server, client, &silent)
	_ = client.Close()
	if tcp, ok := server.(*net.TCPConn); ok {
		_ = tcp.CloseWrite() // what it has got it carries out
	}
	answers.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, client)
	delete(r.conns, server)
}

// unlessSilent passes on what a server answers until its client is to hear nothing any more.
type unlessSilent struct {
	client io.Writer
	silent *atomic.Bool
}

func (w unlessSilent) Write(p []byte) (int, error) {
	if w.silent.Load() {
		return len(p), nil
	}
	return w.client.Write(p)
}

// pass brings to the server what a client sends, until one of them has gone, or the connection breaks.
func (r *Relay) pass(server, client net.Conn, silent *atomic.Bool) {
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if n > 0 && !silent.Load() {
			fate := r.fate(buf[:n], client, server)
			switch fate {
			case Lost, Unanswered:
				_ = client.Close()
			case Swallowed, Unheard:
				silent.Store(true)
			}
			if fate == Lost {
				return
			}
			if fate != Swallowed {
				if _, err := server.Write(buf[:n]); err != nil || fate == Unanswered {
					return
				}
			}
		}
		if err != nil {
			return
		}
	}
}
