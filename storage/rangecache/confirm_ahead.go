package rangecache

import (
	"context"
)

// ConfirmAhead asks for n bytes from off on, by two requests at the same time where Confirm would make them, and does not
// wait. What fails is asked for again, and then reported, by who needs it.
func (f *File) ConfirmAhead(off, n int64) {
	of := f.of
	end := min(off+n, of.o.Size)
	if f.Sure() || of.unkept != nil {
		f.Prefetch(off, n)
	} else if off >= 0 && off < end {
		f.confirmAhead(off/blockSize, blocksOf(end))
	}
}

// confirmAhead asks for blocks, for both copies of each few of them before it does for the next.
func (f *File) confirmAhead(from, to int64) {
	of := f.of
	for ; from < to && of.ctx.Err() == nil; from += runBlocks {
		at := min(from+runBlocks, to)
		of.prefetch(f, from*blockSize, (at-from)*blockSize)
		of.mu.Lock()
		for first, end, _ := of.unconfirmed(from, at); first < end; first, end, _ = of.unconfirmed(end, at) {
			of.claimed(first, end)
			of.wg.Go(func() {
				defer of.disclaim(first, end)
				_ = f.confirm(of.ctx, first, end, f.awaitRuns) // who needs them reports it
			})
		}
		of.mu.Unlock()
	}
}

// awaitRuns waits for what is on its way of n bytes from off on, and asks for nothing.
func (f *File) awaitRuns(_ context.Context, off, n int64) error {
	of := f.of
	from, to := off/blockSize, blocksOf(off+n)
	of.mu.Lock()
	defer of.mu.Unlock()
	for of.coming(from, to) {
		of.cond.Wait() // a run ends with the object
	}
	return nil
}

// coming reports whether some of the blocks are on their way. The caller holds the lock.
func (of *object) coming(from, to int64) bool {
	for _, r := range of.runs {
		if r.from < to && from < r.to {
			return true
		}
	}
	return false
}

// ConfirmWhole asks for all of the object at once, as ConfirmAhead does, and has it compared as a whole with what the store
// says instead: who wants more than half of it gets it by fewer bytes so. Nothing of it is confirmed before all of it has
// come. It does nothing, and reports so, where the store is known to say nothing.
func (f *File) ConfirmWhole() bool {
	of := f.of
	if f.Sure() || of.unkept != nil {
		f.Prefetch(0, of.o.Size)
		return true
	}
	of.mu.Lock()
	if _, mute := of.c.doubted.Load(muteOf(of.b)); mute || of.have.whole == silent || of.beyond || of.ctx.Err() != nil {
		of.mu.Unlock()
		return false
	}
	all := int64(len(of.have.blocks))
	var claims [][2]int64
	for first, end, _ := of.unconfirmed(0, all); first < end; first, end, _ = of.unconfirmed(end, all) {
		of.claimed(first, end)
		claims = append(claims, [2]int64{first, end})
	}
	of.mu.Unlock()
	of.prefetch(f, 0, of.o.Size)
	of.wg.Go(func() {
		_ = f.awaitRuns(of.ctx, 0, of.o.Size)
		of.awaitVerdict()
		for _, c := range claims {
			of.disclaim(c[0], c[1])
		}
	})
	return true
}

// awaitVerdict waits until all has been compared, if all has come.
func (of *object) awaitVerdict() {
	of.mu.Lock()
	defer of.mu.Unlock()
	for of.settle(); of.judging; {
		of.cond.Wait()
	}
}

// Unconfirmed is how many bytes Confirm would have to fetch, in whole blocks.
func (f *File) Unconfirmed(off, n int64) int64 {
	if f.Sure() {
		return f.Missing(off, n)
	}
	of := f.of
	of.mu.Lock()
	defer of.mu.Unlock()
	sum := int64(0)
	for b := max(0, off/blockSize); b < blocksOf(min(off+n, of.o.Size)); b++ {
		size := min(blockSize, of.o.Size-b*blockSize)
		if !of.have.has(b) {
			sum += size
		}
		if !of.have.confirmed(b) {
			sum += size
		}
	}
	return sum
}
