package thrift_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/skepdata/skep/internal/thrift"
)

type inner struct {
	Name string `thrift:"1"`
	N    int64  `thrift:"2,omitempty"`
}

type pair struct {
	Key   []string
	Value string
}

// all has a field of every kind, with numbers that TCompact writes short and long.
type all struct {
	B       bool               `thrift:"1"`
	I8      int8               `thrift:"2"`
	I16     int16              `thrift:"3"`
	I32     int32              `thrift:"4"`
	I64     int64              `thrift:"5"`
	D       float64            `thrift:"6"`
	S       string             `thrift:"7"`
	Bytes   []byte             `thrift:"8"`
	Strings []string           `thrift:"9"`
	Set     []int32            `thrift:"10,set"`
	Map     map[string]string  `thrift:"11"`
	Struct  *inner             `thrift:"40"`
	Structs []*inner           `thrift:"41"`
	Flag    *bool              `thrift:"42"`
	Text    *string            `thrift:"43"`
	Pairs   []pair             `thrift:"44,map"`
	Nested  map[string][]inner `thrift:"300"`
	Bools   []bool             `thrift:"-7"`
	Unknown thrift.Unknown
}

func full() *all {
	yes, text := true, "x"
	return &all{
		B: true, I8: -3, I16: 300, I32: -70000, I64: 1 << 40, D: 1.5, S: "grüße", Bytes: []byte{0, 255},
		Strings: []string{"a", "", "c"}, Set: []int32{3, 1}, Map: map[string]string{"k": "v", "a": ""},
		Struct: &inner{Name: "n", N: 7}, Structs: []*inner{{Name: "1"}, {Name: "2", N: -1}, {}, {}, {}},
		Flag: &yes, Text: &text, Pairs: []pair{{[]string{"a", "b"}, "v"}},
		Nested: map[string][]inner{"x": {{Name: "y"}}}, Bools: []bool{true, false},
	}
}

var protocols = []thrift.Protocol{thrift.Binary, thrift.Compact}

func TestRoundTrip(t *testing.T) {
	for _, p := range protocols {
		for _, v := range []*all{full(), {}, {D: math.Inf(-1), I64: math.MinInt64, Strings: make([]string, 40)}} {
			data, err := thrift.Marshal(v, p)
			if err != nil {
				t.Fatal(err)
			}
			got := &all{}
			if err := thrift.Unmarshal(data, got, p, thrift.Limits{}); err != nil {
				t.Fatalf("%s: %v", p, err)
			}
			if !reflect.DeepEqual(got, v) {
				t.Errorf("%s:\ngot  %+v\nwant %+v", p, got, v)
			}
			for n := range data {
				if err := thrift.Unmarshal(data[:n], &all{}, p, thrift.Limits{}); err == nil {
					t.Errorf("%s: the first %d of %d bytes are accepted", p, n, len(data))
				}
			}
		}
	}
}

// TestUnknown sends a struct through a peer that knows half of it.
func TestUnknown(t *testing.T) {
	type half struct {
		S       string `thrift:"7"`
		Unknown thrift.Unknown
	}
	for _, p := range protocols {
		data, err := thrift.Marshal(full(), p)
		if err != nil {
			t.Fatal(err)
		}
		var h half
		if err := thrift.Unmarshal(data, &h, p, thrift.Limits{}); err != nil {
			t.Fatal(err)
		}
		h.S = "changed"
		for _, q := range protocols { // and it may answer in another protocol
			again, err := thrift.Marshal(&h, q)
			if err != nil {
				t.Fatal(err)
			}
			got := &all{}
			if err := thrift.Unmarshal(again, got, q, thrift.Limits{}); err != nil {
				t.Fatal(err)
			}
			want := full()
			want.S = "changed"
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %s:\ngot  %+v\nwant %+v", p, q, got, want)
			}
		}
	}
}

// TestOtherTypes reads fields that have another type than expected: sets for lists are taken,
// the rest is unknown.
func TestOtherTypes(t *testing.T) {
	type sent struct {
		S string  `thrift:"3"`
		L []int32 `thrift:"10"`
	}
	for _, p := range protocols {
		data, err := thrift.Marshal(&sent{S: "no number", L: []int32{5}}, p)
		if err != nil {
			t.Fatal(err)
		}
		got := &all{}
		if err := thrift.Unmarshal(data, got, p, thrift.Limits{}); err != nil {
			t.Fatal(err)
		}
		if got.I16 != 0 || len(got.Unknown) != 1 || got.Unknown[0].ID != 3 || len(got.Set) != 1 {
			t.Errorf("%s: got %+v", p, got)
		}
	}
}

