package rangecache

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/skepdata/skep/internal/castagnoli"
	"github.com/skepdata/skep/storage"
)

// Stores keep a sum of the whole of an object, and tell none of a range. So when the last block has
// come, in whatever order and by whomever, all together are compared with that, and nobody is given
// any before the verdict. What a wrong object's blocks are is found out by fetching all once more. The
// map notes that an object is right: then its blocks' sums are known, also of those that are given up.

// settle begins to compare the object as a whole, if all of it has come and that has not been
// done. The caller holds the lock.
func (of *object) settle() {
	m := of.have
	if of.judging || of.beyond || m.whole != open || of.sums != nil || m.known < len(m.blocks) || of.ctx.Err() != nil {
		return
	}
	of.judging = true
	of.wg.Go(of.judge)
}

// settled waits for the verdict, if one is to come, and reports whether it did. The error is that
// of a File that has been given bytes which were wrong. The caller holds the lock.
func (of *object) settled(ctx context.Context, f *File, wake func()) (waited bool, err error) {
	of.settle()
	for of.judging {
		waited = true
		wake()
		of.cond.Wait()
		switch {
		case ctx.Err() != nil:
			return true, context.Cause(ctx)
		case of.ctx.Err() != nil:
			return true, errClosed
		}
	}
	return waited, of.failed(f)
}

// failed is the error of a File that may have been given wrong bytes. The caller holds the lock.
func (of *object) failed(f *File) error {
	if f.failures < of.failures {
		return of.wrong
	}
	return nil
}

// fail makes that the error of all that have the object open. The caller holds the lock.
func (of *object) fail(err error) {
	of.failures++
	of.hide(0, int64(len(of.have.blocks)))
	of.wrong = of.readError(err)
	of.becomesOther()
	of.cond.Broadcast()
}

// bar is fail, and forgets all blocks. The caller holds the lock.
func (of *object) bar(err error) {
	for b := range of.have.blocks {
		if errForget := of.forget(int64(b)); errForget != nil {
			err = errors.Join(err, errForget)
			break
		}
	}
	of.fail(&storage.Error{Op: "read", URL: of.url(), Err: err})
}

// give notes that somebody is given blocks, as long as it is not known that they are right. The caller holds
// the lock.
func (of *object) give(from, to int64) {
	if of.proven() {
		return
	}
	for b := from; b < to; b++ {
		of.given.add(b, of)
	}
}

// used reports whether somebody may have been given a block. The caller holds the lock.
func (of *object) used(b int64) bool { return !of.fresh.has(b) || of.given.has(b) }

// errUnsettled ends a comparison that has to be made again, or cannot be.
var errUnsettled = errors.New("the object has to be compared again")

// judge compares the whole.
func (of *object) judge() {
	wanted, got, err := of.compare(of.ctx)
	var changed []int64
	if err == nil && wanted != got {
		changed, err = of.fetchAgain(of.ctx, 0, int64(len(of.have.blocks)))
	}
	first := got
	if err == nil && len(changed) > 0 {
		wanted, got, err = of.compare(of.ctx)
	}
	of.mu.Lock()
	defer of.mu.Unlock()
	of.judging = false
	defer of.cond.Broadcast()
	of.changed.Add(int64(len(changed)))
	switch {
	case errors.Is(err, errUnsettled): // the blocks that have changed are others by now all the same
		if b, ok := of.firstUsed(changed); ok {
			of.fail(of.usedChanged(b, "they came otherwise when all were compared"))
		}
	case err != nil:
		if of.ctx.Err() == nil {
			of.fail(err)
		}
	case wanted == "":
		of.enter(silent)
	case wanted == got:
		of.enter(right)
		if b, ok := of.firstUsed(changed); ok {
			of.fail(of.usedChanged(b, fmt.Sprintf("the object had %s, and is %s", first, wanted)))
		}
	case len(changed) > 0:
		of.bar(fmt.Errorf("bytes %d to %d came in two ways, and with neither is the object %s, as the store says: it had %s and then %s: %w",
			changed[0]*blockSize, min((changed[0]+1)*blockSize, of.o.Size)-1, wanted, first, got, storage.ErrChecksum))
	case of.claim.Digest.Doubtful:
		of.c.doubted.Store(of.doubtOf(of.claim.Digest), true)
		of.enter(silent)
	default:
		of.bar(fmt.Errorf("bytes 0 to %d came twice with %s, the store says %s: %w", of.o.Size-1, got, wanted, storage.ErrChecksum))
	}
}

