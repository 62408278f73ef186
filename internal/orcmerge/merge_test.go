package orcmerge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/cockroachdb/datadriven"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/skepdata/skep/hiveql/formats"
	"github.com/skepdata/skep/hiveql/orc"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/orcfile"
)

// TestGolden merges files that it makes of rows, and of which it changes what they say of themselves.
func TestGolden(t *testing.T) {
	datadriven.Walk(t, "testdata/golden", func(t *testing.T, path string) {
		files := map[string][]byte{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			name := d.CmdArgs[0].Key
			switch d.Cmd {
			case "file": // name schema=struct<...> codec=... stripe=..., and rows, their values separated by bars
				files[name] = fileOf(t, d)
				return ""
			case "change": // name from=... and what the end is to say instead
				files[name] = changed(t, d, files[argument(d, "from")])
				return ""
			case "merge": // names
				var list []Input
				for _, a := range d.CmdArgs {
					if _, ok := files[a.Key]; !ok {
						d.Fatalf(t, "there is no %s", a.Key)
					}
					list = append(list, input(a.Key, files[a.Key]))
				}
				return merged(t, list)
			}
			d.Fatalf(t, "unknown command %s", d.Cmd)
			return ""
		})
	})
}

func argument(d *datadriven.TestData, key string) string {
	for _, a := range d.CmdArgs {
		if a.Key == key {
			return strings.Join(a.Vals, ",")
		}
	}
	return ""
}

func fileOf(t *testing.T, d *datadriven.TestData) []byte {
	schema, err := hivetype.Parse(argument(d, "schema"))
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]hivetype.Value
	for line := range strings.Lines(d.Input) {
		var row []hivetype.Value
		for i, text := range strings.Split(strings.TrimSuffix(line, "\n"), "|") {
			v, ok := hivetype.ParseValue(text, schema.Fields[i].Type)
			if text == "NULL" {
				v, ok = nil, true
			}
			if !ok {
				t.Fatalf("%s: %q is no %s", d.Pos, text, schema.Fields[i].Type)
			}
			row = append(row, v)
		}
		rows = append(rows, row)
	}
	o := orc.WriterOptions{Codec: argument(d, "codec"), Stripe: orc.DefaultStripe}
	return written(t, schema, rows, o)
}

