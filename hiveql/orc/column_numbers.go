package orc

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// booleans are bits.
type booleans struct {
	common
	data bitRuns
}

func (c *booleans) read(n int, within []bool) (arrow.ArrayData, error) {
	valid, have, err := c.presence(n, within)
	if err != nil {
		return nil, err
	}
	b := make([]byte, (n+7)/8)
	for i := range n {
		if valid != nil && !valid[i] {
			continue
		}
		yes, err := c.data.next()
		if err != nil {
			return nil, err
		}
		if yes {
			b[i/8] |= 1 << (i % 8)
		}
	}
	return c.array(n, valid, have, []*memory.Buffer{memory.NewBufferBytes(b)}), nil
}

// tinyints are runs of bytes.
type tinyints struct {
	common
	data byteRuns
}

func (c *tinyints) read(n int, within []bool) (arrow.ArrayData, error) {
	valid, have, err := c.presence(n, within)
	if err != nil {
		return nil, err
	}
	out := make([]byte, n)
	for i := range have {
		if out[i], err = c.data.next(); err != nil {
			return nil, err
		}
	}
	spread(out, valid, have)
	return c.array(n, valid, have, []*memory.Buffer{bufferOf(out)}), nil
}

// numbers are integers of 16 bits and more, and days.
type numbers[T int16 | int32 | int64] struct {
	common
	data   integers
	change func(int64) int64 // what a number stands for; nil for itself
	wide   []int64
}

func (c *numbers[T]) read(n int, within []bool) (arrow.ArrayData, error) {
	valid, have, err := c.presence(n, within)
	if err != nil {
		return nil, err
	}
	if cap(c.wide) < have {
		c.wide = make([]int64, n)
	}
	wide := c.wide[:have]
	if err := c.data.next(wide); err != nil {
		return nil, err
	}
	out := make([]T, n)
	for i, v := range wide {
		if c.change != nil {
			v = c.change(v)
		}
		out[i] = T(v)
	}
	spread(out, valid, have)
	return c.array(n, valid, have, []*memory.Buffer{bufferOf(out)}), nil
}

// floats are numbers of IEEE 754, the lowest byte first.
type floats[T float32 | float64] struct {
	common
	data *stream
}

func (c *floats[T]) read(n int, within []bool) (arrow.ArrayData, error) {
	valid, have, err := c.presence(n, within)
	if err != nil {
		return nil, err
	}
	out := make([]T, n)
	var b [8]byte
	for i := range have {
		switch p := any(&out[i]).(type) {
		case *float32:
			err = c.data.full(b[:4])
			*p = math.Float32frombits(binary.LittleEndian.Uint32(b[:4]))
		case *float64:
			err = c.data.full(b[:])
			*p = math.Float64frombits(binary.LittleEndian.Uint64(b[:]))
		}
		if err != nil {
			return nil, err
		}
	}
	spread(out, valid, have)
	return c.array(n, valid, have, []*memory.Buffer{bufferOf(out)}), nil
}
