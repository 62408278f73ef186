package formats

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/skepdata/skep/hivetype"
)

// avroAppender appends values, as the library hands them over, to columns.
type avroAppender struct {
	tagged bool               // values of unions come with the names of their branches
	clock  *time.Location     // in which timestamps are clocks
	old    *hivetype.JavaZone // the same where days and clocks are those of Java's old classes
}

// value appends a value to a column. What does not fit the column's type, but might have, is NULL.
func (a *avroAppender) value(c *column, s *avroShape, v any) error {
	if v == nil {
		c.null()
		return nil
	}
	if s.kind == "union" {
		return a.union(c, s, v)
	}
	switch x := v.(type) {
	case []any:
		if c.list == nil {
			return mismatch(c, s)
		}
		c.list.Append(true)
		for _, e := range x {
			if err := a.value(c.below[0], s.parts[0], e); err != nil {
				return err
			}
		}
		return nil
	case map[string]any:
		switch {
		case c.dict != nil && s.kind == "map":
			return a.dict(c, s, x)
		case c.record != nil && !c.union && s.kind == "record":
			return a.record(c, s, x)
		}
		return mismatch(c, s)
	}
	if c.text == nil {
		return mismatch(c, s)
	}
	return a.scalar(c, s, v)
}

func mismatch(c *column, s *avroShape) error {
	return fmt.Errorf("the file has values of Avro's type %s, which cannot be read as %s", s.kind, c.t)
}

// union appends the value of a branch, to a uniontype with its number, which counts without null.
func (a *avroAppender) union(c *column, s *avroShape, v any) error {
	at := 0
	if a.tagged {
		wrapped, ok := v.(map[string]any)
		if !ok || len(wrapped) != 1 {
			return mismatch(c, s)
		}
		for name, of := range wrapped {
			at, v = slices.Index(s.names, name), of
		}
	}
	if at < 0 || at >= len(s.parts) {
		return mismatch(c, s)
	}
	if !c.union {
		return a.value(c, s.parts[at], v)
	}
	if at >= len(c.below)-1 {
		return mismatch(c, s)
	}
	c.record.Append(true)
	c.below[0].set(strconv.AppendInt(nil, int64(at), 10))
	for i, f := range c.below[1:] {
		if i != at {
			f.null()
		} else if err := a.value(f, s.parts[at], v); err != nil {
			return err
		}
	}
	return nil
}

// dict appends a map, in the order of Java's, in which Hive has it.
func (a *avroAppender) dict(c *column, s *avroShape, m map[string]any) error {
	c.dict.Append(true)
	for _, key := range javaOrder(m) {
		if !c.below[0].text([]byte(key)) {
			continue // no key that the column can have
		}
		if err := a.value(c.below[1], s.parts[0], m[key]); err != nil {
			return err
		}
	}
	return nil
}

// javaOrder is the order of the keys in a HashMap of Java.
func javaOrder(m map[string]any) []string {
	buckets := 16
	for 4*len(m) > 3*buckets {
		buckets *= 2
	}
	keys := make([]string, 0, len(m))
	at := make(map[string]uint32, len(m))
	for key := range m {
		h := uint32(0)
		for _, c := range utf16.Encode([]rune(key)) {
			h = 31*h + uint32(c)
		}
		at[key] = (h ^ h>>16) & uint32(buckets-1)
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(cmp.Compare(at[a], at[b]), strings.Compare(a, b)) })
	return keys
}

// record appends a struct, whose fields are found by their names.
func (a *avroAppender) record(c *column, s *avroShape, m map[string]any) error {
	c.record.Append(true)
	for i, f := range c.t.Fields {
		at := slices.IndexFunc(s.names, func(name string) bool { return strings.EqualFold(name, f.Name) })
		if at < 0 {
			c.below[i].null()
			continue
		}
		if err := a.value(c.below[i], s.parts[at], m[s.names[at]]); err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
	}
	return nil
}

func (a *avroAppender) scalar(c *column, s *avroShape, v any) error {
	switch x := v.(type) {
	case bool:
		if b, ok := c.builder.(*array.BooleanBuilder); ok {
			b.Append(x)
			return nil
		}
		c.set(strconv.AppendBool(nil, x))
	case int32:
		return a.integer(c, s, int64(x))
	case int64:
		return a.integer(c, s, x)
	case float32:
		return appendFloat(c, s, float64(x), 32)
	case float64:
		return appendFloat(c, s, x, 64)
	case string:
		if c.t.Kind == hivetype.Binary {
			c.appendBinary([]byte(x))
			return nil
		}
		c.set([]byte(x))
	case []byte:
		switch {
		case s.logical == "decimal" && c.t.Kind == hivetype.Decimal:
			appendDecimal(c, signed(x), int64(s.scale))
		case s.logical == "decimal":
			c.set([]byte(hivetype.Dec{Unscaled: signed(x), Scale: s.scale}.String()))
		case c.t.Kind == hivetype.Binary:
			c.appendBinary(x)
		case c.t.Kind == hivetype.Decimal: // of a writer that did not say so
			appendDecimal(c, signed(x), int64(c.t.Scale))
		default:
			c.set(x)
		}
	default:
		return mismatch(c, s)
	}
	return nil
}

