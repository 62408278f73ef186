package testenv

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// echoing is a service that answers with what it was sent, or with ten thousand bytes.
func echoing(t *testing.T) *S3 {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if len(body) == 0 {
			body = bytes.Repeat([]byte("x"), 10_000)
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		_, _ = w.Write(body)
	}))
	t.Cleanup(server.Close)
	return &S3{Endpoint: server.URL}
}

// outcome is what one request comes to, in words.
func outcome(t *testing.T, p *Proxy, method, body string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, p.Endpoint+"/a?list-type=2", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true} // nobody sends again by himself
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return "no answer"
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	want := body
	if want == "" {
		want = strings.Repeat("x", 10_000)
	}
	switch {
	case resp.StatusCode != http.StatusOK:
		return resp.Status
	case err != nil:
		return "cut"
	case len(got) < len(want):
		return "short"
	case string(got) != want:
		return "damaged"
	}
	return "right"
}

func TestProxyFaults(t *testing.T) {
	p := NewProxy(t, echoing(t))
	for _, test := range []struct {
		faults Faults
		get    string
		put    string
		note   string
	}{
		{Faults{}, "right", "right", ""},
		{Faults{Busy: 1}, "503 Service Unavailable", "503 Service Unavailable", "busy"},
		{Faults{CutUp: 1}, "right", "no answer", "cut up"},
		{Faults{CutDown: 1}, "cut", "cut", "cut down"},
		{Faults{LostAnswer: 1}, "no answer", "no answer", "lost answer"},
		{Faults{Truncate: 1}, "short", "short", "truncate"},
		{Faults{FlipUp: 1}, "right", "damaged", "flip up"},
		{Faults{FlipDown: 1}, "damaged", "damaged", "flip down"},
		{Faults{Stall: 1, StallFor: time.Millisecond}, "right", "right", "stall"},
		{Faults{Latency: time.Millisecond}, "right", "right", ""},
	} {
		p.SetFaults(test.faults)
		before := p.Injected()
		if got := outcome(t, p, "GET", ""); got != test.get {
			t.Errorf("%v: GET is %s, want %s", test.faults, got, test.get)
		}
		if got := outcome(t, p, "PUT", strings.Repeat("y", 5000)); got != test.put {
			t.Errorf("%v: PUT is %s, want %s", test.faults, got, test.put)
		}
		after := p.Injected()
		if test.note == "" && !maps.Equal(before, after) || test.note != "" && after[test.note] == before[test.note] {
			t.Errorf("%v: injected %v, before %v", test.faults, after, before)
		}
	}
	if n := p.Counts()["GET list"]; n != 10 {
		t.Errorf("counted %d listings, want 10: %v", n, p.Counts())
	}
	if got := p.Requests(); len(got) != 20 || got[0] != "GET list" || got[1] != "PUT list" {
		t.Errorf("requests: %q", got)
	}
}

// TestProxySeed shows that a seed decides what happens, and in about the fraction wanted.
func TestProxySeed(t *testing.T) {
	s := echoing(t)
	run := func(seed uint64) (sequence string, failed int) {
		p := NewProxy(t, s)
		p.SetFaults(Faults{Busy: 0.3, Seed: seed})
		for range 60 {
			if got := outcome(t, p, "GET", ""); got == "right" {
				sequence += "."
			} else {
				sequence += "!"
				failed++
			}
		}
		return sequence, failed
	}
	first, failed := run(1)
	if failed < 6 || failed > 32 {
		t.Errorf("%d of 60 requests failed, want about 18: %s", failed, first)
	}
	if again, _ := run(1); again != first {
		t.Errorf("the same seed did\n%s and\n%s", first, again)
	}
	if other, _ := run(2); other == first {
		t.Errorf("another seed did the same: %s", other)
	}
}
