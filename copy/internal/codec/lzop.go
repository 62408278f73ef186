package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
	"hash/crc32"
	"io"
)

const (
	lzopMagic = "\x89LZO\x00\r\n\x1a\n"
	// lzopBlock is what the lzop command compresses at a time, and the most that Hadoop's
	// decompressor takes without being configured.
	lzopBlock = 256 << 10
	// lzopLargest is the largest block that the format allows.
	lzopLargest = 64 << 20
)

// The flags in the header of an lzop file that say what else is in it.
const (
	lzopAdlerPlain  = 1 << 0
	lzopAdlerPacked = 1 << 1
	lzopExtra       = 1 << 6
	lzopCRCPlain    = 1 << 8
	lzopCRCPacked   = 1 << 9
	lzopFilter      = 1 << 11
	lzopHeaderCRC   = 1 << 12
)

func openLzop(src *source) (io.ReadCloser, error) {
	f := &lzopFile{src: src}
	if err := f.header(); err != nil {
		return nil, err
	}
	return &blocks{next: f.next}, nil
}

// lzopFile reads files of the lzop command, and several joined.
type lzopFile struct {
	src   *source
	flags uint32
	open  bool
	block []byte
}

// headerReader reads the fields of a header and remembers their bytes for the checksum.
type headerReader struct {
	src  *source
	seen []byte
	err  error
}

func (h *headerReader) bytes(n int) []byte {
	from := len(h.seen)
	h.seen = append(h.seen, make([]byte, n)...)
	if h.err == nil {
		h.err = h.src.readFull(h.seen[from:])
	}
	return h.seen[from:]
}

func (h *headerReader) uint8() byte    { return h.bytes(1)[0] }
func (h *headerReader) uint16() uint16 { return binary.BigEndian.Uint16(h.bytes(2)) }
func (h *headerReader) uint32() uint32 { return binary.BigEndian.Uint32(h.bytes(4)) }

// check compares the checksum that stands next in the file with that of the fields before it.
func (h *headerReader) check(crc bool) error {
	sum := adler32.Checksum(h.seen)
	if crc {
		sum = crc32.ChecksumIEEE(h.seen)
	}
	if want := h.uint32(); h.err == nil && want != sum {
		return errors.New("the checksum of the header does not match")
	}
	return h.err
}

func (f *lzopFile) header() error {
	var magic [len(lzopMagic)]byte
	if err := f.src.readFull(magic[:]); err != nil {
		return err
	}
	if string(magic[:]) != lzopMagic {
		return errors.New("this is not a file of the lzop command")
	}
	h := &headerReader{src: f.src}
	version := h.uint16()
	h.uint16() // of the library
	if version >= 0x0940 {
		if needed := h.uint16(); h.err == nil && needed > 0x1040 {
			return fmt.Errorf("version %#04x of the lzop format is not supported yet", needed)
		}
	}
	method := h.uint8()
	if version >= 0x0940 {
		h.uint8() // level
	}
	f.flags = h.uint32()
	if f.flags&lzopFilter != 0 && h.err == nil {
		return errors.New("lzop files with a filter are not supported yet")
	}
	h.uint32() // mode
	h.uint32() // time
	if version >= 0x0940 {
		h.uint32()
	}
	h.bytes(int(h.uint8())) // name
	if err := h.check(f.flags&lzopHeaderCRC != 0); err != nil {
		return err
	}
	if method < 1 || method > 3 {
		return fmt.Errorf("compression method %d of the lzop format is not supported yet", method)
	}
	f.open = true
	return f.extra()
}

func (f *lzopFile) extra() error {
	if f.flags&lzopExtra == 0 {
		return nil
	}
	h := &headerReader{src: f.src}
	n := h.uint32()
	if h.err != nil {
		return h.err
	}
	if n > 1<<20 {
		return fmt.Errorf("the extra field of the header has %d bytes", n)
	}
	h.bytes(int(n))
	return h.check(f.flags&lzopHeaderCRC != 0)
}

