package blockstore

import (
	"bytes"
	"strings"
	"testing"

	"github.com/skepdata/skep/storage"
)

// FuzzAfter checks that the end of a listing's range parts the keys with a prefix from those
// that come after them.
func FuzzAfter(f *testing.F) {
	for _, c := range [][2]string{
		{"", ""}, {"a", "a"}, {"a", "b"}, {"a/", "a0"}, {"a\xff", "b"}, {"\xff", "\xff\xff"}, {"\xff\xff", "\xff"}, {"é", "êa"},
	} {
		f.Add(c[0], c[1])
	}
	f.Fuzz(func(t *testing.T, prefix, key string) {
		end := after(prefix)
		inRange := key >= prefix && (end == nil || bytes.Compare([]byte(key), end) < 0)
		if inRange != strings.HasPrefix(key, prefix) {
			t.Errorf("the range from %q to %q has %q: %v", prefix, end, key, inRange)
		}
	})
}

// FuzzChunks checks that the checksums of chunks and blocks make that of the whole.
func FuzzChunks(f *testing.F) {
	f.Add([]byte("123456789"), uint8(1), uint8(1))
	f.Add(bytes.Repeat([]byte("abc"), 50_000), uint8(2), uint8(1))
	f.Add([]byte{}, uint8(0), uint8(3))
	f.Fuzz(func(t *testing.T, content []byte, repeat, chunksPerBlock uint8) {
		content = bytes.Repeat(content, 1+int(repeat)%8)
		sums := newCombiner()
		var blocks []block
		blockSize := chunkSize * (1 + int(chunksPerBlock)%4)
		for at := 0; at < len(content); at += blockSize {
			piece := content[at:min(at+blockSize, len(content))]
			b := block{size: int64(len(piece)), chunks: make(chunkSums, 4*chunksIn(int64(len(piece))))}
			for i := range chunksIn(b.size) {
				end := min((i+1)*chunkSize, b.size)
				b.chunks.set(i, storage.CRC32C(piece[i*chunkSize:end]).Sum)
			}
			b.sum = sums.block(b.chunks, b.size)
			if want := storage.CRC32C(piece); b.sum != want {
				t.Fatalf("the block at %d has %v, want %v", at, b.sum, want)
			}
			blocks = append(blocks, b)
		}
		if got, want := sums.file(blocks), storage.CRC32C(content); got != want {
			t.Errorf("%d bytes have %v, want %v", len(content), got, want)
		}
	})
}
