package orcmerge

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/skepdata/skep/hiveql/orc"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/orcfile"
)

// foreign are the files in testdata of ORC's C++ library.
func foreign(tb testing.TB) [][]byte {
	tb.Helper()
	var files [][]byte
	for i := range 3 {
		b, err := os.ReadFile(fmt.Sprintf("testdata/pyorc-%d.orc", i+1))
		if err != nil {
			tb.Fatal(err)
		}
		files = append(files, b)
	}
	return files
}

func inputs(files ...[]byte) []Input {
	var list []Input
	for i, b := range files {
		list = append(list, input(fmt.Sprintf("file %d", i), b))
	}
	return list
}

func merge(tb testing.TB, files ...[]byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	if _, err := Merge(tb.Context(), &out, inputs(files...)); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// TestFilesOfOthers merges files of ORC's C++ library into one that it has read, rows, indexes and statistics
// (testdata/files.py).
func TestFilesOfOthers(t *testing.T) {
	files := foreign(t)
	got := merge(t, files...)
	const name = "testdata/merged.orc"
	if f := flag.Lookup("rewrite"); f != nil && f.Value.String() == "true" {
		if err := os.WriteFile(name, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("it is not %s (%v)", name, err)
	}
	rows := slices.Concat(rowsOf(t, files[0]), rowsOf(t, files[2]))
	if !slices.Equal(rowsOf(t, got), rows) || len(rows) != 1500 {
		t.Errorf("other rows than %d", len(rows))
	}
	again := merge(t, got, nil, files[2])
	if !slices.Equal(rowsOf(t, again), append(rows, rows[1000:]...)) {
		t.Error("merging what was merged makes other rows")
	}
}

// TestNothing: files of no bytes have no rows.
func TestNothing(t *testing.T) {
	if b := merge(t, nil, nil); len(b) != 0 {
		t.Errorf("%d bytes", len(b))
	}
	if _, err := Merge(t.Context(), io.Discard, nil); err == nil {
		t.Error("no files were merged")
	}
}

// TestRandom merges random files of one schema: the rows are those of all, and the statistics of the file those
// of one in which all of them were written.
func TestRandom(t *testing.T) {
	schema, err := hivetype.Parse("struct<a:bigint,b:string,c:array<int>,d:decimal(30,5)>")
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 2))
		codec := []string{"NONE", "ZLIB", "SNAPPY", "LZ4", "ZSTD"}[r.IntN(5)]
		var files [][]byte
		var all [][]hivetype.Value
		for range 1 + r.IntN(5) {
			var rows [][]hivetype.Value
			for range r.IntN(3) * r.IntN(2000) {
				rows = append(rows, randomRow(r, schema))
			}
			all = append(all, rows...)
			o := orc.WriterOptions{Codec: codec, Stripe: 1 << (8 + r.IntN(10)), Chunk: 1 << (8 + r.IntN(8))}
			files = append(files, written(t, schema, rows, o))
		}
		got, want := merge(t, files...), written(t, schema, all, orc.WriterOptions{Codec: codec})
		if !slices.Equal(rowsOf(t, got), rowsOf(t, want)) {
			t.Fatalf("seed %d: other rows", seed)
		}
		if !slices.Equal(statisticsOf(t, got), statisticsOf(t, want)) {
			t.Errorf("seed %d: statistics\n%q, not\n%q", seed, statisticsOf(t, got), statisticsOf(t, want))
		}
	}
}

func randomRow(r *rand.Rand, schema hivetype.Type) []hivetype.Value {
	row := make([]hivetype.Value, len(schema.Fields))
	for i, f := range schema.Fields {
		text := fmt.Sprint(r.Int32() - 1<<30)
		if f.Type.Kind == hivetype.Array {
			row[i] = []any{int64(r.IntN(10)), nil}
			continue
		}
		if r.IntN(10) > 0 {
			row[i], _ = hivetype.ParseValue(text, f.Type)
		}
	}
	return row
}

