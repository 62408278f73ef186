package copier

import (
	"context"
	"sync"
	"time"

	"github.com/skepdata/skep/storage"
)

// gate lets as many transfers run at once as pay, where Options.Workers does not say how many; then it only counts them,
// and each takes one token. It is the steal.Limiter of a job: a transfer takes one token, a large one several, and as many workers
// look for transfers as there should be tokens for. How many there are the tuner decides, by what has
// been completed.
type gate struct {
	throttled func() int64                     // answers so far that asked for fewer requests
	spent     func(latency time.Duration) bool // whether transfers have waited for processors since it was last asked
	fixed     bool                             // the limit stays

	mu      sync.Mutex
	tuner   tuner
	limit   int64           // tokens
	inside  int64           // workers that have entered
	running int64           // of them, those at a transfer
	used    int64           // tokens of the transfers in progress; may be more than the limit, for nobody is stopped on the way
	usual   float64         // tokens of a transfer, of late
	waiting []chan struct{} // workers, the latest last, which is let in first

	window  window
	began   time.Time // of the window
	answers int64     // throttled at its beginning
}

// The tokens of transfers by their size in bytes: memory and bandwidth are what large ones take.
const (
	lightSize   = 64 << 10 // 1 up to here
	mediumSize  = 256 << 10
	mediumLoad  = 2
	heavyLoad   = 4
	farLoad     = 2        // of a large one, where a service is far away
	unitOfBytes = 64 << 10 // as much as a request more, in what has been completed
)

// loadOf is how many tokens a transfer of so many bytes takes.
func loadOf(size int64) int64 {
	switch {
	case size <= lightSize:
		return 1
	case size <= mediumSize:
		return mediumLoad
	}
	return heavyLoad
}

// newGate makes a gate, which asks throttled for the answers so far that asked for fewer requests, and
// spent for whether all processors that the transfers need, which take so long, have been busy since it last asked.
// Either may be nil.
func newGate(throttled func() int64, spent func(latency time.Duration) bool) *gate {
	if throttled == nil {
		throttled = func() int64 { return 0 }
	}
	if spent == nil {
		spent = func(time.Duration) bool { return false }
	}
	// What comes first is taken for large, as nobody is stopped on the way.
	g := &gate{throttled: throttled, spent: spent, tuner: newTuner(), usual: heavyLoad, answers: throttled()}
	g.limit = g.tuner.limit
	return g
}

// newFixedGate makes one for a number of workers.
func newFixedGate(workers int64) *gate { return &gate{fixed: true, limit: workers} }

// Enter implements steal.Limiter.
func (g *gate) Enter(ctx context.Context) bool {
	g.mu.Lock()
	if g.room() {
		g.inside++
		g.mu.Unlock()
		return true
	}
	ready := make(chan struct{})
	g.waiting = append(g.waiting, ready)
	g.mu.Unlock()
	select {
	case <-ready:
		return true
	case <-ctx.Done():
		return false // all do, and nobody waits for the place
	}
}

// expected is how many tokens are in use once all inside have found a transfer.
func (g *gate) expected() float64 { return float64(g.used) + float64(g.inside-g.running)*g.usual }

// room reports whether one more transfer of the usual size fits. Somebody always works.
func (g *gate) room() bool { return g.inside == 0 || g.expected()+g.usual <= float64(g.limit) }

// admit lets in whom there is room for.
func (g *gate) admit() {
	for len(g.waiting) > 0 && g.room() {
		last := len(g.waiting) - 1
		g.inside++
		close(g.waiting[last])
		g.waiting[last] = nil
		g.waiting = g.waiting[:last]
	}
}

// Stay implements steal.Limiter.
func (g *gate) Stay() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside == 1 || g.expected() <= float64(g.limit) {
		g.admit()
		return true
	}
	g.inside--
	return false
}

// Leave implements steal.Limiter.
func (g *gate) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	g.admit()
}

// begin takes the tokens of a transfer of a worker that is inside. What it returns is told how many
// bytes were transferred, or that it failed, with a negative number.
func (g *gate) begin(load int64) (end func(bytes int64)) { return g.beginAs(load, load) }

