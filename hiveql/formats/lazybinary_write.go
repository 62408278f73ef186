package formats

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"time"

	"github.com/skepdata/skep/hivetype"
)

// lazyBinaryFormat writes the rows of LazyBinarySerDe.
type lazyBinaryFormat struct {
	lines bool // rows end by a line feed
}

// write refuses rows whose bytes would be taken for the end of a line: Hive writes them, and
// cannot read them again.
func (f lazyBinaryFormat) write(dst []byte, fields []Field, row []hivetype.Value) ([]byte, error) {
	start := len(dst)
	types := make([]hivetype.Type, len(fields))
	for i, f := range fields {
		types[i] = f.Type
	}
	dst, err := appendRecord(dst, types, row)
	if err != nil || !f.lines {
		return dst, err
	}
	for _, b := range dst[start:] {
		if b == '\n' || b == '\r' {
			return dst, fmt.Errorf("a row of LazyBinarySerDe has the byte %#x, which ends a line of a text file; use another SerDe", b)
		}
	}
	return dst, nil
}

func appendRecord(dst []byte, types []hivetype.Type, row []hivetype.Value) ([]byte, error) {
	var err error
	for i, t := range types {
		if i%8 == 0 {
			dst = append(dst, presence(row[i:min(i+8, len(row))]))
		}
		if dst, err = appendBinaryValue(dst, t, row[i]); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// presence has a bit for each of up to eight values that is not NULL.
func presence(values []hivetype.Value) byte {
	var bits byte
	for i, v := range values {
		if v != nil {
			bits |= 1 << i
		}
	}
	return bits
}

func appendBinaryValue(dst []byte, t hivetype.Type, v hivetype.Value) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return dst, nil
	case bool:
		if v {
			return append(dst, 1), nil
		}
		return append(dst, 0), nil
	case int64:
		switch t.Kind {
		case hivetype.TinyInt:
			return append(dst, byte(v)), nil
		case hivetype.SmallInt:
			return binary.BigEndian.AppendUint16(dst, uint16(v)), nil
		}
		return appendVarint(dst, v), nil
	case float32:
		return binary.BigEndian.AppendUint32(dst, math.Float32bits(v)), nil
	case float64:
		return binary.BigEndian.AppendUint64(dst, math.Float64bits(v)), nil
	case string:
		return append(appendVarint(dst, int64(len(v))), v...), nil
	case []byte:
		return append(appendVarint(dst, int64(len(v))), v...), nil
	case hivetype.Dec:
		return appendBinaryDecimal(dst, v), nil
	}
	return appendBinaryRare(dst, t, v)
}

func appendBinaryRare(dst []byte, t hivetype.Type, v hivetype.Value) ([]byte, error) {
	switch t.Kind {
	case hivetype.Date:
		return appendVarint(dst, v.(time.Time).Unix()/86400), nil
	case hivetype.Timestamp:
		return appendBinaryTimestamp(dst, v.(time.Time)), nil
	case hivetype.Array, hivetype.Map, hivetype.Struct:
		at := len(dst)
		dst, err := appendNested(append(dst, 0, 0, 0, 0), t, v)
		size := len(dst) - at - 4
		if err == nil && size > math.MaxInt32 {
			err = fmt.Errorf("a value of type %s has %d bytes, which LazyBinarySerDe cannot hold", t, size)
		}
		binary.BigEndian.PutUint32(dst[at:], uint32(size))
		return dst, err
	}
	return dst, fmt.Errorf("the type %s in a file of LazyBinarySerDe is %w yet", t, ErrUnsupported)
}

func appendNested(dst []byte, t hivetype.Type, v hivetype.Value) ([]byte, error) {
	var err error
	switch v := v.(type) {
	case []hivetype.Entry:
		dst = appendVarint(dst, int64(len(v)))
		flat := make([]hivetype.Value, 0, 2*len(v))
		for _, e := range v {
			flat = append(flat, e.Key, e.Value)
		}
		dst = appendPresence(dst, flat)
		for i, x := range flat {
			of := *t.Key
			if i%2 == 1 {
				of = *t.Elem
			}
			if dst, err = appendBinaryValue(dst, of, x); err != nil {
				return dst, err
			}
		}
	case []any:
		if t.Kind == hivetype.Struct {
			types := make([]hivetype.Type, len(t.Fields))
			for i, f := range t.Fields {
				types[i] = f.Type
			}
			return appendRecord(dst, types, v)
		}
		dst = appendPresence(appendVarint(dst, int64(len(v))), v)
		for _, x := range v {
			if dst, err = appendBinaryValue(dst, *t.Elem, x); err != nil {
				return dst, err
			}
		}
	}
	return dst, nil
}

func appendPresence(dst []byte, values []hivetype.Value) []byte {
	for i := 0; i < len(values); i += 8 {
		dst = append(dst, presence(values[i:min(i+8, len(values))]))
	}
	return dst
}

// appendVarint is the reverse of binaryInput.varint.
func appendVarint(dst []byte, v int64) []byte {
	if v >= -112 && v <= math.MaxInt8 {
		return append(dst, byte(v))
	}
	first, u := -112, uint64(v)
	if v < 0 {
		first, u = -120, ^u
	}
	n := 1
	for rest := u >> 8; rest > 0; rest >>= 8 {
		n++
	}
	dst = append(dst, byte(first-n))
	for n--; n >= 0; n-- {
		dst = append(dst, byte(u>>(8*n)))
	}
	return dst
}

// appendBinaryDecimal writes the scale, without zeros at the end, and the digits in two's complement.
func appendBinaryDecimal(dst []byte, d hivetype.Dec) []byte {
	n, scale, ten := new(big.Int).Set(d.Unscaled), d.Scale, big.NewInt(10)
	for scale > 0 {
		shorter, rest := new(big.Int).QuoRem(n, ten, new(big.Int))
		if rest.Sign() != 0 {
			break
		}
		n, scale = shorter, scale-1
	}
	digits := n.Bytes()
	if n.Sign() < 0 {
		bytes := len(digits) + 1
		digits = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*bytes))).Bytes()
		if len(digits) > 1 && digits[0] == math.MaxUint8 && digits[1] > math.MaxInt8 {
			digits = digits[1:]
		}
	} else if len(digits) == 0 || digits[0] > math.MaxInt8 {
		digits = append([]byte{0}, digits...)
	}
	dst = appendVarint(appendVarint(dst, int64(scale)), int64(len(digits)))
	return append(dst, digits...)
}

// appendBinaryTimestamp is the reverse of binaryInput.timestamp.
func appendBinaryTimestamp(dst []byte, t time.Time) []byte {
	seconds, reversed, nanos := t.Unix(), int64(0), int64(t.Nanosecond())
	for range 9 {
		reversed = reversed*10 + nanos%10
		nanos /= 10
	}
	long := seconds < 0 || seconds > math.MaxInt32
	first := uint32(seconds) & math.MaxInt32
	if long || reversed != 0 {
		first |= 1 << 31
	}
	dst = binary.BigEndian.AppendUint32(dst, first)
	switch {
	case long:
		return appendVarint(appendVarint(dst, -reversed-1), seconds>>31)
	case reversed != 0:
		return appendVarint(dst, reversed)
	}
	return dst
}
