package formats

import (
	"bytes"
	"encoding/base64"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/skepdata/skep/hivetype"
)

// column appends values to an Arrow builder; columns of nested types have columns below them.
type column struct {
	t       hivetype.Type
	builder array.Builder
	list    *array.ListBuilder
	dict    *array.MapBuilder
	record  *array.StructBuilder
	union   bool      // record is a uniontype in parts
	below   []*column // element, or key and value, or fields
	// text appends the value that the text of a primitive type stands for, and is false where
	// it stands for none. It does not keep the text.
	text   func(b []byte) bool
	stamp  func(us, rest int64) // appends a timestamp, where t is one
	isText bool                 // string, varchar or char
	names  map[string]int       // of the fields of a struct, in lower case
}

func newColumn(builder array.Builder, t hivetype.Type, how *clocks) *column {
	c := &column{t: t, builder: builder}
	switch b := builder.(type) {
	case *array.ListBuilder:
		c.list = b
		c.below = []*column{newColumn(b.ValueBuilder(), *t.Elem, how)}
	case *array.MapBuilder:
		c.dict = b
		c.below = []*column{newColumn(b.KeyBuilder(), *t.Key, how), newColumn(b.ItemBuilder(), *t.Elem, how)}
	case *array.StructBuilder:
		c.record = b
		if c.union = t.Kind == hivetype.Union; c.union {
			t = t.Variants()
		}
		c.names = map[string]int{}
		for i, f := range t.Fields {
			c.below = append(c.below, newColumn(b.FieldBuilder(i), f.Type, how))
			c.names[lower(f.Name)] = i
		}
	default:
		c.isText = t.Text()
		c.text = textAppender(builder, t, how)
		if stamped(t) {
			c.stamp = stampAppender(builder, how)
		}
	}
	return c
}

// set appends what the text stands for, or NULL.
func (c *column) set(text []byte) {
	if !c.text(text) {
		c.builder.AppendNull()
	}
}

// appendBinary appends bytes that are decoded already.
func (c *column) appendBinary(b []byte) { c.builder.(*array.BinaryBuilder).Append(b) }

func (c *column) null() { c.builder.AppendNull() }

// keySet numbers the keys of a map: few of them in a list, which is what most maps have.
type keySet struct {
	few  [][]byte
	many map[string]int
	n    int
}

const fewKeys = 16

// add gives the number of the key and whether it is new. A new key is kept and must not change
// while the set is used.
func (k *keySet) add(key []byte) (i int, fresh bool) {
	if k.many != nil {
		if i, ok := k.many[string(key)]; ok {
			return i, false
		}
		k.many[string(key)] = k.n
		k.n++
		return k.n - 1, true
	}
	for i, x := range k.few {
		if bytes.Equal(x, key) {
			return i, false
		}
	}
	k.few = append(k.few, key)
	k.n++
	if k.n > fewKeys {
		k.many = map[string]int{}
		for i, x := range k.few {
			k.many[string(x)] = i
		}
	}
	return k.n - 1, true
}

// textAppender appends values of a primitive type to a builder.
func textAppender(builder array.Builder, t hivetype.Type, how *clocks) func([]byte) bool {
	switch b := builder.(type) {
	case *array.Int8Builder:
		return integerAppender(8, func(n int64) { b.Append(int8(n)) })
	case *array.Int16Builder:
		return integerAppender(16, func(n int64) { b.Append(int16(n)) })
	case *array.Int32Builder:
		return integerAppender(32, func(n int64) { b.Append(int32(n)) })
	case *array.Int64Builder:
		return integerAppender(64, b.Append)
	case *array.Float32Builder:
		return valueAppender(t, func(v hivetype.Value) { b.Append(v.(float32)) })
	case *array.Float64Builder:
		return doubleAppender(b)
	case *array.StringBuilder:
		return stringAppender(b, t)
	case *array.BinaryBuilder:
		return func(text []byte) bool { b.Append(decodeBinary(text)); return true }
	case *array.Date32Builder:
		return dateAppender(b)
	case *array.TimestampBuilder:
		return timestampAppender(builder, t, how)
	case *array.Decimal128Builder:
		if stamped(t) {
			return timestampAppender(builder, t, how)
		}
		return decimalAppender(b, t)
	case *array.BooleanBuilder:
		return booleanAppender(b, how.short)
	}
	return func([]byte) bool { return false }
}

