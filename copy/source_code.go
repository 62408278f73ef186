package copier

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/skepdata/skep/storage"
)

// sourceCode encodes what listings, lists and manifests tell of files.
type sourceCode struct {
	lost    []error           // of files that cannot be copied, which are few
	classes map[string]string // each storage class once in memory
}

func newSourceCode() sourceCode { return sourceCode{classes: map[string]string{}} }

// encode appends what listings, lists and manifests tell of a file.
func (g *sourceCode) encode(b []byte, s Source, number int64) []byte {
	text := func(t string) { b = append(binary.AppendUvarint(b, uint64(len(t))), t...) }
	text(s.Key)
	if strings.HasSuffix(s.Key, s.Base) {
		b = binary.AppendUvarint(b, uint64(len(s.Base))<<1)
	} else {
		b = binary.AppendUvarint(b, uint64(len(s.Base))<<1|1)
		b = append(b, s.Base...)
	}
	text(s.ETag)
	text(s.StorageClass)
	text(s.VersionID)
	for _, n := range []int64{s.Size, s.ModTime.Unix(), int64(s.ModTime.Nanosecond()), number} {
		b = binary.AppendVarint(b, n)
	}
	sum := uint64(0)
	if s.CRC32C.Known {
		sum = uint64(s.CRC32C.Sum) + 1
	}
	b = binary.AppendUvarint(b, sum)
	if s.lost == nil {
		return append(b, 0)
	}
	g.lost = append(g.lost, s.lost)
	return binary.AppendUvarint(b, uint64(len(g.lost)))
}

// decode reads what encode has written, and returns what follows it.
func (g *sourceCode) decode(b []byte) (s Source, number int64, rest []byte) {
	uvarint := func() uint64 {
		n, size := binary.Uvarint(b)
		b = b[size:]
		return n
	}
	varint := func() int64 {
		n, size := binary.Varint(b)
		b = b[size:]
		return n
	}
	bytes := func(n uint64) []byte {
		t := b[:n]
		b = b[n:]
		return t
	}
	s.Key = string(bytes(uvarint()))
	if n := uvarint(); n&1 == 0 {
		s.Base = s.Key[len(s.Key)-int(n>>1):]
	} else {
		s.Base = string(bytes(n >> 1))
	}
	s.ETag = string(bytes(uvarint()))
	s.StorageClass = g.class(bytes(uvarint()))
	s.VersionID = string(bytes(uvarint()))
	s.Size = varint()
	seconds := varint()
	s.ModTime = time.Unix(seconds, varint()).UTC()
	number = varint()
	if sum := uvarint(); sum > 0 {
		s.CRC32C = storage.Checksum{Sum: uint32(sum - 1), Known: true}
	}
	if n := uvarint(); n > 0 {
		s.lost = g.lost[n-1]
	}
	return s, number, b
}

func (g *sourceCode) class(b []byte) string {
	name, ok := g.classes[string(b)]
	if !ok {
		name = string(b)
		g.classes[name] = name
	}
	return name
}
