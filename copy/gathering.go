package copier

import (
	"context"
	"sync"
)

const (
	gatheredAtOnce = 4    // requests that are on their way at the same time
	mostGathered   = 1000 // things that go by one of them; more than that go alone
)

// gathering does by one request what several workers want: what comes while some requests are on their way goes
// together with the next one.
type gathering[T any] struct {
	all func(ctx context.Context, things []T) error

	mu      sync.Mutex
	running int          // requests
	waiting *gathered[T] // the next one; nil if nobody wants it
}

// gathered is one request.
type gathered[T any] struct {
	things []T
	turn   chan struct{} // closed when who has begun it is to send it
	sent   bool          // turn is closed
	done   chan struct{} // closed when it is answered
	err    error
}

// do does what is wanted for some things, and perhaps for others'. The error is of all of them.
func (g *gathering[T]) do(ctx context.Context, things ...T) error {
	if len(things) > mostGathered {
		return g.all(ctx, things)
	}
	one, leads := g.join(things)
	if leads {
		<-one.turn // those before it end with the job at the latest
		g.close(one)
		one.err = g.all(ctx, one.things)
		g.end()
		close(one.done)
	}
	<-one.done
	return one.err
}

// join adds things to the next request. leads says that the caller is to send it.
func (g *gathering[T]) join(things []T) (one *gathered[T], leads bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	one = g.waiting
	if one == nil || len(one.things)+len(things) > mostGathered {
		full := one != nil
		one = &gathered[T]{turn: make(chan struct{}), done: make(chan struct{})}
		leads = true
		if full || g.running < gatheredAtOnce { // one that is full does not wait either
			g.running++
			one.sent = true
			close(one.turn)
		}
		if !full {
			g.waiting = one
		}
	}
	one.things = append(one.things, things...)
	return one, leads
}

// close is called when a request is to be sent, to which nobody adds any more.
func (g *gathering[T]) close(one *gathered[T]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting == one {
		g.waiting = nil
	}
}

// end lets the next request be sent, if there is one.
func (g *gathering[T]) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if next := g.waiting; next == nil || next.sent {
		g.running--
	} else {
		next.sent = true
		close(next.turn)
	}
}
