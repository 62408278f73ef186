package duck

/*
#include <stdint.h>
*/
import "C"

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"unsafe"
)

// skepSha2 is called by the C++ function skep_sha2 for one value. It writes the hexadecimal
// digest to out, which has room for 128 characters, and returns its length, or -1 for a number of
// bits that SHA-2 does not have.
//
//export skepSha2
func skepSha2(bytes *C.char, length C.uint64_t, bits C.int32_t, out *C.char) C.int32_t {
	var in []byte
	if length > 0 {
		in = unsafe.Slice((*byte)(unsafe.Pointer(bytes)), int(length))
	}
	var sum []byte
	switch bits {
	case 0, 256:
		s := sha256.Sum256(in)
		sum = s[:]
	case 224:
		s := sha256.Sum224(in)
		sum = s[:]
	case 384:
		s := sha512.Sum384(in)
		sum = s[:]
	case 512:
		s := sha512.Sum512(in)
		sum = s[:]
	default:
		return -1
	}
	return C.int32_t(hex.Encode(unsafe.Slice((*byte)(unsafe.Pointer(out)), 2*len(sum)), sum))
}
