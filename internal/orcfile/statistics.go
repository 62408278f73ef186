package orcfile

import "google.golang.org/protobuf/encoding/protowire"

// Numbers of the fields in the statistics of a column.
const (
	columnCount      = 1
	columnIntegers   = 2
	columnDoubles    = 3
	columnText       = 4
	columnBuckets    = 5
	columnDecimals   = 6
	columnDays       = 7
	columnBytes      = 8
	columnInstants   = 9
	columnNull       = 10
	columnDisk       = 11
	columnCollection = 12
)

// Statistics puts together what the parts of a file, or several files, say of the values of one column. What one of them
// does not say is not known of all, unless it has no values: least and greatest values, sums that have no room.
type Statistics struct {
	parts     int
	count     uint64
	uncounted bool // a part does not say how many values it has
	null      bool // a part has NULLs
	unsure    bool // a part does not say whether it has
	disk      uint64
	diskless  bool // a part does not say how many bytes it has

	kind   protowire.Number // of the values
	values values           // nil as long as no part has any
	lost   bool             // a part says nothing of its values, or something of another kind
	none   []byte           // what the first part says of its values, all of which are NULL
}

// values are what is known of the values of one kind.
type values interface {
	// add adds what a part says, as a message.
	add(b []byte) error
	encoded() Message
}

// Add adds those of a part, as it has them: a message.
func (s *Statistics) Add(b []byte) error {
	var part struct {
		count, null, disk *uint64
		kind              protowire.Number
		values            Field
	}
	err := Fields(b, func(f Field) error {
		n := f.N
		switch f.Number {
		case columnCount:
			part.count = &n
		case columnNull:
			part.null = &n
		case columnDisk:
			part.disk = &n
		default:
			if newValues(f.Number) != nil {
				part.kind, part.values = f.Number, f
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.parts++
	s.count, s.uncounted = added(s.count, s.uncounted, part.count)
	s.disk, s.diskless = added(s.disk, s.diskless, part.disk)
	s.null = s.null || part.null != nil && *part.null != 0
	s.unsure = s.unsure || part.null == nil
	if part.count != nil && *part.count == 0 {
		if s.none == nil && part.kind != 0 {
			s.none = part.values.Raw
		}
		return nil
	}
	return s.addValues(part.kind, part.values.Bytes)
}

func added(sum uint64, unknown bool, n *uint64) (uint64, bool) {
	if n == nil || sum+*n < sum {
		return 0, true
	}
	return sum + *n, unknown
}

func (s *Statistics) addValues(kind protowire.Number, b []byte) error {
	if s.values == nil {
		s.kind, s.values = kind, newValues(kind)
	}
	if s.values == nil || kind != s.kind {
		s.lost = true
	}
	if s.lost {
		s.values = nothing{}
		return nil
	}
	return s.values.add(b)
}

// nothing is known of values.
type nothing struct{}

func (nothing) add([]byte) error { return nil }
func (nothing) encoded() Message { return nil }

// Encoded is the message of all parts together.
func (s *Statistics) Encoded() Message {
	var m Message
	if !s.uncounted {
		m = m.Number(columnCount, s.count)
	}
	switch {
	case s.lost:
	case s.values != nil:
		m = m.Bytes(s.kind, s.values.encoded())
	default:
		m = append(m, s.none...)
	}
	switch {
	case s.null:
		m = m.Number(columnNull, 1)
	case !s.unsure:
		m = m.Number(columnNull, 0)
	}
	if !s.diskless && s.parts > 0 {
		m = m.Number(columnDisk, s.disk)
	}
	return m
}
