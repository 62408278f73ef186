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
		f.Add(written(f, columns, rows, WriterOptions{Codec: codec, Stride: 1}))
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
			fuzzIndex(t, o, i)
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

// fuzzIndex reads the indexes of a stripe, whatever their size, and rows from the second group on.
func fuzzIndex(t *testing.T, f *File, stripe int) {
	s := &f.tail.Footer.Stripes[stripe]
	stride := int64(min(f.tail.Footer.Stride, 1<<40))
	footer, err := f.stripeFooter(t.Context(), s)
	if err != nil || stride == 0 || s.Rows <= stride || stride > 1<<10 {
		return
	}
	x := &Index{file: f, rows: s.Rows, stride: stride, columns: map[int]columnIndex{}}
	for c := range f.Columns() {
		if x.read(t.Context(), footer, c, nothingSure) != nil || !x.Has(c) {
			continue
		}
		_, _ = x.Bounds(0, c)
		if lacks := x.Lacks(0, c); lacks != nil {
			lacks(int64(1))
		}
	}
	r, err := f.Reader(Options{Columns: allColumns(f), First: stripe, Last: stripe + 1, From: stride, Rows: 50})
	if err != nil {
		return
	}
	defer r.Close()
	if b, err := r.Next(t.Context()); err == nil {
		b.Release()
	}
}
