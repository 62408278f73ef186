package hivetype_test

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/skepdata/skep/hivetype"
)

// TestData runs the cases of testdata: each line of a case's input is one question.
func TestData(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var b strings.Builder
			for line := range strings.SplitSeq(strings.TrimSuffix(d.Input, "\n"), "\n") {
				fmt.Fprintln(&b, answer(t, d, line))
			}
			return b.String()
		})
	})
}

func answer(t *testing.T, d *datadriven.TestData, line string) string {
	switch d.Cmd {
	case "parse":
		typ, err := hivetype.Parse(line)
		if err != nil {
			return "error: " + err.Error()
		}
		return typ.String()
	case "pair":
		return pair(t, line)
	case "arithmetic":
		a, b := two(t, line)
		return fmt.Sprintf("+ %s  * %s  / %s  %% %s", hivetype.DecimalAdd(a, b), hivetype.DecimalMul(a, b),
			hivetype.DecimalDiv(a, b), hivetype.DecimalMod(a, b))
	case "read":
		// The answer shows the value as the CLI prints it, in brackets so that blanks show.
		var name string
		d.ScanArgs(t, "type", &name)
		typ := parse(t, name)
		v, ok := hivetype.ParseValue(line, typ)
		if !ok {
			return "NULL"
		}
		return "[" + string(hivetype.AppendText(nil, v, typ)) + "]"
	}
	t.Fatalf("unknown command %q", d.Cmd)
	return ""
}

