package codec

import (
	"compress/bzip2"
	"io"
	"math/bits"
	"slices"
)

func openBzip2(src *source) (io.ReadCloser, error) {
	return io.NopCloser(bzip2.NewReader(src.Reader)), nil
}

const (
	bzip2BlockMagic = 0x314159265359
	bzip2EndMagic   = 0x177245385090
)

// createBzip2 writes a single stream. Blocks are compressed apart into strings of bits, which
// emit joins: a block need not start at a byte.
func createBzip2(w io.Writer, opts Options) (io.WriteCloser, error) {
	level := opts.Level
	if level == 0 {
		level = 9
	}
	level = min(max(level, 1), 9)
	out := &bitWriter{}
	out.write('B', 8)
	out.write('Z', 8)
	out.write('h', 8)
	out.write(uint64('0'+level), 8)
	var sum uint32
	c := &compressor[*bzip2Block]{size: bzip2BlockOf(level), crew: opts.Crew}
	c.encode = func(block, _ []byte, _ bool) (*bzip2Block, error) { return encodeBzip2(opts.Crew, block) }
	c.emit = func(b *bzip2Block) error {
		sum = bits.RotateLeft32(sum, 1) ^ b.sum
		out.join(&b.bits)
		_, err := w.Write(out.bytes)
		out.bytes = out.bytes[:0]
		return err
	}
	c.finish = func() error {
		out.write(bzip2EndMagic, 48)
		out.write(uint64(sum), 32)
		out.pad()
		_, err := w.Write(out.bytes)
		return err
	}
	return c, nil
}

// bzip2BlockOf is how many bytes go into a block. Runs of four become five, which must fit what the level declares.
func bzip2BlockOf(level int) int { return level*80_000 - 32 }

// bzip2Block is a compressed block.
type bzip2Block struct {
	bits bitWriter
	sum  uint32
}

// bzip2Tool is what compressing takes besides the block and the result: some twelve bytes for each of the
// block's. It is used for one block after another.
type bzip2Tool struct {
	rows    rotations
	short   []byte
	symbols []uint16
}

func encodeBzip2(crew *Crew, block []byte) (*bzip2Block, error) {
	kind := toolKind{format: "bzip2"}
	tool, err := lend(crew, kind, func() (*bzip2Tool, error) { return &bzip2Tool{}, nil })
	if err != nil {
		return nil, err
	}
	defer crew.giveBack(kind, tool)
	b := &bzip2Block{sum: bzip2Sum(block)}
	tool.short = shortenRuns(slices.Grow(tool.short[:0], len(block)+len(block)/4), block)
	last, first := tool.rows.transform(block, tool.short) // the block is not needed any more
	symbols, used := moveToFront(slices.Grow(tool.symbols[:0], len(last)+1), last)
	tool.symbols = symbols
	b.bits.bytes = make([]byte, 0, len(block)/4) // of most texts more than they need
	b.bits.write(bzip2BlockMagic, 48)
	b.bits.write(uint64(b.sum), 32)
	b.bits.write(0, 1) // not randomised
	b.bits.write(uint64(first), 24)
	writeUsed(&b.bits, used)
	alphabet := 2
	for _, u := range used {
		if u {
			alphabet++
		}
	}
	writeSymbols(&b.bits, symbols, alphabet)
	return b, nil
}

// writeUsed says which bytes occur: sixteen bits for the sixteens, then sixteen for each of them
// that is not empty.
func writeUsed(w *bitWriter, used *[256]bool) {
	var rows [16]uint64
	var inUse uint64
	for c, u := range used {
		if u {
			rows[c/16] |= 1 << (15 - c%16)
			inUse |= 1 << (15 - c/16)
		}
	}
	w.write(inUse, 16)
	for _, row := range rows {
		if row != 0 {
			w.write(row, 16)
		}
	}
}

// bzip2Sum is the checksum of blocks: CRC-32 with the highest bit first.
func bzip2Sum(b []byte) uint32 {
	var table [256]uint32
	for i := range table {
		c := uint32(i) << 24
		for range 8 {
			c = c<<1 ^ 0x04c11db7&-(c>>31)
		}
		table[i] = c
	}
	sum := ^uint32(0)
	for _, c := range b {
		sum = sum<<8 ^ table[byte(sum>>24)^c]
	}
	return ^sum
}

// shortenRuns appends to out a run of 4 to 255 equal bytes as four of them and a count of the rest.
func shortenRuns(out, b []byte) []byte {
	for len(b) > 0 {
		n := 1
		for n < len(b) && n < 255 && b[n] == b[0] {
			n++
		}
		out = append(out, b[:min(n, 4)]...)
		if n >= 4 {
			out = append(out, byte(n-4))
		}
		b = b[n:]
	}
	return out
}

// The symbols that follow move-to-front: runs of zeros are written as numbers in the digits 1
// and 2, all other values one higher than they are.
const (
	runA = 0
	runB = 1
)

// moveToFront appends to symbols, for every byte, its place in the list of bytes last used, and at the end
// the symbol that ends a block.
func moveToFront(symbols []uint16, b []byte) (_ []uint16, used *[256]bool) {
	used = new([256]bool)
	for _, c := range b {
		used[c] = true
	}
	var list []byte
	for c, u := range used {
		if u {
			list = append(list, byte(c))
		}
	}
	zeros := 0
	for _, c := range b {
		if list[0] == c {
			zeros++
			continue
		}
		symbols = appendRun(symbols, zeros)
		zeros = 0
		at := 1
		for list[at] != c {
			at++
		}
		copy(list[1:at+1], list[:at])
		list[0] = c
		symbols = append(symbols, uint16(at+1))
	}
	symbols = appendRun(symbols, zeros)
	return append(symbols, uint16(len(list)+1)), used
}

func appendRun(symbols []uint16, zeros int) []uint16 {
	for ; zeros > 0; zeros = (zeros - 1) / 2 {
		if zeros&1 != 0 {
			symbols = append(symbols, runA)
		} else {
			symbols = append(symbols, runB)
		}
	}
	return symbols
}

// bitWriter gathers bits, the highest first.
type bitWriter struct {
	bytes []byte
	acc   uint64
	n     uint // bits in acc, fewer than 8 between calls
}

// write appends the lowest n bits of v, at most 48.
func (w *bitWriter) write(v uint64, n uint) {
	w.acc = w.acc<<n | v&(1<<n-1)
	for w.n += n; w.n >= 8; {
		w.n -= 8
		w.bytes = append(w.bytes, byte(w.acc>>w.n))
	}
	w.acc &= 1<<w.n - 1
}

func (w *bitWriter) join(b *bitWriter) {
	if w.n == 0 {
		w.bytes = append(w.bytes, b.bytes...)
	} else {
		for _, c := range b.bytes {
			w.write(uint64(c), 8)
		}
	}
	w.write(b.acc, b.n)
}

func (w *bitWriter) pad() {
	if w.n > 0 {
		w.write(0, 8-w.n)
	}
}
