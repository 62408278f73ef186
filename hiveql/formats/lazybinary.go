package formats

import (
	"encoding/binary"
	"errors"
	"math"
	"math/big"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/skepdata/skep/hivetype"
)

// lazyBinaryRow reads the rows of LazyBinarySerDe, one a line. Eight values at a time follow a
// byte whose bits say which of them are there; integers, dates and lengths are Hadoop's
// variable-length integers, and arrays, maps and structs within a row begin with their size.
type lazyBinaryRow struct {
	types []hivetype.Type
	into  []*column // of the types; nil for those that nobody asked for
}

func newLazyBinaryRow(b *batch) *lazyBinaryRow {
	r := &lazyBinaryRow{types: make([]hivetype.Type, len(b.fields)), into: make([]*column, len(b.fields))}
	for i, f := range b.fields {
		r.types[i] = f.Type
	}
	for i, p := range b.projection {
		r.into[p] = b.columns[i]
	}
	return r
}

// errBroken says that bytes are no row of LazyBinarySerDe.
var errBroken = errors.New("the bytes are no row of LazyBinarySerDe with these columns")

func (r *lazyBinaryRow) read(line []byte) error {
	in := &binaryInput{b: line}
	in.record(r.types, r.into)
	if in.broken {
		return errBroken
	}
	return nil
}

// binaryInput is what is left of a row.
type binaryInput struct {
	b      []byte
	broken bool
}

// take gives the next n bytes, or zeros where there are not so many.
func (in *binaryInput) take(n int64) []byte {
	if n < 0 || n > int64(len(in.b)) {
		in.broken = true
		in.b = nil
		return make([]byte, min(max(n, 0), 16))
	}
	taken := in.b[:n]
	in.b = in.b[n:]
	return taken
}

// varint is an integer of Hadoop's WritableUtils: small ones are a byte, others a byte that says
// sign and length and then the number's bytes.
func (in *binaryInput) varint() int64 {
	first := int8(in.take(1)[0])
	if first >= -112 {
		return int64(first)
	}
	n, negative := -int64(first)-112, first < -120
	if negative {
		n = -int64(first) - 120
	}
	var v uint64
	for _, b := range in.take(n) {
		v = v<<8 | uint64(b)
	}
	if negative {
		return int64(^v)
	}
	return int64(v)
}

// record reads values with a byte of their presence in front of every eight. Those that a row
// lacks at its end are NULL, as of a table whose columns have become more.
func (in *binaryInput) record(types []hivetype.Type, into []*column) {
	var present byte
	for i, t := range types {
		if i%8 == 0 {
			present = 0
			if len(in.b) > 0 {
				present = in.take(1)[0]
			}
		}
		in.element(t, into[i], present&(1<<(i%8)) != 0)
	}
}

func (in *binaryInput) element(t hivetype.Type, c *column, present bool) {
	switch {
	case present && !in.broken:
		in.value(t, c)
	case c != nil:
		c.null()
	}
}

// value reads one value and appends it to c, if there is one.
func (in *binaryInput) value(t hivetype.Type, c *column) {
	switch t.Kind {
	case hivetype.Array, hivetype.Map, hivetype.Struct:
		size := in.take(4)
		in.nested(t, c, &binaryInput{b: in.take(int64(int32(binary.BigEndian.Uint32(size))))})
	case hivetype.String, hivetype.Varchar, hivetype.Char, hivetype.Binary:
		text := in.take(in.varint())
		switch {
		case c == nil:
		case t.Kind == hivetype.Binary:
			c.appendBinary(text)
		default:
			c.set(text)
		}
	case hivetype.Timestamp:
		us, rest := in.timestamp()
		if c != nil {
			c.stamp(us, rest)
		}
	case hivetype.Decimal:
		scale := in.varint()
		digits := in.take(in.varint())
		if c != nil {
			appendDecimal(c, signed(digits), scale)
		}
	default:
		in.number(t, c)
	}
}