// Recheck is for one who cannot make sense of n bytes from off on: it fetches what has come of them once
// more, unless it is known that they are right, and if some come otherwise all that has come of the object. Its error
// is that some came otherwise before, which are forgotten then, for the next to fetch them; without one they are what
// the store has.
func (f *File) Recheck(ctx context.Context, off, n int64) error {
	of := f.of
	from, to := max(0, off/blockSize), blocksOf(min(off+n, of.o.Size))
	if _, ok := storage.As[storage.Attester](of.b); !ok || from >= to {
		return nil
	}
	of.mu.Lock()
	failed, proven := of.failed(f), of.proven()
	of.mu.Unlock()
	if failed != nil || proven {
		return failed
	}
	changed, err := of.doubt(ctx, from, to)
	if len(changed) > 0 { // what else has come may have changed too
		for _, r := range [][2]int64{{0, from}, {to, int64(len(of.have.blocks))}} {
			if err == nil {
				var more []int64
				more, err = of.doubt(ctx, r[0], r[1])
				changed = append(changed, more...)
			}
		}
	}
	of.mu.Lock()
	defer of.mu.Unlock()
	of.changed.Add(int64(len(changed)))
	if b, ok := of.firstUsed(changed); ok {
		of.fail(of.usedChanged(b, "they were of no use"))
		return of.failed(f)
	}
	if err != nil {
		return of.readError(err)
	}
	return of.failed(f)
}

// doubt fetches those of some blocks once more that have come, and forgets and returns those that come
// otherwise now: which is right is not known.
func (of *object) doubt(ctx context.Context, from, to int64) (changed []int64, err error) {
	take := func(b int64, p []byte) error {
		of.mu.Lock()
		defer of.mu.Unlock()
		if was, known := of.have.sum(b); !known || was == castagnoli.Update(0, p) {
			return nil
		}
		changed = append(changed, b)
		return of.forget(b)
	}
	for from < to && err == nil {
		var end int64
		if from, end = of.cameIn(from, to); from < end {
			off := from * blockSize
			err = of.request(ctx, off, min(end*blockSize, of.o.Size)-off, take)
		}
		from = end
	}
	return changed, err
}

// cameIn is the first run of blocks, of no more than one request, that have come.
func (of *object) cameIn(from, to int64) (first, end int64) {
	of.mu.Lock()
	defer of.mu.Unlock()
	came := func(b int64) bool {
		_, known := of.have.sum(b)
		return known
	}
	for from < to && !came(from) {
		from++
	}
	for end = from; end < min(to, from+runBlocks) && came(end); {
		end++
	}
	return from, end
}

// usedChanged is the error of a block that was not right when it was used.
func (of *object) usedChanged(b int64, why string) error {
	return &storage.Error{Op: "read", URL: of.url(), Err: fmt.Errorf(
		"bytes %d to %d had changed on the way when they were used: %s; they have been fetched again, run the statement once more: %w",
		b*blockSize, min((b+1)*blockSize, of.o.Size)-1, why, storage.ErrChecksum)}
}

// enter notes the verdict. The caller holds the lock.
func (of *object) enter(v verdict) {
	if v == silent {
		of.c.doubted.Store(muteOf(of.b), true)
	}
	if err := of.have.setWhole(v); err != nil {
		of.fail(&unwritable{err})
	}
	of.show(0, int64(len(of.have.blocks)), false)
}

func (of *object) firstUsed(blocks []int64) (int64, bool) {
	for _, b := range blocks {
		if of.used(b) {
			return b, true
		}
	}
	return 0, false
}

// compare is what the store says of the whole, "" if it says nothing, and what has come instead.
func (of *object) compare(ctx context.Context) (wanted, got string, err error) {
	claim, err := of.attest(ctx)
	switch {
	case err != nil:
		return "", "", err
	case claim.CRC32C.Known:
		return "CRC32C " + claim.CRC32C.String(), "CRC32C " + of.joined().String(), nil
	case !claim.Digest.Known():
		return "", "", nil
	}
	h := claim.Digest.New()
	if err := of.readThrough(h); err != nil {
		return "", "", err
	}
	return claim.Digest.String(), claim.Digest.Of(h).String(), nil
}

// joined is the CRC32C of all blocks together.
func (of *object) joined() storage.Checksum {
	of.mu.Lock()
	defer of.mu.Unlock()
	var whole storage.Joiner
	for b := range of.have.blocks {
		sum, known := of.have.sum(int64(b))
		whole.Append(storage.Checksum{Sum: sum, Known: known}, min(blockSize, of.o.Size-int64(b)*blockSize))
	}
	return whole.Sum()
}

