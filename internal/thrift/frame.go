package thrift

import (
	"bufio"
	"encoding/binary"
	"io"
)

// framed is a stream cut into frames: each has its length before it. A message may take several
// frames, which clients read as one stream. SASL uses the same form once it has agreed on who
// speaks.
type framed struct {
	r     *bufio.Reader
	w     io.Writer
	limit int64
	left  int // of the frame being read
}

func (f *framed) Read(p []byte) (int, error) {
	for f.left == 0 {
		var head [4]byte
		if _, err := io.ReadFull(f.r, head[:]); err != nil {
			return 0, err
		}
		n := int64(binary.BigEndian.Uint32(head[:]))
		if n > f.limit {
			return 0, malformed("a frame of %d bytes; more than %d are not accepted", n, f.limit)
		}
		f.left = int(n)
	}
	n, err := f.r.Read(p[:min(len(p), f.left)])
	f.left -= n
	return n, err
}

// peek is the first n bytes of the next frame, which begins here.
func (f *framed) peek(n int) ([]byte, error) {
	b, err := f.r.Peek(4 + n)
	if len(b) < 4+n {
		return nil, err
	}
	return b[4:], nil
}

func (f *framed) Write(p []byte) (int, error) {
	b := make([]byte, 4, 4+len(p))
	binary.BigEndian.PutUint32(b, uint32(len(p)))
	n, err := f.w.Write(append(b, p...))
	return max(0, n-4), err
}
