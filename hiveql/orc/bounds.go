package orc

import (
	"context"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/orcfile"
)

// Bounds are what a file says of the values of a column in a stripe.
type Bounds struct {
	// Min and Max are nil if they are not known. Otherwise no value is less, or greater, and if Exact there are values that
	// are equal to them.
	Min, Max hivetype.Value
	Exact    bool
	// Nulls is how many of the values are NULL; -1 if it is not known.
	Nulls int64
}

// Bounds are those of a column in a stripe: of integers, days, decimals, text and times. Of others only the number of NULLs is
// told. The statistics of all stripes are read the first time.
func (f *File) Bounds(ctx context.Context, stripe, column int) (Bounds, error) {
	f.once.Do(func() { f.statistics, f.unread = f.tail.StripeStatistics(f.read.in(ctx)) })
	if f.unread != nil {
		return Bounds{}, f.unread
	}
	unknown := Bounds{Nulls: -1}
	id := int(f.tail.Footer.Types[0].Below[column])
	if stripe >= len(f.statistics) || id >= len(f.statistics[stripe]) {
		return unknown, nil
	}
	return f.bounds(f.statistics[stripe][id], f.types[column], f.tail.Footer.Stripes[stripe].Rows)
}

// originalWriter is the version of the first writers, which added the bounds of text up wrongly. Hive believes none of
// their bounds.
const originalWriter = 0

// bounds reads the statistics of a column.
func (f *File) bounds(m []byte, t hivetype.Type, rows int64) (Bounds, error) {
	b := Bounds{Nulls: -1, Exact: true}
	err := orcfile.Fields(m, func(s orcfile.Field) error {
		switch {
		case s.Number == 1 && s.N <= uint64(rows):
			b.Nulls = rows - int64(s.N)
		case f.tail.WriterVersion == originalWriter:
			return nil
		case s.Number == 2 && t.Integer():
			return b.both(s.Bytes, func(x orcfile.Field) hivetype.Value { return protowire.DecodeZigZag(x.N) })
		case s.Number == 4 && (t.Kind == hivetype.String || t.Kind == hivetype.Varchar):
			return b.both(s.Bytes, func(x orcfile.Field) hivetype.Value { return string(x.Bytes) })
		case s.Number == 6 && t.Kind == hivetype.Decimal:
			return b.both(s.Bytes, func(x orcfile.Field) hivetype.Value {
				if d, ok := hivetype.ParseDec(string(x.Bytes)); ok && d.Scale <= t.Scale {
					return d
				}
				return nil
			})
		case s.Number == 7 && t.Kind == hivetype.Date && !f.tail.Footer.Julian():
			return b.both(s.Bytes, func(x orcfile.Field) hivetype.Value {
				return time.Unix(int64(int32(protowire.DecodeZigZag(x.N)))*daySeconds, 0).UTC()
			})
		case s.Number == 9 && (t.Kind == hivetype.Timestamp || t.Kind == hivetype.TimestampLocalTZ):
			return b.times(s.Bytes)
		}
		return nil
	})
	return b, err
}

// times reads the least and the greatest time, in UTC. What is behind their milliseconds is nothing, or all that can be,
// where it is not told; so it is by writers that do not tell it at all. Within a second of 1970 nothing is known: Java's
// writer and reader round some of those times up.
func (b *Bounds) times(m []byte) error {
	const low, high = 0, 1
	var ms [2]int64
	var told [2]bool
	nanos := [2]int64{0, 1e6 - 1}
	b.Exact = false
	exact := [2]bool{}
	err := orcfile.Fields(m, func(x orcfile.Field) error {
		switch x.Number {
		case 3, 4:
			ms[x.Number-3], told[x.Number-3] = protowire.DecodeZigZag(x.N), true
		case 5, 6:
			if x.N < 1 || x.N > 1e6 {
				return orcfile.Malformed("%d nanoseconds behind a millisecond", int64(x.N)-1)
			}
			nanos[x.Number-5], exact[x.Number-5] = int64(x.N)-1, true
		}
		return nil
	})
	if err != nil || !told[low] || !told[high] || max(ms[low], -ms[low]) < 1000 || max(ms[high], -ms[high]) < 1000 {
		return err
	}
	b.Min = time.UnixMilli(ms[low]).UTC().Add(time.Duration(nanos[low]))
	b.Max = time.UnixMilli(ms[high]).UTC().Add(time.Duration(nanos[high]))
	b.Exact = exact[low] && exact[high]
	return nil
}

// both reads the least and the greatest value. One without the other says nothing.
func (b *Bounds) both(m []byte, value func(orcfile.Field) hivetype.Value) error {
	err := orcfile.Fields(m, func(x orcfile.Field) error {
		switch x.Number {
		case 1:
			b.Min = value(x)
		case 2:
			b.Max = value(x)
		}
		return nil
	})
	if b.Min == nil || b.Max == nil {
		b.Min, b.Max = nil, nil
	}
	return err
}
