package copier

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Limits are the rates of one job, which may be changed while it runs. The zero value bounds nothing
// until Set is called. It is safe for concurrent use.
type Limits struct{ rates rates }

// Set changes the rates for whatever is still to go by: bytes of the sources and requests, in a
// second, as Options.Bandwidth and Options.RequestRate have them. 0 is no limit.
func (l *Limits) Set(bandwidth, requestRate int64) {
	l.rates.bytes.set(time.Now(), bandwidth)
	l.rates.requests.set(time.Now(), requestRate)
}

// rates bound what a whole job sends and receives, however many workers it has.
type rates struct {
	bytes    rate // of the sources, as they are read
	requests rate // that open or begin something, or copy on the server
}

// newRates are those of opts.Limits, if there are, with the rates of opts to begin with.
func newRates(opts Options) *rates {
	l := opts.Limits
	if l == nil {
		l = &Limits{}
	}
	l.Set(opts.Bandwidth, opts.RequestRate)
	return &l.rates
}

// rate lets so many units go by in a second. Whoever takes some pays afterwards, by waiting until
// they are due, so that what is larger than a second's worth goes by as well. Idle time is kept as
// credit for a burst of at most a tenth of a second: what was not sent is not made up for.
type rate struct {
	perSecond atomic.Int64 // 0 for no limit

	mu      sync.Mutex
	taken   float64       // units in all
	paid    float64       // of them, or, where it is more, with a burst of credit
	at      time.Time     // when paid was so
	changed chan struct{} // closed by the next change; nil if nobody waits for it
}

const burst = 100 * time.Millisecond

func newRate(perSecond int64) *rate {
	r := &rate{}
	r.set(time.Now(), perSecond)
	return r
}

// set changes the rate. Those who wait wait as long as they have to at the new one.
func (r *rate) set(now time.Time, perSecond int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pay(now)
	if r.perSecond.Load() == 0 {
		r.paid, r.at = r.taken+float64(perSecond)*burst.Seconds(), now
	}
	r.perSecond.Store(perSecond)
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

// pay brings what is paid up to date.
func (r *rate) pay(now time.Time) {
	perSecond := float64(r.perSecond.Load())
	if elapsed := now.Sub(r.at).Seconds(); perSecond > 0 && elapsed > 0 {
		r.paid = min(r.paid+elapsed*perSecond, r.taken+perSecond*burst.Seconds())
	}
	r.at = now
}

// take takes n units and waits until they are due, or ctx ends with its cause.
func (r *rate) take(ctx context.Context, n int64) error {
	if n <= 0 || r.perSecond.Load() == 0 {
		return nil
	}
	r.mu.Lock()
	r.pay(time.Now())
	r.taken += float64(n)
	mine := r.taken
	r.mu.Unlock()
	for {
		wait, changed := r.due(time.Now(), mine)
		if wait <= 0 {
			return nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
			return nil
		case <-changed:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}

// due returns how long it is until all units up to mine are paid for, and what tells that it is
// not so long any more, or longer.
func (r *rate) due(now time.Time, mine float64) (time.Duration, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	perSecond := float64(r.perSecond.Load())
	r.pay(now)
	if perSecond == 0 || mine <= r.paid {
		return 0, nil
	}
	if r.changed == nil {
		r.changed = make(chan struct{})
	}
	return time.Duration((mine - r.paid) / perSecond * float64(time.Second)), r.changed
}
