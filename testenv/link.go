package testenv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"
)

// Link makes a service seem far away: whatever goes through takes half the round trip each way, and
// so does the handshake of a connection. Unlike [Proxy] it knows nothing of HTTP and costs little,
// so that benchmarks can go through it. Bandwidth is not bounded, but for what is on its way
// at once: linkWindow bytes of a connection each way, as TCP has its windows.
type Link struct {
	S3 // the service at the end of the link

	target    string
	roundTrip time.Duration
	listener  net.Listener
	running   sync.WaitGroup
	ctx       context.Context // ends with Close
	cancel    context.CancelFunc

	mu     sync.Mutex
	closed bool
	open   map[net.Conn]bool
}

const (
	linkPacket = 32 << 10
	linkWindow = 4 << 20
)

// linkBuffers are of the packets on their way.
type linkBuffers struct{ pool sync.Pool }

func (b *linkBuffers) get() *[linkPacket]byte {
	if p, ok := b.pool.Get().(*[linkPacket]byte); ok {
		return p
	}
	return new([linkPacket]byte)
}

// StartLink starts a link to s on a loopback port of its own. It ends with Close.
func StartLink(s *S3, roundTrip time.Duration) (*Link, error) {
	target, err := url.Parse(s.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("a link to %s: %w", s.Endpoint, err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("a link to %s: %w", s.Endpoint, err)
	}
	l := &Link{S3: *s, target: target.Host, roundTrip: roundTrip, listener: listener, open: map[net.Conn]bool{}}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.Endpoint = target.Scheme + "://" + listener.Addr().String()
	buffers := &linkBuffers{}
	l.running.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return // Close has closed the listener
			}
			l.running.Go(func() { l.connect(near, buffers) })
		}
	})
	return l, nil
}

// Close cuts all connections and ends the link.
func (l *Link) Close() error {
	l.cancel()
	l.mu.Lock()
	l.closed = true
	err := l.listener.Close()
	for c := range l.open {
		if e := c.Close(); !errors.Is(e, net.ErrClosed) { // carry closes what it cannot use
			err = errors.Join(err, e)
		}
	}
	l.mu.Unlock()
	l.running.Wait()
	return err
}

// keep takes note of a connection that Close is to cut. After Close it reports false.
func (l *Link) keep(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.open[c] = true
	return true
}

func (l *Link) end(c net.Conn) {
	l.mu.Lock()
	delete(l.open, c)
	l.mu.Unlock()
	_ = c.Close() // both ends know already, or nobody is left to be told
}

// connect carries one connection, both ways. Its first bytes wait for the handshake as well.
func (l *Link) connect(near net.Conn, buffers *linkBuffers) {
	defer l.end(near)
	ready := time.Now().Add(l.roundTrip)
	if !l.keep(near) {
		return
	}
	far, err := net.Dial("tcp", l.target)
	if err != nil {
		return
	}
	defer l.end(far)
	if !l.keep(far) {
		return
	}
	var back sync.WaitGroup
	back.Go(func() { l.carry(near, far, ready, buffers) })
	l.carry(far, near, ready, buffers)
	back.Wait()
}

// packet is what has been read at once, and when it arrives.
type packet struct {
	buffer *[linkPacket]byte
	size   int
	due    time.Time
}

// carry takes one direction of a connection to its end.
func (l *Link) carry(to, from net.Conn, ready time.Time, buffers *linkBuffers) {
	way := make(chan packet, linkWindow/linkPacket)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(way)
		for {
			b := buffers.get()
			n, err := from.Read(b[:])
			sent := time.Now()
			if sent.Before(ready) {
				sent = ready
			}
			way <- packet{b, n, sent.Add(l.roundTrip / 2)} // the last may be empty: the end takes its time, too
			if err != nil {
				return
			}
		}
	})
	broken := false
	for p := range way {
		if !broken {
			broken = !pause(l.ctx, time.Until(p.due))
			if !broken {
				_, err := to.Write(p.buffer[:p.size])
				broken = err != nil
			}
			if broken {
				_ = from.Close() // so that the reader ends
			}
		}
		buffers.pool.Put(p.buffer)
	}
	if c, ok := to.(*net.TCPConn); ok && !broken {
		_ = c.CloseWrite() // it may be closed already
	}
	reading.Wait()
}
