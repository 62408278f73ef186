package copier

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/skepdata/skep/storage"
)

const longestJobBackoff = 10 * time.Minute

// maxLater is how many outputs may wait for a further try of the job, each of which takes some
// hundred bytes of memory. Further ones have failed.
const maxLater = 100_000

// later is an output that could not be made in this try of the job.
type later struct {
	task Task
	err  error
}

// tries runs a job, and plans it again as often as it may be when something that may pass has ended
// it early.
func (j *job) tries(ctx context.Context) error {
	j.triesLeft = j.opts.JobRetries
	j.rec.begin()
	for {
		err := j.run(ctx)
		var failed *FailedError
		if err == nil || errors.As(err, &failed) || !passing(err) || !j.nextTry(ctx, 0, err) {
			return err
		}
		if err := j.opts.Journal.reload(); err != nil {
			return err
		}
		next, err := newJob(j.src, j.dest, j.opts)
		if err != nil {
			return err
		}
		next.rec, next.rates, next.retries, next.triesLeft = j.rec, j.rates, j.retries, j.triesLeft
		if next.backup != nil {
			next.backup.retries = j.retries
		}
		j = next
	}
}

// postpone puts off an output to the next try of the job, if there is to be one and the output may
// succeed then.
func (j *job) postpone(t Task, err error) bool {
	renewed := errors.Is(err, storage.ErrChanged) && t.Sources.Len() == 1 && j.planner.group == nil
	if !passing(err) && !renewed {
		return false
	}
	j.mu.Lock()
	put := j.triesLeft > 0 && len(j.later) < maxLater
	if put {
		t.open = 0 // the next try counts no sources, of which few are postponed
		j.later = append(j.later, later{t, err})
	}
	j.mu.Unlock()
	if put {
		e := j.about(t, Postponed)
		e.Err = err
		j.rec.event(e)
	}
	return put
}

// tryAgain waits for the next try, which is for what was postponed.
func (j *job) tryAgain(ctx context.Context) error {
	j.outage.Store(0)
	if !j.nextTry(ctx, len(j.later), j.later[0].err) {
		return context.Cause(ctx) // outputs are postponed only if there is a try left
	}
	return nil
}

// nextTry waits for the next try, of some outputs or, for 0, of all, and reports whether it begins.
func (j *job) nextTry(ctx context.Context, outputs int, why error) bool {
	if j.triesLeft == 0 || ctx.Err() != nil {
		return false
	}
	done := j.opts.JobRetries - j.triesLeft
	if !wait(ctx, backoff(j.opts.JobBackoff, DefaultJobBackoff, longestJobBackoff, done)) {
		return false
	}
	j.triesLeft--
	j.rec.event(Event{Kind: TriedAgain, Sources: outputs, Err: why})
	return true
}

// postponed yields the outputs that the last try has put off. A source that was replaced meanwhile
// is taken as it is now.
func (j *job) postponed(ctx context.Context) iter.Seq2[work, error] {
	tasks := j.later
	j.later = nil
	return func(yield func(work, error) bool) {
		for _, l := range tasks {
			if errors.Is(l.err, storage.ErrChanged) {
				j.renew(ctx, &l.task)
			}
			if !yield(work{task: l.task}, nil) {
				return
			}
		}
	}
}

// renew looks up a source again, by a listing, which tells what later runs will compare with.
func (j *job) renew(ctx context.Context, t *Task) {
	s := t.Sources.First()
	s.lost = &storage.Error{Op: "list", URL: j.urlOf(s), Err: storage.ErrNotExist}
	for o, err := range j.src.Bucket.List(ctx, s.Key) {
		if err != nil {
			s.lost = err
		} else if o.Key == s.Key {
			s.Object, s.lost = o, nil
		}
		break
	}
	t.Sources = SourcesOf(s)
}
