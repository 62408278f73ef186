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
	// Min and Max are nil if they are not known. Otherwise they are the least and the greatest of the values.
	Min, Max hivetype.Value
	// Nulls is how many of the values are NULL; -1 if it is not known.
	Nulls int64
}

// Bounds are those of a column in a stripe: of integers, days, decimals and text. Of others only the number of NULLs is
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
	b := Bounds{Nulls: -1}
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
		}
		return nil
	})
	return b, err
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
