package orc

import (
	"context"
	"errors"
	"io"

	"github.com/skepdata/skep/internal/orcfile"
)

// ReadAt reads all of p from a file, beginning with the byte numbered off; less is an error.
type ReadAt func(ctx context.Context, p []byte, off int64) error

func (r ReadAt) in(ctx context.Context) orcfile.ReadAt {
	return func(p []byte, off int64) error { return r(ctx, p, off) }
}

// window is how much of a stream is read at a time.
const window = 128 << 10

// stream gives out the bytes of a stream without compression.
type stream struct {
	ctx     context.Context // of the batch that is being read
	read    ReadAt
	at, end int64  // what of the file has not been read yet
	soon    int64  // what of it will be, up to there
	raw     []byte // what has been read and not decompressed: raw[from:]
	from    int
	decode  *orcfile.Decoder // nil if nothing is compressed
	block   int
	plain   []byte // of the chunk
	rest    []byte // what of it has not been given out
	skip    int64  // bytes without compression that are passed over first
}

// need makes sure that n bytes of the file have been read.
func (s *stream) need(n int) error {
	have := len(s.raw) - s.from
	if have >= n {
		return nil
	}
	if s.end-s.at < int64(n-have) {
		return orcfile.Malformed("a stream ends early")
	}
	more := int(min(s.end-s.at, int64(max(n-have, window))))
	if cap(s.raw) < have+more {
		grown := make([]byte, have, have+more)
		copy(grown, s.raw[s.from:])
		s.raw = grown
	} else {
		copy(s.raw[:have], s.raw[s.from:])
		s.raw = s.raw[:have]
	}
	s.from = 0
	s.raw = s.raw[:have+more]
	if err := s.read(s.ctx, s.raw[have:], s.at); err != nil {
		s.raw = s.raw[:have]
		return err
	}
	s.at += int64(more)
	return nil
}

// more makes rest not empty. At the end of the stream the error is io.EOF.
func (s *stream) more() error {
	for len(s.rest) == 0 || s.skip > 0 {
		if n := min(s.skip, int64(len(s.rest))); n > 0 {
			s.rest, s.skip = s.rest[n:], s.skip-n
			continue
		}
		if s.at == s.end && s.from == len(s.raw) {
			return io.EOF
		}
		if s.decode == nil {
			if err := s.need(1); err != nil {
				return err
			}
			s.rest, s.from = s.raw[s.from:], len(s.raw)
			continue
		}
		if err := s.chunk(); err != nil {
			return err
		}
	}
	return nil
}

// chunk reads the next chunk: three bytes with its length, and whether it is compressed.
func (s *stream) chunk() error {
	if err := s.need(orcfile.ChunkHead); err != nil {
		return err
	}
	n, packed, err := orcfile.ChunkHeader(s.raw[s.from:], s.block)
	if err != nil {
		return err
	}
	if err := s.need(orcfile.ChunkHead + n); err != nil {
		return err
	}
	chunk := s.raw[s.from+orcfile.ChunkHead : s.from+orcfile.ChunkHead+n]
	s.from += orcfile.ChunkHead + n
	if !packed {
		s.rest = chunk
		return nil
	}
	plain, err := s.decode.Decode(s.plain, chunk, s.block)
	if err != nil {
		return err
	}
	s.plain, s.rest = plain, plain
	return nil
}

// ReadByte is the next byte. A stream that ends is an error, since it has to have what is asked for.
func (s *stream) ReadByte() (byte, error) {
	if len(s.rest) == 0 {
		if err := s.more(); err != nil {
			return 0, early(err)
		}
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return b, nil
}

// full fills p.
func (s *stream) full(p []byte) error {
	for len(p) > 0 {
		if len(s.rest) == 0 {
			if err := s.more(); err != nil {
				return early(err)
			}
		}
		n := copy(p, s.rest)
		p, s.rest = p[n:], s.rest[n:]
	}
	return nil
}

// appended appends n bytes to dst. So a length that is nonsense takes no more memory than the stream has bytes.
func (s *stream) appended(dst []byte, n int64) ([]byte, error) {
	for n > 0 {
		if len(s.rest) == 0 {
			if err := s.more(); err != nil {
				return dst, early(err)
			}
		}
		k := min(n, int64(len(s.rest)))
		dst = append(dst, s.rest[:k]...)
		s.rest = s.rest[k:]
		n -= k
	}
	return dst, nil
}

func early(err error) error {
	if errors.Is(err, io.EOF) {
		return orcfile.Malformed("a stream ends early")
	}
	return err
}

// uvarint is a number of seven bits a byte, the lowest first.
func (s *stream) uvarint() (uint64, error) {
	var v uint64
	for shift := 0; shift < 70; shift += 7 {
		b, err := s.ReadByte()
		if err != nil {
			return 0, err
		}
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v, nil
		}
	}
	return 0, orcfile.Malformed("a number of more than 64 bits")
}

// integer is a number as its run says: signed by zigzag, or without a sign.
func (s *stream) integer(signed bool) (int64, error) {
	v, err := s.uvarint()
	if signed {
		return unzigzag(v), err
	}
	return int64(v), err
}

func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }
func zigzag(v int64) uint64   { return uint64(v<<1) ^ uint64(v>>63) }
