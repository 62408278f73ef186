package storage

import (
	"context"
	"crypto/md5"  //nolint:gosec // it is what stores have; see Digest
	"crypto/sha1" //nolint:gosec // as above
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/crc32"

	"github.com/minio/crc64nvme"
)

// Digest is what a store that does not keep the CRC32C of an object's content keeps instead. It is
// against changes by accident. The zero value is unknown.
type Digest struct {
	Algorithm string // one of S3's names: CRC32C, CRC32, CRC64NVME, SHA1, SHA256; or MD5
	Sum       string // the bytes of the hash
	// PartSize, if it is not 0, says that it is the hash of the hashes of parts of so many bytes, the last
	// of which may be shorter.
	PartSize int64
	// Doubtful says that the store may mean something else: an ETag can be an MD5, and need not be.
	Doubtful bool
}

// ParseDigest reads a hash as S3 prints it: in base64. It is unknown if it is none of that algorithm.
func ParseDigest(algorithm, text string) Digest {
	b, err := base64.StdEncoding.DecodeString(text)
	if h := newHash(algorithm); h == nil || err != nil || len(b) != h.Size() {
		return Digest{}
	}
	return Digest{Algorithm: algorithm, Sum: string(b)}
}

// ETagDigest is the MD5 that an ETag of S3 may be; it is unknown if the ETag does not look like one.
func ETagDigest(etag string) Digest {
	b, err := hex.DecodeString(etag)
	if err != nil || len(b) != md5.Size {
		return Digest{}
	}
	return Digest{Algorithm: "MD5", Sum: string(b), Doubtful: true}
}

func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case "CRC32C":
		return NewCRC32C()
	case "CRC32":
		return crc32.NewIEEE()
	case "CRC64NVME":
		return crc64nvme.New()
	case "SHA1":
		return sha1.New() //nolint:gosec // see Digest
	case "SHA256":
		return sha256.New()
	case "MD5":
		return md5.New() //nolint:gosec // see Digest
	}
	return nil
}

// Known reports whether there is one.
func (d Digest) Known() bool { return d.Algorithm != "" }

// Quick reports whether computing it costs about as little as computing a CRC32C.
func (d Digest) Quick() bool {
	return d.Algorithm == "CRC32C" || d.Algorithm == "CRC32" || d.Algorithm == "CRC64NVME"
}

// New returns a hash that computes a digest of this kind, which must be known.
func (d Digest) New() hash.Hash {
	if d.PartSize > 0 {
		return &partHash{Hash: newHash(d.Algorithm), part: newHash(d.Algorithm), size: d.PartSize, left: d.PartSize}
	}
	return newHash(d.Algorithm)
}

// Of is the digest of what was written to a hash that New made.
func (d Digest) Of(h hash.Hash) Digest {
	d.Sum, d.Doubtful = string(h.Sum(nil)), false
	return d
}

// Differs reports whether both are known and not equal. They must be of one kind.
func (d Digest) Differs(e Digest) bool { return d.Known() && e.Known() && d.Sum != e.Sum }

// String names the algorithm and has the hash in hexadecimal digits.
func (d Digest) String() string {
	switch {
	case !d.Known():
		return "no digest"
	case d.PartSize > 0:
		return fmt.Sprintf("%s %x of parts of %d bytes", d.Algorithm, d.Sum, d.PartSize)
	}
	return fmt.Sprintf("%s %x", d.Algorithm, d.Sum)
}

// partHash is the hash of the hashes of parts.
type partHash struct {
	hash.Hash // of those of the parts that are complete
	part      hash.Hash
	size      int64
	left      int64 // bytes of the part that have not come
}

func (h *partHash) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if h.left == 0 {
			_, _ = h.Hash.Write(h.part.Sum(nil)) // a hash reports no errors
			h.part.Reset()
			h.left = h.size
		}
		take := min(int64(len(p)), h.left)
		_, _ = h.part.Write(p[:take])
		p, h.left = p[take:], h.left-take
	}
	return n, nil
}

func (h *partHash) Reset() {
	h.Hash.Reset()
	h.part.Reset()
	h.left = h.size
}

// Sum takes the part that has begun for the last. It ends the hash.
func (h *partHash) Sum(b []byte) []byte {
	_, _ = h.Hash.Write(h.part.Sum(nil))
	return h.Hash.Sum(b)
}

// Attester is a Bucket from which bytes may come changed, as they do over plain HTTP, and that knows
// what they have to be.
type Attester interface {
	// Attest is o, which has been listed, stated or opened, with its CRC32C or else its Digest, if the
	// store has any. It asks for what o does not tell, by up to two requests. The error is ErrChanged if
	// the object is another by now.
	Attest(ctx context.Context, o Object) (Object, error)
	// Exact reports that no byte comes changed after all, as none does over TLS.
	Exact() bool
}
