package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/pierrec/lz4/v4"
)

const (
	lz4Magic = 0x184d2204
	// lz4Skippable is the first of the sixteen magic numbers of frames to be skipped.
	lz4Skippable = 0x184d2a50
	lz4Legacy    = 0x184c2102
	// lz4History is how far back a block that depends on its predecessors may refer.
	lz4History = 64 << 10
)

// openLZ4 reads frames itself, where the library would take a file that ends between two blocks
// for a whole one. The library decodes the blocks.
func openLZ4(src *source) (io.ReadCloser, error) {
	f := &lz4Frames{src: src}
	if err := f.header(); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return &blocks{next: f.next}, nil
}

type lz4Frames struct {
	src     *source
	open    bool   // within a frame
	max     int    // size of a block
	linked  bool   // blocks depend on their predecessors
	sums    bool   // after every block
	sum     *xxh32 // of the contents, or nil
	size    int64  // declared for the frame, or -1
	done    int64  // decoded of the frame
	block   []byte
	history []byte
}

// header reads what stands before the blocks of the next frame, or returns io.EOF.
func (f *lz4Frames) header() error {
	for {
		if end, err := f.src.atEnd(); err != nil {
			return err
		} else if end {
			return io.EOF
		}
		magic, err := f.uint32()
		switch {
		case err != nil:
			return err
		case magic == lz4Magic:
			return f.descriptor()
		case magic&^15 == lz4Skippable:
			n, err := f.uint32()
			if err != nil {
				return err
			}
			if _, err := io.CopyN(io.Discard, f.src, int64(n)); err != nil {
				return err
			}
		case magic == lz4Legacy:
			return errors.New("the legacy format of lz4 is not supported yet")
		default:
			return fmt.Errorf("%#08x starts no LZ4 frame (Hadoop's block format for lz4 is not supported yet)", magic)
		}
	}
}

func (f *lz4Frames) descriptor() error {
	head := make([]byte, 2, 16)
	if err := f.src.readFull(head); err != nil {
		return err
	}
	flags, sizes := head[0], head[1]
	if flags>>6 != 1 || flags&2 != 0 || sizes&0x8f != 0 || sizes>>4 < 4 {
		return fmt.Errorf("the header of the frame is not of a known version: %#02x %#02x", flags, sizes)
	}
	if flags&1 != 0 {
		return errors.New("frames with a dictionary are not supported yet")
	}
	rest := 1
	if flags&8 != 0 {
		rest += 8
	}
	head = head[:2+rest]
	if err := f.src.readFull(head[2:]); err != nil {
		return err
	}
	if byte(sumXXH32(head[:len(head)-1])>>8) != head[len(head)-1] {
		return errors.New("the checksum of a frame's header does not match")
	}
	f.size = -1
	if flags&8 != 0 {
		f.size = int64(binary.LittleEndian.Uint64(head[2:]) & (1<<63 - 1))
	}
	f.linked, f.sums = flags&0x20 == 0, flags&0x10 != 0
	f.max = 64 << 10 << (2 * (sizes>>4 - 4))
	f.sum = nil
	if flags&4 != 0 {
		f.sum = newXXH32()
	}
	f.open, f.done, f.history = true, 0, f.history[:0]
	return nil
}

func (f *lz4Frames) next(buf []byte) ([]byte, error) {
	for {
		if !f.open {
			if err := f.header(); err != nil {
				return nil, err
			}
		}
		head, err := f.uint32()
		if err != nil {
			return nil, err
		}
		if head != 0 {
			return f.decode(buf, head)
		}
		if err := f.end(); err != nil {
			return nil, err
		}
	}
}

func (f *lz4Frames) decode(buf []byte, head uint32) ([]byte, error) {
	stored, n := head>>31 != 0, int(head&(1<<31-1))
	if n > f.max {
		return nil, fmt.Errorf("a block of %d bytes is larger than the %d its frame allows", n, f.max)
	}
	var err error
	if f.block, err = f.src.grow(f.block, n); err != nil {
		return nil, err
	}
	if f.sums {
		if want, err := f.uint32(); err != nil {
			return nil, err
		} else if sumXXH32(f.block) != want {
			return nil, errors.New("the checksum of a block does not match")
		}
	}
	if stored {
		buf = append(buf, f.block...)
	} else {
		buf = enlarge(buf, f.max)
		size, err := lz4.UncompressBlockWithDict(f.block, buf, f.history)
		if err != nil {
			return nil, fmt.Errorf("a block cannot be decoded: %w", err)
		}
		buf = buf[:size]
	}
	if f.linked {
		f.remember(buf)
	}
	if f.sum != nil {
		f.sum.add(buf)
	}
	f.done += int64(len(buf))
	return buf, nil
}

