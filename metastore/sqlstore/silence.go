package sqlstore

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"sync"
	"time"
)

const (
	// connectTimeout bounds the making of a connection.
	connectTimeout = 10 * time.Second
	// silencePatience is how long a server may take until the first, or the next, word of an answer.
	// It is longer than lockPatience, and than any statement of ours takes on millions of partitions.
	silencePatience = 5 * time.Minute
	// deadPatience is how long the system at the other end may leave packets without a receipt. A server
	// that thinks for long sends receipts; one whose machine or network is gone does not.
	deadPatience = time.Minute
)

// settings are the parameters of a URL that are ours on every server.
type settings struct {
	connections int           // max_connections: of a process
	silence     time.Duration // read_timeout: in seconds; 0 is for ever
}

// takeSettings takes our own parameters out of a URL.
func takeSettings(u *url.URL) (settings, error) {
	q := u.Query()
	const most = 1 << 30
	take := func(name string, least, otherwise int) (int, error) {
		text := q.Get(name)
		q.Del(name)
		if text == "" {
			return otherwise, nil
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < least || n > most {
			return 0, fmt.Errorf("%s=%s: want a number from %d to %d", name, text, least, most)
		}
		return n, nil
	}
	connections, err := take("max_connections", 2, readers)
	if err != nil {
		return settings{}, err
	}
	seconds, err := take("read_timeout", 0, int(silencePatience.Seconds()))
	if err != nil {
		return settings{}, err
	}
	u.RawQuery = q.Encode()
	return settings{connections, time.Duration(seconds) * time.Second}, nil
}

// dial connects to a server so that the connection breaks when the system at its other end is gone.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	return dialer().DialContext(ctx, network, address)
}

func dialer() *net.Dialer {
	return &net.Dialer{
		Control: breakUnreceipted,
		KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: deadPatience / 4, Interval: deadPatience / 4, Count: 3,
		},
	}
}

// dialPatiently is dial for a driver that waits for ever for an answer: each read and each write of the
// connection fails after the time, whatever deadlines the driver sets besides.
func dialPatiently(silence time.Duration) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err != nil || silence == 0 {
			return c, err
		}
		return &patientConn{Conn: c, silence: silence}, nil
	}
}

// patientConn is a connection with a deadline for each read and each write. The driver's own deadline,
// by which it ends a call whose context has ended, holds where it is earlier.
type patientConn struct {
	net.Conn
	silence time.Duration

	mu    sync.Mutex
	until time.Time // the driver's deadline; zero is none
}

func (c *patientConn) Read(p []byte) (int, error) {
	if err := c.arm(c.Conn.SetReadDeadline); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *patientConn) Write(p []byte) (int, error) {
	if err := c.arm(c.Conn.SetWriteDeadline); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// SetDeadline sets the driver's deadline, also of a read that is under way.
func (c *patientConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = t
	return c.Conn.SetDeadline(c.next())
}

func (c *patientConn) arm(set func(time.Time) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return set(c.next())
}

// next is when what begins now has to be over.
func (c *patientConn) next() time.Time {
	t := time.Now().Add(c.silence)
	if !c.until.IsZero() && c.until.Before(t) {
		return c.until
	}
	return t
}

// unanswered words that a server let a statement wait for too long.
func unanswered(product, address string, silence time.Duration) string {
	const what = "the %s server at %s did not answer for %v: it may be stuck, or the network down; " +
		"where it needs longer, set read_timeout=SECONDS in the URL"
	return fmt.Sprintf(what, product, address, silence)
}
