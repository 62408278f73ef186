// Package castagnoli computes CRC32C, the CRC-32 of the Castagnoli polynomial, as [hash/crc32] does, and
// twice to four times as fast where a processor multiplies polynomials 64 bytes wide (AVX-512 with VPCLMULQDQ: Intel
// since Ice Lake, AMD since Zen 4):
//
//	sum = castagnoli.Update(sum, p)
//
// The method is in "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction" (Gopal and
// others, Intel, 2009): bytes that are followed by others are replaced by fewer of the same remainder. What is
// left of the bytes then, and all on other machines, is the library's.
//
// # What it must not know
//
// What is being summed.
package castagnoli

import (
	"encoding/binary"
	"hash"
	"hash/crc32"
)

// worthFolding is the fewest bytes, at least 256, that are summed faster so.
const worthFolding = 4 << 10

var table = crc32.MakeTable(crc32.Castagnoli)

// Update is the CRC32C of the bytes that have the CRC32C sum, followed by p. That of no bytes is 0.
func Update(sum uint32, p []byte) uint32 { return update(sum, p) }

// New is a hash of CRC32C, whose Sum is big-endian as the library's.
func New() hash.Hash32 { return new(digest) }

type digest uint32

func (d *digest) Write(p []byte) (int, error) {
	*d = digest(Update(uint32(*d), p))
	return len(p), nil
}

func (d *digest) Sum32() uint32            { return uint32(*d) }
func (d *digest) Sum(before []byte) []byte { return binary.BigEndian.AppendUint32(before, uint32(*d)) }
func (d *digest) Reset()                   { *d = 0 }
func (d *digest) Size() int                { return crc32.Size }
func (d *digest) BlockSize() int           { return 1 }