func written(tb testing.TB, schema hivetype.Type, rows [][]hivetype.Value, o orc.WriterOptions) []byte {
	tb.Helper()
	var fields []formats.Field
	for _, f := range schema.Fields {
		fields = append(fields, formats.Field{Name: f.Name, Type: f.Type})
	}
	var out bytes.Buffer
	w, err := orc.NewWriter(fields, &out, o)
	if err != nil {
		tb.Fatal(err)
	}
	for _, row := range rows {
		if err := w.Write(row); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// changed is a file whose end says something else.
func changed(t *testing.T, d *datadriven.TestData, file []byte) []byte {
	in := input("", file)
	tail, err := orcfile.Read(in.read, in.Size)
	if err != nil {
		t.Fatal(err)
	}
	f, statistics := tail.Footer, file[tail.MetadataStart:tail.Start]
	for _, a := range d.CmdArgs[2:] {
		n := uint64(0)
		if len(a.Vals) > 0 {
			_, _ = fmt.Sscan(a.Vals[0], &n) // of some it is a word
		}
		switch a.Key {
		case "writer":
			f.Writer = n
		case "writerversion":
			tail.WriterVersion = n
		case "version":
			tail.Version = []uint32{0, uint32(n)}
		case "calendar":
			f.Calendar = n
		case "stride":
			f.Stride = n
		case "chunk":
			tail.Block = int(n)
		case "software":
			f.Software = a.Vals[0]
		case "metadata":
			f.Metadata = append(f.Metadata, orcfile.Pair{Name: a.Vals[0], Value: a.Vals[1]})
		case "attribute":
			f.Types[1].Attributes = append(f.Types[1].Attributes, orcfile.Pair{Name: a.Vals[0], Value: a.Vals[1]})
		case "encrypted":
			f.Others = orcfile.Message(nil).Bytes(10, nil)
		case "unknown":
			f.Others = orcfile.Message(nil).Bytes(99, []byte(a.Vals[0]))
		case "nostatistics":
			f.Statistics = nil
		case "nostripestatistics":
			statistics = nil
		case "integers": // least, most, and sum of column 1, which has one value
			var numbers [3]int64
			for i, v := range a.Vals {
				_, _ = fmt.Sscan(v, &numbers[i])
			}
			m := orcfile.Message(nil).Signed(1, numbers[0]).Signed(2, numbers[1]).Signed(3, numbers[2])
			f.Statistics[1] = orcfile.Message(nil).Number(1, 1).Bytes(2, m).Number(10, 0)
		default:
			t.Fatalf("%s: unknown change %s", d.Pos, a.Key)
		}
	}
	var encode *orcfile.Encoder
	if tail.Codec != orcfile.CodecNone {
		encode = &orcfile.Encoder{Codec: tail.Codec}
	}
	out, err := orcfile.AppendEnd(slices.Clone(file[:tail.MetadataStart]), tail.MetadataStart, tail.Postscript, f, statistics, encode)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func input(name string, b []byte) Input {
	return Input{Name: name, Size: int64(len(b)), ReaderAt: bytes.NewReader(b)}
}

// merged is what is to be known of the output of a merge: its rows, and what its end says.
func merged(t *testing.T, list []Input) string {
	var out bytes.Buffer
	stats, err := Merge(t.Context(), &out, list)
	kinds := map[string]bool{}
	for _, in := range list {
		if kind, err := Look(in); err == nil && in.Size > 0 {
			kinds[kind] = true
		}
	}
	if err != nil {
		if len(kinds) == 1 && len(list) > 1 && !errors.Is(err, orcfile.ErrUnsupported) {
			t.Error("Look takes them for files that can be merged")
		}
		return "error: " + err.Error() + "\n"
	}
	if stats.Bytes != int64(out.Len()) || stats.Files != len(list) {
		t.Errorf("%+v for %d bytes", stats, out.Len())
	}
	if out.Len() == 0 {
		return "no bytes\n"
	}
	var b strings.Builder
	in := input("", out.Bytes())
	tail, err := orcfile.Read(in.read, in.Size)
	if err != nil {
		t.Fatal(err)
	}
	f := tail.Footer
	fmt.Fprintf(&b, "%v rows in %d stripes, %s, chunks of %d, %s, stride %d\n", f.Rows, len(f.Stripes), tail.Codec, tail.Block,
		strings.ReplaceAll(fmt.Sprint(tail.Version), " ", "."), f.Stride)
	for _, p := range f.Metadata {
		fmt.Fprintf(&b, "%s=%s\n", p.Name, p.Value)
	}
	fmt.Fprintf(&b, "software %q, unknown fields %q\n", f.Software, f.Others)
	for i, s := range f.Statistics {
		fmt.Fprintf(&b, "column %d: %s\n", i, readable(s))
	}
	all, err := tail.StripeStatistics(in.read)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range all {
		fmt.Fprintf(&b, "stripe %d, column 1: %s\n", i, readable(s[1]))
	}
	for _, row := range rowsOf(t, out.Bytes()) {
		b.WriteString(row + "\n")
	}
	return b.String()
}

// readable shows the statistics of a column.
func readable(m []byte) string {
	var list []string
	_ = orcfile.Fields(m, func(f orcfile.Field) error {
		switch f.Number {
		case 1:
			list = append(list, fmt.Sprintf("%d values", f.N))
		case 10:
			list = append(list, map[uint64]string{0: "no NULL", 1: "NULL"}[f.N])
		case 11:
			list = append(list, fmt.Sprintf("%d bytes on disk", f.N))
		default:
			list = append(list, readableValues(f))
		}
		return nil
	})
	return strings.Join(list, ", ")
}

func readableValues(kind orcfile.Field) string {
	words := strings.Fields("- - int double text true decimal date binary timestamp - - collection")[kind.Number]
	_ = orcfile.Fields(kind.Bytes, func(f orcfile.Field) error {
		v := any(protowire.DecodeZigZag(f.N))
		switch {
		case f.Bytes != nil:
			v = fmt.Sprintf("%q", f.Bytes)
		case kind.Number == 3:
			v = math.Float64frombits(f.N)
		case kind.Number == 9 && f.Number > 4 || kind.Number == 12:
			v = f.N
		}
		words += fmt.Sprintf(" %d:%v", f.Number, v)
		return nil
	})
	return words
}

// rowsOf reads a file by package orc.
func rowsOf(tb testing.TB, file []byte) []string {
	tb.Helper()
	read := func(_ context.Context, p []byte, off int64) error {
		_, err := bytes.NewReader(file).ReadAt(p, off)
		return err
	}
	f, err := orc.Open(tb.Context(), read, int64(len(file)))
	if err != nil {
		tb.Fatal(err)
	}
	o := orc.Options{Rows: 1000}
	for i := range f.Columns() {
		o.Columns = append(o.Columns, i)
	}
	r, err := f.Reader(o)
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Close()
	var rows []string
	for {
		batch, err := r.Next(tb.Context())
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			tb.Fatal(err)
		}
		rows = append(rows, rowsIn(batch)...)
		batch.Release()
	}
}

func rowsIn(batch arrow.RecordBatch) (rows []string) {
	for i := range int(batch.NumRows()) {
		values := make([]string, batch.NumCols())
		for c := range values {
			values[c] = batch.Column(c).ValueStr(i)
		}
		rows = append(rows, strings.Join(values, "|"))
	}
	return rows
}
