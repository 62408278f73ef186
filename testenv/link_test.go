package testenv

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestLink shows that what goes through a link arrives as it was sent, and not before its time.
func TestLink(t *testing.T) {
	const roundTrip = 60 * time.Millisecond
	l, err := StartLink(echoing(t), roundTrip)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	client := &http.Client{Transport: transport}
	big := strings.Repeat("0123456789abcdef", 1<<17)
	for _, step := range []struct {
		body  string
		least time.Duration
	}{
		{"first", 2 * roundTrip}, // with the handshake
		{"again", roundTrip},
		{big, roundTrip},
	} {
		start := time.Now()
		resp, err := client.Post(l.Endpoint, "text/plain", strings.NewReader(step.body))
		if err != nil {
			t.Fatal(err)
		}
		took := time.Since(start)
		got, err := io.ReadAll(resp.Body)
		if err != nil || !bytes.Equal(got, []byte(step.body)) {
			t.Errorf("%d bytes came back as %d, %v", len(step.body), len(got), err)
		}
		_ = resp.Body.Close()
		if took < step.least {
			t.Errorf("%.10q was answered after %v, want %v at least", step.body, took, step.least)
		}
	}
	transport.CloseIdleConnections()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Get(l.Endpoint); err == nil {
		t.Error("a closed link still answers")
	}
}

// TestLinkCloseCuts: Close does not wait for connections that nobody ends.
func TestLinkCloseCuts(t *testing.T) {
	l, err := StartLink(echoing(t), time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{}}
	resp, err := client.Get(l.Endpoint) // whose connection is kept
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestLinkStreams sends much both ways at once, over several connections, to ends that are slow at
// first: a whole window is on its way then. Each way ends by itself.
func TestLinkStreams(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	const streams = 4
	var running sync.WaitGroup
	defer running.Wait()
	defer listener.Close()
	full := make(chan bool, streams) // a window has been sent
	running.Go(func() {              // sends back what comes
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				<-full
				_, err := io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c})
				if err := errors.Join(err, c.(*net.TCPConn).CloseWrite()); err != nil {
					t.Error(err)
				}
			})
		}
	})
	l, err := StartLink(&S3{Endpoint: "http://" + listener.Addr().String()}, 4*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	var sending sync.WaitGroup
	for i := range streams {
		sending.Go(func() {
			if err := throughLink(strings.TrimPrefix(l.Endpoint, "http://"), uint64(i), full); err != nil {
				t.Errorf("stream %d: %v", i, err)
			}
		})
	}
	sending.Wait()
	close(full)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// throughLink sends noise in pieces of all sizes to a service that sends it back, and compares. It reads
// nothing at first, for as long as the two windows must have room.
func throughLink(address string, seed uint64, full chan<- bool) error {
	want := make([]byte, 2*linkWindow+12345)
	_, _ = rand.NewChaCha8([32]byte{byte(seed)}).Read(want) // never fails
	c, err := net.Dial("tcp4", address)
	if err != nil {
		return err
	}
	defer c.Close()
	enough := make(chan bool)
	sent := make(chan error, 1)
	go func() {
		rng := rand.New(rand.NewPCG(seed, 1))
		for i := 0; i < len(want); {
			n := min(len(want)-i, 1+rng.IntN(64<<10))
			if _, err := c.Write(want[i : i+n]); err != nil {
				sent <- err
				return
			}
			if i < linkWindow/2 && i+n >= linkWindow/2 {
				full <- true
			}
			if i < linkWindow && i+n >= linkWindow {
				close(enough)
			}
			i += n
		}
		sent <- c.(*net.TCPConn).CloseWrite()
	}()
	select {
	case <-enough:
	case err := <-sent:
		return err
	}
	got, err := io.ReadAll(c)
	if err := errors.Join(err, <-sent); err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%d bytes came back, and not the %d that were sent", len(got), len(want))
	}
	return nil
}
