package http1

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestLostAnswers loses the answers of a kept connection: a PUT is sent again, a POST is not.
func TestLostAnswers(t *testing.T) {
	var times atomic.Int32
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && times.Add(1) == 1 {
			panic(http.ErrAbortHandler)
		}
	})
	for method, want := range map[string]int32{"PUT": 2, "POST": 1} {
		tr := newTransport(t)
		do(t, tr, request(t, "GET", s.URL, nil))
		times.Store(0)
		resp, err := tr.RoundTrip(request(t, method, s.URL, nil))
		if err == nil {
			resp.Body.Close()
		}
		if got := times.Load(); got != want || (err == nil) != (method == "PUT") {
			t.Errorf("a %s arrived %d times, want %d: %v", method, got, want, err)
		}
	}
}

// TestAnswerBeforeTheEndOfTheRequest reads what a server says that does not want all of it.
func TestAnswerBeforeTheEndOfTheRequest(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = nc.Read(make([]byte, 1000))
			fmt.Fprint(nc, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
			_ = nc.(*net.TCPConn).CloseRead() // what comes is answered by a reset, once it is closed
			time.AfterFunc(50*time.Millisecond, func() { nc.Close() })
		}
	}()
	resp, body := do(t, newTransport(t), request(t, "PUT", "http://"+l.Addr().String(), make([]byte, 64<<20)))
	if resp.StatusCode != http.StatusForbidden || body != "no" {
		t.Errorf("status %d, body %q", resp.StatusCode, body)
	}
}

func TestBrokenAnswers(t *testing.T) {
	for name, answer := range map[string]string{
		"nothing":         "",
		"half a head":     "HTTP/1.1 200 OK\r\nContent-Le",
		"not HTTP":        "220 mail.example ESMTP\r\n",
		"short body":      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123",
		"short chunk":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nabc",
		"an endless head": "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Y: "+strings.Repeat("z", 1000)+"\r\n", 2000) + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				nc, err := l.Accept()
				if err != nil {
					return
				}
				defer nc.Close()
				_, _ = nc.Read(make([]byte, 1000))
				_, _ = io.WriteString(nc, answer)
			}()
			resp, err := newTransport(t).RoundTrip(request(t, "GET", "http://"+l.Addr().String(), nil))
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			if err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestCancel(t *testing.T) {
	cause := errors.New("the user went home")
	stuck := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "begins")
			w.(http.Flusher).Flush()
		}
		<-stuck
	})
	t.Cleanup(func() { close(stuck) })
	for path, body := range map[string][]byte{"/head": nil, "/body": nil, "/request": make([]byte, 64<<20)} {
		t.Run(path[1:], func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(20*time.Millisecond, func() { cancel(cause) })
			method := "GET"
			if body != nil {
				method = "PUT"
			}
			resp, err := newTransport(t).RoundTrip(request(t, method, s.URL+path, body).WithContext(ctx))
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			if !errors.Is(err, cause) {
				t.Errorf("%v, want the cause", err)
			}
		})
	}
}

func TestStalledServer(t *testing.T) {
	stuck := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			fmt.Fprint(w, "begins")
			w.(http.Flusher).Flush()
		}
		<-stuck
	})
	t.Cleanup(func() { close(stuck) })
	for _, path := range []string{"/head", "/body"} {
		tr := newTransport(t)
		tr.AnswerTimeout, tr.StallTimeout = 50*time.Millisecond, 50*time.Millisecond
		resp, err := tr.RoundTrip(request(t, "GET", s.URL+path, nil))
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		if !isTimeout(err) {
			t.Errorf("%s: %v, want a timeout", path, err)
		}
	}
}

func TestRefused(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request has arrived") })
	for name, spoil := range map[string]func(*http.Request){
		"header value":   func(r *http.Request) { r.Header["X-A"] = []string{"b\r\nX-Injected: c"} },
		"header name":    func(r *http.Request) { r.Header["X A"] = []string{"b"} },
		"method":         func(r *http.Request) { r.Method = "GET / HTTP/1.1\r\nX:" },
		"host":           func(r *http.Request) { r.Host = "a\r\nb" },
		"unknown length": func(r *http.Request) { r.ContentLength = -1; r.Body = io.NopCloser(strings.NewReader("x")) },
		"scheme":         func(r *http.Request) { r.URL.Scheme = "ftp" },
		"trailer":        func(r *http.Request) { r.Trailer = http.Header{"X": nil} },
	} {
		req := request(t, "PUT", s.URL, nil)
		spoil(req)
		if resp, err := newTransport(t).RoundTrip(req); err == nil {
			resp.Body.Close()
			t.Errorf("%s: no error", name)
		}
	}
}
