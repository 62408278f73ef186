package castagnoli

import (
	"encoding/binary"
	"hash/crc32"

	"golang.org/x/sys/cpu"
)

// stride is how many bytes are folded at once.
const stride = 256

// foldBy are x^(8·stride+32) and x^(8·stride-32) modulo the polynomial, with their bits as those of the bytes
// are, the highest power first, and a place higher: the product of two such numbers lacks one.
var foldBy = [2]uint64{0xdcb17aa4, 0xb9e02b86}

var canFold = cpu.X86.HasAVX512F && cpu.X86.HasAVX512VPCLMULQDQ

// fold is in fold_amd64.s.
//
//go:noescape
func fold(state *[stride]byte, p []byte, by *[2]uint64)

// update folds the bytes, 256 at a time, into 256 that have the same remainder, and leaves the rest to the
// library.
func update(sum uint32, p []byte) uint32 {
	if !canFold || len(p) < worthFolding {
		return crc32.Update(sum, table, p)
	}
	state := [stride]byte(p)
	binary.LittleEndian.PutUint32(state[:], binary.LittleEndian.Uint32(state[:])^^sum)
	whole := len(p) / stride * stride
	fold(&state, p[stride:whole], &foldBy)
	return crc32.Update(crc32.Update(^uint32(0), table, state[:]), table, p[whole:])
}
