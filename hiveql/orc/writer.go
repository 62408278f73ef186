package orc

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/formats"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/orcfile"
)

// Defaults of the table properties orc.stripe.size and orc.compress.size, in bytes, and orc.row.index.stride, in rows.
const (
	DefaultStripe = 64 << 20
	DefaultChunk  = 256 << 10
	DefaultStride = 10000
)

// WriterOptions say how a file is written.
type WriterOptions struct {
	// Codec is NONE, ZLIB, SNAPPY, LZ4 or ZSTD, in any case; empty means ZLIB, as for Hive.
	Codec string
	// Stripe is about how many bytes a stripe may have, and Chunk how many are compressed together. 0 means the
	// default.
	Stripe, Chunk int
	// Stride is how many rows a group has, of which the indexes of a stripe tell; 0 means the default, less none.
	Stride int
	// Bloom names columns whose groups get Bloom filters, in any case: of integers, days, string and varchar. Others have none,
	// and so has a file without indexes.
	Bloom []string
	// BloomShare is the share of values that are not in a group, which its filter may not know to be none of it. 0
	// means the default.
	BloomShare float64
}

// Writer writes rows to one file. It is for one goroutine at a time, and holds about one stripe in memory.
type Writer struct {
	out     *bufio.Writer
	at      int64
	options WriterOptions
	codec   orcfile.Codec
	encode  *orcfile.Encoder
	root    *columnWriter
	clock   *clock // of the stripe
	timed   []int  // columns with timestamps
	rows    int64  // of the stripe
	all     int64
	stripes []orcfile.Stripe
	meta    *orcfile.Chunks // statistics of the stripes
	err     error
}

// NewWriter begins a file of columns.
func NewWriter(columns []formats.Field, w io.Writer, o WriterOptions) (*Writer, error) {
	if o.Stripe <= 0 {
		o.Stripe = DefaultStripe
	}
	if o.Chunk <= 0 || o.Chunk >= orcfile.MaxBlock {
		o.Chunk = DefaultChunk
	}
	if o.Stride == 0 {
		o.Stride = DefaultStride
	}
	c, err := codecNamed(o.Codec)
	if err != nil {
		return nil, err
	}
	out := &Writer{out: bufio.NewWriterSize(w, 1<<18), options: o, codec: c}
	if c != orcfile.CodecNone {
		out.encode = &orcfile.Encoder{Codec: c}
	}
	out.clock, out.meta = &clock{}, out.chunks()
	t, id := hivetype.StructOf(), uint64(0)
	for _, f := range columns {
		t.Fields = append(t.Fields, hivetype.Field{Name: f.Name, Type: f.Type})
	}
	for i, f := range columns {
		if f.Type.Contains(hivetype.Timestamp) || f.Type.Contains(hivetype.TimestampLocalTZ) {
			out.timed = append(out.timed, i)
		}
	}
	if out.root, err = newColumnWriter(t, &id, out.clock, out.chunks); err != nil {
		return nil, err
	}
	out.filter()
	out.write([]byte(orcfile.Magic))
	return out, nil
}

// filter makes the Bloom filters of the first group.
func (w *Writer) filter() {
	share := w.options.BloomShare
	if share == 0 {
		share = DefaultBloomShare
	}
	for i, f := range w.root.t.Fields {
		named := slices.ContainsFunc(w.options.Bloom, func(name string) bool { return strings.EqualFold(name, f.Name) })
		if named && filtered(f.Type) && w.options.Stride > 0 {
			b := newBloom(w.options.Stride, share)
			w.root.below[i].filter = &b
		}
	}
}

func codecNamed(name string) (orcfile.Codec, error) {
	switch strings.ToUpper(name) {
	case "", "ZLIB":
		return orcfile.CodecZlib, nil
	case "NONE":
		return orcfile.CodecNone, nil
	case "SNAPPY":
		return orcfile.CodecSnappy, nil
	case "LZ4":
		return orcfile.CodecLZ4, nil
	case "ZSTD":
		return orcfile.CodecZstd, nil
	case "LZO", "BROTLI":
		return 0, fmt.Errorf("orc.compress=%s is %w yet; ZLIB, SNAPPY, LZ4, ZSTD and NONE are", name, orcfile.ErrUnsupported)
	}
	return 0, fmt.Errorf("orc.compress=%s is no codec; ZLIB, SNAPPY, LZ4, ZSTD and NONE are", name)
}

