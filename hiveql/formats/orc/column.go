package orc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Column takes the values of one column, each by one call of a method for its kind of type, or of
// Null. What is below lists, maps, structs and unions takes the values within.
type Column struct {
	Below []*Column

	t        *Type
	id       int
	size     int64 // about, in memory
	present  []bool
	values   int64 // of the stripe that are not NULL
	nulls    int64
	ints     []int64
	nanos    []int64
	floats   []float64
	bytes    []byte
	lengths  []int64
	digits   []byte
	encoding int // of the stripe written last
	words    int // of its dictionary

	allValues, allNulls int64
}

func (c *Column) clear() {
	c.allValues += c.values
	c.allNulls += c.nulls
	*c = Column{Below: c.Below, t: c.t, id: c.id, allValues: c.allValues, allNulls: c.allNulls, present: c.present[:0],
		ints: c.ints[:0], nanos: c.nanos[:0], floats: c.floats[:0], bytes: c.bytes[:0], lengths: c.lengths[:0], digits: c.digits[:0]}
}

// Null appends NULL. What is below gets nothing.
func (c *Column) Null() {
	c.present = append(c.present, false)
	c.nulls++
	c.size++
}

func (c *Column) there(size int) {
	c.present = append(c.present, true)
	c.values++
	c.size += int64(size) + 1
}

// Int appends a whole number, boolean or date.
func (c *Column) Int(n int64) {
	c.there(8)
	c.ints = append(c.ints, n)
}

// Float appends a float or double.
func (c *Column) Float(f float64) {
	c.there(8)
	c.floats = append(c.floats, f)
}

// Bytes appends text or bytes.
func (c *Column) Bytes(b string) {
	c.there(len(b) + 8)
	c.bytes = append(c.bytes, b...)
	c.lengths = append(c.lengths, int64(len(b)))
}

// Stamp appends a timestamp, by its seconds since 1970 and the nanoseconds behind them.
func (c *Column) Stamp(seconds, nanos int64) {
	c.there(16)
	c.ints = append(c.ints, seconds)
	c.nanos = append(c.nanos, nanos)
}

// Decimal appends a decimal.
func (c *Column) Decimal(u Unscaled, scale int) {
	before := len(c.digits)
	c.digits = appendWide(c.digits, u)
	c.there(len(c.digits) - before + 8)
	c.ints = append(c.ints, int64(scale))
}

// Begin appends a struct (count is not looked at), or a list or map of count elements, which the
// columns below then take.
func (c *Column) Begin(count int) {
	c.there(8)
	c.lengths = append(c.lengths, int64(count))
}

// Variant appends a union, whose value the column below with that number takes.
func (c *Column) Variant(tag int) {
	c.there(8)
	c.ints = append(c.ints, int64(tag))
}

// appendWide appends a signed number of up to 128 bits.
func appendWide(b []byte, u Unscaled) []byte {
	low, high := u.Low<<1, uint64(u.High)<<1|u.Low>>63
	if u.High < 0 {
		low, high = ^low, ^high
	}
	for high > 0 || low > 127 {
		b = append(b, byte(low)|128)
		low = low>>7 | high<<57
		high >>= 7
	}
	return append(b, byte(low))
}

// base is the beginning of 2015, from which timestamps are counted.
const base = 1420070400

// zone is the time zone that the stripe is said to be of, and by how many seconds it is ahead. ORC
// has no way to say of a time in the last second before 1970 in UTC which second it was: where there
// is one, another zone is taken.
func (f *Writer) zone() (string, int64, error) {
	for hours := range int64(15) {
		if !f.lost(hours * 3600) {
			if hours == 0 {
				return "UTC", 0, nil
			}
			return fmt.Sprintf("Etc/GMT-%d", hours), hours * 3600, nil
		}
	}
	return "", 0, errors.New("timestamps of the second before 1970-01-01 00:00:00, and of those before the hours behind it, cannot be in one stripe")
}

func (f *Writer) lost(shift int64) bool {
	for _, c := range f.flat {
		if c.t.Kind != Timestamp && (c.t.Kind != Instant || shift != 0) {
			continue
		}
		for i, s := range c.ints {
			if s-shift == -1 && c.nanos[i] > 999_999 {
				return true
			}
		}
	}
	return false
}

// written is a stream before it is compressed.
type written struct {
	kind  int
	bytes []byte
}

