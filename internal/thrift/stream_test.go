package thrift_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skepdata/skep/internal/thrift"
)

// counted is a listener that counts what its connections have written.
type counted struct {
	net.Listener
	written atomic.Int64
}

type countedConn struct {
	net.Conn
	of *counted
}

func (l *counted) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return countedConn{c, l}, err
}

func (c countedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.of.written.Add(int64(n))
	return n, err
}

// streams is a service whose method "stream" answers with a list that fill makes.
func streams(t *testing.T, s *thrift.Server, fill func(*thrift.Spool) error) *counted {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Service = greeter()
	thrift.Handle(s.Service, "stream", func(ctx context.Context, _ *struct{}) (*listed, error) {
		return &listed{thrift.Stream[*inner](ctx, fill), "the end"}, nil
	}, &broken{})
	s.Translate = func(err error) error { return &broken{err.Error()} }
	out := &counted{Listener: l}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, out, time.Second) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return out
}

type listed struct {
	List *thrift.Spool `thrift:"1"`
	Last string        `thrift:"2"`
}

type listedBack struct {
	List []inner `thrift:"1"`
	Last string  `thrift:"2"`
}

func add(to *thrift.Spool, from, n int) error {
	for i := from; i < n; i++ {
		if err := to.Add(&inner{Name: strings.Repeat("x", 1000), N: int64(i)}); err != nil {
			return err
		}
	}
	return nil
}

// complete reports what is wrong with an answer of n elements.
func (l *listedBack) complete(n int) error {
	for i, e := range l.List {
		if e.N != int64(i) || len(e.Name) != 1000 {
			return fmt.Errorf("the element %d is %d", i, e.N)
		}
	}
	if len(l.List) != n || l.Last != "the end" {
		return fmt.Errorf("%d elements and %q", len(l.List), l.Last)
	}
	return nil
}

// eventually waits for something that has been set going.
func eventually(what string, is func() bool) error {
	for end := time.Now().Add(20 * time.Second); !is(); <-time.After(time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("in vain: %s", what)
		}
	}
	return nil
}

// post calls "stream" over HTTP.
func post(ctx context.Context, addr string) (*listedBack, error) {
	call := append([]byte{0x80, 1, 0, 1, 0, 0, 0, 6}, "stream\x00\x00\x00\x01\x00"...)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/metastore", bytes.NewReader(call))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-thrift")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if kind := binary.BigEndian.Uint32(body); kind != 0x80010002 || answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %#x", answer.Status, kind)
	}
	var reply struct {
		Result *listedBack `thrift:"0"`
		Broken *broken     `thrift:"1"`
	}
	if err := thrift.Unmarshal(body[4+4+6+4:], &reply, thrift.Binary, thrift.Limits{}); err != nil {
		return nil, err
	}
	if reply.Broken != nil {
		return nil, reply.Broken
	}
	return reply.Result, nil
}

// TestStream: a long list whose length is known is sent while it is being made, whatever it is wrapped in.
func TestStream(t *testing.T) {
	server, secure := certificate(t)
	const n = 3000
	var sent *counted
	sent = streams(t, &thrift.Server{TLS: server}, func(to *thrift.Spool) error {
		before := sent.written.Load()
		if err := to.Expect(n); err != nil {
			return err
		}
		if err := add(to, 0, 1000); err != nil {
			return err
		}
		if err := eventually("something is sent", func() bool { return sent.written.Load() > before+500_000 }); err != nil {
			return err
		}
		return add(to, 1000, n)
	})
	addr := sent.Addr().String()
	for name, d := range map[string]thrift.Dialer{
		"binary": {}, "old": {Protocol: thrift.BinaryOld}, "framed": {Framed: true}, "compact": {Protocol: thrift.Compact, Framed: true},
		"sasl": {User: "ann", Password: "x"}, "tls": {TLS: secure},
	} {
		t.Run(name, func(t *testing.T) {
			d.Address = addr
			c, err := d.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			for range 2 { // the connection goes on
				var got listedBack
				if err := c.Call(t.Context(), "stream", &struct{}{}, &got, &broken{}); err != nil {
					t.Fatal(err)
				}
				if err := got.complete(n); err != nil {
					t.Error(err)
				}
			}
		})
	}
	t.Run("http", func(t *testing.T) {
		got, err := post(t.Context(), addr)
		if err != nil {
			t.Fatal(err)
		}
		if err := got.complete(n); err != nil {
			t.Error(err)
		}
	})
}

