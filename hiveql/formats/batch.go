package formats

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/skepdata/skep/hivetype"
)

// batch collects rows into columns.
type batch struct {
	fields     []Field
	projection []int
	columns    []*column
	schema     *arrow.Schema
	size       int // rows of a full batch
	rows       int

	// Of a projection that has Offset, where that stands in it, from 0.
	offsetAt int
	offset   *array.Int64Builder // nil for others
}

// Offset in a projection is no field: the byte of the file, or of what it is decompressed to, at which
// the row's line begins, as a 64-bit integer.
const Offset = -2

func newBatch(spec *Spec, fields []Field, projection []int, size int) (*batch, error) {
	mem := spec.Allocator
	if mem == nil {
		mem = memory.DefaultAllocator
	}
	if size < 1 {
		return nil, fmt.Errorf("a batch of %d rows", size)
	}
	b := &batch{fields: fields, projection: projection, size: size}
	if at := slices.Index(projection, Offset); at >= 0 {
		projection = slices.Delete(slices.Clone(projection), at, at+1)
		b.projection, b.offsetAt, b.offset = projection, at, array.NewInt64Builder(mem)
	}
	of := make([]arrow.Field, len(projection))
	for i, p := range projection {
		if p < 0 || p >= len(fields) {
			return nil, fmt.Errorf("there is no column %d among %d", p, len(fields))
		}
		t, err := ArrowType(fields[p].Type, spec.Nanos)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", fields[p].Name, err)
		}
		of[i] = arrow.Field{Name: fields[p].Name, Type: t, Nullable: true}
	}
	patterns, err := parsePatterns(spec.param("timestamp.formats"))
	if err != nil {
		return nil, err
	}
	how := &clocks{short: spec.ShortBooleans && spec.Kind == LazySimple, zone: spec.Zone, patterns: patterns, cut: spec.Cut}
	if b.offset != nil {
		of := slices.Insert(slices.Clone(of), b.offsetAt, arrow.Field{Name: "offset", Type: arrow.PrimitiveTypes.Int64})
		b.schema = arrow.NewSchema(of, nil)
	} else {
		b.schema = arrow.NewSchema(of, nil)
	}
	for i, p := range projection {
		b.columns = append(b.columns, newColumn(array.NewBuilder(mem, of[i].Type), fields[p].Type, how))
	}
	return b, nil
}

// begin makes room for the rows of a full batch.
func (b *batch) begin() {
	for _, c := range b.columns {
		c.builder.Reserve(b.size)
	}
}

// take returns the rows collected so far and begins a new batch.
func (b *batch) take() arrow.RecordBatch {
	arrays := make([]arrow.Array, len(b.columns))
	for i, c := range b.columns {
		arrays[i] = c.builder.NewArray()
	}
	if b.offset != nil {
		arrays = slices.Insert(arrays, b.offsetAt, b.offset.NewArray())
	}
	rec := array.NewRecordBatch(b.schema, arrays, int64(b.rows))
	for _, a := range arrays {
		a.Release()
	}
	b.rows = 0
	return rec
}

func (b *batch) release() {
	for _, c := range b.columns {
		c.builder.Release()
	}
	if b.offset != nil {
		b.offset.Release()
		b.offset = nil
	}
	b.columns = nil
}

// ArrowType is the Arrow type that values of a Hive type are read as; nanos is what Spec.Nanos is.
func ArrowType(t hivetype.Type, nanos bool) (arrow.DataType, error) {
	if nanos && stamped(t) {
		return &arrow.Decimal128Type{Precision: hivetype.MaxPrecision}, nil
	}
	switch t.Kind {
	case hivetype.Decimal:
		return &arrow.Decimal128Type{Precision: int32(t.Precision), Scale: int32(t.Scale)}, nil
	case hivetype.Timestamp:
		return &arrow.TimestampType{Unit: arrow.Microsecond}, nil
	case hivetype.TimestampLocalTZ:
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, nil
	case hivetype.Array:
		elem, err := ArrowType(*t.Elem, nanos)
		if err != nil {
			return nil, err
		}
		return arrow.ListOf(elem), nil
	case hivetype.Map:
		key, err := ArrowType(*t.Key, nanos)
		if err != nil {
			return nil, err
		}
		elem, err := ArrowType(*t.Elem, nanos)
		if err != nil {
			return nil, err
		}
		return arrow.MapOf(key, elem), nil
	case hivetype.Union:
		return ArrowType(t.Variants(), nanos)
	case hivetype.Struct:
		fields := make([]arrow.Field, len(t.Fields))
		for i, f := range t.Fields {
			ft, err := ArrowType(f.Type, nanos)
			if err != nil {
				return nil, err
			}
			fields[i] = arrow.Field{Name: f.Name, Type: ft, Nullable: true}
		}
		return arrow.StructOf(fields...), nil
	}
	if p := primitiveType(t.Kind); p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("the type %s in a text file is %w yet", t, ErrUnsupported)
}

// stamped reports whether values of a type are timestamps.
func stamped(t hivetype.Type) bool {
	return t.Kind == hivetype.Timestamp || t.Kind == hivetype.TimestampLocalTZ
}

func primitiveType(k hivetype.Kind) arrow.DataType {
	switch k {
	case hivetype.Boolean:
		return arrow.FixedWidthTypes.Boolean
	case hivetype.TinyInt:
		return arrow.PrimitiveTypes.Int8
	case hivetype.SmallInt:
		return arrow.PrimitiveTypes.Int16
	case hivetype.Int:
		return arrow.PrimitiveTypes.Int32
	case hivetype.BigInt:
		return arrow.PrimitiveTypes.Int64
	case hivetype.Float:
		return arrow.PrimitiveTypes.Float32
	case hivetype.Double:
		return arrow.PrimitiveTypes.Float64
	case hivetype.String, hivetype.Varchar, hivetype.Char:
		return arrow.BinaryTypes.String
	case hivetype.Binary:
		return arrow.BinaryTypes.Binary
	case hivetype.Date:
		return arrow.FixedWidthTypes.Date32
	}
	return nil
}

// supported is an error for types that cannot be in a text file.
func supported(t hivetype.Type) error {
	_, err := ArrowType(t, false)
	return err
}
