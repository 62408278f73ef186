package testenv

import (
	"fmt"
	"net"
	"net/url"
	"time"
)

// Link makes a service seem far away: whatever goes through takes half the round trip each way, and
// the first bytes of a connection a whole one more, for the handshake. Unlike [Proxy] it knows nothing of HTTP and
// costs little, so that benchmarks can go through it: the kernel hands the bytes from one connection to
// the other, and nobody copies them. Bandwidth is not bounded, but for what is on its way
// at once: linkWindow bytes of a connection each way, as TCP has its windows.
//
// It needs Linux.
type Link struct {
	S3 // the service at the end of the link

	loop *linkLoop
}

const linkWindow = 4 << 20

// StartLink starts a link to s on a loopback port of its own. It ends with Close.
func StartLink(s *S3, roundTrip time.Duration) (*Link, error) {
	target, err := url.Parse(s.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("a link to %s: %w", s.Endpoint, err)
	}
	address, err := net.ResolveTCPAddr("tcp4", target.Host)
	if err != nil {
		return nil, fmt.Errorf("a link to %s: %w", s.Endpoint, err)
	}
	l := &Link{S3: *s}
	port := 0
	if l.loop, port, err = startLinkLoop(address, roundTrip); err != nil {
		return nil, fmt.Errorf("a link to %s: %w", s.Endpoint, err)
	}
	l.Endpoint = target.Scheme + "://" + loopback(port)
	return l, nil
}

// Close cuts all connections and ends the link.
func (l *Link) Close() error { return l.loop.close() }
