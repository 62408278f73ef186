package formats

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/avro/ocf"

	"github.com/skepdata/skep/hivetype"
)

// avroWriter writes an Avro object container file.
type avroWriter struct {
	w      *ocf.Writer
	fields []Field
	nodes  []avro.SchemaField
	clock  *time.Location
	record []byte
}

// avroWritten is about how many bytes a block has, before it is compressed.
const avroWritten = 64 << 10

func newAvroWriter(s *Spec, fields []Field, w io.Writer) (Writer, error) {
	node, err := s.avroNode(fields)
	if err != nil {
		return nil, err
	}
	if len(node.Fields) != len(fields) {
		return nil, fmt.Errorf("the Avro schema has %d fields, and the table has %d columns", len(node.Fields), len(fields))
	}
	text := s.param(AvroLiteral)
	var schema *avro.Schema
	if text != "" && text != "none" {
		schema, err = avroSchema(text)
	} else {
		schema, err = node.Schema()
	}
	if err != nil {
		return nil, fmt.Errorf("the schema of Avro files: %w", err)
	}
	codec, err := s.avroOutputCodec()
	if err != nil {
		return nil, err
	}
	a := &avroWriter{fields: fields, nodes: expanded(schema).Fields, clock: s.Zone}
	if a.clock == nil || a.clock == time.Local { // the name of which is not known
		a.clock = time.UTC
	}
	options := []ocf.WriterOpt{ocf.WithBlockBytes(avroWritten), ocf.WithMetadata(map[string][]byte{
		writerZone: []byte(a.clock.String()), writerProleptic: []byte("true")})}
	if codec != nil {
		options = append(options, ocf.WithCodec(codec))
	}
	a.w, err = ocf.NewWriter(w, schema, options...)
	return a, err
}

func (a *avroWriter) Write(row []hivetype.Value) error {
	if len(row) != len(a.fields) {
		return fmt.Errorf("a row of %d values for %d columns", len(row), len(a.fields))
	}
	a.record = a.record[:0]
	for i, v := range row {
		var err error
		if a.record, err = a.value(a.record, v, a.fields[i].Type, &a.nodes[i].Type); err != nil {
			return fmt.Errorf("column %s: %w", a.fields[i].Name, err)
		}
	}
	_, err := a.w.Write(a.record)
	return err
}

func (a *avroWriter) Close() error { return a.w.Close() }

// value appends a value as a schema has it.
func (a *avroWriter) value(dst []byte, v hivetype.Value, t hivetype.Type, n *avro.SchemaNode) ([]byte, error) {
	if n.Type == "union" {
		return a.union(dst, v, t, n)
	}
	if v == nil {
		if n.Type == "null" {
			return dst, nil
		}
		return dst, fmt.Errorf("it is NULL, which its Avro schema, of type %s, does not allow", n.Type)
	}
	switch x := v.(type) {
	case []any:
		switch {
		case t.Kind == hivetype.Array && n.Type == "array":
			return a.list(dst, x, t, n)
		case t.Kind == hivetype.Struct && n.Type == "record" && len(n.Fields) == len(t.Fields):
			var err error
			for i := range x { // by their order, as in Hive
				if dst, err = a.value(dst, x[i], t.Fields[i].Type, &n.Fields[i].Type); err != nil {
					return dst, fmt.Errorf("field %s: %w", t.Fields[i].Name, err)
				}
			}
			return dst, nil
		}
	case []hivetype.Entry:
		if n.Type == "map" {
			return a.dict(dst, x, t, n)
		}
	case hivetype.Variant: // of a schema that is no union
		return a.value(dst, x.Value, t.Fields[x.Tag].Type, n)
	default:
		return a.primitive(dst, v, t, n)
	}
	return dst, unfit(t, n)
}

func unfit(t hivetype.Type, n *avro.SchemaNode) error {
	return fmt.Errorf("a value of type %s is none of Avro's type %s", t, n.Type)
}

// union writes which branch the value is of, and the value. The types of a uniontype are the branches but null, in order.
func (a *avroWriter) union(dst []byte, v hivetype.Value, t hivetype.Type, n *avro.SchemaNode) ([]byte, error) {
	null := slices.IndexFunc(n.Branches, func(b avro.SchemaNode) bool { return b.Type == "null" })
	tag := 0
	if u, ok := v.(hivetype.Variant); ok {
		tag, v, t = u.Tag, u.Value, t.Fields[u.Tag].Type
	}
	if v == nil {
		if null < 0 {
			return dst, fmt.Errorf("it is NULL, which its Avro schema does not allow")
		}
		return binary.AppendVarint(dst, int64(null)), nil
	}
	if null >= 0 && null <= tag {
		tag++
	}
	if tag >= len(n.Branches) {
		return dst, fmt.Errorf("its Avro schema, a union of %d types, has no type %s", len(n.Branches), t)
	}
	return a.value(binary.AppendVarint(dst, int64(tag)), v, t, &n.Branches[tag])
}

func (a *avroWriter) list(dst []byte, list []any, t hivetype.Type, n *avro.SchemaNode) ([]byte, error) {
	if len(list) > 0 {
		dst = binary.AppendVarint(dst, int64(len(list)))
		for _, e := range list {
			var err error
			if dst, err = a.value(dst, e, *t.Elem, n.Items); err != nil {
				return dst, err
			}
		}
	}
	return append(dst, 0), nil
}

