package orc

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// codec is a way to compress chunks, by its number in files.
type codec uint64

const (
	codecNone codec = iota
	codecZlib
	codecSnappy
	codecLZO
	codecLZ4
	codecZstd
)

func codecOf(n uint64) (codec, error) {
	switch c := codec(n); c {
	case codecNone, codecZlib, codecSnappy, codecLZ4, codecZstd:
		return c, nil
	case codecLZO:
		return c, fmt.Errorf("ORC files compressed by LZO are %w yet", ErrUnsupported)
	}
	return 0, malformed("the codec %d is unknown", n)
}

// decoder takes compression off chunks, one after the other.
type decoder struct {
	codec   codec
	inflate io.ReadCloser
	zstd    *zstd.Decoder
}

// decode returns what chunk is without compression, in the memory of dst where that has room. It is
// of up to limit bytes.
func (d *decoder) decode(dst, chunk []byte, limit int) ([]byte, error) {
	if cap(dst) < limit {
		dst = make([]byte, 0, limit)
	}
	plain, err := d.plain(dst[:0], chunk, limit)
	if err != nil {
		return nil, malformed("a chunk of %d bytes cannot be decompressed: %v", len(chunk), err)
	}
	if len(plain) > limit {
		return nil, malformed("a chunk has more than %d bytes", limit)
	}
	return plain, nil
}

func (d *decoder) plain(dst, chunk []byte, limit int) (_ []byte, err error) {
	switch d.codec {
	case codecZlib:
		return d.inflated(dst, chunk, limit)
	case codecSnappy:
		n, err := snappy.DecodedLen(chunk)
		if err != nil {
			return nil, err
		}
		if n > limit {
			return nil, fmt.Errorf("it has %d bytes", n)
		}
		return snappy.Decode(dst[:limit], chunk)
	case codecLZ4:
		n, err := lz4.UncompressBlock(chunk, dst[:limit])
		if err != nil {
			return nil, err
		}
		return dst[:n], nil
	case codecZstd:
		if d.zstd == nil {
			if d.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBlock)); err != nil {
				return nil, err
			}
		}
		return d.zstd.DecodeAll(chunk, dst)
	}
	return append(dst, chunk...), nil
}

func (d *decoder) inflated(dst, chunk []byte, limit int) ([]byte, error) {
	if d.inflate == nil {
		d.inflate = flate.NewReader(bytes.NewReader(chunk))
	} else if err := d.inflate.(flate.Resetter).Reset(bytes.NewReader(chunk), nil); err != nil {
		return nil, err
	}
	n, err := io.ReadFull(d.inflate, dst[:limit])
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return dst[:n], nil
	}
	if err != nil {
		return nil, err
	}
	var one [1]byte
	if k, _ := d.inflate.Read(one[:]); k > 0 {
		return nil, fmt.Errorf("more than %d bytes", limit)
	}
	return dst[:n], nil
}

func (d *decoder) close() {
	if d.zstd != nil {
		d.zstd.Close()
	}
}

// encoder compresses chunks.
type encoder struct {
	codec   codec
	deflate *flate.Writer
	zstd    *zstd.Encoder
	lz4     lz4.Compressor
	out     []byte
}

// encode returns chunk compressed, which is valid until the next call, and nil if that is not shorter.
func (e *encoder) encode(chunk []byte) ([]byte, error) {
	out, err := e.packed(chunk)
	if err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	if len(out) == 0 || len(out) >= len(chunk) {
		return nil, nil
	}
	return out, nil
}

func (e *encoder) packed(chunk []byte) (_ []byte, err error) {
	switch e.codec {
	case codecZlib:
		buf := bytes.NewBuffer(e.out[:0])
		if e.deflate == nil {
			if e.deflate, err = flate.NewWriter(buf, flate.DefaultCompression); err != nil {
				return nil, err
			}
		} else {
			e.deflate.Reset(buf)
		}
		if _, err := e.deflate.Write(chunk); err != nil {
			return nil, err
		}
		if err := e.deflate.Close(); err != nil {
			return nil, err
		}
		e.out = buf.Bytes()
	case codecSnappy:
		e.out = snappy.Encode(e.out[:cap(e.out)], chunk)
	case codecLZ4:
		if n := lz4.CompressBlockBound(len(chunk)); cap(e.out) < n {
			e.out = make([]byte, n)
		}
		n, err := e.lz4.CompressBlock(chunk, e.out[:cap(e.out)])
		if err != nil {
			return nil, err
		}
		return e.out[:n], nil
	case codecZstd:
		if e.zstd == nil {
			if e.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1)); err != nil {
				return nil, err
			}
		}
		e.out = e.zstd.EncodeAll(chunk, e.out[:0])
	default:
		return nil, nil
	}
	return e.out, nil
}
