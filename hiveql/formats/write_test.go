package formats_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/skepdata/skep/hiveql/formats"
	"github.com/skepdata/skep/hivetype"
)

// write reads rows of primitive values separated by '|', in which - is NULL, and writes them.
func write(t testing.TB, tab table, data string) string {
	t.Helper()
	return visible(written(t, tab, data))
}

func written(t testing.TB, tab table, data string) string {
	t.Helper()
	var out bytes.Buffer
	w, err := formats.NewWriter(tab.spec, tab.fields, &out)
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	for _, line := range strings.Split(strings.TrimSuffix(data, "\n"), "\n") {
		var row []hivetype.Value
		for i, text := range strings.Split(line, "|") {
			v, ok := hivetype.ParseValue(text, tab.fields[i].Type)
			if !ok || text == "-" {
				v = nil
			}
			row = append(row, v)
		}
		if err := w.Write(row); err != nil {
			return "error: " + err.Error() + "\n"
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// visible shows control characters.
func visible(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < ' ' && r != '\n' {
			b.WriteString(`\x` + string("0123456789abcdef"[r>>4]) + string("0123456789abcdef"[r&15]))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func nestedTable() ([]formats.Field, []hivetype.Value) {
	str, num := hivetype.Of(hivetype.String), hivetype.Of(hivetype.Int)
	point := hivetype.StructOf(hivetype.Field{Name: "x", Type: num}, hivetype.Field{Name: "tags", Type: hivetype.ArrayOf(str)})
	fields := []formats.Field{
		{Name: "l", Type: hivetype.ArrayOf(hivetype.ArrayOf(num))},
		{Name: "m", Type: hivetype.MapOf(str, point)},
		{Name: "k", Type: hivetype.MapOf(num, str)},
		{Name: "b", Type: hivetype.Of(hivetype.Binary)},
		{Name: "d", Type: hivetype.DecimalOf(20, 3)},
		{Name: "t", Type: hivetype.Of(hivetype.Timestamp)},
		{Name: "f", Type: hivetype.Of(hivetype.Double)},
		{Name: "s", Type: str},
	}
	row := []hivetype.Value{
		[]any{[]any{int64(1), nil}, []any{int64(3)}, nil},
		[]hivetype.Entry{{Key: "a", Value: []any{int64(7), []any{"x", "y"}}}, {Key: "b", Value: nil}},
		[]hivetype.Entry{{Key: int64(1), Value: "one"}},
		[]byte{0, 1, 255, '\n'},
		hivetype.Dec{Unscaled: big.NewInt(-1234567), Scale: 3},
		time.Date(2024, 2, 29, 23, 59, 58, 123456000, time.UTC),
		1.5e300,
		"tab\tquote\" comma, back\\slash \u2603",
	}
	return fields, row
}

// TestLazyBinary writes rows of LazyBinarySerDe that have none of the bytes that end lines, and reads
// them back.
func TestLazyBinary(t *testing.T) {
	fields, row := nestedTable()
	row[3] = []byte{0, 1, 255}
	row[5] = time.Date(1890, 1, 1, 1, 2, 3, 120000, time.UTC)
	spec := formats.Spec{Kind: formats.LazyBinary}
	for _, v := range []int64{0, 1, 127, 128, -112, -113, 255, 256, 65535, -65536, 1 << 40, math.MaxInt64, math.MinInt64} {
		fields = append(fields, formats.Field{Name: fmt.Sprint("n", len(fields)), Type: hivetype.Of(hivetype.BigInt)})
		row = append(row, v)
	}
	for _, s := range []string{"0", "-0.001", "127.5", "128", "-128", "-129", "99999999999999999.999", "-99999999999999999.999"} {
		v, _ := hivetype.ParseValue(s, hivetype.DecimalOf(20, 3))
		fields = append(fields, formats.Field{Name: fmt.Sprint("n", len(fields)), Type: hivetype.DecimalOf(20, 3)})
		row = append(row, v)
	}
	var projection []int
	for i := range fields {
		projection = append(projection, i)
	}
	through := func(spec formats.Spec) string {
		var out bytes.Buffer
		w, err := formats.NewWriter(spec, fields, &out)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range [][]hivetype.Value{row, make([]hivetype.Value, len(row)), row} {
			if err := w.Write(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return readAll(t, table{spec: spec, fields: fields, projection: projection}, out.String())
	}
	want := through(formats.Spec{Kind: formats.JSON})
	if got := through(spec); got != want || strings.Count(got, "NULL") != len(row) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	w, err := formats.NewWriter(spec, fields[:1], &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write([]hivetype.Value{[]any{[]any{int64(10)}}}); err == nil || !strings.Contains(err.Error(), "ends a line") {
		t.Errorf("a row with a newline in it: %v", err)
	}
}

// TestWrittenIsRead writes rows in every format that can hold them and reads them back.
func TestWrittenIsRead(t *testing.T) {
	fields, row := nestedTable()
	nulls := make([]hivetype.Value, len(row))
	specs := map[string]formats.Spec{
		"lazy":    {Kind: formats.LazySimple},
		"escaped": {Kind: formats.LazySimple, Params: map[string]string{"escape.delim": `\`, "field.delim": ",", "collection.delim": "\t"}},
		"json":    {Kind: formats.JSON},
		"values":  {Kind: formats.LazySimple, In: formats.SequenceFile},
		"bytes":   {Kind: formats.LazyBinary, In: formats.SequenceFile},
		"columns": {Kind: formats.LazySimple, In: formats.RCFile},
		"binary":  {Kind: formats.LazyBinary, In: formats.RCFile},
	}
	var first string
	for name, spec := range specs {
		var out bytes.Buffer
		w, err := formats.NewWriter(spec, fields, &out)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range [][]hivetype.Value{row, nulls, row} {
			if err := w.Write(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		projection := []int{0, 1, 2, 3, 4, 5, 6, 7}
		got := readAll(t, table{spec: spec, fields: fields, projection: projection}, out.String())
		if first == "" {
			first = got
		}
		if got != first || strings.Count(got, "\n") != 3 || strings.Count(got, "NULL") != len(row) {
			t.Errorf("%s: %q became\n%s\nnot\n%s", name, out.String(), got, first)
		}
	}
	const want = `[[1,null],[3],null] | `
	if !strings.HasPrefix(first, want) {
		t.Errorf("%s", first)
	}
}

type failingWriter struct{ after int }

func (f *failingWriter) Write(p []byte) (int, error) {
	if f.after -= len(p); f.after < 0 {
		return 0, errors.New("no space left")
	}
	return len(p), nil
}

func TestWriterErrors(t *testing.T) {
	fields := []formats.Field{{Name: "s", Type: hivetype.Of(hivetype.String)}}
	w, err := formats.NewWriter(formats.Spec{Kind: formats.JSON}, fields, &failingWriter{after: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(nil); err == nil {
		t.Error("a row without values was written")
	}
	row := []hivetype.Value{strings.Repeat("x", 10_000)}
	for range 100 {
		if err = w.Write(row); err != nil {
			break
		}
	}
	if err == nil || !reflect.DeepEqual(w.Close(), err) {
		t.Errorf("errors %v and %v", err, w.Close())
	}
}

// Files of other character sets are decoded and encoded; what a set lacks is written as what it has
// in its place.
func TestCharsets(t *testing.T) {
	fields := []formats.Field{{Name: "s", Type: hivetype.Of(hivetype.String)}}
	for _, c := range []struct{ name, text, bytes string }{
		{"ISO8859_1", "é", "\xe9\n"}, {"iso-8859-1", "é", "\xe9\n"}, {"GBK", "中", "\xd6\xd0\n"}, {"Cp1252", "€", "\x80\n"}, {"Shift_JIS", "あ", "\x82\xa0\n"},
	} {
		spec := formats.Spec{Kind: formats.LazySimple, Params: map[string]string{"serialization.encoding": c.name}}
		var out bytes.Buffer
		w, err := formats.NewWriter(spec, fields, &out)
		if err != nil {
			t.Fatal(c.name, err)
		}
		if err := errors.Join(w.Write([]hivetype.Value{c.text}), w.Close()); err != nil {
			t.Fatal(c.name, err)
		}
		if out.String() != c.bytes {
			t.Errorf("%s: wrote %q, want %q", c.name, out.String(), c.bytes)
		}
		r, err := formats.NewReader(spec, fields, []int{0}, strings.NewReader(c.bytes), 10)
		if err != nil {
			t.Fatal(c.name, err)
		}
		rec, err := r.Next()
		if err != nil {
			t.Fatal(c.name, err)
		}
		var b strings.Builder
		writeRows(&b, rec)
		rec.Release()
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), c.text) {
			t.Errorf("%s: read %q, want %q", c.name, b.String(), c.text)
		}
	}
	for _, name := range []string{"UTF-16", "no-such-set"} {
		_, err := formats.SpecOf("", "", map[string]string{"serialization.encoding": name}, nil)
		if !errors.Is(err, formats.ErrUnsupported) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
