package duck

import (
	"math/big"
	"strings"
	"time"
	"unsafe"

	duckdb "github.com/duckdb/duckdb-go-bindings"

	"github.com/skepdata/skep/hivetype"
)

// vector reads one column of a chunk where it lies, in DuckDB's memory. What it returns is copied.
type vector struct {
	handle   duckdb.Vector
	data     unsafe.Pointer
	validity unsafe.Pointer // one bit a row; nil where all are valid
}

func newVector(v duckdb.Vector) vector {
	return vector{handle: v, data: duckdb.VectorGetData(v), validity: duckdb.VectorGetValidity(v)}
}

func (v vector) valid(row int) bool {
	if v.validity == nil {
		return true
	}
	word := *(*uint64)(unsafe.Add(v.validity, row/64*8))
	return word>>(row%64)&1 == 1
}

func cell[T any](v vector, row int) T {
	var zero T
	return *(*T)(unsafe.Add(v.data, row*int(unsafe.Sizeof(zero))))
}

// stringCell is how DuckDB holds a text: up to twelve bytes in place.
type stringCell struct {
	length  uint32
	prefix  [4]byte
	pointer unsafe.Pointer
}

// text is valid only as long as the chunk.
func (v vector) text(row int) string {
	c := (*stringCell)(unsafe.Add(v.data, row*int(unsafe.Sizeof(stringCell{}))))
	if c.length <= 12 {
		return unsafe.String(&c.prefix[0], int(c.length))
	}
	return unsafe.String((*byte)(c.pointer), int(c.length))
}

// reader reads values of one Hive type from a vector.
type reader func(v vector, row int) hivetype.Value

// newReader makes a reader of values of type t, which lie in vectors of type r.sqlType(t).
func (r resolution) newReader(t hivetype.Type) reader {
	read := r.readerOf(t)
	return func(v vector, row int) hivetype.Value {
		if !v.valid(row) {
			return nil
		}
		return read(v, row)
	}
}

func (r resolution) readerOf(t hivetype.Type) reader {
	switch t.Kind {
	case hivetype.Boolean:
		return func(v vector, row int) hivetype.Value { return cell[bool](v, row) }
	case hivetype.TinyInt:
		return func(v vector, row int) hivetype.Value { return int64(cell[int8](v, row)) }
	case hivetype.SmallInt:
		return func(v vector, row int) hivetype.Value { return int64(cell[int16](v, row)) }
	case hivetype.Int:
		return func(v vector, row int) hivetype.Value { return int64(cell[int32](v, row)) }
	case hivetype.BigInt:
		return func(v vector, row int) hivetype.Value { return cell[int64](v, row) }
	case hivetype.Float:
		return func(v vector, row int) hivetype.Value { return cell[float32](v, row) }
	case hivetype.Double:
		return func(v vector, row int) hivetype.Value { return cell[float64](v, row) }
	case hivetype.Decimal:
		return decimalReader(t)
	case hivetype.String, hivetype.Varchar, hivetype.Char:
		return func(v vector, row int) hivetype.Value { return strings.Clone(v.text(row)) }
	case hivetype.Binary:
		return func(v vector, row int) hivetype.Value { return []byte(v.text(row)) }
	case hivetype.Date:
		return func(v vector, row int) hivetype.Value {
			return time.Unix(int64(cell[int32](v, row))*86400, 0).UTC()
		}
	case hivetype.Timestamp, hivetype.TimestampLocalTZ:
		if r == nanos {
			return readStamp
		}
		return func(v vector, row int) hivetype.Value { return time.UnixMicro(cell[int64](v, row)).UTC() }
	case hivetype.IntervalYearMonth:
		return func(v vector, row int) hivetype.Value { return int64(cell[interval](v, row).months) }
	case hivetype.IntervalDayTime:
		if r == nanos {
			return readFineInterval
		}
		return readInterval
	case hivetype.Array:
		return r.listReader(t)
	case hivetype.Map:
		return r.mapReader(t)
	case hivetype.Struct:
		return r.structReader(t)
	case hivetype.Union:
		return r.unionReader(t)
	}
	return func(vector, int) hivetype.Value { return nil }
}

