package duck

/*
#include <stdint.h>

void skep_fill_texts(void *vector, const int32_t *offsets, const char *bytes, uint64_t count, uint64_t to);
void skep_fill_text(void *vector, const char *bytes, uint64_t length, uint64_t count, uint64_t to);
*/
import "C"

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"time"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	duckdb "github.com/duckdb/duckdb-go-bindings"

	"github.com/skepdata/skep/hivetype"
)

func isEOF(err error) bool { return errors.Is(err, io.EOF) }

// filler copies n values, from the one numbered from on, into a vector, where they begin at row to.
type filler func(v duckdb.Vector, from, n, to int)

// logicalType is DuckDB's handle of the type r.sqlType(t). The caller destroys it.
func (r resolution) logicalType(t hivetype.Type) duckdb.LogicalType {
	switch t.Kind {
	case hivetype.Decimal:
		return duckdb.CreateDecimalType(uint8(t.Precision), uint8(t.Scale))
	case hivetype.Array:
		elem := r.logicalType(*t.Elem)
		defer duckdb.DestroyLogicalType(&elem)
		return duckdb.CreateListType(elem)
	case hivetype.Map:
		key, value := r.logicalType(*t.Key), r.logicalType(*t.Elem)
		defer duckdb.DestroyLogicalType(&key)
		defer duckdb.DestroyLogicalType(&value)
		return duckdb.CreateMapType(key, value)
	case hivetype.Struct:
		types, names := make([]duckdb.LogicalType, len(t.Fields)), make([]string, len(t.Fields))
		for i, f := range t.Fields {
			types[i], names[i] = r.logicalType(f.Type), f.Name
			defer duckdb.DestroyLogicalType(&types[i])
		}
		return duckdb.CreateStructType(types, names)
	case hivetype.Union:
		return r.logicalType(t.Variants())
	}
	if r == nanos && timed(t) {
		return duckdb.CreateLogicalType(duckdb.TypeHugeInt)
	}
	return duckdb.CreateLogicalType(primitiveTypes[t.Kind])
}

var primitiveTypes = map[hivetype.Kind]duckdb.Type{
	hivetype.Void: duckdb.TypeInteger, hivetype.Boolean: duckdb.TypeBoolean, hivetype.TinyInt: duckdb.TypeTinyInt,
	hivetype.SmallInt: duckdb.TypeSmallInt, hivetype.Int: duckdb.TypeInteger, hivetype.BigInt: duckdb.TypeBigInt,
	hivetype.Float: duckdb.TypeFloat, hivetype.Double: duckdb.TypeDouble, hivetype.String: duckdb.TypeVarchar,
	hivetype.Varchar: duckdb.TypeVarchar, hivetype.Char: duckdb.TypeVarchar, hivetype.Binary: duckdb.TypeBlob,
	hivetype.Date: duckdb.TypeDate, hivetype.Timestamp: duckdb.TypeTimestamp,
	hivetype.TimestampLocalTZ: duckdb.TypeTimestamp, hivetype.IntervalYearMonth: duckdb.TypeInterval,
	hivetype.IntervalDayTime: duckdb.TypeInterval,
}

// arrayFiller copies an Arrow array of the type that package formats makes for t.
func arrayFiller(a arrow.Array, t hivetype.Type) (filler, error) {
	fill, err := valuesFiller(a, t)
	if err != nil || a.NullN() == 0 {
		return fill, err
	}
	return func(v duckdb.Vector, from, n, to int) {
		fill(v, from, n, to)
		mask := writableMask(v)
		for i := range n {
			if a.IsNull(from + i) {
				mask.setNull(to + i)
			}
		}
	}, nil
}

// mask is the validity of a vector: one bit a row.
type mask struct{ words unsafe.Pointer }

func writableMask(v duckdb.Vector) mask {
	duckdb.VectorEnsureValidityWritable(v)
	return mask{duckdb.VectorGetValidity(v)}
}

func (m mask) setNull(row int) {
	word := (*uint64)(unsafe.Add(m.words, row/64*8))
	*word &^= 1 << (row % 64)
}

