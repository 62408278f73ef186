package thrift

import (
	"encoding/binary"
	"io"
	"math"
)

// flushAt is how many bytes an Encoder with a sink gathers before it hands them on.
const flushAt = 64 << 10

// encoder writes values of one protocol, either into memory only or, as they become many, to a
// sink. The first error of the sink stays; what is written after it is dropped.
type encoder struct {
	buf   []byte
	proto Protocol
	sink  io.Writer
	err   error
	sent  int64 // bytes of this message handed to the sink
	// failed is why the rest of this message could not be made.
	failed error

	last  int16   // TCompact: the number of the field before
	outer []int16 // of the structs around

	// byReference: what structs share is noted in refs, where buf goes on after it, and not copied.
	byReference bool
	refs        []reference
}

func (e *encoder) maybeFlush() {
	if e.sink != nil && len(e.buf) >= flushAt {
		e.flush()
	}
}

// flush hands everything to the sink.
func (e *encoder) flush() {
	if e.sink == nil || len(e.buf) == 0 {
		return
	}
	if e.err == nil {
		var n int
		n, e.err = e.sink.Write(e.buf)
		e.sent += int64(n)
	}
	e.buf = e.buf[:0]
}

// begin starts a message. What has not been handed on of the one before is dropped.
func (e *encoder) begin() {
	e.buf, e.sent, e.failed, e.last, e.outer = e.buf[:0], 0, nil, 0, e.outer[:0]
}

// raw writes what has been encoded elsewhere.
func (e *encoder) raw(b []byte) error {
	for len(b) > 0 && e.err == nil {
		n := min(len(b), flushAt)
		e.buf = append(e.buf, b[:n]...)
		b = b[n:]
		e.maybeFlush()
	}
	return e.err
}

func (e *encoder) structBegin() {
	if e.proto == Compact {
		e.outer = append(e.outer, e.last)
		e.last = 0
	}
}

func (e *encoder) structEnd() {
	e.buf = append(e.buf, byte(Stop))
	if e.proto == Compact {
		e.last = e.outer[len(e.outer)-1]
		e.outer = e.outer[:len(e.outer)-1]
	}
	e.maybeFlush()
}

func (e *encoder) field(id int16, t Type) {
	if e.proto != Compact {
		e.buf = append(e.buf, byte(t))
		e.buf = binary.BigEndian.AppendUint16(e.buf, uint16(id))
		return
	}
	e.compactField(id, t.compact())
}

func (e *encoder) compactField(id int16, t byte) {
	if delta := int(id) - int(e.last); delta > 0 && delta < 16 {
		e.buf = append(e.buf, byte(delta)<<4|t)
	} else {
		e.buf = append(e.buf, t)
		e.zigzag(int64(id))
	}
	e.last = id
}

// fieldBool writes a field and its value, which are one in TCompact.
func (e *encoder) fieldBool(id int16, v bool) {
	switch {
	case e.proto != Compact:
		e.field(id, Bool)
		e.bool(v)
	case v:
		e.compactField(id, compactTrue)
	default:
		e.compactField(id, compactFalse)
	}
}

func (e *encoder) bool(v bool) {
	switch {
	case v:
		e.buf = append(e.buf, 1)
	case e.proto == Compact:
		e.buf = append(e.buf, compactFalse)
	default:
		e.buf = append(e.buf, 0)
	}
}

func (e *encoder) i8(v int8) { e.buf = append(e.buf, byte(v)) }

func (e *encoder) i16(v int16) {
	if e.proto == Compact {
		e.zigzag(int64(v))
		return
	}
	e.buf = binary.BigEndian.AppendUint16(e.buf, uint16(v))
}

func (e *encoder) i32(v int32) {
	if e.proto == Compact {
		e.zigzag(int64(v))
		return
	}
	e.buf = binary.BigEndian.AppendUint32(e.buf, uint32(v))
}

func (e *encoder) i64(v int64) {
	if e.proto == Compact {
		e.zigzag(v)
		return
	}
	e.buf = binary.BigEndian.AppendUint64(e.buf, uint64(v))
}

func (e *encoder) zigzag(v int64) {
	e.buf = binary.AppendUvarint(e.buf, uint64(v<<1)^uint64(v>>63))
}

func (e *encoder) double(v float64) {
	if e.proto == Compact {
		e.buf = binary.LittleEndian.AppendUint64(e.buf, math.Float64bits(v))
		return
	}
	e.buf = binary.BigEndian.AppendUint64(e.buf, math.Float64bits(v))
}

func (e *encoder) length(n int) {
	if e.proto == Compact {
		e.buf = binary.AppendUvarint(e.buf, uint64(n))
		return
	}
	e.buf = binary.BigEndian.AppendUint32(e.buf, uint32(n))
}

func (e *encoder) string(s string) {
	e.length(len(s))
	e.buf = append(e.buf, s...)
}

func (e *encoder) bytes(b []byte) {
	e.length(len(b))
	e.buf = append(e.buf, b...)
}

func (e *encoder) list(elem Type, n int) {
	switch {
	case e.proto != Compact:
		e.buf = append(e.buf, byte(elem))
		e.length(n)
	case n < 15:
		e.buf = append(e.buf, byte(n)<<4|elem.compact())
	default:
		e.buf = append(e.buf, 0xf0|elem.compact())
		e.length(n)
	}
}

func (e *encoder) mapBegin(key, value Type, n int) {
	if e.proto != Compact {
		e.buf = append(e.buf, byte(key), byte(value))
		e.length(n)
		return
	}
	e.length(n)
	if n > 0 {
		e.buf = append(e.buf, key.compact()<<4|value.compact())
	}
}
