package codec

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// LZO1X is a string of instructions: runs of literal bytes, and matches that copy from what has
// been decoded. A match carries in its lowest two bits how many literals, up to three, follow
// it; what the instructions 0 to 15 mean depends on how many literals came just before.
//
//	1LLD DDSS                 length 5+L, distance D up to 2048, D's high bits in the next byte
//	01LD DDSS                 length 3+L, as above
//	001L LLLL  DDDDDDSS D     length 2+L or more, distance up to 16384
//	0001 HLLL  DDDDDDSS D     length 2+L or more, distance 16385 to 49151; exactly 16384 ends it
//	0000 LLLL                 3+L literals or more; after literals: a short match
//
// A length of zero bits goes on in the bytes that follow: 255 for every zero byte, then the
// first other one.
var (
	errLZOInput  = errors.New("an LZO block ends in the middle of an instruction")
	errLZOOutput = errors.New("an LZO block holds more than it should")
	errLZOMatch  = errors.New("an LZO block refers to bytes before its start")
	errLZOShort  = errors.New("an LZO block holds less than it should")
	errLZOTail   = errors.New("something follows the end of an LZO block")
)

// lzoDecoder decodes one block; out has the capacity of the block's declared size.
type lzoDecoder struct {
	in  []byte
	out []byte
}

// lzoDecode decodes a block into out, which it must fill exactly.
func lzoDecode(out, in []byte) error {
	d := lzoDecoder{in, out[:0:len(out)]}
	if err := d.run(); err != nil {
		return err
	}
	switch {
	case len(d.out) != len(out):
		return errLZOShort
	case len(d.in) != 0:
		return errLZOTail
	}
	return nil
}

func (d *lzoDecoder) run() error {
	recent := 0 // literals since the last match; 4 for four or more
	if len(d.in) > 0 && d.in[0] > 17 {
		n := int(d.in[0]) - 17
		d.in = d.in[1:]
		if err := d.literals(n); err != nil {
			return err
		}
		recent = min(n, 4)
	}
	for {
		op, err := d.byte()
		if err != nil {
			return err
		}
		if op < 16 && recent == 0 {
			n, err := d.length(op&15, 15)
			if err == nil {
				err = d.literals(n + 3)
			}
			if err != nil {
				return err
			}
			recent = 4
			continue
		}
		low, done, err := d.match(op, recent)
		if err != nil || done {
			return err
		}
		recent = int(low & 3)
		if err := d.literals(recent); err != nil {
			return err
		}
	}
}

// match carries out the match that op starts, and returns the byte that says how many literals
// follow it.
func (d *lzoDecoder) match(op byte, recent int) (low byte, done bool, err error) {
	if op >= 16 && op < 64 {
		return d.farMatch(op)
	}
	next, err := d.byte()
	if err != nil {
		return 0, false, err
	}
	near, far := int(op>>2&7), int(next)<<3
	switch {
	case op >= 128:
		return op, false, d.copyBack(far+near+1, 5+int(op>>5&3))
	case op >= 64:
		return op, false, d.copyBack(far+near+1, 3+int(op>>5&1))
	case recent == 4:
		return op, false, d.copyBack(int(next)<<2+int(op>>2)+2049, 3)
	}
	return op, false, d.copyBack(int(next)<<2+int(op>>2)+1, 2)
}

func (d *lzoDecoder) farMatch(op byte) (low byte, done bool, err error) {
	mask := byte(31)
	if op < 32 {
		mask = 7
	}
	n, err := d.length(op&mask, int(mask))
	if err != nil {
		return 0, false, err
	}
	if len(d.in) < 2 {
		return 0, false, errLZOInput
	}
	low = d.in[0]
	distance := int(binary.LittleEndian.Uint16(d.in) >> 2)
	d.in = d.in[2:]
	if op >= 32 {
		return low, false, d.copyBack(distance+1, n+2)
	}
	distance += 1<<14 + int(op&8)<<11
	if distance == 1<<14 {
		return 0, true, nil
	}
	return low, false, d.copyBack(distance, n+2)
}

func (d *lzoDecoder) byte() (byte, error) {
	if len(d.in) == 0 {
		return 0, errLZOInput
	}
	b := d.in[0]
	d.in = d.in[1:]
	return b, nil
}

