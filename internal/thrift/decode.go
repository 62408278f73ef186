package thrift

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
)

// decoder reads values of one protocol. Its first error stays, and what is read after it is
// zero; loops look at it.
type decoder struct {
	src    io.Reader
	buf    []byte
	r, w   int  // what of buf is not yet read
	whole  bool // buf, which is the caller's, is all there is: it is not written to
	proto  Protocol
	limits Limits
	left   int64 // bytes this message may still have
	depth  int
	err    error

	last    int16 // TCompact, as in encoder
	outer   []int16
	boolean int8 // the value that came with a boolean field: 1, 2, or 0 for none
}

func newDecoder(src io.Reader, p Protocol, l Limits) *decoder {
	d := &decoder{src: src, buf: make([]byte, 16<<10), proto: p, limits: l.orDefault()}
	d.begin()
	return d
}

// newWholeDecoder reads from data, without a copy of it.
func newWholeDecoder(data []byte, p Protocol, l Limits) *decoder {
	d := &decoder{src: bytes.NewReader(nil), buf: data, w: len(data), whole: true, proto: p, limits: l.orDefault()}
	d.begin()
	return d
}

// begin starts the next message.
func (d *decoder) begin() {
	d.left, d.depth, d.last, d.outer, d.boolean = d.limits.Message, 0, 0, d.outer[:0], 0
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

func (d *decoder) failf(format string, args ...any) { d.fail(malformed(format, args...)) }

// take returns the next n bytes, which are few; they are good until the next call.
func (d *decoder) take(n int) []byte {
	if d.err != nil {
		return zeros[:n]
	}
	if d.left -= int64(n); d.left < 0 {
		d.failf("it is larger than %d bytes", d.limits.Message)
		return zeros[:n]
	}
	if d.w-d.r < n && !d.fill(n) {
		return zeros[:n]
	}
	b := d.buf[d.r : d.r+n]
	d.r += n
	return b
}

// zeros is what failed reads return.
var zeros [16]byte

// fill reads until n bytes are there.
func (d *decoder) fill(n int) bool {
	if d.r > 0 && !d.whole {
		d.w = copy(d.buf, d.buf[d.r:d.w])
		d.r = 0
	}
	for d.w-d.r < n {
		m, err := d.src.Read(d.buf[d.w:])
		d.w += m
		if err != nil && d.w-d.r < n {
			if errors.Is(err, io.EOF) && d.left < d.limits.Message-int64(n) {
				err = io.ErrUnexpectedEOF
			}
			d.fail(err)
			return false
		}
	}
	return true
}

// text reads n bytes. What is claimed to be long is read in growing pieces.
func (d *decoder) text(n int) []byte {
	if d.err != nil || n == 0 {
		return nil
	}
	if n < 0 || int64(n) > d.left {
		d.failf("a string of %d bytes, where %d are left", n, d.left)
		return nil
	}
	d.left -= int64(n)
	const piece = 256 << 10
	b := make([]byte, 0, min(n, piece))
	for len(b) < n {
		if d.r == d.w {
			d.r, d.w = 0, 0
			if want := n - len(b); want > len(d.buf) {
				at := len(b)
				b = append(b, make([]byte, min(want, max(len(b), piece)))...)
				m, err := io.ReadFull(d.src, b[at:])
				b = b[:at+m]
				if err != nil {
					d.fail(unexpected(err))
					return nil
				}
				continue
			}
			if !d.fill(1) {
				d.err = unexpected(d.err)
				return nil
			}
		}
		m := min(n-len(b), d.w-d.r)
		b = append(b, d.buf[d.r:d.r+m]...)
		d.r += m
	}
	return b
}

// discard passes over n bytes.
func (d *decoder) discard(n int) {
	if d.err != nil {
		return
	}
	if n < 0 || int64(n) > d.left {
		d.failf("a string of %d bytes, where %d are left", n, d.left)
		return
	}
	d.left -= int64(n)
	for n > 0 {
		if d.r == d.w {
			d.r, d.w = 0, 0
			if !d.fill(1) {
				d.err = unexpected(d.err)
				return
			}
		}
		m := min(n, d.w-d.r)
		d.r += m
		n -= m
	}
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (d *decoder) enter() bool {
	if d.depth++; d.depth > d.limits.Depth {
		d.failf("it is nested deeper than %d", d.limits.Depth)
	}
	return d.err == nil
}

func (d *decoder) leave() { d.depth-- }

func (d *decoder) structBegin() bool {
	if d.proto == Compact {
		d.outer = append(d.outer, d.last)
		d.last = 0
	}
	return d.enter()
}

func (d *decoder) structEnd() {
	if d.proto == Compact {
		d.last = d.outer[len(d.outer)-1]
		d.outer = d.outer[:len(d.outer)-1]
	}
	d.leave()
}

// field reads the head of a field; Stop ends the struct, and so does an error.
func (d *decoder) field() (id int16, t Type) {
	if d.proto != Compact {
		if t = Type(d.take(1)[0]); t == Stop || d.err != nil {
			return 0, Stop
		}
		if !known(t) {
			d.failf("a field of the unknown type %d", byte(t))
			return 0, Stop
		}
		return int16(binary.BigEndian.Uint16(d.take(2))), t
	}
	b := d.take(1)[0]
	t, ok := typeOfCompact(b & 15)
	if !ok {
		d.failf("a field of the unknown type %d", b&15)
	}
	if d.err != nil || t == Stop {
		return 0, Stop
	}
	if delta := b >> 4; delta > 0 {
		d.last += int16(delta)
	} else {
		d.last = int16(d.zigzag())
	}
	if t == Bool {
		d.boolean = int8(b & 15)
	}
	if d.err != nil {
		return 0, Stop
	}
	return d.last, t
}

func known(t Type) bool { return t.compact() != 0 }

func (d *decoder) bool() bool {
	if b := d.boolean; b != 0 {
		d.boolean = 0
		return b == compactTrue
	}
	return d.take(1)[0] == 1
}

func (d *decoder) i8() int8 { return int8(d.take(1)[0]) }

func (d *decoder) i16() int16 {
	if d.proto == Compact {
		return int16(d.zigzag())
	}
	return int16(binary.BigEndian.Uint16(d.take(2)))
}

func (d *decoder) i32() int32 {
	if d.proto == Compact {
		return int32(d.zigzag())
	}
	return int32(binary.BigEndian.Uint32(d.take(4)))
}

func (d *decoder) i64() int64 {
	if d.proto == Compact {
		return d.zigzag()
	}
	return int64(binary.BigEndian.Uint64(d.take(8)))
}

func (d *decoder) zigzag() int64 {
	u := d.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (d *decoder) uvarint() uint64 {
	var v uint64
	for shift := uint(0); shift < 70; shift += 7 {
		b := d.take(1)[0]
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	d.failf("a number of more than ten bytes")
	return 0
}

func (d *decoder) double() float64 {
	if d.proto == Compact {
		return math.Float64frombits(binary.LittleEndian.Uint64(d.take(8)))
	}
	return math.Float64frombits(binary.BigEndian.Uint64(d.take(8)))
}

func (d *decoder) length() int {
	if d.proto == Compact {
		n := d.uvarint()
		if n > math.MaxInt32 {
			d.failf("a length of %d", n)
			return 0
		}
		return int(n)
	}
	n := int32(binary.BigEndian.Uint32(d.take(4)))
	if n < 0 {
		d.failf("a length of %d", n)
		return 0
	}
	return int(n)
}

func (d *decoder) bytes() []byte { return d.text(d.length()) }

func (d *decoder) string() string {
	n := d.length()
	if n <= d.w-d.r && int64(n) <= d.left && d.err == nil { // the usual case: one allocation
		s := string(d.buf[d.r : d.r+n])
		d.r += n
		d.left -= int64(n)
		return s
	}
	return string(d.text(n))
}

// count checks the length of a container against what can still come.
func (d *decoder) count(n int, least int64) int {
	switch {
	case d.err != nil:
		return 0
	case n > d.limits.Container:
		d.failf("a container of %d elements; more than %d are not accepted", n, d.limits.Container)
		return 0
	case int64(n)*least > d.left:
		d.failf("a container of %d elements, where %d bytes are left", n, d.left)
		return 0
	}
	return n
}

func (d *decoder) list() (elem Type, n int) {
	if d.proto != Compact {
		elem = Type(d.take(1)[0])
		n = d.length()
	} else {
		b := d.take(1)[0]
		var ok bool
		if elem, ok = typeOfCompact(b & 15); !ok {
			elem = Type(0xff)
		}
		if n = int(b >> 4); n == 15 {
			n = d.length()
		}
	}
	if n > 0 && d.err == nil && !known(elem) {
		d.failf("a container of the unknown type %d", byte(elem))
	}
	return elem, d.count(n, elem.minimum(d.proto))
}

func (d *decoder) mapBegin() (key, value Type, n int) {
	if d.proto != Compact {
		b := d.take(2)
		key, value = Type(b[0]), Type(b[1])
		n = d.length()
	} else if n = d.length(); n > 0 {
		b := d.take(1)[0]
		key, _ = typeOfCompact(b >> 4)
		value, _ = typeOfCompact(b & 15)
	}
	if n > 0 && d.err == nil && (!known(key) || !known(value)) {
		d.failf("a map of the unknown types %d, %d", byte(key), byte(value))
	}
	return key, value, d.count(n, key.minimum(d.proto)+value.minimum(d.proto))
}
