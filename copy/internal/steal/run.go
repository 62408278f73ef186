package steal

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Backlog is how many seed tasks Run reads ahead for each worker. It covers the pauses of a
// seed that arrives in pages.
const Backlog = 32

// backlogWorkers are those that Backlog counts.
const backlogWorkers = 64

// Run calls do for every task of seed and for every task that do spawns, each exactly once, on
// the given number of workers (at least one).
//
// At most workers*Backlog tasks of the seed wait at any time, and no more than for 64 workers, whatever its length. The function
// spawn may be called by do, and by goroutines that do waits for, until do returns; it never
// blocks.
//
// The first error, of do or of seed, cancels the context that do is given; tasks that have not
// begun are dropped and Run returns that error. The end of ctx does the same, with its cause.
// Run always waits for every call of do and for a step of the seed in progress. A panic in do
// or in seed ends the run in the same way and is raised again in the caller of Run, with the
// stack of its origin.
func Run[T any](
	ctx context.Context, workers int, seed iter.Seq2[T, error],
	do func(ctx context.Context, t T, spawn func(T)) error,
) error {
	return RunWith(ctx, workers, Options{}, seed, do)
}

// Options change how Run works. The zero value changes nothing.
type Options struct {
	// Limiter says how many workers work at any time; nil lets all of them work.
	Limiter Limiter
	// Apart has a worker prefer the seed to the tasks of another worker, for tasks that one task has
	// spawned and that are in each other's way.
	Apart bool
}

// A Limiter decides how many workers look for tasks and do them; the others wait, and what they
// have spawned is taken by those who work. It must let at least one work.
type Limiter interface {
	// Enter waits until one worker more may work. It reports false when ctx has ended.
	Enter(ctx context.Context) bool
	// Stay reports, after a task, whether a worker that has entered may go on. If not it has left.
	Stay() bool
	// Leave is for a worker that has entered and finds nothing more to do. Another one may enter, to
	// find the same.
	Leave()
}

// everybody is no limit.
type everybody struct{}

func (everybody) Enter(context.Context) bool { return true }
func (everybody) Stay() bool                 { return true }
func (everybody) Leave()                     {}

// RunWith is Run with options.
func RunWith[T any](
	ctx context.Context, workers int, opts Options, seed iter.Seq2[T, error],
	do func(ctx context.Context, t T, spawn func(T)) error,
) error {
	workers = max(workers, 1)
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p := &pool[T]{
		deques:  make([]deque[T], workers),
		limit:   min(workers, backlogWorkers) * Backlog,
		limiter: opts.Limiter,
		cancel:  cancel,
		do:      do,
	}
	p.more.L, p.room.L = &p.mu, &p.mu
	if p.limiter == nil {
		p.limiter = everybody{}
	}
	p.order = []func(int) (T, bool){p.own, p.steal, p.takeSeed}
	if opts.Apart {
		p.order = []func(int) (T, bool){p.own, p.takeSeed, p.steal}
	}

	stopped := make(chan struct{})
	unhook := context.AfterFunc(inner, func() {
		p.stop()
		close(stopped)
	})
	var wg sync.WaitGroup
	wg.Go(func() { p.feed(inner, seed) })
	for self := range workers {
		wg.Go(func() { p.work(inner, self) })
	}
	wg.Wait()
	if !unhook() {
		<-stopped
	}
	return p.result(ctx)
}

// pool is the state of one Run. The version counts the moments at which a worker that has found
// nothing should look again; it changes under mu, so that nobody falls asleep past one.
type pool[T any] struct {
	deques []deque[T]
	limit  int // of inbox
	cancel context.CancelCauseFunc
	do     func(ctx context.Context, t T, spawn func(T)) error

	limiter Limiter
	order   []func(self int) (T, bool) // where a worker looks for a task

	version atomic.Uint64
	spawned atomic.Int64 // tasks in deques, or on their way there

	mu      sync.Mutex
	more    sync.Cond // for workers: version has changed, or the end
	room    sync.Cond // for the feeder: inbox is shorter, or the end
	inbox   []T       // seed tasks nobody has begun, oldest first
	pending int       // tasks in inbox, in deques and running
	seeded  bool      // the seed has ended
	stopped bool      // an error, a panic or the end of ctx
	err     error
	crash   *crash
}

// crash is a panic on its way to the caller of Run; a nil value is a runtime.Goexit.
type crash struct {
	value any
	stack []byte
}

func (p *pool[T]) result(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.crash != nil && p.crash.value == nil:
		runtime.Goexit()
	case p.crash != nil:
		panic(fmt.Sprintf("%v\n\nraised in a task of steal.Run:\n%s", p.crash.value, p.crash.stack))
	case p.err != nil:
		return p.err
	case !p.seeded || p.pending > 0:
		return context.Cause(ctx)
	}
	return nil
}