func (w *Writer) chunks() *orcfile.Chunks {
	return &orcfile.Chunks{Encode: w.encode, Size: w.options.Chunk}
}

// lookAfter is how many rows are written before it is looked again whether a stripe is full.
const lookAfter = 256

// Write writes one row, with a value for every column in order.
func (w *Writer) Write(row []hivetype.Value) error {
	if w.err != nil {
		return w.err
	}
	if len(row) != len(w.root.below) {
		return fmt.Errorf("a row of %d values for %d columns", len(row), len(w.root.below))
	}
	if err := w.setClock(row); err != nil {
		return err
	}
	if w.options.Stride > 0 && w.rows > 0 && w.rows%int64(w.options.Stride) == 0 {
		w.root.each((*columnWriter).mark)
	}
	w.root.group.count++
	for i, v := range row {
		if err := w.root.below[i].write(v); err != nil {
			w.err = fmt.Errorf("column %s: %w", w.root.t.Fields[i].Name, err) // the columns are not of one length any more
			return w.err
		}
	}
	if w.rows++; w.rows%lookAfter == 0 && w.root.held() >= w.options.Stripe {
		w.stripe()
	}
	return w.err
}

// Close writes what is still in memory and the footer. It does not close the writer below.
func (w *Writer) Close() error {
	if w.err == nil && w.rows > 0 {
		w.stripe()
	}
	if w.err == nil {
		w.tail()
	}
	if w.err == nil {
		w.err = w.out.Flush()
	}
	err := w.err
	if w.err == nil {
		w.err = fmt.Errorf("the writer is closed")
	}
	return err
}

func (w *Writer) write(b []byte) int64 {
	if w.err == nil {
		_, w.err = w.out.Write(b)
	}
	w.at += int64(len(b))
	return int64(len(b))
}

// stripe writes the rows in memory.
func (w *Writer) stripe() {
	begin := w.at
	var footer, streams, stats orcfile.Message
	var rows [][]byte
	w.root.each(func(c *columnWriter) {
		c.endGroup()
		for _, s := range c.streams() {
			b, err := s.from.Take()
			if err != nil && w.err == nil {
				w.err = err
			}
			if len(b) > 0 || s.always {
				streams = streams.Bytes(1, encodedStream(s.kind, c.id, uint64(len(b))))
				rows = append(rows, b)
			}
		}
		if w.options.Stride > 0 { // indexes are before all rows
			n := w.write(w.packed(c.index(w.encode != nil)))
			footer = footer.Bytes(1, encodedStream(streamIndex, c.id, uint64(n)))
			if m := c.blooms(); m != nil {
				n := w.write(w.packed(m))
				footer = footer.Bytes(1, encodedStream(streamBloomUTF8, c.id, uint64(n)))
			}
		}
	})
	index := w.at - begin
	for _, b := range rows {
		w.write(b)
	}
	data := w.at - begin - index
	footer = append(footer, streams...)
	w.root.each(func(c *columnWriter) {
		footer = footer.Bytes(2, c.encoding())
		m := c.stripe.Encoded()
		stats = stats.Bytes(1, m)
		if err := errors.Join(c.failed, c.file.Add(m)); err != nil && w.err == nil {
			w.err = err
		}
		c.begin()
	})
	footer = footer.Bytes(3, []byte(w.clock.zone()))
	length := w.write(w.packed(footer))
	w.stripes = append(w.stripes, orcfile.Stripe{Offset: begin, Index: index, Data: data, Footer: length, Rows: w.rows})
	w.meta.Append(orcfile.Message(nil).Bytes(1, stats))
	w.all += w.rows
	w.rows = 0
}

// packed compresses a message.
func (w *Writer) packed(m orcfile.Message) []byte {
	c := w.chunks()
	c.Append(m)
	b, err := c.Take()
	if err != nil && w.err == nil {
		w.err = err
	}
	return b
}

// writerVersion is that of Java's writer whose timestamps are the first with bounds in UTC.
const writerVersion = 6