// streams encodes what the column has taken.
func (c *Column) streams(shift int64) []written {
	var list []written
	if c.nulls > 0 {
		list = append(list, written{presentStream, appendBits(nil, c.present)})
	}
	c.encoding = direct
	switch c.t.Kind {
	case Boolean:
		bools := make([]bool, len(c.ints))
		for i, n := range c.ints {
			bools[i] = n != 0
		}
		return append(list, written{dataStream, appendBits(nil, bools)})
	case Byte, Union:
		b := make([]byte, len(c.ints))
		for i, n := range c.ints {
			b[i] = byte(n)
		}
		return append(list, written{dataStream, appendBytes(nil, b)})
	case Short, Int, Long, Date:
		return append(list, written{dataStream, appendRuns(nil, c.ints, true)})
	case Float, Double:
		return append(list, written{dataStream, c.floatBytes()})
	case String, Varchar, Char:
		return append(list, c.text()...)
	case Binary:
		return append(list, written{dataStream, c.bytes}, written{lengthStream, appendRuns(nil, c.lengths, false)})
	case Timestamp, Instant:
		if c.t.Kind == Instant {
			shift = 0
		}
		return append(list, c.stamps(shift)...)
	case Decimal:
		return append(list, written{dataStream, c.digits}, written{secondaryStream, appendRuns(nil, c.ints, true)})
	case List, Map:
		return append(list, written{lengthStream, appendRuns(nil, c.lengths, false)})
	}
	return list
}

func (c *Column) floatBytes() []byte {
	var b []byte
	for _, f := range c.floats {
		if c.t.Kind == Float {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(f)))
		} else {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
		}
	}
	return b
}

func (c *Column) stamps(shift int64) []written {
	seconds, nanos := make([]int64, len(c.ints)), make([]int64, len(c.ints))
	for i, s := range c.ints {
		n := c.nanos[i]
		if s -= shift; s < 0 && n > 999_999 {
			s++
		}
		seconds[i] = s - (base - shift)
		nanos[i] = shortNanos(n)
	}
	return []written{{dataStream, appendRuns(nil, seconds, true)}, {secondaryStream, appendRuns(nil, nanos, false)}}
}

// shortNanos takes two to nine zeros away, and says how many in three bits.
func shortNanos(n int64) int64 {
	zeros := int64(0)
	for m := n; m > 0 && m%10 == 0; m /= 10 {
		zeros++
	}
	if zeros < 2 {
		return n << 3
	}
	zeros = min(zeros, 8)
	for range zeros {
		n /= 10
	}
	return n<<3 | (zeros - 1)
}

// text is in a dictionary where that is shorter: where no more than four of five values are different.
func (c *Column) text() []written {
	numbers := make([]int64, len(c.lengths))
	var words []byte
	var lengths []int64
	known := map[string]int64{}
	at := int64(0)
	for i, n := range c.lengths {
		word := c.bytes[at : at+n]
		at += n
		number, ok := known[string(word)]
		if !ok {
			number = int64(len(lengths))
			known[string(word)] = number
			words, lengths = append(words, word...), append(lengths, n)
		}
		if numbers[i] = number; i >= 1024 && len(lengths) > i/5*4 {
			break
		}
	}
	if len(lengths) > len(c.lengths)/5*4 || at < int64(len(c.bytes)) {
		return []written{{dataStream, c.bytes}, {lengthStream, appendRuns(nil, c.lengths, false)}}
	}
	c.encoding, c.words = dictionary, len(lengths)
	return []written{{dataStream, appendRuns(nil, numbers, false)}, {lengthStream, appendRuns(nil, lengths, false)}, {dictionaryStream, words}}
}

// describe is the type in the footer.
func (c *Column) describe() []byte {
	b := appendNumber(nil, 1, uint64(c.t.Kind))
	if len(c.Below) > 0 {
		var ids []byte
		for _, d := range c.Below {
			ids = binary.AppendUvarint(ids, uint64(d.id))
		}
		b = appendBody(b, 2, ids)
	}
	for _, name := range c.t.Names {
		b = appendBody(b, 3, []byte(name))
	}
	switch c.t.Kind {
	case Varchar, Char:
		b = appendNumber(b, 4, uint64(c.t.Length))
	case Decimal:
		b = appendNumber(appendNumber(b, 5, uint64(c.t.Precision)), 6, uint64(c.t.Scale))
	}
	return b
}

func (c *Column) statistics(values, nulls int64) []byte {
	b := appendNumber(nil, 1, uint64(values))
	if nulls > 0 {
		return appendNumber(b, 10, 1)
	}
	return appendNumber(b, 10, 0)
}
