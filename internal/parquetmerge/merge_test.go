package parquetmerge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

func testSchema() *arrow.Schema {
	return arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "name", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
		{Name: "at", Type: arrow.FixedWidthTypes.Timestamp_us, Nullable: true},
		{Name: "place", Nullable: true, Type: arrow.StructOf(
			arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
			arrow.Field{Name: "ok", Type: arrow.FixedWidthTypes.Boolean, Nullable: true})},
	}, nil)
}

// table is rows from..to of a made-up table.
func table(schema *arrow.Schema, from, to int) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i := from; i < to; i++ {
		for c := range schema.NumFields() {
			appendCell(b.Field(c), i)
		}
	}
	return b.NewRecordBatch()
}

func appendCell(b array.Builder, i int) {
	if _, isID := b.(*array.Int64Builder); !isID && i%7 == 3 {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.Int64Builder:
		b.Append(int64(i))
	case *array.Int32Builder:
		b.Append(int32(i))
	case *array.StringBuilder:
		b.Append(fmt.Sprintf("name %d", i%50))
	case *array.BinaryBuilder:
		b.Append([]byte{byte(i)})
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(i) * 1e6)
	case *array.Float64Builder:
		b.Append(float64(i) / 3)
	case *array.BooleanBuilder:
		b.Append(i%2 == 0)
	case *array.ListBuilder:
		b.Append(true)
		for n := range i % 4 {
			appendCell(b.ValueBuilder(), i+n)
		}
	case *array.StructBuilder:
		b.Append(true)
		for n := range b.NumField() {
			appendCell(b.FieldBuilder(n), i)
		}
	}
}

