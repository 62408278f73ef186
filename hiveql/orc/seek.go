package orc

import (
	"slices"

	"github.com/skepdata/skep/internal/orcfile"
)

// place is where in a stream a group of rows begins.
type place struct {
	chunk int64 // bytes of the stream, as it lies in the file, before
	bytes int64 // of the chunk without compression
	runs  int   // values of the run that begins there
	bits  int   // of the byte that follows, of booleans
}

// held is a stream whose places are in an index, and how many of the numbers of a place it has behind the bytes.
type held struct {
	kind   uint64
	counts int // 1: runs; 2: runs and bits
}

// heldBy are the streams of a column without those of NULLs, in the order of their places.
func heldBy(kind uint64, e encoding) []held {
	switch kind {
	case orcfile.KindBoolean:
		return []held{{streamData, 2}}
	case orcfile.KindFloat, orcfile.KindDouble:
		return []held{{streamData, 0}}
	case orcfile.KindDecimal:
		return []held{{streamData, 0}, {streamSecondary, 1}}
	case orcfile.KindTimestamp, orcfile.KindInstant:
		return []held{{streamData, 1}, {streamSecondary, 1}}
	case orcfile.KindString, orcfile.KindVarchar, orcfile.KindChar, orcfile.KindBinary:
		if e.kind == encodingDictionary || e.kind == encodingDictionaryV2 {
			return []held{{streamData, 1}}
		}
		return []held{{streamData, 0}, {streamLength, 1}}
	case orcfile.KindList, orcfile.KindMap:
		return []held{{streamLength, 1}}
	case orcfile.KindStruct:
		return nil
	}
	return []held{{streamData, 1}}
}

// places finds where the streams of the reader's columns begin for its first row, and about where they end for its last.
// Where the indexes do not tell of all of them, rows are read from the beginning of the stripe.
func (o *opening) places(s *orcfile.Stripe) error {
	f, stride := o.reader.file, int64(min(o.reader.file.tail.Footer.Stride, 1<<40))
	from, to := o.reader.options.From, o.reader.options.To
	if s.Index == 0 || stride == 0 || from%stride != 0 || groupsOf(s.Rows, stride) > mostGroups {
		return nil
	}
	begins, ends := map[uint32]map[uint64]place{}, map[uint32]map[uint64]place{}
	for _, id := range o.ids() {
		b := []byte(nil)
		if i := o.footer.stream(streamIndex, id); i != nil {
			var err error
			if b, err = f.streamBytes(o.ctx, i); err != nil {
				return err
			}
		}
		groups, err := parseRowIndex(b, groupsOf(s.Rows, stride))
		if err != nil {
			return err
		}
		first, behind := int(from/stride), int((to+stride-1)/stride)
		if first >= len(groups) {
			return nil
		}
		var ok bool
		if begins[id], ok = o.placesIn(id, groups[first].positions); !ok {
			return nil
		}
		if to > 0 && behind < len(groups) {
			if ends[id], ok = o.placesIn(id, groups[behind].positions); !ok {
				return nil
			}
		}
	}
	o.ends = ends
	if from > 0 {
		o.begins, o.seeks = begins, true
	}
	return nil
}

// ids are the columns that are read, and those below them.
func (o *opening) ids() []uint32 {
	types := o.reader.file.tail.Footer.Types
	var list []uint32
	for _, c := range o.reader.options.Columns {
		list = append(list, types[0].Below[c])
	}
	for i := 0; i < len(list); i++ {
		list = append(list, types[list[i]].Below...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// placesIn reads the numbers of a column. ok is false where there are not as many as there should be.
func (o *opening) placesIn(id uint32, numbers []uint64) (found map[uint64]place, ok bool) {
	streams := heldBy(o.reader.file.tail.Footer.Types[id].Kind, o.encoding(id))
	if o.has(streamPresent, id) {
		streams = append([]held{{streamPresent, 2}}, streams...)
	}
	found = map[uint64]place{}
	take := func() (n uint64) {
		if len(numbers) == 0 {
			ok = false
			return 0
		}
		n, numbers = numbers[0], numbers[1:]
		return n
	}
	ok = true
	for _, h := range streams {
		p := place{chunk: int64(min(take(), 1<<62))}
		if o.reader.decode != nil {
			p.bytes = int64(min(take(), 1<<62))
		}
		if h.counts > 0 {
			p.runs = int(min(take(), 1<<30))
		}
		if h.counts > 1 {
			p.bits = int(min(take(), 1<<30))
		}
		if i := o.footer.stream(h.kind, id); i == nil || p.chunk > i.length || p.runs > mostInRun || p.bits > 8 {
			if i != nil || p != (place{}) {
				ok = false
			}
		}
		found[h.kind] = p
	}
	return found, ok && len(numbers) == 0
}

// mostInRun is how many values a run has at most, of any kind.
const mostInRun = 512

// seek begins at a place. Runs are passed over by those who know them.
func (s *stream) seek(p place) {
	s.at += p.chunk
	s.skip = p.bytes
}

// soon is how much of the file will be read for the rows that are wanted, as far as that is known.
func (o *opening) soon(i *streamInfo) int64 {
	end := i.offset + i.length
	if p, ok := o.ends[uint32(i.column)][i.kind]; ok {
		end = min(end, i.offset+p.chunk+int64(o.reader.file.tail.Block)+orcfile.ChunkHead)
	}
	return end
}

// integers are those of a stream of a column.
func (o *opening) integers(kind uint64, id uint32, signed bool) integers {
	i := newIntegers(o.stream(kind, id), o.encoding(id), signed)
	if n := o.begins[id][kind].runs; n > 0 {
		o.skips = append(o.skips, func() error { return i.next(make([]int64, n)) })
	}
	return i
}

// bytes are those of a stream of a column, in runs.
func (o *opening) bytes(kind uint64, id uint32) *byteRuns {
	r := &byteRuns{in: o.stream(kind, id)}
	if n := o.begins[id][kind].runs; n > 0 {
		o.skips = append(o.skips, func() error { return r.pass(n) })
	}
	return r
}

// bits are those of a stream of a column.
func (o *opening) bits(kind uint64, id uint32) *bitRuns {
	b := &bitRuns{runs: byteRuns{in: o.stream(kind, id)}}
	if p := o.begins[id][kind]; p.runs > 0 || p.bits > 0 {
		o.skips = append(o.skips, func() error {
			if err := b.runs.pass(p.runs); err != nil {
				return err
			}
			_, err := b.fill(make([]bool, p.bits))
			return err
		})
	}
	return b
}

// pass passes over n bytes.
func (r *byteRuns) pass(n int) error {
	for range n {
		if _, err := r.next(); err != nil {
			return err
		}
	}
	return nil
}
