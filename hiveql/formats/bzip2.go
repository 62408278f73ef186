package formats

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
)

// A file of bzip2 is a row of streams. Each has a header of four bytes, "BZh" and a digit, then blocks,
// which begin at any bit, and an end, after which zeros fill the last byte:
//
//	block  48 bits: blockMagic, 32 bits: its checksum, then its bits; at most 900,000 bytes of text
//	end    48 bits: endMagic, 32 bits: the checksum of the checksums of all blocks
//
// Nothing says how long a block is, but the magic numbers are found by looking at every bit. What lies
// from one to the next is decoded as a stream of one block, by several threads. Where the number
// occurs within a block, by chance, the parts do not decode; they are put together again.
const (
	blockMagic = 0x314159265359
	endMagic   = 0x177245385090
	magicBits  = 48
	sumBits    = 32
	// mostPart is more than a block has: 900,000 symbols of at most 20 bits, and tables.
	mostPart = 3 << 20
)

var errBzip2 = errors.New("bzip2 data invalid")

// bzip2Part is what lies between two magic numbers.
type bzip2Part struct {
	head []byte // of the stream, before its first block
	bits bitString
	end  bool   // the stream ends after it
	sum  uint32 // of the stream, if it does

	done  chan struct{}
	plain []byte
	err   error
}

// bitString is n bits, the highest of each byte first, from the beginning of the first byte.
type bitString struct {
	b []byte
	n int
}

// bzip2Ahead decodes blocks by several threads, and gives them in order.
type bzip2Ahead struct {
	ctx   context.Context // of the one file
	stop  context.CancelFunc
	work  sync.WaitGroup
	jobs  chan *bzip2Part
	order chan *bzip2Part
	scan  error // why there are no more parts, once order is closed

	plain []byte // decoded and not yet read
	sums  uint32 // the checksum of those of the stream's blocks
	err   error
}

func newBzip2Ahead(ctx context.Context, r *bufio.Reader, threads int) *bzip2Ahead {
	return startBzip2(ctx, &bzip2Scanner{r: r, magics: []uint64{blockMagic}}, threads)
}

func startBzip2(ctx context.Context, s *bzip2Scanner, threads int) *bzip2Ahead {
	a := &bzip2Ahead{jobs: make(chan *bzip2Part), order: make(chan *bzip2Part, threads)}
	a.ctx, a.stop = context.WithCancel(ctx)
	for range threads {
		a.work.Go(func() {
			for p := range a.jobs {
				p.plain, p.err = p.bits.decode(p.head)
				close(p.done)
			}
		})
	}
	a.work.Go(func() {
		a.scan = s.run(a.put)
		close(a.jobs)
		close(a.order)
	})
	return a
}

// put hands a part to the threads.
func (a *bzip2Ahead) put(p *bzip2Part) error {
	p.done = make(chan struct{})
	select {
	case a.order <- p:
	case <-a.ctx.Done():
		return context.Cause(a.ctx)
	}
	select {
	case a.jobs <- p:
		return nil
	case <-a.ctx.Done():
		close(p.done)
		return context.Cause(a.ctx)
	}
}

func (a *bzip2Ahead) Read(b []byte) (int, error) {
	for len(a.plain) == 0 && a.err == nil {
		a.plain, a.err = a.next()
	}
	if len(a.plain) == 0 {
		return 0, a.err
	}
	n := copy(b, a.plain)
	a.plain = a.plain[n:]
	return n, nil
}

// Close ends the threads and waits for them.
func (a *bzip2Ahead) Close() error {
	a.stop()
	a.work.Wait()
	if a.err == nil {
		a.err = errors.New("the file is closed")
	}
	a.plain = nil
	return nil
}

// take is the next part, in order, when it has been decoded.
func (a *bzip2Ahead) take() (*bzip2Part, error) {
	p, ok := <-a.order
	if !ok {
		return nil, a.scan
	}
	<-p.done
	if err := a.ctx.Err(); err != nil {
		return nil, context.Cause(a.ctx)
	}
	return p, nil
}

// next is the text of the next block.
func (a *bzip2Ahead) next() ([]byte, error) {
	p, err := a.take()
	if err != nil {
		return nil, err
	}
	for p.err != nil && !p.end && len(p.bits.b) <= mostPart { // maybe only a part of a block
		more, err := a.take()
		if err != nil {
			return nil, errors.Join(p.err, noEOF(err))
		}
		p.bits = p.bits.and(more.bits)
		p.end, p.sum = more.end, more.sum
		p.plain, p.err = p.bits.decode(p.head)
	}
	if p.err != nil {
		return nil, p.err
	}
	if p.bits.n > 0 { // no block at all is in a stream of nothing
		a.sums = (a.sums<<1 | a.sums>>31) ^ uint32(p.bits.at(magicBits, sumBits))
	}
	if p.end {
		if a.sums != p.sum {
			return nil, fmt.Errorf("%w: the checksum of a stream is %08x, not %08x", errBzip2, a.sums, p.sum)
		}
		a.sums = 0
	}
	return p.plain, nil
}

