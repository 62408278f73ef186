package formats

import (
	"bufio"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// Decompress gives the plain text of a file whose name's suffix says how it is compressed, as
// Hadoop chooses a codec: .gz, .bz2, .zst, .deflate, .snappy. Any other suffix means that it is
// not compressed, but for those of codecs that are not supported (.lzo, .lz4, .xz), which are an error.
// Closing the result does not close r.
func Decompress(name string, r io.Reader) (io.ReadCloser, error) {
	suffix := path.Ext(name)
	switch suffix {
	case ".gz", ".bz2", ".zst", ".zstd", ".deflate", ".snappy":
	case ".lzo", ".lzo_deflate", ".lz4", ".xz":
		return nil, fmt.Errorf("%s: the compression %s is %w yet", name, suffix, ErrUnsupported)
	default:
		return io.NopCloser(r), nil
	}
	buffered := bufio.NewReaderSize(r, 128<<10)
	if _, err := buffered.Peek(1); errors.Is(err, io.EOF) {
		return io.NopCloser(buffered), nil // an empty file has no rows, whatever its name
	}
	z, err := decompressor(suffix, buffered)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return z, nil
}

func decompressor(suffix string, r io.Reader) (io.ReadCloser, error) {
	switch suffix {
	case ".gz":
		return gzip.NewReader(r)
	case ".bz2":
		return io.NopCloser(bzip2.NewReader(r)), nil
	case ".deflate":
		return zlib.NewReader(r)
	case ".snappy":
		return io.NopCloser(&hadoopSnappy{r: r}), nil
	}
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
	if err != nil {
		return nil, err
	}
	return z.IOReadCloser(), nil
}

// hadoopSnappy reads Hadoop's frame around Snappy: blocks, each with its plain length, of
// chunks, each with its compressed length, all lengths in four bytes, the highest first.
type hadoopSnappy struct {
	r     io.Reader
	left  uint32 // plain bytes of the block that have not been decoded
	plain []byte // decoded and not yet read
	buf   []byte
	out   []byte
}

// maxSnappyChunk is above what Hadoop writes, whose buffers have 256 KiB.
const maxSnappyChunk = 64 << 20

func (h *hadoopSnappy) Read(p []byte) (int, error) {
	for len(h.plain) == 0 {
		if err := h.chunk(); err != nil {
			return 0, err
		}
	}
	n := copy(p, h.plain)
	h.plain = h.plain[n:]
	return n, nil
}

// chunk decodes the next chunk. Only between blocks may the file end.
func (h *hadoopSnappy) chunk() error {
	if h.left == 0 {
		n, err := h.length()
		if err != nil {
			return err
		}
		h.left = n
		return nil
	}
	n, err := h.length()
	if err != nil {
		return noEOF(err)
	}
	if n > maxSnappyChunk {
		return fmt.Errorf("a snappy chunk of %d bytes: this is no Hadoop snappy file", n)
	}
	if uint32(cap(h.buf)) < n {
		h.buf = make([]byte, n)
	}
	if _, err := io.ReadFull(h.r, h.buf[:n]); err != nil {
		return noEOF(err)
	}
	size, err := snappy.DecodedLen(h.buf[:n])
	if err != nil || uint32(size) > h.left || size > maxSnappyChunk {
		return fmt.Errorf("a snappy chunk is longer than its block: this is no Hadoop snappy file")
	}
	if h.out, err = snappy.Decode(h.out[:cap(h.out)], h.buf[:n]); err != nil {
		return err
	}
	h.plain = h.out
	h.left -= uint32(len(h.plain))
	return nil
}

func (h *hadoopSnappy) length() (uint32, error) {
	var b [4]byte
	_, err := io.ReadFull(h.r, b[:])
	return binary.BigEndian.Uint32(b[:]), err
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
