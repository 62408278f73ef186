package testenv

import (
	"bytes"
	"io"
	"net/http"
	"strings"
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
