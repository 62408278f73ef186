package copier

import (
	"context"
	"sync"
	"time"
)

// rates bound what a whole job sends and receives, however many workers it has. Nil ones bound
// nothing.
type rates struct {
	bytes    *rate // of the sources, as they are read
	requests *rate // that open or begin something, or copy on the server
}

func newRates(opts Options) rates {
	return rates{newRate(opts.Bandwidth), newRate(opts.RequestRate)}
}

// rate lets so many units go by in a second. Whoever takes some pays afterwards, by waiting until
// they are due, so that what is larger than a second's worth goes by as well. Idle time is kept as
// credit for a burst of at most a tenth of a second: what was not sent is not made up for.
type rate struct {
	perSecond float64

	mu  sync.Mutex
	due time.Time // when all that was taken will have been paid for
}

const burst = 100 * time.Millisecond

func newRate(perSecond int64) *rate {
	if perSecond <= 0 {
		return nil
	}
	return &rate{perSecond: float64(perSecond)}
}

// take takes n units and waits until they are due, or ctx ends with its cause.
func (r *rate) take(ctx context.Context, n int64) error {
	if r == nil || n <= 0 {
		return nil
	}
	wait := r.book(time.Now(), n)
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// book puts n units behind all others and returns how long it is until they are due.
func (r *rate) book(now time.Time, n int64) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if earliest := now.Add(-burst); r.due.Before(earliest) {
		r.due = earliest
	}
	r.due = r.due.Add(time.Duration(float64(n) / r.perSecond * float64(time.Second)))
	return r.due.Sub(now)
}