func (p *pool[T]) stop() {
	p.mu.Lock()
	p.stopped = true
	p.mu.Unlock()
	p.more.Broadcast()
	p.room.Broadcast()
}

func (p *pool[T]) fail(err error) {
	p.mu.Lock()
	if p.err == nil {
		p.err = err
	}
	p.mu.Unlock()
	p.cancel(err)
}

// caught is deferred around foreign code, which sets *returned when it returns normally.
func (p *pool[T]) caught(returned *bool) {
	if *returned {
		return
	}
	c := &crash{value: recover(), stack: debug.Stack()}
	p.mu.Lock()
	if p.crash == nil {
		p.crash = c
	}
	p.mu.Unlock()
	p.cancel(context.Canceled)
	p.stop() // a Goexit runs on through this goroutine's end, so nobody else would
}

func (p *pool[T]) feed(ctx context.Context, seed iter.Seq2[T, error]) {
	returned := false
	defer p.caught(&returned)
	for t, err := range seed {
		if err != nil {
			p.fail(err)
			break
		}
		if !p.offer(ctx, t) {
			break
		}
	}
	p.mu.Lock()
	p.seeded = ctx.Err() == nil
	p.mu.Unlock()
	p.more.Broadcast()
	returned = true
}

// offer waits for room in the inbox. It reports false when the run has stopped.
func (p *pool[T]) offer(ctx context.Context, t T) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.inbox) >= p.limit && !p.stopped {
		p.room.Wait()
	}
	if p.stopped || ctx.Err() != nil {
		return false
	}
	p.inbox = append(p.inbox, t)
	p.pending++
	p.version.Add(1)
	p.more.Signal()
	return true
}

func (p *pool[T]) work(ctx context.Context, self int) {
	spawn := func(t T) {
		p.mu.Lock()
		p.pending++
		p.mu.Unlock()
		p.spawned.Add(1)
		p.deques[self].push(t)
		p.announce()
	}
	for p.limiter.Enter(ctx) {
		for {
			t, ok := p.next(ctx, self)
			if !ok {
				p.limiter.Leave()
				return
			}
			p.perform(ctx, t, spawn)
			if !p.limiter.Stay() {
				break
			}
		}
	}
}

func (p *pool[T]) announce() {
	p.mu.Lock()
	p.version.Add(1)
	p.mu.Unlock()
	p.more.Signal()
}

func (p *pool[T]) perform(ctx context.Context, t T, spawn func(T)) {
	returned := false
	defer p.caught(&returned)
	err := p.do(ctx, t, spawn)
	returned = true
	if err != nil {
		p.fail(err)
		return // pending stays above zero: the run has not done everything
	}
	p.mu.Lock()
	p.pending--
	finished := p.pending == 0 && p.seeded
	p.mu.Unlock()
	if finished {
		p.more.Broadcast()
	}
}

// next returns a task to do, or false at the end of the run.
func (p *pool[T]) next(ctx context.Context, self int) (t T, ok bool) {
	for ctx.Err() == nil {
		seen := p.version.Load()
		for _, look := range p.order {
			if t, ok = look(self); ok {
				return t, true
			}
		}
		if !p.sleep(seen) {
			break
		}
	}
	return t, false
}

// own takes the newest task that this worker has spawned or stolen.
func (p *pool[T]) own(self int) (t T, ok bool) {
	if p.spawned.Load() == 0 { // most loads are of tasks that spawn nothing
		return t, false
	}
	if t, ok = p.deques[self].popNewest(); ok {
		p.spawned.Add(-1)
	}
	return t, ok
}

// steal takes the older half of what another worker has.
func (p *pool[T]) steal(self int) (t T, ok bool) {
	if p.spawned.Load() == 0 {
		return t, false
	}
	n := len(p.deques)
	first := rand.IntN(n)
	for i := range n {
		victim := (first + i) % n
		if victim == self {
			continue
		}
		loot := p.deques[victim].stealOldest()
		if len(loot) == 0 {
			continue
		}
		if len(loot) > 1 {
			p.deques[self].push(loot[1:]...)
			p.announce() // whoever looked while the loot was on its way has missed it
		}
		p.spawned.Add(-1)
		return loot[0], true
	}
	return t, false
}

// takeSeed takes the oldest task of the seed.
func (p *pool[T]) takeSeed(int) (t T, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.inbox) == 0 {
		return t, false
	}
	t = p.inbox[0]
	var zero T
	p.inbox[0] = zero
	p.inbox = p.inbox[1:]
	if len(p.inbox) == p.limit-1 || len(p.inbox) == 0 {
		p.room.Signal()
	}
	return t, true
}

// sleep waits until there may be something that was not there when the version was seen. It
// reports false at the end of the run.
func (p *pool[T]) sleep(seen uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.stopped && (p.pending > 0 || !p.seeded) {
		if p.version.Load() != seen {
			return true
		}
		p.more.Wait()
	}
	return false
}
