package orc

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/skepdata/skep/hiveql/formats"
	"github.com/skepdata/skep/hivetype"
)

// TestBounds: what the stripes of a file say of its columns is the least and the greatest of their values. The first
// writers are believed in nothing but how many values there are.
func TestBounds(t *testing.T) {
	types := []string{"int", "bigint", "string", "varchar(7)", "decimal(9,3)", "decimal(30,2)", "date", "double", "char(4)"}
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 2))
		var columns []formats.Field
		var values []func() hivetype.Value
		for _, name := range types {
			typ, err := hivetype.Parse(name)
			if err != nil {
				t.Fatal(err)
			}
			columns = append(columns, formats.Field{Name: fmt.Sprint("c", len(columns)), Type: typ})
			values = append(values, randomValues(r, typ))
		}
		rows := make([][]hivetype.Value, 1+r.IntN(500))
		for i := range rows {
			for k := range columns {
				rows[i] = append(rows[i], values[k]())
			}
		}
		file := written(t, columns, rows, WriterOptions{Stripe: 1 << (8 + r.IntN(8)), Chunk: 1 << 8})
		f, err := Open(t.Context(), at(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		first := 0
		for i := range f.Stripes() {
			end := first + int(f.StripeRows(i))
			for k, c := range columns {
				checkBounds(t, f, i, k, c.Type, rows[first:end])
			}
			first = end
		}
		f.tail.WriterVersion = originalWriter
		if b, err := f.Bounds(t.Context(), 0, 0); err != nil || b.Min != nil || b.Max != nil || b.Nulls < 0 {
			t.Errorf("of the first writer: %v, %v", b, err)
		}
	}
}

// checkBounds compares what a stripe says of a column with its rows.
func checkBounds(t *testing.T, f *File, stripe, column int, typ hivetype.Type, rows [][]hivetype.Value) {
	t.Helper()
	b, err := f.Bounds(t.Context(), stripe, column)
	if err != nil {
		t.Fatal(err)
	}
	var least, most hivetype.Value
	nulls := int64(0)
	for _, row := range rows {
		v := row[column]
		if v == nil {
			nulls++
			continue
		}
		if least == nil || hivetype.Compare(v, least, typ) < 0 {
			least = v
		}
		if most == nil || hivetype.Compare(v, most, typ) > 0 {
			most = v
		}
	}
	if b.Nulls != nulls {
		t.Errorf("%s: %d NULLs of %d", typ, b.Nulls, nulls)
	}
	if b.Min == nil && (least == nil || typ.Kind == hivetype.Double || typ.Kind == hivetype.Char) {
		return
	}
	if least == nil || hivetype.Compare(b.Min, least, typ) != 0 || hivetype.Compare(b.Max, most, typ) != 0 {
		t.Errorf("%s: %v to %v, not %v to %v", typ, b.Min, b.Max, least, most)
	}
}
