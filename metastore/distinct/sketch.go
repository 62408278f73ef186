package distinct

import (
	"math"
	"math/bits"
	"slices"
)

const (
	precision = 10 // bits of a hash that number its register
	registers = 1 << precision
	keyBits   = 25 // bits of a hash that an entry of a sparse sketch has
	valueBits = 6  // of an entry, for the value of its register
	most      = 64 - precision + 1
	// sparseEntries is how many entries a sparse sketch has at most: 768 bytes at 5 for each.
	sparseEntries = registers * 6 / 8 / 5
)

// Sketch is what is known of a set of values. The zero value is of none. It is for one goroutine at a time.
type Sketch struct {
	// sparse are entries: the last bits of a hash, and behind them the value of their register. They
	// are sorted, and one for each key, when compact has returned.
	sparse []uint32
	dense  []uint8 // the registers; nil as long as the sketch is sparse
}

// AddLong adds a number of a column of whole numbers, or the days since 1970 of a date.
func (s *Sketch) AddLong(n int64) { s.add(hashLong(n)) }

// AddDouble adds a number of a column of floats, doubles or decimals.
func (s *Sketch) AddDouble(f float64) {
	if f != f { // Java has one NaN
		f = math.Float64frombits(0x7ff8000000000000)
	}
	s.add(hashLong(int64(math.Float64bits(f))))
}

// AddText adds a text, in UTF-8.
func (s *Sketch) AddText(p []byte) { s.add(hashBytes(p)) }

func (s *Sketch) add(hash uint64) {
	value := min(bits.TrailingZeros64(hash>>precision)+1, most)
	if s.dense != nil {
		at := &s.dense[hash&(registers-1)]
		*at = max(*at, uint8(value))
		return
	}
	s.insert(uint32(hash&(1<<keyBits-1))<<valueBits | uint32(value))
}

func (s *Sketch) insert(entry uint32) {
	s.sparse = append(s.sparse, entry)
	if len(s.sparse) > 4*sparseEntries {
		s.compact()
	}
}

// compact brings a sparse sketch into order, and makes it dense where it has too many entries.
func (s *Sketch) compact() {
	if s.dense != nil {
		return
	}
	slices.Sort(s.sparse)
	kept := s.sparse[:0]
	for i, e := range s.sparse {
		if i+1 == len(s.sparse) || e>>valueBits != s.sparse[i+1]>>valueBits { // the last one of a key has the highest value
			kept = append(kept, e)
		}
	}
	s.sparse = kept
	if len(kept) > sparseEntries {
		s.thicken()
	}
}

// thicken makes a sparse sketch dense.
func (s *Sketch) thicken() {
	s.dense = make([]uint8, registers)
	for _, e := range s.sparse {
		at := &s.dense[e>>valueBits&(registers-1)]
		*at = max(*at, uint8(e&(1<<valueBits-1)))
	}
	s.sparse = nil
}

// Merge adds the values of another sketch, which stays as it is but for the order of its entries.
func (s *Sketch) Merge(o *Sketch) {
	o.compact()
	switch {
	case o.dense == nil && s.dense == nil:
		s.sparse = append(s.sparse, o.sparse...)
		s.compact()
	case o.dense == nil:
		for _, e := range o.sparse {
			at := &s.dense[e>>valueBits&(registers-1)]
			*at = max(*at, uint8(e&(1<<valueBits-1)))
		}
	default:
		if s.dense == nil {
			s.thicken()
		}
		for i, v := range o.dense {
			s.dense[i] = max(s.dense[i], v)
		}
	}
}

// Clone is a sketch of the same values.
func (s *Sketch) Clone() *Sketch { return &Sketch{slices.Clone(s.sparse), slices.Clone(s.dense)} }

// Count is about how many different values were added.
func (s *Sketch) Count() int64 {
	if s.compact(); s.dense == nil {
		return int64(len(s.sparse))
	}
	var with [most + 1]int // how many registers have a value
	for _, v := range s.dense {
		with[v]++
	}
	z := registers * tau(1-float64(with[most])/registers)
	for k := most - 1; k > 0; k-- {
		z = (z + float64(with[k])) / 2
	}
	z += registers * sigma(float64(with[0])/registers)
	return int64(math.Round(registers / (2 * math.Ln2) * registers / z))
}

// sigma and tau are Ertl's, of registers that no value has come to, and of those that are full.
func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z, before := 1.0, x, -1.0
	for z != before {
		x *= x
		before = z
		z += x * y
		y += y
	}
	return z
}

func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z, before := 1.0, 1-x, -1.0
	for z != before {
		x = math.Sqrt(x)
		before = z
		y /= 2
		z -= (1 - x) * (1 - x) * y
	}
	return z / 3
}
