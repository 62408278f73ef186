package rangecache

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// ReadTable is for those who read a File at its Path and cannot call us for each read, because they are not written in Go:
// it says which blocks may be read as they lie there. All others are to be read by [File.ReadAt] and its kind. A read goes so:
//
//  1. Load Turn, add 1 to Readers[turn & 1], and see that Turn is still the same; otherwise take the 1 off and begin again.
//  2. Look at the words of all blocks in which the read has bytes. If one has no TableReady, go to 6: the read is not ours.
//  3. Read.
//  4. For each block without TableRight: the CRC32C of all its bytes must be the low half of its word. If it is not, go
//     to 6. Otherwise set TableRight.
//  5. Set TableUsed in the words, and the blocks' bits in Used.
//  6. Take the 1 off.
//
// All this by atomic operations in one order. Words become 0 when their blocks become others or are given up, which waits
// for those who are reading. Turn is of 64 bits, which do not run out.
type ReadTable struct {
	Size  int64           // of the file, in bytes
	Words []atomic.Uint64 // one for each 64 KiB; those who use the object share them
	Used  []atomic.Uint64 // a bit for each 64 KiB: see File.Found
	*Turns
}

// Bits of the words.
const (
	TableReady = uint64(1) << 63 // the block may be read
	TableRight = uint64(1) << 62 // it has been compared with its sum since the object was opened
	TableUsed  = uint64(1) << 61 // it has been read
)

// Turns count those who are reading, by whether they began before the latest change that waits for them.
type Turns struct {
	Turn    atomic.Uint64
	Readers [2]atomic.Int64
}

// table is the object's part of it.
type table struct {
	mu    sync.Mutex // held by who waits for readers
	words []atomic.Uint64
	turns Turns
}

// ReadTable is that of the File, nil if nothing of it can be read at its Path. It must not be used after Close.
func (f *File) ReadTable() *ReadTable {
	of := f.of
	if of.unkept != nil {
		return nil
	}
	exact := f.exact()
	of.mu.Lock()
	defer of.mu.Unlock()
	n := int64(len(of.have.blocks))
	t := of.table.Load()
	if t == nil {
		t = &table{words: make([]atomic.Uint64, n)}
		of.table.Store(t)
	}
	of.show(0, n, exact)
	if f.used == nil {
		f.used = make([]atomic.Uint64, (n+63)/64)
	}
	return &ReadTable{Size: of.o.Size, Words: t.words, Used: f.used, Turns: &t.turns}
}

// show enters blocks in the table, if there is one, that anybody may be given: those that are right for certain, as bytes
// that cannot change on the way are (exact). The caller holds the lock.
func (of *object) show(from, to int64, exact bool) {
	t := of.table.Load()
	proven := of.proven()
	if t == nil || of.failures > 0 || exact && !proven && of.have.whole == open && of.have.known == len(of.have.blocks) {
		return // in the last case all are about to be compared
	}
	for b := from; b < to; b++ {
		if !of.have.has(b) || t.words[b].Load()&TableReady != 0 || !(exact || proven || of.have.confirmed(b)) {
			continue
		}
		if !proven {
			of.given.add(b, of)
		}
		t.words[b].Store(TableReady | of.tableSum(b))
	}
}

// tableSum is the sum of a block, and whether it has been compared with it. The caller holds the lock.
func (of *object) tableSum(b int64) uint64 {
	sum := uint64(uint32(of.have.blocks[b]))
	if of.sums != nil {
		sum = uint64(of.sums[b])
	}
	if of.checked.has(b) {
		sum |= TableRight
	}
	return sum
}

// hide takes blocks out of the table, before they become others or are given up, and returns when nobody reads them any
// more who has not asked us.
func (of *object) hide(from, to int64) {
	t := of.table.Load()
	if t == nil {
		return
	}
	shown := false
	for b := from; b < to; b++ {
		shown = t.words[b].Swap(0) != 0 || shown
	}
	if shown {
		t.await()
	}
}

// readBy enters blocks that have been read otherwise, for the next time.
func (of *object) readBy(from, to int64, exact bool) {
	if of.table.Load() == nil {
		return
	}
	of.mu.Lock()
	defer of.mu.Unlock()
	of.show(from, to, exact)
}

// await returns when all who are reading have ended that began before.
func (t *table) await() {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.turns.Turn.Add(1) - 1
	for t.turns.Readers[before&1].Load() != 0 {
		runtime.Gosched()
	}
}

// tableFound is how many bytes were read by the table alone that had been there. The caller holds the lock.
func (f *File) tableFound() int64 {
	found := int64(0)
	for i := range f.used {
		if f.used[i].Load() == 0 {
			continue
		}
		for b := int64(i) * 64; b < min(int64(i+1)*64, int64(len(f.of.have.blocks))); b++ {
			if f.used[i].Load()>>(b%64)&1 != 0 && !f.asked.has(b) && !f.own(b) {
				found += min(blockSize, f.of.o.Size-b*blockSize)
			}
		}
	}
	return found
}
