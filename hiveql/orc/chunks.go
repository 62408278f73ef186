package orc

// chunks collects the bytes of a stream that is being written, in chunks that are compressed as they become full.
type chunks struct {
	encode *encoder // nil if nothing is compressed
	size   int      // of a chunk
	open   []byte   // the chunk that is not full
	done   []byte   // what the file is to have
	err    error
}

func (c *chunks) byte(b byte) {
	if c.open = append(c.open, b); len(c.open) >= c.size {
		c.end()
	}
}

func (c *chunks) bytes(b []byte) {
	for len(b) > 0 {
		n := min(len(b), c.size-len(c.open))
		c.open = append(c.open, b[:n]...)
		if b = b[n:]; len(c.open) >= c.size {
			c.end()
		}
	}
}

// end ends the open chunk.
func (c *chunks) end() {
	if len(c.open) == 0 {
		return
	}
	if c.encode == nil {
		c.done = append(c.done, c.open...)
		c.open = c.open[:0]
		return
	}
	packed, err := c.encode.encode(c.open)
	if err != nil && c.err == nil {
		c.err = err
	}
	header, body := len(packed)<<1, packed
	if packed == nil {
		header, body = len(c.open)<<1|1, c.open
	}
	c.done = append(append(c.done, byte(header), byte(header>>8), byte(header>>16)), body...)
	c.open = c.open[:0]
}

// held is how much memory it takes.
func (c *chunks) held() int { return len(c.open) + len(c.done) }

// take ends the stream and returns its bytes, which are valid until the next one begins.
func (c *chunks) take() ([]byte, error) {
	c.end()
	b := c.done
	c.done = c.done[:0]
	return b, c.err
}