// tail writes statistics, footer and postscript.
func (w *Writer) tail() {
	f := &orcfile.Footer{Stripes: w.stripes, Rows: w.all, Stride: uint64(max(w.options.Stride, 0)), Calendar: orcfile.CalendarProleptic, Software: "skep"}
	w.root.each(func(c *columnWriter) {
		below := make([]uint32, len(c.below))
		for i, b := range c.below {
			below[i] = uint32(b.id)
		}
		f.Types = append(f.Types, typeOf(c.t, below))
		f.Statistics = append(f.Statistics, c.file.Encoded())
	})
	statistics, err := w.meta.Take()
	if err == nil {
		post := orcfile.Postscript{Codec: w.codec, Block: w.options.Chunk, Version: []uint32{0, 12}, WriterVersion: writerVersion}
		var end []byte
		end, err = orcfile.AppendEnd(nil, w.at, post, f, statistics, w.encode)
		w.write(end)
	}
	if err != nil && w.err == nil {
		w.err = err
	}
}

// Raw is how many bytes the values have in the memory of Java, which Hive calls the raw data size.
func (w *Writer) Raw() int64 {
	n := int64(0)
	w.root.each(func(c *columnWriter) { n += c.raw })
	return n
}

// each calls do for a column and all below it, in pre-order.
func (c *columnWriter) each(do func(*columnWriter)) {
	do(c)
	for _, b := range c.below {
		b.each(do)
	}
}

// encodedAs is a stream of a column, to be written.
type encodedAs struct {
	kind   uint64
	from   *orcfile.Chunks
	always bool // also where it has no bytes, since all values are NULL: ORC's C++ library wants it all the same
}

// streams ends the column's streams.
func (c *columnWriter) streams() []encodedAs {
	c.present.flush() // which is empty where no value is NULL
	if c.words != nil && !c.words.saves() {
		c.direct()
	}
	if c.words != nil {
		words, place := c.words.sorted()
		numbers := integerWriter{out: c.data}
		c.replay(len(c.words.rows), func(m *groupMark) int { return m.words }, func(i int) {
			numbers.add(int64(place[c.words.rows[i]]))
		}, func(m *groupMark) {
			numbers.flush()
			m.data = placeIn(c.data, 0)
		})
		numbers.flush()
		for _, s := range words {
			c.first.add(int64(len(s)))
			c.second.Append([]byte(s))
		}
	}
	c.bits.flush()
	c.bytes.flush()
	c.first.flush()
	c.other.flush()
	list := []encodedAs{
		{kind: streamPresent, from: c.present.runs.out}, {kind: streamData, from: c.data}, {kind: streamLength, from: c.lengths},
	}
	if c.words != nil {
		list[1].always, list[2].always = true, true
		return append(list, encodedAs{streamDictionary, c.second, true})
	}
	list = append(list, encodedAs{kind: streamSecondary, from: c.second})
	for _, h := range c.placed() {
		at := slices.IndexFunc(list, func(e encodedAs) bool { return e.kind == h.kind })
		list[at].always = true
	}
	return list
}

// bloomUTF8 is the encoding of filters whose text is hashed as UTF-8 and whose times are in UTC.
const bloomUTF8 = 1

// encoding is the message of how the column is encoded.
func (c *columnWriter) encoding() orcfile.Message {
	m := c.rowEncoding()
	if c.filter != nil {
		m = m.Number(3, bloomUTF8)
	}
	return m
}

func (c *columnWriter) rowEncoding() orcfile.Message {
	switch c.t.Kind {
	case hivetype.Boolean, hivetype.TinyInt, hivetype.Float, hivetype.Double, hivetype.Struct, hivetype.Union:
		return orcfile.Message(nil).Number(1, encodingDirect)
	}
	if c.words != nil {
		return orcfile.Message(nil).Number(1, encodingDictionaryV2).Number(2, uint64(len(c.words.words)))
	}
	return orcfile.Message(nil).Number(1, encodingDirectV2)
}

// begin begins a stripe.
func (c *columnWriter) begin() {
	c.group, c.nulls, c.solid = statistics{kind: c.t.Kind}, false, 0
	c.stripe, c.marks, c.filters = orcfile.Statistics{}, append(c.marks[:0], groupMark{}), 0
	switch c.t.Kind {
	case hivetype.String, hivetype.Varchar, hivetype.Char:
		c.words = &dictionary{}
	}
}
