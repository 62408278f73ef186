package copier

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/skepdata/skep/copy/internal/spill"
	"github.com/skepdata/skep/storage"
)

const (
	// groupMemory is how many bytes the files to be grouped take in memory before they are kept on disk,
	// each some 120.
	groupMemory = 16 << 20
	// groupChunk is how many files of a group are looked at together.
	groupChunk = 10_000
)

// groupedFiles are all files that a job groups, and their groups. While files are added they are sorted by
// their groups, on disk where they are many; then they are read, one group after the other.
type groupedFiles struct {
	clusters []*cluster // in the order of their first files, as the listing has them

	sorted  *spill.Sorter
	in      *spill.Reader
	buf     []byte
	lost    []error           // of files that cannot be copied, which are few
	classes map[string]string // each storage class once in memory
}

func newGroupedFiles() *groupedFiles {
	return &groupedFiles{sorted: spill.NewSorter("", groupMemory), classes: map[string]string{}}
}

// add adds a file to a group, of which number is that for --numberFiles.
func (g *groupedFiles) add(c *cluster, s Source, number int64) error {
	var key [8]byte
	binary.BigEndian.PutUint64(key[:], uint64(c.order))
	g.buf = g.encode(g.buf[:0], s, number)
	c.left++
	return g.sorted.Add(key[:], g.buf)
}

// read appends to the files of c those that come next in its group, so many at most. Groups are read in order,
// each to its end.
func (g *groupedFiles) read(c *cluster, most int) (err error) {
	if g.in == nil {
		if g.in, err = g.sorted.Read(); err != nil {
			return err
		}
	}
	for ; most > 0 && c.left > 0; most-- {
		key, value, err := g.in.Next()
		if err != nil {
			return fmt.Errorf("read the files of group %q: %w", c.name, err)
		}
		if binary.BigEndian.Uint64(key) != uint64(c.order) {
			return fmt.Errorf("read the files of group %q: %w", c.name, errOtherGroup)
		}
		s, number := g.decode(value)
		c.files = append(c.files, s)
		c.numbers = append(c.numbers, number)
		c.left--
	}
	return nil
}

var errOtherGroup = errors.New("the file on disk has those of another group")

func (g *groupedFiles) close() error { return g.sorted.Close() }

// encode appends what listings, lists and manifests tell of a file.
func (g *groupedFiles) encode(b []byte, s Source, number int64) []byte {
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

// decode reads what encode has written.
func (g *groupedFiles) decode(b []byte) (s Source, number int64) {
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
	return s, number
}

func (g *groupedFiles) class(b []byte) string {
	name, ok := g.classes[string(b)]
	if !ok {
		name = string(b)
		g.classes[name] = name
	}
	return name
}
