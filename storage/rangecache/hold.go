package rangecache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Hold is Fill that keeps the bytes where they are until release is called: blocks that nobody
// holds may be given up at any time when the cache is full. What is held may make the cache larger
// than it should be. release is not nil, and called once.
func (f *File) Hold(ctx context.Context, off, n int64) (release func(), err error) {
	return f.hold(ctx, off, n, true, nil)
}

// hold is Hold, or, where the cache need not have room, with must not set. What p has room for of the bytes is read into it.
func (f *File) hold(ctx context.Context, off, n int64, must bool, p []byte) (release func(), err error) {
	if off < 0 || n < 0 {
		return func() {}, fmt.Errorf("fill %s: %d bytes from %d on are no range", f.of.url(), n, off)
	}
	end := min(off+n, f.of.o.Size)
	if off >= end {
		return func() {}, nil
	}
	if f.of.unkept != nil {
		return func() {}, f.of.unkept
	}
	from, to := off/blockSize, blocksOf(end)
	f.of.pin(from, to)
	if err := f.of.fillRight(ctx, f, from, to, must, true, p, off); err != nil {
		f.of.unpin(from, to)
		return func() {}, err
	}
	return func() { f.of.unpin(from, to) }, nil
}

// fillRight is fill, reads p from off on, which is in the blocks, and fetches anew what the disk has damaged.
func (of *object) fillRight(ctx context.Context, f *File, from, to int64, must, use bool, p []byte, off int64) error {
	for range mostDamages {
		if err := of.fill(ctx, f, from, to, must, use); err != nil {
			return err
		}
		n, err := of.data.ReadAt(p, off)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read cache: %w", err)
		}
		right, err := of.verify(from, to, p[:n], off)
		switch {
		case err != nil:
			return err
		case right && n < len(p):
			return fmt.Errorf("read cache: %w", io.ErrUnexpectedEOF)
		case right:
			return nil
		}
	}
	return fmt.Errorf("cache %s: %w", of.data.Name(), errDamaged)
}

// pin keeps blocks from being given up.
func (of *object) pin(from, to int64) {
	of.mu.Lock()
	defer of.mu.Unlock()
	of.hold(from, to, 1)
}

// unpin ends that; the blocks have been read.
func (of *object) unpin(from, to int64) {
	of.mu.Lock()
	defer of.mu.Unlock()
	of.hold(from, to, -1)
	for b := from; b < to; b++ {
		of.done.add(b, of)
	}
}

// hold is pin, or the end of it. The caller holds the lock.
func (of *object) hold(from, to int64, by int) {
	if of.pins == nil {
		of.pins = make([]uint16, len(of.have.blocks))
	}
	for b := from; b < to; b++ {
		of.pins[b] = uint16(int(of.pins[b]) + by)
	}
}

// giveUp punches holes for blocks that nobody holds, those first that have been read, until it has
// freed as much as wanted. It gives up nothing of an object that another process uses too, for that
// one could not be told. With only set it leaves blocks that have not been read.
func (of *object) giveUp(wanted int64, only bool) (freed int64) {
	of.mu.Lock()
	defer of.mu.Unlock()
	if !of.alone() {
		return 0
	}
	defer of.shared()
	for _, read := range []bool{true, false} {
		if !read && only {
			break
		}
		for b := int64(0); b < int64(len(of.have.blocks)) && freed < wanted; b++ {
			if !of.have.has(b) || of.held(b) || read != of.hasRead(b) {
				continue
			}
			of.hide(b, b+1)
			if of.have.giveUp(b) != nil || punch(of.data, b*blockSize, blockSize) != nil {
				return freed
			}
			freed += blockSize
			of.done.remove(b)
		}
	}
	return freed
}

// hasRead reports whether somebody has read a block. The caller holds the lock.
func (of *object) hasRead(b int64) bool {
	t := of.table.Load()
	return of.done.has(b) || t != nil && t.words[b].Load()&TableUsed != 0
}

func (of *object) held(b int64) bool { return of.pins != nil && of.pins[b] > 0 }

// ReadAt reads len(p) bytes from off on, as io.ReaderAt does, and keeps what it fetches for that.
// If the cache is full of what others are reading, or its disk is, it fetches the bytes without
// keeping them.
func (f *File) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	if off >= f.of.o.Size {
		return 0, io.EOF
	}
	n := min(int64(len(p)), f.of.o.Size-off)
	release, err := f.hold(ctx, off, n, false, p[:n])
	var disk *unwritable
	switch {
	case errors.Is(err, errFull), errors.As(err, &disk):
		return f.direct(ctx, p, off)
	case err != nil:
		return 0, err
	}
	f.of.readBy(off/blockSize, blocksOf(off+n), f.exact())
	release()
	if n < int64(len(p)) {
		return int(n), io.EOF
	}
	return int(n), nil
}

// roomTime is how long a request waits for others to give up blocks that they read.
const roomTime = 50 * time.Millisecond

// errFull says that what is to come does not fit beside what others hold at the moment.
var errFull = errors.New("the cache is full of what is being read")

// room makes room for n more bytes. need says, each time, who waits for them: where nobody does it
// takes no blocks that are still to be read, and does not wait either; where somebody must have
// them in the file, they come at last even if they do not fit.
func (c *Cache) room(ctx context.Context, n int64, need func() (waiting, must bool)) error {
	deadline := time.Now().Add(roomTime)
	for {
		waiting, must := need()
		late := time.Now().After(deadline)
		ok, err := c.makeRoom(n, !waiting, must && late)
		switch {
		case err != nil || ok:
			return err
		case !waiting:
			return errGivenUp
		case late:
			return errFull
		}
		select {
		case <-ctx.Done():
			return errGivenUp
		case <-time.After(5 * time.Millisecond):
		}
	}
}
