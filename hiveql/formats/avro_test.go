package formats_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/cockroachdb/datadriven"

	"github.com/skepdata/skep/hiveql/formats"
	"github.com/skepdata/skep/hivetype"
)

// avroRow has a value of each type that Avro files can have.
func avroRow() ([]formats.Field, []hivetype.Value) {
	str, num := hivetype.Of(hivetype.String), hivetype.Of(hivetype.Int)
	point := hivetype.StructOf(hivetype.Field{Name: "x", Type: num}, hivetype.Field{Name: "tags", Type: hivetype.ArrayOf(str)})
	either := hivetype.Type{Kind: hivetype.Union, Fields: []hivetype.Field{{Type: num}, {Type: str}, {Type: point}}}
	dec := func(n int64, scale int) hivetype.Dec { return hivetype.Dec{Unscaled: big.NewInt(n), Scale: scale} }
	at := time.Date(1869, 2, 28, 23, 59, 58, 123e6, time.UTC)
	all := []struct {
		t string
		v hivetype.Value
	}{
		{"boolean", true}, {"tinyint", int64(-128)}, {"smallint", int64(-32768)}, {"int", int64(1<<31 - 1)}, {"bigint", int64(-1 << 63)},
		{"float", float32(1.5)}, {"double", -2.5e300}, {"decimal(20,3)", dec(-1234567, 3)}, {"decimal(38,0)", dec(128, 0)},
		{"decimal(5,2)", dec(-128, 2)}, {"string", "tab\t\u2603"}, {"varchar(5)", "abc"}, {"char(5)", "ab   "},
		{"binary", []byte{0, 255}}, {"date", time.Date(1500, 1, 2, 0, 0, 0, 0, time.UTC)}, {"timestamp", at},
		{"array<array<int>>", []any{[]any{int64(1), nil}, nil, []any{}}},
	}
	var fields []formats.Field
	var row []hivetype.Value
	for i, a := range all {
		t, err := hivetype.Parse(a.t)
		if err != nil {
			panic(err)
		}
		fields, row = append(fields, formats.Field{Name: fmt.Sprintf("c%d", i), Type: t}), append(row, a.v)
	}
	fields = append(fields, formats.Field{Name: "m", Type: hivetype.MapOf(str, point)}, formats.Field{Name: "u", Type: either},
		formats.Field{Name: "w", Type: either}, formats.Field{Name: "p", Type: point})
	pt := []any{int64(7), []any{"x", nil}}
	return fields, append(row, []hivetype.Entry{{Key: "a", Value: pt}, {Key: "b", Value: nil}},
		hivetype.Variant{Tag: 1, Value: "one"}, hivetype.Variant{Tag: 2, Value: pt}, pt)
}

func writeAvro(t testing.TB, spec formats.Spec, fields []formats.Field, rows ...[]hivetype.Value) string {
	t.Helper()
	var out bytes.Buffer
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
	return out.String()
}

func avroSpec(params map[string]string) formats.Spec {
	return formats.Spec{Kind: formats.Avro, In: formats.AvroBlocks, Table: params}
}

// TestAvroAgain writes rows in every codec, and reads them back, all columns and one.
func TestAvroAgain(t *testing.T) {
	fields, row := avroRow()
	var projection []int
	for i := range fields {
		projection = append(projection, i)
	}
	nulls := make([]hivetype.Value, len(row))
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	var first string
	for _, codec := range []string{"", "null", "deflate", "snappy", "zstandard", "xz"} {
		spec := avroSpec(map[string]string{formats.AvroCodec: codec})
		spec.Zone = berlin
		file := writeAvro(t, spec, fields, row, nulls, row)
		spec.Zone = nil // the file says it
		got := readAll(t, table{spec: spec, fields: fields, projection: projection}, file)
		if first == "" {
			first = got
		}
		if got != first || strings.Count(got, "\n") != 3 || strings.Count(got, "NULL") != len(row) {
			t.Errorf("%s:\n%s", codec, got)
		}
		if got := readAll(t, table{spec: spec, fields: fields, projection: []int{3}}, file); got != "2147483647\nNULL\n2147483647\n" {
			t.Errorf("%s: one column: %q", codec, got)
		}
		if got := readAll(t, table{spec: spec, fields: fields}, file); strings.Count(got, "\n") != 3 {
			t.Errorf("%s: no columns: %q", codec, got)
		}
	}
	const want = `true | -128 | -32768 | 2147483647 | -9223372036854775808 | 1.5 | -2.5e+300 | -1234.567 | 128 | -1.28 | "tab`
	if !strings.HasPrefix(first, want) || !strings.Contains(first, "1869-02-28T23:59:58.123Z") || !strings.Contains(first, "1500-01-02") {
		t.Errorf("%s", first)
	}
}

