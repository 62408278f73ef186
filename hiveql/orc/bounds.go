package orc

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/skepdata/skep/hivetype"
)

// Bounds are what a file says of the values of a column in a stripe.
type Bounds struct {
	// Min and Max are nil if they are not known. All values but NULL are between them.
	Min, Max hivetype.Value
	// Nulls is how many of the values are NULL; -1 if it is not known.
	Nulls int64
}

// Bounds are those of a column in a stripe: of integers, days, decimals and text. Of others only the number of NULLs is
// told. The statistics of all stripes are read the first time.
func (f *File) Bounds(ctx context.Context, stripe, column int) (Bounds, error) {
	f.once.Do(func() { f.statistics, f.unread = f.readStatistics(ctx) })
	if f.unread != nil {
		return Bounds{}, f.unread
	}
	unknown := Bounds{Nulls: -1}
	id := int(f.footer.types[0].below[column])
	if stripe >= len(f.statistics) || id >= len(f.statistics[stripe]) {
		return unknown, nil
	}
	return f.bounds(f.statistics[stripe][id], f.types[column], f.footer.stripes[stripe].rows)
}

// readStatistics reads the messages of the columns' statistics, stripe by stripe.
func (f *File) readStatistics(ctx context.Context) ([][][]byte, error) {
	if f.post.metadata == 0 {
		return nil, nil
	}
	packed := make([]byte, f.post.metadata)
	if err := f.read(ctx, packed, f.tail-f.post.metadata); err != nil {
		return nil, err
	}
	plain, err := f.plain(packed)
	if err != nil {
		return nil, fmt.Errorf("statistics: %w", err)
	}
	var all [][][]byte
	err = fields(plain, func(m field) error {
		if m.number != 1 {
			return nil
		}
		var columns [][]byte
		err := fields(m.bytes, func(c field) error {
			if c.number == 1 {
				columns = append(columns, c.bytes)
			}
			return nil
		})
		all = append(all, columns)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("statistics: %w", err)
	}
	return all, nil
}

// bounds reads the statistics of a column.
func (f *File) bounds(m []byte, t hivetype.Type, rows int64) (Bounds, error) {
	b := Bounds{Nulls: -1}
	err := fields(m, func(s field) error {
		switch {
		case s.number == 1 && s.n <= uint64(rows):
			b.Nulls = rows - int64(s.n)
		case s.number == 2 && t.Integer():
			return b.both(s.bytes, func(x field) hivetype.Value { return protowire.DecodeZigZag(x.n) })
		case s.number == 4 && (t.Kind == hivetype.String || t.Kind == hivetype.Varchar):
			return b.both(s.bytes, func(x field) hivetype.Value { return string(x.bytes) })
		case s.number == 6 && t.Kind == hivetype.Decimal:
			return b.both(s.bytes, func(x field) hivetype.Value {
				if d, ok := hivetype.ParseDec(string(x.bytes)); ok {
					return d
				}
				return nil
			})
		case s.number == 7 && t.Kind == hivetype.Date && !f.footer.julian():
			return b.both(s.bytes, func(x field) hivetype.Value {
				return time.Unix(int64(int32(protowire.DecodeZigZag(x.n)))*daySeconds, 0).UTC()
			})
		}
		return nil
	})
	return b, err
}

// both reads the least and the greatest value. One without the other says nothing.
func (b *Bounds) both(m []byte, value func(field) hivetype.Value) error {
	err := fields(m, func(x field) error {
		switch x.number {
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
