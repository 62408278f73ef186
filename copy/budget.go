package copier

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// The memory that the buffers of large outputs may take: so much for each of some workers, or a few parts
// where parts are large, up to a limit that only a single part may exceed. Stores that send a
// part at once hold all of it; small objects are not worth counting.
const (
	budgetPerWorker = 8 << 20
	budgetWorkers   = 16 // as many of which have a share
	budgetParts     = 4
	budgetForParts  = 1 << 30
	uncounted       = 1 << 20
)

// budget bounds the bytes of outputs and parts being written, and with them the stores' buffers.
type budget struct {
	sem  *semaphore.Weighted
	size int64
}

func newBudget(workers int, partSize int64) budget {
	size := max(int64(min(workers, budgetWorkers))*budgetPerWorker, min(budgetParts*partSize, budgetForParts))
	return budget{semaphore.NewWeighted(size), size}
}

// take waits until n more bytes may be buffered, and returns how to give them back. What is
// larger than the whole budget goes alone.
func (b budget) take(ctx context.Context, n int64) (giveBack func(), err error) {
	if n <= uncounted {
		return func() {}, nil
	}
	n = min(n, b.size)
	if err := b.sem.Acquire(ctx, n); err != nil {
		return nil, context.Cause(ctx)
	}
	return func() { b.sem.Release(n) }, nil
}
