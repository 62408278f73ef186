package footer_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/skepdata/skep/hiveql/footer"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/thrift"
)

// described is a footer of one column of one row group, of six rows, two of which are NULL, with pages
// at byte 0: a dictionary of dictionary bytes and then data.
func described(t testing.TB, physical, codec int32, dictionary, size, distinct int64) *footer.File {
	t.Helper()
	meta := thrift.Fields{{ID: 4, Type: thrift.I32, Value: codec}, {ID: 5, Type: thrift.I64, Value: int64(6)}, {ID: 7, Type: thrift.I64, Value: size},
		{ID: 9, Type: thrift.I64, Value: 4 + dictionary}, {ID: 11, Type: thrift.I64, Value: int64(4)}}
	stats := thrift.Fields{{ID: 3, Type: thrift.I64, Value: int64(2)}}
	if distinct >= 0 {
		stats = append(stats, thrift.Field{ID: 4, Type: thrift.I64, Value: distinct})
	}
	meta = append(meta, thrift.Field{ID: 12, Type: thrift.Struct, Value: stats})
	column := thrift.Fields{{ID: 1, Type: thrift.I32, Value: physical}, {ID: 3, Type: thrift.I32, Value: int32(1)}, {ID: 4, Type: thrift.String, Value: []byte("a")}}
	if physical == 6 {
		column = append(column, thrift.Field{ID: 6, Type: thrift.I32, Value: int32(0)})
	}
	root := thrift.Fields{{ID: 4, Type: thrift.String, Value: []byte("root")}, {ID: 5, Type: thrift.I32, Value: int32(1)}}
	group := thrift.Fields{{ID: 1, Type: thrift.List, Value: thrift.Items{Type: thrift.Struct, Values: []thrift.Value{
		thrift.Fields{{ID: 3, Type: thrift.Struct, Value: meta}}}}}, {ID: 3, Type: thrift.I64, Value: int64(6)}}
	b, err := thrift.Marshal(thrift.Fields{
		{ID: 2, Type: thrift.List, Value: thrift.Items{Type: thrift.Struct, Values: []thrift.Value{root, column}}}, {ID: 3, Type: thrift.I64, Value: int64(6)},
		{ID: 4, Type: thrift.List, Value: thrift.Items{Type: thrift.Struct, Values: []thrift.Value{group}}},
	}, thrift.Compact)
	if err != nil {
		t.Fatal(err)
	}
	f, err := footer.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// page is a page that is not compressed: of data where field is 5, a dictionary where it is 7.
func page(t testing.TB, field int16, values int32, body []byte) []byte {
	t.Helper()
	kind := map[int16]int32{5: 0, 7: 2}[field]
	b, err := thrift.Marshal(thrift.Fields{
		{ID: 1, Type: thrift.I32, Value: kind}, {ID: 2, Type: thrift.I32, Value: int32(len(body))}, {ID: 3, Type: thrift.I32, Value: int32(len(body))},
		{ID: field, Type: thrift.Struct, Value: thrift.Fields{{ID: 1, Type: thrift.I32, Value: values}, {ID: 2, Type: thrift.I32, Value: int32(0)}}},
	}, thrift.Compact)
	if err != nil {
		t.Fatal(err)
	}
	return append(b, body...)
}

// listed are values as they come.
type listed []string

func (l *listed) AddLong(n int64)     { *l = append(*l, fmt.Sprint(n)) }
func (l *listed) AddDouble(f float64) { *l = append(*l, fmt.Sprint(f)) }
func (l *listed) AddText(p []byte)    { *l = append(*l, string(p)) }

var (
	twoNumbers = append(int64Bytes(-3), int64Bytes(5)...)
	twoTexts   = []byte("\x02\x00\x00\x00ab\x00\x00\x00\x00")
	levels     = []byte("\x02\x00\x00\x00\x0c\x01")
)

// TestPages: the values of dictionaries and of plain pages, and what is said of damaged ones.
func TestPages(t *testing.T) {
	bigint, text := hivetype.Of(hivetype.BigInt), hivetype.Of(hivetype.String)
	for name, c := range map[string]struct {
		physical int32
		as       hivetype.Type
		distinct int64
		file     []byte
		want     string // "" is not known
		fails    bool
	}{
		"numbers":           {2, bigint, 2, page(t, 7, 2, twoNumbers), "[-3 5]", false},
		"texts":             {6, text, 2, page(t, 7, 2, twoTexts), "[ab ]", false},
		"other type":        {2, text, 2, page(t, 7, 2, twoNumbers), "", false},
		"other number":      {2, bigint, 3, page(t, 7, 2, twoNumbers), "", false},
		"no dictionary":     {2, bigint, 2, page(t, 5, 2, twoNumbers), "", false},
		"one too few":       {2, bigint, 2, page(t, 7, 2, twoNumbers[:8]), "", true},
		"half a number":     {2, bigint, 2, page(t, 7, 2, twoNumbers[:12]), "", true},
		"half a text":       {6, text, 2, page(t, 7, 2, twoTexts[:9]), "", true},
		"cut off":           {2, bigint, 2, page(t, 7, 2, twoNumbers)[:20], "", true},
		"plain":             {2, bigint, -1, page(t, 5, 6, slices.Concat(levels, twoNumbers, twoNumbers)), "[-3 5 -3 5]", false},
		"two pages":         {2, bigint, -1, append(page(t, 5, 3, slices.Concat(levels, twoNumbers)), page(t, 5, 3, slices.Concat(levels, twoNumbers))...), "[-3 5 -3 5]", false},
		"a value too few":   {2, bigint, -1, page(t, 5, 6, slices.Concat(levels, twoNumbers)), "", true},
		"levels too long":   {2, bigint, -1, page(t, 5, 6, []byte("\xff\xff\x00\x00")), "", true},
		"nothing but texts": {6, text, -1, page(t, 5, 6, slices.Concat(levels, twoTexts, twoTexts)), "[ab  ab ]", false},
	} {
		t.Run(name, func(t *testing.T) {
			dictionary := int64(0)
			if c.distinct >= 0 {
				dictionary = int64(len(c.file))
			}
			f := described(t, c.physical, 0, dictionary, int64(len(c.file)), c.distinct)
			if got := f.Columns[0].Distinct(&f.Groups[0]); got != c.distinct {
				t.Errorf("%d different values, want %d", got, c.distinct)
			}
			var pages footer.Pages
			defer pages.Close()
			read := pages.Plain
			if c.distinct >= 0 {
				read = pages.Dictionary
			}
			var got listed
			ok, err := read(bytes.NewReader(append([]byte("PAR1"), c.file...)), &f.Columns[0], &f.Groups[0], c.as, &got)
			if (err != nil) != c.fails || ok != (c.want != "") || ok && fmt.Sprint(got) != c.want {
				t.Errorf("%v, %v, %v; want %s", got, ok, err, c.want)
			}
		})
	}
}

// FuzzPages: no pages make reading fail otherwise than by an error, whatever they are compressed with.
func FuzzPages(f *testing.F) {
	for _, codec := range []byte{0, 1, 2, 6, 7} {
		f.Add(codec, true, page(f, 7, 2, twoNumbers))
		f.Add(codec, false, page(f, 5, 6, slices.Concat(levels, twoNumbers, twoNumbers)))
	}
	f.Fuzz(func(t *testing.T, codec byte, text bool, b []byte) {
		physical, as := int32(2), hivetype.Of(hivetype.BigInt)
		if text {
			physical, as = 6, hivetype.Of(hivetype.String)
		}
		var pages footer.Pages
		defer pages.Close()
		in := bytes.NewReader(binary.LittleEndian.AppendUint32(append([]byte("PAR1"), b...), 0))
		size := int64(len(b))
		dictionary := described(t, physical, int32(codec), size, size, 2)
		var got listed
		if ok, err := pages.Dictionary(in, &dictionary.Columns[0], &dictionary.Groups[0], as, &got); ok && (err != nil || len(got) != 2) {
			t.Errorf("%q, %v", got, err)
		}
		plain := described(t, physical, int32(codec), 0, size, -1)
		got = nil
		if ok, err := pages.Plain(in, &plain.Columns[0], &plain.Groups[0], as, &got); ok && (err != nil || len(got) != 4) {
			t.Errorf("%q, %v", got, err)
		}
	})
}
