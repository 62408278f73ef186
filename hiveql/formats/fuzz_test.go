package formats_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/skepdata/skep/hiveql/formats"
	"github.com/skepdata/skep/hivetype"
)

const fuzzColumns = "columns a string, b int, c array<map<string,int>>, d struct<x:int,Y:array<string>>, " +
	"e map<int,struct<z:date>>, f decimal(10,2), g timestamp, h binary, i varchar(3), j boolean\n"

func fuzzRead(f *testing.F, in formats.Container, kind string, params map[string]string, seeds ...string) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data string) {
		tab, _ := parseTable(t, kind, fuzzColumns)
		tab.spec.Params, tab.spec.In = params, in
		all := readAll(t, tab, data)
		tab.projection = nil
		rows := readAll(t, tab, data)
		if kind != "json" && strings.Count(all, "\n") < strings.Count(rows, "\n") {
			t.Fatalf("%d rows without columns:\n%s", strings.Count(rows, "\n"), all)
		}
	})
}

func FuzzReadLazy(f *testing.F) {
	fuzzRead(f, formats.Lines, "lazy", map[string]string{"field.delim": ",", "collection.delim": "|", "mapkey.delim": ":", "escape.delim": `\`},
		"a,1,k:1|l,1|x,1:2024-01-01,1.5,2024-01-01 00:00:00,YQ==,abcd,true\n", "\\N,\\,\r\n,,|,::|\r", "\xff,\xe2\x98\n\n")
}

func FuzzReadCSV(f *testing.F) {
	fuzzRead(f, formats.Lines, "csv", nil, "a,\"b\",\"c\"\"d\"\n", "\"\\\"\",x\"y\"z, \"q\"\r\n", "\"open\n\n,")
}

func FuzzReadJSON(f *testing.F) {
	fuzzRead(f, formats.Lines, "json", nil, `{"a":"\u2603\n","b":1,"c":[{"k":1}],"d":{"x":1,"y":["z"]},"e":{"1":{"z":"2024-01-01"}}}`+"\n",
		`{"f":1.5,"g":"2024-01-01 00:00:00","h":"YQ==","i":"abcd","j":true}`, "{}\n\n[1]", `{"a":"\ud83d\ude00"}`)
}

func FuzzReadLazyBinary(f *testing.F) {
	fuzzRead(f, formats.Lines, "lazybinary", nil, "\x03\x01a\x05", "\xff\x01a\x05\x00\x00\x00\x07\x01\x01\x00\x00\x00\x04\x01\x03\x01k\x01\x00\x00\x00\x03\x03\x02\x00",
		"\x40\x80\x00\x00\x01\x8e\xfd\x01\n\x20\x01\x02\x09\xc4", "\x04\x7f\xff\xff\xff\x88\x7f\xff\xff\xff\xff\xff\xff\xff")
}

const hadoopNotes = "\x00\x00\x00\x000123456789abcdef"

func FuzzReadSequenceFile(f *testing.F) {
	head := "SEQ\x06\x01K\x19org.apache.hadoop.io.Text"
	fuzzRead(f, formats.SequenceFile, "lazy", nil, head+"\x00\x00"+hadoopNotes+"\x00\x00\x00\x04\x00\x00\x00\x01K\x02a\x01",
		head+"\x01\x01\x0cDefaultCodec"+hadoopNotes+"\xff\xff\xff\xff0123456789abcdef\x01\x00\x00\x00\x00")
}

func FuzzReadRCFile(f *testing.F) {
	fuzzRead(f, formats.RCFile, "lazybinary", nil, "RCF\x01\x00"+hadoopNotes+
		"\xff\xff\xff\xff0123456789abcdef\x00\x00\x00\x0e\x00\x00\x00\x0a\x00\x00\x00\x0a\x02\x01\x01\x02\x01\x00\x01\x01\x02\x01\x00\x07\xbf")
}

// FuzzText: what is read from a file is what package hivetype says.
func FuzzText(f *testing.F) {
	for _, s := range []string{"1", "-128", "1.9", "+7", "-", "", ".", "0.10", "123456789012345678", "-0.0", "99999.995", "1e5", "5.",
		"2024-02-29", "2023-02-29", "2024-1-1", "0000-01-01", "2024-02-29 23:59:59.999999999", "2024-02-29 1:2:3", "1969-12-31 23:59:59.5"} {
		f.Add(s)
	}
	types := []string{"tinyint", "smallint", "int", "bigint", "double", "float", "decimal(10,2)", "decimal(20,0)", "decimal(38,18)",
		"date", "timestamp", "boolean", "varchar(3)", "char(5)"}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsAny(text, "\r\n\x01") || text == `\N` || strings.ToValidUTF8(text, "") != text {
			return
		}
		for _, name := range types {
			typ, err := hivetype.Parse(name)
			if err != nil {
				t.Fatal(err)
			}
			v, ok := fileValue(text, typ)
			want := "NULL"
			if ok {
				want = arrowText(v, typ)
			}
			if got := readOne(t, typ, text); got != want {
				t.Errorf("%q as %s is %s, not %s", text, name, got, want)
			}
		}
	})
}

// fileValue is what a text in a file stands for.
func fileValue(text string, t hivetype.Type) (hivetype.Value, bool) {
	switch t.Kind {
	case hivetype.Timestamp:
		return hivetype.ParseClock(text)
	case hivetype.Decimal:
		text = strings.TrimSpace(text)
	}
	return hivetype.ParseValue(text, t)
}

// arrowText is a value as a column of it would show it.
func arrowText(v hivetype.Value, t hivetype.Type) string {
	switch v := v.(type) {
	case time.Time:
		if t.Kind == hivetype.Date {
			return fmt.Sprint(v.Unix() / 86400)
		}
		return fmt.Sprint(v.Unix()*1e6 + int64(v.Nanosecond()/1000))
	case hivetype.Dec:
		return string(hivetype.AppendText(nil, v, t))
	}
	return fmt.Sprint(v)
}

func readOne(t *testing.T, typ hivetype.Type, text string) string {
	fields := []formats.Field{{Name: "a", Type: typ}}
	r, err := formats.NewReader(formats.Spec{Kind: formats.LazySimple}, fields, []int{0}, strings.NewReader(text+"\n"), 10)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rec, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	if rec.Column(0).IsNull(0) {
		return "NULL"
	}
	switch c := rec.Column(0).(type) {
	case *array.Date32:
		return fmt.Sprint(int64(c.Value(0)))
	case *array.Timestamp:
		return fmt.Sprint(int64(c.Value(0)))
	case *array.Decimal128:
		return c.Value(0).ToString(c.DataType().(*arrow.Decimal128Type).Scale)
	case *array.Float64:
		return fmt.Sprint(c.Value(0))
	case *array.Float32:
		return fmt.Sprint(c.Value(0))
	}
	return rec.Column(0).ValueStr(0)
}

// FuzzDecompress: no file makes a decompressor panic or go on for ever.
func FuzzDecompress(f *testing.F) {
	for suffix, data := range compressed(f) {
		f.Add(suffix, data)
	}
	f.Fuzz(func(t *testing.T, suffix string, data []byte) {
		for _, threads := range []int{1, 3} {
			r, err := formats.Decompress(t.Context(), "part"+suffix, bytes.NewReader(data), threads)
			if err != nil {
				continue
			}
			_, _ = io.CopyN(io.Discard, r, 1<<20)
			_ = r.Close()
		}
	})
}
