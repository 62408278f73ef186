package duck

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/bits"
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// computedHash is hash of what the C++ functions do not know; NULL has 0.
func (l *lowerer) computedHash(a string, t hivetype.Type) string {
	f := &computed{name: "hash", args: []hivetype.Type{t}, result: hivetype.Of(hivetype.Int), start: func() compute {
		return func(args []hivetype.Value) (hivetype.Value, error) { return int64(javaHash(args[0], t)), nil }
	}}
	return "coalesce(" + l.compute(f, []string{a}) + ", 0)"
}

// javaHash is the hashCode of the class that holds such a value in Hive.
func javaHash(v hivetype.Value, t hivetype.Type) int32 {
	switch x := v.(type) {
	case hivetype.Dec:
		return decimalHash(x)
	case []byte:
		h := int32(1)
		for _, b := range x {
			h = 31*h + int32(int8(b))
		}
		return h
	case hivetype.Interval: // of commons-lang's HashCodeBuilder
		if x.Seconds < 0 && x.Nanos > 0 { // in Hive both have one sign
			x = hivetype.Interval{Seconds: x.Seconds + 1, Nanos: x.Nanos - 1e9}
		}
		return (17*37+longHash(x.Seconds))*37 + x.Nanos
	case time.Time:
		if t.Kind == hivetype.TimestampLocalTZ {
			return longHash(x.Unix()) + 51*int32(x.Nanosecond())
		}
		return longHash(x.Unix()<<30 | int64(x.Nanosecond()))
	case int64:
		return int32(x)
	}
	return 0
}

func longHash(n int64) int32 { return int32(uint64(n) ^ uint64(n)>>32) }

// decimalHash is BigDecimal's, without zeros at the end of the fraction.
func decimalHash(d hivetype.Dec) int32 {
	u, scale := new(big.Int).Set(d.Unscaled), d.Scale
	if u.Sign() == 0 {
		return 0
	}
	for ten, rest := big.NewInt(10), new(big.Int); scale > 0; scale-- {
		q := new(big.Int)
		if q.QuoRem(u, ten, rest); rest.Sign() != 0 {
			break
		}
		u = q
	}
	h := int32(0)
	words := new(big.Int).Abs(u).FillBytes(make([]byte, 20))
	for i := 0; i < len(words); i += 4 {
		h = 31*h + int32(binary.BigEndian.Uint32(words[i:]))
	}
	return 31*h*int32(u.Sign()) + int32(scale)
}

// murmurHash is the hash by which rows are put into buckets since Hive 3: 31 times that of the
// arguments before, plus that of the next; NULL has 0.
func murmurHash(l *lowerer, x *analysis.Call, args []string) string {
	f := computedCall(x, nil)
	f.nulls = true
	f.start = func() compute {
		return func(args []hivetype.Value) (hivetype.Value, error) {
			h := int32(0)
			for i, v := range args {
				h = 31*h + murmurOf(v, f.args[i])
			}
			return int64(h), nil
		}
	}
	return l.compute(f, args)
}

func murmurOf(v hivetype.Value, t hivetype.Type) int32 {
	number := func(n int64, size int) int32 {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], uint64(n))
		return murmur3(b[8-size:])
	}
	switch x := v.(type) {
	case nil:
		return 0
	case bool:
		if x {
			return 1
		}
		return 0
	case int64:
		switch t.Kind {
		case hivetype.TinyInt:
			return int32(x)
		case hivetype.SmallInt:
			return number(x, 2)
		case hivetype.BigInt:
			return number(x, 8)
		}
		return number(x, 4)
	case float32:
		if x == 0 {
			x = 0 // -0.0 is the same
		}
		return number(int64(math.Float32bits(float32(int32(math.Float32bits(x))))), 4) // of the number that its bits are
	case float64:
		if x == 0 {
			x = 0
		}
		return number(int64(math.Float64bits(float64(int64(math.Float64bits(x))))), 8)
	case string:
		if t.Kind == hivetype.Char {
			x = strings.TrimRight(x, " ")
		}
		return murmur3([]byte(x))
	case []byte:
		return murmur3(x)
	case time.Time:
		if t.Kind == hivetype.Date {
			return number(floorDiv(x.Unix(), 86400), 4)
		}
	}
	return nestedMurmur(v, t, number)
}

func nestedMurmur(v hivetype.Value, t hivetype.Type, number func(int64, int) int32) int32 {
	h := int32(0)
	switch x := v.(type) {
	case []hivetype.Entry:
		for _, e := range x {
			h += murmurOf(e.Key, *t.Key) ^ murmurOf(e.Value, *t.Elem)
		}
		return h
	case []any:
		for i, e := range x {
			of := t.Elem
			if t.Kind == hivetype.Struct {
				of = &t.Fields[i].Type
			}
			h = 31*h + murmurOf(e, *of)
		}
		return h
	}
	return number(int64(javaHash(v, t)), 4)
}

// murmur3 is MurmurHash3_x86_32 with the seed that Hive takes.
func murmur3(data []byte) int32 {
	const c1, c2, seed = 0xcc9e2d51, 0x1b873593, 104729
	h := uint32(seed)
	n := len(data) / 4 * 4
	for i := 0; i < n; i += 4 {
		h ^= bits.RotateLeft32(binary.LittleEndian.Uint32(data[i:])*c1, 15) * c2
		h = bits.RotateLeft32(h, 13)*5 + 0xe6546b64
	}
	if n < len(data) {
		k := uint32(0)
		for i := n; i < len(data); i++ {
			k ^= uint32(int32(int8(data[i]))) << (8 * (i - n)) // Java's bytes have signs
		}
		h ^= bits.RotateLeft32(k*c1, 15) * c2
	}
	h ^= uint32(len(data))
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return int32(h ^ h>>16)
}
