package formats

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/skepdata/skep/hiveql/formats/orc"
	"github.com/skepdata/skep/hivetype"
)

// orcAppender appends the values of a vector from one place to another.
type orcAppender func(v *orc.Vector, from, to int)

// newORCAppender brings values of a file's type into a column.
func newORCAppender(c *column, t *orc.Type, julian bool) (orcAppender, error) {
	switch {
	case c.list != nil && t.Kind == orc.List, c.dict != nil && t.Kind == orc.Map:
		return orcLists(c, t, julian)
	case c.record != nil && !c.union && t.Kind == orc.Struct:
		return orcStructs(c, t, julian)
	case c.union && t.Kind == orc.Union:
		return orcUnions(c, t, julian)
	case len(c.below) > 0 || len(t.Below) > 0:
		return nil, fmt.Errorf("a file has another type than %s, and reading it as that is %w yet", c.t, ErrUnsupported)
	}
	from, err := orcType(t)
	if err != nil {
		return nil, err
	}
	one := orcValue(c, from, julian)
	if one == nil {
		return nil, fmt.Errorf("a file has the type %s, and reading it as %s is %w yet", from, c.t, ErrUnsupported)
	}
	return func(v *orc.Vector, at, end int) {
		for i := at; i < end; i++ {
			if v.Null != nil && v.Null[i] || !one(v, i) {
				c.null()
			}
		}
	}, nil
}

func orcLists(c *column, t *orc.Type, julian bool) (orcAppender, error) {
	below := make([]orcAppender, len(t.Below))
	for i, b := range t.Below {
		var err error
		if below[i], err = newORCAppender(c.below[i], b, julian); err != nil {
			return nil, err
		}
	}
	return func(v *orc.Vector, from, to int) {
		for i := from; i < to; i++ {
			if v.Null != nil && v.Null[i] {
				c.null()
				continue
			}
			at, end := v.Starts[i], v.Starts[i+1]
			if c.list != nil {
				c.list.Append(true)
				below[0](v.Below[0], at, end)
				continue
			}
			c.dict.Append(true)
			for ; at < end; at++ { // Arrow has no entries without a key
				if keys := v.Below[0]; keys.Null == nil || !keys.Null[at] {
					below[0](keys, at, at+1)
					below[1](v.Below[1], at, at+1)
				}
			}
		}
	}, nil
}

func orcStructs(c *column, t *orc.Type, julian bool) (orcAppender, error) {
	type field struct {
		at  int
		add orcAppender
	}
	fields := make([]field, len(c.below))
	for i, f := range c.t.Fields {
		fields[i].at = -1
		for j, name := range t.Names {
			if strings.EqualFold(name, f.Name) {
				fields[i].at = j
			}
		}
		if fields[i].at >= 0 {
			var err error
			if fields[i].add, err = newORCAppender(c.below[i], t.Below[fields[i].at], julian); err != nil {
				return nil, err
			}
		}
	}
	return func(v *orc.Vector, from, to int) {
		for i := from; i < to; i++ {
			if v.Null != nil && v.Null[i] {
				c.null()
				continue
			}
			c.record.Append(true)
			for k, f := range fields {
				if f.at < 0 {
					c.below[k].null()
				} else {
					f.add(v.Below[f.at], i, i+1)
				}
			}
		}
	}, nil
}

func orcUnions(c *column, t *orc.Type, julian bool) (orcAppender, error) {
	below := make([]orcAppender, len(t.Below))
	for i, b := range t.Below {
		if i+1 >= len(c.below) {
			return nil, fmt.Errorf("a file has another type than %s, and reading it as that is %w yet", c.t, ErrUnsupported)
		}
		var err error
		if below[i], err = newORCAppender(c.below[i+1], b, julian); err != nil {
			return nil, err
		}
	}
	return func(v *orc.Vector, from, to int) {
		for i := from; i < to; i++ {
			if v.Null != nil && v.Null[i] {
				c.null()
				continue
			}
			c.record.Append(true)
			c.below[0].set(fmt.Append(nil, v.Ints[i]))
			for k := range c.below[1:] {
				if int64(k) == v.Ints[i] {
					below[k](v.Below[k], i, i+1)
				} else {
					c.below[k+1].null()
				}
			}
		}
	}, nil
}

