package rangecache

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/skepdata/skep/internal/castagnoli"
	"github.com/skepdata/skep/storage"
)

// Who knows what the bytes of an object mean can see that some make no sense, or that they are what they should be.
// Of the latter the map keeps a mark with each block, as long as its bytes are the same.

const (
	// Marks is how many marks a block can have: 0 to Marks-1.
	Marks = 28

	firstMark = 32 // the bit of the first
	markBits  = (uint64(1)<<Marks - 1) << firstMark
)

// Marked reports whether n bytes from off on need no look: they have all been marked so by anybody at any
// time, or it is known otherwise that they are right. Who has to look tells Mark afterwards what since is.
func (f *File) Marked(off, n int64, mark int) (yes bool, since int) {
	if f.Sure() {
		return true, 0
	}
	of := f.of
	of.mu.Lock()
	defer of.mu.Unlock()
	for b := max(0, off/blockSize); b < blocksOf(min(off+n, of.o.Size)); b++ {
		if of.have.blocks[b]>>(firstMark+mark)&1 == 0 {
			return false, of.forgets
		}
	}
	return true, of.forgets
}

// Sure reports whether all bytes are right that are given out: they cannot change on the way, or have been compared as a
// whole, or are compared with sums that somebody has told.
func (f *File) Sure() bool {
	if f.exact() {
		return true
	}
	f.of.mu.Lock()
	defer f.of.mu.Unlock()
	return f.of.proven()
}

// exact reports whether the bytes cannot change on the way.
func (f *File) exact() bool {
	a, ok := storage.As[storage.Attester](f.of.b)
	return !ok || a.Exact()
}

// proven reports whether the bytes of all blocks are right, or will be when they are given out. The caller holds the lock.
func (of *object) proven() bool { return of.have.whole == right || of.sums != nil }

// Mark marks bytes that have come, unless some of the object have become others meanwhile. Others in the same
// blocks are marked too, so that a mark should mean one thing in a block.
func (f *File) Mark(off, n int64, mark, since int) error {
	of := f.of
	from, to := max(0, off/blockSize), blocksOf(min(off+n, of.o.Size))
	of.mu.Lock()
	defer of.mu.Unlock()
	if of.forgets != since || from >= to {
		return nil
	}
	if err := of.have.mark(from, to, 1<<(firstMark+mark)); err != nil {
		return fmt.Errorf("write cache: %w", err)
	}
	return nil
}

// mark sets a bit of the blocks of which the sum is known.
func (m *blockMap) mark(from, to int64, bit uint64) error {
	p := make([]byte, 0, 8*(to-from))
	for b := from; b < to; b++ {
		if m.blocks[b]&(present|gone) != 0 {
			m.blocks[b] |= bit
		}
		p = binary.LittleEndian.AppendUint64(p, m.blocks[b])
	}
	_, err := m.f.WriteAt(p, mapHeader+8*from)
	return err
}

// marksOf are the marks of a block whose bytes come again with the same sum.
func (m *blockMap) marksOf(b int64, sum uint32) uint64 {
	if was, known := m.sum(b); known && was == sum {
		return m.blocks[b] & (markBits | confirmed)
	}
	return 0
}

// Again is for one who is given n bytes from off on that cannot be what was written: it fetches their blocks once more,
// and reports whether some have come otherwise, which are what is given out from then on. If others
// than the n bytes have come otherwise too, and may have been used, the error says so.
func (f *File) Again(ctx context.Context, off, n int64) (changed bool, err error) {
	of := f.of
	from, to := max(0, off/blockSize), blocksOf(min(off+n, of.o.Size))
	var beside []int64
	take := func(b int64, p []byte) error {
		of.mu.Lock()
		defer of.mu.Unlock()
		was, known := of.have.sum(b)
		sum := castagnoli.Update(0, p)
		if known && was == sum || of.have.confirmed(b) {
			return nil
		}
		changed = true
		f.changed.Add(1)
		if known && of.differsBeside(b, p, off, n) {
			beside = append(beside, b)
		}
		return of.become(b, p, sum)
	}
	for at := from; at < to && err == nil; at += runBlocks {
		err = f.compared(ctx, at, min(at+runBlocks, to), take)
	}
	of.mu.Lock()
	defer of.mu.Unlock()
	if changed {
		of.becomesOther()
	}
	if b, ok := of.firstUsed(beside); ok {
		of.fail(of.usedChanged(b, "they have come in two ways"))
		return true, of.failed(f)
	}
	if err != nil {
		return changed, of.readError(err)
	}
	return changed, of.failed(f)
}

// differsBeside reports whether a block that has come again differs, as far as can be seen, in other bytes than
// the n from off on. The caller holds the lock.
func (of *object) differsBeside(b int64, p []byte, off, n int64) bool {
	at := b * blockSize
	from, to := max(off-at, 0), min(off+n-at, int64(len(p)))
	if from == 0 && to == int64(len(p)) {
		return false
	}
	was := make([]byte, len(p))
	if !of.have.has(b) {
		return true
	}
	if _, err := of.data.ReadAt(was, at); err != nil {
		return true
	}
	return !bytes.Equal(was[:from], p[:from]) || !bytes.Equal(was[to:], p[to:])
}

// become makes a block another. The caller holds the lock.
func (of *object) become(b int64, p []byte, sum uint32) error {
	v := uint64(sum) | gone
	there := of.have.has(b)
	if err := of.forget(b); err != nil {
		return err
	}
	if there {
		if err := of.write(b, p); err != nil {
			return err
		}
		of.check(b)
		v = uint64(sum) | present
	}
	of.fresh.add(b, of)
	if err := of.have.set(b, v); err != nil {
		return &unwritable{err}
	}
	return nil
}
