package copier

import "time"

// The tokens of a gate at the beginning, and between what they stay.
const (
	firstLimit = DefaultWorkers
	leastLimit = 8
	mostLimit  = 512
)

// window is what was completed in a while.
type window struct {
	elapsed   time.Duration
	done      int64         // transfers
	transfers time.Duration // that they took, together
	fastest   time.Duration // of them
	busy      time.Duration // likewise, each times its tokens
	units     float64       // of work: requests, and bytes in their terms
	throttled bool          // the service has asked for fewer requests
	spent     bool          // all processors were busy
}

func (w window) rate() float64 { return w.units / w.elapsed.Seconds() }

// latency is what a transfer took, in seconds.
func (w window) latency() float64 { return w.transfers.Seconds() / float64(max(w.done, 1)) }

// full reports whether the limit was what held the transfers back: nearly all tokens were in use.
func (w window) full(limit int64) bool {
	return w.busy.Seconds() >= fullShare*float64(limit)*w.elapsed.Seconds()
}

// What makes the tuner act.
const (
	fullShare     = 0.75
	growth        = 1.10 // of the rate, that makes more tokens pay
	loss          = 0.97 // of the rate, up to which fewer tokens pay
	collapse      = 0.75 // of the rate, and
	inflation     = 2    // of the latency: the service bears less than before
	shortestHold  = 4    // windows between a trial that failed and the next
	longestHold   = 64
	queueing      = 4  // times the fastest is the usual latency where transfers wait for each other
	queueingHold  = 16 // windows more until the next trial then
	carefulFor    = 50 // windows after a service has asked for fewer requests
	carefulGrowth = 8  // a part of the limit, instead of half of it
)

type trial int

const (
	noTrial trial = iota
	trialUp
	trialDown
)

// tuner decides how many tokens a gate has. It tries half as many more, and keeps them if more is
// done with them; it goes back otherwise, and waits, each time longer, before the next trial. What was
// gained by chance is given back by trials of fewer tokens, down to what there were at the beginning.
// A service that asks for fewer requests halves them, and they grow slowly for a while; one that has
// become slow under what it bore before gets an eighth less. Where no processor has time left, more
// tokens would only take memory: it tries none, and gives back those it can do without.
//
// It has no clock and no randomness: the same windows make the same decisions.
type tuner struct {
	limit   int64
	trial   trial
	before  int64   // the limit before the trial
	rate    float64 // before the trial, or, between trials, as it is
	latency float64 // likewise
	hold    int     // windows until the next trial
	patient int     // what hold will be after a trial that fails
	careful int     // windows in which the limit grows slowly
	waited  int     // windows that a trial has been put off, for transfers wait for each other
	fewer   bool    // the next trial is of fewer tokens
}

func newTuner() tuner {
	return tuner{limit: firstLimit, patient: shortestHold, hold: 2}
}

// next is told of a window with the limit as it is, and returns the limit of the next one.
func (t *tuner) next(w window) int64 {
	t.careful = max(0, t.careful-1)
	switch {
	case w.throttled:
		t.reset(max(leastLimit, t.limit/2))
		t.careful = carefulFor
	case !w.full(t.limit):
		if t.trial == trialUp { // they are not used
			t.limit = t.before
		}
		t.trial = noTrial
	case t.trial == trialUp:
		t.judgeMore(w)
	case t.trial == trialDown:
		t.judgeFewer(w)
	case t.rate > 0 && w.rate() < collapse*t.rate && w.latency() > inflation*t.latency:
		t.reset(max(leastLimit, t.limit-t.limit/8))
	default:
		t.observe(w)
		if t.hold--; t.hold > 0 {
			break
		}
		if t.waited < queueingHold && w.latency() > queueing*w.fastest.Seconds() {
			t.waited++
			break
		}
		t.waited = 0
		if !w.spent {
			t.try()
		} else if t.limit > firstLimit {
			t.tryFewer()
		}
	}
	return t.limit
}

// reset begins anew with another limit.
func (t *tuner) reset(limit int64) {
	*t = tuner{limit: limit, patient: shortestHold, hold: 1, careful: t.careful}
}

// observe follows the rate and the latency between trials.
func (t *tuner) observe(w window) {
	if t.rate == 0 {
		t.rate, t.latency = w.rate(), w.latency()
		return
	}
	t.rate += (w.rate() - t.rate) / 4
	t.latency += (w.latency() - t.latency) / 4
}

func (t *tuner) try() {
	if t.fewer && t.limit > firstLimit {
		t.tryFewer()
		return
	}
	if t.limit == mostLimit {
		t.fewer, t.hold = true, longestHold
		return
	}
	t.before, t.trial, t.limit = t.limit, trialUp, t.more()
}

func (t *tuner) tryFewer() {
	t.fewer = false
	t.before, t.trial, t.limit = t.limit, trialDown, max(firstLimit, t.limit*2/3)
}

func (t *tuner) more() int64 {
	by := t.limit / 2
	if t.careful > 0 {
		by = t.limit / carefulGrowth
	}
	return min(t.limit+max(by, 1), mostLimit)
}

// judgeMore ends a trial of more tokens, or goes on with still more.
func (t *tuner) judgeMore(w window) {
	if w.rate() > growth*t.rate {
		t.rate, t.latency = w.rate(), w.latency()
		t.patient = shortestHold
		t.trial = noTrial
		if t.careful > 0 || w.spent {
			t.hold = 1
			return
		}
		t.try()
		return
	}
	t.limit, t.trial, t.fewer = t.before, noTrial, true
	t.hold, t.patient = t.patient, min(2*t.patient, longestHold)
}

// judgeFewer ends a trial of fewer tokens.
func (t *tuner) judgeFewer(w window) {
	t.trial = noTrial
	if w.rate() >= loss*t.rate {
		t.rate, t.latency = w.rate(), w.latency()
		t.hold, t.fewer = 1, true // perhaps still fewer
		return
	}
	t.limit = t.before
	t.hold = t.patient
}
