package formats

import (
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Codec is a way to compress files, which their names say by Suffix.
type Codec struct {
	Suffix string // ".gz"
	wrap   func(io.Writer) (io.WriteCloser, error)
}

// CodecOf finds a codec by the name of its Hadoop class, with or without the package; "" is gzip.
// bzip2 and LZO, which can only be read or not even that, are errors that wrap ErrUnsupported.
func CodecOf(class string) (Codec, error) {
	switch name := className(class); name {
	case "", "GzipCodec", "BuiltInGzipCompressor":
		return Codec{".gz", func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }}, nil
	case "DefaultCodec", "DeflateCodec":
		return Codec{".deflate", func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w), nil }}, nil
	case "ZStandardCodec":
		return Codec{".zst", func(w io.Writer) (io.WriteCloser, error) {
			return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
		}}, nil
	case "SnappyCodec":
		return Codec{".snappy", func(w io.Writer) (io.WriteCloser, error) {
			return &hadoopWriter{w: w, encode: func(dst, block []byte) ([]byte, error) { return snappy.Encode(dst, block), nil }}, nil
		}}, nil
	case "Lz4Codec":
		return Codec{".lz4", func(w io.Writer) (io.WriteCloser, error) {
			return &hadoopWriter{w: w, encode: encodeLZ4}, nil
		}}, nil
	default:
		return Codec{}, fmt.Errorf("writing files of the codec %s is %w yet; GzipCodec, DefaultCodec, ZStandardCodec, SnappyCodec and Lz4Codec are",
			strings.TrimSpace(name), ErrUnsupported)
	}
}

// Compress compresses what is written to w. Closing the result does not close w.
func (c Codec) Compress(w io.Writer) (io.WriteCloser, error) { return c.wrap(w) }

func encodeLZ4(dst, block []byte) ([]byte, error) {
	if most := lz4.CompressBlockBound(len(block)); cap(dst) < most {
		dst = make([]byte, most)
	}
	n, err := lz4.CompressBlock(block, dst[:cap(dst)], nil)
	if err == nil && n == 0 {
		err = fmt.Errorf("a block cannot be compressed by LZ4")
	}
	return dst[:n], err
}

// hadoopWriter writes what hadoopBlocks reads: blocks of one chunk each.
type hadoopWriter struct {
	w      io.Writer
	encode func(dst, block []byte) ([]byte, error)
	block  []byte
	out    []byte
}

// hadoopBlock is the size of Hadoop's buffers.
const hadoopBlock = 256 << 10

func (h *hadoopWriter) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		n := min(len(p), hadoopBlock-len(h.block))
		h.block = append(h.block, p[:n]...)
		p = p[n:]
		if len(h.block) == hadoopBlock {
			if err := h.flush(); err != nil {
				return total - len(p), err
			}
		}
	}
	return total, nil
}

func (h *hadoopWriter) flush() error {
	if len(h.block) == 0 {
		return nil
	}
	var err error
	if h.out, err = h.encode(h.out[:cap(h.out)], h.block); err != nil {
		return err
	}
	head := binary.BigEndian.AppendUint32(nil, uint32(len(h.block)))
	head = binary.BigEndian.AppendUint32(head, uint32(len(h.out)))
	h.block = h.block[:0]
	if _, err := h.w.Write(head); err != nil {
		return err
	}
	_, err = h.w.Write(h.out)
	return err
}

func (h *hadoopWriter) Close() error { return h.flush() }