// valuesFiller copies values; what it puts where a is NULL does not matter.
func valuesFiller(a arrow.Array, t hivetype.Type) (filler, error) {
	switch a := a.(type) {
	case *array.Boolean:
		return func(v duckdb.Vector, from, n, to int) {
			out := rowsOf[bool](v, to, n)
			for i := range out {
				out[i] = a.Value(from + i)
			}
		}, nil
	case *array.Int8:
		return plainFiller(a.Int8Values()), nil
	case *array.Int16:
		return plainFiller(a.Int16Values()), nil
	case *array.Int32:
		return plainFiller(a.Int32Values()), nil
	case *array.Int64:
		return plainFiller(a.Int64Values()), nil
	case *array.Float32:
		return plainFiller(a.Float32Values()), nil
	case *array.Float64:
		return plainFiller(a.Float64Values()), nil
	case *array.Date32:
		return plainFiller(a.Date32Values()), nil
	case *array.Timestamp:
		return plainFiller(a.TimestampValues()), nil
	case *array.Decimal128:
		if stamped(t) {
			return plainFiller(a.Values()), nil
		}
		return decimalFiller(a, t), nil
	case *array.String:
		return textFiller(a.ValueOffsets(), a.ValueBytes()), nil
	case *array.Binary:
		return textFiller(a.ValueOffsets(), a.ValueBytes()), nil
	case *array.Map:
		return mapFiller(a, t)
	case *array.List:
		return listFiller(a, t)
	case *array.Struct:
		if t.Kind == hivetype.Union {
			t = t.Variants()
		}
		return structFiller(a, t)
	case *array.Null:
		return func(duckdb.Vector, int, int, int) {}, nil
	}
	return nil, fmt.Errorf("values of the type %s cannot be handed over", a.DataType())
}

// rowsOf is the memory of n rows of a vector.
func rowsOf[T any](v duckdb.Vector, to, n int) []T {
	var zero T
	return unsafe.Slice((*T)(unsafe.Add(duckdb.VectorGetData(v), to*int(unsafe.Sizeof(zero)))), n)
}

func plainFiller[T any](values []T) filler {
	return func(v duckdb.Vector, from, n, to int) { copy(rowsOf[T](v, to, n), values[from:from+n]) }
}

// decimalFiller narrows to the integer that DuckDB takes for the precision.
func decimalFiller(a *array.Decimal128, t hivetype.Type) filler {
	return func(v duckdb.Vector, from, n, to int) {
		for i := range n {
			d := a.Value(from + i)
			switch row := to + i; {
			case t.Precision <= 4:
				rowsOf[int16](v, row, 1)[0] = int16(d.LowBits())
			case t.Precision <= 9:
				rowsOf[int32](v, row, 1)[0] = int32(d.LowBits())
			case t.Precision <= 18:
				rowsOf[int64](v, row, 1)[0] = int64(d.LowBits())
			default:
				rowsOf[[2]uint64](v, row, 1)[0] = [2]uint64{d.LowBits(), uint64(d.HighBits())}
			}
		}
	}
}

// textFiller takes offsets that begin with the array's first value, and the bytes from there on.
func textFiller(offsets []int32, bytes []byte) filler {
	return func(v duckdb.Vector, from, n, to int) {
		if n == 0 {
			return
		}
		base := offsets[0]
		moved := offsets[from : from+n+1]
		if base != 0 {
			moved = make([]int32, n+1)
			for i := range moved {
				moved[i] = offsets[from+i] - base
			}
		}
		var text *C.char
		if len(bytes) > 0 {
			text = (*C.char)(unsafe.Pointer(&bytes[0]))
		}
		C.skep_fill_texts(v.Ptr, (*C.int32_t)(unsafe.Pointer(&moved[0])), text, C.uint64_t(n), C.uint64_t(to))
	}
}

// entries writes where the elements of n lists begin in the child vector, makes room for them,
// and reports the range of the elements in the child array.
func entries(v duckdb.Vector, offsets []int32, from, n, to int) (first, count, at int) {
	at = int(duckdb.ListVectorGetSize(v))
	first, last := int(offsets[from]), int(offsets[from+n])
	out := rowsOf[listEntry](v, to, n)
	for i := range out {
		start, stop := int(offsets[from+i]), int(offsets[from+i+1])
		out[i] = listEntry{offset: uint64(at + start - first), length: uint64(stop - start)}
	}
	count = last - first
	duckdb.ListVectorReserve(v, duckdb.IdxT(at+count))
	duckdb.ListVectorSetSize(v, duckdb.IdxT(at+count))
	return first, count, at
}

func listFiller(a *array.List, t hivetype.Type) (filler, error) {
	elem, err := arrayFiller(a.ListValues(), *t.Elem)
	if err != nil {
		return nil, err
	}
	offsets := a.Offsets()[a.Data().Offset():]
	return func(v duckdb.Vector, from, n, to int) {
		first, count, at := entries(v, offsets, from, n, to)
		elem(duckdb.ListVectorGetChild(v), first, count, at)
	}, nil
}

func mapFiller(a *array.Map, t hivetype.Type) (filler, error) {
	key, err := arrayFiller(a.Keys(), *t.Key)
	if err != nil {
		return nil, err
	}
	value, err := arrayFiller(a.Items(), *t.Elem)
	if err != nil {
		return nil, err
	}
	offsets := a.Offsets()[a.Data().Offset():]
	return func(v duckdb.Vector, from, n, to int) {
		first, count, at := entries(v, offsets, from, n, to)
		child := duckdb.ListVectorGetChild(v)
		key(duckdb.StructVectorGetChild(child, 0), first, count, at)
		value(duckdb.StructVectorGetChild(child, 1), first, count, at)
	}, nil
}