func parse(t *testing.T, s string) hivetype.Type {
	t.Helper()
	typ, err := hivetype.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

func two(t *testing.T, line string) (a, b hivetype.Type) {
	t.Helper()
	x, y, ok := strings.Cut(line, " ~ ")
	if !ok {
		t.Fatalf("%q is not of the form a ~ b", line)
	}
	return parse(t, x), parse(t, y)
}

// pair answers with everything two types say of each other, and checks that what must be
// symmetrical is.
func pair(t *testing.T, line string) string {
	a, b := two(t, line)
	var out []string
	for _, f := range []struct {
		name string
		fn   func(a, b hivetype.Type) (hivetype.Type, bool)
	}{{"common", hivetype.Common}, {"union", hivetype.ForUnion}, {"compare", hivetype.ForComparison}} {
		c, ok := f.fn(a, b)
		back, okBack := f.fn(b, a)
		if ok != okBack || !c.Equal(back) {
			t.Errorf("%s: %s of the two is %s one way and %s the other", line, f.name, c, back)
		}
		if ok {
			out = append(out, f.name+"="+c.String())
		} else {
			out = append(out, f.name+"=none")
		}
	}
	for _, dir := range []struct {
		name     string
		from, to hivetype.Type
	}{{"->", a, b}, {"<-", b, a}} {
		switch {
		case hivetype.Implicit(dir.from, dir.to):
			out = append(out, dir.name+" implicit")
		case hivetype.Castable(dir.from, dir.to):
			out = append(out, dir.name+" cast")
		default:
			out = append(out, dir.name+" no")
		}
	}
	return strings.Join(out, "  ")
}

func TestAppendText(t *testing.T) {
	dec := func(unscaled int64, scale int) hivetype.Dec {
		return hivetype.Dec{Unscaled: big.NewInt(unscaled), Scale: scale}
	}
	at := time.Date(2020, 1, 5, 10, 11, 12, 500_000_000, time.UTC)
	day := time.Date(2020, 1, 5, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		typ  string
		v    hivetype.Value
		want string
	}{
		{"int", nil, "NULL"},
		{"array<int>", nil, "NULL"},
		{"boolean", true, "true"},
		{"bigint", int64(math.MinInt64), "-9223372036854775808"},
		{"double", 1.0, "1.0"},
		{"double", 1e7, "1.0E7"},
		{"double", 9999999.0, "9999999.0"},
		{"double", 12345678.5, "1.23456785E7"},
		{"double", -1e-3, "-0.001"},
		{"double", 1e-4, "1.0E-4"},
		{"double", -2.5e-100, "-2.5E-100"},
		{"double", 1e22, "1.0E22"},
		{"double", math.Copysign(0, -1), "-0.0"},
		{"double", math.Inf(-1), "-Infinity"},
		{"double", math.NaN(), "NaN"},
		{"double", math.MaxFloat64, "1.7976931348623157E308"},
		{"double", 5e-324, "4.9E-324"},
		{"float", float32(0.1), "0.1"},
		{"float", float32(1.5e10), "1.50000005E10"},
		{"decimal(10,2)", dec(15, 1), "1.50"},
		{"decimal(10,2)", dec(-5, 2), "-0.05"},
		{"decimal(10,0)", dec(7, 0), "7"},
		{"string", "a\tb", "a\tb"},
		{"binary", []byte("bytes"), "bytes"},
		{"date", day, "2020-01-05"},
		{"timestamp", at, "2020-01-05 10:11:12.5"},
		{"timestamp", day, "2020-01-05 00:00:00"},
		{"timestamp with local time zone", day, "2020-01-05 00:00:00.0 UTC"},
		{"interval_year_month", int64(-14), "-1-2"},
		{"interval_day_time", hivetype.IntervalOf(26*3600, 3), "1 02:00:00.000000003"},
		{"interval_day_time", hivetype.IntervalOf(-1, 0), "-0 00:00:01.000000000"},
		{"interval_day_time", hivetype.IntervalOf(0, -1), "-0 00:00:00.000000001"},
		{"array<int>", []any{int64(1), nil, int64(2)}, "[1,null,2]"},
		{"array<int>", []any{}, "[]"},
		{"array<interval_day_time>", []any{hivetype.IntervalOf(26*3600, 3)}, "[1 02:00:00.000000003]"},
		{"map<string,interval_year_month>", []hivetype.Entry{{Key: "a", Value: int64(14)}}, `{"a":1-2}`},
		{"map<int,string>", []hivetype.Entry{{Key: int64(7), Value: "x"}, {Key: int64(1)}}, `{7:"x",1:null}`},
		{"struct<a:int,b:string>", []any{int64(1), "q\"\\\n\x01é"}, `{"a":1,"b":"q\"\\\n\u0001é"}`},
		{"uniontype<int,string>", hivetype.Variant{Tag: 1, Value: "x"}, `{1:"x"}`},
		{"array<decimal(10,3)>", []any{dec(1500, 3), dec(100, 0), dec(0, 3)}, "[1.5,100,0]"},
		{"array<date>", []any{day}, `["2020-01-05"]`},
		{"array<timestamp>", []any{at}, `["2020-01-05 10:11:12.5"]`},
		{"map<string,array<double>>", []hivetype.Entry{{Key: "k", Value: []any{1e7}}}, `{"k":[1.0E7]}`},
	} {
		if got := string(hivetype.AppendText(nil, c.v, parse(t, c.typ))); got != c.want {
			t.Errorf("%s %v: got %s, want %s", c.typ, c.v, got, c.want)
		}
	}
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		typ    string
		values []hivetype.Value // ascending; equal ones in one list
	}{
		{"int", []any{nil, int64(-1), int64(0), int64(5)}},
		{"boolean", []any{nil, false, true}},
		{"double", []any{math.Inf(-1), -1.0, 0.0, 1.0, math.Inf(1), math.NaN()}},
		{"string", []any{nil, "", "A", "a", "aa", "é"}},
		{"char(3)", []any{"a", "ab", "b"}},
		{"array<int>", []any{[]any{}, []any{nil}, []any{int64(1)}, []any{int64(1), nil}, []any{int64(2)}}},
		{"struct<a:int,b:string>", []any{[]any{int64(1), "b"}, []any{int64(2), "a"}}},
		{"uniontype<int,string>", []any{
			hivetype.Variant{Value: int64(1)}, hivetype.Variant{Value: int64(2)},
			hivetype.Variant{Tag: 1, Value: "a"},
		}},
		{"map<string,int>", []any{
			[]hivetype.Entry{{Key: "b", Value: int64(1)}, {Key: "a", Value: int64(1)}},
			[]hivetype.Entry{{Key: "a", Value: int64(2)}},
		}},
		{"decimal(5,2)", []any{
			hivetype.Dec{Unscaled: big.NewInt(-1), Scale: 2}, hivetype.Dec{Unscaled: big.NewInt(15), Scale: 1},
			hivetype.Dec{Unscaled: big.NewInt(151), Scale: 2}, hivetype.Dec{Unscaled: big.NewInt(2)},
		}},
	} {
		typ := parse(t, c.typ)
		for i, a := range c.values {
			for j, b := range c.values {
				if got, want := hivetype.Compare(a, b, typ), i-j; (got < 0) != (want < 0) || (got > 0) != (want > 0) {
					t.Errorf("%s: Compare(%v, %v) = %d", c.typ, a, b, got)
				}
			}
		}
	}
	char := hivetype.CharOf(3)
	if hivetype.Compare("a", "a  ", char) != 0 {
		t.Error("blanks at the end of a char must not count")
	}
	if hivetype.Compare(math.Copysign(0, -1), 0.0, hivetype.Of(hivetype.Double)) != 0 {
		t.Error("-0.0 must equal 0.0")
	}
}

