package rangecache

import (
	"errors"

	"github.com/skepdata/skep/internal/castagnoli"
)

// A block that somebody else has written, or this process at another time, is compared with its sum
// before its bytes are used, once for as long as the object is open, and a while longer (compared.go). What has come
// meanwhile is what has been written.

// errDamaged says that a disk does not give back what was written to it, again and again.
var errDamaged = errors.New("what is written to it does not stay as it is: is the disk damaged?")

// mostDamages is how often blocks of a range are fetched anew because they are damaged.
const mostDamages = 2

// verify compares the blocks from one to before another that have not been, and forgets those that
// are damaged. It reports whether there was none. p has been read from off on: what it has of them is not read again.
func (of *object) verify(from, to int64, p []byte, off int64) (bool, error) {
	todo := of.unchecked(from, to)
	if len(todo) == 0 {
		return true, nil
	}
	var good, bad []int64
	var buf []byte
	for _, t := range todo {
		at := t.block * blockSize
		size := min(blockSize, of.o.Size-at)
		var block []byte
		var err error
		if at >= off && at+size <= off+int64(len(p)) {
			block = p[at-off:][:size]
		} else {
			if buf == nil {
				buf = make([]byte, blockSize)
			}
			block = buf[:size]
			_, err = of.data.ReadAt(block, at)
		}
		if err == nil && castagnoli.Update(0, block) == t.sum {
			good = append(good, t.block)
		} else {
			bad = append(bad, t.block)
		}
	}
	of.mu.Lock()
	defer of.mu.Unlock()
	for _, b := range good {
		of.check(b)
	}
	for _, b := range bad {
		if err := of.forget(b); err != nil {
			return false, err
		}
	}
	return len(bad) == 0, nil
}

// sumOf is what a block should have.
type sumOf struct {
	block int64
	sum   uint32
}

func (of *object) unchecked(from, to int64) []sumOf {
	of.mu.Lock()
	defer of.mu.Unlock()
	var todo []sumOf
	for b := from; b < to; b++ {
		if !of.checked.has(b) {
			sum := uint32(of.have.blocks[b])
			if of.sums != nil {
				sum = of.sums[b] // another process may not know it
			}
			todo = append(todo, sumOf{b, sum})
		}
	}
	return todo
}

// check notes that a block is right. The caller holds the lock.
func (of *object) check(b int64) {
	of.checked.add(b, of)
}
