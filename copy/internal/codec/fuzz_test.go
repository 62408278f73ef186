package codec

import (
	"bytes"
	"io"
	"testing"
)

// fuzz checks that a decoder survives any input, returns the same every time, and that what it
// decodes comes back from its own encoder.
func fuzz(f *testing.F, name string) {
	c, err := ByName(name)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{})
	for _, data := range [][]byte{nil, []byte("x"), []byte("hello hello hello hello"), logs(2000), noise(300)} {
		packed := encode(f, c, Options{}, data)
		f.Add(packed)
		f.Add(append(packed, packed...))
		f.Add(packed[:len(packed)/2])
	}
	f.Fuzz(func(t *testing.T, packed []byte) {
		r, err := c.NewReader(bytes.NewReader(packed))
		if err != nil {
			return
		}
		defer r.Close()
		got, err := io.ReadAll(io.LimitReader(r, 4<<20))
		if err != nil {
			return
		}
		again, err := decode(c, encode(t, c, Options{}, got))
		if err != nil || !bytes.Equal(again, got) {
			t.Fatalf("%d bytes came back as %d, %v", len(got), len(again), err)
		}
	})
}

func FuzzGzip(f *testing.F)   { fuzz(f, "gzip") }
func FuzzBzip2(f *testing.F)  { fuzz(f, "bzip2") }
func FuzzZstd(f *testing.F)   { fuzz(f, "zstd") }
func FuzzLZ4(f *testing.F)    { fuzz(f, "lz4") }
func FuzzLzop(f *testing.F)   { fuzz(f, "lzo") }
func FuzzSnappy(f *testing.F) { fuzz(f, "snappy") }

// FuzzLZO is for the instructions inside the blocks, which the container's checksums hide.
func FuzzLZO(f *testing.F) {
	for _, data := range [][]byte{nil, []byte("x"), logs(500), bytes.Repeat([]byte("ab"), 300), noise(300)} {
		f.Add(lzoEncode(nil, data), uint16(len(data)))
	}
	f.Fuzz(func(t *testing.T, in []byte, size uint16) {
		out := make([]byte, size)
		if lzoDecode(out, in) != nil {
			return
		}
		again := make([]byte, size)
		if err := lzoDecode(again, lzoEncode(nil, out)); err != nil || !bytes.Equal(again, out) {
			t.Fatal(err)
		}
	})
}
