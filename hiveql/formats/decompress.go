package formats

import (
	"bufio"
	"compress/bzip2"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"path"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/klauspost/readahead"
	"github.com/pierrec/lz4/v4"
)

// Decompress gives the plain text of a file whose name's suffix says how it is compressed, as
// Hadoop chooses a codec: .gz, .bz2, .zst, .deflate, .snappy, .lz4. Any other suffix means that it
// is not compressed, but for those of codecs that are not supported (.lzo, .xz), which are an error.
//
// With more than one thread it runs ahead of its reader, by a few megabytes: bzip2 decodes as many
// blocks at once, Zstandard decodes in stages, and the others decode one buffer while the one before
// is being read. The end of ctx ends that. Closing the result waits for what runs ahead, so that r
// is not read any more, and does not close r.
func Decompress(ctx context.Context, name string, r io.Reader, threads int) (io.ReadCloser, error) {
	suffix := path.Ext(name)
	switch suffix {
	case ".gz", ".bz2", ".zst", ".zstd", ".deflate", ".snappy", ".lz4":
	case ".lzo", ".lzo_deflate", ".xz":
		return nil, fmt.Errorf("%s: the compression %s is %w yet", name, suffix, ErrUnsupported)
	default:
		return io.NopCloser(r), nil
	}
	buffered := bufio.NewReaderSize(r, 128<<10)
	if _, err := buffered.Peek(1); errors.Is(err, io.EOF) {
		return io.NopCloser(buffered), nil // an empty file has no rows, whatever its name
	}
	z, err := decompressor(ctx, suffix, buffered, threads)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return z, nil
}

const (
	// What is decoded before it is wanted.
	aheadBuffers = 4
	aheadBytes   = 512 << 10
)

func decompressor(ctx context.Context, suffix string, r *bufio.Reader, threads int) (io.ReadCloser, error) {
	switch suffix {
	case ".bz2":
		if threads > 1 {
			return newBzip2Ahead(ctx, r, threads), nil
		}
		return io.NopCloser(bzip2.NewReader(r)), nil
	case ".zst", ".zstd":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(max(threads, 1)), zstd.WithDecoderMaxMemory(1<<30))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	}
	z, err := serial(suffix, r)
	if err != nil || threads < 2 {
		return z, err
	}
	return readahead.NewReadCloserSize(z, aheadBuffers, aheadBytes)
}

// serial decodes by one thread.
func serial(suffix string, r io.Reader) (io.ReadCloser, error) {
	switch suffix {
	case ".gz":
		return gzip.NewReader(r)
	case ".deflate":
		return zlib.NewReader(r)
	case ".snappy":
		return io.NopCloser(&hadoopBlocks{r: r, decode: decodeSnappy}), nil
	}
	return io.NopCloser(&hadoopBlocks{r: r, decode: decodeLZ4}), nil
}

// compressed reports whether the suffix of a file's name is that of a codec.
func compressed(name string) bool {
	switch path.Ext(name) {
	case ".gz", ".bz2", ".zst", ".zstd", ".deflate", ".snappy", ".lz4", ".lzo", ".lzo_deflate", ".xz":
		return true
	}
	return false
}

// Splits cuts a file of the given name and size into parts of about so many bytes. A compressed
// file is one part.
func Splits(name string, size, part int64) []Split {
	n := max(size/part, 1)
	if compressed(name) {
		n = 1
	}
	list := make([]Split, n)
	for i := range n {
		list[i] = Split{From: size / n * i, To: size / n * (i + 1)}
	}
	list[n-1].To = math.MaxInt64
	return list
}

// hadoopBlocks reads Hadoop's frame around Snappy and LZ4: blocks, each with its plain length, of
// chunks, each with its compressed length, all lengths in four bytes, the highest first.
type hadoopBlocks struct {
	// decode decodes a chunk of at most most plain bytes, into dst where it has room.
	decode func(dst, chunk []byte, most int) ([]byte, error)

	r     io.Reader
	left  uint32 // plain bytes of the block that have not been decoded
	plain []byte // decoded and not yet read
	buf   []byte
	out   []byte
}

// maxChunk is above what Hadoop writes, whose buffers have 256 KiB.
const maxChunk = 64 << 20

func (h *hadoopBlocks) Read(p []byte) (int, error) {
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
func (h *hadoopBlocks) chunk() error {
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
	if n > maxChunk {
		return fmt.Errorf("a chunk of %d bytes: this is no file that Hadoop compressed", n)
	}
	if uint32(cap(h.buf)) < n {
		h.buf = make([]byte, n)
	}
	if _, err := io.ReadFull(h.r, h.buf[:n]); err != nil {
		return noEOF(err)
	}
	if h.out, err = h.decode(h.out[:cap(h.out)], h.buf[:n], int(min(h.left, maxChunk))); err != nil {
		return err
	}
	h.plain = h.out
	h.left -= uint32(len(h.plain))
	return nil
}

var errLongChunk = errors.New("a chunk is longer than its block: this is no file that Hadoop compressed")

func decodeSnappy(dst, chunk []byte, most int) ([]byte, error) {
	size, err := snappy.DecodedLen(chunk)
	if err != nil || size > most {
		return nil, errLongChunk
	}
	return snappy.Decode(dst, chunk)
}

func decodeLZ4(dst, chunk []byte, most int) ([]byte, error) {
	if len(dst) < most {
		dst = make([]byte, most)
	}
	n, err := lz4.UncompressBlock(chunk, dst[:most])
	if err != nil {
		return nil, errLongChunk
	}
	return dst[:n], nil
}

func (h *hadoopBlocks) length() (uint32, error) {
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
