package main

import (
	"errors"
	"strings"
	"testing"

	copier "github.com/skepdata/skep/copy"
)

// Failures in a row are told of one by one when the job goes on, or ends otherwise, and not when its error
// says what they say.
func TestFailuresInARow(t *testing.T) {
	denied := func(row int64) copier.Event {
		return copier.Event{Kind: copier.Failed, Err: errors.New("denied"), Row: row}
	}
	for name, test := range map[string]struct {
		events []copier.Event
		end    error
		lines  int
	}{
		"given up":       {[]copier.Event{denied(1), denied(2)}, &copier.GivenUpError{}, 0},
		"ended":          {[]copier.Event{denied(1), denied(2)}, &copier.FailedError{}, 2},
		"others":         {[]copier.Event{denied(1), denied(0), denied(2)}, &copier.GivenUpError{}, 1},
		"some succeeded": {[]copier.Event{denied(1), denied(2), {Kind: copier.Copied}, denied(1)}, &copier.GivenUpError{}, 2},
	} {
		var out strings.Builder
		p := &printer{stderr: &out, plain: &out, quiet: true}
		for _, e := range test.events {
			p.report(e)
		}
		if err := p.end(copier.Summary{}, test.end); !errors.Is(err, test.end) {
			t.Errorf("%s: %v", name, err)
		}
		if n := strings.Count(out.String(), "distcp: denied\n"); n != test.lines {
			t.Errorf("%s: %d lines, want %d: %s", name, n, test.lines, &out)
		}
	}
}