// readThrough reads all blocks from the file, in order. Without those that have been given up it cannot
// be done.
func (of *object) readThrough(w io.Writer) error {
	buf := make([]byte, min(16*blockSize, of.o.Size))
	for from, n := int64(0), int64(len(of.have.blocks)); from < n; from += 16 {
		if err := of.readBlocks(w, buf, from, min(from+16, n)); err != nil {
			return err
		}
	}
	return nil
}

func (of *object) readBlocks(w io.Writer, buf []byte, from, to int64) error {
	of.mu.Lock()
	there := of.ctx.Err() == nil
	for b := from; b < to; b++ {
		there = there && of.have.has(b)
		if _, known := of.have.sum(b); known && !of.have.has(b) {
			of.beyond = true
		}
	}
	if there {
		of.hold(from, to, 1)
		defer func() {
			of.mu.Lock()
			defer of.mu.Unlock()
			of.hold(from, to, -1)
		}()
	}
	of.mu.Unlock()
	if !there {
		return errUnsettled
	}
	if ok, err := of.verify(from, to, nil, 0); err != nil || !ok {
		return errors.Join(err, errUnsettled)
	}
	p := buf[:min((to-from)*blockSize, of.o.Size-from*blockSize)]
	if _, err := of.data.ReadAt(p, from*blockSize); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read cache: %w", err)
	}
	_, err := w.Write(p)
	return err
}

// fetchAgain fetches blocks once more, and returns those that came otherwise, which have become what came
// now. Of blocks that have never come it takes nothing, nor of those that have come twice in one way.
func (of *object) fetchAgain(ctx context.Context, from, to int64) (changed []int64, err error) {
	take := func(b int64, p []byte) error {
		sum := castagnoli.Update(0, p)
		of.mu.Lock()
		defer of.mu.Unlock()
		was, known := of.have.sum(b)
		if !known || was == sum || of.have.confirmed(b) {
			return nil
		}
		changed = append(changed, b)
		v := uint64(sum) | gone
		if of.have.has(b) {
			if err := of.write(b, p); err != nil {
				return err
			}
			of.check(b)
			v = uint64(sum) | present
		}
		if err := of.have.set(b, v); err != nil {
			return &unwritable{err}
		}
		return nil
	}
	for ; from < to; from += runBlocks {
		off := from * blockSize
		if err := of.request(ctx, off, min(min(from+runBlocks, to)*blockSize, of.o.Size)-off, take); err != nil {
			return changed, err
		}
	}
	return changed, nil
}

// request is one of fetchAgain.
func (of *object) request(ctx context.Context, off, n int64, take func(b int64, p []byte) error) error {
	select {
	case of.c.gets <- struct{}{}:
		defer func() { <-of.c.gets }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	rd, err := of.b.Open(ctx, of.o.Key, of.options(off, n))
	if err != nil {
		return err
	}
	defer rd.Close()
	return of.eachBlock(rd, off/blockSize, n, take)
}

// learn takes what an object that has been opened tells of its whole: listings tell nothing.
func (of *object) learn(o storage.Object) {
	of.mu.Lock()
	defer of.mu.Unlock()
	if !of.claim.CRC32C.Known && o.ETag == of.o.ETag {
		of.claim.CRC32C = o.CRC32C
		if o.Digest.Known() {
			of.claim.Digest = o.Digest
		}
	}
}

// attest is the object with what the store says of the whole, which it is asked for if need be. Who comes
// while it is asked waits.
func (of *object) attest(ctx context.Context) (storage.Object, error) {
	of.asking.Lock()
	defer of.asking.Unlock()
	of.mu.Lock()
	claim, asked := of.claim, of.attested
	of.mu.Unlock()
	if a, ok := storage.As[storage.Attester](of.b); ok && !asked && !claim.CRC32C.Known && !claim.Digest.Known() {
		var err error
		if claim, err = a.Attest(ctx, claim); err != nil {
			return claim, err
		}
	}
	of.mu.Lock()
	defer of.mu.Unlock()
	if _, not := of.c.doubted.Load(of.doubtOf(claim.Digest)); not && claim.Digest.Doubtful {
		claim.Digest = storage.Digest{}
	}
	of.claim, of.attested = claim, true
	return claim, nil
}

// attestAhead asks for that while the last blocks are on their way, unless their answer will tell it. The
// caller holds the lock.
func (of *object) attestAhead(r *run) {
	left := len(of.have.blocks) - of.have.known
	for _, r := range of.runs {
		left -= int(r.to - r.from)
	}
	whole := r.to-r.from == int64(len(of.have.blocks))
	if left > 0 || whole || of.sums != nil || of.asked || of.beyond || of.have.whole != open {
		return
	}
	of.asked = true
	of.wg.Go(func() { _, _ = of.attest(of.ctx) }) // whoever needs it asks again if it fails
}
