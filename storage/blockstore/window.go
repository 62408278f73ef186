package blockstore

import (
	"runtime"
	"sync"
	"sync/atomic"
)

const (
	// pieceOfRead is how much is read before it is verified, so that it is still in the processor's cache.
	pieceOfRead = 4 * chunkSize
	// maxWindow is how much of an object is read at a time when it is read from front to end, while as much before
	// it is being used.
	maxWindow = 32 * chunkSize
	// aheadFrom is the size of windows from which on the next one is read ahead.
	aheadFrom = pieceOfRead
	// maxHelpers is how many goroutines read a window besides the reader. More would wait for memory.
	maxHelpers = 3
)

// window is a part of a block that is read at a time. While the reader's user is busy with one the next is being
// read and verified; when the user comes for that too early the reader helps. So the processors share the
// work, and none waits for another to wake up.
type window struct {
	s        *segment
	chunk    int64 // the first of it
	buf      []byte
	from, to int64 // what is wanted of buf
	last     bool  // the segment ends with it
	direct   bool  // buf is the user's
	work     *sharedRead
}

// directFrom is how much a user must want at a time to have it read to where it is wanted: then there is enough to
// share. Of less the next window is read ahead, and copied.
const directFrom = 2 * pieceOfRead

// begin begins to read the next window: to p, if much fits there, or of size bytes if the segment has so many.
func (r *reader) begin(size int64, p []byte, helpers int) *window {
	s := &r.segments[0]
	chunk := s.pos / chunkSize
	start := chunk * chunkSize
	w := &window{s: s, chunk: chunk, from: s.pos - start}
	fitting := min(int64(len(p)), s.end-start)
	if start+fitting < s.size {
		fitting = fitting / chunkSize * chunkSize
	}
	if w.direct = w.from == 0 && fitting >= directFrom; w.direct {
		w.to, w.buf = fitting, p[:fitting]
	} else {
		length := min(max(size/chunkSize, 1)*chunkSize, s.size-start, chunksIn(s.end-start)*chunkSize)
		w.to, w.buf = min(length, s.end-start), r.buffer(length)
	}
	s.pos = start + w.to
	w.last = s.pos == s.end
	w.work = s.start(r.b.opts.VerifyReads, chunk, w.buf, helpers)
	return w
}

// finish makes what is wanted of a window pending, or returns how much of it the user has already. Where it is damaged
// it is what comes before.
func (r *reader) finish(w *window) (n int, err error) {
	good, err := w.work.finish()
	if err != nil {
		good, err = w.s.readElsewhere(r, w.chunk, w.buf, good, err)
	}
	switch to := min(w.to, int64(good)); {
	case w.direct:
		n = int(to)
	case to > w.from:
		r.pending = w.buf[w.from:to]
	}
	r.current = w
	if w.last && err == nil {
		w.s.close()
		r.segments = r.segments[1:]
	}
	return n, err
}

// readAhead begins to read the window behind the current one, if the object is read from front to end and the block
// is open.
func (r *reader) readAhead() {
	if r.size < aheadFrom || len(r.segments) == 0 || r.segments[0].f == nil {
		return
	}
	r.next = r.begin(r.size, nil, max(1, runtime.GOMAXPROCS(0)-1))
}

// buffer returns one that nothing is in any more.
func (r *reader) buffer(length int64) []byte {
	if length < maxWindow/2 {
		return make([]byte, length) // there are few of them
	}
	if buf, ok := r.v.buffers.Get().(*[maxWindow]byte); ok {
		return buf[:length]
	}
	return new([maxWindow]byte)[:length]
}

// drop forgets a window, which nobody reads or uses any more.
func (r *reader) drop(w *window) {
	if w == nil {
		return
	}
	w.work.stop()
	if cap(w.buf) == maxWindow && !w.direct {
		r.v.buffers.Put((*[maxWindow]byte)(w.buf[:maxWindow]))
	}
}

// sharedRead is pieces that several goroutines read. Who comes too late, when all pieces are taken, does
// nothing, and nobody waits for it.
type sharedRead struct {
	read func(i int) error
	errs []error // of each piece
	next atomic.Int64
	left sync.WaitGroup // pieces that are not done
}

// start begins to read p, which begins with a chunk and ends at the end of one.
func (s *segment) start(verify Verification, chunk int64, p []byte, helpers int) *sharedRead {
	pieces := (len(p) + pieceOfRead - 1) / pieceOfRead
	work := &sharedRead{errs: make([]error, pieces), read: func(i int) error {
		piece := p[i*pieceOfRead : min((i+1)*pieceOfRead, len(p))]
		return s.readPiece(verify, chunk+int64(i)*(pieceOfRead/chunkSize), piece)
	}}
	work.left.Add(pieces)
	for range min(pieces, helpers, maxHelpers) {
		go work.help()
	}
	return work
}

// help reads the pieces that nobody has taken yet.
func (w *sharedRead) help() {
	for {
		i := int(w.next.Add(1) - 1)
		if i >= len(w.errs) {
			return
		}
		w.errs[i] = w.read(i)
		w.left.Done()
	}
}

// finish returns when all pieces are read. good is how many bytes come before the first failure.
func (w *sharedRead) finish() (good int, err error) {
	w.help()
	w.left.Wait()
	for i, err := range w.errs {
		if err != nil {
			return i * pieceOfRead, err
		}
	}
	return len(w.errs) * pieceOfRead, nil
}

// stop leaves the pieces that nobody has taken, and waits for the others.
func (w *sharedRead) stop() {
	for int(w.next.Add(1)-1) < len(w.errs) {
		w.left.Done()
	}
	w.left.Wait()
}