// TestAvroErrors: what cannot be written, and files that are damaged.
func TestAvroErrors(t *testing.T) {
	num := hivetype.Of(hivetype.Int)
	one := []formats.Field{{Name: "a", Type: num}}
	for _, c := range []struct {
		fields []formats.Field
		params map[string]string
		row    []hivetype.Value
		want   string
	}{
		{[]formats.Field{{Name: "m", Type: hivetype.MapOf(num, num)}}, nil, nil, "the keys of their maps are strings"},
		{[]formats.Field{{Name: "z", Type: hivetype.Of(hivetype.TimestampLocalTZ)}}, nil, nil, "timestamp with local time zone in Avro files"},
		{one, map[string]string{formats.AvroCodec: "bzip2"}, nil, "writing Avro files of the codec bzip2 is not supported"},
		{one, map[string]string{formats.AvroLiteral: `{"type":"record","name":"r","fields":[{"name":"a","type":"int"}]}`}, []hivetype.Value{nil},
			"column a: it is NULL"},
		{one, map[string]string{formats.AvroLiteral: `{"type":"record","name":"r","fields":[]}`}, nil, "0 fields, and the table has 1 columns"},
		{one, map[string]string{formats.AvroLiteral: `{"type":"record"`}, nil, "this is no Avro schema"},
		{[]formats.Field{{Name: "e", Type: hivetype.Of(hivetype.String)}}, map[string]string{formats.AvroLiteral: `{"type":"record","name":"r","fields":[
			{"name":"e","type":{"type":"enum","name":"E","symbols":["A"]}}]}`}, []hivetype.Value{"B"}, `"B" is none of the symbols`},
		{[]formats.Field{{Name: "f", Type: hivetype.Of(hivetype.Binary)}}, map[string]string{formats.AvroLiteral: `{"type":"record","name":"r","fields":[
			{"name":"f","type":{"type":"fixed","name":"F","size":2}}]}`}, []hivetype.Value{[]byte{1}}, "1 bytes for the Avro type fixed of 2"},
	} {
		w, err := formats.NewWriter(avroSpec(c.params), c.fields, &bytes.Buffer{})
		if err == nil && c.row != nil {
			err = w.Write(c.row)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, not %s", c.fields, err, c.want)
		}
	}
	file := writeAvro(t, avroSpec(nil), one, []hivetype.Value{int64(1)}, []hivetype.Value{int64(2)})
	tab := table{spec: avroSpec(nil), fields: one, projection: []int{0}}
	for damaged, want := range map[string]string{
		file[:len(file)-1]:           "block 1, at byte ",
		file[:len(file)-1] + "x":     "does not end in the mark",
		"PAR1":                       "this is no Avro file",
		strings.Repeat("Obj\x01", 1): "unexpected EOF",
		file + "\x80\x80\x80\x80\x08\x00" + file[len(file)-16:]: "the file is damaged",
	} {
		if got := readAll(t, tab, damaged); !strings.Contains(got, want) {
			t.Errorf("%q: %s, not %s", damaged, got, want)
		}
	}
	if got := readAll(t, tab, ""); got != "" {
		t.Errorf("an empty file: %q", got)
	}
}

// TestAvroOfOthers reads files of fastavro (testdata/avro/fastavro_files.py), and compares them with what it says of them.
func TestAvroOfOthers(t *testing.T) {
	files, err := filepath.Glob("testdata/avro/*.avro")
	if err != nil || len(files) != 6 {
		t.Fatal(files, err)
	}
	var fields []formats.Field
	for _, c := range strings.Split("b boolean, i int, l bigint, f float, d double, s string, y binary, n int, m string, e string, x binary, "+
		"db decimal(20;4), df decimal(20;2), da date, tm timestamp, tu timestamp, lm timestamp, a array<bigint>, o map<string;double>, "+
		"r struct<px:int;py:array<string>>, u uniontype<int;string;struct<px:int;py:array<string>>>, again struct<px:int;py:array<string>>", ", ") {
		name, text, _ := strings.Cut(strings.ReplaceAll(c, ";", ","), " ")
		typ, err := hivetype.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		fields = append(fields, formats.Field{Name: name, Type: typ})
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) { readOthers(t, name, fields) })
	}
}

func readOthers(t *testing.T, name string, fields []formats.Field) {
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(strings.TrimSuffix(name, ".avro") + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(want)), "\n")
	projection := make([]int, len(fields))
	for i := range fields {
		projection[i] = i
	}
	r, err := formats.NewReader(avroSpec(nil), fields, projection, bytes.NewReader(data), 7)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	for at := 0; at < len(lines); {
		b, err := r.Next()
		if err != nil {
			t.Fatal(at, err)
		}
		for i := range int(b.NumRows()) {
			var said map[string]any
			if err := json.Unmarshal([]byte(lines[at]), &said); err != nil {
				t.Fatal(err)
			}
			for c, f := range fields {
				if got := othersShow(b.Column(c), i, f.Type); !reflect.DeepEqual(got, said[f.Name]) {
					t.Errorf("row %d, %s: %#v, not %#v", at, f.Name, got, said[f.Name])
				}
			}
			at++
		}
		b.Release()
	}
}