func (a *avroWriter) dict(dst []byte, entries []hivetype.Entry, t hivetype.Type, n *avro.SchemaNode) ([]byte, error) {
	if t.Key.Kind != hivetype.String {
		return dst, fmt.Errorf("the type %s in Avro files is %w: the keys of their maps are strings", t, ErrUnsupported)
	}
	if len(entries) > 0 {
		dst = binary.AppendVarint(dst, int64(len(entries)))
		for _, e := range entries {
			key, ok := e.Key.(string)
			if !ok {
				return dst, fmt.Errorf("a key of a map is NULL")
			}
			var err error
			if dst, err = a.value(appendBytes(dst, []byte(key)), e.Value, *t.Elem, n.Values); err != nil {
				return dst, err
			}
		}
	}
	return append(dst, 0), nil
}

func appendBytes(dst, b []byte) []byte { return append(binary.AppendVarint(dst, int64(len(b))), b...) }

func (a *avroWriter) primitive(dst []byte, v hivetype.Value, t hivetype.Type, n *avro.SchemaNode) ([]byte, error) {
	switch n.Type {
	case "boolean":
		if b, ok := v.(bool); ok {
			if b {
				return append(dst, 1), nil
			}
			return append(dst, 0), nil
		}
	case "int", "long":
		x, err := a.integer(v, t, n)
		if err == nil && n.Type == "int" && x != int64(int32(x)) {
			err = fmt.Errorf("%d is too large for Avro's type int", x)
		}
		return binary.AppendVarint(dst, x), err
	case "float", "double":
		x, ok := floatOf(v)
		if !ok {
			break
		}
		if n.Type == "float" {
			return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(x))), nil
		}
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(x)), nil
	case "string":
		return appendBytes(dst, avroText(v, t)), nil
	case "enum":
		text := string(avroText(v, t))
		at := slices.Index(n.Symbols, text)
		if at < 0 {
			return dst, fmt.Errorf("%q is none of the symbols of its Avro enum, %s", text, strings.Join(n.Symbols, ", "))
		}
		return binary.AppendVarint(dst, int64(at)), nil
	case "bytes", "fixed":
		return avroBytes(dst, v, t, n)
	}
	return dst, unfit(t, n)
}

func avroText(v hivetype.Value, t hivetype.Type) []byte {
	text := hivetype.AppendText(nil, v, t)
	if t.Kind == hivetype.Char {
		text = []byte(strings.TrimRight(string(text), " "))
	}
	return text
}

func floatOf(v hivetype.Value) (float64, bool) {
	switch x := v.(type) {
	case float32:
		return float64(x), true
	case float64:
		return x, true
	case int64:
		return float64(x), true
	}
	return 0, false
}

// integer is a number, the days of a date, or a timestamp as an instant, in the unit of the schema's logical type.
func (a *avroWriter) integer(v hivetype.Value, t hivetype.Type, n *avro.SchemaNode) (int64, error) {
	switch x := v.(type) {
	case int64:
		return x, nil
	case time.Time:
		if t.Kind == hivetype.Date {
			return floorDiv(x.Unix(), 86400), nil
		}
		if t.Kind == hivetype.Timestamp && !strings.HasPrefix(n.LogicalType, "local-") { // a clock
			y, m, d := x.Date()
			x = time.Date(y, m, d, x.Hour(), x.Minute(), x.Second(), x.Nanosecond(), a.clock)
		}
		switch {
		case strings.HasSuffix(n.LogicalType, "-micros"):
			return x.UnixMicro(), nil
		case strings.HasSuffix(n.LogicalType, "-nanos"):
			return x.UnixNano(), nil
		}
		return floorDiv(x.UnixMicro(), 1000), nil
	}
	return 0, unfit(t, n)
}

// avroBytes writes binary values, text, and decimals in two's complement.
func avroBytes(dst []byte, v hivetype.Value, t hivetype.Type, n *avro.SchemaNode) ([]byte, error) {
	var b []byte
	switch x := v.(type) {
	case []byte:
		b = x
	case string:
		b = []byte(x)
	case hivetype.Dec:
		scale := n.Scale
		if n.LogicalType != "decimal" {
			scale = t.Scale
		}
		d, ok := x.Round(hivetype.MaxPrecision, scale)
		if !ok {
			return dst, fmt.Errorf("%s has no room in an Avro decimal of scale %d", x, scale)
		}
		b = twosComplement(rescaled(d, scale))
		for n.Type == "fixed" && len(b) < n.Size {
			b = append([]byte{byte(int8(b[0]) >> 7)}, b...)
		}
	default:
		return dst, unfit(t, n)
	}
	if n.Type != "fixed" {
		return appendBytes(dst, b), nil
	}
	if len(b) != n.Size {
		return dst, fmt.Errorf("a value of %d bytes for the Avro type fixed of %d", len(b), n.Size)
	}
	return append(dst, b...), nil
}

// twosComplement is a number in as few bytes as hold it, the highest first.
func twosComplement(n *big.Int) []byte {
	if n.Sign() >= 0 {
		b := n.Bytes()
		if len(b) == 0 || b[0] > math.MaxInt8 {
			b = append([]byte{0}, b...)
		}
		return b
	}
	size := uint(new(big.Int).Not(n).BitLen()/8 + 1)
	return new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), 8*size)).FillBytes(make([]byte, size))
}
