package parquetmerge

import (
	"bytes"
	"io"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
)

// FuzzTree decodes any bytes: what decodes comes back from its encoding.
func FuzzTree(f *testing.F) {
	file := write(f, testSchema(), 0, 20, 10, parquet.WithPageIndexEnabled(true))
	footer, _, err := readFooter(input("", file))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(footer)
	f.Add([]byte{0x15, 0x02, 0x19, 0x2c, 0x00, 0x00, 0x00})
	f.Add([]byte{0x1b, 0x01, 0x88, 0x01, 'a', 0x01, 'b', 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, n, err := decodeStruct(b)
		if err != nil {
			return
		}
		encoded := appendValue(nil, &v)
		if len(encoded) > n+2*n { // longer forms become shorter ones
			t.Fatalf("%d bytes became %d", n, len(encoded))
		}
		again, n, err := decodeStruct(encoded)
		if err != nil || n != len(encoded) {
			t.Fatalf("decoding what was encoded: %d of %d bytes, %v", n, len(encoded), err)
		}
		if !bytes.Equal(appendValue(nil, &again), encoded) {
			t.Fatal("encoded another way the second time")
		}
	})
}

// FuzzMerge merges any bytes as a footer behind some data.
func FuzzMerge(f *testing.F) {
	for _, opts := range variants() {
		file := write(f, testSchema(), 0, 20, 10, opts...)
		_, start, err := readFooter(input("", file))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file[:start], file[start:len(file)-trailerSize])
	}
	f.Fuzz(func(t *testing.T, data, footer []byte) {
		b := append([]byte(magic), data...)
		b = append(b, footer...)
		b = append(b, byte(len(footer)), byte(len(footer)>>8), byte(len(footer)>>16), 0)
		b = append(b, magic...)
		var out bytes.Buffer
		if _, err := Merge(t.Context(), &out, inputs(b, b)); err != nil {
			return
		}
		if _, err := Merge(t.Context(), io.Discard, inputs(out.Bytes())); err != nil {
			t.Fatalf("merging what was merged: %v", err)
		}
	})
}
