package distinct_test

import (
	"encoding/base64"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/skepdata/skep/metastore/distinct"
)

func text(s *distinct.Sketch) string { return base64.StdEncoding.EncodeToString(s.Bytes()) }

// What Hive keeps of the numbers 3, 0 and 1 of a BIGINT, and of nothing.
func TestHivesBytes(t *testing.T) {
	for want, values := range map[string][]int64{
		"SExMoAEA": {}, "SExMoAEBgq/rqgE=": {3}, "SExMoAEBwfO+SA==": {1, 1},
	} {
		var s distinct.Sketch
		for _, v := range values {
			s.AddLong(v)
		}
		if got := text(&s); got != want {
			t.Errorf("%v are %s, and in Hive %s", values, got, want)
		}
	}
	// Hive's entries are in any order: those of 1 and 0.
	b, _ := base64.StdEncoding.DecodeString("SExMoAICwfO+SIDgz8///////wE=")
	hives, err := distinct.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	var s distinct.Sketch
	s.AddLong(0)
	s.AddLong(1)
	if text(hives) != text(&s) || hives.Count() != 2 {
		t.Errorf("Hive's 0 and 1 are %s, and ours %s", text(hives), text(&s))
	}
}

// Counts are exact as long as they are small, and then within four standard errors.
func TestCount(t *testing.T) {
	for _, n := range []int{0, 1, 2, 100, 153, 154, 200, 500, 1000, 3000, 10_000, 100_000, 2_000_000} {
		for kind, add := range map[string]func(s *distinct.Sketch, i int){
			"long":   func(s *distinct.Sketch, i int) { s.AddLong(int64(i)) },
			"double": func(s *distinct.Sketch, i int) { s.AddDouble(float64(i) / 100) },
			"text":   func(s *distinct.Sketch, i int) { s.AddText(fmt.Appendf(nil, "value %d", i)) },
		} {
			if n > 100_000 && kind == "text" {
				continue
			}
			var s distinct.Sketch
			for i := range n {
				add(&s, i)
				if i%3 == 0 {
					add(&s, i/2)
				}
			}
			off := math.Abs(float64(s.Count()) - float64(n))
			if n <= 153 && off > 0 || off > 4*1.04/32*float64(n) {
				t.Errorf("%d of %s are counted as %d", n, kind, s.Count())
			}
			again, err := distinct.Parse(s.Bytes())
			if err != nil || again.Count() != s.Count() || text(again) != text(&s) {
				t.Errorf("%d of %s are %d when they are read again: %v", n, kind, again.Count(), err)
			}
			if size := len(s.Bytes()); size > 800 {
				t.Errorf("%d of %s have %d bytes", n, kind, size)
			}
		}
	}
}

// The sketch of a union is that of all values, whatever the sizes.
func TestMerge(t *testing.T) {
	sizes := []int{0, 1, 90, 153, 160, 3000}
	for _, a := range sizes {
		for _, b := range sizes {
			var x, y, all distinct.Sketch
			for i := range a {
				x.AddLong(int64(i))
				all.AddLong(int64(i))
			}
			for i := range b {
				y.AddLong(int64(i + a/2))
				all.AddLong(int64(i + a/2))
			}
			before := text(&y)
			sum := x.Clone()
			sum.Merge(&y)
			if text(sum) != text(&all) {
				t.Errorf("%d and %d values are counted as %d, and not as %d", a, b, sum.Count(), all.Count())
			}
			if text(&y) != before {
				t.Errorf("of %d and %d values the second sketch has changed", a, b)
			}
		}
	}
}

// NaN is one value.
func TestNaN(t *testing.T) {
	var s distinct.Sketch
	s.AddDouble(math.NaN())
	s.AddDouble(math.Float64frombits(0xfff8000000000001))
	if s.Count() != 1 {
		t.Errorf("NaN is counted as %d values", s.Count())
	}
}

// Sketches of 14 bits, which versions of Hive have written, become ours: made here by their definition.
func TestMoreRegisters(t *testing.T) {
	for _, n := range []int{5, 20_000} {
		var ours distinct.Sketch
		wide := make([]byte, 1<<14)
		for range n {
			v := rand.Int64()
			ours.AddLong(v)
			h := distinct.HashLong(v)
			at := &wide[h&(1<<14-1)]
			value := byte(1)
			for rest := h >> 14; rest&1 == 0; rest >>= 1 {
				value++
			}
			*at = max(*at, value)
		}
		// encoding 7: a byte for each register; the estimate is one byte
		got, err := distinct.Parse(append([]byte{'H', 'L', 'L', 14<<4 | 7, 1}, wide...))
		if err != nil {
			t.Fatal(err)
		}
		off := math.Abs(float64(got.Count()) - float64(ours.Count()))
		if n > 1000 && text(got) != text(&ours) || off > 1 {
			t.Errorf("%d values are counted as %d, and as %d with more registers", n, ours.Count(), got.Count())
		}
	}
}

func TestDamaged(t *testing.T) {
	var s distinct.Sketch
	for i := range 2000 {
		s.AddLong(int64(i))
	}
	whole := s.Bytes()
	for _, b := range [][]byte{nil, []byte("FM\x10\x00"), []byte("HLL\x90\x01\x00"), whole[:len(whole)-1], []byte("HLL\xa0\x01\x05\x01"), []byte("HLL\xa0\x01\x01\x00")} {
		if _, err := distinct.Parse(b); err == nil {
			t.Errorf("%q is taken for a sketch", b)
		}
	}
}

// No bytes make it fail otherwise than by an error.
func FuzzParse(f *testing.F) {
	var s distinct.Sketch
	f.Add(s.Bytes())
	for i := range 300 {
		s.AddLong(int64(i))
		if i == 5 || i == 299 {
			f.Add(s.Bytes())
		}
	}
	f.Add([]byte("HLL\xe7\x01"))
	f.Add([]byte("HLL\xe0\x01\x02\x81\x08\x05"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := distinct.Parse(b)
		if err != nil {
			return
		}
		again, err := distinct.Parse(s.Bytes())
		if err != nil || text(again) != text(s) {
			t.Errorf("%x is read as %x and that as %x: %v", b, s.Bytes(), again.Bytes(), err)
		}
	})
}

func BenchmarkAddLong(b *testing.B) {
	var s distinct.Sketch
	for i := range b.N {
		s.AddLong(int64(i))
	}
}

func BenchmarkSmall(b *testing.B) {
	for range b.N {
		var s distinct.Sketch
		for i := range 50 {
			s.AddLong(int64(i))
		}
		_ = s.Bytes()
	}
}
