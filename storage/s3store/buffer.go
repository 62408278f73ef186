package s3store

import "sync"

const smallestBuffer = 64 << 10

// bufferPool lends the buffers that hold a part, or a whole small object, while it is being
// sent. Sizes grow by four from 64 KiB to the part size, so that a thousand small files do
// not cost a thousand parts' worth of memory.
type bufferPool struct {
	classes []*bufferClass
}

type bufferClass struct {
	size int64
	pool sync.Pool // of *[]byte
}

func newBufferPool(partSize int64) *bufferPool {
	p := &bufferPool{}
	for size := int64(smallestBuffer); ; size *= 4 {
		size = min(size, partSize)
		p.classes = append(p.classes, &bufferClass{size: size})
		if size == partSize {
			return p
		}
	}
}

// get lends an empty buffer with room for at least size bytes. Sizes beyond the part size
// are made to measure and not kept.
func (p *bufferPool) get(size int64) []byte {
	for _, c := range p.classes {
		if size > c.size {
			continue
		}
		if b, ok := c.pool.Get().(*[]byte); ok {
			return (*b)[:0]
		}
		return make([]byte, 0, c.size)
	}
	return make([]byte, 0, size)
}

// put takes back what get has lent.
func (p *bufferPool) put(b []byte) {
	for _, c := range p.classes {
		if int64(cap(b)) == c.size {
			c.pool.Put(&b)
			return
		}
	}
}

// grow returns a buffer with b's content and room for at least size bytes.
func (p *bufferPool) grow(b []byte, size int64) []byte {
	bigger := append(p.get(size), b...)
	p.put(b)
	return bigger
}
