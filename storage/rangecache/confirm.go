package rangecache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/skepdata/skep/internal/castagnoli"
	"github.com/skepdata/skep/storage"
)

// Bytes of which no sum is known are fetched twice, by two requests at the same time. What differs then is fetched again,
// until one block has come twice in one way: that is it. The map notes it, as long as the bytes are the same. Whoever
// confirms blocks has claimed them, and others wait; a block is confirmed as soon as both requests have brought it.

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
	if len(of.have.blocks) <= comparedBlocks && !f.confirmed(off, n) {
		if err := f.pass(ctx, 0, of.o.Size); err != nil || f.Sure() {
			return err
		}
	}
	for {
		first, end, err := of.claimBlocks(ctx, f, from, to)
		if err != nil || first == end {
			return err
		}
		if end < to {
			f.confirmAhead(end, min(to, end+aheadBlocks))
		}
		err = f.confirm(ctx, first, end, f.pass)
		of.disclaim(first, end)
		if err != nil {
			return err
		}
	}
}

// ReadConfirmed is ReadAt of bytes that are confirmed.
func (f *File) ReadConfirmed(ctx context.Context, p []byte, off int64) (int, error) {
	for {
		if err := f.Confirm(ctx, off, int64(len(p))); err != nil {
			return 0, err
		}
		n, err := f.ReadAt(ctx, p, off)
		if err != nil && !errors.Is(err, io.EOF) || f.confirmed(off, int64(n)) {
			return n, err
		} // a block was forgotten meanwhile, because the disk had damaged it
	}
}

// confirmed reports whether Confirm has nothing to do.
func (f *File) confirmed(off, n int64) bool {
	if f.Sure() {
		return true
	}
	of := f.of
	of.mu.Lock()
	defer of.mu.Unlock()
	for b := off / blockSize; b < blocksOf(min(off+n, of.o.Size)); b++ {
		if !of.have.confirmed(b) {
			return false
		}
	}
	return true
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
			of.claimed(first, end)
			return first, end, nil
		}
	}
}

// unconfirmed is the first run of blocks that are not confirmed, and that nobody confirms, as some do if busy. The
// caller holds the lock.
func (of *object) unconfirmed(from, to int64) (first, end int64, busy bool) {
	free := func(b int64) bool {
		claimed := of.confirming.has(b) && !of.have.confirmed(b)
		busy = busy || claimed
		return !claimed && !of.have.confirmed(b)
	}
	for first = from; first < to && !free(first); {
		first++
	}
	for end = first; end < min(to, first+runBlocks) && free(end); {
		end++
	}
	return first, end, busy
}

// claimed notes that the caller, who holds the lock, confirms blocks.
func (of *object) claimed(first, end int64) {
	for b := first; b < end; b++ {
		of.confirming.add(b, of)
	}
}

func (of *object) disclaim(first, end int64) {
	of.mu.Lock()
	defer of.mu.Unlock()
	for b := first; b < end; b++ {
		of.confirming.remove(b)
		delete(of.seen, b)
	}
	of.cond.Broadcast()
}

// confirm confirms blocks that are claimed, but those that have been forgotten meanwhile. bring brings what of them has
// not come.
func (f *File) confirm(ctx context.Context, first, end int64, bring func(ctx context.Context, off, n int64) error) error {
	of := f.of
	g, both := errgroup.WithContext(ctx)
	g.Go(func() error { return f.compared(both, first, end, of.take) })
	off := first * blockSize
	g.Go(func() error { return bring(both, off, min(end*blockSize, of.o.Size)-off) })
	err := g.Wait()
	for times := 2; err == nil; times++ {
		left := of.left(first, end)
		if len(left) == 0 {
			return nil
		}
		f.changed.Add(int64(len(left)))
		if times > mostChanged {
			err = fmt.Errorf("bytes %d to %d came %d times, otherwise each time, changed on the way: %w",
				left[0]*blockSize, min((left[0]+1)*blockSize, of.o.Size)-1, times, storage.ErrChecksum)
			return &storage.Error{Op: "read", URL: of.url(), Err: err}
		}
		err = f.compared(ctx, left[0], left[len(left)-1]+1, of.take)
	}
	return of.readError(err)
}

// compared fetches blocks that are compared with what has come before.
func (f *File) compared(ctx context.Context, first, end int64, take func(b int64, p []byte) error) error {
	off := first * blockSize
	n := min(end*blockSize, f.of.o.Size) - off
	f.fetched.Add(n)
	f.compares.Add(n)
	f.requests.Add(1)
	return f.of.request(ctx, off, n, take)
}

// take takes a block that has come to be compared. If it came so before, and the cache has another, it is that from
// then on.
func (of *object) take(b int64, p []byte) error {
	sum := castagnoli.Update(0, p)
	of.mu.Lock()
	defer of.mu.Unlock()
	again := slices.Contains(of.seen[b], sum)
	if of.seen == nil {
		of.seen = map[int64][]uint32{}
	}
	of.seen[b] = append(of.seen[b], sum)
	was, known := of.have.sum(b)
	if !known || of.proven() || of.have.confirmed(b) {
		return nil
	}
	if was != sum {
		if !again {
			return nil
		}
		if err := of.become(b, p, sum); err != nil {
			return err
		}
		of.becomesOther()
		if of.used(b) {
			of.fail(of.usedChanged(b, "they have come in two ways"))
		}
	}
	if err := of.have.mark(b, b+1, confirmed); err != nil {
		return &unwritable{err}
	}
	of.show(b, b+1, false)
	of.cond.Broadcast()
	return nil
}

// agreed is the mark of a block that comes with a sum that was seen by who confirms it. The caller holds the lock.
func (of *object) agreed(b int64, sum uint32) uint64 {
	if slices.Contains(of.seen[b], sum) {
		return confirmed
	}
	return 0
}

// left are the blocks of those that are claimed which have come, and in no way twice.
func (of *object) left(first, end int64) (left []int64) {
	of.mu.Lock()
	defer of.mu.Unlock()
	for b := first; b < end && !of.proven(); b++ {
		if _, known := of.have.sum(b); known && !of.have.confirmed(b) {
			left = append(left, b)
		}
	}
	return left
}