// othersShow is a value as the script shows it.
func othersShow(a any, i int, t hivetype.Type) any {
	if a.(interface{ IsNull(int) bool }).IsNull(i) {
		return nil
	}
	switch x := a.(type) {
	case *array.Boolean:
		return x.Value(i)
	case *array.Int32:
		return float64(x.Value(i))
	case *array.Int64:
		return float64(x.Value(i))
	case *array.Float32:
		return float64(x.Value(i))
	case *array.Float64:
		return x.Value(i)
	case *array.String:
		return x.Value(i)
	case *array.Binary:
		return hex.EncodeToString(x.Value(i))
	case *array.Decimal128:
		return hivetype.Dec{Unscaled: x.Value(i).BigInt(), Scale: t.Scale}.String()
	case *array.Date32:
		return time.Unix(int64(x.Value(i))*86400, 0).UTC().Format("2006-01-02")
	case *array.Timestamp:
		return time.UnixMicro(int64(x.Value(i))).UTC().Format("2006-01-02 15:04:05.000000")
	case *array.Map:
		m := map[string]any{}
		from, to := x.ValueOffsets(i)
		for j := from; j < to; j++ {
			m[x.Keys().(*array.String).Value(int(j))] = othersShow(x.Items(), int(j), *t.Elem)
		}
		return m
	case *array.List:
		list := []any{}
		from, to := x.ValueOffsets(i)
		for j := from; j < to; j++ {
			list = append(list, othersShow(x.ListValues(), int(j), *t.Elem))
		}
		return list
	case *array.Struct:
		if t.Kind == hivetype.Union {
			tag := x.Field(0).(*array.Int8).Value(i)
			return othersShow(x.Field(int(tag)+1), i, t.Fields[tag].Type)
		}
		m := map[string]any{}
		for j, f := range t.Fields {
			m[f.Name] = othersShow(x.Field(j), i, f.Type)
		}
		return m
	}
	return fmt.Sprintf("%T", a)
}

// TestAvroSchemas reads testdata/avro_schemas:
//
//	columns                                  prints the columns of a schema
//	evolve columns="a int, b string"         reads a file of two rows of the columns "id int, name string, at timestamp",
//	                                         (1, one, 2020-01-01 00:00:00) and NULLs, as the schema, if there is one, or the columns
func TestAvroSchemas(t *testing.T) {
	datadriven.RunTest(t, "testdata/avro_schemas", func(t *testing.T, d *datadriven.TestData) string {
		var b strings.Builder
		cols, err := formats.AvroColumns(d.Input)
		if d.Cmd == "columns" {
			if err != nil {
				return "error: " + err.Error() + "\n"
			}
			for _, c := range cols {
				fmt.Fprintln(&b, strings.TrimSpace(c.Name+" "+c.Type.String()+" "+c.Doc))
			}
			return b.String()
		}
		tab := table{spec: avroSpec(map[string]string{})}
		for _, c := range cols {
			tab.fields = append(tab.fields, c.Field)
		}
		if d.Input != "" {
			tab.spec.Table[formats.AvroLiteral] = d.Input
		} else {
			var text string
			d.ScanArgs(t, "columns", &text)
			for _, c := range strings.Split(text, ";") {
				name, typ, _ := strings.Cut(c, ":")
				ht, err := hivetype.Parse(typ)
				if err != nil {
					t.Fatal(err)
				}
				tab.fields = append(tab.fields, formats.Field{Name: name, Type: ht})
			}
		}
		for i := range tab.fields {
			tab.projection = append(tab.projection, i)
		}
		written := []formats.Field{{Name: "id", Type: hivetype.Of(hivetype.Int)}, {Name: "name", Type: hivetype.Of(hivetype.String)},
			{Name: "at", Type: hivetype.Of(hivetype.Timestamp)}}
		row := []hivetype.Value{int64(1), "one", time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}
		return readAll(t, tab, writeAvro(t, avroSpec(nil), written, row, make([]hivetype.Value, 3)))
	})
}

func FuzzReadAvro(f *testing.F) {
	fields, row := avroRow()
	for _, codec := range []string{"null", "deflate"} {
		f.Add(writeAvro(f, avroSpec(map[string]string{formats.AvroCodec: codec}), fields[:6], row[:6], make([]hivetype.Value, 6)))
	}
	f.Add(writeAvro(f, avroSpec(nil), fields[16:], row[16:]))
	f.Fuzz(func(t *testing.T, data string) {
		for _, some := range [][]formats.Field{fields[:6], fields[16:]} {
			tab := table{spec: avroSpec(nil), fields: some}
			for i := range some {
				tab.projection = append(tab.projection, i)
			}
			readAll(t, tab, data)
		}
	})
}
