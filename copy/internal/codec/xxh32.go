package codec

import (
	"encoding/binary"
	"math/bits"
)

// The multipliers of the 32-bit xxHash.
const (
	xxh1 = 0x9e3779b1
	xxh2 = 0x85ebca77
	xxh3 = 0xc2b2ae3d
	xxh4 = 0x27d4eb2f
	xxh5 = 0x165667b1
)

// xxh32 is the checksum of LZ4 frames, with seed zero.
type xxh32 struct {
	lanes [4]uint32
	tail  [16]byte
	total uint64
}

func newXXH32() *xxh32 {
	p1, p2 := uint32(xxh1), uint32(xxh2)
	return &xxh32{lanes: [4]uint32{p1 + p2, p2, 0, -p1}}
}

func sumXXH32(p []byte) uint32 {
	x := newXXH32()
	x.add(p)
	return x.value()
}

func (x *xxh32) add(p []byte) {
	used := int(x.total % 16)
	x.total += uint64(len(p))
	if used > 0 {
		n := copy(x.tail[used:], p)
		p = p[n:]
		if used+n < 16 {
			return
		}
		x.mix(x.tail[:])
	}
	whole := len(p) &^ 15
	x.mix(p[:whole])
	copy(x.tail[:], p[whole:])
}

func (x *xxh32) mix(p []byte) {
	a, b, c, d := x.lanes[0], x.lanes[1], x.lanes[2], x.lanes[3]
	for ; len(p) >= 16; p = p[16:] {
		a = bits.RotateLeft32(a+binary.LittleEndian.Uint32(p)*xxh2, 13) * xxh1
		b = bits.RotateLeft32(b+binary.LittleEndian.Uint32(p[4:])*xxh2, 13) * xxh1
		c = bits.RotateLeft32(c+binary.LittleEndian.Uint32(p[8:])*xxh2, 13) * xxh1
		d = bits.RotateLeft32(d+binary.LittleEndian.Uint32(p[12:])*xxh2, 13) * xxh1
	}
	x.lanes = [4]uint32{a, b, c, d}
}

func (x *xxh32) value() uint32 {
	h := uint32(xxh5)
	if x.total >= 16 {
		h = bits.RotateLeft32(x.lanes[0], 1) + bits.RotateLeft32(x.lanes[1], 7) +
			bits.RotateLeft32(x.lanes[2], 12) + bits.RotateLeft32(x.lanes[3], 18)
	}
	h += uint32(x.total)
	p := x.tail[:x.total%16]
	for ; len(p) >= 4; p = p[4:] {
		h = bits.RotateLeft32(h+binary.LittleEndian.Uint32(p)*xxh3, 17) * xxh4
	}
	for _, c := range p {
		h = bits.RotateLeft32(h+uint32(c)*xxh5, 11) * xxh1
	}
	h = (h ^ h>>15) * xxh2
	h = (h ^ h>>13) * xxh3
	return h ^ h>>16
}
