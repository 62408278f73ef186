package rangecache

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/skepdata/skep/internal/castagnoli"
	"github.com/skepdata/skep/storage"
)

// Where much hangs on few bytes, of which no sum is known, their blocks are fetched twice, by two requests at the same
// time. What differs then is fetched again, until one block has come twice in one way: that is it. The map notes it, as
// long as the bytes are the same.

// comparedBlocks is what an object may have that is brought as a whole instead, to be compared with what the store
// says of it: 256 KiB.
const comparedBlocks = 4

// Confirm makes sure of n bytes from off on, as far as the object has them, before anybody uses them: where it
// is not known otherwise that they are right, they have come in one way by two requests, now or at another time. Then
// they are there, if the cache takes them. If they come otherwise each time the error is storage.ErrChecksum; and so it
// is if somebody has been given others before.
func (f *File) Confirm(ctx context.Context, off, n int64) error {
	of := f.of
	from, to := max(0, off/blockSize), blocksOf(min(off+n, of.o.Size))
	if n <= 0 || from >= to || f.Sure() {
		return nil
	}
	if len(of.have.blocks) <= comparedBlocks {
		if err := f.pass(ctx, 0, of.o.Size); err != nil || f.Sure() {
			return err
		}
	}
	for {
		first, end, err := of.claimBlocks(ctx, f, from, to)
		if err != nil || first == end {
			return err
		}
		err = f.confirm(ctx, first, end)
		of.disclaim(first, end)
		if err != nil {
			return err
		}
	}
}

// claimBlocks finds blocks that are to be confirmed, no more than one request brings, and leaves them to the caller
// until they are disclaimed. It waits for those that others have. There are none if first is end.
func (of *object) claimBlocks(ctx context.Context, f *File, from, to int64) (first, end int64, err error) {
	of.mu.Lock()
	defer of.mu.Unlock()
	wake := of.waker(ctx)
	defer wake.stop()
	for refreshed := false; ; {
		first, end, busy := of.unconfirmed(from, to)
		switch {
		case ctx.Err() != nil:
			return 0, 0, context.Cause(ctx)
		case of.ctx.Err() != nil:
			return 0, 0, errClosed
		case of.failed(f) != nil || of.proven() || first == end && !busy:
			return 0, 0, of.failed(f)
		case first == end:
			wake.set()
			of.cond.Wait()
		case !refreshed: // another process may have
			refreshed = true
			if err := of.have.refresh(from, to); err != nil {
				return 0, 0, of.readError(err)
			}
		default:
			for b := first; b < end; b++ {
				of.confirming.add(b, of)
			}
			return first, end, nil
		}
	}
}

// unconfirmed is the first run of blocks that are not confirmed, and that nobody confirms, as some do if busy. The
// caller holds the lock.
func (of *object) unconfirmed(from, to int64) (first, end int64, busy bool) {
	free := func(b int64) bool {
		busy = busy || of.confirming.has(b)
		return !of.have.confirmed(b) && !of.confirming.has(b)
	}
	for first = from; first < to && !free(first); {
		first++
	}
	for end = first; end < min(to, first+runBlocks) && free(end); {
		end++
	}
	return first, end, busy
}

func (of *object) disclaim(first, end int64) {
	of.mu.Lock()
	defer of.mu.Unlock()
	for b := first; b < end; b++ {
		of.confirming.remove(b)
	}
	of.cond.Broadcast()
}

// confirm confirms blocks, but those that have been forgotten meanwhile.
func (f *File) confirm(ctx context.Context, first, end int64) error {
	c := &copies{of: f.of, first: first, seen: make([][]uint32, end-first)}
	g, both := errgroup.WithContext(ctx)
	g.Go(func() error { return f.compared(both, first, end, c.take) })
	off := first * blockSize
	g.Go(func() error { return f.pass(both, off, min(end*blockSize, f.of.o.Size)-off) })
	err := g.Wait()
	for times := 2; err == nil; times++ {
		left, failed := c.settle()
		if failed != nil || len(left) == 0 {
			return failed
		}
		f.changed.Add(int64(len(left)))
		if times > mostChanged {
			err = fmt.Errorf("bytes %d to %d came %d times, otherwise each time, changed on the way: %w",
				left[0]*blockSize, min((left[0]+1)*blockSize, f.of.o.Size)-1, times, storage.ErrChecksum)
			return &storage.Error{Op: "read", URL: f.of.url(), Err: err}
		}
		err = f.compared(ctx, left[0], left[len(left)-1]+1, c.take)
	}
	return f.of.readError(err)
}

// compared fetches blocks that are compared with what has come before.
func (f *File) compared(ctx context.Context, first, end int64, take func(b int64, p []byte) error) error {
	off := first * blockSize
	n := min(end*blockSize, f.of.o.Size) - off
	f.fetched.Add(n)
	f.requests.Add(1)
	return f.of.request(ctx, off, n, take)
}

// copies are blocks that came to be compared.
type copies struct {
	of    *object
	first int64
	seen  [][]uint32 // the sums of each
}

// take takes a block. If it came so before, and the cache has another, it is that from then on.
func (c *copies) take(b int64, p []byte) error {
	sum := castagnoli.Update(0, p)
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	seen := &c.seen[b-c.first]
	again := slices.Contains(*seen, sum)
	*seen = append(*seen, sum)
	was, known := c.of.have.sum(b)
	if !again || !known || was == sum || c.of.proven() || c.of.have.confirmed(b) {
		return nil
	}
	if err := c.of.become(b, p, sum); err != nil {
		return err
	}
	c.of.becomesOther()
	if c.of.used(b) {
		c.of.fail(c.of.usedChanged(b, "they have come in two ways"))
	}
	return nil
}

// settle confirms the blocks that have come twice in one way, and returns the others.
func (c *copies) settle() (left []int64, err error) {
	of := c.of
	of.mu.Lock()
	defer of.mu.Unlock()
	if of.proven() {
		return nil, nil
	}
	for i, seen := range c.seen {
		b := c.first + int64(i)
		sum, known := of.have.sum(b)
		switch {
		case !known || of.have.confirmed(b):
		case !slices.Contains(seen, sum):
			left = append(left, b)
		default:
			if err := of.have.mark(b, b+1, confirmed); err != nil {
				return nil, &unwritable{err}
			}
		}
	}
	return left, nil
}
