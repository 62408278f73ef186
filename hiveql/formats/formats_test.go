package formats_test

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/cockroachdb/datadriven"

	"github.com/skepdata/skep/hiveql/formats"
	"github.com/skepdata/skep/hivetype"
)

// table is what the head of a golden case describes:
//
//	columns a int, b map<string,int>     (types without blanks)
//	project 1, 0
//	serde field.delim=,
//	table skip.header.line.count=1
//	in sequencefile                      (or rcfile; what follows is then one line)
//
// What follows is the file, in which \x01, \n and the like are what they are in Go.
type table struct {
	spec       formats.Spec
	fields     []formats.Field
	projection []int
}

var kinds = map[string]formats.Kind{"lazy": formats.LazySimple, "csv": formats.OpenCSV, "json": formats.JSON,
	"multi": formats.MultiDelimit, "regex": formats.Regex, "lazybinary": formats.LazyBinary}

func parseTable(t testing.TB, kind, input string) (table, string) {
	t.Helper()
	tab := table{spec: formats.Spec{Kind: kinds[kind], Params: map[string]string{}, Table: map[string]string{}}}
	projected := false
	for {
		line, rest, _ := strings.Cut(input, "\n")
		word, args, _ := strings.Cut(line, " ")
		switch word {
		case "columns":
			for _, c := range strings.Split(args, ", ") {
				name, typ, _ := strings.Cut(c, " ")
				ht, err := hivetype.Parse(typ)
				if err != nil {
					t.Fatal(err)
				}
				tab.fields = append(tab.fields, formats.Field{Name: name, Type: ht})
			}
		case "project":
			projected = true
			for _, p := range strings.Fields(strings.ReplaceAll(args, ",", " ")) {
				n, err := strconv.Atoi(p)
				if err != nil {
					t.Fatal(err)
				}
				tab.projection = append(tab.projection, n)
			}
		case "in":
			tab.spec.In = map[string]formats.Container{"sequencefile": formats.SequenceFile, "rcfile": formats.RCFile}[args]
		case "serde", "table":
			key, value, _ := strings.Cut(args, "=")
			if word == "serde" {
				tab.spec.Params[key] = unescape(t, value)
			} else {
				tab.spec.Table[key] = unescape(t, value)
			}
		default:
			if !projected {
				for i := range tab.fields {
					tab.projection = append(tab.projection, i)
				}
			}
			if tab.spec.In != formats.Lines { // which has no lines
				input = strings.ReplaceAll(input, "\n", "")
			}
			return tab, unescape(t, input)
		}
		input = rest
	}
}

func unescape(t testing.TB, s string) string {
	t.Helper()
	var b strings.Builder
	for s != "" {
		r, multi, rest, err := strconv.UnquoteChar(s, 0)
		if err != nil {
			b.WriteByte(s[0])
			s = s[1:]
			continue
		}
		if multi {
			b.WriteRune(r)
		} else {
			b.WriteByte(byte(r))
		}
		s = rest
	}
	return b.String()
}

// TestGolden reads and writes the files in testdata:
//
//	read lazy|csv|json|multi|regex|lazybinary    prints the rows of a file
//	write lazy|csv|json|multi|lazybinary        takes rows of values between '|' and writes them in the format
//	again lazy|lazybinary                       writes such rows, and prints those that are read again
func TestGolden(t *testing.T) {
	datadriven.Walk(t, "testdata/golden", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			tab, data := parseTable(t, d.CmdArgs[0].Key, d.Input)
			switch d.Cmd {
			case "again":
				_, rows, _ := strings.Cut(d.Input, "rows\n")
				return readAll(t, tab, written(t, tab, rows))
			case "read":
				return readAll(t, tab, data)
			case "write":
				return write(t, tab, data)
			}
			t.Fatalf("unknown command %s", d.Cmd)
			return ""
		})
	})
}

// readAll prints the rows, one a line. Reading in batches of any size and from a slow stream
// must give the same rows.
func readAll(t testing.TB, tab table, data string) string {
	t.Helper()
	want := readWith(t, tab, strings.NewReader(data), 64)
	for name, got := range map[string]string{
		"one row a batch":  readWith(t, tab, strings.NewReader(data), 1),
		"one byte a time":  readWith(t, tab, iotest.OneByteReader(strings.NewReader(data)), 3),
		"data with io.EOF": readWith(t, tab, iotest.DataErrReader(strings.NewReader(data)), 64),
	} {
		if got != want && !strings.Contains(want, "error: ") {
			t.Fatalf("%s:\n%s\nnot\n%s", name, got, want)
		}
	}
	return want
}

