package formats

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"io"
	"os"
	"testing"
)

// TestMagicWithinBlock: bits of a block that look like the beginning of another do not matter.
func TestMagicWithinBlock(t *testing.T) {
	data, err := os.ReadFile("testdata/lines.bz2")
	if err != nil {
		t.Fatal(err)
	}
	want, err := io.ReadAll(bzip2.NewReader(bytes.NewReader(data)))
	if err != nil {
		t.Fatal(err)
	}
	all := bitString{data, 8 * len(data)}
	for _, at := range []int{300, 40_001, 40_100, 8*len(data) - 500} {
		magics := []uint64{blockMagic, all.at(at, magicBits)}
		s := &bzip2Scanner{r: bufio.NewReader(bytes.NewReader(data)), magics: magics}
		parts := 0
		if err := s.run(func(*bzip2Part) error { parts++; return nil }); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		s = &bzip2Scanner{r: bufio.NewReader(bytes.NewReader(data)), magics: magics[:1]}
		blocks := 0
		if err := s.run(func(*bzip2Part) error { blocks++; return nil }); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if parts <= blocks {
			t.Errorf("bit %d: %d parts of %d blocks", at, parts, blocks)
		}
		a := startBzip2(t.Context(), &bzip2Scanner{r: bufio.NewReader(bytes.NewReader(data)), magics: magics}, 3)
		got, err := io.ReadAll(a)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("bit %d: %d bytes of %d, %v", at, len(got), len(want), err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
}

// FuzzBzip2: several threads read what one does, and no more.
func FuzzBzip2(f *testing.F) {
	empty := []byte("BZh9\x17\x72\x45\x38\x50\x90\x00\x00\x00\x00")
	line := []byte("BZh91AY&SY\x06g\xd8m\x00\x00\x02Q\x80\x00\x10@\x00&e\x94\x00 \x001\x03@\xd0 \x1a\r\x04\x01(5/\x8c\xd1j\xde\xf1w$S\x85\t\x00f}\x86\xd0")
	f.Add(empty)
	f.Add(line)
	f.Add(append(bytes.Clone(line), line...))
	f.Add(append(bytes.Clone(empty), line...))
	f.Add([]byte("BZh11AY&SY1AY&SY"))
	f.Fuzz(func(t *testing.T, data []byte) {
		const most = 4 << 20
		want, wantErr := io.ReadAll(io.LimitReader(bzip2.NewReader(bytes.NewReader(data)), most))
		a := newBzip2Ahead(t.Context(), bufio.NewReader(bytes.NewReader(data)), 3)
		got, err := io.ReadAll(io.LimitReader(a, most))
		if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got, want) {
			t.Errorf("%d bytes, %v; by one thread %d, %v", len(got), err, len(want), wantErr)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
}
