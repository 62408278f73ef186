package formats_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/skepdata/skep/hiveql/formats"
	"github.com/skepdata/skep/hivetype"
)

const orcColumns = "columns id bigint, small tinyint, wide bigint, spiky bigint, word string, text string, half double, third float, " +
	"yes boolean, day date, at timestamp, money decimal(18,2), big decimal(38,0), list array<int>, map map<string,double>, " +
	"st struct<x:int,tags:array<string>>\n"

// orcRows prints the rows of an ORC file, read in batches of so many.
func orcRows(t testing.TB, tab table, data []byte, rows int) string {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	tab.spec.Allocator = mem
	r, err := formats.NewORCReader(tab.spec, tab.fields, tab.projection, bytes.NewReader(data), int64(len(data)), rows)
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	defer r.Close()
	var b strings.Builder
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			return b.String() + "error: " + err.Error() + "\n"
		}
		writeRows(&b, rec)
		rec.Release()
	}
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata/orc", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestORCOfOthers reads files that ORC's C++ library has written, and wants what is in the JSON
// beside them, which that library has read again.
func TestORCOfOthers(t *testing.T) {
	tab, _ := parseTable(t, "json", orcColumns)
	tab.spec.ByName = true // the files have a column more
	for file, known := range map[string]string{"zlib": "zlib", "zstd": "zlib", "snappy": "zlib", "lz4": "zlib", "plain": "plain"} {
		want := readWith(t, tab, bytes.NewReader(readFile(t, known+".json")), 64)
		for _, rows := range []int{1, 7, 1024} {
			got := orcRows(t, tab, readFile(t, file+".orc"), rows)
			lines := strings.Count(got, "\n")
			if lines < 5 || got != strings.Join(strings.SplitAfter(want, "\n")[:lines], "") {
				t.Errorf("%s in batches of %d:\n%s", file, rows, firstDifference(got, want))
			}
		}
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			return "got  " + g[i] + "\nwant " + strings.Join(w[i:min(i+1, len(w))], "")
		}
	}
	return "too few rows"
}

// writtenORC writes rows as an ORC file.
func writtenORC(t testing.TB, spec formats.Spec, fields []formats.Field, rows ...[]hivetype.Value) []byte {
	t.Helper()
	var out bytes.Buffer
	spec.In = formats.ORCFile
	w, err := formats.NewWriter(spec, fields, &out)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestORCAgain writes what other files hold, and reads it back, in every compression.
func TestORCAgain(t *testing.T) {
	fields, row := nestedTable()
	nulls := make([]hivetype.Value, len(row))
	for name, add := range map[string]struct {
		t hivetype.Type
		v hivetype.Value
	}{
		"yes": {hivetype.Of(hivetype.Boolean), true}, "tiny": {hivetype.Of(hivetype.TinyInt), int64(-128)},
		"long": {hivetype.Of(hivetype.BigInt), int64(math.MinInt64)}, "day": {hivetype.Of(hivetype.Date), time.Date(2, 1, 1, 0, 0, 0, 0, time.UTC)},
		"single": {hivetype.Of(hivetype.Float), float32(0.1)}, "char": {hivetype.CharOf(5), "ab"},
		"old":    {hivetype.Of(hivetype.Timestamp), time.Date(1, 2, 3, 4, 5, 6, 7000, time.UTC)},
		"digits": {hivetype.DecimalOf(38, 0), hivetype.Dec{Unscaled: new(big.Int).Neg(new(big.Int).Exp(big.NewInt(10), big.NewInt(37), nil))}},
	} {
		fields = append(fields, formats.Field{Name: name, Type: add.t})
		row, nulls = append(row, add.v), append(nulls, nil)
	}
	tab := table{fields: fields}
	for i := range fields {
		tab.projection = append(tab.projection, i)
	}
	var text bytes.Buffer
	w, err := formats.NewWriter(formats.Spec{Kind: formats.JSON}, fields, &text)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]hivetype.Value
	for i := range 3000 {
		r := row
		if i%5 == 2 {
			r = nulls
		}
		rows = append(rows, r)
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	tab.spec.Kind = formats.JSON
	want := readWith(t, tab, &text, 64)
	for _, codec := range []string{"", "zlib", "SNAPPY", "LZ4", "ZSTD", "NONE"} {
		spec := formats.Spec{Table: map[string]string{"orc.compress": codec, "orc.stripe.size": "100000"}}
		if got := orcRows(t, tab, writtenORC(t, spec, fields, rows...), 1000); got != want {
			t.Errorf("%s: %s", codec, firstDifference(got, want))
		}
	}
	if got := orcRows(t, tab, writtenORC(t, formats.Spec{}, fields), 10); got != "" {
		t.Errorf("no rows: %s", got)
	}
}

func TestORCErrors(t *testing.T) {
	fields := []formats.Field{{Name: "a", Type: hivetype.Of(hivetype.Int)}}
	for property, want := range map[string]string{"orc.compress": "orc.compress=X is not supported yet", "orc.stripe.size": `orc.stripe.size="x" is not a number`} {
		w, err := formats.NewWriter(formats.Spec{In: formats.ORCFile, Table: map[string]string{property: "x"}}, fields, io.Discard)
		if w != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", property, w, err)
		}
	}
	for data, want := range map[string]string{"ORC": "damaged", strings.Repeat("x", 300): "damaged", "ORC\x00\x03": "damaged"} {
		if got := orcRows(t, table{fields: fields, projection: []int{0}}, []byte(data), 2); !strings.HasPrefix(got, "error: ") || !strings.Contains(got, want) {
			t.Errorf("%q: %s", data, got)
		}
	}
}

