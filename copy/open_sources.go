package copier

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// mostOpenSources is how many files the outputs may have together, of those that have several, that are planned
// and not made yet: what is known of each takes up to 1.5 KB, garbage included, until its output is made. One
// output may have more, when there is no other.
const mostOpenSources = 100_000

// openSources counts the files of outputs that are planned and not made yet.
type openSources struct{ sem *semaphore.Weighted }

func newOpenSources() openSources { return openSources{semaphore.NewWeighted(mostOpenSources)} }

// begin waits until there is room for the sources of an output.
func (o openSources) begin(ctx context.Context, t *Task) error {
	if t.Sources.Len() < 2 {
		return nil
	}
	n := int64(min(t.Sources.Len(), mostOpenSources))
	if err := o.sem.Acquire(ctx, n); err != nil {
		return context.Cause(ctx)
	}
	t.open = n
	return nil
}

// end gives back what begin has taken.
func (o openSources) end(t Task) {
	if t.open > 0 {
		o.sem.Release(t.open)
	}
}
