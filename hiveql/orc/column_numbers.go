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
	data *bitRuns
}

func (c *booleans) read(n int, within []bool) (arrow.ArrayData, error) {
	valid, have, err := c.presence(n, within)
	if err != nil {
		return nil, err
	}
	list := make([]bool, n)
	if _, err := c.data.fill(list[:have]); err != nil {
		return nil, err
	}
	spread(list, valid, have)
	b := make([]byte, (n+7)/8)
	for i, yes := range list {
		if yes {
			b[i/8] |= 1 << (i % 8)
		}
	}
	return c.array(n, valid, have, []*memory.Buffer{memory.NewBufferBytes(b)}), nil
}

// tinyints are runs of bytes.
type tinyints struct {
	common
	data *byteRuns
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
	b := bufferOf(out[:have]).Bytes()
	if err := c.data.full(b); err != nil {
		return nil, err
	}
	switch out := any(out).(type) { // each becomes what its own bytes say
	case []float32:
		for i := range have {
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
	case []float64:
		for i := range have {
			out[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
		}
	}
	spread(out, valid, have)
	return c.array(n, valid, have, []*memory.Buffer{bufferOf(out)}), nil
}
