package copier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/skepdata/skep/storage"
)

const longestBackoff = 10 * time.Second

// again reports whether what failed with err is to be done once more, after waiting. attempt
// is how often it had been tried before that.
func (j *job) again(ctx context.Context, t Task, attempt int, err error) bool {
	if !j.mayRetry(ctx, attempt, err) || !j.spend(err) {
		return false
	}
	e := j.about(t, Retried)
	e.Err = err
	j.rec.event(e)
	return wait(ctx, j.backoff(attempt))
}

func (j *job) mayRetry(ctx context.Context, attempt int, err error) bool {
	return j.opts.mayRetry(ctx, attempt, err)
}

func (o *Options) mayRetry(ctx context.Context, attempt int, err error) bool {
	retries := o.Retries
	if retries == 0 {
		retries = DefaultRetries
	}
	return attempt < retries && ctx.Err() == nil && passing(err)
}

// spend takes a retry out of the job's budget for errors like err.
func (j *job) spend(err error) bool {
	class := retryClassOf(err)
	ok, news := j.retries.take(class)
	if ok {
		j.rec.retried(class)
	}
	if news {
		j.rec.event(Event{Kind: RetriesSpent, Err: fmt.Errorf("%d retries after errors of the class %s are used up; the last: %w",
			j.retries.most[class], class, err)})
	}
	return ok
}

// pause waits before the next attempt of something that is no output, if there is to be one.
func (j *job) pause(ctx context.Context, attempt int, err error) bool {
	return j.mayRetry(ctx, attempt, err) && j.spend(err) && wait(ctx, j.backoff(attempt))
}

func (j *job) backoff(attempt int) time.Duration {
	return backoff(j.opts.Backoff, DefaultBackoff, longestBackoff, attempt)
}

// wait waits, and reports whether the job still goes on then.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// passing reports whether an error may not come again: trouble on the way, and bytes that
// arrived damaged or incomplete.
func passing(err error) bool {
	return storage.IsTemporary(err) || errors.Is(err, storage.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF)
}

// backoff is how long to wait before a further attempt: first, or by default, and twice as long
// each time, but between half and all of that, so that those who failed together do not come back
// together.
func backoff(first, byDefault, longest time.Duration, attempt int) time.Duration {
	if first <= 0 {
		first = byDefault
	}
	d := min(first<<min(attempt, 20), longest)
	return d/2 + rand.N(d/2+1)
}
