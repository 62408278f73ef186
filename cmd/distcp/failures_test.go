package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
)

// A list has what has failed in the last try of all, as it comes, and nothing else.
func TestListsOfFailures(t *testing.T) {
	dir := t.TempDir()
	r, err := openRecords(operations{failures: filepath.Join(dir, "lines"), failures0: filepath.Join(dir, "nuls"), logDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []copier.Event{
		{Kind: copier.Failed, Source: "s3://lake/first try", Sources: 1},
		{Kind: copier.TriedAgain},
		{Kind: copier.Failed, Source: "s3://lake/a", Sources: 1},
		{Kind: copier.TriedAgain, Sources: 2},
		{Kind: copier.Failed, Source: "s3://lake/b\nc", Sources: 1},
		{Kind: copier.Failed, Source: "s3://lake/group", Sources: 2},
		{Kind: copier.Copied, Source: "s3://lake/d", Sources: 1},
	} {
		r.report(e)
	}
	if log, err := filepath.Glob(filepath.Join(dir, "*.log")); err != nil || len(log) != 1 {
		t.Fatal(log, err)
	} else if text, err := os.ReadFile(log[0]); err != nil || strings.Count(string(text), "\n") != 7 {
		t.Errorf("before the end the log has %q, %v", text, err)
	}
	if err := r.close(); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{"lines": "s3://lake/a\n", "nuls": "s3://lake/a\x00s3://lake/b\nc\x00"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.tmp")); err != nil || len(left) > 0 {
		t.Error(left, err)
	}
}

// Of many failures for one reason the first are told of, and how many more there are.
func TestFailuresAlike(t *testing.T) {
	var out strings.Builder
	var lines failureLines
	fail := func(key string, cause error, what string) {
		lines.report(&out, copier.Event{Err: &storage.Error{Op: "delete", URL: "s3://lake/" + key, Err: cause}}, what)
	}
	for i := range 50 {
		fail(strconv.Itoa(i), storage.ErrPermission, "not deleted: ")
	}
	for i := range 20 {
		fail(strconv.Itoa(i), storage.ErrPermission, "")
	}
	fail("x", storage.ErrChecksum, "")
	lines.report(&out, copier.Event{Err: errors.New("no store's")}, "")
	lines.end(&out, &copier.FailedError{})
	text := out.String()
	if n := strings.Count(text, "\n"); n != 20+20+1+1+1 || !strings.Contains(text, "distcp: 30 more like these: not deleted: delete: permission denied\n") ||
		!strings.Contains(text, "distcp: not deleted: delete s3://lake/19: permission denied\n") || strings.Contains(text, "lake/20") {
		t.Errorf("%d lines: %s", n, text)
	}
	for i := range 2 * mostCauses {
		fail("x", fmt.Errorf("reason %d", i), "")
	}
	if len(lines.alike) > mostCauses || !strings.Contains(out.String(), fmt.Sprintf("reason %d\n", 2*mostCauses-1)) {
		t.Errorf("%d causes are kept", len(lines.alike))
	}
}

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
