package http1

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// bodyError is a body that could not be read, or is not as long as it was said to be.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return "read the request's body: " + e.err.Error() }
func (e *bodyError) Unwrap() error { return e.err }

// send writes a request.
func (e *exchange) send(req *http.Request) error {
	c := e.c
	var err error
	if c.head, err = appendHead(c.head[:0], req); err != nil {
		return &bodyError{err} // it is not the connection's fault
	}
	out := &sink{exchange: e, head: c.head, left: req.ContentLength}
	if req.ContentLength > 0 {
		if err := out.body(req); err != nil {
			return err
		}
	}
	if len(out.head) > 0 {
		if _, err := out.Write(nil); err != nil {
			return c.stale(err)
		}
	}
	return nil
}

// stale marks the failure of a kept connection as one that another connection may make good.
func (c *conn) stale(err error) error {
	if c.used && !isTimeout(err) {
		return fmt.Errorf("%w: %w", errStale, err)
	}
	return err
}

// sink writes to a connection, the head of the request together with the first bytes of its
// body.
type sink struct {
	*exchange
	head []byte // not yet written
	n    int64  // of the body
	left int64  // of the body, if it is as long as was said
	err  error  // of the connection
}

// body writes the body. One that writes itself, as those from memory do, leaves from where it is.
func (s *sink) body(req *http.Request) error {
	var err error
	if w, ok := req.Body.(io.WriterTo); ok {
		_, err = w.WriteTo(s)
	} else {
		_, err = io.Copy(struct{ io.Writer }{s}, req.Body)
	}
	switch {
	case s.err != nil && s.n == 0:
		return s.c.stale(s.err)
	case s.err != nil:
		return s.err
	case err != nil:
		return &bodyError{err}
	case s.left != 0:
		return &bodyError{fmt.Errorf("it has %d bytes, not %d: %w", s.n, req.ContentLength, io.ErrUnexpectedEOF)}
	}
	return nil
}

// piece is how much is written under one deadline.
const piece = 1 << 20

// errTooLong is a body that goes on.
var errTooLong = errors.New("it is longer than was said")

func (s *sink) Write(p []byte) (int, error) {
	if int64(len(p)) > s.left {
		return 0, errTooLong
	}
	total := 0
	for first := true; first || len(p) > 0; first = false {
		now := p[:min(len(p), piece)]
		n, err := s.write(now)
		total += n
		s.n += int64(n)
		s.left -= int64(n)
		if err != nil {
			s.err = err
			return total, err
		}
		p = p[n:]
	}
	return total, nil
}

// ReadFrom lets the kernel send a file, as io.LimitedReaders around one are sent, where the
// connection is not encrypted.
func (s *sink) ReadFrom(r io.Reader) (int64, error) {
	file, ok := r.(*io.LimitedReader)
	tcp, plain := s.c.nc.(*net.TCPConn)
	if !ok || !plain || file.N > s.left {
		return io.CopyBuffer(struct{ io.Writer }{s}, struct{ io.Reader }{r}, make([]byte, copyBuffer))
	}
	if len(s.head) > 0 {
		if _, err := s.write(nil); err != nil {
			s.err = err
			return 0, err
		}
	}
	total := int64(0)
	for file.N > 0 {
		if err := s.renew(); err != nil {
			s.err = err
			return total, err
		}
		now := io.LimitedReader{R: file.R, N: min(file.N, filePiece)}
		n, err := tcp.ReadFrom(&now)
		total += n
		file.N -= n
		s.n += n
		s.left -= n
		if err != nil {
			s.err = err
			return total, err
		}
		if n == 0 {
			break // the file has become shorter
		}
	}
	return total, nil
}

const (
	filePiece  = 8 << 20  // of a file that is sent under one deadline
	copyBuffer = 64 << 10 // for one that must go through memory
)

// renew gives what is written next its time.
func (s *sink) renew() error {
	if err := s.c.nc.SetWriteDeadline(time.Now().Add(or(s.c.t.StallTimeout, defaultWait))); err != nil {
		return err
	}
	if s.ctx.Err() != nil { // which may have set the deadline just before
		return context.Cause(s.ctx)
	}
	return nil
}

// write writes some of the body and, before it, what is left of the head.
func (s *sink) write(p []byte) (int, error) {
	nc := s.c.nc
	if err := s.renew(); err != nil {
		return 0, err
	}
	if len(s.head) == 0 {
		return nc.Write(p)
	}
	both := net.Buffers{s.head, p}
	if len(p) == 0 {
		both = both[:1]
	}
	n, err := both.WriteTo(nc)
	ofHead := min(n, int64(len(s.head)))
	s.head = s.head[ofHead:]
	return int(n - ofHead), err
}

// appendHead appends a request's first line and headers.
func appendHead(b []byte, req *http.Request) ([]byte, error) {
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	method := req.Method
	if method == "" {
		method = http.MethodGet
	}
	target := req.URL.RequestURI()
	if !plain(method, true) || !plain(target, true) || !plain(host, true) {
		return b, errors.New("http1: the method, the host or the path has characters that no request may have")
	}
	b = append(append(append(b, method...), ' '), target...)
	b = append(append(append(b, " HTTP/1.1\r\nHost: "...), host...), "\r\n"...)
	if req.ContentLength > 0 || req.Method == http.MethodPut || req.Method == http.MethodPost {
		b = append(strconv.AppendInt(append(b, "Content-Length: "...), req.ContentLength, 10), "\r\n"...)
	}
	for name, values := range req.Header {
		switch name {
		case "Host", "Content-Length", "Transfer-Encoding", "Trailer", "Connection":
			continue // they are this package's
		}
		if !plain(name, true) || name == "" {
			return b, fmt.Errorf("http1: the header name %q has characters that no header may have", name)
		}
		for _, value := range values {
			if !plain(value, false) {
				return b, fmt.Errorf("http1: the header %s has characters that no header may have", name)
			}
			b = append(append(append(append(b, name...), ": "...), value...), "\r\n"...)
		}
	}
	return append(b, "\r\n"...), nil
}

// plain reports whether s has no control characters and, for a word, no spaces.
func plain(s string, word bool) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\t' || c == ' ':
			if word {
				return false
			}
		case c < ' ' || c == 0x7f:
			return false
		}
	}
	return true
}
