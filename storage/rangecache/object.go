package rangecache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skepdata/skep/storage"
)

// File is an object of which parts can be read at Path. It is safe for concurrent use.
type File struct {
	of       *object
	fetched  atomic.Int64
	requests atomic.Int64
	found    atomic.Int64
	changed  atomic.Int64
	once     sync.Once
	ahead    ahead

	// A bit for each block, guarded by of.mu: of those that Fill was asked for, and of those that
	// were asked of the store.
	asked, brought []uint64
}

// Path is a local file of the object's size, whose bytes are the object's where Fill has been.
// It must not be written to.
func (f *File) Path() string { return f.of.data.Name() }

// Object is the version of the object that the file is of.
func (f *File) Object() storage.Object { return f.of.o }

// Fetched is how many bytes have been asked of the store because of this File.
func (f *File) Fetched() int64 { return f.fetched.Load() }

// Requests is how many requests have been made of the store because of this File.
func (f *File) Requests() int64 { return f.requests.Load() }

// Found is how many bytes, in whole blocks, Fill was asked for and did not have to fetch.
func (f *File) Found() int64 { return f.found.Load() }

// Changed is how many blocks have come because of this File that were not what Verify says, and were
// asked for again.
func (f *File) Changed() int64 { return f.changed.Load() }

// note notes which blocks Fill is asked for, to count those that are there the first time. The
// caller holds the object's lock.
func (f *File) note(from, to int64) {
	if f.asked == nil {
		f.asked = newBits(len(f.of.have.blocks))
	}
	for b := from; b < to; b++ {
		if f.asked[b/64]>>(b%64)&1 != 0 {
			continue
		}
		f.asked[b/64] |= 1 << (b % 64)
		if f.of.have.has(b) && !f.own(b) {
			f.found.Add(min(blockSize, f.of.o.Size-b*blockSize))
		}
	}
}

// Missing is how many bytes of a range are not there, in whole blocks.
func (f *File) Missing(off, n int64) int64 {
	of := f.of
	of.mu.Lock()
	defer of.mu.Unlock()
	missing := int64(0)
	for b := max(0, off/blockSize); b < blocksOf(min(off+n, of.o.Size)); b++ {
		if !of.have.has(b) {
			missing += min(blockSize, of.o.Size-b*blockSize)
		}
	}
	return missing
}

func newBits(n int) []uint64 { return make([]uint64, (n+63)/64) }

// own reports whether a block that is there was fetched because of this File.
func (f *File) own(b int64) bool { return f.brought != nil && f.brought[b/64]>>(b%64)&1 != 0 }

// Close lets the file be evicted, and ends what is on its way if nobody else uses the object.
// It is idempotent.
func (f *File) Close() error {
	var err error
	f.once.Do(func() { err = f.of.release() })
	return err
}

// object is one object that this process uses.
type object struct {
	c      *Cache
	name   string
	b      storage.Bucket
	o      storage.Object
	data   *os.File
	ctx    context.Context // of what is on its way
	cancel context.CancelFunc
	wg     sync.WaitGroup // of runs
	users  int            // guarded by c.mu

	mu   sync.Mutex
	cond sync.Cond // of mu: something came, or a run or a waiter's context ended
	have *blockMap
	runs []*run // those on their way
	// Of each block, how many hold it, and whether somebody has: see hold.go. nil until then.
	pins []uint16
	done []uint64
	// A bit for each block that has been compared with its sum: see verify.go. nil until then.
	checked []uint64
	sum     storage.Checksum // of the whole, if the store has told it
	// sums are those of the blocks, once somebody has told them; they do not change: see sums.go.
	sums []uint32
	// unkept, if not nil, is why nothing of the object is kept; it does not change.
	unkept *unwritable
	// wrong, once set, is why the object cannot be read: its bytes do not have the store's sum.
	wrong error
}

func newObject(c *Cache, name string, b storage.Bucket, o storage.Object, data *os.File, m *blockMap) *object {
	of := &object{c: c, name: name, b: b, o: o, data: data, have: m, sum: o.CRC32C}
	of.ctx, of.cancel = context.WithCancel(context.Background())
	of.cond.L = &of.mu
	return of
}

// release takes one user off, and closes the files after the last.
func (of *object) release() error {
	c := of.c
	c.mu.Lock()
	of.users--
	last := of.users == 0
	if last {
		delete(c.objects, of.name)
	}
	c.mu.Unlock()
	if !last {
		return nil
	}
	of.end()
	return errors.Join(of.have.f.Close(), of.data.Close())
}

// end ends what is on its way, and waits for that.
func (of *object) end() {
	of.cancel()
	of.wg.Wait()
}

// alone makes this process the only one that may use the object, if no other does; shared ends
// that.
func (of *object) alone() bool { return useLock(of.have.f, true, false) }
func (of *object) shared()     { useLock(of.have.f, false, false) }

func (of *object) url() string { return of.b.URL() + of.o.Key }

// ModTime is when the object was last changed.
func (f *File) ModTime() time.Time { return f.of.o.ModTime }

// readError is an error of reading the object, which names it.
func (of *object) readError(err error) error {
	var known *storage.Error
	if errors.As(err, &known) || of.ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("read %s: %w", of.url(), err)
}
