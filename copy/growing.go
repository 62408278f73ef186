package copier

import (
	"context"
	"slices"
	"sync"
)

// The bytes that outputs on S3 hold whose size nobody knows before they are made, since their sources are
// compressed anew: all of them at most mostGrown, but for the one that was begun first, which always goes
// on. An output holds two parts at most: one that fills, and one that is sent.
const (
	mostGrown = 12 << 20
	mostHeld  = 16 << 20
)

// growing bounds what outputs hold that take memory as they grow. It is safe for concurrent use.
type growing struct {
	limit int64

	mu      sync.Mutex
	held    int64
	outputs []*heldOutput // in the order in which they were begun
	freed   chan struct{} // closed when there is more room, or another is the first
}

func newGrowing(limit int64) *growing {
	return &growing{limit: limit, freed: make(chan struct{})}
}

// heldOutput is what one output holds. One goroutine at a time uses it.
type heldOutput struct {
	of   *growing
	held int64
}

func (g *growing) begin() *heldOutput {
	w := &heldOutput{of: g}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.outputs = append(g.outputs, w)
	return w
}

// by waits until the output may hold n bytes more.
func (w *heldOutput) by(ctx context.Context, n int64) error {
	g := w.of
	n = min(n, mostHeld-w.held)
	for n > 0 {
		g.mu.Lock()
		if g.held+n <= g.limit || g.outputs[0] == w {
			g.held += n
			w.held += n
			g.mu.Unlock()
			return nil
		}
		freed := g.freed
		g.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// end gives back what the output holds.
func (w *heldOutput) end() {
	g := w.of
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held -= w.held
	g.outputs = slices.DeleteFunc(g.outputs, func(o *heldOutput) bool { return o == w })
	close(g.freed)
	g.freed = make(chan struct{})
}
