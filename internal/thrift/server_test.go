package thrift_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skepdata/skep/internal/thrift"
)

type greetArgs struct {
	Name string `thrift:"1"`
}

type noSuch struct {
	Message string `thrift:"1"`
}

func (e *noSuch) Error() string { return e.Message }

type broken struct {
	Message string `thrift:"1"`
}

func (e *broken) Error() string { return e.Message }

type countArgs struct {
	N int32 `thrift:"1"`
}

// greeter is the service of these tests.
func greeter() *thrift.Service {
	s := thrift.NewService()
	thrift.Handle(s, "greet", func(ctx context.Context, a *greetArgs) (string, error) {
		switch a.Name {
		case "nobody":
			return "", fmt.Errorf("wrapped: %w", &noSuch{"nobody is here"})
		case "trouble":
			return "", errors.New("some trouble")
		case "panic":
			panic("oh")
		}
		return "hello " + a.Name + " of " + thrift.ConnOf(ctx).Name(), nil
	}, &noSuch{}, &broken{})
	thrift.Handle(s, "count", func(ctx context.Context, a *countArgs) (*thrift.Spool, error) {
		spool := thrift.NewSpool[*inner](ctx)
		for i := range a.N {
			if err := spool.Add(&inner{Name: strings.Repeat("x", 1000), N: int64(i)}); err != nil {
				return nil, err
			}
		}
		return spool, nil
	}, &broken{})
	thrift.Handle(s, "nothing", func(context.Context, *struct{}) (thrift.Void, error) { return thrift.Void{}, nil })
	return s
}

// start serves until the test ends and gives the address.
func start(t testing.TB, s *thrift.Server) string {
	t.Helper()
	addr, stop := startStoppable(t, s, time.Second)
	t.Cleanup(stop)
	return addr
}

func startStoppable(t testing.TB, s *thrift.Server, grace time.Duration) (addr string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if s.Service == nil {
		s.Service = greeter()
	}
	if s.Translate == nil {
		s.Translate = func(err error) error { return &broken{err.Error()} }
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l, grace) }()
	return l.Addr().String(), sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func text(id int16, s string) thrift.Fields {
	return thrift.Fields{{ID: id, Type: thrift.String, Value: []byte(s)}}
}

// TestClient: our own client, in every form that it has.
func TestClient(t *testing.T) {
	server, secure := certificate(t)
	auth := func(_ context.Context, user, password string) error {
		if user != "ann" || password != "secret" {
			return errors.New("wrong name or password")
		}
		return nil
	}
	open := start(t, &thrift.Server{TLS: server})
	closed := start(t, &thrift.Server{TLS: server, Auth: auth})
	for _, d := range []thrift.Dialer{
		{Address: open}, {Address: open, Framed: true}, {Address: open, Protocol: thrift.Compact},
		{Address: open, TLS: secure, Protocol: thrift.BinaryOld},
		{Address: open, User: "ann", Password: "anything"},
		{Address: closed, User: "ann", Password: "secret"},
		{Address: closed, User: "ann", Password: "secret", TLS: secure, Protocol: thrift.Compact},
	} {
		t.Run(fmt.Sprintf("%+v", d.Protocol), func(t *testing.T) {
			c, err := d.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			var got string
			err = c.Call(t.Context(), "greet", &greetArgs{"you"}, &got, &noSuch{})
			if err != nil || got != "hello you of "+d.User {
				t.Errorf("%q, %v", got, err)
			}
			var missing *noSuch
			err = c.Call(t.Context(), "greet", &greetArgs{"nobody"}, &got, &noSuch{})
			if !errors.As(err, &missing) || missing.Message != "nobody is here" {
				t.Errorf("%v", err)
			}
			var app *thrift.ApplicationError
			if err := c.Call(t.Context(), "missing", &greetArgs{}, &got); !errors.As(err, &app) || app.Kind != thrift.UnknownMethod {
				t.Errorf("%v", err)
			}
			if err := c.Call(t.Context(), "nothing", &struct{}{}, nil); err != nil || c.Broken() {
				t.Errorf("%v", err)
			}
			var list []inner
			if err := c.Call(t.Context(), "count", &countArgs{5000}, &list); err != nil || len(list) != 5000 {
				t.Errorf("%d, %v", len(list), err)
			}
		})
	}
	_, err := thrift.Dialer{Address: closed, User: "ann", Password: "hunter2"}.Dial(t.Context())
	if err == nil || !strings.Contains(err.Error(), "wrong name or password") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
	c, err := thrift.Dialer{Address: closed}.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Call(t.Context(), "nothing", &struct{}{}, nil); err == nil || !strings.Contains(err.Error(), "wants a login") {
		t.Errorf("%v", err)
	}
}

