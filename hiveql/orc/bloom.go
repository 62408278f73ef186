package orc

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"time"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/orcfile"
)

// bloom is a Bloom filter of a column in a group of rows.
type bloom struct {
	hashes uint64
	words  []byte // of 64 bits, the lowest byte first
}

// parseBlooms reads the message BloomFilterIndex.
func parseBlooms(b []byte) (list []bloom, err error) {
	err = orcfile.Fields(b, func(f orcfile.Field) error {
		if f.Number != 1 {
			return nil
		}
		var one bloom
		err := orcfile.Fields(f.Bytes, func(f orcfile.Field) error {
			switch {
			case f.Number == 1:
				one.hashes = f.N
			case f.Number == 2 && f.Bytes == nil: // one word a field, as the first writers have it
				one.words = binary.LittleEndian.AppendUint64(one.words, f.N)
			case f.Number != 2 && f.Number != 3:
			case one.words == nil:
				one.words = slices.Clip(f.Bytes)
			default:
				one.words = append(one.words, f.Bytes...)
			}
			return nil
		})
		if err == nil && !sensible(one.hashes, len(one.words)) {
			err = orcfile.Malformed("a Bloom filter of %d hashes and %d bytes", one.hashes, len(one.words))
		}
		list = append(list, one)
		return err
	})
	return list, err
}

const (
	// mostHashes is more than any writer makes of a value.
	mostHashes = 1000
	// mostBloomBytes have as many bits as an int of Java's can count.
	mostBloomBytes = math.MaxInt32 / 8
)

// sensible reports whether a filter can have so many hashes and bytes.
func sensible(hashes uint64, bytes int) bool {
	return 0 < hashes && hashes <= mostHashes && 0 < bytes && bytes <= mostBloomBytes && bytes%8 == 0
}

// DefaultBloomShare is that of Java's writer: the default of the table property orc.bloom.filter.fpp.
const DefaultBloomShare = 0.01

// mostBloomValues bounds how large a filter is made.
const mostBloomValues = 1 << 20

// newBloom makes an empty filter as Java's writer does it: when so many values are in it, it knows all but a share of
// those that are not.
func newBloom(values int, share float64) bloom {
	n := float64(min(values, mostBloomValues))
	size := int(-n * math.Log(share) / (math.Ln2 * math.Ln2))
	size += 64 - size%64
	return bloom{hashes: uint64(max(1, math.Round(float64(size)/n*math.Ln2))), words: make([]byte, size/8)}
}

// encoded is the message BloomFilter.
func (b bloom) encoded() orcfile.Message {
	return orcfile.Message(nil).Number(1, b.hashes).Bytes(3, b.words)
}

// bits calls visit for each bit of a hash, until it returns false.
func (b bloom) bits(hash uint64, visit func(word *byte, bit byte) bool) {
	size := int32(len(b.words) * 8)
	first, second := int32(hash), int32(hash>>32)
	for i := int32(1); i <= int32(b.hashes); i++ {
		at := first + i*second
		if at < 0 {
			at = ^at
		}
		if at %= size; !visit(&b.words[at/8], 1<<(at%8)) {
			return
		}
	}
}

// add puts in a value of type t, which has to have filters.
func (b bloom) add(v hivetype.Value, t hivetype.Type) {
	if hash, ok := bloomHash(v, t); ok {
		b.bits(hash, func(word *byte, bit byte) bool {
			*word |= bit
			return true
		})
	}
}

// lacks reports whether a value of type t is known not to have been put in.
func (b bloom) lacks(v hivetype.Value, t hivetype.Type) (missing bool) {
	if hash, ok := bloomHash(v, t); ok {
		b.bits(hash, func(word *byte, bit byte) bool {
			missing = *word&bit == 0
			return !missing
		})
	}
	return missing
}

// filtered reports whether there are filters of a type that are understood here.
func filtered(t hivetype.Type) bool {
	return t.Integer() || t.Kind == hivetype.Date || t.Kind == hivetype.String || t.Kind == hivetype.Varchar
}

// bloomHash is the hash of a value of type t; false where it is none of a type that has filters.
func bloomHash(v hivetype.Value, t hivetype.Type) (uint64, bool) {
	if !filtered(t) {
		return 0, false
	}
	switch v := v.(type) {
	case int64:
		return hashOfInteger(v), t.Integer()
	case time.Time:
		return hashOfInteger(floorDiv(v.Unix(), daySeconds)), t.Kind == hivetype.Date
	case string:
		return hashOfText(v), t.Text()
	}
	return 0, false
}

// hashOfInteger is Thomas Wang's, with shifts that keep the sign.
func hashOfInteger(n int64) uint64 {
	n = ^n + n<<21
	n ^= n >> 24
	n = n + n<<3 + n<<8
	n ^= n >> 14
	n = n + n<<2 + n<<4
	n ^= n >> 28
	n += n << 31
	return uint64(n)
}

// hashOfText is the half of 64 bits of Murmur3 that the specification names.
func hashOfText(s string) uint64 {
	const c1, c2 = 0x87c37b91114253d5, 0x4cf5ad432745937f
	mix := func(k uint64) uint64 { return bits.RotateLeft64(k*c1, 31) * c2 }
	h, p := uint64(104729), []byte(s)
	for ; len(p) >= 8; p = p[8:] {
		h ^= mix(binary.LittleEndian.Uint64(p))
		h = bits.RotateLeft64(h, 27)*5 + 0x52dce729
	}
	if len(p) > 0 {
		var rest [8]byte
		copy(rest[:], p)
		h ^= mix(binary.LittleEndian.Uint64(rest[:]))
	}
	h ^= uint64(len(s))
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
