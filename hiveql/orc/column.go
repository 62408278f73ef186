package orc

import (
	"fmt"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/orcfile"
)

// column decodes one column of a stripe.
type column interface {
	// read decodes the next n values. If within is not nil, a value is there only where it is true; the others are NULL
	// because what they are parts of is.
	read(n int, within []bool) (arrow.ArrayData, error)
}

// column opens the column of a type, whose values become those of t.
func (o *opening) column(id uint32, t arrow.DataType) (column, error) {
	info := o.reader.file.tail.Footer.Types[id]
	c := common{t: t}
	if o.has(streamPresent, id) {
		c.present = o.bits(streamPresent, id)
	}
	data := func() *stream { return o.stream(streamData, id) }
	switch info.Kind {
	case orcfile.KindBoolean:
		return &booleans{common: c, data: o.bits(streamData, id)}, nil
	case orcfile.KindByte:
		return &tinyints{common: c, data: o.bytes(streamData, id)}, nil
	case orcfile.KindShort:
		return &numbers[int16]{common: c, data: o.integers(streamData, id, true)}, nil
	case orcfile.KindInt:
		return &numbers[int32]{common: c, data: o.integers(streamData, id, true)}, nil
	case orcfile.KindLong:
		return &numbers[int64]{common: c, data: o.integers(streamData, id, true)}, nil
	case orcfile.KindDate:
		d := &numbers[int32]{common: c, data: o.integers(streamData, id, true)}
		if o.reader.file.tail.Footer.Julian() {
			d.change = hivetype.ProlepticDay
		}
		return d, nil
	case orcfile.KindFloat:
		return &floats[float32]{common: c, data: data()}, nil
	case orcfile.KindDouble:
		return &floats[float64]{common: c, data: data()}, nil
	case orcfile.KindDecimal:
		return &decimals{common: c, data: data(), scales: o.integers(streamSecondary, id, true),
			scale: int(t.(*arrow.Decimal128Type).Scale)}, nil
	case orcfile.KindTimestamp, orcfile.KindInstant:
		return o.timestamps(c, id, info.Kind), nil
	case orcfile.KindString, orcfile.KindVarchar, orcfile.KindChar, orcfile.KindBinary:
		return o.texts(c, id, info), nil
	}
	return o.nested(c, id, info)
}

// nested opens a column that has columns below it.
func (o *opening) nested(c common, id uint32, info orcfile.Type) (column, error) {
	var parts []arrow.DataType
	switch t := c.t.(type) {
	case *arrow.ListType:
		parts = []arrow.DataType{t.Elem()}
	case *arrow.MapType:
		parts = []arrow.DataType{t.KeyType(), t.ItemType()}
	case *arrow.StructType:
		for _, f := range t.Fields() {
			parts = append(parts, f.Type)
		}
		if info.Kind == orcfile.KindUnion {
			parts = parts[1:] // behind the tag
		}
	}
	below := make([]column, len(info.Below))
	for i, b := range info.Below {
		var err error
		if below[i], err = o.column(b, parts[i]); err != nil {
			return nil, err
		}
	}
	switch info.Kind {
	case orcfile.KindList, orcfile.KindMap:
		return &lists{common: c, below: below, lengths: o.integers(streamLength, id, false)}, nil
	case orcfile.KindStruct:
		return &structs{common: c, below: below}, nil
	}
	return &unions{common: c, below: below, tags: o.bytes(streamData, id)}, nil
}

// common is what all columns have.
type common struct {
	t       arrow.DataType
	present *bitRuns // nil where no value is NULL by itself
	valid   []bool
	scratch []int64
}

// next reads n numbers into a list, which is used again by the next call.
func (c *common) next(n int, from integers) ([]int64, error) {
	if cap(c.scratch) < n {
		c.scratch = make([]int64, n)
	}
	list := c.scratch[:n]
	return list, from.next(list)
}

// presence says which of n values are not NULL, and how many. The list is nil where all are; it is used again by the
// next call.
func (c *common) presence(n int, within []bool) ([]bool, int, error) {
	if c.present == nil {
		have := n
		for _, v := range within {
			if !v {
				have--
			}
		}
		if have == n {
			return nil, n, nil
		}
		return within, have, nil
	}
	if cap(c.valid) < n {
		c.valid = make([]bool, n)
	}
	c.valid = c.valid[:n]
	said := n // of as many values it is said whether they are NULL
	for _, v := range within {
		if !v {
			said--
		}
	}
	have, err := c.present.fill(c.valid[:said])
	if err != nil {
		return nil, 0, fmt.Errorf("NULLs: %w", err)
	}
	if said < n {
		spread(c.valid, within, said)
		for i, v := range within {
			c.valid[i] = c.valid[i] && v
		}
	}
	if have == n {
		return nil, n, nil
	}
	return c.valid, have, nil
}

// array makes Arrow's data of n values.
func (c *common) array(n int, valid []bool, have int, buffers []*memory.Buffer, below ...arrow.ArrayData) arrow.ArrayData {
	all := append([]*memory.Buffer{bitmap(valid)}, buffers...)
	return array.NewData(c.t, n, all, below, n-have, 0)
}

// bitmap has a bit for each value, the first in the lowest; nil where all are valid.
func bitmap(valid []bool) *memory.Buffer {
	if valid == nil {
		return nil
	}
	b := make([]byte, (len(valid)+7)/8)
	for i, v := range valid {
		if v {
			b[i/8] |= 1 << (i % 8)
		}
	}
	return memory.NewBufferBytes(b)
}

// bufferOf is the memory of a slice.
func bufferOf[T any](list []T) *memory.Buffer {
	var zero T
	if len(list) == 0 {
		return memory.NewBufferBytes(nil)
	}
	return memory.NewBufferBytes(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(list))), len(list)*int(unsafe.Sizeof(zero))))
}

// spread puts the values that are there where they belong, from the last to the first.
func spread[T any](list []T, valid []bool, have int) {
	for i := len(list) - 1; i >= 0 && have <= i; i-- {
		if valid[i] {
			have--
			list[i] = list[have]
		}
	}
}
