package formats

import (
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql/formats/orc"
	"github.com/skepdata/skep/hivetype"
)

// orcWriter writes rows to an ORC file.
type orcWriter struct {
	fields []Field
	file   *orc.Writer
	raw    int64
}

func newORCWriter(spec *Spec, fields []Field, w io.Writer) (Writer, error) {
	root := &orc.Type{Kind: orc.Struct}
	for _, f := range fields {
		t, err := typeForORC(f.Type)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", f.Name, err)
		}
		root.Names, root.Below = append(root.Names, strings.ToLower(f.Name)), append(root.Below, t)
	}
	o := orc.Options{Compress: strings.ToUpper(spec.param("orc.compress"))}
	if text := spec.param("orc.stripe.size"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n <= 0 {
			return nil, fmt.Errorf("the table property orc.stripe.size=%q is not a number of bytes", text)
		}
		o.StripeBytes = min(n, 256<<20)
	}
	file, err := orc.NewWriter(w, root, o)
	if err != nil {
		return nil, err
	}
	return &orcWriter{fields: fields, file: file}, nil
}

func typeForORC(t hivetype.Type) (*orc.Type, error) {
	kinds := map[hivetype.Kind]orc.Kind{hivetype.Boolean: orc.Boolean, hivetype.TinyInt: orc.Byte, hivetype.SmallInt: orc.Short,
		hivetype.Int: orc.Int, hivetype.BigInt: orc.Long, hivetype.Float: orc.Float, hivetype.Double: orc.Double,
		hivetype.String: orc.String, hivetype.Varchar: orc.Varchar, hivetype.Char: orc.Char, hivetype.Binary: orc.Binary,
		hivetype.Timestamp: orc.Timestamp, hivetype.TimestampLocalTZ: orc.Instant, hivetype.Date: orc.Date,
		hivetype.Decimal: orc.Decimal, hivetype.Array: orc.List, hivetype.Map: orc.Map, hivetype.Struct: orc.Struct,
		hivetype.Union: orc.Union}
	k, ok := kinds[t.Kind]
	if !ok {
		return nil, fmt.Errorf("the type %s in an ORC file is %w yet", t, ErrUnsupported)
	}
	o := &orc.Type{Kind: k, Length: t.Length, Precision: t.Precision, Scale: t.Scale}
	var below []hivetype.Type
	switch k {
	case orc.List:
		below = []hivetype.Type{*t.Elem}
	case orc.Map:
		below = []hivetype.Type{*t.Key, *t.Elem}
	case orc.Struct, orc.Union:
		for _, f := range t.Fields {
			if below = append(below, f.Type); k == orc.Struct {
				o.Names = append(o.Names, f.Name)
			}
		}
	}
	for _, b := range below {
		one, err := typeForORC(b)
		if err != nil {
			return nil, err
		}
		o.Below = append(o.Below, one)
	}
	return o, nil
}

func (o *orcWriter) Write(row []hivetype.Value) error {
	if len(row) != len(o.fields) {
		return fmt.Errorf("a row of %d values for %d columns", len(row), len(o.fields))
	}
	root := o.file.Root()
	root.Begin(0)
	for i, v := range row {
		if err := o.put(root.Below[i], o.fields[i].Type, v); err != nil {
			return fmt.Errorf("column %s: %w", o.fields[i].Name, err)
		}
	}
	return o.file.EndRow()
}

// put appends a value, and counts what it has in memory in Java, which Hive calls its raw size.
func (o *orcWriter) put(c *orc.Column, t hivetype.Type, v hivetype.Value) error {
	switch v := v.(type) {
	case nil:
		c.Null()
	case bool:
		n := int64(0)
		if v {
			n = 1
		}
		c.Int(n)
		o.raw += 4
	case int64:
		c.Int(v)
		o.raw += 4
		if t.Kind == hivetype.BigInt {
			o.raw += 4
		}
	case float32:
		c.Float(float64(v))
		o.raw += 4
	case float64:
		c.Float(v)
		o.raw += 8
	case string:
		c.Bytes(v)
		o.raw += int64(len(v))
	case []byte:
		c.Bytes(string(v))
		o.raw += int64(len(v))
	case hivetype.Dec:
		return o.decimal(c, t, v)
	case time.Time:
		if t.Kind == hivetype.Date {
			c.Int(floorDay(v.Unix()))
		} else {
			c.Stamp(v.Unix(), int64(v.Nanosecond()))
		}
		o.raw += 40
	default:
		return o.nested(c, t, v)
	}
	return nil
}

func (o *orcWriter) decimal(c *orc.Column, t hivetype.Type, d hivetype.Dec) error {
	n := rescaled(d, t.Scale)
	if n.BitLen() > 127 { // more than 38 digits have more
		return fmt.Errorf("the decimal has more than %d digits", hivetype.MaxPrecision)
	}
	low := new(big.Int).And(n, new(big.Int).SetUint64(1<<64-1)) // of two's complement
	c.Decimal(orc.Unscaled{High: new(big.Int).Rsh(n, 64).Int64(), Low: low.Uint64()}, t.Scale)
	o.raw += 112
	return nil
}

func (o *orcWriter) nested(c *orc.Column, t hivetype.Type, v hivetype.Value) error {
	switch v := v.(type) {
	case []hivetype.Entry:
		c.Begin(len(v))
		for _, e := range v {
			if err := o.put(c.Below[0], *t.Key, e.Key); err != nil {
				return err
			}
			if err := o.put(c.Below[1], *t.Elem, e.Value); err != nil {
				return err
			}
		}
	case []any:
		c.Begin(len(v))
		for i, x := range v {
			at, of := 0, t.Elem
			if t.Kind == hivetype.Struct {
				at, of = i, &t.Fields[i].Type
			}
			if err := o.put(c.Below[at], *of, x); err != nil {
				return err
			}
		}
	case hivetype.Variant:
		c.Variant(v.Tag)
		return o.put(c.Below[v.Tag], t.Fields[v.Tag].Type, v.Value)
	default:
		return fmt.Errorf("the type %s in an ORC file is %w yet", t, ErrUnsupported)
	}
	return nil
}

// Raw is the size of the values.
func (o *orcWriter) Raw() int64 { return o.raw }

func (o *orcWriter) Close() error { return o.file.Close() }
