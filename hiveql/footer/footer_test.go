package footer_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skepdata/skep/hiveql/footer"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/parquetmerge"
	"github.com/skepdata/skep/internal/thrift"
)

// encoded is a footer of a file of one column of the physical type int64, and one row group.
func encoded(t testing.TB, least, most []byte, rows int64) []byte {
	t.Helper()
	var (
		schema = thrift.Items{Type: thrift.Struct, Values: []thrift.Value{
			thrift.Fields{{ID: 4, Type: thrift.String, Value: []byte("root")}, {ID: 5, Type: thrift.I32, Value: int32(1)}},
			thrift.Fields{{ID: 1, Type: thrift.I32, Value: int32(2)}, {ID: 3, Type: thrift.I32, Value: int32(1)}, {ID: 4, Type: thrift.String, Value: []byte("a")}},
		}}
		stats = thrift.Fields{{ID: 3, Type: thrift.I64, Value: int64(1)}, {ID: 5, Type: thrift.String, Value: most}, {ID: 6, Type: thrift.String, Value: least}}
		meta  = thrift.Fields{{ID: 5, Type: thrift.I64, Value: rows}, {ID: 7, Type: thrift.I64, Value: int64(90)}, {ID: 9, Type: thrift.I64, Value: int64(10)},
			{ID: 11, Type: thrift.I64, Value: int64(4)}, {ID: 12, Type: thrift.Struct, Value: stats}}
		group = thrift.Fields{{ID: 1, Type: thrift.List, Value: thrift.Items{Type: thrift.Struct, Values: []thrift.Value{
			thrift.Fields{{ID: 3, Type: thrift.Struct, Value: meta}}}}}, {ID: 3, Type: thrift.I64, Value: rows}}
	)
	b, err := thrift.Marshal(thrift.Fields{
		{ID: 1, Type: thrift.I32, Value: int32(1)}, {ID: 2, Type: thrift.List, Value: schema}, {ID: 3, Type: thrift.I64, Value: rows},
		{ID: 4, Type: thrift.List, Value: thrift.Items{Type: thrift.Struct, Values: []thrift.Value{group}}}, {ID: 6, Type: thrift.String, Value: []byte("test")},
	}, thrift.Compact)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSums: a file that has the sums of its blocks, of which no bit of the footer may be another.
func TestSums(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.parquet")
	body := encoded(t, int64Bytes(-3), int64Bytes(5), 7)
	file := append([]byte("PAR1"+strings.Repeat("x", 100_000)), body...)
	file = binary.LittleEndian.AppendUint32(file, uint32(len(body)))
	file = append(file, "PAR1"...)
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err := footer.Read(bytes.NewReader(file), int64(len(file))); err != nil || f.Sums != nil || f.Doubtful {
		t.Errorf("without sums: %+v, %v", f, err)
	}
	if _, err := parquetmerge.AddSums(path, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := int64(len(file))
	f, err := footer.Read(bytes.NewReader(file), size)
	if err != nil || len(f.Sums) != 2 || f.Doubtful || f.Rows != 7 || len(f.Notes) != 0 {
		t.Fatalf("%+v, %v", f, err)
	}
	for i, block := range [][]byte{file[:64<<10], file[64<<10:]} {
		if sum := crc32.Checksum(block, crc32.MakeTable(crc32.Castagnoli)); f.Sums[i] != sum {
			t.Errorf("block %d: %x, want %x", i, f.Sums[i], sum)
		}
	}
	for i := 8 * 100_004; i < 8*len(file); i++ {
		changed := bytes.Clone(file)
		changed[i/8] ^= 1 << (i % 8)
		if f, err := footer.Read(bytes.NewReader(changed), size); err == nil && !f.Doubtful {
			t.Errorf("bit %d of byte %d may change", i%8, i/8)
		}
	}
}

func int64Bytes(n int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(n)) }

func TestRead(t *testing.T) {
	body := encoded(t, int64Bytes(-3), int64Bytes(5), 7)
	file := append([]byte("PAR1"+strings.Repeat("x", 100_000)), body...)
	file = binary.LittleEndian.AppendUint32(file, uint32(len(body)))
	file = append(file, "PAR1"...)
	f, err := footer.Read(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if f.Rows != 7 || f.Writer != "test" || len(f.Columns) != 1 || len(f.Groups) != 1 || f.Groups[0].Chunks[0].Offset != 4 || f.Groups[0].Chunks[0].Size != 90 {
		t.Errorf("%+v", f)
	}
	b := f.Find("A").Bounds(&f.Groups[0], hivetype.Of(hivetype.BigInt))
	if b != (footer.Bounds{Min: int64(-3), Max: int64(5), Exact: true, Nulls: 1, Rows: 7}) {
		t.Errorf("%+v", b)
	}
	for _, bad := range [][]byte{nil, []byte("PAR1"), file[:len(file)-1], []byte("\xff\xff\xff\x00PAR1"), append(bytes.Clone(file[:200]), "\x10\x00\x00\x00PAR1"...)} {
		if _, err := footer.Read(bytes.NewReader(bad), int64(len(bad))); err == nil {
			t.Errorf("%d bytes are taken for a file", len(bad))
		}
	}
	if _, err := footer.Length([]byte("12345678"), 8); !errors.Is(err, footer.ErrNotParquet) {
		t.Errorf("got %v", err)
	}
}

// FuzzBloom: whatever the bytes, the answer is a filter that can be asked, or an error.
func FuzzBloom(f *testing.F) {
	file, err := footer.Decode(encoded(f, int64Bytes(1), int64Bytes(2), 3))
	if err != nil {
		f.Fatal(err)
	}
	known := thrift.Fields{{ID: 1, Type: thrift.Struct, Value: thrift.Fields{}}}
	head, err := thrift.Marshal(thrift.Fields{{ID: 1, Type: thrift.I32, Value: int32(64)}, {ID: 2, Type: thrift.Struct, Value: known},
		{ID: 3, Type: thrift.Struct, Value: known}, {ID: 4, Type: thrift.Struct, Value: known}}, thrift.Compact)
	if err != nil {
		f.Fatal(err)
	}
	empty := append(head, make([]byte, 64)...)
	f.Add(empty, int64(7))
	f.Add(empty[:40], int64(7))
	f.Add([]byte{}, int64(0))
	c := &file.Columns[0]
	bigint := hivetype.Of(hivetype.BigInt)
	if b, err := c.Bloom(empty); err != nil || !b.Lacks(int64(5), bigint) || b.Lacks("5", hivetype.Of(hivetype.String)) {
		f.Fatalf("an empty filter: %v", err)
	}
	if _, err := c.Bloom(empty[:40]); err == nil {
		f.Fatal("half a filter is taken for one")
	}
	f.Fuzz(func(_ *testing.T, p []byte, v int64) {
		if b, err := c.Bloom(p); err == nil {
			b.Lacks(v, bigint)
		}
	})
}

// FuzzDecode: whatever the bytes, the answer is a footer that can be asked, or an error.
func FuzzDecode(f *testing.F) {
	f.Add(encoded(f, int64Bytes(1), int64Bytes(2), 3))
	f.Add(encoded(f, nil, []byte{1}, -1))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := footer.Decode(b)
		if err != nil {
			return
		}
		for i := range file.Columns {
			c := &file.Columns[i]
			typ, ok := c.Type()
			if !ok {
				typ = hivetype.Of(hivetype.String)
			}
			for k := range file.Groups {
				c.Bounds(&file.Groups[k], typ)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	body := encoded(b, int64Bytes(1), int64Bytes(2), 3)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := footer.Decode(body); err != nil {
			b.Fatal(err)
		}
	}
}
