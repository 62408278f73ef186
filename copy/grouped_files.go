package copier

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/skepdata/skep/copy/internal/spill"
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

	sorted *spill.Sorter
	in     *spill.Reader
	buf    []byte
	code   sourceCode
}

func newGroupedFiles() *groupedFiles {
	return &groupedFiles{sorted: spill.NewSorter("", groupMemory), code: newSourceCode()}
}

// add adds a file to a group, of which number is that for --numberFiles.
func (g *groupedFiles) add(c *cluster, s Source, number int64) error {
	var key [8]byte
	binary.BigEndian.PutUint64(key[:], uint64(c.order))
	g.buf = g.code.encode(g.buf[:0], s, number)
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
		s, number, _ := g.code.decode(value)
		c.files = append(c.files, s)
		c.numbers = append(c.numbers, number)
		c.left--
	}
	return nil
}

var errOtherGroup = errors.New("the file on disk has those of another group")

func (g *groupedFiles) close() error { return g.sorted.Close() }
