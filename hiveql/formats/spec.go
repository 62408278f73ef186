package formats

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/skepdata/skep/hivetype"
)

// ErrUnsupported is wrapped by errors about formats and options that Hive has and this package
// has not; the message names them.
var ErrUnsupported = errors.New("not supported")

// Kind is a text format.
type Kind uint8

// The formats, by the SerDe that defines them.
const (
	LazySimple Kind = iota + 1 // fields between single bytes, \N for NULL
	OpenCSV                    // quoted fields, all of them strings
	JSON                       // one JSON object a line
)

// String is the name of the SerDe.
func (k Kind) String() string {
	switch k {
	case LazySimple:
		return "LazySimpleSerDe"
	case OpenCSV:
		return "OpenCSVSerde"
	case JSON:
		return "JsonSerDe"
	}
	return "format " + strconv.Itoa(int(k))
}

// Field is a column of the files: all columns of a table but the partition keys, in order.
type Field struct {
	Name string
	Type hivetype.Type
}

// Spec says how the files of a table or partition are written.
type Spec struct {
	Kind   Kind
	Params map[string]string // SerDe parameters, such as field.delim
	Table  map[string]string // table properties, such as skip.header.line.count
	// Allocator provides the memory of the batches; nil means Go's heap.
	Allocator memory.Allocator
}

// Reader reads the rows of one file. It is for one goroutine at a time.
type Reader interface {
	// Next returns the next batch, of at least one row, which the caller releases. The error
	// behind the last batch is io.EOF.
	Next() (arrow.RecordBatch, error)
	// Close releases what the reader holds. It does not close the stream below.
	Close() error
}

// Writer writes rows to one file. It is for one goroutine at a time.
type Writer interface {
	// Write writes one row, with a value for every field in order, held in Go as package
	// hivetype says. The row may be used again afterwards.
	Write(row []hivetype.Value) error
	// Close writes what is still buffered. It does not close the stream below.
	Close() error
}

// SpecOf finds the format of files by the class names Hive knows it by; packages do not matter,
// since classes moved between them. Classes that are not supported are an error that wraps
// ErrUnsupported and names the class.
func SpecOf(inputFormat, serdeClass string, serdeParams, tableParams map[string]string) (Spec, error) {
	s := Spec{Params: serdeParams, Table: tableParams}
	switch className(inputFormat) {
	case "TextInputFormat", "":
	default:
		return s, fmt.Errorf("the input format %s is %w yet", inputFormat, ErrUnsupported)
	}
	switch className(serdeClass) {
	case "LazySimpleSerDe", "":
		s.Kind = LazySimple
	case "OpenCSVSerde":
		s.Kind = OpenCSV
	case "JsonSerDe":
		s.Kind = JSON
	default:
		return s, fmt.Errorf("the SerDe %s is %w yet", serdeClass, ErrUnsupported)
	}
	if formats := s.param("timestamp.formats"); formats != "" {
		return s, fmt.Errorf("the SerDe property timestamp.formats is %w yet", ErrUnsupported)
	}
	return s, nil
}

func className(class string) string { return class[strings.LastIndexByte(class, '.')+1:] }

// lookUp finds a property of the SerDe or of the table; the table's wins, as in Hive.
func (s *Spec) lookUp(key string) (string, bool) {
	if v, ok := s.Table[key]; ok {
		return v, true
	}
	v, ok := s.Params[key]
	return v, ok
}

func (s *Spec) param(key string) string {
	v, _ := s.lookUp(key)
	return v
}

// count is a property that is a number of lines.
func (s *Spec) count(key string) (int, error) {
	text := s.param(key)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 0 || n > maxFooter {
		return 0, fmt.Errorf("the table property %s=%q is not a number of lines from 0 to %d", key, text, maxFooter)
	}
	return n, nil
}

// byteOf is a property that is a single byte: a character, or the byte's decimal number.
func (s *Spec) byteOf(key string, missing byte) byte {
	text := s.param(key)
	if text == "" {
		return missing
	}
	if n, err := strconv.ParseInt(text, 10, 8); err == nil {
		return byte(n)
	}
	return byte([]rune(text)[0])
}

// NewReader reads the file r, which is not compressed. The batches have the columns of fields
// that projection lists, in its order, and up to batchRows rows; a projection of no columns
// counts rows.
func NewReader(spec Spec, fields []Field, projection []int, r io.Reader, batchRows int) (Reader, error) {
	b, err := newBatch(spec.Allocator, fields, projection, batchRows)
	if err != nil {
		return nil, err
	}
	lines, err := newLines(&spec, r)
	if err != nil {
		b.release()
		return nil, err
	}
	t := &textReader{lines: lines, batch: b}
	switch spec.Kind {
	case LazySimple:
		t.row = newLazyRow(&spec, b)
	case OpenCSV:
		t.row = newCSVRow(&spec, b)
	case JSON:
		t.row = newJSONRow(&spec, b)
	default:
		b.release()
		return nil, fmt.Errorf("%s is %w yet", spec.Kind, ErrUnsupported)
	}
	return t, nil
}

// NewWriter writes a file to w, in the form that NewReader with the same spec reads.
func NewWriter(spec Spec, fields []Field, w io.Writer) (Writer, error) {
	for _, f := range fields {
		if err := supported(f.Type); err != nil {
			return nil, fmt.Errorf("column %s: %w", f.Name, err)
		}
	}
	spec.Params, spec.Table = maps.Clone(spec.Params), maps.Clone(spec.Table)
	t := &textWriter{w: w, fields: fields}
	switch spec.Kind {
	case LazySimple:
		t.row = newLazyFormat(&spec)
	case OpenCSV:
		t.row = newCSVFormat(&spec)
	case JSON:
		t.row = jsonFormat{}
	default:
		return nil, fmt.Errorf("%s is %w yet", spec.Kind, ErrUnsupported)
	}
	return t, nil
}