// beginAs is begin of what will have others of another load follow it.
func (g *gate) beginAs(load, next int64) (end func(bytes int64)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fixed {
		load, next = 1, 1
	}
	started := time.Now()
	if g.began.IsZero() {
		g.began = started
	}
	g.running++
	g.used += load
	g.usual += (float64(next) - g.usual) / 8
	g.admit()
	return func(bytes int64) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.running--
		g.end(load, started, bytes)
	}
}

// beginSpare takes tokens that nobody needs, for a transfer beside that of a worker, if there are some.
func (g *gate) beginSpare(load int64) (end func(bytes int64), ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fixed {
		load = 1
	}
	if g.used+load > g.limit {
		return nil, false
	}
	started := time.Now()
	g.used += load
	return func(bytes int64) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.end(load, started, bytes)
	}, true
}

// end counts a transfer that has ended, and gives back its tokens.
func (g *gate) end(load int64, started time.Time, bytes int64) {
	g.used -= load
	if g.fixed {
		return
	}
	took := time.Since(started)
	g.window.done++
	g.window.busy += took * time.Duration(load)
	g.window.transfers += took
	if bytes > 0 && (g.window.fastest == 0 || took < g.window.fastest) {
		g.window.fastest = took
	}
	if bytes >= 0 {
		g.window.units += 1 + float64(bytes)/unitOfBytes
	}
	g.evaluate(started.Add(took))
}

// A window is at least so long, and until each transfer has had its turn, but no longer than
// longestWindow.
const (
	shortestWindow = 200 * time.Millisecond
	longestWindow  = 5 * time.Second
	fewestDone     = 8
)

// evaluate ends the window if it has been long enough, and follows the tuner.
func (g *gate) evaluate(now time.Time) {
	w := &g.window
	w.elapsed = now.Sub(g.began)
	if w.elapsed < shortestWindow {
		return
	}
	answers := g.throttled()
	w.throttled = answers > g.answers
	enough := w.done >= max(fewestDone, int64(float64(min(g.used, g.limit))/g.usual))
	if !w.throttled && !enough && w.elapsed < longestWindow {
		return
	}
	g.answers = answers
	w.spent = g.spent(time.Duration(w.latency() * float64(time.Second)))
	g.limit = g.tuner.next(*w)
	g.window, g.began = window{}, now
	g.admit()
}

// begin is gate.begin for an output. Where a server copies alone it takes no memory, and where parts
// do the work they take their own tokens.
func (j *job) begin(t Task) (end func(bytes int64)) {
	size := t.Size()
	switch {
	case j.serverCopier != nil && !j.serverRefuse.Load():
		size = 0
	case j.partUploader != nil && size > j.opts.partSize():
		return j.gate.beginAs(1, j.loadOf(size)) // the parts
	}
	return j.gate.begin(j.loadOf(size))
}

// loadOf is that of the package, but of a transfer of several hundred kilobytes, half of whose time may be the way to a
// service far away, twice as many run at once.
func (j *job) loadOf(size int64) int64 {
	load := loadOf(size)
	if load == heavyLoad && far(j.roundTrip()) {
		return farLoad
	}
	return load
}

// done is what a transfer of so many bytes has to tell the gate.
func done(bytes int64, err error) int64 {
	if err != nil {
		return -1
	}
	return bytes
}

// spent reports whether it is processors that transfers wait for, which take so long: all are busy, and no service is far
// away, for whose answers more transfers could wait at once. A near one that has just begun, and is busy, seems far too; but
// what takes many times as long as its fastest answer does not wait for the way.
func (j *job) spent(latency time.Duration) bool {
	trip := j.roundTrip()
	return j.processors.spent() && (!far(trip) || latency > queueing*trip)
}

// throttled is how many answers of the two services have asked for fewer requests.
func (j *job) throttled() (n int64) {
	for _, b := range []storage.Bucket{j.src.Bucket, j.dest.Bucket} {
		if t, ok := storage.As[storage.Throttler](b); ok {
			n += t.Throttled()
		}
	}
	return n
}
