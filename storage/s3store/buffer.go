package s3store

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/skepdata/skep/storage"
)

// Content is held in memory in chunks: one small one for a small object, large ones for what is
// larger, so that an object, or a part of one, takes the memory it needs and no more. The large ones
// stay in a processor's cache between being filled and being handed on.
const (
	tinyChunk  = 16 << 10 // of what is known to be no larger: hundreds of such objects are sent at once
	smallChunk = 64 << 10
	largeChunk = 256 << 10
)

// bufferPool lends the chunks that hold a part, or a whole small object, while it is being sent.
// The zero value is ready. It is safe for concurrent use.
type bufferPool struct {
	tiny, small, large sync.Pool // of *[]byte
}

// get lends an empty chunk of one of the sizes.
func (p *bufferPool) get(size int) []byte {
	pool := &p.large
	switch size {
	case tinyChunk:
		pool = &p.tiny
	case smallChunk:
		pool = &p.small
	}
	if b, ok := pool.Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return make([]byte, 0, size)
}

// put takes back what get has lent.
func (p *bufferPool) put(b []byte) {
	switch cap(b) {
	case tinyChunk:
		p.tiny.Put(&b)
	case smallChunk:
		p.small.Put(&b)
	case largeChunk:
		p.large.Put(&b)
	}
}

// chunks is content in memory that grows by being written to. One goroutine at a time uses it.
type chunks struct {
	pool   *bufferPool
	chunks [][]byte // all full but the last
	n      int64
}

// room is where further bytes go, of a content of which so many in all are expected, or 0.
func (c *chunks) room(expected int64) []byte {
	if len(c.chunks) > 0 {
		last := c.chunks[len(c.chunks)-1]
		if len(last) < cap(last) {
			return last[len(last):cap(last)]
		}
	}
	size := largeChunk
	switch {
	case len(c.chunks) > 0:
	case 0 < expected && expected <= tinyChunk:
		size = tinyChunk
	case expected <= smallChunk:
		size = smallChunk
	}
	chunk := c.pool.get(size)
	c.chunks = append(c.chunks, chunk)
	return chunk[:cap(chunk)]
}

// filled says that so many bytes were put into room.
func (c *chunks) filled(n int) {
	last := &c.chunks[len(c.chunks)-1]
	*last = (*last)[:len(*last)+n]
	c.n += int64(n)
}

// write appends p to a content of which so many bytes are expected.
func (c *chunks) write(p []byte, expected int64) {
	for len(p) > 0 {
		n := copy(c.room(expected), p)
		c.filled(n)
		p = p[n:]
	}
}

// readFull appends n bytes that r has.
func (c *chunks) readFull(r io.Reader, n int64) error {
	for n > 0 {
		room := c.room(n)
		got, err := io.ReadFull(r, room[:min(int64(len(room)), n)])
		c.filled(got)
		n -= int64(got)
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// release gives the memory back.
func (c *chunks) release() {
	for _, b := range c.chunks {
		c.pool.put(b)
	}
	c.chunks, c.n = nil, 0
}

func (c *chunks) sum() storage.Checksum {
	sum := storage.CRC32C(nil)
	for _, b := range c.chunks {
		sum = storage.UpdateCRC32C(sum, b)
	}
	return sum
}

// size and body are those of a content.
func (c *chunks) size() int64 { return c.n }

func (c *chunks) body() io.ReadSeeker {
	if len(c.chunks) == 1 {
		return bytes.NewReader(c.chunks[0])
	}
	return &chunksBody{c: c}
}

// chunksBody reads chunks, which nobody writes to meanwhile.
type chunksBody struct {
	c   *chunks
	off int64
}

// rest is what follows in the chunk that comes next; it is empty at the end.
func (b *chunksBody) rest() []byte {
	off := b.off
	for _, chunk := range b.c.chunks {
		if off < int64(len(chunk)) {
			return chunk[off:]
		}
		off -= int64(len(chunk))
	}
	return nil
}

func (b *chunksBody) Read(p []byte) (int, error) {
	rest := b.rest()
	if len(rest) == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	n := copy(p, rest)
	b.off += int64(n)
	return n, nil
}

// WriteTo implements io.WriterTo: a connection takes the chunks as they are.
func (b *chunksBody) WriteTo(w io.Writer) (written int64, err error) {
	for rest := b.rest(); len(rest) > 0; rest = b.rest() {
		n, err := w.Write(rest)
		b.off += int64(n)
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

func (b *chunksBody) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += b.off
	case io.SeekEnd:
		offset += b.c.n
	}
	if offset < 0 {
		return 0, errors.New("seek to before the beginning")
	}
	b.off = offset
	return offset, nil
}
