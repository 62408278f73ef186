package footer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/blocksums"
	"github.com/skepdata/skep/internal/parquetpages"
	"github.com/skepdata/skep/internal/thrift"
)

// File is what a file says of itself.
type File struct {
	Rows    int64
	Columns []Column // of the top level, in the file's order
	Groups  []Group
	// Writer is what the program that wrote the file calls itself.
	Writer string
	// Notes are further pairs of names and values that it left.
	Notes map[string]string
	// Size is of the encoded footer, in bytes.
	Size int64
	// Sums are the CRC32C of each 64 KiB of the file, the last of which may be shorter, if its writer
	// has left them (package blocksums); otherwise nil.
	Sums []uint32
	// Doubtful says that there are sums, which are not of this file: they were copied from another,
	// or the footer is not as it was written.
	Doubtful bool
}

// Column is a column, which may have columns within.
type Column struct {
	Name string
	// Leaf is the number of its first leaf, by which Group.Chunks are numbered, and Leaves how
	// many there are: one, unless it is nested.
	Leaf, Leaves int
	// Wide are the names of the timestamps of 96 bits in it.
	Wide []string
	// Dates says that there are dates in it.
	Dates bool
	// Nanos says that there are timestamps of 64 bits in nanoseconds in it.
	Nanos bool

	julian   bool // dates before the 15th of October 1582 are of the Julian calendar
	nested   bool
	optional bool
	element  element
	own      hivetype.Type // if plain
	plain    bool
}

// Nested reports whether the column is no plain value of each row: it is a list, a map or a struct.
func (c *Column) Nested() bool { return c.nested }

// Group is a row group: some of the rows, column by column.
type Group struct {
	Rows   int64
	Chunks []Chunk // by leaf
}

// Chunk is a column of a row group. Its bytes are those from Offset to before Offset+Size.
type Chunk struct {
	Offset, Size int64
	values       int64
	data         int64 // where its first page of data begins; behind Offset if it has a dictionary
	codec        int32
	stats        *statistics
	bloom        Span
	pages        parquetpages.Chunk
}

// Pages is what the footer says of the chunk's pages. It is not to be changed.
func (c *Chunk) Pages() *parquetpages.Chunk { return &c.pages }

// Span is a part of a file.
type Span struct{ Offset, Size int64 }

// The parts of parquet.thrift that are used.
type (
	fileMetaData struct {
		Schema    []element  `thrift:"2"`
		Rows      int64      `thrift:"3"`
		Groups    []rowGroup `thrift:"4"`
		KeyValues []keyValue `thrift:"5"`
		CreatedBy string     `thrift:"6"`
		Orders    []order    `thrift:"7"`
	}
	element struct {
		Type       *int32       `thrift:"1"`
		Length     int32        `thrift:"2"`
		Repetition *int32       `thrift:"3"`
		Name       string       `thrift:"4"`
		Children   int32        `thrift:"5"`
		Converted  *int32       `thrift:"6"`
		Scale      int32        `thrift:"7"`
		Precision  int32        `thrift:"8"`
		Logical    *logicalType `thrift:"10"`
	}
	logicalType struct {
		String    *empty       `thrift:"1"`
		Enum      *empty       `thrift:"4"`
		Decimal   *decimalType `thrift:"5"`
		Date      *empty       `thrift:"6"`
		Timestamp *timeType    `thrift:"8"`
		Integer   *intType     `thrift:"10"`
		JSON      *empty       `thrift:"12"`
		BSON      *empty       `thrift:"13"`
		UUID      *empty       `thrift:"14"`
		Float16   *empty       `thrift:"15"`
		Rest      thrift.Unknown
	}
	empty       struct{}
	decimalType struct {
		Scale     int32 `thrift:"1"`
		Precision int32 `thrift:"2"`
	}
	timeType struct {
		UTC  bool     `thrift:"1"`
		Unit timeUnit `thrift:"2"`
	}
	timeUnit struct {
		Millis *empty `thrift:"1"`
		Micros *empty `thrift:"2"`
		Nanos  *empty `thrift:"3"`
	}
	intType struct {
		Bits   int8 `thrift:"1"`
		Signed bool `thrift:"2"`
	}
	order struct {
		TypeDefined *empty `thrift:"1"`
	}
	keyValue struct {
		Key   string `thrift:"1"`
		Value string `thrift:"2"`
	}
	rowGroup struct {
		Columns []columnChunk `thrift:"1"`
		Rows    int64         `thrift:"3"`
	}
	columnChunk struct {
		File string      `thrift:"1"`
		Meta *columnMeta `thrift:"3"`
	}
	columnMeta struct {
		Encodings  []int32     `thrift:"2"`
		Codec      int32       `thrift:"4"`
		Values     int64       `thrift:"5"`
		Plain      int64       `thrift:"6"`
		Size       int64       `thrift:"7"`
		Data       int64       `thrift:"9"`
		Dictionary *int64      `thrift:"11"`
		Statistics *statistics `thrift:"12"`
		Pages      []pageKind  `thrift:"13"`
		Bloom      int64       `thrift:"14"`
		BloomSize  int32       `thrift:"15"`
	}
	pageKind struct {
		Type     int32 `thrift:"1"`
		Encoding int32 `thrift:"2"`
	}
	statistics struct {
		OldMax   []byte `thrift:"1"`
		OldMin   []byte `thrift:"2"`
		Nulls    *int64 `thrift:"3"`
		Distinct *int64 `thrift:"4"`
		Max      []byte `thrift:"5"`
		Min      []byte `thrift:"6"`
		MaxExact *bool  `thrift:"7"`
		MinExact *bool  `thrift:"8"`
	}
)

