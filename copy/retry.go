package copier

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"time"

	"github.com/skepdata/skep/storage"
)

const longestBackoff = 10 * time.Second

// again reports whether what failed with err is to be done once more, after waiting. attempt
// is how often it had been tried before that.
func (j *job) again(ctx context.Context, t Task, attempt int, err error) bool {
	if !j.mayRetry(ctx, attempt, err) {
		return false
	}
	e := j.about(t, Retried)
	e.Err = err
	j.rec.event(e)
	return j.pause(ctx, attempt, err)
}

func (j *job) mayRetry(ctx context.Context, attempt int, err error) bool {
	retries := j.opts.Retries
	if retries == 0 {
		retries = DefaultRetries
	}
	return attempt < retries && ctx.Err() == nil && passing(err)
}

// pause waits before the next attempt, if there is to be one.
func (j *job) pause(ctx context.Context, attempt int, err error) bool {
	if !j.mayRetry(ctx, attempt, err) {
		return false
	}
	timer := time.NewTimer(j.backoff(attempt))
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

// backoff is how long to wait: twice as long each time, and between half and all of that, so
// that those who failed together do not come back together.
func (j *job) backoff(attempt int) time.Duration {
	d := j.opts.Backoff
	if d <= 0 {
		d = DefaultBackoff
	}
	d = min(d<<min(attempt, 20), longestBackoff)
	return d/2 + rand.N(d/2+1)
}
