package orc

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// decoder reads the values of one column of a stripe.
type decoder struct {
	t       *Type
	present *bitRuns // nil where no value is NULL
	values  func(v *Vector) error
	below   []*decoder
}

// read reads n values.
func (d *decoder) read(n int) (*Vector, error) {
	v := &Vector{Type: d.t, N: n}
	if d.present != nil {
		v.Null = make([]bool, n)
		for i := range v.Null {
			there, err := d.present.next()
			if err != nil {
				return nil, d.wrong(err)
			}
			v.Null[i] = !there
		}
	}
	if err := d.values(v); err != nil {
		return nil, d.wrong(err)
	}
	return v, nil
}

func (d *decoder) wrong(err error) error { return fmt.Errorf("column %d: %w", d.t.ID, err) }

// there counts the values that are not NULL.
func (v *Vector) there() int {
	n := v.N
	for _, null := range v.Null {
		if null {
			n--
		}
	}
	return n
}

// each calls read for each value that is not NULL.
func (v *Vector) each(read func(i int) error) error {
	for i := range v.N {
		if v.Null == nil || !v.Null[i] {
			if err := read(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// decoder makes that of a type, and is nil for one that is not wanted.
func (p *stripeParts) decoder(t *Type, want func(*Type) bool) (*decoder, error) {
	d := &decoder{t: t}
	any := want(t) || t == p.file.Root
	for _, b := range t.Below {
		below, err := p.decoder(b, want)
		if err != nil {
			return nil, err
		}
		d.below = append(d.below, below)
		any = any || below != nil
	}
	if !any {
		return nil, nil
	}
	if bits, ok := p.streams[[2]int{t.ID, presentStream}]; ok {
		d.present = &bitRuns{bytes: byteRuns{b: bits}}
	}
	var err error
	d.values, err = p.reads(d)
	return d, err
}

func (p *stripeParts) stream(t *Type, kind int) []byte { return p.streams[[2]int{t.ID, kind}] }

func (p *stripeParts) integers(t *Type, kind int, signed bool) integers {
	return newIntegers(p.stream(t, kind), p.footer.encodings[t.ID].kind, signed)
}

// reads is how the values of a type are read.
func (p *stripeParts) reads(d *decoder) (func(*Vector) error, error) {
	t := d.t
	switch t.Kind {
	case Boolean:
		in := &bitRuns{bytes: byteRuns{b: p.stream(t, dataStream)}}
		return func(v *Vector) error { return readBits(v, in) }, nil
	case Byte:
		in := &byteRuns{b: p.stream(t, dataStream)}
		return func(v *Vector) error { return readBytes(v, in) }, nil
	case Short, Int, Long, Date:
		in := p.integers(t, dataStream, true)
		return func(v *Vector) (err error) { v.Ints, err = readIntegers(v, in); return err }, nil
	case Float, Double:
		return floats(p.stream(t, dataStream), t.Kind == Double), nil
	case String, Varchar, Char, Binary:
		return p.text(t)
	case Timestamp, Instant:
		return p.timestamps(t), nil
	case Decimal:
		return p.decimals(t), nil
	case List, Map:
		return lists(d, p.integers(t, lengthStream, false)), nil
	case Struct:
		return func(v *Vector) error { return readStruct(v, d) }, nil
	case Union:
		in := &byteRuns{b: p.stream(t, dataStream)}
		return func(v *Vector) error { return readUnion(v, d, in) }, nil
	}
	return nil, fmt.Errorf("the kind of type %d is %w yet", t.Kind, ErrUnsupported)
}

func readBits(v *Vector, in *bitRuns) error {
	v.Ints = make([]int64, v.N)
	return v.each(func(i int) error {
		bit, err := in.next()
		if bit {
			v.Ints[i] = 1
		}
		return err
	})
}

func readBytes(v *Vector, in *byteRuns) error {
	v.Ints = make([]int64, v.N)
	return v.each(func(i int) error {
		b, err := in.next()
		v.Ints[i] = int64(int8(b))
		return err
	})
}

func readIntegers(v *Vector, in integers) ([]int64, error) {
	list := make([]int64, v.N)
	return list, v.each(func(i int) (err error) {
		list[i], err = in.next()
		return err
	})
}

func floats(b []byte, double bool) func(*Vector) error {
	return func(v *Vector) error {
		v.Floats = make([]float64, v.N)
		return v.each(func(i int) error {
			switch {
			case double && len(b) >= 8:
				v.Floats[i] = math.Float64frombits(binary.LittleEndian.Uint64(b))
				b = b[8:]
			case !double && len(b) >= 4:
				v.Floats[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
				b = b[4:]
			default:
				return errDamaged
			}
			return nil
		})
	}
}

// text reads values that lie one behind the other, or numbers of those in a dictionary.
func (p *stripeParts) text(t *Type) (func(*Vector) error, error) {
	e := p.footer.encodings[t.ID]
	lengths := p.integers(t, lengthStream, false)
	if e.kind == direct || e.kind == directV2 {
		b := p.stream(t, dataStream)
		return func(v *Vector) error {
			v.Bytes = make([][]byte, v.N)
			return v.each(func(i int) (err error) {
				v.Bytes[i], b, err = cut(b, lengths)
				return err
			})
		}, nil
	}
	if e.dictionary < 0 || e.dictionary > maxBytes/16 {
		return nil, errDamaged
	}
	b := p.stream(t, dictionaryStream)
	var words [][]byte
	for range e.dictionary {
		word, rest, err := cut(b, lengths)
		if err != nil {
			return nil, err
		}
		words, b = append(words, word), rest
	}
	in := p.integers(t, dataStream, false)
	return func(v *Vector) error {
		v.Bytes = make([][]byte, v.N)
		return v.each(func(i int) error {
			n, err := in.next()
			if err == nil && (n < 0 || n >= int64(len(words))) {
				err = errDamaged
			}
			if err != nil {
				return err
			}
			v.Bytes[i] = words[n]
			return nil
		})
	}, nil
}

func cut(b []byte, lengths integers) (value, rest []byte, err error) {
	n, err := lengths.next()
	if err == nil && (n < 0 || n > int64(len(b))) {
		err = errDamaged
	}
	if err != nil {
		return nil, nil, err
	}
	return b[:n:n], b[n:], nil
}

// timestamps are seconds from the beginning of 2015 in the writer's time zone, cut off towards zero
// from 1970, and nanoseconds without their zeros.
func (p *stripeParts) timestamps(t *Type) func(*Vector) error {
	seconds, nanos := p.integers(t, dataStream, true), p.integers(t, secondaryStream, false)
	zone := p.zone
	if t.Kind == Instant {
		zone = time.UTC
	}
	base := time.Date(2015, 1, 1, 0, 0, 0, 0, zone).Unix()
	return func(v *Vector) (err error) {
		if v.Ints, err = readIntegers(v, seconds); err != nil {
			return err
		}
		if v.Nanos, err = readIntegers(v, nanos); err != nil {
			return err
		}
		return v.each(func(i int) error {
			n := v.Nanos[i]
			zeros := n & 7
			if n >>= 3; zeros > 0 {
				for range zeros + 1 {
					n *= 10
				}
			}
			s := v.Ints[i] + base
			if s < 0 && n > 999_999 {
				s--
			}
			if zone != time.UTC {
				_, offset := time.Unix(s, 0).In(zone).Zone()
				s += int64(offset)
			}
			v.Ints[i], v.Nanos[i] = s, n
			if n < 0 || n > 999_999_999 {
				return errDamaged
			}
			return nil
		})
	}
}

// decimals are whole numbers of any length, and how many digits are behind the point.
func (p *stripeParts) decimals(t *Type) func(*Vector) error {
	b := p.stream(t, dataStream)
	scales := p.integers(t, secondaryStream, true)
	return func(v *Vector) (err error) {
		v.Digits = make([]Unscaled, v.N)
		err = v.each(func(i int) (err error) {
			v.Digits[i], b, err = wideVarint(b)
			return err
		})
		if err == nil {
			v.Scales, err = readIntegers(v, scales)
		}
		return err
	}
}

// wideVarint is a signed number of up to 128 bits.
func wideVarint(b []byte) (Unscaled, []byte, error) {
	var high, low uint64
	for shift := 0; ; shift += 7 {
		if len(b) == 0 || shift > 126 {
			return Unscaled{}, nil, errDamaged
		}
		part := uint64(b[0] & 127)
		more := b[0]&128 != 0
		b = b[1:]
		switch {
		case shift < 64:
			low |= part << shift
			if shift > 57 {
				high |= part >> (64 - shift)
			}
		default:
			high |= part << (shift - 64)
		}
		if !more {
			break
		}
	}
	negative := low&1 == 1
	low, high = low>>1|high<<63, high>>1
	if negative {
		low, high = ^low, ^high
	}
	return Unscaled{High: int64(high), Low: low}, b, nil
}

// lists reads lists and maps: how many elements each has, and then those of all.
func lists(d *decoder, lengths integers) func(*Vector) error {
	return func(v *Vector) error {
		counts, err := readIntegers(v, lengths)
		if err != nil {
			return err
		}
		v.Starts = make([]int, v.N+1)
		for i, n := range counts {
			total := int64(v.Starts[i]) + n
			if n < 0 || n > maxElements || total > maxElements {
				return errDamaged
			}
			v.Starts[i+1] = int(total)
		}
		return readBelow(v, d, v.Starts[v.N])
	}
}

// maxElements bounds how many elements are read at once.
const maxElements = 1 << 27

func readBelow(v *Vector, d *decoder, n int) error {
	v.Below = make([]*Vector, len(d.below))
	for i, b := range d.below {
		if b == nil {
			continue
		}
		var err error
		if v.Below[i], err = b.read(n); err != nil {
			return err
		}
	}
	return nil
}

// readStruct reads the fields, which have a value only where the struct has one, and spreads them.
func readStruct(v *Vector, d *decoder) error {
	if err := readBelow(v, d, v.there()); err != nil || v.Null == nil {
		return err
	}
	from := make([]int, v.N)
	at := 0
	for i, null := range v.Null {
		if from[i] = -1; !null {
			from[i] = at
			at++
		}
	}
	for i, b := range v.Below {
		if b != nil {
			v.Below[i] = b.spread(from)
		}
	}
	return nil
}

// spread gives each place the value with that number; -1 is NULL.
func (v *Vector) spread(from []int) *Vector {
	if v.Starts != nil { // elements stay where they are
		starts := make([]int, len(from)+1)
		for i, f := range from {
			if starts[i+1] = starts[i]; f >= 0 {
				starts[i+1] = v.Starts[f+1]
			}
		}
		return &Vector{Type: v.Type, N: len(from), Null: v.nulls(from), Starts: starts, Below: v.Below}
	}
	out := &Vector{Type: v.Type, N: len(from), Null: v.nulls(from), Ints: spread(v.Ints, from), Nanos: spread(v.Nanos, from),
		Floats: spread(v.Floats, from), Bytes: spread(v.Bytes, from), Digits: spread(v.Digits, from), Scales: spread(v.Scales, from)}
	for _, b := range v.Below {
		if b != nil {
			b = b.spread(from)
		}
		out.Below = append(out.Below, b)
	}
	return out
}

func (v *Vector) nulls(from []int) []bool {
	list := make([]bool, len(from))
	for i, f := range from {
		list[i] = f < 0 || v.Null != nil && v.Null[f]
	}
	return list
}

func spread[T any](list []T, from []int) []T {
	if list == nil {
		return nil
	}
	out := make([]T, len(from))
	for i, f := range from {
		if f >= 0 {
			out[i] = list[f]
		}
	}
	return out
}

// readUnion reads the number of a variant for each value, and the variants, each of which has only
// the values of its number.
func readUnion(v *Vector, d *decoder, in *byteRuns) error {
	if err := readBytes(v, in); err != nil {
		return err
	}
	from := make([][]int, len(d.below))
	counts := make([]int, len(d.below))
	for k := range from {
		from[k] = make([]int, v.N)
		for i := range from[k] {
			from[k][i] = -1
		}
	}
	err := v.each(func(i int) error {
		k := v.Ints[i]
		if k < 0 || k >= int64(len(d.below)) {
			return errDamaged
		}
		from[k][i] = counts[k]
		counts[k]++
		return nil
	})
	if err != nil {
		return err
	}
	for k, b := range d.below {
		if b == nil {
			v.Below = append(v.Below, nil)
			continue
		}
		below, err := b.read(counts[k])
		if err != nil {
			return err
		}
		v.Below = append(v.Below, below.spread(from[k]))
	}
	return nil
}
