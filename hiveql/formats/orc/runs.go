package orc

import (
	"encoding/binary"
	"math/bits"
)

// integers reads a stream of whole numbers.
type integers interface {
	next() (int64, error)
}

// newIntegers reads numbers in the encoding of a column.
func newIntegers(b []byte, encoding int, signed bool) integers {
	if encoding == direct || encoding == dictionary {
		return &runs{b: b, signed: signed}
	}
	return &packedRuns{b: b, signed: signed}
}

func zigzag(n uint64) int64 { return int64(n>>1) ^ -int64(n&1) }

func varint(b []byte, signed bool) (int64, []byte, error) {
	n, k := binary.Uvarint(b)
	if k <= 0 {
		return 0, nil, errDamaged
	}
	if signed {
		return zigzag(n), b[k:], nil
	}
	return int64(n), b[k:], nil
}

// runs are numbers of the first version: up to 130 that differ by as much, or up to 128 as they are.
type runs struct {
	b      []byte
	signed bool
	left   int
	value  int64
	step   int64
	plain  bool
}

func (r *runs) next() (int64, error) {
	var err error
	if r.left == 0 {
		if err := r.head(); err != nil {
			return 0, err
		}
	}
	r.left--
	if r.plain {
		r.value, r.b, err = varint(r.b, r.signed)
		return r.value, err
	}
	n := r.value
	r.value += r.step
	return n, nil
}

func (r *runs) head() error {
	if len(r.b) < 2 {
		return errDamaged
	}
	control := int8(r.b[0])
	if r.plain = control < 0; r.plain {
		r.left, r.b = -int(control), r.b[1:]
		return nil
	}
	r.left, r.step = int(control)+3, int64(int8(r.b[1]))
	var err error
	r.value, r.b, err = varint(r.b[2:], r.signed)
	return err
}

// packedRuns are numbers of the second version, in up to 512 at a time, of four kinds.
type packedRuns struct {
	b      []byte
	signed bool
	values []int64 // read and not yet given
	room   [512]int64
}

