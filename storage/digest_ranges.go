package storage

import (
	"encoding/binary"
	"hash"
)

// Who reads a content in ranges, in whatever order, has no hash of the whole. But the CRCs of ranges can be joined, and a
// hash of the hashes of parts is known by those of the parts, if none of them is in two ranges.

// InRanges reports whether the digest can be joined of what NewRange computes of ranges of so many bytes, but for the
// last, which may be shorter.
func (d Digest) InRanges(size int64) bool {
	if d.PartSize > 0 {
		return size%d.PartSize == 0
	}
	return d.Quick()
}

// NewRange returns a hash for one range.
func (d Digest) NewRange() hash.Hash {
	if d.PartSize == 0 {
		return newHash(d.Algorithm)
	}
	return d.NewRangeBy(newHash(d.Algorithm))
}

// NewRangeBy is NewRange of a digest of parts, which are hashed by another implementation of its algorithm, one after the
// other.
func (d Digest) NewRangeBy(part hash.Hash) hash.Hash {
	return &partHash{Hash: &kept{}, part: part, size: d.PartSize, left: d.PartSize}
}

// RangeSum is what a hash of NewRange is of a range of some bytes.
type RangeSum struct {
	Sum  string
	Size int64
}

// Join is the digest of a content whose ranges have those sums, in order. It is unknown if one of them is none.
func (d Digest) Join(ranges []RangeSum) Digest {
	if d.PartSize > 0 {
		return d.joinParts(ranges)
	}
	f := crcOf(d.Algorithm)
	var sum, power uint64
	for i, r := range ranges {
		if len(r.Sum) != f.bits/8 {
			return Digest{}
		}
		if i == 0 || r.Size != ranges[i-1].Size {
			power = f.ofBytes(r.Size)
		}
		var padded [8]byte
		copy(padded[8-len(r.Sum):], r.Sum)
		sum = f.times(power, sum) ^ binary.BigEndian.Uint64(padded[:])
	}
	all := binary.BigEndian.AppendUint64(nil, sum)
	return Digest{Algorithm: d.Algorithm, Sum: string(all[8-f.bits/8:])}
}

func (d Digest) joinParts(ranges []RangeSum) Digest {
	h := newHash(d.Algorithm)
	for _, r := range ranges {
		if parts := (r.Size + d.PartSize - 1) / d.PartSize; r.Size == 0 || int64(len(r.Sum)) != parts*int64(h.Size()) {
			return Digest{}
		}
		_, _ = h.Write([]byte(r.Sum)) // a hash reports no errors
	}
	return Digest{Algorithm: d.Algorithm, Sum: string(h.Sum(nil)), PartSize: d.PartSize}
}

// kept is no hash: it is all that has been written to it.
type kept struct{ all []byte }

func (k *kept) Write(p []byte) (int, error) {
	k.all = append(k.all, p...)
	return len(p), nil
}

func (k *kept) Sum(b []byte) []byte { return append(b, k.all...) }
func (k *kept) Reset()              { k.all = k.all[:0] }
func (k *kept) Size() int           { return len(k.all) }
func (k *kept) BlockSize() int      { return 1 }
