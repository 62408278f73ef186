package orcfile

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

// Codec is a way to compress chunks, by its number in files.
type Codec uint64

// The codecs.
const (
	CodecNone Codec = iota
	CodecZlib
	CodecSnappy
	CodecLZO
	CodecLZ4
	CodecZstd
)

func codecOf(n uint64) (Codec, error) {
	switch c := Codec(n); c {
	case CodecNone, CodecZlib, CodecSnappy, CodecLZ4, CodecZstd:
		return c, nil
	case CodecLZO:
		return c, fmt.Errorf("ORC files compressed by LZO are %w yet", ErrUnsupported)
	}
	return 0, Malformed("the codec %d is unknown", n)
}

// Decoder takes compression off chunks, one after the other.
type Decoder struct {
	Codec   Codec
	inflate io.ReadCloser
	zstd    *zstd.Decoder
}

// Decode returns what chunk is without compression, in the memory of dst where that has room. It is
// of up to limit bytes.
func (d *Decoder) Decode(dst, chunk []byte, limit int) ([]byte, error) {
	if cap(dst) < limit {
		dst = make([]byte, 0, limit)
	}
	plain, err := d.plain(dst[:0], chunk, limit)
	if err != nil {
		return nil, Malformed("a chunk of %d bytes cannot be decompressed: %v", len(chunk), err)
	}
	if len(plain) > limit {
		return nil, Malformed("a chunk has more than %d bytes", limit)
	}
	return plain, nil
}

func (d *Decoder) plain(dst, chunk []byte, limit int) (_ []byte, err error) {
	switch d.Codec {
	case CodecZlib:
		return d.inflated(dst, chunk, limit)
	case CodecSnappy:
		n, err := snappy.DecodedLen(chunk)
		if err != nil {
			return nil, err
		}
		if n > limit {
			return nil, fmt.Errorf("it has %d bytes", n)
		}
		return snappy.Decode(dst[:limit], chunk)
	case CodecLZ4:
		n, err := lz4.UncompressBlock(chunk, dst[:limit])
		if err != nil {
			return nil, err
		}
		return dst[:n], nil
	case CodecZstd:
		if d.zstd == nil {
			if d.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxBlock)); err != nil {
				return nil, err
			}
		}
		return d.zstd.DecodeAll(chunk, dst)
	}
	return append(dst, chunk...), nil
}

func (d *Decoder) inflated(dst, chunk []byte, limit int) ([]byte, error) {
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

// Close gives back what the decoder holds.
func (d *Decoder) Close() {
	if d.zstd != nil {
		d.zstd.Close()
	}
}

// Encoder compresses chunks.
type Encoder struct {
	Codec   Codec
	deflate *flate.Writer
	zstd    *zstd.Encoder
	lz4     lz4.Compressor
	out     []byte
}

// encode returns chunk compressed, which is valid until the next call, and nil if that is not shorter.
func (e *Encoder) encode(chunk []byte) ([]byte, error) {
	out, err := e.packed(chunk)
	if err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	if len(out) == 0 || len(out) >= len(chunk) {
		return nil, nil
	}
	return out, nil
}

func (e *Encoder) packed(chunk []byte) (_ []byte, err error) {
	switch e.Codec {
	case CodecZlib:
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
	case CodecSnappy:
		e.out = snappy.Encode(e.out[:cap(e.out)], chunk)
	case CodecLZ4:
		if n := lz4.CompressBlockBound(len(chunk)); cap(e.out) < n {
			e.out = make([]byte, n)
		}
		n, err := e.lz4.CompressBlock(chunk, e.out[:cap(e.out)])
		if err != nil {
			return nil, err
		}
		return e.out[:n], nil
	case CodecZstd:
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

// String is the name of a codec, as the table property orc.compress has it.
func (c Codec) String() string {
	if names := []string{"NONE", "ZLIB", "SNAPPY", "LZO", "LZ4", "ZSTD"}; c < Codec(len(names)) {
		return names[c]
	}
	return fmt.Sprintf("codec %d", uint64(c))
}
