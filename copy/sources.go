package copier

import (
	"fmt"
	"iter"
	"slices"
	"sort"
	"sync"

	"github.com/klauspost/compress/s2"

	"github.com/skepdata/skep/copy/internal/spill"
)

// Sources are what an output is made of, in the order in which they are put together. Of an output of many files
// most are kept packed, on disk where they are many. They may be read by several goroutines. One that cannot be read
// again has no key, and lost says why.
type Sources struct {
	head   []Source // an output that is appended to, and the first file, or all
	packed *packedSources
	tail   []Source
}

// SourcesOf are a few sources.
func SourcesOf(list ...Source) Sources { return Sources{head: list} }

// Len is how many there are.
func (s *Sources) Len() int { return len(s.head) + s.packed.len() + len(s.tail) }

// At is one of them.
func (s *Sources) At(i int) Source {
	if i < len(s.head) {
		return s.head[i]
	}
	if i -= len(s.head); i < s.packed.len() {
		return s.packed.chunk(i / packTogether)[i%packTogether]
	}
	return s.tail[i-s.packed.len()]
}

// First is the first.
func (s *Sources) First() Source { return s.head[0] }

// All are all of them, numbered.
func (s *Sources) All() iter.Seq2[int, Source] {
	return func(yield func(int, Source) bool) {
		n := 0
		each := func(list []Source) bool {
			for _, one := range list {
				if !yield(n, one) {
					return false
				}
				n++
			}
			return true
		}
		if !each(s.head) {
			return
		}
		for i := range s.packed.chunks() {
			if !each(s.packed.chunk(i)) {
				return
			}
		}
		each(s.tail)
	}
}

// Size is the sum of their sizes in bytes.
func (s *Sources) Size() int64 {
	sum := s.packed.bytes()
	for _, list := range [][]Source{s.head, s.tail} {
		for i := range list {
			sum += list[i].Size
		}
	}
	return sum
}

// ways is what happens to any of them. There are few ways.
func (s *Sources) ways() []step {
	var ways []step
	if s.packed != nil {
		ways = slices.Clone(s.packed.ways)
	}
	for _, list := range [][]Source{s.head, s.tail} {
		for i := range list {
			if !slices.Contains(ways, list[i].step) {
				ways = append(ways, list[i].step)
			}
		}
	}
	return ways
}

// lost is why the first that cannot be copied cannot be.
func (s *Sources) lost() error {
	for _, one := range s.head {
		if one.lost != nil {
			return one.lost
		}
	}
	if s.packed != nil && s.packed.lost != nil {
		return s.packed.lost
	}
	for _, one := range s.tail {
		if one.lost != nil {
			return one.lost
		}
	}
	return nil
}

// setStep says what happens to a source, but for those that are packed, which know.
func (s *Sources) setStep(i int, to step) {
	if i < len(s.head) {
		s.head[i].step = to
	} else if i -= len(s.head) + s.packed.len(); i >= 0 {
		s.tail[i].step = to
	}
}

// before is s behind another source.
func (s *Sources) before(first Source) Sources {
	return Sources{append([]Source{first}, s.head...), s.packed, s.tail}
}

// without is s without the first.
func (s *Sources) without() Sources { return Sources{s.head[1:], s.packed, s.tail} }

// replaced is s with another first.
func (s *Sources) replaced(first Source) Sources {
	head := slices.Clone(s.head)
	head[0] = first
	return Sources{head, s.packed, s.tail}
}

// find is the source that a byte of all is in, and which of its bytes. Of several that begin there it is the first.
func (s *Sources) find(offset int64) (i int, rest int64) {
	skip := func(size int64) bool {
		if i >= s.Len()-1 || offset == 0 || offset < size {
			return false
		}
		offset -= size
		i++
		return true
	}
	for i < len(s.head) && skip(s.head[i].Size) {
	}
	if i < len(s.head) {
		return i, offset
	}
	// Of the chunks all are passed by that end before the byte.
	if n := sort.Search(s.packed.chunks(), func(n int) bool { return s.packed.ends[n] >= offset }); n > 0 {
		i += min(n*packTogether, s.packed.len())
		offset -= s.packed.ends[n-1]
	}
	for skip(s.sizeAt(i)) {
	}
	return i, offset
}

func (s *Sources) sizeAt(i int) int64 {
	one := s.At(i)
	return one.Size
}

// packTogether is how many sources are packed together.
const packTogether = 256

