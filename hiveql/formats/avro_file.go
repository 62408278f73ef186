package formats

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/twmb/avro/ocf"
	"github.com/ulikunitz/xz"
)

// What is believed of an Avro file: how large its head and a block may be, and what a block is decompressed to.
const (
	avroHead  = 64 << 20
	avroBlock = 256 << 20
)

const avroMagic = "Obj\x01"

// avroFile reads the blocks of an object container file.
type avroFile struct {
	r     *bufio.Reader
	at    int64 // how many bytes were read
	notes map[string][]byte
	codec ocf.Codec
	mark  [16]byte // behind every block
	held  []byte   // as it lies in the file

	start  int64 // where the block read last begins
	blocks int64 // which of them it is, from 1
}

// openAvro reads the head of a file that is not empty.
func openAvro(r *bufio.Reader) (*avroFile, error) {
	f := &avroFile{r: r, notes: map[string][]byte{}}
	head := make([]byte, len(avroMagic))
	if err := f.read(head); err != nil || string(head) != avroMagic {
		return nil, errors.Join(errors.New("this is no Avro file"), err)
	}
	for {
		n, err := f.long()
		if err == nil && n < 0 {
			n = -n
			_, err = f.long()
		}
		if err != nil {
			return nil, err
		}
		if n == 0 {
			break
		}
		for range n {
			key, err := f.text()
			if err != nil {
				return nil, err
			}
			if f.notes[string(key)], err = f.text(); err != nil {
				return nil, err
			}
			if f.at > avroHead {
				return nil, errors.New("the head of the file does not end: it is damaged")
			}
		}
	}
	if err := f.read(f.mark[:]); err != nil {
		return nil, err
	}
	var err error
	f.codec, err = avroCodec(string(f.notes["avro.codec"]))
	return f, err
}

func (f *avroFile) close() error {
	if f.codec == nil {
		return nil
	}
	return f.codec.Close()
}

// next reads a block: how many records it has, and the bytes of them, which are good until the next call. The error behind
// the last is io.EOF.
func (f *avroFile) next() (records int64, data []byte, err error) {
	if _, err := f.r.Peek(1); err != nil {
		return 0, nil, err // io.EOF, where blocks may end
	}
	f.start = f.at
	f.blocks++
	if records, data, err = f.block(); err != nil {
		err = fmt.Errorf("%s: %w", f.place(), err)
	}
	return records, data, err
}

// place names the block read last.
func (f *avroFile) place() string { return fmt.Sprintf("block %d, at byte %d", f.blocks, f.start) }

func (f *avroFile) block() (records int64, data []byte, err error) {
	if records, err = f.long(); err != nil {
		return 0, nil, err
	}
	size, err := f.long()
	if err != nil {
		return 0, nil, err
	}
	if records < 0 || size < 0 || size > avroBlock {
		return 0, nil, fmt.Errorf("%d records in %d bytes: the file is damaged", records, size)
	}
	if f.held, err = f.take(f.held[:0], size); err != nil {
		return 0, nil, err
	}
	var mark [16]byte
	if err := f.read(mark[:]); err != nil {
		return 0, nil, err
	}
	if mark != f.mark {
		return 0, nil, errors.New("it does not end in the mark of the file, which is damaged")
	}
	if f.codec == nil {
		return records, f.held, nil
	}
	if bounded, ok := f.codec.(ocf.BoundedDecompressor); ok {
		data, err = bounded.DecompressBounded(f.held, avroBlock)
	} else {
		data, err = f.codec.Decompress(f.held)
	}
	return records, data, err
}

// take reads n bytes behind those of dst. Memory grows as they come.
func (f *avroFile) take(dst []byte, n int64) ([]byte, error) {
	for n > 0 {
		some := int(min(n, 1<<20))
		dst = slices.Grow(dst, some)
		if err := f.read(dst[len(dst) : len(dst)+some]); err != nil {
			return dst, err
		}
		dst = dst[:len(dst)+some]
		n -= int64(some)
	}
	return dst, nil
}

