package rangecache

import (
	"context"
	"io"
	"sync"

	"github.com/skepdata/skep/internal/castagnoli"
	"github.com/skepdata/skep/storage"
)

// tail is the last block that was read past the cache, for reads that follow each other.
type tail struct {
	mu    sync.Mutex
	block int64
	bytes []byte // nil if there is none
}

// get copies what a read from off on wants of the block, and returns how much that is.
func (t *tail) get(p []byte, off int64) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := off - t.block*blockSize
	if t.bytes == nil || at < 0 || at >= int64(len(t.bytes)) {
		return 0
	}
	return copy(p, t.bytes[at:])
}

func (t *tail) put(b int64, p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.block, t.bytes = b, append(t.bytes[:0], p...)
}

// direct reads past the cache, and keeps nothing but the sums of blocks, with which they are compared. So
// it reads whole ones.
func (f *File) direct(ctx context.Context, p []byte, off int64) (int, error) {
	of := f.of
	wanted := len(p)
	p = p[:min(int64(wanted), of.o.Size-off)]
	n := f.tail.get(p, off)
	if n < len(p) {
		if err := f.directBlocks(ctx, p[n:], off+int64(n)); err != nil {
			return 0, of.readError(err)
		}
	}
	if err := f.admit(ctx, off/blockSize, blocksOf(off+int64(len(p)))); err != nil {
		return 0, err
	}
	if len(p) < wanted {
		return len(p), io.EOF
	}
	return len(p), nil
}

// directBlocks fetches the blocks in which p is.
func (f *File) directBlocks(ctx context.Context, p []byte, off int64) error {
	of := f.of
	from := off / blockSize * blockSize
	to := min(blocksOf(off+int64(len(p)))*blockSize, of.o.Size)
	f.fetched.Add(to - from)
	f.requests.Add(1)
	take := func(b int64, block []byte) error {
		if err := of.passes(b, castagnoli.Update(0, block)); err != nil {
			return err
		}
		if at := b*blockSize - off; at < 0 {
			copy(p, block[-at:])
		} else {
			copy(p[at:], block)
		}
		if (b+1)*blockSize >= to {
			f.tail.put(b, block)
		}
		return nil
	}
	return f.insist(from, to-from, func(at, n int64) error {
		r, err := of.b.Open(ctx, of.o.Key, of.options(at, n))
		if err != nil {
			return err
		}
		defer r.Close()
		of.learn(r.Object())
		return of.eachBlock(r, at/blockSize, n, take)
	})
}

// passes compares a block that is not kept, and keeps its sum.
func (of *object) passes(b int64, sum uint32) error {
	if err := of.agrees(b, sum); err != nil {
		return err
	}
	of.mu.Lock()
	defer of.mu.Unlock()
	if _, known := of.have.sum(b); known {
		return nil
	}
	of.fresh.add(b, of)
	if err := of.have.set(b, uint64(sum)|gone|of.agreed(b, sum)); err != nil {
		return &unwritable{err}
	}
	return nil
}

// admit waits until it is known, if it will be, whether the object is right, and notes that blocks are
// given out.
func (f *File) admit(ctx context.Context, from, to int64) error {
	of := f.of
	of.mu.Lock()
	defer of.mu.Unlock()
	wake := of.waker(ctx)
	defer wake.stop()
	_, err := of.settled(ctx, f, wake.set)
	if err == nil {
		of.give(from, to)
	}
	return err
}

// options are those of a request for n bytes from off on. S3 tells the sum of the whole only to those
// who ask for no range.
func (of *object) options(off, n int64) storage.ReadOptions {
	opts := storage.ReadOptions{IfMatch: of.o.ETag, Offset: off, Length: n, Unverified: true}
	if n == of.o.Size {
		opts.Length = 0
	}
	return opts
}