func write(tb testing.TB, schema *arrow.Schema, from, to, group int, opts ...parquet.WriterProperty) []byte {
	tb.Helper()
	rec := table(schema, from, to)
	defer rec.Release()
	var out bytes.Buffer
	t := array.NewTableFromRecords(schema, []arrow.RecordBatch{rec})
	defer t.Release()
	err := pqarrow.WriteTable(t, &out, int64(group), parquet.NewWriterProperties(opts...),
		pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	if err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func input(name string, b []byte) Input {
	return Input{Name: name, Size: int64(len(b)), ReaderAt: bytes.NewReader(b)}
}

func inputs(files ...[]byte) []Input {
	var in []Input
	for i, b := range files {
		in = append(in, input(fmt.Sprintf("file %d", i), b))
	}
	return in
}

func merge(tb testing.TB, files ...[]byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	stats, err := Merge(tb.Context(), &out, inputs(files...))
	if err != nil {
		tb.Fatal(err)
	}
	if stats.Bytes != int64(out.Len()) || stats.Files != len(files) {
		tb.Errorf("%+v for %d bytes", stats, out.Len())
	}
	return out.Bytes()
}

func open(tb testing.TB, b []byte) *file.Reader {
	tb.Helper()
	r, err := file.NewParquetReader(bytes.NewReader(b))
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// rows reads a file and prints every row.
func rows(tb testing.TB, b []byte) []string {
	tb.Helper()
	t, err := pqarrow.ReadTable(context.Background(), bytes.NewReader(b), nil, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		tb.Fatal(err)
	}
	defer t.Release()
	var lines []string
	for r := array.NewTableReader(t, 1000); r.Next(); {
		rec := r.RecordBatch()
		for i := range int(rec.NumRows()) {
			var line strings.Builder
			for c := range int(rec.NumCols()) {
				line.WriteString(rec.Column(c).ValueStr(i) + "|")
			}
			lines = append(lines, line.String())
		}
	}
	return lines
}

func variants() map[string][]parquet.WriterProperty {
	return map[string][]parquet.WriterProperty{
		"plain":      {parquet.WithDictionaryDefault(false)},
		"dictionary": {parquet.WithCompression(compress.Codecs.Snappy)},
		"v2 pages": {parquet.WithDataPageVersion(parquet.DataPageV2), parquet.WithCompression(compress.Codecs.Zstd),
			parquet.WithDataPageSize(500)},
		"indexes": {parquet.WithPageIndexEnabled(true), parquet.WithBloomFilterEnabled(true),
			parquet.WithMaxBloomFilterBytes(1024), parquet.WithDataPageSize(300),
			parquet.WithBatchSize(50), parquet.WithDictionaryDefault(false)},
		"old": {parquet.WithVersion(parquet.V1_0), parquet.WithStats(false)},
	}
}

func TestMerge(t *testing.T) {
	for name, opts := range variants() {
		t.Run(name, func(t *testing.T) {
			files := [][]byte{write(t, testSchema(), 0, 1000, 300, opts...), write(t, testSchema(), 1000, 1000, 100, opts...),
				write(t, testSchema(), 1000, 1007, 100, opts...), write(t, testSchema(), 1007, 5000, 4000, opts...)}
			merged := merge(t, files...)
			want := rows(t, write(t, testSchema(), 0, 5000, 5000))
			if got := rows(t, merged); !slices.Equal(got, want) {
				t.Fatalf("%d rows, not %d, or others", len(got), len(want))
			}
			again := merge(t, merged, files[0])
			if got := rows(t, again); !slices.Equal(got, append(want, want[:1000]...)) {
				t.Fatalf("merging what was merged: %d rows", len(got))
			}
			checkMetadata(t, merged)
		})
	}
}

func checkMetadata(t *testing.T, merged []byte) {
	r := open(t, merged)
	defer r.Close()
	for g := range r.NumRowGroups() {
		rg := r.MetaData().RowGroup(g)
		if int(rg.Ordinal()) != g {
			t.Errorf("row group %d says it is %d", g, rg.Ordinal())
		}
		first, err := rg.ColumnChunk(0)
		if err != nil {
			t.Fatal(err)
		}
		start := first.DataPageOffset()
		if first.HasDictionaryPage() {
			start = first.DictionaryPageOffset()
		}
		if at := rg.FileOffset(); at != 0 && at != start {
			t.Errorf("row group %d says it starts at %d; its first column does at %d", g, at, start)
		}
	}
}

// TestIndexes follows the page indexes and Bloom filters of a merged file to the pages.
func TestIndexes(t *testing.T) {
	opts := variants()["indexes"]
	merged := merge(t, write(t, testSchema(), 0, 900, 300, opts...), write(t, testSchema(), 900, 2000, 400, opts...))
	r := open(t, merged)
	defer r.Close()
	pages, filters := 0, 0
	for g := range r.NumRowGroups() {
		index, err := r.GetPageIndexReader().RowGroup(g)
		if err != nil {
			t.Fatal(err)
		}
		bloom, err := r.GetBloomFilterReader().RowGroup(g)
		if err != nil {
			t.Fatal(err)
		}
		for c := range r.MetaData().RowGroup(g).NumColumns() {
			chunk, err := r.MetaData().RowGroup(g).ColumnChunk(c)
			if err != nil {
				t.Fatal(err)
			}
			offsets, err := index.GetOffsetIndex(c)
			if err != nil || offsets == nil {
				t.Fatalf("offset index of column %d: %v", c, err)
			}
			next := chunk.DataPageOffset()
			for _, p := range offsets.GetPageLocations() {
				if p.Offset != next {
					t.Fatalf("row group %d column %d: a page at %d, not %d", g, c, p.Offset, next)
				}
				next += int64(p.CompressedPageSize)
				pages++
			}
			if _, err := index.GetColumnIndex(c); err != nil {
				t.Errorf("column index of column %d: %v", c, err)
			}
			if f, err := bloom.GetColumnBloomFilter(c); err != nil {
				t.Errorf("Bloom filter of column %d: %v", c, err)
			} else if f != nil {
				filters++
			}
		}
	}
	if pages < 50 || filters < 20 {
		t.Errorf("only %d pages and %d filters", pages, filters)
	}
}

// TestForeignFiles merges files that DuckDB wrote with some of ours; see testdata/README.md.
func TestForeignFiles(t *testing.T) {
	names, err := filepath.Glob("testdata/duckdb-*.parquet")
	if err != nil || len(names) < 2 {
		t.Fatal(names, err)
	}
	var files [][]byte
	var want []string
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, b)
		want = append(want, rows(t, b)...)
	}
	if got := rows(t, merge(t, files...)); !slices.Equal(got, want) {
		t.Errorf("%d rows, not %d, or others", len(got), len(want))
	}
}

func field(name string, t arrow.DataType) arrow.Field {
	return arrow.Field{Name: name, Type: t, Nullable: true}
}

func TestSchemasMustAgree(t *testing.T) {
	i64, i32, str := arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.String
	first := []arrow.Field{field("a", i64), field("b", str)}
	for _, tc := range []struct {
		name  string
		other []arrow.Field
		want  string
	}{
		{"type", []arrow.Field{field("a", i32), field("b", str)}, "column a is optional int64 "},
		{"repetition", []arrow.Field{{Name: "a", Type: i64}, field("b", str)}, "and required int64"},
		{"logical type", []arrow.Field{field("a", i64), field("b", arrow.BinaryTypes.Binary)}, "column b is optional byte_array string (utf8)"},
		{"missing", []arrow.Field{field("a", i64)}, "and no such column in file 1"},
		{"extra", []arrow.Field{field("a", i64), field("b", str), field("c", i64)}, "column c is no such column in file 0"},
		{"renamed", []arrow.Field{field("a", i64), field("z", str)}, "column b is optional byte_array"},
		{"order", []arrow.Field{field("b", str), field("a", i64)}, "column a is element 1 of the schema in file 0 and element 2"},
		{"nesting", []arrow.Field{field("a", arrow.ListOf(i64)), field("b", str)}, "and optional group of 1 list"},
	} {
		var out bytes.Buffer
		files := inputs(write(t, arrow.NewSchema(first, nil), 0, 9, 9), write(t, arrow.NewSchema(tc.other, nil), 0, 9, 9))
		_, err := Merge(t.Context(), &out, files)
		var schema *SchemaError
		if !errors.As(err, &schema) || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "file 1") {
			t.Errorf("%s: %v; want %q", tc.name, err, tc.want)
		}
		if out.Len() > 0 {
			t.Errorf("%s: something was written", tc.name)
		}
		if schemaOf(t, files[0]) == schemaOf(t, files[1]) {
			t.Errorf("%s: Schema says that they agree", tc.name)
		}
	}
	renamed := write(t, testSchema(), 0, 5, 5, parquet.WithRootName("spark_schema"))
	merge(t, write(t, testSchema(), 0, 5, 5), renamed)
	if files := inputs(write(t, testSchema(), 0, 5, 5), renamed); schemaOf(t, files[0]) != schemaOf(t, files[1]) {
		t.Error("Schema does not say that files agree but for the name of the root")
	}
	if _, err := Look(Input{Name: "no.parquet", Size: 20, ReaderAt: strings.NewReader("this is not Parquet.")}); err == nil ||
		!strings.Contains(err.Error(), "no.parquet") {
		t.Errorf("the schema of text: %v", err)
	}
}