func TestLimits(t *testing.T) {
	deep := thrift.Fields{}
	for range 100 {
		deep = thrift.Fields{{ID: 1, Type: thrift.Struct, Value: deep}}
	}
	for _, p := range protocols {
		big, err := thrift.Marshal(&all{S: strings.Repeat("x", 5000)}, p)
		if err != nil {
			t.Fatal(err)
		}
		long, err := thrift.Marshal(&all{Bools: make([]bool, 500)}, p)
		if err != nil {
			t.Fatal(err)
		}
		nested, err := thrift.Marshal(deep, p)
		if err != nil {
			t.Fatal(err)
		}
		for name, data := range map[string][]byte{"size": big, "container": long, "depth": nested} {
			err := thrift.Unmarshal(data, &all{}, p, thrift.Limits{Message: 4000, Container: 400})
			if !errors.Is(err, thrift.ErrMalformed) {
				t.Errorf("%s, %s: %v", p, name, err)
			}
		}
	}
}

// TestClaims: a few bytes that claim to be gigabytes must cost nothing.
func TestClaims(t *testing.T) {
	for _, text := range []string{
		"0b0007" + "7fffffff", "0f0009" + "0b7fffffff", "0d000b" + "0b0b7fffffff", "0f0029" + "0c08000000",
	} {
		data, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		allocated := testing.Benchmark(func(b *testing.B) {
			b.ReportAllocs()
			for range 20 {
				if thrift.Unmarshal(data, &all{}, thrift.Binary, thrift.Limits{}) == nil {
					b.Fatal("accepted")
				}
			}
		})
		if allocated.MemBytes > 64<<20 {
			t.Errorf("%s: %d bytes", text, allocated.MemBytes)
		}
	}
}

// The files in testdata/golden show what structs are on the wire.
func TestGolden(t *testing.T) {
	values := map[string]any{
		"empty": &inner{}, "inner": &inner{Name: "n", N: 300}, "all": full(),
		"fields": thrift.Fields{
			{ID: 1, Type: thrift.Bool, Value: false},
			{ID: 20, Type: thrift.Map, Value: thrift.Entries{Key: thrift.I32, Value: thrift.Bool, Pairs: []thrift.Entry{
				{Key: int32(1), Value: true},
			}}},
			{ID: 21, Type: thrift.Set, Value: thrift.Items{Type: thrift.I64, Values: []thrift.Value{int64(-1)}}},
		},
	}
	datadriven.RunTest(t, "testdata/golden/structs.txt", func(t *testing.T, d *datadriven.TestData) string {
		p := thrift.Binary
		if d.HasArg("compact") {
			p = thrift.Compact
		}
		data, err := thrift.Marshal(values[strings.TrimSpace(d.Input)], p)
		if err != nil {
			return err.Error() + "\n"
		}
		return hex.Dump(data)
	})
}

func FuzzUnmarshal(f *testing.F) {
	for i, p := range protocols {
		data, err := thrift.Marshal(full(), p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, i == 1)
	}
	f.Fuzz(func(t *testing.T, data []byte, compact bool) {
		p := thrift.Binary
		if compact {
			p = thrift.Compact
		}
		limits := thrift.Limits{Message: 1 << 20, Depth: 20}
		var fields thrift.Fields
		if thrift.Unmarshal(data, &fields, p, limits) == nil { // what is read can be written
			again, err := thrift.Marshal(fields, p)
			if err != nil {
				t.Fatal(err)
			}
			var twice thrift.Fields
			if err := thrift.Unmarshal(again, &twice, p, limits); err != nil || !thrift.Equal(fields, twice) {
				t.Fatalf("%v: %+v, %+v", err, fields, twice)
			}
		}
		v := &all{}
		if thrift.Unmarshal(data, v, p, limits) != nil {
			return
		}
		again, err := thrift.Marshal(v, p)
		if err != nil {
			t.Fatal(err)
		}
		w := &all{}
		if err := thrift.Unmarshal(again, w, p, limits); err != nil {
			t.Fatal(err)
		}
		third, err := thrift.Marshal(w, p)
		if err != nil || !bytes.Equal(again, third) {
			t.Fatalf("%v\n%x\n%x", err, again, third)
		}
	})
}

func BenchmarkMarshal(b *testing.B) {
	for _, p := range protocols {
		b.Run(fmt.Sprint(p), func(b *testing.B) {
			v := full()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := thrift.Marshal(v, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