// orcValue appends one value that is not NULL, and is false where it is no value of the column's type. It is
// nil where no value becomes one.
func orcValue(c *column, from hivetype.Type, julian bool) func(v *orc.Vector, i int) bool {
	same := from.Kind == c.t.Kind
	whole := from.Integer() || from.Kind == hivetype.Boolean
	switch b := c.builder.(type) {
	case *array.StringBuilder:
		if same && from.Kind == hivetype.String {
			return func(v *orc.Vector, i int) bool { b.BinaryBuilder.Append(validUTF8(v.Bytes[i])); return true }
		}
		if from.Text() {
			return func(v *orc.Vector, i int) bool { return c.text(v.Bytes[i]) }
		}
	case *array.BinaryBuilder:
		if from.Text() || same {
			return func(v *orc.Vector, i int) bool { b.Append(v.Bytes[i]); return true }
		}
	case *array.Date32Builder:
		if same {
			return func(v *orc.Vector, i int) bool {
				b.Append(arrow.Date32(orcDay(v.Ints[i], julian)))
				return true
			}
		}
	case *array.Float64Builder:
		switch {
		case from.Kind == hivetype.Double || from.Kind == hivetype.Float:
			return func(v *orc.Vector, i int) bool { b.Append(v.Floats[i]); return true }
		case whole:
			return func(v *orc.Vector, i int) bool { b.Append(float64(v.Ints[i])); return true }
		}
	case *array.Float32Builder:
		switch {
		case from.Kind == hivetype.Double || from.Kind == hivetype.Float:
			return func(v *orc.Vector, i int) bool { b.Append(float32(v.Floats[i])); return true }
		case whole:
			return func(v *orc.Vector, i int) bool { b.Append(float32(v.Ints[i])); return true }
		}
	case *array.BooleanBuilder:
		if whole {
			return func(v *orc.Vector, i int) bool { b.Append(v.Ints[i] != 0); return true }
		}
	}
	if c.stamp != nil && stamped(from) {
		return func(v *orc.Vector, i int) bool {
			c.stamp(orcSecond(v.Ints[i], julian)*1e6+v.Nanos[i]/1000, v.Nanos[i]%1000)
			return true
		}
	}
	if b, ok := c.builder.(*array.Decimal128Builder); ok && same && from.Kind == hivetype.Decimal {
		return func(v *orc.Vector, i int) bool { return orcDecimal(b, c.t, v, i) }
	}
	if add := orcWhole(c, whole, from); add != nil {
		return add
	}
	return orcConverted(c, from, julian)
}

// orcWhole appends whole numbers, and what is behind the point is cut off.
func orcWhole(c *column, whole bool, from hivetype.Type) func(v *orc.Vector, i int) bool {
	var limit int64
	var add func(int64)
	switch b := c.builder.(type) {
	case *array.Int8Builder:
		limit, add = 1<<7, func(n int64) { b.Append(int8(n)) }
	case *array.Int16Builder:
		limit, add = 1<<15, func(n int64) { b.Append(int16(n)) }
	case *array.Int32Builder:
		limit, add = 1<<31, func(n int64) { b.Append(int32(n)) }
	case *array.Int64Builder:
		add = b.Append
	default:
		return nil
	}
	put := func(n int64) bool {
		if limit > 0 && (n < -limit || n >= limit) {
			return false
		}
		add(n)
		return true
	}
	switch {
	case whole:
		return func(v *orc.Vector, i int) bool { return put(v.Ints[i]) }
	case from.Kind == hivetype.Float || from.Kind == hivetype.Double:
		return func(v *orc.Vector, i int) bool {
			f := v.Floats[i]
			return f >= -9.3e18 && f < 9.2233720368547758e18 && f == f && put(int64(f))
		}
	}
	return nil
}

// orcDecimal appends a decimal of the file's scale.
func orcDecimal(b *array.Decimal128Builder, t hivetype.Type, v *orc.Vector, i int) bool {
	u := v.Digits[i]
	n := decimal128.New(u.High, u.Low)
	if v.Scales[i] == int64(t.Scale) && n.FitsInPrecision(int32(t.Precision)) {
		b.Append(n)
		return true
	}
	d, ok := orcDec(v, i).Round(t.Precision, t.Scale)
	if ok {
		b.Append(decimal128.FromBigInt(rescaled(d, t.Scale)))
	}
	return ok
}

func orcDec(v *orc.Vector, i int) hivetype.Dec {
	n := new(big.Int).Lsh(big.NewInt(v.Digits[i].High), 64)
	return hivetype.Dec{Unscaled: n.Add(n, new(big.Int).SetUint64(v.Digits[i].Low)), Scale: int(min(max(v.Scales[i], -100), 100))}
}