// TestParts divides a file and puts it together again.
func TestParts(t *testing.T) {
	whole := write(t, testSchema(), 0, 1000, 100)
	parts, err := Parts(inputs(whole)[0], int64(len(whole)/3))
	if err != nil || len(parts) != 3 {
		t.Fatalf("%d parts, %v", len(parts), err)
	}
	var files [][]byte
	var rows int64
	for _, p := range parts {
		var out bytes.Buffer
		stats, err := Merge(t.Context(), &out, []Input{p})
		if err != nil || stats.RowGroups != p.To-p.From || stats.RowGroups < 2 {
			t.Fatalf("row groups %d to %d: %+v, %v", p.From, p.To, stats, err)
		}
		rows += stats.Rows
		files = append(files, out.Bytes())
	}
	if rows != 1000 || !bytes.Equal(merge(t, files...), merge(t, whole)) {
		t.Errorf("%d rows, or others", rows)
	}
	one, err := Parts(inputs(whole)[0], 1<<40)
	if err != nil || len(one) != 1 {
		t.Errorf("%d parts of a small file, %v", len(one), err)
	}
	one[0].To = 11
	if _, err := Merge(t.Context(), io.Discard, one); err == nil {
		t.Error("row groups that are not there are merged")
	}
}

func schemaOf(t *testing.T, in Input) string {
	t.Helper()
	about, err := Look(in)
	if err != nil {
		t.Fatal(err)
	}
	return about.Schema
}