// booleanAppender reads true and false, with short also t, f, 1 and 0, in whatever case.
func booleanAppender(b *array.BooleanBuilder, short bool) func([]byte) bool {
	general := valueAppender(hivetype.Of(hivetype.Boolean), func(v hivetype.Value) { b.Append(v.(bool)) })
	if !short {
		return general
	}
	return func(text []byte) bool {
		if len(text) != 1 {
			return general(text)
		}
		switch text[0] {
		case '1', 't', 'T':
			b.Append(true)
		case '0', 'f', 'F':
			b.Append(false)
		default:
			return false
		}
		return true
	}
}

// valueAppender converts by the general rules of package hivetype.
func valueAppender(t hivetype.Type, add func(hivetype.Value)) func([]byte) bool {
	return func(text []byte) bool {
		v, ok := hivetype.ParseValue(stringOf(text), t)
		if ok {
			add(v)
		}
		return ok
	}
}

// stringOf is the text as a string for the length of a call.
func stringOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// integerAppender reads short plain integers itself and leaves the rest to ParseValue.
func integerAppender(bits int, add func(int64)) func([]byte) bool {
	kind := map[int]hivetype.Kind{8: hivetype.TinyInt, 16: hivetype.SmallInt, 32: hivetype.Int, 64: hivetype.BigInt}[bits]
	least, most := int64(-1)<<(bits-1), int64(1)<<(bits-1)-1
	general := valueAppender(hivetype.Of(kind), func(v hivetype.Value) { add(v.(int64)) })
	return func(text []byte) bool {
		n, ok := shortInteger(text)
		if !ok {
			return general(text)
		}
		if n < least || n > most {
			return false
		}
		add(n)
		return true
	}
}