func (f *lz4Frames) remember(b []byte) {
	if keep := lz4History - len(b); keep <= 0 {
		f.history = f.history[:0]
		b = b[-keep:]
	} else if drop := len(f.history) - keep; drop > 0 {
		f.history = f.history[:copy(f.history, f.history[drop:])]
	}
	f.history = append(f.history, b...)
}

// end checks what stands after the blocks of a frame.
func (f *lz4Frames) end() error {
	f.open = false
	if f.sum != nil {
		if want, err := f.uint32(); err != nil {
			return err
		} else if f.sum.value() != want {
			return errors.New("the checksum of the contents does not match")
		}
	}
	if f.size >= 0 && f.size != f.done {
		return fmt.Errorf("the frame should hold %d bytes and holds %d", f.size, f.done)
	}
	return nil
}

func (f *lz4Frames) uint32() (uint32, error) {
	var b [4]byte
	err := f.src.readFull(b[:])
	return binary.LittleEndian.Uint32(b[:]), err
}

// lz4Block is how much is compressed at a time, and lz4Sizes says so in the header of a frame. Four
// times as much would make logs smaller by one in a hundred.
const (
	lz4Block = 256 << 10
	lz4Sizes = 5 << 4
	// lz4Flags are version 1, blocks that do not depend on each other, and a checksum of the contents.
	lz4Flags = 1<<6 | 1<<5 | 1<<2
)

// createLZ4 writes a single frame. The library's writer of frames takes several megabytes for each.
func createLZ4(w io.Writer, opts Options) (io.WriteCloser, error) {
	c := &compressor[[]byte]{size: lz4Block, crew: opts.Crew}
	lw := &lz4Writer{compressor: c, sum: newXXH32()}
	started := false
	start := func() error {
		if started {
			return nil
		}
		started = true
		head := []byte{lz4Flags, lz4Sizes}
		head = append(binary.LittleEndian.AppendUint32(nil, lz4Magic), head[0], head[1], byte(sumXXH32(head)>>8))
		_, err := w.Write(head)
		return err
	}
	c.encode = func(block, _ []byte, _ bool) ([]byte, error) { return encodeLZ4(opts, block) }
	c.emit = func(b []byte) error {
		err := start()
		if err == nil {
			_, err = w.Write(b)
		}
		opts.Crew.put(b)
		return err
	}
	c.finish = func() error {
		if err := start(); err != nil {
			return err
		}
		_, err := w.Write(binary.LittleEndian.AppendUint32(make([]byte, 4), lw.sum.value()))
		return err
	}
	return lw, nil
}

// lz4Stored marks the size of a block that could not be made smaller.
const lz4Stored = 1 << 31

// lz4Compressor is what the library has for a level.
type lz4Compressor interface {
	CompressBlock(src, dst []byte) (int, error)
}

// encodeLZ4 is a block with its size before it.
func encodeLZ4(opts Options, block []byte) ([]byte, error) {
	kind := toolKind{"lz4", max(min(opts.Level, 9), 1)}
	tool, err := lend(opts.Crew, kind, func() (lz4Compressor, error) {
		if kind.level > 1 { // the library counts in powers of two
			return &lz4.CompressorHC{Level: lz4.CompressionLevel(1 << (7 + kind.level))}, nil
		}
		return &lz4.Compressor{}, nil
	})
	if err != nil {
		return nil, err
	}
	defer opts.Crew.giveBack(kind, tool)
	out := opts.Crew.room(len(block), lz4Block)[:4+len(block)]
	n, err := tool.CompressBlock(block, out[4:])
	if err != nil || n == 0 || n >= len(block) { // the only error is that there is no room
		binary.LittleEndian.PutUint32(out, uint32(len(block))|lz4Stored)
		copy(out[4:], block)
		return out, nil
	}
	binary.LittleEndian.PutUint32(out, uint32(n))
	return out[:4+n], nil
}

// lz4Writer has the checksum of the contents.
type lz4Writer struct {
	*compressor[[]byte]
	sum *xxh32
}

func (w *lz4Writer) Write(p []byte) (int, error) {
	n, err := w.compressor.Write(p)
	w.sum.add(p[:n])
	return n, err
}
