package rangecache

import (
	"context"
	"sync"
)

const (
	firstAhead = 1 << 20
	mostAhead  = 16 << 20
)

// ahead finds out whether reads follow each other.
type ahead struct {
	mu     sync.Mutex
	end    int64 // of the read before
	window int64 // how far to run ahead
	asked  int64 // the end of what was asked for ahead
}

// next notes a read, and says what to ask for ahead of the next ones, if anything: a window's
// worth when half of the one before is used up, so that it is few requests.
func (a *ahead) next(off, n int64) (from, to int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	follows := a.end > 0 && off >= a.end-blockSize && off <= a.end+blockSize
	a.end = off + n
	if !follows {
		a.window, a.asked = 0, 0
		return 0, 0
	}
	if a.end+a.window/2 < a.asked {
		return 0, 0
	}
	a.window = min(max(firstAhead, 2*a.window), mostAhead)
	from, to = max(a.end, a.asked), a.end+a.window
	a.asked = to
	return from, to
}

// ReadOn is ReadAt for one who reads through the file: when reads follow each other, what comes
// next is asked for before it is read, ever more of it, up to 16 MiB.
func (f *File) ReadOn(ctx context.Context, p []byte, off int64) (int, error) {
	if from, to := f.ahead.next(off, int64(len(p))); from < to {
		f.of.prefetch(f, from, to-from)
	}
	return f.ReadAt(ctx, p, off)
}

// Prefetch asks for n bytes from off on and does not wait for them. What fails is asked for
// again, and then reported, when it is needed.
func (f *File) Prefetch(off, n int64) { f.of.prefetch(f, off, n) }

func (of *object) prefetch(f *File, off, n int64) {
	end := min(off+n, of.o.Size)
	if off < 0 || off >= end || of.ctx.Err() != nil || of.unkept != nil {
		return
	}
	of.mu.Lock()
	defer of.mu.Unlock()
	joined := map[*run]bool{}
	for b, to := off/blockSize, blocksOf(end); b < to; {
		b = of.ask(f, b, to, joined, false)
	}
	for r := range joined {
		r.waiters--
		r.kept = true
	}
}
