package orc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/big"
	"testing"
	"time"

	"github.com/skepdata/skep/hiveql/formats"
	"github.com/skepdata/skep/hivetype"
)

// benchRows are a hundred thousand rows of a column.
func benchRows(t hivetype.Type) [][]hivetype.Value {
	rows := make([][]hivetype.Value, 100_000)
	for i := range rows {
		n := int64(i) * 7919 % 1_000_003
		var v hivetype.Value
		switch t.Kind {
		case hivetype.BigInt:
			v = n
		case hivetype.Double:
			v = float64(n) / 8
		case hivetype.Decimal:
			v = hivetype.Dec{Unscaled: big.NewInt(n), Scale: t.Scale}
		case hivetype.String:
			v = fmt.Sprint("customer ", n%1000)
		case hivetype.Varchar:
			v = fmt.Sprint("order ", n)
		case hivetype.Timestamp:
			v = time.UnixMilli(n * 1_000_003).UTC()
		}
		if i%50 == 0 {
			v = nil
		}
		rows[i] = []hivetype.Value{v}
	}
	return rows
}

func benchTypes() []hivetype.Type {
	return []hivetype.Type{hivetype.Of(hivetype.BigInt), hivetype.Of(hivetype.Double), hivetype.DecimalOf(7, 2),
		hivetype.Of(hivetype.String), hivetype.VarcharOf(20), hivetype.Of(hivetype.Timestamp)}
}

// BenchmarkRead reads a column: varchar has values that are all different, string a thousand.
func BenchmarkRead(b *testing.B) {
	for _, t := range benchTypes() {
		b.Run(t.String(), func(b *testing.B) {
			file := written(b, []formats.Field{{Name: "c", Type: t}}, benchRows(t), WriterOptions{Codec: "SNAPPY"})
			b.ReportAllocs()
			rows := 0
			for b.Loop() {
				f, err := Open(b.Context(), at(file), int64(len(file)))
				if err != nil {
					b.Fatal(err)
				}
				r, err := f.Reader(Options{Columns: []int{0}, Rows: 8192})
				if err != nil {
					b.Fatal(err)
				}
				for {
					batch, err := r.Next(b.Context())
					if errors.Is(err, io.EOF) {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
					rows += int(batch.NumRows())
					batch.Release()
				}
				r.Close()
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}

// BenchmarkWrite writes such a column.
func BenchmarkWrite(b *testing.B) {
	for _, t := range benchTypes() {
		b.Run(t.String(), func(b *testing.B) {
			rows, n := benchRows(t), 0
			b.ReportAllocs()
			for b.Loop() {
				w, err := NewWriter([]formats.Field{{Name: "c", Type: t}}, &bytes.Buffer{}, WriterOptions{Codec: "SNAPPY"})
				if err != nil {
					b.Fatal(err)
				}
				for _, row := range rows {
					if err := w.Write(row); err != nil {
						b.Fatal(err)
					}
				}
				if err := w.Close(); err != nil {
					b.Fatal(err)
				}
				n += len(rows)
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}
