package parquetpages_test

import (
	"hash/crc32"
	"testing"

	"github.com/skepdata/skep/internal/parquetpages"
	"github.com/skepdata/skep/internal/thrift"
)

// BenchmarkWalk looks at a column of 64 pages, of a size as DuckDB and as parquet-mr and Arrow write them, without
// a CRC and with one.
func BenchmarkWalk(b *testing.B) {
	for name, c := range map[string]struct {
		size   int
		summed bool
	}{"64KiB": {64 << 10, false}, "64KiB-CRC": {64 << 10, true}, "1MiB": {1 << 20, false}, "1MiB-CRC": {1 << 20, true}} {
		b.Run(name, func(b *testing.B) {
			pages := pagesOf(b, 64, c.size, c.summed)
			chunk := &parquetpages.Chunk{Size: int64(len(pages)), Plain: int64(len(pages)), Values: int64(64 * c.size / 8), Rows: int64(64 * c.size / 8), Width: 8}
			b.SetBytes(int64(len(pages)))
			for b.Loop() {
				w := parquetpages.Walk(chunk)
				_, err := w.Write(pages)
				if err == nil {
					err = w.Close()
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// pagesOf are pages of plain numbers of 64 bits.
func pagesOf(b *testing.B, pages, size int, summed bool) []byte {
	b.Helper()
	body := make([]byte, size)
	for i := range body {
		body[i] = byte(i * 7919)
	}
	number := func(id int16, n int) thrift.Field { return thrift.Field{ID: id, Type: thrift.I32, Value: int32(n)} }
	head := thrift.Fields{number(1, 0), number(2, size), number(3, size)}
	if summed {
		head = append(head, number(4, int(int32(crc32.ChecksumIEEE(body)))))
	}
	head = append(head, thrift.Field{ID: 5, Type: thrift.Struct, Value: thrift.Fields{number(1, size/8), number(2, 0), number(3, 3), number(4, 3)}})
	encoded, err := thrift.Marshal(head, thrift.Compact)
	if err != nil {
		b.Fatal(err)
	}
	var all []byte
	for range pages {
		all = append(append(all, encoded...), body...)
	}
	return all
}
