package castagnoli

import (
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"testing"
)

// TestUpdate compares with the library at all lengths around the strides, at all alignments, and with sums of
// what came before.
func TestUpdate(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 1<<20)
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	check := func(sum uint32, p []byte) {
		t.Helper()
		if got, want := Update(sum, p), crc32.Update(sum, table, p); got != want {
			t.Fatalf("%d bytes after %08x: got %08x, want %08x", len(p), sum, got, want)
		}
	}
	for n := range 4096 {
		check(0, data[:n])
		check(rng.Uint32(), data[n%64:][:n])
	}
	for range 200 {
		from := rng.IntN(len(data))
		check(rng.Uint32(), data[from:from+rng.IntN(len(data)-from+1)])
	}
	check(0, make([]byte, 1<<16))
	if got := Update(0, []byte("123456789")); got != 0xe3069283 { // the check value of CRC-32/ISCSI
		t.Errorf("of 123456789: %08x", got)
	}
}

func TestHash(t *testing.T) {
	ours, library := New(), crc32.New(table)
	for range 2 {
		for n := range 3 {
			p := make([]byte, 5000*n+1)
			_, _ = ours.Write(p) // hashes do not fail
			_, _ = library.Write(p)
		}
		got, want := ours.Sum([]byte("x")), library.Sum([]byte("x"))
		if string(got) != string(want) || ours.Sum32() != library.Sum32() || ours.Size() != library.Size() {
			t.Errorf("%x, want %x", got, want)
		}
		ours.Reset()
		library.Reset()
	}
}

func FuzzUpdate(f *testing.F) {
	f.Add(uint32(0), []byte("123456789"), uint16(500))
	f.Fuzz(func(t *testing.T, sum uint32, p []byte, repeat uint16) {
		var all []byte
		for range int(repeat)%300 + 1 {
			all = append(all, p...)
		}
		if got, want := Update(sum, all), crc32.Update(sum, table, all); got != want {
			t.Errorf("%d bytes after %08x: got %08x, want %08x", len(all), sum, got, want)
		}
	})
}

// BenchmarkUpdate is of bytes that are in the processor's cache and, with 256 MiB, of such as are not.
func BenchmarkUpdate(b *testing.B) {
	for _, n := range []int{1 << 10, 4 << 10, 64 << 10, 256 << 10, 256 << 20} {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(i * 7)
		}
		for name, update := range map[string]func(uint32, []byte) uint32{
			"ours": Update, "library": func(sum uint32, p []byte) uint32 { return crc32.Update(sum, table, p) },
		} {
			b.Run(fmt.Sprintf("%dKiB/%s", n>>10, name), func(b *testing.B) {
				b.SetBytes(int64(n))
				for b.Loop() {
					update(0, data)
				}
			})
		}
	}
}