// TestORCLastSecond: times in the second before 1970 come back, and not a second later.
func TestORCLastSecond(t *testing.T) {
	fields := []formats.Field{{Name: "t", Type: hivetype.Of(hivetype.Timestamp)}}
	at := time.Date(1969, 12, 31, 23, 59, 59, 500_000_000, time.UTC)
	data := writtenORC(t, formats.Spec{}, fields, []hivetype.Value{at}, []hivetype.Value{at.Add(time.Second)}, []hivetype.Value{at.Add(-time.Second)},
		[]hivetype.Value{at.Add(-499_999_999)}, []hivetype.Value{at.Add(time.Hour)})
	const want = "1969-12-31T23:59:59.5Z\n1970-01-01T00:00:00.5Z\n1969-12-31T23:59:58.5Z\n1969-12-31T23:59:59Z\n1970-01-01T00:59:59.5Z\n"
	if got := orcRows(t, table{fields: fields, projection: []int{0}}, data, 2); got != want {
		t.Errorf("got\n%s", got)
	}
}

// TestORCOtherTypes reads columns as types that a table has got since.
func TestORCOtherTypes(t *testing.T) {
	value := func(typ, text string) (formats.Field, hivetype.Value) {
		ht, err := hivetype.Parse(typ)
		if err != nil {
			t.Fatal(err)
		}
		v, ok := hivetype.ParseValue(text, ht)
		if !ok {
			t.Fatalf("%s is no %s", text, typ)
		}
		return formats.Field{Name: "c", Type: ht}, v
	}
	for _, c := range []struct{ from, text, to, want string }{
		{"int", "300", "bigint", "300"}, {"int", "300", "tinyint", "NULL"}, {"int", "300", "string", `"300"`},
		{"int", "300", "double", "300"}, {"int", "300", "decimal(5,1)", "300"}, {"double", "2.9", "int", "2"},
		{"double", "1e300", "bigint", "NULL"}, {"double", "2.5", "float", "2.5"}, {"string", "12", "int", "12"},
		{"string", "x", "int", "NULL"}, {"string", "2024-02-29", "date", "2024-02-29"}, {"string", "abcd", "varchar(2)", `"ab"`},
		{"decimal(5,2)", "-1.25", "decimal(5,1)", "-1.3"}, {"decimal(5,2)", "-1.25", "int", "-1"}, {"decimal(5,2)", "1.50", "string", `"1.50"`},
		{"boolean", "true", "string", `"TRUE"`}, {"boolean", "true", "int", "1"}, {"date", "2024-02-29", "timestamp", "2024-02-29T00:00:00Z"},
		{"timestamp", "1969-12-31 23:00:00", "date", "1969-12-31"}, {"timestamp", "2024-02-29 01:02:03.5", "string", `"2024-02-29 01:02:03.5"`},
		{"string", "hi", "binary", "aGk="}, {"int", "5", "boolean", "true"}, {"array<int>", "5", "array<string>", `["5"]`},
		{"int", "5", "date", "error: column c: a file has the type int, and reading it as date is not supported yet"},
		{"int", "5", "array<int>", "error: column c: a file has another type than array<int>, and reading it as that is not supported yet"},
	} {
		var v hivetype.Value
		f := formats.Field{Name: "c"}
		if c.from == "array<int>" {
			f.Type, v = hivetype.ArrayOf(hivetype.Of(hivetype.Int)), []any{int64(5)}
		} else {
			f, v = value(c.from, c.text)
		}
		data := writtenORC(t, formats.Spec{}, []formats.Field{f}, []hivetype.Value{v})
		var err error
		if f.Type, err = hivetype.Parse(c.to); err != nil {
			t.Fatal(err)
		}
		if got := orcRows(t, table{fields: []formats.Field{f}, projection: []int{0}}, data, 2); got != c.want+"\n" {
			t.Errorf("%s %s as %s is %s not %s", c.from, c.text, c.to, got, c.want)
		}
	}
}

// TestORCColumns finds columns by place, or by name where that is asked for and the file has names; those
// that it lacks are NULL.
func TestORCColumns(t *testing.T) {
	num := hivetype.Of(hivetype.Int)
	row := []hivetype.Value{int64(1), int64(2)}
	named := writtenORC(t, formats.Spec{}, []formats.Field{{Name: "A", Type: num}, {Name: "b", Type: num}}, row)
	nameless := writtenORC(t, formats.Spec{}, []formats.Field{{Name: "_col0", Type: num}, {Name: "_col1", Type: num}}, row)
	fields := []formats.Field{{Name: "b", Type: num}, {Name: "c", Type: num}, {Name: "a", Type: num}}
	tab := table{fields: fields, projection: []int{2, 1, 0, formats.Offset}}
	if got := orcRows(t, tab, named, 5); got != "NULL | 2 | 1 | 0\n" {
		t.Errorf("by place: %s", got)
	}
	tab.spec.ByName = true
	if got := orcRows(t, tab, named, 5); got != "1 | NULL | 2 | 0\n" {
		t.Errorf("by name: %s", got)
	}
	if got := orcRows(t, tab, nameless, 5); got != "NULL | 2 | 1 | 0\n" {
		t.Errorf("without names: %s", got)
	}
	tab.projection = nil
	if got := orcRows(t, tab, named, 5); got != "(a row)\n" {
		t.Errorf("no columns: %s", got)
	}
}

func FuzzORC(f *testing.F) {
	for _, name := range []string{"plain.orc", "zstd.orc"} {
		f.Add(readFile(f, name))
	}
	tab, _ := parseTable(f, "json", orcColumns)
	tab.spec.ByName = true
	f.Fuzz(func(t *testing.T, data []byte) { orcRows(t, tab, data, 100) })
}