func statisticsOf(t *testing.T, file []byte) (list []string) {
	in := input("", file)
	tail, err := orcfile.Read(in.read, in.Size)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range tail.Footer.Statistics {
		list = append(list, readable(m))
	}
	return list
}

// ranged counts how the ranges of a file are opened.
type ranged struct {
	*bytes.Reader
	opened []string
}

func (r *ranged) OpenRange(_ context.Context, offset, length int64) (io.ReadCloser, error) {
	r.opened = append(r.opened, fmt.Sprint(offset, "+", length))
	return io.NopCloser(io.NewSectionReader(r, offset, length)), nil
}

// TestRangeOpener: stripes that follow each other are opened at once.
func TestRangeOpener(t *testing.T) {
	file := foreign(t)[0]
	in := input("", file)
	tail, err := orcfile.Read(in.read, in.Size)
	if err != nil {
		t.Fatal(err)
	}
	r := &ranged{Reader: bytes.NewReader(file)}
	var out bytes.Buffer
	stats, err := Merge(t.Context(), &out, []Input{{Size: int64(len(file)), ReaderAt: r}})
	if err != nil || stats.Stripes < 2 || !slices.Equal(rowsOf(t, out.Bytes()), rowsOf(t, file)) {
		t.Fatal(stats, err)
	}
	if want := []string{fmt.Sprint(3, "+", tail.MetadataStart-3)}; !slices.Equal(r.opened, want) {
		t.Errorf("opened %v, not %v", r.opened, want)
	}
}

// TestDamaged: files that are cut, or of which a byte of the end is another, are merged or refused, and nothing else.
func TestDamaged(t *testing.T) {
	file := foreign(t)[0]
	for n := range 200 {
		cut := file[:len(file)-1-n]
		if _, err := Merge(t.Context(), io.Discard, inputs(cut)); err == nil {
			t.Errorf("%d bytes less", n+1)
		}
	}
	for at := len(file) - 400; at < len(file); at++ {
		other := bytes.Clone(file)
		other[at] ^= 0x55
		_, _ = Merge(t.Context(), io.Discard, inputs(other, file))
	}
}

// FuzzMerge merges anything.
func FuzzMerge(f *testing.F) {
	for _, b := range foreign(f) {
		f.Add(b)
	}
	schema := hivetype.StructOf(hivetype.Field{Name: "n", Type: hivetype.Of(hivetype.BigInt)})
	for _, codec := range []string{"NONE", "ZLIB", "SNAPPY", "LZ4", "ZSTD"} {
		f.Add(written(f, schema, [][]hivetype.Value{{int64(7)}, {nil}}, orc.WriterOptions{Codec: codec}))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		_, known := Look(input("", file))
		var out bytes.Buffer
		stats, err := Merge(t.Context(), &out, inputs(file, file))
		if err != nil {
			return
		}
		if known != nil {
			t.Fatalf("merged, and yet: %v", known)
		}
		again, err := Merge(t.Context(), io.Discard, inputs(out.Bytes()))
		if err != nil || again.Rows != stats.Rows || again.Stripes != stats.Stripes {
			t.Fatalf("merging what was merged: %+v, not %+v, %v", again, stats, err)
		}
	})
}

// BenchmarkMerge merges 100 files of 16 MB, all of which are one.
func BenchmarkMerge(b *testing.B) {
	schema := hivetype.StructOf(hivetype.Field{Name: "n", Type: hivetype.Of(hivetype.BigInt)})
	var rows [][]hivetype.Value
	for range 2 << 20 {
		rows = append(rows, []hivetype.Value{int64(rand.Uint64())})
	}
	file := written(b, schema, rows, orc.WriterOptions{Codec: "NONE", Stripe: 1 << 20})
	files := slices.Repeat([][]byte{file}, 100)
	b.SetBytes(int64(100 * len(file)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Merge(b.Context(), io.Discard, inputs(files...)); err != nil {
			b.Fatal(err)
		}
	}
}
