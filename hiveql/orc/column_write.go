package orc

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/orcfile"
)

// columnWriter encodes one column of a stripe, and those below it.
type columnWriter struct {
	id      uint64
	t       hivetype.Type
	below   []*columnWriter
	present bitWriter
	nulls   bool // present is of use: a value of the stripe is NULL
	solid   int  // values of the stripe before the first NULL, which are not in present yet
	group   statistics
	marks   []groupMark // of the groups of the stripe
	filter  *bloom      // of the group; nil where the column has none
	filters int         // bytes of the filters in marks
	stripe  orcfile.Statistics
	file    orcfile.Statistics
	failed  error           // of adding statistics up
	data    *orcfile.Chunks // of all kinds but arrays, maps and structs
	second  *orcfile.Chunks
	lengths *orcfile.Chunks
	bits    bitWriter
	bytes   byteRunWriter
	first   integerWriter
	other   integerWriter
	words   *dictionary // of text, as long as it is worth it
	clock   *clock
	raw     int64 // bytes of the values in the memory of Java
}

// newColumnWriter makes the writers of a type and of its parts, and numbers them in pre-order.
func newColumnWriter(t hivetype.Type, next *uint64, by *clock, chunk func() *orcfile.Chunks) (*columnWriter, error) {
	c := &columnWriter{id: *next, t: t, clock: by, group: statistics{kind: t.Kind}, marks: make([]groupMark, 1)}
	*next++
	c.present.runs.out = chunk()
	c.data, c.second, c.lengths = chunk(), chunk(), chunk()
	c.bits.runs.out, c.bytes.out = c.data, c.data
	c.first = integerWriter{out: c.data, signed: true}
	var parts []hivetype.Type
	switch t.Kind {
	case hivetype.Array:
		parts = []hivetype.Type{*t.Elem}
		c.first = integerWriter{out: c.lengths}
	case hivetype.Map:
		parts = []hivetype.Type{*t.Key, *t.Elem}
		c.first = integerWriter{out: c.lengths}
	case hivetype.Struct, hivetype.Union:
		for _, f := range t.Fields {
			parts = append(parts, f.Type)
		}
	case hivetype.Decimal:
		c.other = integerWriter{out: c.second, signed: true}
	case hivetype.Timestamp, hivetype.TimestampLocalTZ:
		c.other = integerWriter{out: c.second}
	case hivetype.String, hivetype.Varchar, hivetype.Char:
		c.first, c.words = integerWriter{out: c.lengths}, &dictionary{}
	case hivetype.Binary:
		c.first = integerWriter{out: c.lengths}
	case hivetype.Boolean, hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt, hivetype.Float, hivetype.Double, hivetype.Date:
	default:
		return nil, fmt.Errorf("the type %s in an ORC file is %w", t, orcfile.ErrUnsupported)
	}
	for _, p := range parts {
		b, err := newColumnWriter(p, next, by, chunk)
		if err != nil {
			return nil, err
		}
		c.below = append(c.below, b)
	}
	return c, nil
}

// write adds a value.
func (c *columnWriter) write(v hivetype.Value) error {
	switch {
	case v == nil:
		if !c.nulls {
			c.tellSolid()
		}
		c.present.add(false)
		c.nulls, c.group.null = true, true
		return nil
	case c.nulls:
		c.present.add(true)
	default:
		c.solid++
	}
	c.group.count++
	if c.filter != nil {
		c.filter.add(v, c.t)
	}
	c.raw += rawSize(v, c.t)
	switch c.t.Kind {
	case hivetype.Boolean:
		c.bits.add(v.(bool))
		if v.(bool) {
			c.group.trues++
		}
	case hivetype.TinyInt:
		c.bytes.add(byte(v.(int64)))
		c.group.integer(v.(int64))
	case hivetype.SmallInt, hivetype.Int, hivetype.BigInt:
		c.first.add(v.(int64))
		c.group.integer(v.(int64))
	case hivetype.Float:
		c.data.Append(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v.(float32))))
		c.group.double(float64(v.(float32)))
	case hivetype.Double:
		c.data.Append(binary.LittleEndian.AppendUint64(nil, math.Float64bits(v.(float64))))
		c.group.double(v.(float64))
	case hivetype.Date:
		days := floorDiv(v.(time.Time).Unix(), daySeconds)
		c.first.add(days)
		c.group.integer(days)
	case hivetype.Decimal:
		return c.decimal(v.(hivetype.Dec))
	case hivetype.Timestamp, hivetype.TimestampLocalTZ:
		c.timestamp(v.(time.Time))
	case hivetype.String, hivetype.Varchar, hivetype.Char:
		c.text(v.(string))
	case hivetype.Binary:
		b := v.([]byte)
		c.first.add(int64(len(b)))
		c.data.Append(b)
		c.group.bytes += int64(len(b))
	default:
		return c.nested(v)
	}
	return nil
}

