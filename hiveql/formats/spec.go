package formats

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

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
	LazySimple   Kind = iota + 1 // fields between single bytes, \N for NULL
	OpenCSV                      // quoted fields, all of them strings
	JSON                         // one JSON object a line
	MultiDelimit                 // LazySimple, but for fields between strings of any length
	Regex                        // the groups of a regular expression; can only be read
	LazyBinary                   // Hive's own bytes, a row a line
	Avro                         // records in blocks, with their schema
)

// Container is how the rows lie in a file.
type Container uint8

// The containers.
const (
	Lines        Container = iota // a row a line
	SequenceFile                  // the values of one of Hadoop's
	RCFile                        // groups of rows, column by column; of LazySimple and LazyBinary
	AvroBlocks                    // an Avro object container file
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
	case MultiDelimit:
		return "MultiDelimitSerDe"
	case Regex:
		return "RegexSerDe"
	case LazyBinary:
		return "LazyBinarySerDe"
	case Avro:
		return "AvroSerDe"
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
	In     Container
	Params map[string]string // SerDe parameters, such as field.delim
	Table  map[string]string // table properties, such as skip.header.line.count
	// Zone is that of instants in text that names none, such as timestamps with local time
	// zone; nil means UTC.
	Zone *time.Location
	// ShortBooleans says that t, f, 1 and 0 are booleans too, where LazySimpleSerDe reads text.
	ShortBooleans bool
	// AvroClocks says that timestamps of Avro files that do not name the zone of their writer are clocks already.
	AvroClocks bool
	// AvroProleptic says that Avro files that do not say how they count days before 1582 have today's calendar.
	AvroProleptic bool
	// Allocator provides the memory of the batches; nil means Go's heap.
	Allocator memory.Allocator
	// Nanos has timestamps put out as decimals of 128 bits: the microseconds since 1970 in the
	// upper 64 bits, and the nanoseconds behind them in the lower. Otherwise they are Arrow's
	// timestamps in microseconds, and digits behind those are cut off.
	Nanos bool
	// Cut, if not nil, counts the timestamps that are read and lose digits.
	Cut *atomic.Int64
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

// RawSizer is a Writer that knows how many bytes the values of its rows have, without what the
// container adds: Hive's raw data size.
type RawSizer interface{ Raw() int64 }

// SpecOf finds the format of files by the class names Hive knows it by; packages do not matter,
// since classes moved between them. Classes that are not supported are an error that wraps
// ErrUnsupported and names the class.
func SpecOf(inputFormat, serdeClass string, serdeParams, tableParams map[string]string) (Spec, error) {
	s := Spec{Params: serdeParams, Table: tableParams}
	switch className(inputFormat) {
	case "TextInputFormat", "":
	case "SequenceFileInputFormat", "HiveSequenceFileInputFormat":
		s.In = SequenceFile
	case "RCFileInputFormat":
		s.In = RCFile
	case "AvroContainerInputFormat":
		s.In = AvroBlocks
	default:
		return s, fmt.Errorf("the input format %s is %w yet", inputFormat, ErrUnsupported)
	}
	switch s.In {
	case RCFile:
		return s, s.columnar(serdeClass)
	case AvroBlocks:
		if s.Kind = Avro; className(serdeClass) != "AvroSerDe" {
			return s, fmt.Errorf("the SerDe %s of Avro files is %w yet", serdeClass, ErrUnsupported)
		}
		return s, nil
	}
	switch className(serdeClass) {
	case "LazySimpleSerDe", "":
		s.Kind = LazySimple
	case "OpenCSVSerde":
		s.Kind = OpenCSV
	case "JsonSerDe":
		s.Kind = JSON
	case "MultiDelimitSerDe":
		s.Kind = MultiDelimit
	case "RegexSerDe":
		s.Kind = Regex
	case "LazyBinarySerDe":
		s.Kind = LazyBinary
	default:
		return s, fmt.Errorf("the SerDe %s is %w yet", serdeClass, ErrUnsupported)
	}
	return s, s.checkProperties()
}

// columnar finds the SerDe of an RCFile.
func (s *Spec) columnar(serdeClass string) error {
	switch className(serdeClass) {
	case "ColumnarSerDe":
		s.Kind = LazySimple
	case "LazyBinaryColumnarSerDe":
		s.Kind = LazyBinary
	default:
		return fmt.Errorf("the SerDe %s in an RCFile is %w yet", serdeClass, ErrUnsupported)
	}
	return s.checkProperties()
}

// checkProperties refuses properties that would make files mean something else.
func (s *Spec) checkProperties() error {
	if _, err := parsePatterns(s.param("timestamp.formats")); err != nil {
		return err
	}
	_, err := s.charset()
	return err
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
// counts rows. It may have Offset among them, once.
func NewReader(spec Spec, fields []Field, projection []int, r io.Reader, batchRows int) (Reader, error) {
	b, err := newBatch(&spec, fields, projection, batchRows)
	if err != nil {
		return nil, err
	}
	for _, p := range b.projection {
		if err := spec.noUnion(fields[p]); err != nil {
			b.release()
			return nil, err
		}
	}
	err = spec.CheckNesting(fields)
	var reader Reader
	if err == nil {
		reader, err = spec.reader(b, r)
	}
	if err != nil {
		b.release()
		return nil, err
	}
	return reader, nil
}

// reader is that of the container.
func (s *Spec) reader(b *batch, r io.Reader) (Reader, error) {
	if s.In == AvroBlocks {
		return newAvroReader(s, b, r)
	}
	if s.In != Lines {
		if set, err := s.charset(); err != nil || set != nil {
			return nil, errors.Join(err, fmt.Errorf("serialization.encoding in files that are no text is %w", ErrUnsupported))
		}
		return s.hadoopReader(b, r)
	}
	r, err := s.decoded(r)
	if err == nil && b.offset != nil {
		err = s.noCharset()
	}
	if err != nil {
		return nil, err
	}
	lines, err := newLines(s, r)
	if err != nil {
		return nil, err
	}
	row, err := newRowReader(s, b)
	if err != nil {
		return nil, err
	}
	return &textReader{lines: lines, batch: b, row: row}, nil
}

func (s *Spec) hadoopReader(b *batch, r io.Reader) (Reader, error) {
	switch s.In {
	case RCFile:
		var cells cellReader = binaryCells{}
		if s.Kind == LazySimple {
			options, err := newLazyOptions(s)
			if err != nil {
				return nil, err
			}
			cells = newLazyRow(options, b)
		}
		return newRCReader(r, b, cells)
	}
	values, err := newSequence(r)
	if err != nil {
		return nil, err
	}
	row, err := newRowReader(s, b)
	if err != nil {
		return nil, err
	}
	return &textReader{lines: values, batch: b, row: row}, nil
}

// noUnion refuses uniontypes, but for the formats that can have them.
func (s *Spec) noUnion(f Field) error {
	if s.Kind == LazySimple || s.Kind == MultiDelimit || s.Kind == Avro || !f.Type.Contains(hivetype.Union) {
		return nil
	}
	return fmt.Errorf("column %s: the type %s in files of %s is %w yet", f.Name, f.Type, s.Kind, ErrUnsupported)
}

// Split is a part of a file that is not compressed: the lines that begin at byte From or behind it,
// and before byte To.
type Split struct{ From, To int64 }

// Start is the byte at which the stream of a split has to begin: the one before From, which says
// whether a line begins at From.
func (s Split) Start() int64 { return max(s.From-1, 0) }

// Splittable reports whether the files of a table may be read in splits. Those with a header or
// footer may not, nor those of other character sets, which change in length when they are decoded, nor
// SequenceFiles and RCFiles.
func (s *Spec) Splittable() bool {
	if s.In != Lines {
		return false
	}
	header, err := s.count("skip.header.line.count")
	footer, err2 := s.count("skip.footer.line.count")
	set, err3 := s.charset()
	return err == nil && err2 == nil && err3 == nil && header == 0 && footer == 0 && set == nil
}

// NewSplitReader reads a split of a file like NewReader. r begins at byte split.Start() of the file
// and may go on behind the split: its last line does not end there.
func NewSplitReader(spec Spec, fields []Field, projection []int, r io.Reader, batchRows int, split Split) (Reader, error) {
	reader, err := NewReader(spec, fields, projection, r, batchRows)
	if err != nil {
		return nil, err
	}
	t, ok := reader.(*textReader)
	if !ok {
		return reader, nil
	}
	lines, ok := t.lines.(*lines)
	if !ok {
		return reader, nil
	}
	t.from, t.base = split.From, split.Start()
	lines.inside = split.Start() > 0
	lines.limit = max(split.To-split.Start(), 1)
	if split.From > 0 {
		lines.limit = 0
		if _, err := lines.raw(); err != nil {
			t.err = err // io.EOF: the file ends before the split
		}
		lines.limit = max(split.To-split.Start(), 1)
		lines.number = 0
	}
	return t, nil
}

func newRowReader(spec *Spec, b *batch) (rowReader, error) {
	switch spec.Kind {
	case LazySimple, MultiDelimit:
		options, err := newLazyOptions(spec)
		if err != nil {
			return nil, err
		}
		return newLazyRow(options, b), nil
	case OpenCSV:
		return newCSVRow(spec, b), nil
	case JSON:
		return newJSONRow(spec, b), nil
	case Regex:
		return newRegexRow(spec, b)
	case LazyBinary:
		return newLazyBinaryRow(b), nil
	}
	return nil, fmt.Errorf("%s is %w yet", spec.Kind, ErrUnsupported)
}

// NewWriter writes a file to w, in the form that NewReader with the same spec reads.
func NewWriter(spec Spec, fields []Field, w io.Writer) (Writer, error) {
	for _, f := range fields {
		if err := supported(f.Type); err != nil {
			return nil, fmt.Errorf("column %s: %w", f.Name, err)
		}
		if err := spec.noUnion(f); err != nil {
			return nil, err
		}
	}
	if err := spec.CheckNesting(fields); err != nil {
		return nil, err
	}
	switch spec.In {
	case AvroBlocks:
		return newAvroWriter(&spec, fields, w)
	case RCFile:
		cell, err := newCellWriter(&spec)
		if err != nil {
			return nil, err
		}
		return newRCWriter(fields, cell, w)
	}
	row, err := newRowWriter(&spec)
	if err != nil {
		return nil, err
	}
	if spec.In == SequenceFile {
		return newSequenceWriter(&spec, fields, row, w)
	}
	if w, err = spec.encoded(w); err != nil {
		return nil, err
	}
	return &textWriter{w: w, fields: fields, row: row}, nil
}

func newCellWriter(spec *Spec) (cellWriter, error) {
	if spec.Kind == LazyBinary {
		return binaryCell, nil
	}
	options, err := newLazyOptions(spec)
	if err != nil {
		return nil, err
	}
	format := newLazyFormat(options)
	return func(dst []byte, f Field, v hivetype.Value) ([]byte, error) { return format.value(dst, v, f.Type, 1) }, nil
}

func newRowWriter(spec *Spec) (rowWriter, error) {
	switch spec.Kind {
	case LazySimple, MultiDelimit:
		options, err := newLazyOptions(spec)
		if err != nil {
			return nil, err
		}
		return newLazyFormat(options), nil
	case OpenCSV:
		return newCSVFormat(spec), nil
	case JSON:
		return jsonFormat{}, nil
	case LazyBinary:
		return lazyBinaryFormat{lines: spec.In == Lines}, nil
	case Regex:
		return nil, fmt.Errorf("writing files of RegexSerDe is %w: Hive cannot do it either", ErrUnsupported)
	}
	return nil, fmt.Errorf("%s is %w yet", spec.Kind, ErrUnsupported)
}