// shortInteger reads up to 18 digits with a sign; false says that it did not try.
func shortInteger(text []byte) (int64, bool) {
	digits := text
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 18 {
		return 0, false
	}
	var n int64
	for _, c := range digits {
		if c -= '0'; c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	if len(digits) < len(text) {
		n = -n
	}
	return n, true
}

// doubleAppender reads decimals of up to 15 digits exactly: both the digits and the power of
// ten are doubles, so that their quotient is rounded only once.
func doubleAppender(b *array.Float64Builder) func([]byte) bool {
	general := valueAppender(hivetype.Of(hivetype.Double), func(v hivetype.Value) { b.Append(v.(float64)) })
	return func(text []byte) bool {
		n, scale, ok := shortDecimal(text)
		if !ok || n == 0 && text[0] == '-' {
			return general(text)
		}
		b.Append(float64(n) / powersOfTen[scale])
		return true
	}
}

var powersOfTen = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// shortDecimal reads up to 15 digits with a point among them as n / 10^scale.
func shortDecimal(text []byte) (n int64, scale int, ok bool) {
	digits := text
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 15 {
		return 0, 0, false
	}
	point := -1
	for i, c := range digits {
		if c == '.' && point < 0 {
			point = i
			continue
		}
		if c -= '0'; c > 9 {
			return 0, 0, false
		}
		n = n*10 + int64(c)
	}
	if point >= 0 {
		scale = len(digits) - 1 - point
		ok = len(digits) > 1
	} else {
		ok = true
	}
	if len(digits) < len(text) {
		n = -n
	}
	return n, scale, ok
}

func decimalAppender(b *array.Decimal128Builder, t hivetype.Type) func([]byte) bool {
	general := valueAppender(t, func(v hivetype.Value) {
		d, _ := v.(hivetype.Dec).Round(t.Precision, t.Scale)
		b.Append(decimal128.FromBigInt(rescaled(d, t.Scale)))
	})
	return func(text []byte) bool {
		n, scale, ok := shortDecimal(text)
		if !ok || scale > t.Scale || t.Scale-scale > 3 {
			return general(bytes.TrimSpace(text))
		}
		for range t.Scale - scale {
			n *= 10
		}
		v := decimal128.FromI64(n)
		if !v.FitsInPrecision(int32(t.Precision)) {
			return false
		}
		b.Append(v)
		return true
	}
}

func stringAppender(b *array.StringBuilder, t hivetype.Type) func([]byte) bool {
	if t.Kind == hivetype.String {
		return func(text []byte) bool {
			b.BinaryBuilder.Append(ValidUTF8(text))
			return true
		}
	}
	return func(text []byte) bool {
		v, _ := hivetype.ParseValue(stringOf(ValidUTF8(text)), t)
		b.Append(v.(string))
		return true
	}
}

func dateAppender(b *array.Date32Builder) func([]byte) bool {
	general := valueAppender(hivetype.Of(hivetype.Date), func(v hivetype.Value) {
		b.Append(arrow.Date32(v.(time.Time).Unix() / 86400))
	})
	return func(text []byte) bool {
		days, ok := isoDate(text)
		if !ok || len(text) != len("2006-01-02") {
			return general(text)
		}
		b.Append(arrow.Date32(days))
		return true
	}
}

// stampAppender appends timestamps, of microseconds and the nanoseconds behind them.
func stampAppender(builder array.Builder, how *clocks) func(us, rest int64) {
	if b, ok := builder.(*array.Decimal128Builder); ok {
		return func(us, rest int64) { b.Append(decimal128.New(us, uint64(rest))) }
	}
	b := builder.(*array.TimestampBuilder)
	return func(us, rest int64) {
		how.note(rest > 0)
		b.Append(arrow.Timestamp(us))
	}
}

func timestampAppender(builder array.Builder, t hivetype.Type, how *clocks) func([]byte) bool {
	add := stampAppender(builder, how)
	general := func(text []byte) bool {
		ts, ok := how.of(stringOf(text), t)
		if ok {
			add(ts.UnixMicro(), int64(ts.Nanosecond()%1000))
		}
		return ok
	}
	if len(how.patterns) > 0 || t.Kind == hivetype.TimestampLocalTZ {
		return general
	}
	return func(text []byte) bool {
		us, rest, ok := isoTimestamp(text)
		if !ok {
			return general(text)
		}
		add(us, rest)
		return true
	}
}

// decodeBinary is Hive's guess: text that is base64, padded or not, is what it stands for, and other text is bytes.
func decodeBinary(text []byte) []byte {
	body := text
	if len(text)%4 == 0 {
		body = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("=")), []byte("="))
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(body)))
	n, err := base64.RawStdEncoding.Decode(out, body)
	if err != nil || n == 0 || bytes.ContainsAny(body, "\r\n") { // which Go passes over
		return text
	}
	return out[:n]
}

// ValidUTF8 replaces what is no UTF-8 by U+FFFD, one for each longest beginning of a
// character, as Java does.
func ValidUTF8(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	out := make([]byte, 0, len(b)+8)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			out = utf8.AppendRune(out, utf8.RuneError)
			b = b[malformed(b):]
			continue
		}
		out = append(out, b[:n]...)
		b = b[n:]
	}
	return out
}

// malformed is the length of the beginning of b that could have become a character.
func malformed(b []byte) int {
	lo, hi, more := byte(0x80), byte(0xbf), 0
	switch c := b[0]; {
	case c >= 0xc2 && c <= 0xdf:
		more = 1
	case c >= 0xe0 && c <= 0xef:
		more = 2
		if c == 0xe0 {
			lo = 0xa0
		} else if c == 0xed {
			hi = 0x9f
		}
	case c >= 0xf0 && c <= 0xf4:
		more = 3
		if c == 0xf0 {
			lo = 0x90
		} else if c == 0xf4 {
			hi = 0x8f
		}
	}
	n := 1
	for ; n <= more && n < len(b) && b[n] >= lo && b[n] <= hi; n++ {
		lo, hi = 0x80, 0xbf
	}
	return n
}
