package rangecache

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/skepdata/skep/internal/castagnoli"
	"github.com/skepdata/skep/storage"
)

const (
	// runBlocks is the most that one request asks for: 4 MiB.
	runBlocks = int64(64)
	// aheadBlocks is how much a Fill asks for before what it waits for has come: 64 MiB.
	aheadBlocks = 1024
	// smallBlocks is what an object may have of which nothing is used before all of it has come: 1 MiB.
	smallBlocks = 16
)

// run is one request: for the blocks from the first to before the last. What it brings is
// entered block by block.
type run struct {
	from, to int64
	cancel   context.CancelFunc
	waiters  int // a run that is not kept and has none is cancelled
	kept     bool
	must     bool // come also when the cache is full
	done     bool
	err      error
}

// errGivenUp ends a run that nobody waits for any more.
var errGivenUp = errors.New("nobody waits for it any more")

// Fill makes n bytes from off on present, as far as the object has them, and returns when they
// are. It asks for what is missing by few requests, several at once. If the store has another
// version by now the error is storage.ErrChanged; after an error some of the bytes may be there.
func (f *File) Fill(ctx context.Context, off, n int64) error {
	release, err := f.Hold(ctx, off, n)
	if err == nil {
		release()
	}
	return err
}

// fill is told whether the blocks must come also when the cache is full, and whether somebody will use them.
func (of *object) fill(ctx context.Context, f *File, from, to int64, must, use bool) error {
	of.mu.Lock()
	defer of.mu.Unlock()
	f.note(from, to)
	joined := map[*run]bool{}
	wake := of.waker(ctx)
	defer func() {
		wake.stop()
		for r := range joined {
			of.leave(r)
		}
	}()
	for {
		if err := of.bring(ctx, f, from, to, must, joined, wake.set); err != nil {
			return err
		}
		waited, err := of.settled(ctx, f, wake.set)
		if err != nil {
			return err
		}
		if !waited {
			break
		}
	}
	if use {
		of.give(from, to)
	}
	return nil
}

// bring waits until blocks are there.
func (of *object) bring(ctx context.Context, f *File, from, to int64, must bool, joined map[*run]bool, wake func()) error {
	asked := from // all before is there or on its way
	for b := from; b < to; {
		if of.there(b) {
			b++
			continue
		}
		if len(joined) == 0 {
			if err := of.have.refresh(from, to); err != nil {
				return of.readError(err)
			}
			wake()
		}
		asked = max(asked, b)
		for asked < min(to, b+aheadBlocks) {
			asked = of.ask(f, asked, to, joined, must)
		}
		again, err := of.await(ctx, f, b)
		if must && errors.Is(err, errFull) { // the one who asked could do without
			again, err = true, nil
		}
		if err != nil {
			return err
		}
		if again {
			asked = b
		}
	}
	return nil
}

// waker wakes those who wait for an object when a context ends, once set has been called.
type waker struct {
	of    *object
	ctx   context.Context // of the one call that it lives for
	after func() bool
}

func (of *object) waker(ctx context.Context) *waker { return &waker{of: of, ctx: ctx} }

func (w *waker) set() {
	if w.after == nil {
		w.after = context.AfterFunc(w.ctx, func() {
			w.of.mu.Lock()
			defer w.of.mu.Unlock()
			w.of.cond.Broadcast()
		})
	}
}

func (w *waker) stop() {
	if w.after != nil {
		w.after()
	}
}

// there reports whether a block can be given out. Those of small objects that come by one request are
// not before all have been compared.
func (of *object) there(b int64) bool {
	if !of.have.has(b) {
		return false
	}
	n := int64(len(of.have.blocks))
	return n > smallBlocks || of.sums != nil || len(of.runs) != 1 || of.runs[0].to-of.runs[0].from < n
}

// ask makes sure that the block b is there or on its way, and returns the next that may not be.
func (of *object) ask(f *File, b, to int64, joined map[*run]bool, must bool) int64 {
	if of.there(b) {
		return b + 1
	}
	r := of.runOf(b)
	if r == nil {
		r = of.start(f, b, to)
	}
	if joined != nil && !joined[r] {
		joined[r] = true
		r.waiters++
	}
	r.must = r.must || must
	return r.to
}

// runOf is the run that brings the block, if one does.
func (of *object) runOf(b int64) *run {
	for _, r := range of.runs {
		if r.from <= b && b < r.to {
			return r
		}
	}
	return nil
}

