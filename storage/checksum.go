package storage

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"

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
type Combiner struct{ power uint64 }

// NewCombiner returns the Combiner for pieces of lenB bytes.
func NewCombiner(lenB int64) *Combiner { return &Combiner{crcOf("CRC32C").ofBytes(lenB)} }

// Combine is the Checksum of the bytes of a followed by those of b. It is known if both are.
func (c *Combiner) Combine(a, b Checksum) Checksum {
	if !a.Known || !b.Known {
		return Checksum{}
	}
	return Checksum{uint32(crcOf("CRC32C").times(c.power, uint64(a.Sum))) ^ b.Sum, true}
}
