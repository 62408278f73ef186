package copier

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"slices"
	"time"

	"github.com/skepdata/skep/storage"
)

// sourcesPiece is about how many bytes of a record's sources are kept, and read again, together.
const sourcesPiece = 64 << 10

// keep remembers the sources of a record. The ledger must be locked if others know the record.
func (l *ledger) keep(r *record, sources recordedSources) error {
	r.count, r.kept = 0, nil
	var b []byte
	put := func() error {
		piece, err := l.sources.Put(b)
		r.kept, b = append(r.kept, piece), b[:0]
		return err
	}
	for s, err := range sources {
		if err != nil {
			return err
		}
		b = append(binary.AppendUvarint(b, uint64(len(s.Key))), s.Key...)
		b = append(binary.AppendUvarint(b, uint64(len(s.ETag))), s.ETag...)
		for _, n := range []int64{s.Size, s.MTime.Unix(), int64(s.MTime.Nanosecond())} {
			b = binary.AppendVarint(b, n)
		}
		r.count++
		if len(b) >= sourcesPiece {
			if err := put(); err != nil {
				return err
			}
		}
	}
	if len(b) == 0 {
		return nil
	}
	return put()
}

// sourcesOf reads the sources of a record, one after the other. It is changed neither by others while it is read nor by
// who reads.
func (l *ledger) sourcesOf(r *record) recordedSources {
	pieces := r.kept
	return func(yield func(recordedSource, error) bool) {
		for _, piece := range pieces {
			b, err := l.sources.Get(piece)
			if err != nil {
				yield(recordedSource{}, err)
				return
			}
			for len(b) > 0 {
				var s recordedSource
				if s, b = cutSource(b); !yield(s, nil) {
					return
				}
			}
		}
	}
}

// cutSource reads a source as keep has written it, and returns what follows it.
func cutSource(b []byte) (s recordedSource, rest []byte) {
	text := func() string {
		n, size := binary.Uvarint(b)
		t := b[size : size+int(n)]
		b = b[size+int(n):]
		return string(t)
	}
	number := func() int64 {
		n, size := binary.Varint(b)
		b = b[size:]
		return n
	}
	s.Key, s.ETag, s.Size = text(), text(), number()
	seconds := number()
	s.MTime = time.Unix(seconds, number()).UTC()
	return s, b
}

// ofGroups are the records of the outputs, by their groups.
func (l *ledger) ofGroups() map[string][]*record {
	l.mu.Lock()
	defer l.mu.Unlock()
	groups := map[string][]*record{}
	for _, r := range l.outputs {
		groups[r.Group] = append(groups[r.Group], r)
	}
	return groups
}

// holdings are which versions of sources the outputs of a group hold. Of keys and ETags there are hashes that nobody can
// foresee, since there may be a million of them: 40 bytes for each.
type holdings struct {
	seed    maphash.Seed
	list    []holding // by their keys, and of one key by what is later
	outputs []*record
}

// holding says that an output holds a version of a source.
type holding struct {
	key  uint64 // a hash
	etag uint64 // a hash; 0 if there is none
	size int64
	time int64 // as nanosOf has it
	by   int32 // in outputs
}

// holdings reads what records hold.
func (l *ledger) holdings(records []*record) (*holdings, error) {
	count := 0
	for _, r := range records {
		count += r.count
	}
	h := &holdings{seed: maphash.MakeSeed(), list: make([]holding, 0, count), outputs: records}
	for i, r := range records {
		for s, err := range l.sourcesOf(r) {
			if err != nil {
				return nil, err
			}
			h.list = append(h.list, holding{maphash.String(h.seed, s.Key), h.etag(s.ETag), s.Size, nanosOf(s.MTime), int32(i)})
		}
	}
	slices.SortFunc(h.list, func(a, b holding) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(b.by, a.by)) })
	return h, nil
}

func (h *holdings) etag(text string) uint64 {
	if text == "" {
		return 0
	}
	return max(maphash.String(h.seed, text), 1)
}

// nanosOf is a time in nanoseconds since 1970; 0 if there is none.
func nanosOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// find returns the output that holds an object as it is now, or nil.
func (h *holdings) find(o storage.Object) *record {
	if h == nil {
		return nil
	}
	key, etag := maphash.String(h.seed, o.Key), h.etag(o.ETag)
	at, _ := slices.BinarySearchFunc(h.list, key, func(a holding, key uint64) int { return cmp.Compare(a.key, key) })
	for ; at < len(h.list) && h.list[at].key == key; at++ {
		if one := &h.list[at]; one.is(o, etag) {
			return h.outputs[one.by]
		}
	}
	return nil
}

// is reports whether o, whose ETag has that hash, is the version.
func (h *holding) is(o storage.Object, etag uint64) bool {
	if h.size != o.Size {
		return false
	}
	if h.etag != 0 && etag != 0 {
		return h.etag == etag
	}
	changed := nanosOf(o.ModTime)
	return h.time == 0 || changed == 0 || h.time == changed
}