func (in *binaryInput) number(t hivetype.Type, c *column) {
	var n int64
	switch t.Kind {
	case hivetype.Boolean, hivetype.TinyInt:
		n = int64(int8(in.take(1)[0]))
	case hivetype.SmallInt:
		n = int64(int16(binary.BigEndian.Uint16(in.take(2))))
	case hivetype.Float:
		n = int64(binary.BigEndian.Uint32(in.take(4)))
	case hivetype.Double:
		n = int64(binary.BigEndian.Uint64(in.take(8)))
	default:
		n = in.varint()
	}
	if c == nil {
		return
	}
	switch b := c.builder.(type) {
	case *array.BooleanBuilder:
		b.Append(n != 0)
	case *array.Int8Builder:
		b.Append(int8(n))
	case *array.Int16Builder:
		b.Append(int16(n))
	case *array.Int32Builder:
		b.Append(int32(n))
	case *array.Int64Builder:
		b.Append(n)
	case *array.Float32Builder:
		b.Append(math.Float32frombits(uint32(n)))
	case *array.Float64Builder:
		b.Append(math.Float64frombits(uint64(n)))
	case *array.Date32Builder:
		b.Append(arrow.Date32(n))
	default:
		in.broken = true
		c.null()
	}
}

// timestamp reads the low 31 bits of the seconds; where the highest bit says so, the digits of
// the fraction in reverse; and where those are negative, the high bits of the seconds.
func (in *binaryInput) timestamp() (us, rest int64) {
	first := binary.BigEndian.Uint32(in.take(4))
	seconds, nanos := int64(first&math.MaxInt32), int64(0)
	if first > math.MaxInt32 {
		reversed := in.varint()
		if reversed < 0 {
			seconds |= in.varint() << 31
			reversed = -reversed - 1
		}
		for range 9 {
			nanos = nanos*10 + reversed%10
			reversed /= 10
		}
	}
	return seconds*1e6 + nanos/1000, nanos % 1000
}

// nested reads an array, map or struct without its size.
func (in *binaryInput) nested(t hivetype.Type, c *column, body *binaryInput) {
	defer func() { in.broken = in.broken || body.broken }()
	if c == nil {
		return
	}
	if t.Kind == hivetype.Struct {
		c.record.Append(true)
		types := make([]hivetype.Type, len(t.Fields))
		for i, f := range t.Fields {
			types[i] = f.Type
		}
		body.record(types, c.below)
		return
	}
	n := body.varint()
	each := int64(1)
	if t.Kind == hivetype.Map {
		each = 2
	}
	if n < 0 || n > 8*int64(len(body.b)) {
		body.broken = true
		c.null()
		return
	}
	present := body.take((n*each + 7) / 8)
	at := func(i int64) bool { return int(i/8) < len(present) && present[i/8]&(1<<(i%8)) != 0 }
	if t.Kind == hivetype.Array {
		c.list.Append(true)
		for i := range n {
			body.element(*t.Elem, c.below[0], at(i))
		}
		return
	}
	c.dict.Append(true)
	for i := range n {
		if !at(2 * i) { // Hive leaves out entries without a key
			body.element(*t.Elem, nil, at(2*i+1))
			continue
		}
		body.element(*t.Key, c.below[0], true)
		body.element(*t.Elem, c.below[1], at(2*i+1))
	}
}

// signed is a number in two's complement, its highest byte first.
func signed(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] > math.MaxInt8 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

func appendDecimal(c *column, n *big.Int, scale int64) {
	const most = 4 * hivetype.MaxPrecision // what no decimal has
	if scale >= -most && scale <= most {
		if d, ok := (hivetype.Dec{Unscaled: n, Scale: int(scale)}).Round(c.t.Precision, c.t.Scale); ok {
			c.builder.(*array.Decimal128Builder).Append(decimal128.FromBigInt(rescaled(d, c.t.Scale)))
			return
		}
	}
	c.null()
}