func TestCommonHoldsBoth(t *testing.T) {
	kinds := []hivetype.Type{
		hivetype.Of(hivetype.TinyInt), hivetype.Of(hivetype.SmallInt), hivetype.Of(hivetype.Int),
		hivetype.Of(hivetype.BigInt), hivetype.DecimalOf(5, 2), hivetype.DecimalOf(38, 38),
	}
	for _, a := range kinds {
		for _, b := range kinds {
			c, ok := hivetype.Common(a, b)
			if !ok || !hivetype.Implicit(a, c) || !hivetype.Implicit(b, c) {
				t.Errorf("common of %s and %s is %s, to which they do not both convert", a, b, c)
			}
			if c.Kind == hivetype.Decimal && (c.Precision > 38 || c.Scale > c.Precision || c.Precision < 1) {
				t.Errorf("common of %s and %s is %s", a, b, c)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"int", "decimal(10,2)", "map<string,array<struct<a:int,b c:varchar(3)>>>", "uniontype<int,string>",
		"timestamp with local time zone", "double precision", "struct<>", "struct<`A`:char(1)>", "array<", "é",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		typ, err := hivetype.Parse(s)
		if err != nil {
			return
		}
		again, err := hivetype.Parse(typ.String())
		if err != nil || !again.Equal(typ) || again.String() != typ.String() {
			t.Fatalf("%q prints as %q, which reads as %q, %v", s, typ, again, err)
		}
	})
}

// FuzzValue checks that what is read prints as something that reads as the same value again.
func FuzzValue(f *testing.F) {
	names := []string{
		"tinyint", "int", "bigint", "float", "double", "decimal(38,10)", "decimal(5,2)", "boolean", "char(4)",
		"varchar(3)", "date", "timestamp",
	}
	for i := range names {
		for _, s := range []string{"1.5", "-1e3", "2020-01-05 10:11:12.25", "2020-2-29", "NaN", "true", "é ", "-.5"} {
			f.Add(byte(i), s)
		}
	}
	f.Fuzz(func(t *testing.T, which byte, s string) {
		typ, err := hivetype.Parse(names[int(which)%len(names)])
		if err != nil {
			t.Fatal(err)
		}
		v, ok := hivetype.ParseValue(s, typ)
		if !ok {
			return
		}
		text := string(hivetype.AppendText(nil, v, typ))
		again, ok := hivetype.ParseValue(text, typ)
		if !ok || hivetype.Compare(v, again, typ) != 0 {
			t.Fatalf("%s %q prints as %q, which reads as %v, %v", typ, s, text, again, ok)
		}
	})
}

// FuzzDecimal checks the short way of reading decimals against the long one, which exact numbers
// take that have an exponent.
func FuzzDecimal(f *testing.F) {
	for _, s := range []string{"1.5", "-0.005", "999.995", "1", ".5", "5.", "+7", "123456789012345678", "0.000000000000000001"} {
		f.Add(s, byte(5), byte(2))
	}
	f.Fuzz(func(t *testing.T, s string, precision, scale byte) {
		typ := hivetype.DecimalOf(1+int(precision)%38, 0)
		typ.Scale = int(scale) % (typ.Precision + 1)
		v, ok := hivetype.ParseValue(s, typ)
		w, okLong := hivetype.ParseValue(s+"e0", typ)
		if strings.ContainsAny(s, "eE") {
			return
		}
		if ok != okLong || hivetype.Compare(v, w, typ) != 0 {
			t.Fatalf("%s %q: %v, %v and %v, %v", typ, s, v, ok, w, okLong)
		}
	})
}

func BenchmarkParseValue(b *testing.B) {
	for _, c := range []struct{ typ, text string }{
		{"int", "123456"}, {"double", "1234.5678"}, {"decimal(10,2)", "1234.56"}, {"timestamp", "2020-01-05 10:11:12"},
	} {
		typ, err := hivetype.Parse(c.typ)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.typ, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				hivetype.ParseValue(c.text, typ)
			}
		})
	}
}