// TestSlowClient: what a client does not take is kept for it, and what makes the list does not
// wait.
func TestSlowClient(t *testing.T) {
	const n = 30_000 // far more than sockets and memory hold
	filled := make(chan error, 1)
	addr := streams(t, &thrift.Server{}, func(to *thrift.Spool) error {
		err := errors.Join(to.Expect(n), add(to, 0, n))
		filled <- err
		return err
	}).Addr().String()
	slow, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { // what the client sends goes through; what it gets, when all is made
		c, err := proxy.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		go func() { _, _ = io.Copy(slow, c) }()
		if err := <-filled; err != nil {
			return
		}
		_, _ = io.Copy(c, slow)
	}()
	defer proxy.Close()
	c, err := thrift.Dialer{Address: proxy.Addr().String()}.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var got listedBack
	if err := c.Call(t.Context(), "stream", &struct{}{}, &got, &broken{}); err != nil {
		t.Fatal(err)
	}
	if err := got.complete(n); err != nil {
		t.Error(err)
	}
}

// TestStreamFails: an error while nothing has been sent is told as any other; after that the connection ends, so that nobody
// takes a part for the whole.
func TestStreamFails(t *testing.T) {
	trouble := errors.New("some trouble")
	for _, test := range []struct {
		name    string
		expect  int
		adds    int
		end     func() error
		told    string // what the client is told; nothing if the connection ends
		refused string
	}{
		{"early", 10, 5, func() error { return trouble }, "some trouble", ""},
		{"early panic", 10, 5, func() error { panic("oh") }, "Internal error processing stream", ""},
		{"late, of unknown length", -1, 9000, func() error { return trouble }, "some trouble", ""},
		{"late", 9000, 5000, func() error { return trouble }, "", "some trouble"},
		{"late panic", 9000, 5000, func() error { panic("oh") }, "", "Internal error processing stream"},
		{"too few", 9000, 5000, func() error { return nil }, "", "an answer of 9000 elements turned out to have only 5000"},
		{"too many", 5000, 9000, func() error { return nil }, "", "an answer of 5000 elements turned out to have more"},
		{"too large", 30_000, 30_000, func() error { return nil }, "larger than 24 MiB", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			refused := make(chan error, 2)
			var sent *counted
			sent = streams(t, &thrift.Server{
				MaxReply: 24 << 20, Refused: func(_ string, err error) { refused <- err },
			}, func(to *thrift.Spool) error {
				if test.expect >= 0 {
					if err := to.Expect(test.expect); err != nil {
						return err
					}
				}
				before := sent.written.Load()
				if err := add(to, 0, min(1000, test.adds)); err != nil {
					return err
				}
				if test.told == "" {
					if err := eventually("something is sent", func() bool { return sent.written.Load() > before }); err != nil {
						return err
					}
				}
				if err := add(to, 1000, test.adds); err != nil {
					return err
				}
				return test.end()
			})
			addr := sent.Addr().String()
			c, err := thrift.Dialer{Address: addr}.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			var got listedBack
			overSocket := c.Call(t.Context(), "stream", &struct{}{}, &got, &broken{})
			_, overHTTP := post(t.Context(), addr)
			for _, err := range []error{overSocket, overHTTP} {
				switch {
				case err == nil:
					t.Error("no error")
				case test.told == "" && !errors.Is(err, io.ErrUnexpectedEOF):
					t.Errorf("%v, where the connection should have ended", err)
				case !strings.Contains(err.Error(), test.told) && !strings.Contains(err.Error(), "0x80010003"):
					t.Errorf("%v", err)
				}
			}
			if c.Broken() != (test.told == "") {
				t.Errorf("is the connection broken? %v", c.Broken())
			}
			if test.refused == "" {
				return
			}
			for range 2 {
				if err := <-refused; !strings.Contains(err.Error(), test.refused) || !strings.Contains(err.Error(), "had been sent") {
					t.Errorf("the log says %v", err)
				}
			}
		})
	}
}
