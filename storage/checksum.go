package storage

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"

	"github.com/skepdata/skep/internal/castagnoli"
)

// Checksum is the CRC32C (Castagnoli) of an object's whole content, or unknown, which is the
// zero value. It is the checksum that every store of ours keeps and that S3 knows as
// x-amz-checksum-crc32c of type FULL_OBJECT, so the same bytes have the same Checksum
// wherever they are and however they were split into parts or blocks.
type Checksum struct {
	Sum   uint32
	Known bool
}

// NewCRC32C returns a hash of the kind Checksum holds.
func NewCRC32C() hash.Hash32 { return castagnoli.New() }

// CRC32C is the Checksum of p.
func CRC32C(p []byte) Checksum { return Checksum{castagnoli.Update(0, p), true} }

// UpdateCRC32C is the Checksum of the bytes of c followed by p. c must be known, or be the
// zero value, which stands for no bytes.
func UpdateCRC32C(c Checksum, p []byte) Checksum {
	return Checksum{castagnoli.Update(c.Sum, p), true}
}

// String is the form S3 uses: base64 of the big-endian sum; empty if unknown.
func (c Checksum) String() string {
	if !c.Known {
		return ""
	}
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], c.Sum)
	return base64.StdEncoding.EncodeToString(b[:])
}

// ParseChecksum reads what String prints. The empty string is the unknown Checksum.
func ParseChecksum(s string) (Checksum, error) {
	if s == "" {
		return Checksum{}, nil
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(b) != 4 {
		return Checksum{}, fmt.Errorf("crc32c %q: want base64 of four bytes", s)
	}
	return Checksum{binary.BigEndian.Uint32(b), true}, nil
}

// Differs reports whether both checksums are known and not equal. An unknown checksum
// differs from none.
func (c Checksum) Differs(d Checksum) bool {
	return c.Known && d.Known && c.Sum != d.Sum
}

// CombineCRC32C is the Checksum of the bytes of a followed by the bytes of b, of which there
// are lenB. It is known if both are.
func CombineCRC32C(a, b Checksum, lenB int64) Checksum {
	switch {
	case !a.Known || !b.Known:
		return Checksum{}
	case lenB <= 0:
		return a
	case a.Sum == 0: // as of no bytes at all; zeros appended to it leave it zero
		return b
	}
	return NewCombiner(lenB).Combine(a, b)
}

// Joiner is the Checksum of pieces that are appended one by one. Pieces of equal length after the
// first cost little. The zero value holds no bytes. One goroutine uses it.
type Joiner struct {
	sum    Checksum
	begun  bool
	length int64     // for which
	last   *Combiner // is
}

// Append appends a piece of n bytes.
func (j *Joiner) Append(sum Checksum, n int64) {
	switch {
	case n <= 0:
		return
	case !j.begun:
		j.sum, j.begun = sum, true
		return
	case j.last == nil || j.length != n:
		j.last, j.length = NewCombiner(n), n
	}
	j.sum = j.last.Combine(j.sum, sum)
}

// Sum is the Checksum of all that was appended. It is known if those of all pieces were.
func (j *Joiner) Sum() Checksum {
	if !j.begun {
		return CRC32C(nil)
	}
	return j.sum
}

// Combiner combines checksums as CombineCRC32C does, for one length of what is appended. It
// is worth its making where many pieces have one size. It is safe for concurrent use.
//
// Appending n zero bytes to a message is a linear map of its CRC over GF(2). NewCombiner finds
// that map by repeated squaring, in time logarithmic in n, as zlib's crc32_combine does.
type Combiner struct{ zeros gf2Matrix }

// NewCombiner returns the Combiner for pieces of lenB bytes.
func NewCombiner(lenB int64) *Combiner {
	var power gf2Matrix // the map of 2^k zero bits
	power[0] = crc32.Castagnoli
	for i := 1; i < 32; i++ {
		power[i] = 1 << (i - 1)
	}
	c := &Combiner{}
	for i := range c.zeros {
		c.zeros[i] = 1 << i // the map of no zeros
	}
	for range 3 {
		power = power.times(&power) // to eight zero bits, a byte
	}
	for n := max(lenB, 0); n > 0; n >>= 1 {
		if n&1 != 0 {
			c.zeros = power.times(&c.zeros)
		}
		power = power.times(&power)
	}
	return c
}

// Combine is the Checksum of the bytes of a followed by those of b. It is known if both are.
func (c *Combiner) Combine(a, b Checksum) Checksum {
	if !a.Known || !b.Known {
		return Checksum{}
	}
	return Checksum{c.zeros.apply(a.Sum) ^ b.Sum, true}
}

// gf2Matrix is a 32x32 bit matrix, one column a word.
type gf2Matrix [32]uint32

func (m *gf2Matrix) apply(v uint32) uint32 {
	var sum uint32
	for i := 0; v != 0; i, v = i+1, v>>1 {
		if v&1 != 0 {
			sum ^= m[i]
		}
	}
	return sum
}

// times is the map that does n first and then m.
func (m *gf2Matrix) times(n *gf2Matrix) gf2Matrix {
	var product gf2Matrix
	for i := range n {
		product[i] = m.apply(n[i])
	}
	return product
}