func structFiller(a *array.Struct, t hivetype.Type) (filler, error) {
	fields := make([]filler, len(t.Fields))
	for i, f := range t.Fields {
		var err error
		if fields[i], err = arrayFiller(a.Field(i), f.Type); err != nil {
			return nil, err
		}
	}
	return func(v duckdb.Vector, from, n, to int) {
		for i, fill := range fields {
			fill(duckdb.StructVectorGetChild(v, duckdb.IdxT(i)), from, n, to)
		}
		if a.NullN() > 0 {
			nullChildren(v, a, len(fields), from, n, to)
		}
	}, nil
}

// nullChildren makes the fields of NULL structs NULL, which DuckDB relies on.
func nullChildren(v duckdb.Vector, a *array.Struct, fields, from, n, to int) {
	for f := range fields {
		m := writableMask(duckdb.StructVectorGetChild(v, duckdb.IdxT(f)))
		for i := range n {
			if a.IsNull(from + i) {
				m.setNull(to + i)
			}
		}
	}
}

// constantFiller repeats one value of a primitive type.
func (r resolution) constantFiller(value hivetype.Value, t hivetype.Type) (filler, error) {
	switch x := value.(type) {
	case nil:
		return func(v duckdb.Vector, _, n, to int) {
			m := writableMask(v)
			for i := range n {
				m.setNull(to + i)
			}
		}, nil
	case string:
		return textConstant([]byte(x)), nil
	case []byte:
		return textConstant(x), nil
	}
	bytes, err := r.cellOf(value, t)
	if err != nil {
		return nil, err
	}
	return func(v duckdb.Vector, _, n, to int) {
		out := unsafe.Slice((*byte)(unsafe.Add(duckdb.VectorGetData(v), to*len(bytes))), n*len(bytes))
		for i := 0; i < len(out); i += len(bytes) {
			copy(out[i:], bytes)
		}
	}, nil
}

func textConstant(text []byte) filler {
	return func(v duckdb.Vector, _, n, to int) {
		var p *C.char
		if len(text) > 0 {
			p = (*C.char)(unsafe.Pointer(&text[0]))
		}
		C.skep_fill_text(v.Ptr, p, C.uint64_t(len(text)), C.uint64_t(n), C.uint64_t(to))
	}
}

// cellOf is a value as it lies in a vector.
func (r resolution) cellOf(value hivetype.Value, t hivetype.Type) ([]byte, error) {
	little := binary.LittleEndian
	switch x := value.(type) {
	case bool:
		if x {
			return []byte{1}, nil
		}
		return []byte{0}, nil
	case int64:
		switch t.Kind {
		case hivetype.IntervalYearMonth:
			return append(little.AppendUint32(nil, uint32(x)), make([]byte, 12)...), nil
		case hivetype.TinyInt:
			return []byte{byte(x)}, nil
		case hivetype.SmallInt:
			return little.AppendUint16(nil, uint16(x)), nil
		case hivetype.Int:
			return little.AppendUint32(nil, uint32(x)), nil
		}
		return little.AppendUint64(nil, uint64(x)), nil
	case float32:
		return little.AppendUint32(nil, math.Float32bits(x)), nil
	case float64:
		return little.AppendUint64(nil, math.Float64bits(x)), nil
	case time.Time:
		if t.Kind == hivetype.Date {
			return little.AppendUint32(nil, uint32(floorDiv(x.Unix(), 86400))), nil
		}
		if r == nanos {
			return little.AppendUint64(little.AppendUint64(nil, uint64(x.Nanosecond()%1000)), uint64(x.UnixMicro())), nil
		}
		return little.AppendUint64(nil, uint64(x.UnixMicro())), nil
	case hivetype.Interval:
		if r == nanos {
			return decimalCell(nanosOf(x), hivetype.MaxPrecision), nil
		}
		return little.AppendUint64(make([]byte, 8), uint64(x.Seconds*1e6+int64(x.Nanos/1000))), nil
	case hivetype.Dec:
		return decimalCell(x.Unscaled, t.Precision), nil
	}
	return nil, fmt.Errorf("a partition key of type %s cannot be handed over", t)
}

func decimalCell(n *big.Int, precision int) []byte {
	little := binary.LittleEndian
	two := new(big.Int).And(n, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(1)))
	low := new(big.Int).And(two, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
	high := new(big.Int).Rsh(two, 64).Uint64()
	switch {
	case precision <= 4:
		return little.AppendUint16(nil, uint16(low))
	case precision <= 9:
		return little.AppendUint32(nil, uint32(low))
	case precision <= 18:
		return little.AppendUint64(nil, low)
	}
	return little.AppendUint64(little.AppendUint64(nil, low), high)
}