// readStamp reads a timestamp of nanoseconds: those of a microsecond, and the microseconds since 1970.
func readStamp(v vector, row int) hivetype.Value {
	stamp := cell[[2]uint64](v, row)
	return time.UnixMicro(int64(stamp[1])).Add(time.Duration(stamp[0])).UTC()
}

type interval struct {
	months, days int32
	micros       int64
}

// readFineInterval reads an interval that is a number of nanoseconds.
func readFineInterval(v vector, row int) hivetype.Value {
	n := cell[[2]uint64](v, row)
	seconds, rest := new(big.Int).DivMod(hugeInt(n[0], int64(n[1])), big.NewInt(1e9), new(big.Int))
	return hivetype.IntervalOf(seconds.Int64(), rest.Int64())
}

func readInterval(v vector, row int) hivetype.Value {
	i := cell[interval](v, row)
	days := int64(i.days) + 30*int64(i.months)
	return hivetype.IntervalOf(days*86400+i.micros/1e6, i.micros%1e6*1000)
}

// decimalReader knows that DuckDB takes the smallest integer that has room for the digits.
func decimalReader(t hivetype.Type) reader {
	dec := func(n int64) hivetype.Value { return hivetype.Dec{Unscaled: big.NewInt(n), Scale: t.Scale} }
	switch {
	case t.Precision <= 4:
		return func(v vector, row int) hivetype.Value { return dec(int64(cell[int16](v, row))) }
	case t.Precision <= 9:
		return func(v vector, row int) hivetype.Value { return dec(int64(cell[int32](v, row))) }
	case t.Precision <= 18:
		return func(v vector, row int) hivetype.Value { return dec(cell[int64](v, row)) }
	}
	return func(v vector, row int) hivetype.Value {
		h := cell[[2]uint64](v, row)
		return hivetype.Dec{Unscaled: hugeInt(h[0], int64(h[1])), Scale: t.Scale}
	}
}

func hugeInt(low uint64, high int64) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(high), 64)
	return n.Add(n, new(big.Int).SetUint64(low))
}

type listEntry struct{ offset, length uint64 }

func (r resolution) listReader(t hivetype.Type) reader {
	read := r.newReader(*t.Elem)
	return func(v vector, row int) hivetype.Value {
		e := cell[listEntry](v, row)
		child := newVector(duckdb.ListVectorGetChild(v.handle))
		list := make([]any, e.length)
		for i := range list {
			list[i] = read(child, int(e.offset)+i)
		}
		return list
	}
}

func (r resolution) mapReader(t hivetype.Type) reader {
	key, value := r.newReader(*t.Key), r.newReader(*t.Elem)
	return func(v vector, row int) hivetype.Value {
		e := cell[listEntry](v, row)
		child := duckdb.ListVectorGetChild(v.handle)
		keys := newVector(duckdb.StructVectorGetChild(child, 0))
		values := newVector(duckdb.StructVectorGetChild(child, 1))
		entries := make([]hivetype.Entry, e.length)
		for i := range entries {
			at := int(e.offset) + i
			entries[i] = hivetype.Entry{Key: key(keys, at), Value: value(values, at)}
		}
		return entries
	}
}

// unionReader reads the struct that stands for a union: the tag, and a field for each variant.
func (r resolution) unionReader(t hivetype.Type) reader {
	read := r.structReader(t.Variants())
	return func(v vector, row int) hivetype.Value {
		parts := read(v, row).([]any)
		tag, ok := parts[0].(int64)
		if !ok {
			return nil
		}
		return hivetype.Variant{Tag: int(tag), Value: parts[1+tag]}
	}
}

func (r resolution) structReader(t hivetype.Type) reader {
	fields := make([]reader, len(t.Fields))
	for i, f := range t.Fields {
		fields[i] = r.newReader(f.Type)
	}
	return func(v vector, row int) hivetype.Value {
		values := make([]any, len(fields))
		for i, read := range fields {
			values[i] = read(newVector(duckdb.StructVectorGetChild(v.handle, duckdb.IdxT(i))), row)
		}
		return values
	}
}
