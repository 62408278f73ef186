package blocksums_test

import (
	"bytes"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/skepdata/skep/internal/blocksums"
)

// file is some data and an end with a note, bound to it.
func file(tb testing.TB, n int) (content, end []byte, note string) {
	tb.Helper()
	data := bytes.Repeat([]byte("what there is. "), n/15+1)[:n]
	var w blocksums.Writer
	for rest := data; len(rest) > 0; { // in pieces that are no blocks
		p := rest[:min(len(rest), 50000)]
		_, _ = w.Write(p)
		rest = rest[len(p):]
	}
	end = []byte("the end, " + blocksums.Key + "=" + w.Note() + " and the rest of it")
	if err := blocksums.Bind(end, w.Note()); err != nil {
		tb.Fatal(err)
	}
	_, note, _ = strings.Cut(string(end), "=")
	note, _, _ = strings.Cut(note, " ")
	return append(data, end...), end, note
}

func TestSums(t *testing.T) {
	for _, n := range []int{0, 1, blocksums.BlockSize - 10, blocksums.BlockSize, 3*blocksums.BlockSize + 5} {
		content, end, note := file(t, n)
		sums, ok := blocksums.Read(end, note, int64(len(content)))
		var want []uint32
		for block := range slices.Chunk(content, blocksums.BlockSize) {
			want = append(want, crc32.Checksum(block, crc32.MakeTable(crc32.Castagnoli)))
		}
		if !ok || !slices.Equal(sums, want) {
			t.Errorf("%d bytes: %x, %v; want %x", n, sums, ok, want)
		}
	}
}

// TestNotItsOwn: no bit of an end may change, nor where it is.
func TestNotItsOwn(t *testing.T) {
	content, end, note := file(t, 100000)
	size := int64(len(content))
	at := bytes.Index(end, []byte(note))
	for i := range 8 * len(end) {
		changed := bytes.Clone(end)
		changed[i/8] ^= 1 << (i % 8)
		// As who decodes the end would find the note, in its place.
		if _, ok := blocksums.Read(changed, string(changed[at:at+len(note)]), size); ok {
			t.Errorf("taken with bit %d changed", i)
		}
		if !blocksums.Mentioned(changed) {
			t.Errorf("not mentioned with bit %d changed", i)
		}
	}
	for _, c := range []struct {
		name, end, note string
		size            int64
	}{
		{"another size", string(end), note, size + 1},
		{"a longer end", string(end) + " ", note, size + 1},
		{"less than the end", string(end), note, 10},
		{"no note", string(end), "", size},
		{"a note from elsewhere", "the end of something", note, size},
		{"an unbound one", strings.ReplaceAll(string(end), note[10:18], "00000000"), note[:10] + "00000000" + note[18:], size},
	} {
		if _, ok := blocksums.Read([]byte(c.end), c.note, c.size); ok {
			t.Errorf("%s is taken", c.name)
		}
	}
	if err := blocksums.Bind([]byte("another end"), note); err == nil {
		t.Error("bound to an end that it is not in")
	}
}

// FuzzRead reads any notes: one that is taken has a sum for each block.
func FuzzRead(f *testing.F) {
	content, end, note := file(f, 100000)
	f.Add(end, note, int64(len(content)))
	f.Add([]byte("skepsums1:00000000:"), "skepsums1:00000000:", int64(19))
	f.Fuzz(func(t *testing.T, end []byte, note string, size int64) {
		sums, ok := blocksums.Read(end, note, size)
		if ok && int64(len(sums)) != (size+blocksums.BlockSize-1)/blocksums.BlockSize {
			t.Fatalf("%d sums of %d bytes", len(sums), size)
		}
	})
}

func BenchmarkWriter(b *testing.B) {
	p := make([]byte, 1<<20)
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		var w blocksums.Writer
		_, _ = w.Write(p)
	}
}