// decode decodes one block, as a stream with its own end.
func (s bitString) decode(head []byte) ([]byte, error) {
	if s.n == 0 {
		return nil, nil
	}
	if s.n < magicBits+sumBits {
		return nil, fmt.Errorf("%w: a block of %d bits", errBzip2, s.n)
	}
	end := binary.BigEndian.AppendUint64(nil, endMagic<<16)[:magicBits/8]
	end = binary.BigEndian.AppendUint32(end, uint32(s.at(magicBits, sumBits)))
	stream := s.and(bitString{end, 8 * len(end)})
	var out bytes.Buffer
	out.Grow(1 << 20)
	_, err := out.ReadFrom(bzip2.NewReader(io.MultiReader(bytes.NewReader(head), bytes.NewReader(stream.b))))
	return out.Bytes(), err
}

// at is n bits, of at most 57, from the bit i on; those behind the end are 0.
func (s bitString) at(i, n int) uint64 {
	var w [8]byte
	copy(w[:], s.b[min(i/8, len(s.b)):])
	return binary.BigEndian.Uint64(w[:]) << (i % 8) >> (64 - n)
}

// and is s and then t, in memory of its own.
func (s bitString) and(t bitString) bitString {
	out := make([]byte, (s.n+t.n+7)/8)
	copy(out, s.b[:(s.n+7)/8])
	at, shift := s.n/8, s.n%8
	if shift == 0 {
		copy(out[at:], t.b)
		return bitString{out, s.n + t.n}
	}
	out[at] &= 0xff << (8 - shift)
	for i, b := range t.b[:(t.n+7)/8] {
		out[at+i] |= b >> shift
		if at+i+1 < len(out) {
			out[at+i+1] = b << (8 - shift)
		}
	}
	return bitString{out, s.n + t.n}
}

// bzip2Scanner cuts a file at the magic numbers.
type bzip2Scanner struct {
	r      *bufio.Reader
	magics []uint64 // taken for that of a block
}

// run calls put for the parts of all streams; after the last the error is io.EOF.
func (s *bzip2Scanner) run(put func(*bzip2Part) error) error {
	for first := true; ; first = false {
		head := make([]byte, 4)
		switch _, err := io.ReadFull(s.r, head); {
		case errors.Is(err, io.EOF) && !first:
			return io.EOF
		case err != nil:
			return noEOF(err)
		}
		if string(head[:3]) != "BZh" || head[3] < '1' || head[3] > '9' {
			return fmt.Errorf("%w: a stream begins with %q", errBzip2, head)
		}
		if err := s.stream(head, put); err != nil {
			return err
		}
	}
}

// stream cuts one stream, of which the header has been read.
func (s *bzip2Scanner) stream(head []byte, put func(*bzip2Part) error) error {
	part := []byte{} // the bytes in which the part has begun
	begin := 0       // the bit of the first of them at which it does
	var window uint64
	for seen := 1; ; seen++ {
		b, err := s.r.ReadByte()
		if err != nil {
			return noEOF(err)
		}
		if part = append(part, b); len(part) > mostPart+8 {
			return fmt.Errorf("%w: a block is too long", errBzip2)
		}
		window = window<<8 | uint64(b)
		for over := 7; over >= 0 && seen >= magicBits/8; over-- { // bits behind the number
			magic := window >> over & (1<<magicBits - 1)
			end := magic == endMagic
			if seen*8-over < magicBits || !end && !slices.Contains(s.magics, magic) {
				continue
			}
			var sum uint32
			if end {
				var ok bool
				if sum, ok = s.isEnd(b, over); !ok {
					continue
				}
			}
			at := 8*len(part) - over - magicBits // where the number is
			bits := bitString{part, 8 * len(part)}.slice(begin, at)
			if bits.n > 0 || end {
				if err := put(&bzip2Part{head: head, bits: bits, end: end, sum: sum}); err != nil {
					return err
				}
			}
			if end {
				_, err := s.r.Discard((sumBits - over + 7) / 8)
				return err
			}
			part, begin = append([]byte{}, part[at/8:]...), at%8
		}
		if seen == magicBits/8 && window != blockMagic {
			return fmt.Errorf("%w: a stream does not begin with a block", errBzip2)
		}
	}
}

// isEnd reports whether a stream can end with a number behind which the byte b has some bits: then
// there is a checksum, and in the next byte another stream begins or the file ends.
func (s *bzip2Scanner) isEnd(b byte, over int) (sum uint32, ok bool) {
	n := (sumBits - over + 7) / 8
	next, _ := s.r.Peek(n + 3)
	if len(next) < n || len(next) > n && !bytes.HasPrefix([]byte("BZh"), next[n:]) {
		return 0, false
	}
	rest := bitString{append([]byte{b}, next[:n]...), 8 * (n + 1)}
	return uint32(rest.at(8-over, sumBits)), true
}

// slice is the bits from one to before another, in memory of its own.
func (s bitString) slice(from, to int) bitString {
	n := to - from
	out := make([]byte, (n+7)/8)
	b, shift := s.b[from/8:], from%8
	for i := range out {
		out[i] = b[i] << shift
		if shift > 0 && i+1 < len(b) {
			out[i] |= b[i+1] >> (8 - shift)
		}
	}
	return bitString{out, n}
}