func appendFloat(c *column, s *avroShape, x float64, bits int) error {
	switch b := c.builder.(type) {
	case *array.Float32Builder:
		b.Append(float32(x))
	case *array.Float64Builder:
		b.Append(x)
	case *array.StringBuilder:
		if bits == 32 {
			c.set(hivetype.AppendText(nil, float32(x), hivetype.Of(hivetype.Float)))
		} else {
			c.set(hivetype.AppendText(nil, x, hivetype.Of(hivetype.Double)))
		}
	case *array.Decimal128Builder:
		c.set(strconv.AppendFloat(nil, x, 'f', -1, bits))
	default:
		return mismatch(c, s)
	}
	return nil
}

// integer appends an int or a long: a number, a date or a timestamp.
func (a *avroAppender) integer(c *column, s *avroShape, n int64) error {
	if c.stamp != nil {
		us, rest := a.stamp(s, n, c.t.Kind == hivetype.TimestampLocalTZ)
		c.stamp(us, rest)
		return nil
	}
	switch b := c.builder.(type) {
	case *array.Int8Builder, *array.Int16Builder:
		c.set(strconv.AppendInt(nil, n, 10))
	case *array.Int32Builder:
		if n != int64(int32(n)) {
			b.AppendNull()
			return nil
		}
		b.Append(int32(n))
	case *array.Int64Builder:
		b.Append(n)
	case *array.Float32Builder:
		b.Append(float32(n))
	case *array.Float64Builder:
		b.Append(float64(n))
	case *array.Date32Builder:
		if s.kind == "long" && s.logical != "" {
			us, _ := a.stamp(s, n, false)
			n = floorDiv(us, 86400*1e6)
		} else if a.old != nil {
			n = hivetype.ProlepticDay(n)
		}
		b.Append(arrow.Date32(n))
	case *array.Decimal128Builder:
		appendDecimal(c, big.NewInt(n), 0)
	case *array.StringBuilder:
		c.set(a.integerText(s, n))
	default:
		return mismatch(c, s)
	}
	return nil
}

// stamp is a timestamp in microseconds, and the nanoseconds behind them: a clock, or, if it is asked for, an instant. What
// has no logical type is in milliseconds.
func (a *avroAppender) stamp(s *avroShape, n int64, instant bool) (us, rest int64) {
	switch {
	case s.logical == "date":
		return n * 86400 * 1e6, 0
	case strings.HasSuffix(s.logical, "-micros"):
		us = n
	case strings.HasSuffix(s.logical, "-nanos"):
		us = floorDiv(n, 1000)
		rest = n - us*1000
	default:
		us = n * 1000
	}
	local := strings.HasPrefix(s.logical, "local-")
	if local == instant {
		at := time.UnixMicro(us)
		if local { // a clock, which stands for an instant
			t := at.UTC()
			y, m, d := t.Date()
			at = time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), a.clock)
			return at.UnixMicro(), rest
		}
		_, offset := at.In(a.clock).Zone()
		if a.old != nil {
			offset = a.old.Offset(at.Unix())
		}
		us += int64(offset) * 1e6
	}
	if day := floorDiv(us, 86400*1e6); a.old != nil && !instant {
		us += (hivetype.ProlepticDay(day) - day) * 86400 * 1e6
	}
	return us, rest
}

func (a *avroAppender) integerText(s *avroShape, n int64) []byte {
	switch {
	case s.logical == "date":
		if a.old != nil {
			n = hivetype.ProlepticDay(n)
		}
		return hivetype.AppendText(nil, time.Unix(n*86400, 0).UTC(), hivetype.Of(hivetype.Date))
	case strings.HasPrefix(s.logical, "timestamp-"), strings.HasPrefix(s.logical, "local-timestamp-"):
		us, rest := a.stamp(s, n, false)
		return hivetype.AppendText(nil, time.UnixMicro(us).UTC().Add(time.Duration(rest)), hivetype.Of(hivetype.Timestamp))
	}
	return strconv.AppendInt(nil, n, 10)
}