// length completes a length of which the instruction held bits, which are all zero if it goes on.
func (d *lzoDecoder) length(bits byte, most int) (int, error) {
	n := int(bits)
	if n > 0 {
		return n, nil
	}
	for n = most; ; n += 255 {
		b, err := d.byte()
		if err != nil {
			return 0, err
		}
		if b != 0 {
			return n + int(b), nil
		}
	}
}

func (d *lzoDecoder) literals(n int) error {
	if n > len(d.in) {
		return errLZOInput
	}
	if n > cap(d.out)-len(d.out) {
		return errLZOOutput
	}
	d.out = append(d.out, d.in[:n]...)
	d.in = d.in[n:]
	return nil
}

func (d *lzoDecoder) copyBack(distance, n int) error {
	at := len(d.out)
	if distance > at {
		return errLZOMatch
	}
	if n > cap(d.out)-at {
		return errLZOOutput
	}
	d.out = d.out[:at+n]
	// A match may run into what it produces: each round doubles what can be copied.
	for from := at - distance; n > 0; {
		done := copy(d.out[at:at+n], d.out[from:at])
		at, n = at+done, n-done
	}
	return nil
}

const (
	lzoHashBits = 14
	lzoFarthest = 1<<14 + 1<<14 + 1<<14 - 1 // 49151
)

// lzoEncode appends the block, compressed, to out. It looks for matches of four bytes and more
// through a table of the last places of their hashes, and takes the first it finds.
func lzoEncode(out, in []byte) []byte {
	var table [1 << lzoHashBits]int32 // position + 1
	e := lzoEncoder{out: out, in: in, carrier: -1}
	limit := len(in) - 8
	for at := 0; at < limit; {
		word := binary.LittleEndian.Uint32(in[at:])
		slot := &table[word*0x9e3779b1>>(32-lzoHashBits)]
		from := int(*slot) - 1
		*slot = int32(at + 1)
		if from < 0 || at-from > lzoFarthest || binary.LittleEndian.Uint32(in[from:]) != word {
			at += 1 + (at-e.done)>>6 // faster through what does not compress
			continue
		}
		n := 4 + commonPrefix(in[from+4:], in[at+4:])
		for at > e.done && from > 0 && in[from-1] == in[at-1] {
			at, from, n = at-1, from-1, n+1
		}
		e.literals(at)
		e.match(at-from, n)
		at += n
		e.done = at
	}
	e.literals(len(in))
	return append(e.out, 0x11, 0, 0)
}

// commonPrefix is how many bytes at the start of both are the same; a is longer than b.
func commonPrefix(a, b []byte) int {
	n := 0
	for n+8 <= len(b) {
		if diff := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); diff != 0 {
			return n + bits.TrailingZeros64(diff)/8
		}
		n += 8
	}
	for n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

type lzoEncoder struct {
	in, out []byte
	done    int // of in
	carrier int // of out: the byte whose low bits count literals after the last match, or -1
}

// literals writes what is not yet done of in, up to end.
func (e *lzoEncoder) literals(end int) {
	run := e.in[e.done:end]
	n := len(run)
	switch {
	case n == 0:
	case e.carrier < 0 && n <= 238:
		e.out = append(e.out, byte(17+n))
	case e.carrier >= 0 && n <= 3:
		e.out[e.carrier] |= byte(n)
	default:
		e.length(0, n-3, 15)
	}
	e.out = append(e.out, run...)
}

// length writes an instruction whose lowest bits, at most most of them, are a length of 1 or more.
func (e *lzoEncoder) length(op byte, n, most int) {
	if n <= most {
		e.out = append(e.out, op|byte(n))
		return
	}
	e.out = append(e.out, op)
	for n -= most; n > 255; n -= 255 {
		e.out = append(e.out, 0)
	}
	e.out = append(e.out, byte(n))
}

func (e *lzoEncoder) match(distance, n int) {
	switch {
	case n <= 8 && distance <= 2048:
		d := distance - 1
		e.carrier = len(e.out)
		e.out = append(e.out, byte((n-1)<<5|d&7<<2), byte(d>>3))
		return
	case distance <= 1<<14:
		e.length(0x20, n-2, 31)
		distance--
	default:
		distance -= 1 << 14
		e.length(0x10|byte(distance>>11&8), n-2, 7)
		distance &= 1<<14 - 1
	}
	e.carrier = len(e.out)
	e.out = append(e.out, byte(distance<<2), byte(distance>>6))
}