func TestMetadataOfSeveralWriters(t *testing.T) {
	i64 := arrow.PrimitiveTypes.Int64
	meta := func(note, pandas string) *arrow.Schema {
		m := arrow.NewMetadata([]string{"note", "pandas"}, []string{note, pandas})
		return arrow.NewSchema([]arrow.Field{field("a", i64)}, &m)
	}
	a := write(t, meta("one", "{0}"), 0, 10, 10, parquet.WithCreatedBy("writer 1"))
	b := write(t, meta("two", "{1}"), 10, 20, 10, parquet.WithCreatedBy("writer 2"))
	footer := func(files ...[]byte) (kv string, by string) {
		md := open(t, merge(t, files...)).MetaData()
		for _, key := range md.KeyValueMetadata().Keys() {
			kv += key + "=" + *md.KeyValueMetadata().FindValue(key) + " "
		}
		return kv, md.GetCreatedBy()
	}
	kv, by := footer(a, a)
	if !strings.Contains(kv, "note=one") || !strings.Contains(kv, "pandas={0}") || !strings.Contains(kv, "ARROW:schema=") || by != "writer 1" {
		t.Errorf("equal files: %s by %s", kv, by)
	}
	kv, by = footer(a, b)
	if !strings.Contains(kv, "note=one") || strings.Contains(kv, "pandas=") || by != writerName {
		t.Errorf("files that differ: %s by %s", kv, by)
	}
}

func TestRefused(t *testing.T) {
	good := write(t, testSchema(), 0, 500, 100)
	change := func(at int, with string) []byte {
		b := bytes.Clone(good)
		copy(b[(at+len(b))%len(b):], with)
		return b
	}
	for _, tc := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "too few for a Parquet file"},
		{"text", []byte("a,b,c\n1,2,3\n"), "not a Parquet file"},
		{"truncated", good[:len(good)-1], "not a Parquet file"},
		{"encrypted footer", change(-4, "PARE"), "encrypted"},
		{"footer too long", change(-8, "\xff\xff\xff\x0f"), "its footer should have"},
		{"footer shorter", change(-8, "\x10\x00\x00\x00"), "damaged"},
		{"data cut out", append([]byte("PAR1"), good[len(good)/2:]...), "merge file 1: "},
	} {
		_, err := Merge(t.Context(), io.Discard, inputs(good, tc.file))
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "file 1") {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
	if _, err := Merge(t.Context(), io.Discard, nil); err == nil {
		t.Error("no inputs: no error")
	}
	dead, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Merge(dead, io.Discard, inputs(good)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// ranged is an input that is read as streams.
type ranged struct {
	*bytes.Reader
	opened int
}

func (r *ranged) OpenRange(_ context.Context, offset, length int64) (io.ReadCloser, error) {
	r.opened++
	return io.NopCloser(io.NewSectionReader(r.Reader, offset, length)), nil
}

func TestRangeOpener(t *testing.T) {
	b := write(t, testSchema(), 0, 900, 300)
	r := &ranged{Reader: bytes.NewReader(b)}
	var out bytes.Buffer
	if _, err := Merge(t.Context(), &out, []Input{{Name: "ranged", Size: int64(len(b)), ReaderAt: r}}); err != nil {
		t.Fatal(err)
	}
	if r.opened != 3 { // once for a row group
		t.Errorf("%d streams for 3 row groups", r.opened)
	}
	if !bytes.Equal(out.Bytes(), merge(t, b)) {
		t.Error("the output depends on how the input is read")
	}
}

func TestEncryptedColumnsRefused(t *testing.T) {
	b := write(t, testSchema(), 0, 10, 10)
	_, start, err := readFooter(input("", b))
	if err != nil {
		t.Fatal(err)
	}
	footer, err := decodeFooter(b[start : len(b)-trailerSize])
	if err != nil {
		t.Fatal(err)
	}
	chunk := &footer.field(fileRowGroups).items[0].field(groupColumns).items[2]
	for want, id := range map[string]int16{"encrypted": chunkCrypto, "another file": chunkFile} {
		chunk.set(id, text("elsewhere.parquet"))
		_, _, err := pageSpan(chunk, start)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		chunk.remove(id)
	}
	footer.set(fileEncryption, value{kind: typeStruct})
	if _, err := decodeFooter(appendValue(nil, &footer)); !errors.Is(err, errEncrypted) {
		t.Errorf("a plain footer with encrypted columns: %v", err)
	}
}

func BenchmarkMerge(b *testing.B) {
	one := write(b, testSchema(), 0, 300_000, 100_000, parquet.WithDictionaryDefault(false))
	var files [][]byte
	for range 8 {
		files = append(files, one)
	}
	b.SetBytes(int64(8 * len(one)))
	for b.Loop() {
		if _, err := Merge(b.Context(), io.Discard, inputs(files...)); err != nil {
			b.Fatal(err)
		}
	}
}
