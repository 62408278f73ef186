package formats_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/skepdata/skep/hiveql/formats"
	"github.com/skepdata/skep/hivetype"
)

// benchTable has sixteen columns such as flights have.
func benchTable(b *testing.B, kind string) ([]formats.Field, []byte) {
	b.Helper()
	types := []string{"date", "int", "string", "double", "string", "int", "bigint", "timestamp", "string", "decimal(10,2)",
		"smallint", "string", "double", "int", "boolean", "string"}
	var fields []formats.Field
	for i, name := range types {
		t, err := hivetype.Parse(name)
		if err != nil {
			b.Fatal(err)
		}
		fields = append(fields, formats.Field{Name: fmt.Sprintf("column%d", i), Type: t})
	}
	var out bytes.Buffer
	w, err := formats.NewWriter(formats.Spec{Kind: kinds[kind]}, fields, &out)
	if err != nil {
		b.Fatal(err)
	}
	for i := range 20_000 {
		texts := []string{"2024-03-17", fmt.Sprint(i), "N12345", fmt.Sprintf("%d.%d", i%500, i%10), "SFO", fmt.Sprint(i % 2400),
			fmt.Sprint(int64(i) * 1e9), "2024-03-17 10:11:12", "a somewhat longer text", "1234.56", "17", "LAX", "-0.25", "1", "true", "end"}
		row := make([]hivetype.Value, len(texts))
		for j, text := range texts {
			row[j], _ = hivetype.ParseValue(text, fields[j].Type)
		}
		if err := w.Write(row); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return fields, out.Bytes()
}

func BenchmarkRead(b *testing.B) {
	all := make([]int, 16)
	for i := range all {
		all[i] = i
	}
	for _, kind := range []string{"lazy", "csv", "json"} {
		fields, data := benchTable(b, kind)
		for _, projection := range [][]int{{0, 1, 3, 4}, {0, 3, 9, 13}, all} {
			b.Run(fmt.Sprintf("%s/%d to %d", kind, len(projection), projection[len(projection)-1]), func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					r, err := formats.NewReader(formats.Spec{Kind: kinds[kind]}, fields, projection, bytes.NewReader(data), 2048)
					if err != nil {
						b.Fatal(err)
					}
					for {
						rec, err := r.Next()
						if errors.Is(err, io.EOF) {
							break
						}
						if err != nil {
							b.Fatal(err)
						}
						rec.Release()
					}
					r.Close()
				}
			})
		}
	}
}
