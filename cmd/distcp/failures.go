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

// failureLines are the lines, for people, on outputs that have failed: one for each, but of those that fail
// for one reason together. Events in JSON, logs and lists of what failed have all of them.
type failureLines struct {
	held  []string         // of a row of failures that may yet end the job, whose error says it then
	below map[string]int64 // further outputs that would lie below a file, by its path
}

func (f *failureLines) report(out io.Writer, e copier.Event) {
	line := fmt.Sprintf("distcp: %s\n", oneLine(e.Err))
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
	}
	fmt.Fprint(out, line)
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
}
