package hs2

import (
	"strconv"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// Bounds of one answer to FetchResults.
const (
	maxPageRows  = 10_000
	maxPageBytes = 16 << 20
)

// typeID is the number of a kind of type on the wire, for a client of that version.
func typeID(k hivetype.Kind, protocol int32) int32 {
	switch k {
	case hivetype.Boolean:
		return 0
	case hivetype.TinyInt:
		return 1
	case hivetype.SmallInt:
		return 2
	case hivetype.Int:
		return 3
	case hivetype.BigInt:
		return 4
	case hivetype.Float:
		return 5
	case hivetype.Double:
		return 6
	case hivetype.Timestamp:
		return 8
	case hivetype.Binary:
		return 9
	case hivetype.Array:
		return 10
	case hivetype.Map:
		return 11
	case hivetype.Struct:
		return 12
	case hivetype.Union:
		return 13
	case hivetype.Decimal:
		return 15
	case hivetype.Void:
		return 16
	case hivetype.Date:
		return 17
	case hivetype.Varchar:
		return 18
	case hivetype.Char:
		return 19
	case hivetype.IntervalYearMonth:
		return 20
	case hivetype.IntervalDayTime:
		return 21
	case hivetype.TimestampLocalTZ:
		if protocol >= protocolV11 {
			return 22
		}
	case hivetype.String:
	}
	return 7 // string, also of what the client's version does not know
}

// schemaOf describes the columns of a result.
func schemaOf(columns []analysis.Output, protocol int32) *tableSchema {
	s := &tableSchema{Columns: []columnDesc{}}
	for i, c := range columns {
		p := &primitiveEntry{Type: typeID(c.Type.Kind, protocol)}
		switch c.Type.Kind {
		case hivetype.Decimal:
			p.Qualifiers = &qualifiers{map[string]qualifier{
				"precision": number(c.Type.Precision), "scale": number(c.Type.Scale),
			}}
		case hivetype.Char, hivetype.Varchar:
			p.Qualifiers = &qualifiers{map[string]qualifier{"characterMaximumLength": number(c.Type.Length)}}
		default:
		}
		s.Columns = append(s.Columns, columnDesc{
			Name: c.Name, Type: typeDesc{[]typeEntry{{p}}}, Position: int32(i + 1), Comment: new(string),
		})
	}
	return s
}

func number(n int) qualifier {
	v := int32(n)
	return qualifier{&v}
}

// page collects rows for one answer.
type page struct {
	columns []analysis.Output
	wire    []columnWriter
	rows    int
	bytes   int
}

func newPage(columns []analysis.Output) *page {
	p := &page{columns: columns}
	for _, c := range columns {
		p.wire = append(p.wire, writerOf(c.Type))
	}
	return p
}

// full reports whether the page should be sent.
func (p *page) full(maxRows int64) bool {
	return int64(p.rows) >= maxRows || p.rows >= maxPageRows || p.bytes >= maxPageBytes
}

func (p *page) add(row []hivetype.Value) {
	for i, v := range row {
		p.bytes += p.wire[i].add(v, p.rows)
	}
	p.rows++
}

// set is the page as the wire has it.
func (p *page) set(start int64, protocol int32) *rowSet {
	s := &rowSet{Start: start, Rows: []rowOld{}}
	if protocol >= protocolV6 {
		s.Columns = make([]column, len(p.wire))
		for i, w := range p.wire {
			s.Columns[i] = w.column(p.rows)
		}
		return s
	}
	for at := range p.rows {
		row := rowOld{make([]oldValue, len(p.wire))}
		for i, w := range p.wire {
			row.Values[i] = w.old(at)
		}
		s.Rows = append(s.Rows, row)
	}
	return s
}

// columnWriter collects the values of one column.
type columnWriter interface {
	add(v hivetype.Value, at int) (bytes int)
	column(rows int) column
	old(at int) oldValue
}

// writer is the columnWriter for values that are a T on the wire.
type writer[T any] struct {
	values[T]
	of  func(hivetype.Value) (T, int) // a value that is not NULL, and its size
	set func(*column, *values[T])
	row func(*oldValue, *old[T])
}

func (w *writer[T]) add(v hivetype.Value, at int) int {
	if at%8 == 0 {
		w.Nulls = append(w.Nulls, 0)
	}
	if v == nil {
		w.Nulls[at/8] |= 1 << (at % 8)
		var zero T
		w.Values = append(w.Values, zero)
		return 1
	}
	t, n := w.of(v)
	w.Values = append(w.Values, t)
	return n
}

func (w *writer[T]) column(int) column {
	if w.Values == nil {
		w.Values, w.Nulls = []T{}, []byte{}
	}
	var c column
	w.set(&c, &w.values)
	return c
}

func (w *writer[T]) old(at int) oldValue {
	var v oldValue
	o := &old[T]{}
	if w.Nulls[at/8]&(1<<(at%8)) == 0 {
		o.Value = &w.Values[at]
	}
	w.row(&v, o)
	return v
}

// writerOf chooses how values of a type are sent; whatever is no number, truth or bytes, as text.
func writerOf(t hivetype.Type) columnWriter {
	switch t.Kind {
	case hivetype.Boolean:
		return &writer[bool]{
			of:  func(v hivetype.Value) (bool, int) { return v.(bool), 1 },
			set: func(c *column, v *values[bool]) { c.Bool = v }, row: func(o *oldValue, v *old[bool]) { o.Bool = v },
		}
	case hivetype.TinyInt:
		return &writer[int8]{
			of:  func(v hivetype.Value) (int8, int) { return int8(v.(int64)), 1 },
			set: func(c *column, v *values[int8]) { c.Byte = v }, row: func(o *oldValue, v *old[int8]) { o.Byte = v },
		}
	case hivetype.SmallInt:
		return &writer[int16]{
			of:  func(v hivetype.Value) (int16, int) { return int16(v.(int64)), 2 },
			set: func(c *column, v *values[int16]) { c.Short = v }, row: func(o *oldValue, v *old[int16]) { o.Short = v },
		}
	case hivetype.Int:
		return &writer[int32]{
			of:  func(v hivetype.Value) (int32, int) { return int32(v.(int64)), 4 },
			set: func(c *column, v *values[int32]) { c.Int = v }, row: func(o *oldValue, v *old[int32]) { o.Int = v },
		}
	case hivetype.BigInt:
		return &writer[int64]{
			of:  func(v hivetype.Value) (int64, int) { return v.(int64), 8 },
			set: func(c *column, v *values[int64]) { c.Long = v }, row: func(o *oldValue, v *old[int64]) { o.Long = v },
		}
	case hivetype.Float, hivetype.Double:
		return &writer[float64]{
			of:  double,
			set: func(c *column, v *values[float64]) { c.Double = v }, row: func(o *oldValue, v *old[float64]) { o.Double = v },
		}
	case hivetype.Binary:
		return &binaryWriter{writer[[]byte]{
			of:  func(v hivetype.Value) ([]byte, int) { b := v.([]byte); return b, len(b) + 4 },
			set: func(c *column, v *values[[]byte]) { c.Binary = v },
		}}
	default:
		return &writer[string]{
			of: func(v hivetype.Value) (string, int) {
				s := string(hivetype.AppendText(nil, v, t))
				return s, len(s) + 4
			},
			set: func(c *column, v *values[string]) { c.Text = v }, row: func(o *oldValue, v *old[string]) { o.Text = v },
		}
	}
}

// double is a float as the number that its text means, as Hive sends it: 0.1, not
// 0.10000000149011612.
func double(v hivetype.Value) (float64, int) {
	f, ok := v.(float32)
	if !ok {
		return v.(float64), 8
	}
	d, err := strconv.ParseFloat(string(hivetype.AppendText(nil, f, hivetype.Of(hivetype.Float))), 64)
	if err != nil {
		return float64(f), 8
	}
	return d, 8
}

// binaryWriter sends bytes, which before V6 are text.
type binaryWriter struct{ writer[[]byte] }

func (w *binaryWriter) add(v hivetype.Value, at int) int {
	n := w.writer.add(v, at)
	if v == nil {
		w.Values[at] = []byte{}
	}
	return n
}

func (w *binaryWriter) old(at int) oldValue {
	o := &old[string]{}
	if w.Nulls[at/8]&(1<<(at%8)) == 0 {
		s := string(w.Values[at])
		o.Value = &s
	}
	return oldValue{Text: o}
}
