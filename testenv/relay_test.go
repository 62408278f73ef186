package testenv_test

import (
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/skepdata/skep/testenv"
)

// TestRelay: what the server gets of a piece, and what the client hears.
func TestRelay(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 10)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			text, _ := io.ReadAll(io.TeeReader(c, c)) // it echoes, as long as somebody listens
			got <- string(text)
			_ = c.Close()
		}
	})
	defer all.Wait()
	defer l.Close()
	r := testenv.NewRelay(t, &testenv.Database{URL: "any://" + l.Addr().String() + "/db"})
	u, err := url.Parse(r.URL)
	if err != nil || u.Path != "/db" {
		t.Fatalf("%s: %v", r.URL, err)
	}
	say := func() (heard string, err error) {
		c, err := net.Dial("tcp", u.Host)
		if err != nil {
			return "", err
		}
		_, err = io.WriteString(c, "hello")
		answer := make([]byte, 5)
		n, readErr := io.ReadFull(c, answer)
		return string(answer[:n]), errors.Join(err, readErr, c.Close())
	}
	for fate, want := range map[testenv.Delivery][2]string{
		testenv.Delivered: {"hello", "hello"}, testenv.Lost: {"", ""}, testenv.Unanswered: {"", "hello"},
	} {
		r.Decide(func([]byte) testenv.Delivery { return fate })
		heard, err := say()
		if sent := <-got; heard != want[0] || (err == nil) != (want[0] != "") || sent != want[1] {
			t.Errorf("%d: the client hears %q, %v, the server %q", fate, heard, err, sent)
		}
	}
	r.Away(true)
	if heard, err := say(); err == nil {
		t.Errorf("from one that is away: %q", heard)
	}
	r.Away(false)
	r.Decide(nil)
	if heard, err := say(); err != nil || heard != "hello" {
		t.Errorf("when it is back: %q, %v", heard, err)
	}
}
