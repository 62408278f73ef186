package copier

import (
	"context"
	"errors"
	"io"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/skepdata/skep/storage"
)

const (
	// mostAhead is how many sources of an output are asked for before their turn.
	mostAhead = 16
	// aheadMemory is how many bytes of them are held, of all outputs together.
	aheadMemory = 8 << 20
)

// lookahead asks for sources of a span that come next, while one before them is read: one after the other, each would
// take as long as its service is far away. They are small ones, which are held in memory, or one that is not, of which
// the answer waits in its connection. The transfers that the gate has room for beside those of outputs are what is
// used. One goroutine uses it.
type lookahead struct {
	s       *span
	cancel  context.CancelFunc
	ctx     context.Context //nolint:containedctx // of all that is asked for, which ends with the span
	running sync.WaitGroup
	queue   []*early // of the sources from the span's next on, in order
	next    int      // source that follows them
	left    int64    // bytes of the span behind those of the queue
}

// early is a source that was asked for before its turn.
type early struct {
	done chan struct{}
	r    storage.Reader
	err  error
}

// newLookahead is that of a span that has several sources of a service; nil for others.
func newLookahead(s *span) *lookahead {
	if s.task.Sources.Len() < 2 || s.task.merge != "" {
		return nil
	}
	if _, remote := storage.As[storage.Remote](s.j.src.Bucket); !remote {
		return nil
	}
	a := &lookahead{s: s}
	a.ctx, a.cancel = context.WithCancel(s.ctx)
	return a
}

// take returns what was asked for of the span's next source; nil if nothing was. It asks for those behind it.
func (a *lookahead) take() (e *early) {
	if a == nil {
		return nil
	}
	if len(a.queue) > 0 {
		e, a.queue = a.queue[0], a.queue[1:]
	} else {
		a.next, a.left = a.s.next+1, a.s.left-a.s.here
	}
	for len(a.queue) < mostAhead && a.next < a.s.task.Sources.Len() && a.begin() {
	}
	return e
}

// begin asks for one more source, if it is worth it and there is room.
func (a *lookahead) begin() bool {
	src := a.s.task.Sources.At(a.next)
	if src.kept || src.Size > a.left || src.Size > lightSize && len(a.queue) > 0 {
		return false
	}
	held := int64(0)
	if src.Size <= lightSize {
		held = max(src.Size, 1)
	}
	if !a.s.j.aheadMemory.TryAcquire(held) {
		return false
	}
	end, ok := a.s.j.gate.beginSpare(a.s.j.loadOf(src.Size))
	if !ok {
		a.s.j.aheadMemory.Release(held)
		return false
	}
	e := &early{done: make(chan struct{})}
	a.queue = append(a.queue, e)
	a.next++
	a.left -= src.Size
	a.running.Go(func() {
		defer close(e.done)
		e.r, e.err = a.s.open(a.ctx, src, 0, src.Size)
		switch {
		case e.err != nil:
			a.s.j.aheadMemory.Release(held)
		case held > 0:
			e.r = a.hold(e.r, src.Size, held)
		}
		end(done(src.Size, e.err))
	})
	return true
}

// hold reads a small source into memory. What reading it says is said again when it is read from there.
func (a *lookahead) hold(r storage.Reader, size, counted int64) storage.Reader {
	pool := &a.s.j.small
	if size < tinySize { // there is room to see the end
		pool = &a.s.j.tiny
	}
	h := &heldReader{Reader: r, buf: pool.Get().(*[]byte), giveBack: func(b *[]byte) {
		pool.Put(b)
		a.s.j.aheadMemory.Release(counted)
	}}
	n, err := fill(r, *h.buf)
	h.left, h.err = (*h.buf)[:n], err
	return h
}

// wait returns the reader of a source when its service has answered.
func (e *early) wait() (storage.Reader, error) {
	<-e.done
	return e.r, e.err
}

// end gives up what has not been read, and waits for it.
func (a *lookahead) end() {
	if a == nil {
		return
	}
	a.cancel()
	for _, e := range a.queue {
		if r, err := e.wait(); err == nil {
			_ = r.Close() // nobody wants it
		}
	}
	a.queue = nil
	a.running.Wait()
}

// heldReader reads what of a source is in memory, and then on.
type heldReader struct {
	storage.Reader
	buf      *[]byte
	left     []byte // of buf
	err      error  // that came behind it
	giveBack func(*[]byte)
}

func (h *heldReader) Read(p []byte) (int, error) {
	if len(h.left) > 0 {
		n := copy(p, h.left)
		h.left = h.left[n:]
		return n, nil
	}
	if h.err != nil {
		return 0, h.err
	}
	return h.Reader.Read(p)
}

// Close implements storage.Reader.
func (h *heldReader) Close() error {
	if h.buf != nil {
		h.giveBack(h.buf)
		h.buf, h.left, h.err = nil, nil, errClosed
	}
	return h.Reader.Close()
}

var errClosed = errors.New("the reader is closed")

var _ io.ReadCloser = (*heldReader)(nil)

func newAheadMemory() *semaphore.Weighted { return semaphore.NewWeighted(aheadMemory) }