// packedSources are sources as they are encoded, compressed, and kept in a store. One goroutine adds them, before
// others read them.
type packedSources struct {
	steps   func(key string) step // what happens to a source
	code    sourceCode
	store   *spill.Store
	texts   []spill.Piece // of so many sources each
	ends    []int64       // bytes of all sources up to the end of a text
	last    []Source      // that are too few to be packed
	numbers []int64       // of those, for --numberFiles
	size    int64         // bytes of all of them
	ways    []step        // what happens to any of them
	lost    error         // of the first that cannot be copied
	buf     []byte

	mu     sync.Mutex
	number int // of the text that was read last; -1 is none
	read   []Source
}

func newPackedSources(store *spill.Store, steps func(key string) step) *packedSources {
	return &packedSources{steps: steps, code: newSourceCode(), store: store, number: -1}
}

func (p *packedSources) len() int {
	if p == nil {
		return 0
	}
	return len(p.texts)*packTogether + len(p.last)
}

func (p *packedSources) bytes() int64 {
	if p == nil {
		return 0
	}
	return p.size
}

// chunks is how many chunks there are.
func (p *packedSources) chunks() int { return (p.len() + packTogether - 1) / packTogether }

func (p *packedSources) add(s Source, number int64) error {
	s.step = p.steps(s.Key)
	if !slices.Contains(p.ways, s.step) {
		p.ways = append(p.ways, s.step)
	}
	if p.lost == nil {
		p.lost = s.lost
	}
	p.last, p.numbers = append(p.last, s), append(p.numbers, number)
	p.size += s.Size
	if len(p.last) < packTogether {
		if len(p.ends) == len(p.texts) {
			p.ends = append(p.ends, 0)
		}
		p.ends[len(p.texts)] = p.size
		return nil
	}
	p.buf = p.buf[:0]
	for i, one := range p.last {
		p.buf = p.code.encode(p.buf, one, p.numbers[i])
	}
	text, err := p.store.Put(s2.EncodeBetter(nil, p.buf))
	if err != nil {
		return err
	}
	p.ends[len(p.texts)] = p.size
	p.texts = append(p.texts, text)
	p.last, p.numbers = make([]Source, 0, packTogether), p.numbers[:0]
	return nil
}

// chunk is one of the chunks, which is not to be changed.
func (p *packedSources) chunk(n int) []Source {
	if n == len(p.texts) {
		return p.last
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.number != n {
		p.read = make([]Source, 0, packTogether)
		p.unpack(n, func(s Source, _ int64) {
			s.step = p.steps(s.Key)
			p.read = append(p.read, s)
		})
		p.number = n
	}
	return p.read
}

// numbersOf are the numbers of the files of a chunk.
func (p *packedSources) numbersOf(n int) (all []int64) {
	if n == len(p.texts) {
		return p.numbers
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unpack(n, func(_ Source, number int64) { all = append(all, number) })
	return all
}

func (p *packedSources) unpack(n int, each func(s Source, number int64)) {
	b, err := p.store.Get(p.texts[n])
	if err == nil {
		b, err = s2.Decode(nil, b)
	}
	if err != nil {
		for range packTogether {
			each(Source{lost: fmt.Errorf("what was listed cannot be read again: %w", err)}, 0)
		}
		return
	}
	for range packTogether {
		var s Source
		var number int64
		s, number, b = p.code.decode(b)
		each(s, number)
	}
}

// aside are the first files of an output that has more, which have not been read yet.
type aside struct {
	Sources
	number int64 // of the first, for --numberFiles
}

// add adds files, most of which go into the store.
func (a *aside) add(files []Source, numbers []int64, store *spill.Store, steps func(key string) step) error {
	if len(files) == 0 {
		return nil
	}
	if a.packed == nil {
		a.head, a.number, a.packed = []Source{files[0]}, numbers[0], newPackedSources(store, steps)
		files, numbers = files[1:], numbers[1:]
	}
	for i, s := range files {
		if err := a.packed.add(s, numbers[i]); err != nil {
			return err
		}
	}
	return nil
}

// before are all of them, and other files behind them.
func (a *aside) before(files []Source, numbers []int64) ([]Source, []int64) {
	if a.Len() == 0 {
		return files, numbers
	}
	all := make([]Source, 0, a.Len()+len(files))
	first := make([]int64, 0, a.Len())
	all, first = append(all, a.head...), append(first, a.number)
	for i := range a.packed.chunks() {
		all = append(all, a.packed.chunk(i)...)
		first = append(first, a.packed.numbersOf(i)...)
	}
	return append(all, files...), append(first, numbers...)
}
