package orc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/skepdata/skep/hiveql/formats"
	"github.com/skepdata/skep/hivetype"
)

// TestRoundTrip writes random rows of random types and reads them again.
func TestRoundTrip(t *testing.T) {
	codecs := []string{"NONE", "ZLIB", "SNAPPY", "LZ4", "ZSTD"}
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		columns := make([]formats.Field, 1+r.IntN(5))
		for i := range columns {
			columns[i] = formats.Field{Name: fmt.Sprintf("c%d", i), Type: randomType(r, 3)}
		}
		o := WriterOptions{Codec: codecs[r.IntN(len(codecs))], Stripe: 1 << (8 + r.IntN(10)), Chunk: 1 << (6 + r.IntN(8))}
		rows := make([][]hivetype.Value, r.IntN(2000))
		values := make([]func() hivetype.Value, len(columns))
		for i, c := range columns {
			values[i] = randomValues(r, c.Type)
		}
		for i := range rows {
			rows[i] = make([]hivetype.Value, len(columns))
			for k := range columns {
				rows[i][k] = values[k]()
			}
		}
		name := fmt.Sprintf("seed %d, %+v, %v", seed, o, columns)
		file := written(t, columns, rows, o)
		f, err := Open(t.Context(), at(file), int64(len(file)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if f.Rows() != int64(len(rows)) || f.Columns() != len(columns) {
			t.Fatalf("%s: %d rows of %d columns", name, f.Rows(), f.Columns())
		}
		order := r.Perm(len(columns))
		got := readAll(t, f, Options{Columns: order, Rows: 1 + r.IntN(300), Nanos: true})
		if len(got) != len(rows) {
			t.Fatalf("%s: %d rows of %d", name, len(got), len(rows))
		}
		for i, row := range rows {
			for k, c := range order {
				if want := text(row[c], columns[c].Type); got[i][k] != want {
					t.Fatalf("%s: row %d, column %d:\ngot  %s\nwant %s", name, i, c, got[i][k], want)
				}
			}
		}
	}
}

func written(t testing.TB, columns []formats.Field, rows [][]hivetype.Value, o WriterOptions) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := NewWriter(columns, &buf, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := w.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// at reads a file that is in memory.
func at(file []byte) ReadAt {
	return func(_ context.Context, p []byte, off int64) error {
		if off < 0 || off > int64(len(file))-int64(len(p)) {
			return io.ErrUnexpectedEOF
		}
		copy(p, file[off:])
		return nil
	}
}

// readAll returns the values as text, row by row.
func readAll(t testing.TB, f *File, o Options) [][]string {
	t.Helper()
	r, err := f.Reader(o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var rows [][]string
	for {
		b, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range int(b.NumRows()) {
			row := make([]string, len(o.Columns))
			for k, c := range o.Columns {
				row[k] = text(valueAt(b.Column(k), i, f.Type(c)), f.Type(c))
			}
			rows = append(rows, row)
		}
		b.Release()
	}
}

func text(v hivetype.Value, t hivetype.Type) string {
	if v == nil {
		return "NULL"
	}
	return string(hivetype.AppendText(nil, v, t))
}

// valueAt is a value of an array that package orc, or formats, has made.
func valueAt(a arrow.Array, i int, t hivetype.Type) hivetype.Value {
	if a.IsNull(i) {
		return nil
	}
	switch a := a.(type) {
	case *array.Boolean:
		return a.Value(i)
	case *array.Int8:
		return int64(a.Value(i))
	case *array.Int16:
		return int64(a.Value(i))
	case *array.Int32:
		return int64(a.Value(i))
	case *array.Int64:
		return a.Value(i)
	case *array.Float32:
		return a.Value(i)
	case *array.Float64:
		return a.Value(i)
	case *array.String:
		return a.Value(i)
	case *array.Binary:
		return a.Value(i)
	case *array.Date32:
		return time.Unix(int64(a.Value(i))*daySeconds, 0).UTC()
	case *array.Timestamp:
		return time.UnixMicro(int64(a.Value(i))).UTC()
	case *array.Decimal128:
		return decimalAt(a.Value(i), t)
	case *array.Map:
		list := []hivetype.Entry{}
		from, to := a.ValueOffsets(i)
		for k := int(from); k < int(to); k++ {
			list = append(list, hivetype.Entry{Key: valueAt(a.Keys(), k, *t.Key), Value: valueAt(a.Items(), k, *t.Elem)})
		}
		return list
	case *array.List:
		list := []any{}
		from, to := a.ValueOffsets(i)
		for k := int(from); k < int(to); k++ {
			list = append(list, valueAt(a.ListValues(), k, *t.Elem))
		}
		return list
	case *array.Struct:
		if t.Kind == hivetype.Union {
			tag := int(a.Field(0).(*array.Int8).Value(i))
			return hivetype.Variant{Tag: tag, Value: valueAt(a.Field(1+tag), i, t.Fields[tag].Type)}
		}
		list := []any{}
		for k, f := range t.Fields {
			list = append(list, valueAt(a.Field(k), i, f.Type))
		}
		return list
	}
	panic(fmt.Sprintf("an array of %T", a))
}

func decimalAt(v decimal128.Num, t hivetype.Type) hivetype.Value {
	if t.Kind == hivetype.Decimal {
		return hivetype.Dec{Unscaled: v.BigInt(), Scale: t.Scale}
	}
	return time.UnixMicro(v.HighBits()).Add(time.Duration(v.LowBits())).UTC()
}

func randomType(r *rand.Rand, depth int) hivetype.Type {
	kinds := []hivetype.Kind{hivetype.Boolean, hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt, hivetype.Float,
		hivetype.Double, hivetype.String, hivetype.Binary, hivetype.Date, hivetype.Timestamp, hivetype.TimestampLocalTZ}
	n := len(kinds) + 3
	if depth > 0 {
		n += 4
	}
	switch k := r.IntN(n) - len(kinds); k {
	case 0:
		p := 1 + r.IntN(hivetype.MaxPrecision)
		return hivetype.DecimalOf(p, r.IntN(p+1))
	case 1:
		return hivetype.VarcharOf(1 + r.IntN(20))
	case 2:
		return hivetype.CharOf(1 + r.IntN(20))
	case 3:
		return hivetype.ArrayOf(randomType(r, depth-1))
	case 4:
		return hivetype.MapOf(hivetype.Of(hivetype.String), randomType(r, depth-1))
	case 5, 6:
		t := hivetype.StructOf()
		if k == 6 {
			t.Kind = hivetype.Union
		}
		for i := range 1 + r.IntN(3) {
			name := fmt.Sprint(i)
			if k == 5 {
				name = "f" + name
			}
			t.Fields = append(t.Fields, hivetype.Field{Name: name, Type: randomType(r, depth-1)})
		}
		return t
	default:
		return hivetype.Of(kinds[r.IntN(len(kinds))])
	}
}

// randomValues makes values of a type, with runs, few and many different ones, and NULLs.
func randomValues(r *rand.Rand, t hivetype.Type) func() hivetype.Value {
	nulls, repeats := r.IntN(3)*r.IntN(30), r.IntN(2)*r.IntN(20)
	next := freshValues(r, t)
	var last hivetype.Value
	return func() hivetype.Value {
		if r.IntN(100) < nulls {
			return nil
		}
		if last == nil || r.IntN(20) >= repeats {
			last = next()
		}
		return last
	}
}

func freshValues(r *rand.Rand, t hivetype.Type) func() hivetype.Value {
	switch t.Kind {
	case hivetype.Boolean:
		return func() hivetype.Value { return r.IntN(3) == 0 }
	case hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt:
		bits := map[hivetype.Kind]int{hivetype.TinyInt: 8, hivetype.SmallInt: 16, hivetype.Int: 32, hivetype.BigInt: 64}[t.Kind]
		return freshIntegers(r, bits)
	case hivetype.Float:
		return func() hivetype.Value { return math.Float32frombits(r.Uint32() &^ (1 << 23)) }
	case hivetype.Double:
		return func() hivetype.Value { return math.Float64frombits(r.Uint64() &^ (1 << 52)) }
	case hivetype.String, hivetype.Varchar, hivetype.Char:
		most := t.Length
		if t.Kind == hivetype.String {
			most = 40
		}
		alphabet := []rune("abcdeäö€")[:1+r.IntN(8)]
		return func() hivetype.Value {
			var b strings.Builder
			n := r.IntN(most + 1)
			for range n {
				b.WriteRune(alphabet[r.IntN(len(alphabet))])
			}
			if t.Kind == hivetype.Char {
				b.WriteString(strings.Repeat(" ", t.Length-n))
			}
			return b.String()
		}
	case hivetype.Binary:
		return func() hivetype.Value {
			b := make([]byte, r.IntN(30))
			for i := range b {
				b[i] = byte(r.Uint32())
			}
			return b
		}
	case hivetype.Date:
		return func() hivetype.Value { return time.Unix((r.Int64N(200000)-100000)*daySeconds, 0).UTC() }
	case hivetype.Timestamp, hivetype.TimestampLocalTZ:
		digits := int64(math.Pow10(r.IntN(10)))
		return func() hivetype.Value {
			s := r.Int64N(20e9) - 10e9
			if t.Kind == hivetype.Timestamp && r.IntN(100) == 0 { // see clock
				s = -1
			}
			return time.Unix(s, r.Int64N(1e9)/digits*digits).UTC()
		}
	case hivetype.Decimal:
		return func() hivetype.Value {
			var digits strings.Builder
			for range 1 + r.IntN(t.Precision) {
				digits.WriteByte('0' + byte(r.IntN(10)))
			}
			u, _ := new(big.Int).SetString(digits.String(), 10)
			if r.IntN(2) == 0 {
				u.Neg(u)
			}
			return hivetype.Dec{Unscaled: u, Scale: t.Scale}
		}
	}
	return freshNested(r, t)
}

func freshIntegers(r *rand.Rand, bits int) func() hivetype.Value {
	shape, width, at, step := r.IntN(4), r.IntN(bits), int64(0), r.Int64N(100)-50
	fit := func(v int64) hivetype.Value { return v << (64 - bits) >> (64 - bits) }
	return func() hivetype.Value {
		switch shape {
		case 0: // of some width
			return fit(int64(r.Uint64()>>(63-width)) - int64(r.IntN(2)))
		case 1: // steady
			at += step
		case 2: // growing or falling
			at += step * r.Int64N(50)
		default: // few
			return int64(r.IntN(3))
		}
		return fit(at)
	}
}

func freshNested(r *rand.Rand, t hivetype.Type) func() hivetype.Value {
	switch t.Kind {
	case hivetype.Array:
		elem := randomValues(r, *t.Elem)
		return func() hivetype.Value {
			list := make([]any, r.IntN(5))
			for i := range list {
				list[i] = elem()
			}
			return list
		}
	case hivetype.Map:
		value := randomValues(r, *t.Elem)
		return func() hivetype.Value {
			list := make([]hivetype.Entry, r.IntN(4))
			for i := range list {
				list[i] = hivetype.Entry{Key: fmt.Sprint("k", i), Value: value()}
			}
			return list
		}
	case hivetype.Struct:
		var parts []func() hivetype.Value
		for _, f := range t.Fields {
			parts = append(parts, randomValues(r, f.Type))
		}
		return func() hivetype.Value {
			list := make([]any, len(parts))
			for i, p := range parts {
				list[i] = p()
			}
			return list
		}
	}
	var parts []func() hivetype.Value
	for _, f := range t.Fields {
		parts = append(parts, randomValues(r, f.Type))
	}
	return func() hivetype.Value {
		tag := r.IntN(len(parts))
		return hivetype.Variant{Tag: tag, Value: parts[tag]()}
	}
}
