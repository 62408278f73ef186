package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/snappy"
)

const (
	// snappyBlock is what Hadoop's decompressor, with its buffer of 256 KiB, takes at a time.
	snappyBlock = 128 << 10
	// snappyChunk bounds the memory for a chunk that another writer made.
	snappyChunk = 64 << 20
	// snappyMagic starts Snappy's framing format. As the length of a Hadoop block it would be
	// negative, which keeps the two apart.
	snappyMagic = "\xff\x06\x00\x00sNaPpY"
)

func openSnappy(src *source) (io.ReadCloser, error) {
	if start, err := src.Peek(len(snappyMagic)); err == nil && string(start) == snappyMagic {
		return io.NopCloser(s2.NewReader(src, s2.ReaderMaxBlockSize(64<<10))), nil
	}
	h := &hadoopSnappy{src: src}
	return &blocks{next: h.next}, nil
}

// hadoopSnappy reads Hadoop's block format: the length of a block before compression, then its
// chunks, each behind its length, until they make up the block. Lengths are four bytes, the
// highest first.
type hadoopSnappy struct {
	src   *source
	left  uint32 // of the block, not yet decoded
	chunk []byte
}

func (h *hadoopSnappy) next(buf []byte) ([]byte, error) {
	for h.left == 0 {
		if end, err := h.src.atEnd(); err != nil {
			return nil, err
		} else if end {
			return nil, io.EOF
		}
		n, err := h.length()
		if err != nil {
			return nil, err
		}
		if n > 1<<31-1 {
			return nil, fmt.Errorf("the length of a block is %#x: the file is not in Hadoop's block format for snappy", n)
		}
		h.left = n
	}
	n, err := h.length()
	if err != nil {
		return nil, err
	}
	if n == 0 || n > snappyChunk {
		return nil, fmt.Errorf("the length of a chunk is %d", n)
	}
	if h.chunk, err = h.src.grow(h.chunk, int(n)); err != nil {
		return nil, err
	}
	size, err := snappy.DecodedLen(h.chunk)
	if err != nil {
		return nil, err
	}
	// A copy of up to 64 bytes takes two or more.
	if size > snappyChunk || size > 32*len(h.chunk) || uint32(size) > h.left {
		return nil, fmt.Errorf("a chunk of %d bytes claims to hold %d, its block %d", n, size, h.left)
	}
	if buf, err = snappy.Decode(enlarge(buf, size), h.chunk); err != nil {
		return nil, err
	}
	if size == 0 {
		return nil, errors.New("a chunk is empty")
	}
	h.left -= uint32(size)
	return buf, nil
}

func (h *hadoopSnappy) length() (uint32, error) {
	var b [4]byte
	err := h.src.readFull(b[:])
	return binary.BigEndian.Uint32(b[:]), err
}

func createSnappy(w io.Writer, opts Options) (io.WriteCloser, error) {
	c := &compressor[[]byte]{size: snappyBlock, crew: opts.Crew, endless: true, emit: writeTo(w)}
	c.encode = func(block, _ []byte, _ bool) ([]byte, error) {
		out := make([]byte, 8+snappy.MaxEncodedLen(len(block)))
		binary.BigEndian.PutUint32(out, uint32(len(block)))
		if len(block) == 0 { // an empty file, as Hadoop writes it
			return out[:4], nil
		}
		n := len(snappy.Encode(out[8:], block))
		binary.BigEndian.PutUint32(out[4:], uint32(n))
		return out[:8+n], nil
	}
	return c, nil
}
