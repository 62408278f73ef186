package distinct

import (
	"encoding/binary"
	"math/bits"
)

// The constants of Murmur3 of 128 bits, of which Hive computes the first half with one state, from a
// seed of its own.
const (
	seed = 104729
	c1   = 0x87c37b91114253d5
	c2   = 0x4cf5ad432745937f
)

func scramble(k uint64) uint64 { return bits.RotateLeft64(k*c1, 31) * c2 }

func stir(hash, k uint64) uint64 { return bits.RotateLeft64(hash^scramble(k), 27)*5 + 0x52dce729 }

func finish(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// hashLong takes the bytes of a number the highest first.
func hashLong(n int64) uint64 { return finish(stir(seed, bits.ReverseBytes64(uint64(n))) ^ 8) }

func hashBytes(p []byte) uint64 {
	hash, length := uint64(seed), uint64(len(p))
	for ; len(p) >= 8; p = p[8:] {
		hash = stir(hash, binary.LittleEndian.Uint64(p))
	}
	if len(p) > 0 {
		var k uint64
		for i, b := range p {
			k |= uint64(b) << (8 * i)
		}
		hash ^= scramble(k)
	}
	return finish(hash ^ length)
}
