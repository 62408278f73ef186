package http1

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"
)

const (
	readBuffer        = 12 << 10 // an answer of some KiB comes by one system call, head and body; there may be 512 connections
	longestAnswerHead = 1 << 20
	// fresh is how long a connection that has just served is trusted to serve again.
	fresh = 100 * time.Millisecond
	// lateAnswer is how long to wait for what a server has to say that would not take the whole
	// request.
	lateAnswer = time.Second
)

// conn is one connection. One request at a time uses it.
type conn struct {
	t     *Transport
	key   string
	nc    net.Conn
	in    source
	r     *bufio.Reader
	wake  wake
	head  []byte    // of the request being sent
	used  bool      // it has served before
	since time.Time // it has been idle
}

func newConn(t *Transport, key string, nc net.Conn) *conn {
	c := &conn{t: t, key: key, nc: nc, wake: newWake(nc)}
	c.in = source{c: c, left: -1}
	c.r = bufio.NewReaderSize(&c.in, readBuffer)
	return c
}

// alive looks whether the server has closed a connection that has been idle.
func (c *conn) alive() bool {
	if time.Since(c.since) < fresh {
		return true
	}
	nc := c.nc
	if secured, ok := nc.(interface{ NetConn() net.Conn }); ok {
		nc = secured.NetConn()
	}
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return true // the exchange will tell
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	var one [1]byte
	err = raw.Read(func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = errors.Is(err, syscall.EAGAIN) // neither the end nor bytes that nobody asked for
		return true
	})
	return err == nil && quiet
}

// exchange sends a request and reads the head of the answer. It closes the request's body. The
// connection goes back to the transport when the answer's body has been read, or is closed.
func (c *conn) exchange(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	e := &exchange{c: c, ctx: ctx, stop: context.AfterFunc(ctx, c.interrupt)}
	sent := e.send(req)
	closeBody(req)
	if sent != nil {
		var body *bodyError
		if errors.As(sent, &body) || !c.hasAnswer(e) {
			return nil, e.fail(sent)
		}
	}
	resp, err := e.answer(req)
	if err != nil && sent != nil {
		err = sent
	}
	if err != nil {
		return nil, e.fail(err)
	}
	if sent != nil {
		resp.Close = true // what was not sent cannot be made up for
	}
	return e.deliver(resp), nil
}

// interrupt ends whatever the connection is waiting for.
func (c *conn) interrupt() { _ = c.nc.SetDeadline(time.Unix(1, 0)) } // of a closed one it says so

// hasAnswer waits a little for an answer after the request could not be sent.
func (c *conn) hasAnswer(e *exchange) bool {
	if e.wait(lateAnswer) != nil {
		return false
	}
	c.in.left = longestAnswerHead
	_, err := c.r.Peek(1)
	return err == nil
}

// exchange is one request and its answer.
type exchange struct {
	c    *conn
	ctx  context.Context //nolint:containedctx // it lives as long as the request
	stop func() bool
}

// wait gives what is read next so much time.
func (e *exchange) wait(d time.Duration) error {
	if err := e.c.nc.SetReadDeadline(time.Now().Add(d)); err != nil {
		return err
	}
	if e.ctx.Err() != nil { // which may have set the deadline just before
		return context.Cause(e.ctx)
	}
	return nil
}

// answer reads the head of the final answer.
func (e *exchange) answer(req *http.Request) (*http.Response, error) {
	c := e.c
	if err := e.wait(or(c.t.AnswerTimeout, defaultWait)); err != nil {
		return nil, err
	}
	c.in.left = longestAnswerHead
	sent := time.Now()
	if _, err := c.r.Peek(1); err != nil {
		if c.used && !isTimeout(err) {
			return nil, fmt.Errorf("%w: %w", errStale, err)
		}
		return nil, ended(err)
	}
	if c.t.Answered != nil && req.ContentLength == 0 {
		c.t.Answered(time.Since(sent))
	}
	for {
		resp, err := http.ReadResponse(c.r, req)
		if err != nil {
			return nil, ended(err)
		}
		if resp.StatusCode >= 200 {
			c.in.left = -1
			return resp, nil
		}
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// ended is err, where a connection that ended is no regular end.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// fail ends the exchange, and the connection with it.
func (e *exchange) fail(err error) error {
	e.stop()
	_ = e.c.nc.Close() // err tells more
	if e.ctx.Err() != nil {
		return context.Cause(e.ctx)
	}
	return err
}

// deliver gives the answer its body, and the connection back if there is none.
func (e *exchange) deliver(resp *http.Response) *http.Response {
	if resp.Body == http.NoBody || resp.ContentLength == 0 {
		e.done(!resp.Close)
		resp.Body = http.NoBody
		return resp
	}
	b := &answerBody{exchange: e, r: resp.Body, left: resp.ContentLength, reusable: !resp.Close}
	e.c.in.stalled = e
	resp.Body = b
	return resp
}

// done ends the exchange well.
func (e *exchange) done(reusable bool) {
	c := e.c
	c.in.stalled = nil
	if !e.stop() || !reusable || c.r.Buffered() > 0 || c.wake.at(1) != nil || c.nc.SetDeadline(time.Time{}) != nil {
		_ = c.nc.Close() // all is read that was asked for
		return
	}
	c.t.keep(c)
}

// answerBody is the body of an answer. One goroutine uses it.
type answerBody struct {
	*exchange
	r        io.ReadCloser
	left     int64 // bytes; negative if that is not known
	reusable bool
	err      error // once set, what Read returns
}

// Read implements io.Reader. The connection is free when it has returned io.EOF, which it does
// with the last bytes where the length is known.
func (b *answerBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if err := b.c.wake.reading(b.left-int64(b.c.r.Buffered()), len(p)); err != nil {
		b.err = b.fail(err)
		return 0, b.err
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	if err == io.EOF {
		b.done(b.reusable)
		b.err = io.EOF
	} else if err != nil {
		b.err = b.fail(err)
	}
	return n, b.err
}

// errClosed is what reading a closed body says.
var errClosed = errors.New("http1: read of a closed body")

// Close gives up what has not been read, and the connection with it.
func (b *answerBody) Close() error {
	if b.err == nil {
		_ = b.fail(nil) // what is left is not wanted
		b.err = errClosed
	}
	return nil
}

// source is where a connection's reader reads from.
type source struct {
	c       *conn
	left    int64     // bytes that the head of an answer may still have; negative bounds nothing
	stalled *exchange // whose body is being read: no more than StallTimeout without any of it
	renewed time.Time
}

func (s *source) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, fmt.Errorf("http1: the head of the answer is longer than %d bytes", longestAnswerHead)
	}
	if s.left > 0 && int64(len(p)) > s.left {
		p = p[:s.left]
	}
	if s.stalled != nil {
		if err := s.renew(); err != nil {
			return 0, err
		}
	}
	n, err := s.c.nc.Read(p)
	if s.left > 0 {
		s.left -= int64(n)
	}
	return n, err
}

// renew puts the deadline off, not at each read.
func (s *source) renew() error {
	timeout := or(s.c.t.StallTimeout, defaultWait)
	now := time.Now()
	if now.Sub(s.renewed) < timeout/8 {
		return nil
	}
	s.renewed = now
	return s.stalled.wait(timeout)
}