const (
	magic   = "PAR1"
	trailer = 8 // the footer's length and the magic, at the end
	guess   = 64 << 10
)

// ErrNotParquet is of files that are no Parquet, or encrypted.
var ErrNotParquet = errors.New("it is not a Parquet file")

// Read reads the footer of a file of some size. It asks for the last 64 KiB, and for more only if
// the footer is longer.
func Read(r io.ReaderAt, size int64) (*File, error) {
	tail := make([]byte, min(size, guess))
	if _, err := r.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	n, err := Length(tail, size)
	if err != nil {
		return nil, err
	}
	if n > int64(len(tail)) {
		tail = make([]byte, n)
		if _, err := r.ReadAt(tail, size-n); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
	tail = tail[int64(len(tail))-n:]
	f, err := Decode(tail[:n-trailer])
	if err != nil {
		return nil, err
	}
	if sums, ok := blocksums.Read(tail, f.Notes[blocksums.Key], size); ok {
		f.Sums = sums
	} else {
		f.Doubtful = blocksums.Mentioned(tail)
	}
	delete(f.Notes, blocksums.Key) // it is long
	return f, nil
}

// End is how much of the end of the file is the footer, with its trailer.
func (f *File) End() int64 { return f.Size + trailer }

// Length is how much of the end of a file is the footer, with its trailer. tail is some of the end.
func Length(tail []byte, size int64) (int64, error) {
	if len(tail) < trailer || string(tail[len(tail)-len(magic):]) != magic {
		return 0, ErrNotParquet
	}
	n := int64(binary.LittleEndian.Uint32(tail[len(tail)-trailer:])) + trailer
	if n > size-int64(len(magic)) {
		return 0, fmt.Errorf("%w: its footer should have %d bytes, and it has %d", ErrNotParquet, n, size)
	}
	return n, nil
}

// Decode reads an encoded footer, without its trailer.
func Decode(b []byte) (*File, error) {
	var m fileMetaData
	if err := thrift.Unmarshal(b, &m, thrift.Compact, thrift.Limits{}); err != nil {
		return nil, fmt.Errorf("its footer is damaged: %w", err)
	}
	f := &File{Rows: m.Rows, Writer: m.CreatedBy, Size: int64(len(b))}
	for _, kv := range m.KeyValues {
		if f.Notes == nil {
			f.Notes = map[string]string{}
		}
		f.Notes[kv.Key] = kv.Value
	}
	widths, err := f.readColumns(m.Schema)
	leaves := len(widths)
	if err != nil {
		return nil, fmt.Errorf("its footer is damaged: %w", err)
	}
	for i := range m.Groups {
		g, err := readGroup(&m.Groups[i], widths)
		if err != nil {
			return nil, fmt.Errorf("its footer is damaged: row group %d %w", i, err)
		}
		f.Groups = append(f.Groups, g)
	}
	if len(m.Orders) < leaves {
		f.forgetTexts()
	}
	return f, nil
}

// prolepticNote is where Hive says whether dates before the 15th of October 1582 are of the Gregorian calendar.
const prolepticNote = "writer.date.proleptic"

// Julian reports whether the writer says that dates before the 15th of October 1582 are of the Julian calendar, as Hive
// writes them unless hive.parquet.date.proleptic.gregorian is set.
func (f *File) Julian() bool { return f.Notes[prolepticNote] == "false" }

// JulianDates reports whether there may be such dates in a file.
func (f *File) JulianDates() bool {
	if !f.Julian() {
		return false
	}
	for i := range f.Columns {
		if c := &f.Columns[i]; c.Dates && c.mayBeOld(f.Groups) {
			return true
		}
	}
	return false
}

func (c *Column) mayBeOld(groups []Group) bool {
	gregorian := time.Date(1582, time.October, 15, 0, 0, 0, 0, time.UTC)
	for i := range groups {
		b := c.Bounds(&groups[i], hivetype.Of(hivetype.Date))
		if first, ok := b.Min.(time.Time); b.Nulls != b.Rows && (!ok || first.Before(gregorian)) {
			return true
		}
	}
	return false
}

// readColumns reads the schema, a tree in the order in which it is walked, and says how wide the values of its
// leaves are.
func (f *File) readColumns(schema []element) (widths []int64, err error) {
	if len(schema) == 0 {
		return nil, errors.New("it has no schema")
	}
	leaves := 0
	at := 1
	for range schema[0].Children {
		if at >= len(schema) {
			return nil, errors.New("its schema has too few columns")
		}
		e := schema[at]
		c := Column{Name: e.Name, Leaf: leaves, element: e, julian: f.Julian(),
			nested:   e.Children > 0 || e.Repetition != nil && *e.Repetition == repeated,
			optional: e.Repetition == nil || *e.Repetition != required}
		if !c.nested {
			c.own, c.plain = e.ownType()
		}
		for left := int64(1); left > 0; at++ {
			if at >= len(schema) {
				return nil, errors.New("its schema has too few columns")
			}
			e := schema[at]
			if e.Children < 0 {
				return nil, errors.New("its schema has a column with less than no fields")
			}
			left += int64(e.Children) - 1
			if e.Children == 0 {
				leaves++
				widths = append(widths, e.width())
				t, plain := e.ownType()
				c.Dates = c.Dates || plain && t.Kind == hivetype.Date
				if l := e.Logical; l != nil && l.Timestamp != nil && l.Timestamp.Unit.Nanos != nil {
					c.Nanos = true
				}
				if e.Type != nil && *e.Type == typeInt96 {
					c.Wide = append(c.Wide, strings.ToLower(e.Name))
				}
			}
		}
		c.Leaves = leaves - c.Leaf
		f.Columns = append(f.Columns, c)
	}
	return widths, nil
}

// width is how many bytes a value of a leaf has that is not encoded, as parquetpages.Chunk has it.
func (e *element) width() int64 {
	if e.Type == nil {
		return -1
	}
	switch *e.Type {
	case typeInt32, typeFloat:
		return 4
	case typeInt64, typeDouble:
		return 8
	case typeInt96:
		return 12
	case typeByteArray:
		return 0
	case typeFixed:
		if e.Length > 0 {
			return int64(e.Length)
		}
	}
	return -1
}

func readGroup(g *rowGroup, widths []int64) (Group, error) {
	out := Group{Rows: g.Rows, Chunks: make([]Chunk, len(g.Columns))}
	if len(g.Columns) != len(widths) {
		return out, fmt.Errorf("has %d columns and not %d", len(g.Columns), len(widths))
	}
	for i, c := range g.Columns {
		if c.Meta == nil || c.File != "" {
			return out, fmt.Errorf("does not say where column %d is", i)
		}
		m := c.Meta
		start := m.Data
		if d := m.Dictionary; d != nil && *d > 0 && *d < start {
			start = *d
		}
		if start < 0 || m.Size < 0 {
			return out, fmt.Errorf("has column %d in %d bytes from %d on", i, m.Size, start)
		}
		out.Chunks[i] = Chunk{Offset: start, Size: m.Size, values: m.Values, data: m.Data, codec: m.Codec, stats: m.Statistics, pages: m.pages(g.Rows, widths[i])}
		if m.Bloom > 0 && m.BloomSize > 0 {
			out.Chunks[i].bloom = Span{m.Bloom, int64(m.BloomSize)}
		}
	}
	return out, nil
}

func (m *columnMeta) pages(rows, width int64) parquetpages.Chunk {
	p := parquetpages.Chunk{Size: m.Size, Plain: m.Plain, Values: m.Values, Rows: rows, Codec: m.Codec, Encodings: m.Encodings, Width: width}
	for _, k := range m.Pages {
		p.Pages = append(p.Pages, parquetpages.Kind(k))
	}
	return p
}

// forgetTexts drops the bounds of texts, whose order the file does not say.
func (f *File) forgetTexts() {
	for _, c := range f.Columns {
		if c.nested || c.element.Type == nil || *c.element.Type != typeByteArray {
			continue
		}
		for _, g := range f.Groups {
			if s := g.Chunks[c.Leaf].stats; s != nil {
				s.Min, s.Max = nil, nil
			}
		}
	}
}
