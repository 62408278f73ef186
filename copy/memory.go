package copier

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// The memory that the buffers of large outputs may take: so much for each of some workers, or a few parts
// where parts are large, up to a limit that only a single part may exceed. Stores that send a
// part at once hold all of it; small objects are not worth counting.
const (
	memoryPerWorker = 8 << 20
	memoryWorkers   = 16 // as many of which have a share
	memoryParts     = 4
	memoryForParts  = 1 << 30
	uncounted       = mediumSize
)

// memory bounds the bytes of outputs and parts being written, and with them the stores' buffers.
type memory struct {
	sem  *semaphore.Weighted
	size int64
}

func newMemory(workers int, partSize int64) memory {
	size := max(int64(min(workers, memoryWorkers))*memoryPerWorker, min(memoryParts*partSize, memoryForParts))
	return memory{semaphore.NewWeighted(size), size}
}

// take waits until n more bytes may be buffered, and returns how to give them back. What is
// larger than all of it goes alone.
func (m memory) take(ctx context.Context, n int64) (giveBack func(), err error) {
	if n <= uncounted {
		return func() {}, nil
	}
	n = min(n, m.size)
	if err := m.sem.Acquire(ctx, n); err != nil {
		return nil, context.Cause(ctx)
	}
	return func() { m.sem.Release(n) }, nil
}
