package storage

import (
	"encoding/base64"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestDigest(t *testing.T) {
	for algorithm, want := range map[string]string{ // the check values of the algorithms
		"CRC32C":    "e3069283",
		"CRC32":     "cbf43926",
		"CRC64NVME": "ae8b14860a799888",
		"MD5":       "25f9e794323b453885f5181f1b624d0b",
		"SHA1":      "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
		"SHA256":    "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
	} {
		raw, err := hex.DecodeString(want)
		if err != nil {
			t.Fatal(err)
		}
		d := ParseDigest(algorithm, base64.StdEncoding.EncodeToString(raw))
		h := d.New()
		_, _ = io.WriteString(h, "123456789")
		if got := d.Of(h); got.Differs(d) || got.String() != algorithm+" "+want {
			t.Errorf("%s of 123456789 is %s", algorithm, got)
		}
	}
	for _, bad := range [][2]string{{"CRC32C", "AAAA"}, {"CRC32C", "AAAAAA"}, {"CRC16", "AAAAAA=="}, {"MD5", "x"}, {"SHA1", ""}} {
		if d := ParseDigest(bad[0], bad[1]); d.Known() {
			t.Errorf("%s %s is taken for %s", bad[0], bad[1], d)
		}
	}
	for _, etag := range []string{"", "25f9e794323b453885f5181f1b624d0", "25f9e794323b453885f5181f1b624d0b-2", "0x8DB"} {
		if d := ETagDigest(etag); d.Known() {
			t.Errorf("the ETag %q is taken for %s", etag, d)
		}
	}
	if d := ETagDigest("25f9e794323b453885f5181f1b624d0b"); !d.Known() || !d.Doubtful {
		t.Errorf("an ETag that looks like an MD5 is %v", d)
	}
	if (Digest{}).Known() || (Digest{}).Differs(ETagDigest("25f9e794323b453885f5181f1b624d0b")) {
		t.Error("the zero value is known")
	}
}

// TestDigestOfParts compares with hashes of hashes that were made part by part.
func TestDigestOfParts(t *testing.T) {
	const text = "one part, and another that is shorter"
	for _, size := range []int{1, 5, 9, 10, len(text) - 1, len(text), 100} {
		whole := newHash("SHA256")
		for rest := text; rest != ""; {
			part := newHash("SHA256")
			n := min(size, len(rest))
			_, _ = io.WriteString(part, rest[:n])
			rest = rest[n:]
			_, _ = whole.Write(part.Sum(nil))
		}
		d := Digest{Algorithm: "SHA256", PartSize: int64(size)}
		h := d.New()
		for range 2 {
			h.Reset()
			for _, piece := range []string{text[:3], text[3:3], text[3:20], text[20:]} {
				_, _ = io.WriteString(h, piece)
			}
			if got := d.Of(h); got.Sum != string(whole.Sum(nil)) {
				t.Errorf("parts of %d: %s", size, got)
			}
		}
	}
}

// TestDigestOfRanges joins digests of ranges that were read by themselves, in all the ways that ranges can be cut.
func TestDigestOfRanges(t *testing.T) {
	content := make([]byte, 100_000)
	rand.NewChaCha8([32]byte{3}).Read(content)
	for _, kind := range []Digest{
		{Algorithm: "CRC32C"}, {Algorithm: "CRC32"}, {Algorithm: "CRC64NVME"}, {Algorithm: "CRC32C", PartSize: 700}, {Algorithm: "CRC32", PartSize: 700},
		{Algorithm: "SHA256", PartSize: 700}, {Algorithm: "SHA1", PartSize: 700}, {Algorithm: "MD5", PartSize: 700}, {Algorithm: "MD5"}, {Algorithm: "SHA256"},
	} {
		whole := kind.New()
		_, _ = whole.Write(content)
		want := kind.Of(whole)
		for _, size := range []int{1, 700, 999, 1400, 70_000, 100_000, 140_000} {
			if joins := kind.PartSize > 0 && size%700 == 0 || kind.PartSize == 0 && kind.Quick(); kind.InRanges(int64(size)) != joins {
				t.Errorf("%v in ranges of %d: %t", kind, size, !joins)
			} else if !joins {
				continue
			}
			var ranges []RangeSum
			for part := range slices.Chunk(content, size) {
				h := kind.NewRange()
				_, _ = h.Write(part[:len(part)/3])
				_, _ = h.Write(part[len(part)/3:])
				ranges = append(ranges, RangeSum{string(h.Sum(nil)), int64(len(part))})
			}
			if got := kind.Join(ranges); got != want {
				t.Errorf("joined of ranges of %d bytes it is %v, and not %v", size, got, want)
			}
			ranges[len(ranges)-1].Sum = ""
			if got := kind.Join(ranges); got.Known() {
				t.Errorf("without the last range: %v", got)
			}
		}
	}
}
