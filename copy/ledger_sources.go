package copier

import (
	"encoding/binary"
	"time"

	"github.com/skepdata/skep/storage"
)

// keep remembers the sources of a record. The ledger must be locked if others know the record.
func (l *ledger) keep(r *record, sources []recordedSource) (err error) {
	var b []byte
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
	b, err := l.sources.Get(r.kept)
	if err != nil {
		return nil, err
	}
	text := func() string {
		n, size := binary.Uvarint(b)
		t := string(b[size : size+int(n)])
		b = b[size+int(n):]
		return t
	}
	number := func() int64 {
		n, size := binary.Varint(b)
		b = b[size:]
		return n
	}
	all := make([]recordedSource, r.count)
	for i := range all {
		s := &all[i]
		s.Key, s.ETag, s.Size = text(), text(), number()
		seconds := number()
		s.MTime = time.Unix(seconds, number()).UTC()
	}
	return all, nil
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

// holdings are which versions of sources the outputs of a group hold, by the sources' keys.
type holdings map[string]*holding

// holding says that an output holds a version of a source.
type holding struct {
	recordedSource
	by   *record
	next *holding // of another version
}

// holdings reads what records hold.
func (l *ledger) holdings(records []*record) (holdings, error) {
	held := holdings{}
	for _, r := range records {
		sources, err := l.sourcesOf(r)
		if err != nil {
			return nil, err
		}
		for _, s := range sources {
			held[s.Key] = &holding{s, r, held[s.Key]}
		}
	}
	return held, nil
}

// find returns the output that holds an object as it is now, or nil.
func (h holdings) find(o storage.Object) *record {
	for one := h[o.Key]; one != nil; one = one.next {
		if one.is(o) {
			return one.by
		}
	}
	return nil
}
