package http1

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Bodies of all lengths arrive, though who reads them is woken less often, and the connection then
// serves answers of a few bytes.
func TestBodiesThatComeInPieces(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(r.URL.Query().Get("size"))
		piece, _ := strconv.Atoi(r.URL.Query().Get("piece"))
		w.Header().Set("Content-Length", strconv.Itoa(size))
		data := make([]byte, piece)
		for sent := 0; sent < size; sent += piece {
			_, _ = w.Write(data[:min(piece, size-sent)])
			w.(http.Flusher).Flush()
		}
	})
	tr := newTransport(t)
	tr.AnswerTimeout, tr.StallTimeout = 30*time.Second, 30*time.Second
	requests := 0
	for _, size := range []int{1, wakeBytes - 1, wakeBytes, wakeBytes + 1, 2*wakeBytes - 1, longWakeBytes, 5*wakeBytes + 77, 1 << 20} {
		for _, piece := range []int{1000, wakeBytes - 1, wakeBytes, 300_000} {
			for _, into := range []int{1000, readBuffer, wakeBytes, 4 * wakeBytes, longRead, 2 * longRead} {
				resp, err := tr.RoundTrip(request(t, "GET", fmt.Sprintf("%s/?size=%d&piece=%d", s.URL, size, piece), nil))
				if err != nil {
					t.Fatal(err)
				}
				n, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{resp.Body}, make([]byte, into))
				if err != nil || n != int64(size) {
					t.Fatalf("%d bytes in pieces of %d, read into %d: %d came, %v", size, piece, into, n, err)
				}
				requests++
			}
		}
	}
	if n := s.opened.Load(); n != 1 {
		t.Errorf("%d requests took %d connections, want 1", requests, n)
	}
}

// The mark is up while a long body is read, and down when it has been.
func TestMark(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // it stays down
	}
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(2*longRead))
		_, _ = w.Write(make([]byte, 2*longRead))
	})
	tr := newTransport(t)
	c, err := tr.connect(t.Context(), request(t, "GET", s.URL, nil).URL)
	if err != nil {
		t.Fatal(err)
	}
	mark := func() (mark int) {
		if err := c.wake.raw.Control(func(fd uintptr) { mark, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVLOWAT) }); err != nil {
			t.Fatal(err)
		}
		return mark
	}
	req := request(t, "GET", s.URL, nil)
	resp, err := c.exchange(req)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct{ into, mark int }{{wakeBytes, wakeBytes}, {longRead, longWakeBytes}, {wakeBytes, wakeBytes}} {
		if _, err := resp.Body.Read(make([]byte, want.into)); err != nil || mark() != want.mark {
			t.Errorf("while the body is read into %d bytes the mark is %d, want %d, and %v", want.into, mark(), want.mark, err)
		}
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || mark() != 1 {
		t.Errorf("after the body the mark is %d, want 1, and %v", mark(), err)
	}
}
