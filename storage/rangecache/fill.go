package rangecache

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/skepdata/skep/storage"
)

const (
	// runBlocks is the most that one request asks for: 4 MiB.
	runBlocks = int64(64)
	// aheadBlocks is how much a Fill asks for before what it waits for has come: 64 MiB.
	aheadBlocks = 1024
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

// fill is told whether the blocks must come also when the cache is full.
func (of *object) fill(ctx context.Context, f *File, from, to int64, must bool) error {
	of.mu.Lock()
	defer of.mu.Unlock()
	f.note(from, to)
	stop := func() bool { return true }
	joined := map[*run]bool{}
	defer func() {
		stop()
		for r := range joined {
			of.leave(r)
		}
	}()
	asked := from // all before is there or on its way
	for b := from; b < to; {
		if of.have.has(b) {
			b++
			continue
		}
		if len(joined) == 0 {
			if err := of.have.refresh(from, to); err != nil {
				return of.readError(err)
			}
			stop = context.AfterFunc(ctx, func() {
				of.mu.Lock()
				defer of.mu.Unlock()
				of.cond.Broadcast()
			})
		}
		asked = max(asked, b)
		for asked < min(to, b+aheadBlocks) {
			asked = of.ask(f, asked, to, joined, must)
		}
		again, err := of.await(ctx, b)
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

// ask makes sure that the block b is there or on its way, and returns the next that may not be.
func (of *object) ask(f *File, b, to int64, joined map[*run]bool, must bool) int64 {
	if of.have.has(b) {
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
	off, n := of.span(r)
	f.fetched.Add(n)
	f.requests.Add(1)
	if f.brought == nil {
		f.brought = newBits(len(of.have.blocks))
	}
	for b := r.from; b < r.to; b++ {
		f.brought[b/64] |= 1 << (b % 64)
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
func (of *object) await(ctx context.Context, b int64) (again bool, err error) {
	r := of.runOf(b)
	for {
		switch {
		case of.have.has(b):
			return false, nil
		case ctx.Err() != nil:
			return false, context.Cause(ctx)
		case of.wrong != nil:
			return false, of.wrong
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
	opts := storage.ReadOptions{IfMatch: of.o.ETag, Offset: off, Length: n, Unverified: true}
	if n == of.o.Size {
		opts.Length = 0 // S3 tells the sum only to those who ask for no range
	}
	rd, err := of.b.Open(ctx, of.o.Key, opts)
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

// learn takes the sum of the whole from an object that has been opened: listings tell none.
func (of *object) learn(o storage.Object) {
	of.mu.Lock()
	defer of.mu.Unlock()
	if !of.sum.Known && o.ETag == of.o.ETag {
		of.sum = o.CRC32C
	}
}

// keep writes one block and enters it. The last of all also says whether the whole is right.
func (of *object) keep(b int64, p []byte) error {
	sum := crc32.Checksum(p, castagnoli)
	if err := of.agrees(b, sum); err != nil {
		return err
	}
	if _, err := of.data.WriteAt(p, b*blockSize); err != nil {
		return &unwritable{err}
	}
	of.mu.Lock()
	defer of.mu.Unlock()
	if of.sums != nil && of.sums[b] != sum { // they have been told meanwhile
		return &changedBlock{b}
	}
	v := uint64(sum) | present
	missing := len(of.have.blocks) - of.have.there
	if missing == 1 && !of.have.has(b) {
		if err := of.compareWhole(b, v); err != nil {
			return err
		}
	}
	if err := of.have.set(b, v); err != nil {
		return &unwritable{err}
	}
	of.check(b)
	of.cond.Broadcast()
	return nil
}

// compareWhole compares the sum of all blocks, of which b is the last that came, with the
// store's. If they differ nobody knows which block is wrong, and all are forgotten.
func (of *object) compareWhole(b int64, v uint64) error {
	if !of.sum.Known {
		return nil
	}
	var whole storage.Joiner
	for i, e := range of.have.blocks {
		if int64(i) == b {
			e = v
		}
		whole.Append(storage.Checksum{Sum: uint32(e), Known: true}, min(blockSize, of.o.Size-int64(i)*blockSize))
	}
	got := whole.Sum()
	if !of.sum.Differs(got) {
		return nil
	}
	for i := range of.have.blocks {
		if err := of.have.set(int64(i), 0); err != nil {
			return fmt.Errorf("write cache: %w", err)
		}
	}
	err := fmt.Errorf("%w: CRC32C is %s, the store says %s", storage.ErrChecksum, got, of.sum)
	of.wrong = &storage.Error{Op: "read", URL: of.url(), Err: err}
	return of.wrong
}
