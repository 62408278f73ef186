package orcfile

// Chunks collects the bytes of a stream that is being written, in chunks that are compressed as they become full.
type Chunks struct {
	Encode *Encoder // nil if nothing is compressed
	Size   int      // of a chunk, before compression
	open   []byte   // the chunk that is not full
	done   []byte   // what the file is to have
	err    error
}

// Byte appends a byte.
func (c *Chunks) Byte(b byte) {
	if c.open = append(c.open, b); len(c.open) >= c.Size {
		c.end()
	}
}

// Append appends bytes.
func (c *Chunks) Append(b []byte) {
	for len(b) > 0 {
		n := min(len(b), c.Size-len(c.open))
		c.open = append(c.open, b[:n]...)
		if b = b[n:]; len(c.open) >= c.Size {
			c.end()
		}
	}
}

// end ends the open chunk.
func (c *Chunks) end() {
	if len(c.open) == 0 {
		return
	}
	if c.Encode == nil {
		c.done = append(c.done, c.open...)
		c.open = c.open[:0]
		return
	}
	packed, err := c.Encode.encode(c.open)
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

// Held is how much memory it takes.
func (c *Chunks) Held() int { return len(c.open) + len(c.done) }

// End is where the next byte will be: how many of the stream, as the file is to have them, are before its chunk, and how many
// of the chunk. Where nothing is compressed there are no chunks.
func (c *Chunks) End() (chunk, bytes int) {
	if c.Encode == nil {
		return len(c.done) + len(c.open), 0
	}
	return len(c.done), len(c.open)
}

// Take ends the stream and returns its bytes, which are valid until the next one begins.
func (c *Chunks) Take() ([]byte, error) {
	c.end()
	b := c.done
	c.done = c.done[:0]
	return b, c.err
}

// Reset forgets what has not been taken.
func (c *Chunks) Reset() { c.open, c.done = c.open[:0], c.done[:0] }

// ChunkHead is how many bytes begin a chunk, and ChunkHeader what they say: how many follow, and whether these are compressed.
const ChunkHead = 3

// ChunkHeader reads the first bytes of a chunk, whose compressed bytes may be a little more than block, since codecs make
// longer what they cannot make shorter.
func ChunkHeader(b []byte, block int) (n int, packed bool, err error) {
	header := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
	if n = header >> 1; n > block+(block>>3)+1024 {
		return 0, false, Malformed("a chunk of %d bytes, where %d are the most", n, block)
	}
	return n, header&1 == 0, nil
}

// Unpack takes compression off a part of a file that is there as a whole, and that has MaxTail bytes without it at most.
func Unpack(b []byte, codec Codec, block int) (plain []byte, err error) {
	return unpack(b, codec, block, MaxTail)
}

// unpack is Unpack with a limit: a few bytes can stand for a chunk.
func unpack(b []byte, codec Codec, block, limit int) (plain []byte, err error) {
	if codec == CodecNone {
		return b, nil
	}
	d := &Decoder{Codec: codec}
	defer d.Close()
	var chunk []byte
	for len(b) > 0 {
		if len(b) < ChunkHead {
			return nil, Malformed("it ends early")
		}
		n, packed, err := ChunkHeader(b, block)
		if err != nil {
			return nil, err
		}
		if b = b[ChunkHead:]; len(b) < n {
			return nil, Malformed("it ends early")
		}
		part := b[:n]
		if packed {
			if chunk, err = d.Decode(chunk, part, block); err != nil {
				return nil, err
			}
			part = chunk
		}
		if len(part) > limit-len(plain) {
			return nil, Malformed("a footer, or an index, of more than %d bytes", limit)
		}
		plain, b = append(plain, part...), b[n:]
	}
	return plain, nil
}