func (f *avroFile) read(p []byte) error {
	n, err := io.ReadFull(f.r, p)
	f.at += int64(n)
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// ReadByte is for binary.ReadVarint.
func (f *avroFile) ReadByte() (byte, error) {
	c, err := f.r.ReadByte()
	if err == nil {
		f.at++
	}
	return c, err
}

// long is an integer of Avro, which is one of protocol buffers.
func (f *avroFile) long() (int64, error) {
	n, err := binary.ReadVarint(f)
	if errors.Is(err, io.EOF) {
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

func (f *avroFile) text() ([]byte, error) {
	n, err := f.long()
	if err != nil {
		return nil, err
	}
	if n < 0 || n > avroHead {
		return nil, fmt.Errorf("a text of %d bytes in the head: the file is damaged", n)
	}
	return f.take(nil, n)
}

// avroCodec is the codec of a name in a file; nil for none.
func avroCodec(name string) (ocf.Codec, error) {
	switch name {
	case "", "null":
		return nil, nil
	case "deflate":
		return ocf.DeflateCodec(flate.DefaultCompression), nil
	case "snappy":
		return ocf.SnappyCodec(), nil
	case "zstandard":
		return ocf.ZstdCodec(nil, nil)
	case "bzip2":
		return bzip2Blocks{}, nil
	case "xz":
		return xzBlocks{}, nil
	}
	return nil, fmt.Errorf("the codec %s of an Avro file is %w; null, deflate, snappy, zstandard, bzip2 and xz are", name, ErrUnsupported)
}

// bzip2Blocks reads blocks in bzip2.
type bzip2Blocks struct{}

func (bzip2Blocks) Name() string { return "bzip2" }

func (bzip2Blocks) Close() error { return nil }

func (bzip2Blocks) Compress([]byte) ([]byte, error) {
	return nil, fmt.Errorf("writing Avro files in bzip2 is %w; they can be read", ErrUnsupported)
}

func (b bzip2Blocks) Decompress(src []byte) ([]byte, error) {
	return b.DecompressBounded(src, avroBlock)
}

func (bzip2Blocks) DecompressBounded(src []byte, most int64) ([]byte, error) {
	return readBounded(bzip2.NewReader(bytes.NewReader(src)), most)
}

// xzBlocks reads and writes blocks in xz.
type xzBlocks struct{}

func (xzBlocks) Name() string { return "xz" }

func (xzBlocks) Close() error { return nil }

func (xzBlocks) Compress(src []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := xz.NewWriter(&out)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(src)
	err = errors.Join(err, w.Close())
	return out.Bytes(), err
}

func (x xzBlocks) Decompress(src []byte) ([]byte, error) { return x.DecompressBounded(src, avroBlock) }

func (xzBlocks) DecompressBounded(src []byte, most int64) ([]byte, error) {
	r, err := xz.NewReader(bytes.NewReader(src))
	if err != nil {
		return nil, err
	}
	return readBounded(r, most)
}

// readBounded reads all, of at most so many bytes.
func readBounded(r io.Reader, most int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("a block has more than %d bytes", most)
	}
	return b, err
}

// avroCodecs are the names that can be written.
func avroCodecs() []string { return []string{"null", "deflate", "snappy", "zstandard", "xz"} }

// avroOutputCodec is the codec in which a table's files are written: that of its property, as Hive's setting of the same
// name has it.
func (s *Spec) avroOutputCodec() (ocf.Codec, error) {
	name := strings.ToLower(s.param(AvroCodec))
	if name == "" {
		name = "null"
	}
	if !slices.Contains(avroCodecs(), name) {
		return nil, fmt.Errorf("writing Avro files of the codec %s is %w; %s are", name, ErrUnsupported, strings.Join(avroCodecs(), ", "))
	}
	return avroCodec(name)
}

// AvroCodec is the property that says how the blocks of Avro files are compressed.
const AvroCodec = "avro.output.codec"