func (c *columnWriter) nested(v hivetype.Value) error {
	switch c.t.Kind {
	case hivetype.Struct:
		for i, x := range v.([]any) {
			if err := c.below[i].write(x); err != nil {
				return err
			}
		}
	case hivetype.Array:
		list := v.([]any)
		c.first.add(int64(len(list)))
		for _, x := range list {
			if err := c.below[0].write(x); err != nil {
				return err
			}
		}
	case hivetype.Map:
		list := v.([]hivetype.Entry)
		c.first.add(int64(len(list)))
		for _, e := range list {
			if err := c.below[0].write(e.Key); err != nil {
				return err
			}
			if err := c.below[1].write(e.Value); err != nil {
				return err
			}
		}
	case hivetype.Union:
		u := v.(hivetype.Variant)
		c.bytes.add(byte(u.Tag))
		return c.below[u.Tag].write(u.Value)
	}
	return nil
}

// decimal writes digits with the scale of the column.
func (c *columnWriter) decimal(v hivetype.Dec) error {
	u := v.Unscaled
	switch {
	case v.Scale < c.t.Scale:
		u = new(big.Int).Mul(u, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(c.t.Scale-v.Scale)), nil))
	case v.Scale > c.t.Scale:
		r, ok := v.Round(c.t.Precision, c.t.Scale)
		if !ok || r.Scale > c.t.Scale {
			return fmt.Errorf("%s is no %s", v, c.t)
		}
		return c.decimal(r)
	}
	c.group.decimal(hivetype.Dec{Unscaled: u, Scale: c.t.Scale})
	c.other.add(int64(c.t.Scale))
	if u.IsInt64() {
		c.first.varint(zigzag(u.Int64()))
		return nil
	}
	n := new(big.Int).Lsh(u, 1)
	if u.Sign() < 0 {
		n.Sub(new(big.Int).Neg(n), big.NewInt(1))
	}
	for seven, rest := big.NewInt(0x7f), new(big.Int); ; {
		b := byte(rest.And(n, seven).Uint64())
		if n.Rsh(n, 7); n.Sign() == 0 {
			c.data.Byte(b)
			return nil
		}
		c.data.Byte(b | 0x80)
	}
}

// timestamp writes seconds since epoch, and nanoseconds.
func (c *columnWriter) timestamp(v time.Time) {
	seconds, nanos := v.Unix(), int64(v.Nanosecond())
	c.group.instant(v.UnixMilli(), nanos%1e6)
	begin := int64(epoch)
	if c.t.Kind == hivetype.Timestamp && c.clock.late {
		seconds += lateSeconds
		begin += lateSeconds
	}
	if seconds < 0 && nanos > 999999 {
		seconds++
	}
	c.first.add(seconds - begin)
	c.other.add(fraction(nanos))
}

// fraction is nanoseconds without the zeros at their end, the number of which less one is in the lowest three bits.
func fraction(nanos int64) int64 {
	if nanos == 0 || nanos%100 != 0 {
		return nanos << 3
	}
	zeros := int64(1)
	for nanos /= 100; nanos%10 == 0 && zeros < 7; nanos /= 10 {
		zeros++
	}
	return nanos<<3 | zeros
}

func (c *columnWriter) text(v string) {
	if c.t.Kind == hivetype.Char { // as Hive does it
		v += strings.Repeat(" ", max(c.t.Length-utf8.RuneCountInString(v), 0))
	}
	c.group.text(v)
	if c.words != nil {
		c.words.add(v)
		if !c.words.worthIt() {
			c.direct()
		}
		return
	}
	c.first.add(int64(len(v)))
	c.data.Append([]byte(v))
}

// direct gives up the dictionary for the rest of the stripe.
func (c *columnWriter) direct() {
	d := c.words
	c.words = nil
	c.replay(len(d.rows), func(m *groupMark) int { return m.words }, func(i int) {
		word := d.words[d.rows[i]]
		c.first.add(int64(len(word)))
		c.data.Append([]byte(word))
	}, func(m *groupMark) {
		c.first.flush()
		m.data, m.lengths = placeIn(c.data, 0), placeIn(c.lengths, 0)
	})
}

// held is how much memory the column and those below it take.
func (c *columnWriter) held() int {
	n := c.filters + c.present.runs.out.Held() + c.data.Held() + c.second.Held() + c.lengths.Held()
	if c.words != nil {
		n += c.words.held()
	}
	for _, b := range c.below {
		n += b.held()
	}
	return n
}
