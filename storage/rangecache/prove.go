package rangecache

import (
	"context"
	"errors"

	"github.com/skepdata/skep/storage"
)

// proveBytes is how much Prove brings at a time, and as much ahead of it.
const proveBytes = 16 << 20

// ErrNoProof says that an object cannot be compared as a whole.
var ErrNoProof = errors.New("it cannot be compared as a whole: the store has no sum of it, or one that needs all of it in the cache, " +
	"which is too small")

// Prove makes sure that all of the object is what the store has, before anybody uses more of it: it brings what
// has not come, and waits until all is compared with what the store says of the whole. What had changed, and has been
// given to nobody, has been fetched again then. Where nothing can be compared it is ErrNoProof.
func (f *File) Prove(ctx context.Context) error {
	of := f.of
	for off := int64(0); off < of.o.Size && !f.Sure(); off += proveBytes {
		f.of.prefetch(f, off+proveBytes, proveBytes)
		if err := f.pass(ctx, off, min(proveBytes, of.o.Size-off)); err != nil {
			return err
		}
	}
	of.mu.Lock()
	wake := of.waker(ctx)
	defer wake.stop()
	_, err := of.settled(ctx, f, wake.set)
	of.mu.Unlock()
	if err == nil && !f.Sure() {
		err = &storage.Error{Op: "read", URL: of.url(), Err: ErrNoProof}
	}
	return err
}

// pass brings bytes that nobody uses, past the cache where it does not take them.
func (f *File) pass(ctx context.Context, off, n int64) error {
	of := f.of
	from, to := off/blockSize, blocksOf(off+n)
	err := error(of.unkept)
	if of.unkept == nil {
		of.pin(from, to)
		err = of.fillRight(ctx, f, from, to, false, false, nil, 0)
		of.unpin(from, to)
	}
	var disk *unwritable
	if errors.Is(err, errFull) || errors.As(err, &disk) {
		if err = f.directBlocks(ctx, make([]byte, n), off); err != nil {
			return of.readError(err)
		}
	}
	return err
}