func (f *lzopFile) next(buf []byte) ([]byte, error) {
	var h *headerReader
	var size uint32
	for size == 0 {
		if !f.open {
			if end, err := f.src.atEnd(); err != nil {
				return nil, err
			} else if end {
				return nil, io.EOF
			}
			if err := f.header(); err != nil {
				return nil, err
			}
		}
		h = &headerReader{src: f.src}
		if size = h.uint32(); h.err != nil {
			return nil, h.err
		}
		f.open = size != 0
	}
	packed := h.uint32()
	if h.err == nil && (size > lzopLargest || packed == 0 || packed > size) {
		return nil, fmt.Errorf("a block of %d bytes claims to hold %d", packed, size)
	}
	var plainSums, packedSums lzopSums
	plainSums.read(h, f.flags&lzopAdlerPlain, f.flags&lzopCRCPlain)
	if packed < size {
		packedSums.read(h, f.flags&lzopAdlerPacked, f.flags&lzopCRCPacked)
	}
	if h.err != nil {
		return nil, h.err
	}
	return f.decode(buf, int(size), int(packed), plainSums, packedSums)
}

func (f *lzopFile) decode(buf []byte, size, packed int, plainSums, packedSums lzopSums) ([]byte, error) {
	if packed == size {
		buf, err := f.src.grow(buf, size)
		if err == nil {
			err = plainSums.check(buf)
		}
		return buf, err
	}
	var err error
	if f.block, err = f.src.grow(f.block, packed); err != nil {
		return nil, err
	}
	if err := packedSums.check(f.block); err != nil {
		return nil, err
	}
	if size > 256*packed+256 { // a byte of a length stands for 255 at most
		return nil, fmt.Errorf("a block of %d bytes claims to hold %d", packed, size)
	}
	buf = enlarge(buf, size)
	if err := lzoDecode(buf, f.block); err != nil {
		return nil, err
	}
	return buf, plainSums.check(buf)
}

// lzopSums are the checksums of a block; which of them there are, the header says.
type lzopSums struct {
	hasAdler, hasCRC bool
	adler, crc       uint32
}

func (s *lzopSums) read(h *headerReader, adler, crc uint32) {
	if s.hasAdler = adler != 0; s.hasAdler {
		s.adler = h.uint32()
	}
	if s.hasCRC = crc != 0; s.hasCRC {
		s.crc = h.uint32()
	}
}

func (s *lzopSums) check(b []byte) error {
	if s.hasAdler && s.adler != adler32.Checksum(b) || s.hasCRC && s.crc != crc32.ChecksumIEEE(b) {
		return errors.New("the checksum of a block does not match")
	}
	return nil
}

// lzopHeader is what the lzop command writes for standard input, without a time.
func lzopHeader() []byte {
	be := binary.BigEndian
	var b []byte
	b = be.AppendUint16(b, 0x1010) // version, of the oldest reader still around
	b = be.AppendUint16(b, 0x2080) // of the library
	b = be.AppendUint16(b, 0x0940) // needed to read it
	b = append(b, 1, 5)            // LZO1X-1, its level
	b = be.AppendUint32(b, lzopAdlerPlain)
	b = be.AppendUint32(b, 0o100644)
	b = be.AppendUint32(b, 0) // time
	b = be.AppendUint32(b, 0)
	b = append(b, 0) // length of the name
	b = be.AppendUint32(b, adler32.Checksum(b))
	return append([]byte(lzopMagic), b...)
}

func createLzop(w io.Writer, opts Options) (io.WriteCloser, error) {
	started := false
	start := func() error {
		if started {
			return nil
		}
		started = true
		_, err := w.Write(lzopHeader())
		return err
	}
	c := &compressor[[]byte]{size: lzopBlock, crew: opts.Crew}
	c.encode = func(block, _ []byte, _ bool) ([]byte, error) {
		out := make([]byte, 12, 12+len(block)+len(block)/64+64)
		out = lzoEncode(out, block)
		if len(out)-12 >= len(block) { // stored as it is
			out = append(out[:12], block...)
		}
		binary.BigEndian.PutUint32(out, uint32(len(block)))
		binary.BigEndian.PutUint32(out[4:], uint32(len(out)-12))
		binary.BigEndian.PutUint32(out[8:], adler32.Checksum(block))
		return out, nil
	}
	c.emit = func(b []byte) error {
		if err := start(); err != nil {
			return err
		}
		_, err := w.Write(b)
		return err
	}
	c.finish = func() error {
		if err := start(); err != nil {
			return err
		}
		_, err := w.Write(make([]byte, 4))
		return err
	}
	return c, nil
}
