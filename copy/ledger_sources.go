package copier

import (
	"encoding/binary"
	"hash/maphash"
	"time"

	"github.com/skepdata/skep/storage"
)

// mostNumbers is about how many bytes the numbers of a source take.
const mostNumbers = 24

// keep remembers the sources of a record. The ledger must be locked if others know the record.
func (l *ledger) keep(r *record, sources []recordedSource) (err error) {
	size := 0
	for _, s := range sources {
		size += len(s.Key) + len(s.ETag) + mostNumbers
	}
	b := make([]byte, 0, size)
	for _, s := range sources {
		b = append(binary.AppendUvarint(b, uint64(len(s.Key))), s.Key...)
		b = append(binary.AppendUvarint(b, uint64(len(s.ETag))), s.ETag...)
		for _, n := range []int64{s.Size, s.MTime.Unix(), int64(s.MTime.Nanosecond())} {
			b = binary.AppendVarint(b, n)
		}
	}
	r.count = len(sources)
	r.kept, err = l.sources.Put(b)
	return err
}

// sourcesOf reads the sources of a record.
func (l *ledger) sourcesOf(r *record) ([]recordedSource, error) {
	all := make([]recordedSource, 0, r.count)
	err := l.eachSource(r, func(key, etag []byte, size int64, changed time.Time) {
		all = append(all, recordedSource{string(key), size, string(etag), changed})
	})
	return all, err
}

// eachSource reads the sources of a record, one after the other. The text is valid until visit returns.
func (l *ledger) eachSource(r *record, visit func(key, etag []byte, size int64, changed time.Time)) error {
	b, err := l.sources.Get(r.kept)
	if err != nil {
		return err
	}
	text := func() []byte {
		n, size := binary.Uvarint(b)
		t := b[size : size+int(n)]
		b = b[size+int(n):]
		return t
	}
	number := func() int64 {
		n, size := binary.Varint(b)
		b = b[size:]
		return n
	}
	for range r.count {
		key, etag, size := text(), text(), number()
		seconds := number()
		visit(key, etag, size, time.Unix(seconds, number()).UTC())
	}
	return nil
}

// full is a record with its sources.
func (l *ledger) full(r *record) (fullRecord, error) {
	sources, err := l.sourcesOf(r)
	return fullRecord{r, sources}, err
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

// holdings are which versions of sources the outputs of a group hold. Of keys and ETags there are hashes, of 128 and of
// 64 bits, which nobody can foresee, since there may be a million of them.
type holdings struct {
	seed    maphash.Seed
	latest  map[uint64]int32 // by a hash of the key, the number of a holding in list, from 1 on
	list    []holding
	outputs []*record
}

// holding says that an output holds a version of a source.
type holding struct {
	key   uint64 // another hash
	etag  uint64 // a hash; 0 if there is none
	size  int64
	time  int64 // in seconds
	nanos int32
	by    int32 // in outputs
	next  int32 // of another version, or of another key with the same hash; 0 is none
}

// holdings reads what records hold.
func (l *ledger) holdings(records []*record) (*holdings, error) {
	count := 0
	for _, r := range records {
		count += r.count
	}
	h := &holdings{seed: maphash.MakeSeed(), latest: make(map[uint64]int32, count), list: make([]holding, 0, count), outputs: records}
	for i, r := range records {
		err := l.eachSource(r, func(key, etag []byte, size int64, changed time.Time) {
			at := hashText(fnvBasis, string(key))
			h.list = append(h.list, holding{
				key: maphash.Bytes(h.seed, key), etag: h.etag(string(etag)), size: size,
				time: changed.Unix(), nanos: int32(changed.Nanosecond()), by: int32(i), next: h.latest[at],
			})
			h.latest[at] = int32(len(h.list))
		})
		if err != nil {
			return nil, err
		}
	}
	return h, nil
}

func (h *holdings) etag(text string) uint64 {
	if text == "" {
		return 0
	}
	return max(maphash.String(h.seed, text), 1)
}

// find returns the output that holds an object as it is now, or nil.
func (h *holdings) find(o storage.Object) *record {
	if h == nil {
		return nil
	}
	key, etag := maphash.String(h.seed, o.Key), h.etag(o.ETag)
	for at := h.latest[hashText(fnvBasis, o.Key)]; at != 0; at = h.list[at-1].next {
		if one := &h.list[at-1]; one.key == key && one.is(o, etag) {
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
	changed := time.Unix(h.time, int64(h.nanos))
	return changed.IsZero() || o.ModTime.IsZero() || changed.Equal(o.ModTime)
}