func (r *packedRuns) next() (int64, error) {
	if len(r.values) == 0 {
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	n := r.values[0]
	r.values = r.values[1:]
	return n, nil
}

func (r *packedRuns) fill() error {
	if len(r.b) < 2 {
		return errDamaged
	}
	switch r.b[0] >> 6 {
	case 0:
		return r.repeat()
	case 1:
		return r.direct()
	case 2:
		return r.patched()
	}
	return r.delta()
}

// repeat is up to ten times the same number.
func (r *packedRuns) repeat() error {
	size, n := int(r.b[0]>>3&7)+1, int(r.b[0]&7)+3
	if len(r.b) < 1+size {
		return errDamaged
	}
	v := r.number(bigEndian(r.b[1 : 1+size]))
	r.b = r.b[1+size:]
	r.values = r.room[:n]
	for i := range r.values {
		r.values[i] = v
	}
	return nil
}

func (r *packedRuns) number(n uint64) int64 {
	if r.signed {
		return zigzag(n)
	}
	return int64(n)
}

func bigEndian(b []byte) uint64 {
	var n uint64
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

// width is how many bits the five bits of a head stand for.
func width(code byte) int {
	if code < 24 {
		return int(code) + 1
	}
	return [...]int{26, 28, 30, 32, 40, 48, 56, 64}[code-24]
}

// roomFor is the least width of at least n bits.
func roomFor(n int) int {
	for code := range byte(32) {
		if w := width(code); w >= n {
			return w
		}
	}
	return 64
}

// unpack reads n numbers of so many bits each, the highest first.
func (r *packedRuns) unpack(into []int64, width int) error {
	size := (len(into)*width + 7) / 8
	if len(r.b) < size {
		return errDamaged
	}
	b, at := r.b[:size], 0
	for i := range into {
		var n uint64
		for need := width; need > 0; {
			have := 8 - at&7
			take := min(have, need)
			part := uint64(b[at>>3]) >> (have - take) & (1<<take - 1)
			n = n<<take | part
			at += take
			need -= take
		}
		into[i] = int64(n)
	}
	r.b = r.b[size:]
	return nil
}

func (r *packedRuns) direct() error {
	bits, n := width(r.b[0]>>1&31), int(r.b[0]&1)<<8+int(r.b[1])+1
	r.b = r.b[2:]
	r.values = r.room[:n]
	if err := r.unpack(r.values, bits); err != nil {
		return err
	}
	for i, v := range r.values {
		r.values[i] = r.number(uint64(v))
	}
	return nil
}

// patched are numbers above a least one, of few bits; a list says which have more, and those.
func (r *packedRuns) patched() error {
	if len(r.b) < 4 {
		return errDamaged
	}
	bits, n := width(r.b[0]>>1&31), int(r.b[0]&1)<<8+int(r.b[1])+1
	size := int(r.b[2]>>5) + 1
	patchBits, gapBits, count := width(r.b[2]&31), int(r.b[3]>>5)+1, int(r.b[3]&31)
	if r.b = r.b[4:]; len(r.b) < size || patchBits+gapBits > 64 {
		return errDamaged
	}
	least := int64(bigEndian(r.b[:size]))
	if sign := int64(1) << (8*size - 1); least&sign != 0 {
		least = -(least &^ sign)
	}
	r.b = r.b[size:]
	r.values = r.room[:n]
	if err := r.unpack(r.values, bits); err != nil {
		return err
	}
	patches := make([]int64, count)
	if err := r.unpack(patches, roomFor(patchBits+gapBits)); err != nil {
		return err
	}
	at := 0
	for _, p := range patches {
		at += int(uint64(p) >> patchBits)
		patch := uint64(p) & (1<<patchBits - 1)
		if patch == 0 { // a gap that is too long for one
			continue
		}
		if at >= n {
			return errDamaged
		}
		r.values[at] |= int64(patch << bits)
	}
	for i := range r.values {
		r.values[i] += least
	}
	return nil
}

// delta is a number, a step, and by how much each further one is more, or less, than that before.
func (r *packedRuns) delta() error {
	code, n := r.b[0]>>1&31, int(r.b[0]&1)<<8+int(r.b[1])+1
	first, rest, err := varint(r.b[2:], r.signed)
	if err != nil {
		return err
	}
	step, rest, err := varint(rest, true)
	if err != nil {
		return err
	}
	r.b = rest
	r.values = r.room[:n]
	r.values[0] = first
	if n > 1 {
		r.values[1] = first + step
	}
	if n > 2 && code != 0 {
		if err := r.unpack(r.values[2:], width(code)); err != nil {
			return err
		}
	}
	for i := 2; i < n; i++ {
		more := step
		if code != 0 {
			if more = r.values[i]; step < 0 {
				more = -more
			}
		}
		r.values[i] = r.values[i-1] + more
	}
	return nil
}

// byteRuns are bytes: up to 130 times the same, or up to 128 as they are.
type byteRuns struct {
	b     []byte
	left  int
	value byte
	plain bool
}

func (r *byteRuns) next() (byte, error) {
	if r.left == 0 {
		if len(r.b) < 2 {
			return 0, errDamaged
		}
		control := int8(r.b[0])
		if r.plain = control < 0; r.plain {
			r.left, r.b = -int(control), r.b[1:]
		} else {
			r.left, r.value, r.b = int(control)+3, r.b[1], r.b[2:]
		}
	}
	r.left--
	if r.plain {
		if len(r.b) == 0 {
			return 0, errDamaged
		}
		r.value, r.b = r.b[0], r.b[1:]
	}
	return r.value, nil
}

// bitRuns are bits in bytes, the highest first.
type bitRuns struct {
	bytes byteRuns
	value byte
	left  int
}

func (r *bitRuns) next() (bool, error) {
	if r.left == 0 {
		b, err := r.bytes.next()
		if err != nil {
			return false, err
		}
		r.value, r.left = bits.Reverse8(b), 8
	}
	bit := r.value&1 == 1
	r.value >>= 1
	r.left--
	return bit, nil
}