// TestGarbage: what is not Thrift ends its own connection and no other.
func TestGarbage(t *testing.T) {
	refused := make(chan error, 100)
	addr := start(t, &thrift.Server{
		Limits:  thrift.Limits{Message: 1 << 16},
		Refused: func(_ string, err error) { refused <- err },
	})
	for _, sent := range []string{
		"SSH-2.0-OpenSSH_9.2\r\n", "\x80\x02\x00\x01\x00\x00\x00\x00\x00\x00", "\x00\x00\x00\x05greet\x09\x00\x00\x00\x00\x00",
		"\x01\x00\x00\x00\x06GSSAPI", "\x01\x7f\xff\xff\xff", "\x16\x03\x01\x00\x05hello",
		"\x80\x01\x00\x01\x00\x00\x00\x05greet\x00\x00\x00\x00\x0b\x00\x01\x7f\xff\xff\xff", "\x7f\xff\xff\xff\x80\x01",
	} {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, sent); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.ReadAll(c); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%q: %v", sent, err)
		}
		c.Close()
		if err := <-refused; err == nil {
			t.Errorf("%q is no error", sent)
		}
	}
	for method, want := range map[string]int{"GET": http.StatusMethodNotAllowed, "POST": http.StatusUnsupportedMediaType} {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+addr+"/", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s: %s", method, answer.Status)
		}
	}
	c, err := thrift.Dialer{Address: addr}.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Call(t.Context(), "nothing", &struct{}{}, nil); err != nil {
		t.Error(err)
	}
	c.Close()
	select {
	case err := <-refused:
		t.Errorf("a client that leaves is no error: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
}

// TestAnswerTooLarge: the limit of answers is told, and the connection goes on.
func TestAnswerTooLarge(t *testing.T) {
	addr := start(t, &thrift.Server{MaxReply: 1 << 20})
	c, err := thrift.Dialer{Address: addr}.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var list []inner
	var told *broken
	err = c.Call(t.Context(), "count", &countArgs{5000}, &list, &broken{})
	if !errors.As(err, &told) || !strings.Contains(told.Message, "larger than 1 MiB") {
		t.Errorf("%v", err)
	}
	if err := c.Call(t.Context(), "count", &countArgs{5}, &list, &broken{}); err != nil || len(list) != 5 {
		t.Errorf("%d, %v", len(list), err)
	}
}

// TestShutdown: a call under way ends, a silent connection is closed at once, and one that
// outlasts the grace is cut.
func TestShutdown(t *testing.T) {
	service := greeter()
	entered, leave := make(chan struct{}, 2), make(chan struct{})
	thrift.Handle(service, "wait", func(ctx context.Context, _ *struct{}) (string, error) {
		entered <- struct{}{}
		select {
		case <-leave:
			return "done", nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	})
	for _, patient := range []bool{true, false} {
		grace := 20 * time.Millisecond
		if patient {
			grace = time.Minute
		}
		addr, stop := startStoppable(t, &thrift.Server{Service: service}, grace)
		silent, busy := dial(t, addr), dial(t, addr)
		if err := silent.Call(t.Context(), "nothing", &struct{}{}, nil); err != nil {
			t.Fatal(err)
		}
		answer := make(chan error, 1)
		go func() {
			var got string
			answer <- busy.Call(context.Background(), "wait", &struct{}{}, &got)
		}()
		<-entered
		stopped := make(chan struct{})
		go func() { stop(); close(stopped) }()
		if patient {
			for silent.Call(t.Context(), "nothing", &struct{}{}, nil) == nil { // until it is closed
				<-time.After(time.Millisecond)
			}
			leave <- struct{}{}
		}
		if err := <-answer; (err == nil) != patient {
			t.Errorf("patient %v: %v", patient, err)
		}
		<-stopped
	}
}

func dial(t testing.TB, addr string) *thrift.Client {
	t.Helper()
	c, err := thrift.Dialer{Address: addr}.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// TestManyConnections: a thousand clients at a time, and as many as are allowed.
func TestManyConnections(t *testing.T) {
	s := &thrift.Server{MaxConns: 1000}
	addr := start(t, s)
	clients := make([]*thrift.Client, 1000)
	for i := range clients {
		clients[i] = dial(t, addr)
	}
	var wg sync.WaitGroup
	for _, c := range clients {
		wg.Go(func() {
			var got string
			if err := c.Call(context.Background(), "greet", &greetArgs{"x"}, &got, &noSuch{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := s.Conns(); n != 1000 {
		t.Errorf("%d connections", n)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	extra := dial(t, addr)
	if err := extra.Call(ctx, "nothing", &struct{}{}, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one more is served: %v", err)
	}
}

// FuzzServer sends bytes to a server as a client might. It must answer or close, and go on.
func FuzzServer(f *testing.F) {
	addr := start(f, &thrift.Server{Limits: thrift.Limits{Message: 1 << 16}})
	for _, p := range protocols {
		f.Add([]byte(message(p, "greet")))
	}
	f.Add([]byte("\x01\x00\x00\x00\x05PLAIN\x02\x00\x00\x00\x05\x00a\x00b\x00\x00\x00\x10"))
	f.Add([]byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-thrift\r\nContent-Length: 1\r\n\r\n\x80"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		_, _ = c.Write(data) // the server may have had enough before all is sent
		_ = c.(*net.TCPConn).CloseWrite()
		if _, err := io.Copy(io.Discard, c); err != nil && errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("neither an answer nor an end: %v", err)
		}
		if err := dial(t, addr).Call(t.Context(), "nothing", &struct{}{}, nil); err != nil {
			t.Fatal(err)
		}
	})
}

func message(p thrift.Protocol, name string) string {
	if p == thrift.Compact {
		return "\x82\x21\x00" + string(rune(len(name))) + name + "\x18\x01x\x00"
	}
	return "\x80\x01\x00\x01\x00\x00\x00" + string(rune(len(name))) + name + "\x00\x00\x00\x00\x0b\x00\x01\x00\x00\x00\x01x\x00"
}
