package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
)

// failureLines are the lines, for people, on what has failed: one for each object, but of those that fail for
// one reason only the first, and how many there are. Events in JSON, logs and lists of what failed have all
// of them.
type failureLines struct {
	held  []string         // of a row of failures that may yet end the job, whose error says it then
	below map[string]int64 // further outputs that would lie below a file, by its path
	alike map[string]int64 // failures by what they say besides the name of the object
}

const (
	mostAlike  = 20   // lines for one reason
	mostCauses = 1000 // that are kept in mind
)

// report tells of an event of a failure, after some words on what could not be done.
func (f *failureLines) report(out io.Writer, e copier.Event, what string) {
	line := fmt.Sprintf("distcp: %s%s\n", what, oneLine(e.Err))
	var clash *storage.BelowFileError
	switch {
	case e.Row > 0:
		f.held = append(f.held, line)
		return
	case errors.As(e.Err, &clash):
		if n, again := f.below[clash.File]; again {
			f.below[clash.File] = n + 1
			return
		}
		if f.below == nil {
			f.below = map[string]int64{}
		}
		f.below[clash.File] = 0
	case f.count(what, e.Err) > mostAlike:
		return
	}
	fmt.Fprint(out, line)
}

// count is how many failures for the reason of err there have been, this one included. It is 0 for one that
// cannot be told from the name of the object.
func (f *failureLines) count(what string, err error) int64 {
	var failed *storage.Error
	if !errors.As(err, &failed) {
		return 0
	}
	cause := what + failed.Op + ": " + failed.Err.Error()
	if _, known := f.alike[cause]; !known && len(f.alike) >= mostCauses {
		return 0
	}
	if f.alike == nil {
		f.alike = map[string]int64{}
	}
	f.alike[cause]++
	return f.alike[cause]
}

// release prints what was held back: the job goes on.
func (f *failureLines) release(out io.Writer) {
	for _, line := range f.held {
		fmt.Fprint(out, line)
	}
	f.held = nil
}

// end prints what is left to say of a job that has ended with err.
func (f *failureLines) end(out io.Writer, err error) {
	var givenUp *copier.GivenUpError
	if !errors.As(err, &givenUp) {
		f.release(out)
	}
	for _, file := range slices.Sorted(maps.Keys(f.below)) {
		if n := f.below[file]; n > 0 {
			fmt.Fprintf(out, "distcp: %s more could not be copied, for %s is a file\n", count(n, "object"), printable(file))
		}
	}
	for _, cause := range slices.Sorted(maps.Keys(f.alike)) {
		if n := f.alike[cause] - mostAlike; n > 0 {
			fmt.Fprintf(out, "distcp: %d more like these: %s\n", n, oneLine(errors.New(cause)))
		}
	}
}
