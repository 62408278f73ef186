package copier

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
)

func TestProcessors(t *testing.T) {
	cores := float64(runtime.NumCPU())
	for _, c := range []struct {
		name   string
		before string
		after  string
		want   bool
	}{
		{"all idle", "100.00 50.00\n", fmt.Sprintf("101.00 %.2f\n", 50+cores), false},
		{"a tenth idles", "100.00 50.00\n", fmt.Sprintf("101.00 %.2f\n", 50+cores/10), false},
		{"none idles", "100.00 50.00\n", "101.00 50.01\n", true},
		{"too short", "100.00 50.00\n", "100.05 50.00\n", false},
		{"it does not count", "100.00 0.00\n", "101.00 0.00\n", false},
		{"negative", "100.00 -1\n", "101.00 -1\n", false},
		{"words", "up idle\n", "up idle\n", false},
		{"one number", "100.00\n", "101.00\n", false},
		{"empty", "", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := c.before
			p := &processors{read: func() ([]byte, error) { return []byte(text), nil }}
			if p.spent() {
				t.Error("spent at the first look, with nothing to compare")
			}
			text = c.after
			if got := p.spent(); got != c.want {
				t.Errorf("spent is %v, want %v", got, c.want)
			}
		})
	}
	unreadable := &processors{read: func() ([]byte, error) { return nil, errors.ErrUnsupported }}
	for range 2 {
		if unreadable.spent() {
			t.Error("spent where nothing can be read")
		}
	}
}

// awayBucket is one of a service that takes so long to answer.
type awayBucket struct {
	storage.Bucket
	trip time.Duration
}

func (b awayBucket) RoundTrip() time.Duration { return b.trip }

func TestSpentNearAndFar(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name          string
		trip, latency time.Duration
		want          bool
	}{
		{"local", 0, ms, true},
		{"near", ms, 20 * ms, true},
		{"far", 20 * ms, 30 * ms, false},
		{"near, but just beginning", 6 * ms, 60 * ms, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			texts := []string{"100.00 50.00\n", "101.00 50.02\n"}
			j := &job{processors: &processors{read: func() ([]byte, error) { return []byte(texts[0]), nil }}}
			j.src.Bucket, j.dest.Bucket = awayBucket{}, awayBucket{trip: c.trip}
			j.spent(c.latency) // there is nothing to compare yet
			texts = texts[1:]
			if got := j.spent(c.latency); got != c.want {
				t.Errorf("spent is %v, want %v", got, c.want)
			}
		})
	}
}

// TestUptime reads what this system says, if it says so at all.
func TestUptime(t *testing.T) {
	text, err := os.ReadFile("/proc/uptime")
	if runtime.GOOS != "linux" {
		if err == nil {
			t.Errorf("there is a /proc/uptime: %q", text)
		}
		return
	}
	if up, idle, ok := parseUptime(text); err != nil || ok && (up <= 0 || idle <= 0) {
		t.Errorf("%q is %v, %v, %v; %v", text, up, idle, ok, err)
	}
}
