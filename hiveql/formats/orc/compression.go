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

// compression is a codec, numbered as in files.
type compression uint8

const (
	none compression = iota
	zlib
	snappyCodec
	lzo
	lz4Codec
	zstdCodec
)

// compressionNamed is a codec by its name in the table property orc.compress.
func compressionNamed(name string) (compression, error) {
	names := map[string]compression{"NONE": none, "": zlib, "ZLIB": zlib, "SNAPPY": snappyCodec, "LZ4": lz4Codec, "ZSTD": zstdCodec}
	if c, ok := names[name]; ok {
		return c, nil
	}
	return 0, fmt.Errorf("orc.compress=%s is %w yet; ZLIB, SNAPPY, LZ4, ZSTD and NONE are", name, ErrUnsupported)
}

// codec compresses and decompresses, one chunk after the other. What it needs for that is kept.
type codec struct {
	kind    compression
	inflate io.ReadCloser
	deflate *flate.Writer
	decoder *zstd.Decoder
	room    []byte // for LZ4 and Zstandard
	encoder *zstd.Encoder
}

// maxBytes bounds what one stream of a stripe may have when it is decompressed.
const maxBytes = 1 << 30

// plain takes the compression off a stream: chunks, each with its length in three bytes, the lowest
// first, whose lowest bit says that the chunk is as it was.
func (c *codec) plain(b []byte) ([]byte, error) {
	if c.kind == none {
		return b, nil
	}
	var out []byte
	for len(b) > 0 {
		if len(b) < 3 {
			return nil, errDamaged
		}
		head := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
		size := head >> 1
		if b = b[3:]; size > len(b) {
			return nil, errDamaged
		}
		chunk := b[:size]
		b = b[size:]
		if head&1 == 1 {
			if out == nil && len(b) == 0 {
				return chunk, nil
			}
			out = append(out, chunk...)
			continue
		}
		var err error
		if out, err = c.decompress(out, chunk); err != nil {
			return nil, err
		}
		if len(out) > maxBytes {
			return nil, fmt.Errorf("a stream has more than %d bytes", maxBytes)
		}
	}
	return out, nil
}

// maxChunk is the most that ORC's writers put into one chunk.
const maxChunk = 1 << 23

func (c *codec) decompress(out, chunk []byte) ([]byte, error) {
	switch c.kind {
	case zlib:
		return c.inflated(out, chunk)
	case snappyCodec:
		n, err := snappy.DecodedLen(chunk)
		if err != nil || n > maxChunk {
			return nil, errDamaged
		}
		plain, err := snappy.Decode(nil, chunk)
		return append(out, plain...), err
	case lz4Codec:
		for size := max(len(c.room), chunkBytes); ; size *= 4 {
			if size > len(c.room) {
				c.room = make([]byte, size)
			}
			n, err := lz4.UncompressBlock(chunk, c.room)
			if err == nil {
				return append(out, c.room[:n]...), nil
			}
			if size >= maxChunk { // it is not for want of room
				return nil, err
			}
		}
	case zstdCodec:
		if c.decoder == nil {
			var err error
			if c.decoder, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxChunk)); err != nil {
				return nil, err
			}
		}
		plain, err := c.decoder.DecodeAll(chunk, c.room[:0])
		c.room = plain[:cap(plain)]
		return append(out, plain...), err
	}
	return nil, fmt.Errorf("the compression %d of an ORC file (3 is LZO) is %w yet", c.kind, ErrUnsupported)
}

func (c *codec) inflated(out, chunk []byte) ([]byte, error) {
	if in := bytes.NewReader(chunk); c.inflate == nil {
		c.inflate = flate.NewReader(in)
	} else if err := c.inflate.(flate.Resetter).Reset(in, nil); err != nil {
		return nil, err
	}
	w := bytes.NewBuffer(out)
	_, err := w.ReadFrom(io.LimitReader(c.inflate, maxChunk+1))
	return w.Bytes(), err
}

// chunkBytes is how much a chunk has before it is compressed.
const chunkBytes = 256 << 10

// compressed is a stream in chunks.
func (c *codec) compressed(b []byte) ([]byte, error) {
	if c.kind == none {
		return b, nil
	}
	var out []byte
	for len(b) > 0 {
		chunk := b[:min(len(b), chunkBytes)]
		b = b[len(chunk):]
		small, err := c.compress(chunk)
		if err != nil {
			return nil, err
		}
		head := len(small) << 1
		if small == nil || len(small) >= len(chunk) {
			small, head = chunk, len(chunk)<<1|1
		}
		out = append(append(out, byte(head), byte(head>>8), byte(head>>16)), small...)
	}
	return out, nil
}

// compress is nil for what cannot be compressed.
func (c *codec) compress(chunk []byte) ([]byte, error) {
	switch c.kind {
	case zlib:
		return c.deflated(chunk)
	case snappyCodec:
		return snappy.Encode(nil, chunk), nil
	case lz4Codec:
		out := make([]byte, lz4.CompressBlockBound(len(chunk)))
		n, err := lz4.CompressBlock(chunk, out, nil)
		if n == 0 {
			return nil, err
		}
		return out[:n], err
	}
	if c.encoder == nil {
		var err error
		if c.encoder, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1)); err != nil {
			return nil, err
		}
	}
	return c.encoder.EncodeAll(chunk, nil), nil
}

func (c *codec) deflated(chunk []byte) ([]byte, error) {
	var b bytes.Buffer
	var err error
	if c.deflate == nil {
		c.deflate, err = flate.NewWriter(&b, flate.DefaultCompression)
	} else {
		c.deflate.Reset(&b)
	}
	if err != nil {
		return nil, err
	}
	_, err = c.deflate.Write(chunk)
	err = errors.Join(err, c.deflate.Close())
	return b.Bytes(), err
}
