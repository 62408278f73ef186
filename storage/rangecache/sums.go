package rangecache

import (
	"errors"
	"fmt"

	"github.com/skepdata/skep/storage"
)

// mostChanged is how often in a row a block may come other than it should.
const mostChanged = 5

// Verify tells the CRC32C of each 64 KiB of the object, the last of which may be shorter. From then on
// no other bytes are given out, to nobody who uses the object: what comes is compared before it is kept,
// and asked for again if it differs, a few times; then the error is storage.ErrChecksum. What has come
// already and differs is forgotten. The first sums of an object stay.
func (f *File) Verify(sums []uint32) error {
	of := f.of
	of.mu.Lock()
	defer of.mu.Unlock()
	if len(sums) != len(of.have.blocks) {
		return fmt.Errorf("read %s: there are %d sums, and it has %d blocks", of.url(), len(sums), len(of.have.blocks))
	}
	if of.sums != nil {
		return nil
	}
	of.sums = sums
	before := f.changed.Load()
	for b, sum := range sums {
		if of.have.has(int64(b)) && uint32(of.have.blocks[b]) != sum {
			f.changed.Add(1)
			if err := of.forget(int64(b)); err != nil {
				return err
			}
		}
	}
	if f.changed.Load() > before {
		of.becomesOther()
	}
	of.show(0, int64(len(sums)), false)
	return nil
}

// forget takes a block away. The caller holds the lock.
func (of *object) forget(b int64) error {
	of.hide(b, b+1)
	of.checked.remove(b)
	of.forgets++
	if err := of.have.set(b, 0); err != nil {
		return fmt.Errorf("write cache: %w", err)
	}
	return nil
}

// changedBlock says that a block is not what it should be.
type changedBlock struct{ block int64 }

func (c *changedBlock) Error() string { return fmt.Sprintf("block %d is another", c.block) }

// agrees compares a block that has come with what is known of it: what somebody has told, or with what it
// came before. Where it comes otherwise twice, in one way, that is how it is.
func (of *object) agrees(b int64, sum uint32) error {
	of.mu.Lock()
	defer of.mu.Unlock()
	if of.sums != nil {
		if of.sums[b] != sum {
			return &changedBlock{b}
		}
		return nil
	}
	had, known := of.have.sum(b)
	if !known || had == sum {
		return nil
	}
	if before, ok := of.twice[b]; !ok || before != sum {
		if of.twice == nil {
			of.twice = map[int64]uint32{}
		}
		of.twice[b] = sum
		return &changedBlock{b}
	}
	delete(of.twice, b)
	was := of.have.whole
	if err := of.forget(b); err != nil {
		return err
	}
	of.becomesOther()
	if was != right {
		of.fail(&storage.Error{Op: "read", URL: of.url(), Err: fmt.Errorf(
			"bytes %d to %d have come in two ways, and may have been used as they are not; run the statement once more: %w",
			b*blockSize, min((b+1)*blockSize, of.o.Size)-1, storage.ErrChecksum)})
	}
	return nil
}

// insist asks for n bytes from off on, and again from the block on that was not what it should be.
func (f *File) insist(off, n int64, ask func(off, n int64) error) error {
	times, at := 0, int64(-1)
	for end := off + n; ; {
		err := ask(off, end-off)
		var changed *changedBlock
		if !errors.As(err, &changed) {
			return err
		}
		f.changed.Add(1)
		if changed.block != at {
			times, at = 0, changed.block
		}
		if times++; times == mostChanged {
			return f.of.changedError(at)
		}
		off = at * blockSize
		f.fetched.Add(end - off)
		f.requests.Add(1)
	}
}

func (of *object) changedError(b int64) error {
	err := fmt.Errorf("bytes %d to %d came %d times other than they were written, changed on the way or at the store: %w",
		b*blockSize, min((b+1)*blockSize, of.o.Size)-1, mostChanged, storage.ErrChecksum)
	return &storage.Error{Op: "read", URL: of.url(), Err: err}
}