// start asks for the missing blocks from b on, up to the first that is there or on its way.
func (of *object) start(f *File, b, to int64) *run {
	r := &run{from: b, to: b + 1}
	// A small cache has room for small requests only.
	most := min(runBlocks, max(1, of.c.max/blockSize/4))
	for r.to < to && r.to-r.from < most && !of.have.has(r.to) && of.runOf(r.to) == nil {
		r.to++
	}
	ctx, cancel := context.WithCancel(of.ctx)
	r.cancel = cancel
	of.runs = append(of.runs, r)
	of.attestAhead(r)
	off, n := of.span(r)
	f.fetched.Add(n)
	f.requests.Add(1)
	for b := r.from; b < r.to; b++ {
		f.brought.add(b, of)
	}
	of.wg.Go(func() {
		defer cancel()
		err := of.fetch(ctx, f, r, off, n)
		of.mu.Lock()
		defer of.mu.Unlock()
		r.done, r.err = true, err
		for i := range of.runs {
			if of.runs[i] == r {
				of.runs = append(of.runs[:i], of.runs[i+1:]...)
				break
			}
		}
		of.cond.Broadcast()
	})
	return r
}

// span is where a run's bytes are.
func (of *object) span(r *run) (off, n int64) {
	off = r.from * blockSize
	return off, min(r.to*blockSize, of.o.Size) - off
}

// await waits until the block b is there, or reports that it has to be asked for once more.
func (of *object) await(ctx context.Context, f *File, b int64) (again bool, err error) {
	r := of.runOf(b)
	for {
		switch {
		case of.failed(f) != nil:
			return false, of.failed(f)
		case of.there(b):
			return false, nil
		case ctx.Err() != nil:
			return false, context.Cause(ctx)
		case of.ctx.Err() != nil:
			return false, errClosed
		case r == nil || r.done && (r.err == nil || errors.Is(r.err, errGivenUp)):
			return true, nil
		case r.done:
			return false, r.err
		}
		of.cond.Wait()
	}
}

// leave ends waiting for a run.
func (of *object) leave(r *run) {
	if r.waiters--; r.waiters == 0 && !r.kept {
		r.cancel()
	}
}

// fetch brings a run's blocks.
func (of *object) fetch(ctx context.Context, f *File, r *run, off, n int64) error {
	select {
	case of.c.gets <- struct{}{}:
		defer func() { <-of.c.gets }()
	case <-ctx.Done():
		return errGivenUp
	}
	if err := of.c.room(ctx, n, func() (waiting, must bool) { return of.need(r) }); err != nil {
		return err
	}
	defer of.c.came(n)
	err := f.insist(off, n, func(off, n int64) error { return of.receive(ctx, off/blockSize, off, n) })
	if err != nil && ctx.Err() != nil {
		return errGivenUp
	}
	if err != nil {
		return of.readError(err)
	}
	return nil
}

// need says who waits for a run.
func (of *object) need(r *run) (waiting, must bool) {
	of.mu.Lock()
	defer of.mu.Unlock()
	return r.waiters > 0, r.must
}

// receive reads n bytes from off on, where the block b begins.
func (of *object) receive(ctx context.Context, b, off, n int64) error {
	rd, err := of.b.Open(ctx, of.o.Key, of.options(off, n))
	if err != nil {
		return err
	}
	defer rd.Close()
	of.learn(rd.Object())
	return of.eachBlock(rd, b, n, of.keep)
}

// eachBlock takes n bytes from a reader, block by block, where the block b begins.
func (of *object) eachBlock(rd io.Reader, b, n int64, take func(b int64, p []byte) error) error {
	buf := make([]byte, min(blockSize, n))
	for n > 0 {
		p := buf[:min(blockSize, n)]
		if _, err := io.ReadFull(rd, p); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err := fmt.Errorf("the bytes end %d before the object's listed size: %w", n, storage.ErrChanged)
			return &storage.Error{Op: "read", URL: of.url(), Err: err}
		} else if err != nil {
			return err
		}
		if err := take(b, p); err != nil {
			return err
		}
		b++
		n -= int64(len(p))
	}
	return nil
}

// unwritable is why the cache cannot keep what has come: its disk is full, for example.
type unwritable struct{ err error }

func (u *unwritable) Error() string { return "write cache: " + u.err.Error() }
func (u *unwritable) Unwrap() error { return u.err }

// keep writes one block and enters it. After the last of all the whole is compared.
func (of *object) keep(b int64, p []byte) error {
	sum := castagnoli.Update(0, p)
	if err := of.agrees(b, sum); err != nil {
		return err
	}
	if err := of.write(b, p); err != nil {
		return err
	}
	of.mu.Lock()
	defer of.mu.Unlock()
	if of.sums != nil && of.sums[b] != sum { // they have been told meanwhile
		return &changedBlock{b}
	}
	of.fresh.add(b, of)
	if err := of.have.set(b, uint64(sum)|present|of.have.marksOf(b, sum)|of.agreed(b, sum)); err != nil {
		return &unwritable{err}
	}
	of.check(b)
	of.show(b, b+1, false)
	of.settle()
	of.cond.Broadcast()
	return nil
}
