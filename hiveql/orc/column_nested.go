package orc

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/skepdata/skep/internal/orcfile"
)

// structs have a value of each of their fields wherever they have one.
type structs struct {
	common
	below []column
}

func (c *structs) read(n int, within []bool) (arrow.ArrayData, error) {
	valid, have, err := c.presence(n, within)
	if err != nil {
		return nil, err
	}
	parts := make([]arrow.ArrayData, len(c.below))
	for i, b := range c.below {
		if parts[i], err = b.read(n, valid); err != nil {
			return nil, fmt.Errorf("field %s: %w", c.t.(*arrow.StructType).Field(i).Name, err)
		}
	}
	return c.array(n, valid, have, nil, parts...), nil
}

// most is how many elements the lists of a batch may have together.
const most = 1 << 26

// lists are arrays and maps: numbers of elements.
type lists struct {
	common
	below   []column // the element, or key and value
	lengths integers
}

func (c *lists) read(n int, within []bool) (arrow.ArrayData, error) {
	valid, have, err := c.presence(n, within)
	if err != nil {
		return nil, err
	}
	list, err := c.next(have, c.lengths)
	if err != nil {
		return nil, fmt.Errorf("lengths: %w", err)
	}
	offsets, at, all := make([]int32, n+1), 0, int64(0)
	for i := range n {
		if valid == nil || valid[i] {
			if list[at] < 0 {
				return nil, orcfile.Malformed("a list of %d elements", list[at])
			}
			if all += min(list[at], most); all >= most {
				return nil, fmt.Errorf("lists of more than %d elements in %d rows are %w", most, n, orcfile.ErrUnsupported)
			}
			at++
		}
		offsets[i+1] = int32(all)
	}
	parts := make([]arrow.ArrayData, len(c.below))
	for i, b := range c.below {
		if parts[i], err = b.read(int(all), nil); err != nil {
			return nil, fmt.Errorf("elements: %w", err)
		}
	}
	if m, ok := c.t.(*arrow.MapType); ok {
		if parts[0].NullN() > 0 {
			return nil, fmt.Errorf("a map with a key that is NULL is %w yet", orcfile.ErrUnsupported)
		}
		parts = []arrow.ArrayData{array.NewData(m.Elem(), int(all), []*memory.Buffer{nil}, parts, 0, 0)}
	}
	return c.array(n, valid, have, []*memory.Buffer{bufferOf(offsets)}, parts...), nil
}

// unions have a value of one of several types, each.
type unions struct {
	common
	below []column
	tags  *byteRuns
}

// read makes what hivetype.Type.Variants says of them.
func (c *unions) read(n int, within []bool) (arrow.ArrayData, error) {
	valid, have, err := c.presence(n, within)
	if err != nil {
		return nil, err
	}
	tags := make([]byte, n)
	for i := range have {
		if tags[i], err = c.tags.next(); err != nil {
			return nil, fmt.Errorf("tags: %w", err)
		}
		if int(tags[i]) >= len(c.below) {
			return nil, orcfile.Malformed("type %d of a union of %d", tags[i], len(c.below))
		}
	}
	spread(tags, valid, have)
	parts := make([]arrow.ArrayData, 1+len(c.below))
	parts[0] = array.NewData(arrow.PrimitiveTypes.Int8, n, []*memory.Buffer{bitmap(valid), bufferOf(tags)}, nil, n-have, 0)
	for i, b := range c.below {
		of := make([]bool, n)
		for k := range of {
			of[k] = (valid == nil || valid[k]) && int(tags[k]) == i
		}
		if parts[1+i], err = b.read(n, of); err != nil {
			return nil, fmt.Errorf("type %d of the union: %w", i, err)
		}
	}
	return c.array(n, valid, have, nil, parts...), nil
}
