package parquetmerge

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet"

	"github.com/skepdata/skep/internal/blocksums"
)

// withSums is a file to which sums were added.
func withSums(tb testing.TB, b []byte) []byte {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "f.parquet")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		tb.Fatal(err)
	}
	size, err := AddSums(path, make([]byte, 1000))
	if err != nil {
		tb.Fatal(err)
	}
	b, err = os.ReadFile(path)
	if err != nil || int64(len(b)) != size {
		tb.Fatalf("%d bytes, said to be %d: %v", len(b), size, err)
	}
	return b
}

// wantSums fails where a file has no sums that are its own.
func wantSums(tb testing.TB, b []byte) {
	tb.Helper()
	_, start, err := readFooter(input("", b))
	if err != nil {
		tb.Fatal(err)
	}
	note := open(tb, b).MetaData().KeyValueMetadata().FindValue(blocksums.Key)
	if note == nil {
		tb.Fatal("there are no sums")
	}
	if sums, ok := blocksums.Read(b[start:], *note, int64(len(b))); !ok || len(sums) != (len(b)+blocksums.BlockSize-1)/blocksums.BlockSize {
		tb.Errorf("%d sums of %d bytes, %v", len(sums), len(b), ok)
	}
}

// TestAddSums adds sums to files of all kinds, and again: rows and all else of their footers stay.
func TestAddSums(t *testing.T) {
	for name, opts := range variants() {
		t.Run(name, func(t *testing.T) {
			b := write(t, testSchema(), 0, 5000, 1000, opts...)
			summed := withSums(t, b)
			wantSums(t, summed)
			if !slices.Equal(rows(t, summed), rows(t, b)) {
				t.Error("other rows")
			}
			if again := withSums(t, summed); !bytes.Equal(again, summed) {
				t.Error("adding them again makes another file")
			}
			merged := merge(t, summed, b)
			wantSums(t, merged)
			if n := bytes.Count(merged, []byte(blocksums.Key)); n != 1 {
				t.Errorf("a merged file has %d notes of sums", n)
			}
		})
	}
}

// TestAddSumsKeepsEntries: with any number of entries there, whose list begins in one way up to 14 and in
// another from 15 on, and with none.
func TestAddSumsKeepsEntries(t *testing.T) {
	for _, n := range []int{0, 1, 13, 14, 15, 200} {
		var keys, values []string
		for i := range n {
			keys, values = append(keys, fmt.Sprint("key", i)), append(values, fmt.Sprint("value", i))
		}
		meta := arrow.NewMetadata(keys, values)
		b := write(t, arrow.NewSchema([]arrow.Field{field("a", arrow.PrimitiveTypes.Int64)}, &meta), 0, 10, 10)
		before := open(t, b).MetaData().KeyValueMetadata()
		summed := withSums(t, b)
		wantSums(t, summed)
		after := open(t, summed).MetaData().KeyValueMetadata()
		if after.Len() != before.Len()+1 {
			t.Errorf("%d entries became %d", before.Len(), after.Len())
		}
		for i, key := range before.Keys() {
			if v := after.FindValue(key); v == nil || *v != before.Values()[i] {
				t.Errorf("%s was lost", key)
			}
		}
	}
}

// TestAddSumsKeepsUnknownFields: in a footer without entries, with fields that nobody knows behind them.
func TestAddSumsKeepsUnknownFields(t *testing.T) {
	footer := value{kind: typeStruct}
	for id, v := range map[int16]value{
		fileVersion: number(typeI32, 1), fileSchema: {kind: typeList, elem: typeStruct}, fileRows: number(typeI64, 7),
		fileRowGroups: {kind: typeList, elem: typeStruct}, 7: {kind: typeTrue}, 30: text("nobody knows"), 31: number(typeByte, 3),
	} {
		footer.set(id, v)
	}
	encoded := appendValue(nil, &footer)
	encoded = append(encoded[:len(encoded)-1], typeBinary, 64, 0x80, 0x00, 0) // field 32, empty, in a longer form
	var sums blocksums.Writer
	end, err := addEntry(encoded, sums.Note())
	if err != nil {
		t.Fatal(err)
	}
	v, n, err := decodeStruct(end)
	if err != nil || n != len(end)-trailerSize {
		t.Fatalf("%d of %d bytes, %v", n, len(end), err)
	}
	if !isSums(&v.field(fileKeyValues).items[0]) || !slices.IsSorted(v.ids) {
		t.Errorf("fields %v", v.ids)
	}
	v.remove(fileKeyValues)
	was, _, err := decodeStruct(encoded)
	if err != nil || !bytes.Equal(appendValue(nil, &v), appendValue(nil, &was)) {
		t.Errorf("other fields changed, %v", err)
	}
	if !bytes.Contains(end, []byte{typeBinary, 64, 0x80, 0x00, 0}) {
		t.Error("what nobody knows is encoded in another way")
	}
}

// FuzzAddSums adds sums to any bytes as a footer: all else in it stays.
func FuzzAddSums(f *testing.F) {
	for _, opts := range variants() {
		file := write(f, testSchema(), 0, 20, 10, opts...)
		footer, _, err := readFooter(input("", file))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(footer)
	}
	var sums blocksums.Writer
	f.Fuzz(func(t *testing.T, footer []byte) {
		end, err := addEntry(footer, sums.Note())
		if err != nil {
			return
		}
		got, n, err := decodeStruct(end)
		if err != nil || n != len(end)-trailerSize {
			t.Fatalf("%d of %d bytes, %v", n, len(end), err)
		}
		was, _, err := decodeStruct(footer)
		if err != nil {
			t.Fatal(err)
		}
		entries := got.field(fileKeyValues)
		if len(entries.items) == 0 || !isSums(&entries.items[len(entries.items)-1]) {
			t.Fatal("no sums")
		}
		dropSums(entries)
		dropSums(was.field(fileKeyValues))
		if len(entries.items) == 0 {
			got.remove(fileKeyValues)
		}
		if len(was.field(fileKeyValues).items) == 0 {
			was.remove(fileKeyValues)
		}
		for i, id := range was.ids {
			if !bytes.Equal(appendValue(nil, got.field(id)), appendValue(nil, &was.items[i])) {
				t.Fatalf("field %d changed", id)
			}
		}
	})
}

// BenchmarkAddSums adds sums to a file in the system's page cache.
func BenchmarkAddSums(b *testing.B) {
	file := write(b, testSchema(), 0, 100, 100, parquet.WithCompression(0))
	_, start, err := readFooter(input("", file))
	if err != nil {
		b.Fatal(err)
	}
	const hole = 64 << 20 // of zeros, which no column chunk is in
	file = slices.Concat(file[:start], make([]byte, hole), file[start:])
	path := filepath.Join(b.TempDir(), "f.parquet")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		if _, err := AddSums(path, make([]byte, blocksums.BlockSize)); err != nil {
			b.Fatal(err)
		}
	}
}
