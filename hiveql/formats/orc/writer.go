package orc

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Options say how a file is written.
type Options struct {
	Compress    string // NONE, ZLIB, which "" is too, SNAPPY, LZ4 or ZSTD
	StripeBytes int64  // about how much a stripe has in memory; 64 MiB if it is 0
}

// Writer writes a file. It holds one stripe in memory.
type Writer struct {
	w          io.Writer
	root       *Column
	flat       []*Column // by number
	codec      codec
	limit      int64
	at         int64 // the byte of the file that comes next
	rows       int64
	inStripe   int64
	stripes    []StripeInfo
	statistics [][]byte // of the stripes
	begun      bool
}

const magic = "ORC"

// NewWriter begins a file whose rows have the type root, a struct.
func NewWriter(w io.Writer, root *Type, o Options) (*Writer, error) {
	c, err := compressionNamed(o.Compress)
	if err != nil {
		return nil, err
	}
	f := &Writer{w: w, codec: codec{kind: c}, limit: o.StripeBytes}
	if f.limit <= 0 {
		f.limit = 64 << 20
	}
	f.root = f.column(root)
	return f, nil
}

// column numbers the columns, those above before those below.
func (f *Writer) column(t *Type) *Column {
	c := &Column{t: t, id: len(f.flat)}
	f.flat = append(f.flat, c)
	for _, b := range t.Below {
		c.Below = append(c.Below, f.column(b))
	}
	return c
}

// Root takes the rows: for each a call of its Begin and a value for each column below it, and then
// one of EndRow.
func (f *Writer) Root() *Column { return f.root }

// EndRow says that a row is complete.
func (f *Writer) EndRow() error {
	f.inStripe++
	size := int64(0)
	if f.inStripe%1024 != 0 {
		return nil
	}
	for _, c := range f.flat {
		size += c.size
	}
	if size < f.limit {
		return nil
	}
	return f.stripe()
}

// Values is how many values have been written, NULLs among them, of each column by its number.
func (f *Writer) Values() int64 { return f.rows + f.inStripe }

func (f *Writer) write(b []byte) error {
	n, err := f.w.Write(b)
	f.at += int64(n)
	return err
}

func (f *Writer) begin() error {
	if f.begun {
		return nil
	}
	f.begun = true
	return f.write([]byte(magic))
}

// stripe writes the rows that are in memory.
func (f *Writer) stripe() error {
	if err := f.begin(); err != nil || f.inStripe == 0 {
		return err
	}
	info := StripeInfo{Offset: f.at, Rows: f.inStripe}
	var footer, encodings, statistics []byte
	zone, shift, err := f.zone()
	if err != nil {
		return err
	}
	for _, c := range f.flat {
		statistics = appendBody(statistics, 1, c.statistics(c.values, c.nulls))
		for _, s := range c.streams(shift) {
			b, err := f.codec.compressed(s.bytes)
			if err != nil {
				return err
			}
			if err := f.write(b); err != nil {
				return err
			}
			one := appendNumber(appendNumber(nil, 1, uint64(s.kind)), 2, uint64(c.id))
			footer = appendBody(footer, 1, appendNumber(one, 3, uint64(len(b))))
			info.Data += int64(len(b))
		}
		one := appendNumber(nil, 1, uint64(c.encoding))
		if c.encoding == dictionary {
			one = appendNumber(one, 2, uint64(c.words))
		}
		encodings = appendBody(encodings, 2, one)
		c.clear()
	}
	footer = appendBody(append(footer, encodings...), 3, []byte(zone))
	if footer, err = f.codec.compressed(footer); err != nil {
		return err
	}
	info.Footer = int64(len(footer))
	f.stripes = append(f.stripes, info)
	f.statistics = append(f.statistics, statistics)
	f.rows += f.inStripe
	f.inStripe = 0
	return f.write(footer)
}

// Close writes what is in memory and the end of the file.
func (f *Writer) Close() error {
	if err := f.stripe(); err != nil {
		return err
	}
	content := f.at
	var metadata []byte
	for _, s := range f.statistics {
		metadata = appendBody(metadata, 1, s)
	}
	metadata, err := f.codec.compressed(metadata)
	if err != nil {
		return err
	}
	footer, err := f.codec.compressed(f.footer(content))
	if err != nil {
		return err
	}
	post := appendNumber(nil, 1, uint64(len(footer)))
	post = appendNumber(appendNumber(post, 2, uint64(f.codec.kind)), 3, chunkBytes)
	post = appendBody(post, 4, []byte{0, 12}) // the version of the format
	post = appendNumber(post, 5, uint64(len(metadata)))
	post = appendNumber(post, 6, 6) // of writers that have no bounds of timestamps in a zone
	post = appendBody(post, 8000, []byte(magic))
	if len(post) > 255 {
		return fmt.Errorf("the end of the file has %d bytes", len(post))
	}
	return f.write(append(append(append(metadata, footer...), post...), byte(len(post))))
}

func (f *Writer) footer(content int64) []byte {
	b := appendNumber(nil, 1, uint64(len(magic)))
	b = appendNumber(b, 2, uint64(content-int64(len(magic))))
	for _, s := range f.stripes {
		one := appendNumber(appendNumber(nil, 1, uint64(s.Offset)), 2, uint64(s.Index))
		one = appendNumber(appendNumber(one, 3, uint64(s.Data)), 4, uint64(s.Footer))
		b = appendBody(b, 3, appendNumber(one, 5, uint64(s.Rows)))
	}
	for _, c := range f.flat {
		b = appendBody(b, 4, c.describe())
	}
	b = appendNumber(b, 6, uint64(f.rows))
	for _, c := range f.flat {
		b = appendBody(b, 7, c.statistics(c.allValues, c.allNulls))
	}
	b = appendNumber(b, 8, 0)     // no row index
	return appendNumber(b, 11, 2) // dates before 1582 are of the calendar of today
}

func appendNumber(b []byte, field int, n uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, uint64(field)<<3), n)
}

func appendBody(b []byte, field int, body []byte) []byte {
	b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(field)<<3|2), uint64(len(body)))
	return append(b, body...)
}
