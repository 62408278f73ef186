package main

import (
	"fmt"
	"path"
	"sync"
	"time"

	copier "github.com/skepdata/skep/copy"
)

// tally is what has happened in a copy so far, for those who look on while it runs. It is safe for
// concurrent use.
type tally struct {
	mu      sync.Mutex
	started time.Time
	sum     copier.Summary // as far as events tell
	planned int64          // objects to copy that are known
	bytes   int64          // of them
	moved   int64          // bytes that have been copied, of outputs in progress as well
	listed  bool           // all that is to be copied is known
	running map[string]time.Time
	samples []sample // of the last rateSpan, oldest first
}

// sample is how much had been moved at a time.
type sample struct {
	at    time.Time
	moved int64
}

const (
	rateSpan   = 15 * time.Second // over which rates are taken
	sampleSpan = time.Second      // between two samples, at least
	slowAfter  = 5 * time.Second  // a transfer that takes longer is worth naming
)

func newTally() *tally {
	now := time.Now()
	return &tally{started: now, running: map[string]time.Time{}, samples: []sample{{at: now}}}
}

// report takes one event.
func (t *tally) report(e copier.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e.Kind {
	case copier.Begun:
		t.planned += int64(e.Sources)
		t.bytes += e.Bytes
	case copier.Started:
		t.begin(e.Dest)
	case copier.Postponed:
		delete(t.running, e.Dest)
	case copier.Progress:
		t.begin(e.Dest)
		t.moved += e.Bytes
		t.sample(time.Now())
	case copier.Retried:
		t.begin(e.Dest)
		t.sum.Retries++
	case copier.Copied:
		delete(t.running, e.Dest)
		t.sum.Objects += int64(e.Sources)
		t.sum.Outputs++
		t.sum.Bytes += e.Bytes
	case copier.Failed:
		delete(t.running, e.Dest)
		t.sum.Failed++
		t.planned -= int64(e.Sources)
		t.bytes -= e.Bytes
	case copier.Skipped:
		t.sum.Skipped += int64(e.Sources)
	case copier.Deleted:
		t.sum.Deleted++
	case copier.DeleteFailed:
		t.sum.DeleteFailures++
	case copier.Listed:
		t.listed = true
	}
}

// begin notes the first sign of an output.
func (t *tally) begin(dest string) {
	if _, known := t.running[dest]; !known {
		t.running[dest] = time.Now()
	}
}

func (t *tally) sample(now time.Time) {
	if now.Sub(t.samples[len(t.samples)-1].at) < sampleSpan {
		return
	}
	t.samples = append(t.samples, sample{now, t.moved})
	for len(t.samples) > 2 && now.Sub(t.samples[1].at) >= rateSpan {
		t.samples = t.samples[1:]
	}
}

// state is a tally at one moment.
type state struct {
	sum                   copier.Summary
	planned, bytes, moved int64
	listed                bool
	rate                  float64       // bytes a second, of late
	left                  time.Duration // until the end at that rate; 0 if that cannot be known
	slowest               string        // URL of the output that has been in progress longest
	slowFor               time.Duration
}

func (t *tally) state() state {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	s := state{sum: t.sum, planned: t.planned, bytes: t.bytes, moved: t.moved, listed: t.listed}
	s.sum.Elapsed = now.Sub(t.started)
	t.sample(now) // nothing may have come for long
	first := t.samples[0]
	if span := now.Sub(first.at).Seconds(); span > 0 {
		s.rate = max(0, float64(t.moved-first.moved)/span)
	}
	if s.listed && s.rate >= 1 {
		s.left = time.Duration(float64(max(0, t.bytes-t.moved)) / s.rate * float64(time.Second)).Round(time.Second)
	}
	for dest, since := range t.running {
		if age := now.Sub(since); age > s.slowFor || age == s.slowFor && dest < s.slowest {
			s.slowest, s.slowFor = dest, age
		}
	}
	return s
}

// text is a state in one line.
func (s state) text() string {
	so := ""
	if !s.listed {
		so = " so far"
	}
	text := fmt.Sprintf("%s of %s, %d of %s%s, %s/s", bytesText(s.moved), bytesText(s.bytes), s.sum.Objects, count(s.planned, "object"), so, bytesText(int64(s.rate)))
	if s.left > 0 {
		text += fmt.Sprintf(", %s left", s.left)
	}
	if s.sum.Failed > 0 {
		text += fmt.Sprintf(", %d failed", s.sum.Failed)
	}
	if s.slowFor >= slowAfter {
		text += fmt.Sprintf("; %s takes %s", shortName(s.slowest), s.slowFor.Round(time.Second))
	}
	return text
}

// shortName is the end of a URL, for a line on a terminal.
func shortName(url string) string {
	name := []rune(path.Base(url))
	if len(name) > 40 {
		return "..." + string(name[len(name)-37:])
	}
	return string(name)
}
