package orc

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/skepdata/skep/hiveql/formats"
	"github.com/skepdata/skep/hivetype"
)

// FuzzRead reads files that may be anything: rows or an error, and neither a panic nor more memory than a file can be
// worth.
func FuzzRead(f *testing.F) {
	names, err := filepath.Glob("testdata/*.orc")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		file, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	columns := []formats.Field{{Name: "n", Type: hivetype.Of(hivetype.BigInt)}, {Name: "a", Type: hivetype.ArrayOf(hivetype.Of(hivetype.String))}}
	rows := [][]hivetype.Value{{int64(7), []any{"x", nil}}, {nil, nil}, {int64(-1), []any{}}}
	for _, codec := range []string{"NONE", "ZLIB", "SNAPPY", "LZ4", "ZSTD"} {
		f.Add(written(f, columns, rows, WriterOptions{Codec: codec}))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		o, err := Open(t.Context(), at(file), int64(len(file)))
		if err != nil {
			return
		}
		for i := range o.Stripes() {
			for c := range o.Columns() {
				_, _ = o.Bounds(t.Context(), i, c)
			}
		}
		r, err := o.Reader(Options{Columns: allColumns(o), Rows: 50})
		if err != nil {
			return
		}
		defer r.Close()
		for range 2 {
			b, err := r.Next(t.Context())
			if err != nil {
				if errors.Is(err, io.EOF) && b != nil {
					t.Fatal("rows behind the end")
				}
				return
			}
			for c := range int(b.NumCols()) {
				for i := range int(b.NumRows()) {
					_ = text(valueAt(b.Column(c), i, o.Type(c)), o.Type(c))
				}
			}
			b.Release()
		}
	})
}
