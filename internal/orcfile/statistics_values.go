package orcfile

import (
	"cmp"
	"math"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// newValues are those of a kind, nil if there is no such kind.
func newValues(kind protowire.Number) values {
	switch kind {
	case columnIntegers:
		return &numbers{least: 1, most: 2, sum: 3, signed: true, limits: limits[int64]{compare: cmp.Compare[int64]}}
	case columnDays:
		return &numbers{least: 1, most: 2, signed: true, limits: limits[int64]{compare: cmp.Compare[int64]}}
	case columnBytes:
		return &numbers{sum: 1, signed: true}
	case columnCollection:
		return &numbers{least: 1, most: 2, sum: 3, limits: limits[int64]{compare: cmp.Compare[int64]}}
	case columnDoubles:
		return &doubles{limits: limits[float64]{compare: cmp.Compare[float64]}}
	case columnText:
		return &words{limits: limits[word]{compare: compareWords}}
	case columnBuckets:
		return &buckets{}
	case columnDecimals:
		return &decimals{limits: limits[decimal]{compare: decimal.compare}}
	case columnInstants:
		return &instants{local: limits[int64]{compare: cmp.Compare[int64]}, utc: limits[instant]{compare: compareInstants}}
	}
	return nil
}

// limits are a least and a greatest value.
type limits[T any] struct {
	compare       func(a, b T) int
	low, high     *T
	noLow, noHigh bool // a part does not say it
}

// reach adds those of a part, nil where it says nothing.
func (l *limits[T]) reach(low, high *T) {
	if low == nil || high == nil {
		l.noLow, l.noHigh = l.noLow || low == nil, l.noHigh || high == nil
	}
	if low != nil && (l.low == nil || l.compare(*low, *l.low) < 0) {
		l.low = low
	}
	if high != nil && (l.high == nil || l.compare(*high, *l.high) > 0) {
		l.high = high
	}
}

// known are the limits, nil where they are not known.
func (l *limits[T]) known() (low, high *T) {
	if !l.noLow {
		low = l.low
	}
	if !l.noHigh {
		high = l.high
	}
	return low, high
}

// numbers are integers, days, lengths, or how many elements collections have.
type numbers struct {
	limits[int64]
	least, most, sum protowire.Number // of their fields; 0 where the kind has none
	signed           bool
	total            int64
	over             bool // total has no room, or a part does not say it
}

func (v *numbers) add(b []byte) error {
	var low, high, sum *int64
	err := Fields(b, func(f Field) error {
		n := int64(f.N)
		if v.signed {
			n = protowire.DecodeZigZag(f.N)
		}
		switch f.Number {
		case v.least:
			low = &n
		case v.most:
			high = &n
		}
		if f.Number == v.sum {
			sum = &n
		}
		return nil
	})
	v.reach(low, high)
	v.total, v.over = summed(v.total, v.over, sum)
	return err
}

func summed(total int64, over bool, n *int64) (int64, bool) {
	if n == nil {
		return 0, true
	}
	sum := total + *n
	return sum, over || (*n > 0) != (sum > total) && *n != 0
}

func (v *numbers) encoded() (m Message) {
	put := func(field protowire.Number, n *int64) {
		switch {
		case n == nil || field == 0:
		case v.signed:
			m = m.Signed(field, *n)
		default:
			m = m.Number(field, uint64(*n))
		}
	}
	low, high := v.known()
	put(v.least, low)
	put(v.most, high)
	if !v.over {
		put(v.sum, &v.total)
	}
	return m
}

// doubles are floating-point numbers.
type doubles struct {
	limits[float64]
	total   float64
	unknown bool // a part does not say its sum
}

func (v *doubles) add(b []byte) error {
	var low, high, sum *float64
	err := Fields(b, func(f Field) error {
		n := math.Float64frombits(f.N)
		switch {
		case f.Number == 3:
			sum = &n
		case math.IsNaN(n): // which has no place among numbers
		case f.Number == 1:
			low = &n
		case f.Number == 2:
			high = &n
		}
		return nil
	})
	v.reach(low, high)
	if sum == nil {
		v.unknown = true
	} else {
		v.total += *sum
	}
	return err
}

func (v *doubles) encoded() (m Message) {
	low, high := v.known()
	if low != nil {
		m = m.Double(1, *low)
	}
	if high != nil {
		m = m.Double(2, *high)
	}
	if !v.unknown {
		m = m.Double(3, v.total)
	}
	return m
}

// word is a bound of text: a value, or, where that is too long, a shorter text before or behind it.
type word struct {
	text string
	cut  bool
}

// compareWords orders values, and one before what is as short by being cut.
func compareWords(a, b word) int { return strings.Compare(a.text, b.text) }

// words are text.
type words struct {
	limits[word]
	total int64 // bytes
	over  bool
}

func (v *words) add(b []byte) error {
	var low, high *word
	var sum *int64
	err := Fields(b, func(f Field) error {
		w := &word{string(f.Bytes), f.Number > 3}
		switch f.Number {
		case 1, 4:
			low = w
		case 2, 5:
			high = w
		case 3:
			n := protowire.DecodeZigZag(f.N)
			sum = &n
		}
		return nil
	})
	v.reach(low, high)
	v.total, v.over = summed(v.total, v.over, sum)
	return err
}

func (v *words) encoded() (m Message) {
	low, high := v.known()
	if low != nil && !low.cut {
		m = m.Bytes(1, []byte(low.text))
	}
	if high != nil && !high.cut {
		m = m.Bytes(2, []byte(high.text))
	}
	if !v.over {
		m = m.Signed(3, v.total)
	}
	if low != nil && low.cut {
		m = m.Bytes(4, []byte(low.text))
	}
	if high != nil && high.cut {
		m = m.Bytes(5, []byte(high.text))
	}
	return m
}

// buckets count values that are true.
type buckets struct{ counts []uint64 }

func (v *buckets) add(b []byte) error {
	at := 0
	return Fields(b, func(f Field) error {
		if f.Number != 1 {
			return nil
		}
		list := f.Bytes
		if list == nil {
			list = protowire.AppendVarint(nil, f.N)
		}
		for len(list) > 0 {
			n, size := protowire.ConsumeVarint(list)
			if size < 0 {
				return Malformed("%v", protowire.ParseError(size))
			}
			if at == len(v.counts) {
				v.counts = append(v.counts, 0)
			}
			v.counts[at] += n
			list = list[size:]
			at++
		}
		return nil
	})
}

func (v *buckets) encoded() Message { return Message(nil).Packed(1, v.counts...) }

// instant is milliseconds since 1970 and, of the time behind them, nanoseconds: one more than there are, 0 for what is
// not said.
type instant struct {
	ms    int64
	nanos uint64
}

func compareInstants(a, b instant) int {
	return cmp.Or(cmp.Compare(a.ms, b.ms), cmp.Compare(a.nanos, b.nanos))
}

const allNanos = 999999 // behind a millisecond

// instants are timestamps: by the clock of the writer, as old writers have them, and by UTC.
type instants struct {
	local limits[int64]
	utc   limits[instant]
}

func (v *instants) add(b []byte) error {
	var low, high *int64
	var first, last *instant
	var nanos [2]uint64
	err := Fields(b, func(f Field) error {
		n := protowire.DecodeZigZag(f.N)
		switch f.Number {
		case 1:
			low = &n
		case 2:
			high = &n
		case 3:
			first = &instant{ms: n}
		case 4:
			last = &instant{ms: n}
		case 5, 6:
			if f.N <= allNanos+1 {
				nanos[f.Number-5] = f.N
			}
		}
		return nil
	})
	if first != nil {
		first.nanos = max(nanos[0], 1)
	}
	if last != nil {
		if last.nanos = nanos[1]; last.nanos == 0 {
			last.nanos = allNanos + 1
		}
	}
	v.local.reach(low, high)
	v.utc.reach(first, last)
	return err
}

func (v *instants) encoded() (m Message) {
	low, high := v.local.known()
	if low != nil {
		m = m.Signed(1, *low)
	}
	if high != nil {
		m = m.Signed(2, *high)
	}
	first, last := v.utc.known()
	if first != nil {
		m = m.Signed(3, first.ms)
	}
	if last != nil {
		m = m.Signed(4, last.ms)
	}
	if first != nil && first.nanos > 1 {
		m = m.Number(5, first.nanos)
	}
	if last != nil && last.nanos <= allNanos {
		m = m.Number(6, last.nanos)
	}
	return m
}
