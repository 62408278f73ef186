package storage

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func TestCRC32C(t *testing.T) {
	for content, want := range map[string]string{
		"":          "AAAAAA==",
		"123456789": "4waSgw==", // the check value of CRC-32C, e3069283
		"\x00":      "Un1TUQ==",
	} {
		c := CRC32C([]byte(content))
		if c.String() != want || !c.Known {
			t.Errorf("CRC32C(%q) = %s, want %s", content, c, want)
		}
		h := NewCRC32C()
		h.Write([]byte(content))
		if h.Sum32() != c.Sum {
			t.Errorf("NewCRC32C of %q: %08x, want %08x", content, h.Sum32(), c.Sum)
		}
		if got, err := ParseChecksum(c.String()); err != nil || got != c {
			t.Errorf("ParseChecksum(%s) = %v, %v", c, got, err)
		}
	}
}

func TestParseChecksum(t *testing.T) {
	if c, err := ParseChecksum(""); err != nil || c.Known {
		t.Errorf("the empty string is %v, %v, want unknown", c, err)
	}
	for _, bad := range []string{"x", "AAAA", "AAAAAAAA", "e3069283", "4waSgw", "4waSgw==x"} {
		if c, err := ParseChecksum(bad); err == nil {
			t.Errorf("ParseChecksum(%q) = %v, want an error", bad, c)
		}
	}
}

func TestUpdateCRC32C(t *testing.T) {
	content := make([]byte, 1000)
	rand.NewChaCha8([32]byte{}).Read(content)
	var c Checksum
	for i, b := range content {
		c = UpdateCRC32C(c, []byte{b})
		if want := CRC32C(content[:i+1]); c != want {
			t.Fatalf("after %d bytes: %v, want %v", i+1, c, want)
		}
	}
	if got := UpdateCRC32C(Checksum{}, nil); got != CRC32C(nil) {
		t.Errorf("no bytes: %v, want %v", got, CRC32C(nil))
	}
}

func TestDiffers(t *testing.T) {
	a, b, unknown := CRC32C([]byte("a")), CRC32C([]byte("b")), Checksum{}
	if !a.Differs(b) || a.Differs(a) || a.Differs(unknown) || unknown.Differs(a) || unknown.Differs(unknown) {
		t.Error("Differs must be true of two known checksums that are not equal, and of nothing else")
	}
}

func TestCombineOfUnknown(t *testing.T) {
	a := CRC32C([]byte("a"))
	for _, got := range []Checksum{
		CombineCRC32C(a, Checksum{}, 1), CombineCRC32C(Checksum{}, a, 1),
		CombineCRC32C(Checksum{}, Checksum{}, 0),
		CombineCRC32C(Checksum{}, CRC32C(nil), 0),
	} {
		if got.Known {
			t.Errorf("combining with the unknown gives %v, want unknown", got)
		}
	}
}

func FuzzCombineCRC32C(f *testing.F) {
	f.Add([]byte(""), []byte(""))
	f.Add([]byte("a"), []byte(""))
	f.Add([]byte(""), []byte("b"))
	f.Add([]byte("123456789"), bytes.Repeat([]byte{0}, 70_000))
	f.Add(bytes.Repeat([]byte("x"), 4096), bytes.Repeat([]byte("yz"), 32768))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		whole := CRC32C(append(bytes.Clone(a), b...))
		if got := CombineCRC32C(CRC32C(a), CRC32C(b), int64(len(b))); got != whole {
			t.Errorf("combined %v, want %v", got, whole)
		}
		if got := NewCombiner(int64(len(b))).Combine(CRC32C(a), CRC32C(b)); got != whole {
			t.Errorf("Combiner: %v, want %v", got, whole)
		}
	})
}

// TestCombineLong checks lengths that no test can hold, against combining twice.
func TestCombineLong(t *testing.T) {
	a, b := CRC32C([]byte("a")), CRC32C([]byte("b"))
	for _, n := range []int64{1 << 20, 1<<31 - 1, 1 << 32, 1<<40 + 12345} {
		// (a b) b = a (b b), each b being one of n bytes with that CRC.
		left := CombineCRC32C(CombineCRC32C(a, b, n), b, n)
		right := CombineCRC32C(a, CombineCRC32C(b, b, n), 2*n)
		if left != right {
			t.Errorf("%d bytes: %v and %v", n, left, right)
		}
	}
}

func BenchmarkCRC32C(b *testing.B) {
	content := make([]byte, 1<<20)
	b.SetBytes(1 << 20)
	for b.Loop() {
		CRC32C(content)
	}
}

func BenchmarkCombineCRC32C(b *testing.B) {
	x, y := CRC32C([]byte("a")), CRC32C([]byte("b"))
	for b.Loop() {
		x = CombineCRC32C(x, y, 16<<20)
	}
}

func BenchmarkCombiner(b *testing.B) {
	x, y := CRC32C([]byte("a")), CRC32C([]byte("b"))
	c := NewCombiner(64 << 10)
	for b.Loop() {
		x = c.Combine(x, y)
	}
}

func FuzzParseChecksum(f *testing.F) {
	for _, s := range []string{"", "4waSgw==", "AAAAAA==", "////////", "4waSgw", "e3069283", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseChecksum(s)
		if err != nil {
			return
		}
		if again, err := ParseChecksum(c.String()); err != nil || again != c {
			t.Errorf("%q is %v, which prints as %q, which is %v, %v", s, c, c.String(), again, err)
		}
	})
}

// TestJoiner cuts a text into pieces of all kinds of lengths, with known and unknown sums.
func TestJoiner(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789abcdef"), 100)
	for _, size := range []int{1, 7, 16, 1000, 5000} {
		var j Joiner
		j.Append(CRC32C(nil), 0)
		for rest := text; len(rest) > 0; rest = rest[min(size, len(rest)):] {
			piece := rest[:min(size, len(rest))]
			j.Append(CRC32C(piece), int64(len(piece)))
		}
		if got := j.Sum(); got != CRC32C(text) {
			t.Errorf("pieces of %d: %v, want %v", size, got, CRC32C(text))
		}
		if j.Append(Checksum{}, 3); j.Sum().Known {
			t.Errorf("pieces of %d: the sum is known though that of the last is not", size)
		}
	}
	if got := new(Joiner).Sum(); got != CRC32C(nil) {
		t.Errorf("nothing: %v", got)
	}
}