func readWith(t testing.TB, tab table, r io.Reader, rows int) string {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	tab.spec.Allocator = mem
	reader, err := formats.NewReader(tab.spec, tab.fields, tab.projection, r, rows)
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	defer reader.Close()
	var b strings.Builder
	for {
		rec, err := reader.Next()
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

func writeRows(b *strings.Builder, rec arrow.RecordBatch) {
	for i := range int(rec.NumRows()) {
		if rec.NumCols() == 0 {
			b.WriteString("(a row)")
		}
		for j, c := range rec.Columns() {
			if j > 0 {
				b.WriteString(" | ")
			}
			switch {
			case c.IsNull(i):
				b.WriteString("NULL")
			case c.DataType().ID() == arrow.STRING:
				fmt.Fprintf(b, "%q", c.ValueStr(i))
			default:
				b.WriteString(c.ValueStr(i))
			}
		}
		b.WriteByte('\n')
	}
}

func TestSpecOf(t *testing.T) {
	const text = "org.apache.hadoop.mapred.TextInputFormat"
	good := map[string]formats.Kind{
		"org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe": formats.LazySimple,
		"org.apache.hadoop.hive.serde2.OpenCSVSerde":         formats.OpenCSV,
		"org.apache.hadoop.hive.serde2.JsonSerDe":            formats.JSON,
		"org.apache.hive.hcatalog.data.JsonSerDe":            formats.JSON,
		"org.apache.hadoop.hive.contrib.serde2.RegexSerDe":   formats.Regex,
		"org.apache.hadoop.hive.serde2.MultiDelimitSerDe":    formats.MultiDelimit,
	}
	for class, kind := range good {
		if s, err := formats.SpecOf(text, class, nil, nil); err != nil || s.Kind != kind {
			t.Errorf("%s: %v, %v", class, s.Kind, err)
		}
	}
	bad := []struct{ input, serde, params, want string }{
		{text, "org.apache.hadoop.hive.serde2.avro.AvroSerDe", "", "org.apache.hadoop.hive.serde2.avro.AvroSerDe"},
		{"org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat", "", "", "the SerDe  of Avro files"},
		{"org.apache.iceberg.mr.hive.HiveIcebergInputFormat", "", "", "HiveIcebergInputFormat"},
		{text, "", "timestamp.formats", "timestamp.formats: the letter Q"},
		{text, "", "serialization.encoding", "serialization.encoding=Q"},
	}
	for _, c := range bad {
		_, err := formats.SpecOf(c.input, c.serde, map[string]string{c.params: "Q"}, nil)
		if !errors.Is(err, formats.ErrUnsupported) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: error %v", c.input, c.serde, err)
		}
	}
}

func TestReaderErrors(t *testing.T) {
	fields := []formats.Field{{Name: "a", Type: hivetype.Of(hivetype.Int)}}
	lazy := formats.Spec{Kind: formats.LazySimple}
	interval := []formats.Field{{Name: "i", Type: hivetype.Of(hivetype.IntervalDayTime)}}
	cases := []struct {
		name       string
		spec       formats.Spec
		fields     []formats.Field
		projection []int
		rows       int
		want       string
	}{
		{"no format", formats.Spec{}, fields, []int{0}, 1, "format 0"},
		{"projection", lazy, fields, []int{1}, 1, "no column 1"},
		{"rows", lazy, fields, []int{0}, 0, "batch of 0 rows"},
		{"type", lazy, interval, []int{0}, 1, "column i: the type interval_day_time"},
		{"header", formats.Spec{Kind: formats.LazySimple, Table: map[string]string{"skip.header.line.count": "x"}}, fields, nil, 1,
			`skip.header.line.count="x"`},
	}
	for _, c := range cases {
		_, err := formats.NewReader(c.spec, c.fields, c.projection, strings.NewReader(""), c.rows)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v", c.name, err)
		}
	}
}

// TestStreamErrors: rows read before the stream fails are not taken for the whole file.
func TestStreamErrors(t *testing.T) {
	broken := io.MultiReader(strings.NewReader("1\n2\n"), iotest.ErrReader(errors.New("the disk is gone")))
	r, err := formats.NewReader(formats.Spec{Kind: formats.LazySimple}, []formats.Field{{Name: "a", Type: hivetype.Of(hivetype.Int)}}, []int{0}, broken, 10)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for range 2 {
		if _, err := r.Next(); err == nil || errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "the disk is gone") {
			t.Errorf("error %v", err)
		}
	}
}
