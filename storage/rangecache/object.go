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
	compares atomic.Int64
	once     sync.Once
	ahead    ahead
	tail     tail
	failures int   // of the object when it was opened
	before   int64 // blocks of the object that had come changed then

	// A bit for each block, guarded by of.mu: of those that Fill was asked for, and of those that
	// were asked of the store.
	asked, brought bits
	// Of the blocks that were read by the table: see table.go.
	used []atomic.Uint64
}

// Path is a local file of the object's size, whose bytes are the object's where Fill has been.
// It must not be written to.
func (f *File) Path() string { return f.of.data.Name() }

// Object is the version of the object that the file is of.
func (f *File) Object() storage.Object { return f.of.o }

// Fetched is how many bytes have been asked of the store because of this File.
func (f *File) Fetched() int64 { return f.fetched.Load() }

// Compared is how many of those were only compared with what had come before.
func (f *File) Compared() int64 { return f.compares.Load() }

// Requests is how many requests have been made of the store because of this File.
func (f *File) Requests() int64 { return f.requests.Load() }

// Found is how many bytes, in whole blocks, Fill was asked for, or were read by the ReadTable, and did not have to be
// fetched.
func (f *File) Found() int64 {
	f.of.mu.Lock()
	defer f.of.mu.Unlock()
	return f.found.Load() + f.tableFound()
}

// Changed is how many blocks have come, as far as it is known, that were not what they are in the store
// and were asked for again: because of this File, or while it is open, of the object as a whole.
func (f *File) Changed() int64 { return f.changed.Load() + f.of.changed.Load() - f.before }

// note notes which blocks Fill is asked for, to count those that are there the first time. The
// caller holds the object's lock.
func (f *File) note(from, to int64) {
	for b := from; b < to; b++ {
		if f.asked.has(b) {
			continue
		}
		f.asked.add(b, f.of)
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

// bits are one for each block of an object. Whoever uses them holds its lock.
type bits []uint64

func (s bits) has(b int64) bool { return s != nil && s[b/64]>>(b%64)&1 != 0 }

func (s *bits) add(b int64, of *object) {
	if *s == nil {
		*s = make(bits, (len(of.have.blocks)+63)/64)
	}
	(*s)[b/64] |= 1 << (b % 64)
}

func (s bits) remove(b int64) {
	if s != nil {
		s[b/64] &^= 1 << (b % 64)
	}
}

// own reports whether a block that is there was fetched because of this File.
func (f *File) own(b int64) bool { return f.brought.has(b) }

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
	users  int            // guarded by c.mu; without any it is being closed
	ended  chan struct{}  // closed when it has been

	time    atomic.Int64 // the file's, which is not to go back, in nanoseconds: see becomesOther
	changed atomic.Int64 // blocks that came changed and were found by the sum of the whole
	table   atomic.Pointer[table]
	asking  sync.Mutex // held while the store is asked for that

	mu   sync.Mutex
	cond sync.Cond // of mu: something came, or a run or a waiter's context ended
	have *blockMap
	runs []*run // those on their way
	// Of each block, how many hold it: see hold.go. nil until then.
	pins []uint16
	// Of the blocks those that somebody has held, and those that have been compared with their sum: see
	// hold.go and verify.go.
	done, checked bits
	// Of when they are, and what the file was when the object was opened: see compared.go.
	since time.Time
	was   fileState
	// Those that somebody confirms, and the sums with which they came to be compared: see confirm.go.
	confirming bits
	seen       map[int64][]uint32
	// sums are those of the blocks, once somebody has told them; they do not change: see sums.go.
	sums []uint32
	// twice are the sums of blocks that have come otherwise than before, once.
	twice map[int64]uint32
	// forgets is how often a block was forgotten, whose bytes may be others since.
	forgets int
	// unkept, if not nil, is why nothing of the object is kept; it does not change.
	unkept *unwritable

	// How the object is compared as a whole: see whole.go.
	claim    storage.Object // with what the store has said of the whole
	attested bool           // it has said all it knows
	asked    bool           // it has been asked before that was needed
	judging  bool           // it is being compared
	beyond   bool           // it cannot be
	fresh    bits           // blocks that came since the object was opened
	given    bits           // blocks that somebody was given
	failures int            // how often somebody may have been given wrong ones
	wrong    error          // of the last time
}

func newObject(c *Cache, name string, b storage.Bucket, o storage.Object, data *os.File, m *blockMap) *object {
	of := &object{c: c, name: name, b: b, o: o, data: data, have: m, claim: o, ended: make(chan struct{})}
	of.ctx, of.cancel = context.WithCancel(context.Background())
	of.cond.L = &of.mu
	return of
}

// becomesOther gives the file the time of a later second. It stays, though what is fetched again and written
// would set it back to now.
func (of *object) becomesOther() {
	becomesOther(of.data)
	of.noteTime()
}

func (of *object) noteTime() {
	if info, err := of.data.Stat(); err == nil {
		of.time.Store(info.ModTime().UnixNano())
	}
}

// write writes a block.
func (of *object) write(b int64, p []byte) error {
	of.hide(b, b+1)
	if _, err := of.data.WriteAt(p, b*blockSize); err != nil {
		return &unwritable{err}
	}
	if later := time.Unix(0, of.time.Load()); later.After(time.Now()) {
		_ = os.Chtimes(of.data.Name(), later, later) // for others it has no use
	}
	return nil
}

// release takes one user off, and closes the files after the last. Until nothing is on its way any more
// the object keeps its place, for what comes late must not get into the files behind the back of the next
// who opens it.
func (of *object) release() error {
	c := of.c
	c.mu.Lock()
	of.users--
	last := of.users == 0
	c.mu.Unlock()
	if !last {
		return nil
	}
	of.end()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.objects, of.name)
	close(of.ended)
	c.remember(of)
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
