package distinct

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// A sketch begins with the magic; then come the precision in the upper four bits of a byte and the
// encoding in the lower three, the estimate as a number of variable length, and the content: of
// encoding 0 the number of entries, and each as the difference to the one before, in 32 bits with
// sign that are extended to 64; of encodings 1 to 6 the registers, in so many bits each; of 7 in bytes.
const (
	magic      = "HLL"
	inBytes    = 7
	mostInBits = 6
)

// ErrUnknown is of bytes that are no sketch, or one with fewer registers.
var ErrUnknown = errors.New("it is no HyperLogLog sketch of Hive's with 1,024 registers or more")

// Bytes are what Hive keeps of the sketch, and Parse reads.
func (s *Sketch) Bytes() []byte {
	count := max(s.Count(), 1) // Hive has none of no value
	b := append(make([]byte, 0, 16), magic...)
	if s.dense == nil {
		b = binary.AppendUvarint(append(b, precision<<4), uint64(count))
		b = binary.AppendUvarint(b, uint64(len(s.sparse)))
		before := uint32(0)
		for _, e := range s.sparse {
			b = binary.AppendUvarint(b, uint64(int64(int32(e-before))))
			before = e
		}
		return b
	}
	var highest uint8
	for _, v := range s.dense {
		highest = max(highest, v)
	}
	width := bits.Len8(highest)
	b = binary.AppendUvarint(append(b, precision<<4|uint8(width)), uint64(count))
	return appendPacked(b, s.dense, width)
}

// appendPacked appends values in so many bits each, the highest bit first.
func appendPacked(b []byte, values []uint8, width int) []byte {
	var word uint64
	held := 0
	for _, v := range values {
		word = word<<width | uint64(v)
		for held += width; held >= 8; {
			held -= 8
			b = append(b, byte(word>>held))
		}
	}
	if held > 0 {
		b = append(b, byte(word<<(8-held)))
	}
	return b
}

// Parse reads a sketch. One of more registers than ours becomes one of ours. The error is ErrUnknown
// for what is none, such as the bit vectors of old versions of Hive.
func Parse(b []byte) (*Sketch, error) {
	if len(b) < len(magic)+2 || string(b[:len(magic)]) != magic {
		return nil, ErrUnknown
	}
	p, encoding := int(b[len(magic)]>>4), int(b[len(magic)]&7)
	if p < precision {
		return nil, ErrUnknown
	}
	r := varints{b: b[len(magic)+1:]}
	r.next() // the estimate
	s := &Sketch{}
	if encoding == 0 {
		s.parseSparse(&r, p)
	} else {
		s.parseDense(&r, p, encoding)
	}
	if r.err != nil {
		return nil, fmt.Errorf("a HyperLogLog sketch is damaged: %w", r.err)
	}
	return s, nil
}

func (s *Sketch) parseSparse(r *varints, p int) {
	entry := uint32(0)
	for n := r.next(); n > 0 && r.err == nil; n-- {
		entry += uint32(r.next())
		key, value := entry>>valueBits, int(entry&(1<<valueBits-1))
		if value == 0 || entry>>31 != 0 {
			r.err = errEntry
		}
		s.insert(key<<valueBits | uint32(narrowed(uint64(key), value, p)))
	}
	s.compact()
}

var errEntry = errors.New("an entry or a register is none")

// narrowed is the value of the register of a hash, of which the last bits and the value by more
// bits for the number of the register are known.
func narrowed(key uint64, value, p int) int {
	if p == precision {
		return min(value, most)
	}
	if own := key >> precision & (1<<(p-precision) - 1); own != 0 {
		return bits.TrailingZeros64(own) + 1
	}
	return min(value+p-precision, most)
}

func (s *Sketch) parseDense(r *varints, p, width int) {
	if width > mostInBits {
		width = 8
	}
	if len(r.b) < (1<<p*width+7)/8 {
		r.err = errors.New("it is too short")
		return
	}
	s.dense = make([]uint8, registers)
	var word uint64
	held, at := 0, 0
	for i := range 1 << p {
		for ; held < width; held += 8 {
			word = word<<8 | uint64(r.b[at])
			at++
		}
		held -= width
		value := int(word >> held & (1<<width - 1))
		if value == 0 {
			continue
		}
		to := &s.dense[i&(registers-1)]
		*to = max(*to, uint8(narrowed(uint64(i), value, p)))
	}
}

// varints reads numbers of variable length.
type varints struct {
	b   []byte
	err error
}

func (r *varints) next() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.err = errors.New("it ends too early")
		r.b = nil
		return 0
	}
	r.b = r.b[size:]
	return n
}
