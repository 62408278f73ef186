package codec

import (
	"errors"
	"io"
)

// compressor turns a stream of bytes into blocks that are compressed independently of each
// other, several at once, and written in order. Goroutines only compress: all writing is done
// by the caller of Write and Close, and Close returns when every goroutine is done.
type compressor[T any] struct {
	size int // of a block
	crew *Crew
	// encode compresses a block. It is called from several goroutines. dict is up to history
	// bytes that came before the block; last marks the block that ends the stream.
	encode  func(block, dict []byte, last bool) (T, error)
	history int
	// emit writes what encode returned, in order.
	emit func(T) error
	// finish is called once, after the last block.
	finish func() error
	// endless asks for a last block even if it is empty.
	endless bool

	rank    uint64 // in the crew; 0 before the first block
	block   []byte
	dict    []byte
	pending []chan result[T]
	err     error
	closed  bool
}

// firstBlock is what a block takes at first, for outputs that are small.
const firstBlock = 64 << 10

type result[T any] struct {
	value T
	err   error
}

func (c *compressor[T]) Write(p []byte) (int, error) {
	if c.closed {
		return 0, errors.New("write to a closed compressor")
	}
	written := 0
	for len(p) > 0 && c.err == nil {
		if len(c.block) == c.size {
			c.start(false)
			continue
		}
		n := min(len(p), c.size-len(c.block))
		c.makeRoom(len(c.block) + n)
		c.block = append(c.block, p[:n]...)
		p, written = p[n:], written+n
	}
	return written, c.err
}

// makeRoom makes the block large enough for n bytes.
func (c *compressor[T]) makeRoom(n int) {
	if n <= cap(c.block) {
		return
	}
	size := c.size
	if n <= firstBlock {
		size = min(size, firstBlock)
	}
	larger := append(c.crew.block(size), c.block...)
	c.crew.put(c.block)
	c.block = larger
}

// start hands the block to a goroutine, after room has been made for it.
func (c *compressor[T]) start(last bool) {
	if c.rank == 0 {
		c.rank = c.crew.join()
	}
	for len(c.pending) >= c.crew.size {
		c.collect(<-c.pending[0])
	}
	c.collectDone() // others may come first, and what is done need not wait for them in memory
	block, dict := c.block, c.dict
	c.block = nil
	if c.history > 0 {
		c.dict = append([]byte(nil), block[max(0, len(block)-c.history):]...)
	}
	done := make(chan result[T], 1)
	c.pending = append(c.pending, done)
	c.crew.enter(c.rank) // here, so that who waits fills no further block
	run := func() {
		value, err := c.encode(block, dict, last)
		c.crew.leave()
		c.crew.put(block)
		done <- result[T]{value, err}
	}
	if c.crew.size == 1 {
		run()
		return
	}
	go run()
}

// collectDone writes the blocks that are done, up to the first that is not.
func (c *compressor[T]) collectDone() {
	for len(c.pending) > 0 {
		select {
		case r := <-c.pending[0]:
			c.collect(r)
		default:
			return
		}
	}
}

// collect writes the oldest block, of which r is the result.
func (c *compressor[T]) collect(r result[T]) {
	c.pending = c.pending[1:]
	if c.err == nil {
		c.err = r.err
	}
	if c.err == nil {
		c.err = c.emit(r.value)
	}
}

func (c *compressor[T]) Close() error {
	if c.closed {
		return c.err
	}
	c.closed = true
	if c.err == nil && (len(c.block) > 0 || c.endless) {
		c.start(true)
	}
	for len(c.pending) > 0 {
		c.collect(<-c.pending[0])
	}
	if c.err == nil && c.finish != nil {
		c.err = c.finish()
	}
	c.crew.put(c.block)
	c.block, c.dict = nil, nil
	return c.err
}

// writeTo is an emit function for blocks that are complete as they are.
func writeTo(w io.Writer) func([]byte) error {
	return func(b []byte) error {
		_, err := w.Write(b)
		return err
	}
}
