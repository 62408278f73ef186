package orc

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/skepdata/skep/hiveql/formats"

	"github.com/skepdata/skep/internal/orcfile"
)

// Options say what is read of a file.
type Options struct {
	Columns []int // by their numbers in the file, in the order of the batches
	// First and Last are the stripes: First and those behind it, without Last. Both 0 are all.
	First, Last int
	// From and To are rows of the one stripe that is read: From, the first of a group, and those behind it, without To.
	// To of 0 is all.
	From, To int64
	// Rows is the most rows of a batch.
	Rows int
	// Nanos has timestamps put out as package formats does with Spec.Nanos; otherwise they are cut to microseconds,
	// and Cut, if not nil, counts those that lose digits.
	Nanos bool
	Cut   *atomic.Int64
	// Zone is that of the clock by which timestamps were written where a file does not say it; nil means UTC.
	Zone *time.Location
	// Prefetch, if not nil, is told what will be read soon: n bytes from off on.
	Prefetch func(off, n int64)
}

// Reader reads rows in batches. It is for one goroutine at a time.
type Reader struct {
	file    *File
	options Options
	schema  *arrow.Schema
	next    int // stripe
	left    int64
	columns []column
	decode  *orcfile.Decoder
	streams []*stream
}

// Reader begins to read.
func (f *File) Reader(o Options) (*Reader, error) {
	if o.Last == 0 && o.First == 0 {
		o.Last = len(f.tail.Footer.Stripes)
	}
	r := &Reader{file: f, options: o, next: o.First}
	list := make([]arrow.Field, len(o.Columns))
	for i, c := range o.Columns {
		t, err := formats.ArrowType(f.types[c], o.Nanos)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", f.names[c], err)
		}
		list[i] = arrow.Field{Name: f.names[c], Type: t, Nullable: true}
	}
	r.schema = arrow.NewSchema(list, nil)
	if f.tail.Codec != orcfile.CodecNone {
		r.decode = &orcfile.Decoder{Codec: f.tail.Codec}
	}
	return r, nil
}

// Close gives back what the reader holds.
func (r *Reader) Close() {
	if r.decode != nil {
		r.decode.Close()
	}
	r.columns, r.next, r.left = nil, r.options.Last, 0
}

// batchBytes is about how much memory a batch may take, and expansion how much longer values are than what the file has
// of them. Batches of long rows have fewer of them.
const (
	batchBytes = 32 << 20
	expansion  = 4
	fewestRows = 64
)

// Next is the next batch, of at least one row, which the caller releases. The error behind the last one is io.EOF.
func (r *Reader) Next(ctx context.Context) (arrow.RecordBatch, error) {
	for r.left == 0 {
		if r.next >= r.options.Last {
			return nil, io.EOF
		}
		if err := r.stripe(ctx, r.next); err != nil {
			return nil, fmt.Errorf("stripe %d: %w", r.next, err)
		}
		r.next++
	}
	for _, s := range r.streams {
		s.ctx = ctx
	}
	s := r.file.tail.Footer.Stripes[r.next-1]
	rows := int64(max(r.options.Rows, 1))
	if perRow := s.Data * expansion / max(s.Rows, 1); perRow > 0 {
		rows = min(rows, max(batchBytes/perRow, fewestRows))
	}
	n := int(min(rows, r.left))
	arrays := make([]arrow.Array, len(r.columns))
	for i, c := range r.columns {
		data, err := c.read(n, nil)
		if err != nil {
			for _, a := range arrays[:i] {
				a.Release()
			}
			return nil, fmt.Errorf("stripe %d, column %s: %w", r.next-1, r.schema.Field(i).Name, err)
		}
		arrays[i] = array.MakeFromData(data)
		data.Release()
	}
	r.left -= int64(n)
	batch := array.NewRecordBatch(r.schema, arrays, int64(n))
	for _, a := range arrays {
		a.Release()
	}
	return batch, nil
}

// stripe opens the streams of the columns in a stripe.
func (r *Reader) stripe(ctx context.Context, i int) error {
	s := r.file.tail.Footer.Stripes[i]
	r.columns, r.streams, r.left = r.columns[:0], r.streams[:0], s.Rows
	if len(r.options.Columns) == 0 || s.Rows == 0 {
		return nil
	}
	footer, err := r.file.stripeFooter(ctx, &s)
	if err != nil {
		return err
	}
	opened := &opening{reader: r, ctx: ctx, footer: footer}
	if opened.zone, err = r.zoneOf(footer.zone); err != nil {
		return err
	}
	if r.options.From > 0 || r.options.To > 0 && r.options.To < s.Rows {
		if err := opened.places(&s); err != nil {
			return err
		}
	}
	for k, c := range r.options.Columns {
		col, err := opened.column(r.file.tail.Footer.Types[0].Below[c], r.schema.Field(k).Type)
		if err != nil {
			return fmt.Errorf("column %s: %w", r.file.names[c], err)
		}
		r.columns = append(r.columns, col)
	}
	opened.prefetch()
	return r.begin(opened, &s)
}

// begin goes to the first row that is wanted.
func (r *Reader) begin(o *opening, s *orcfile.Stripe) error {
	if r.options.To > 0 {
		r.left = min(s.Rows, r.options.To)
	}
	if r.options.From == 0 {
		return nil
	}
	for _, skip := range o.skips {
		if err := skip(); err != nil {
			return err
		}
	}
	if r.left -= min(r.left, r.options.From); o.seeks {
		return nil
	}
	for before := r.options.From; before > 0; {
		n := min(before, int64(max(r.options.Rows, 1)))
		for _, c := range r.columns {
			data, err := c.read(int(n), nil)
			if err != nil {
				return err
			}
			data.Release()
		}
		before -= n
	}
	return nil
}

// zoneOf is the zone in which a writer took timestamps for instants.
func (r *Reader) zoneOf(name string) (*time.Location, error) {
	switch name {
	case "":
		if r.options.Zone != nil {
			return r.options.Zone, nil
		}
		return time.UTC, nil
	case "UTC", "GMT", "Etc/UTC", "Z":
		return time.UTC, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("the time zone %q of the writer is not known here: %w", name, err)
	}
	return zone, nil
}

// opening opens the columns of one stripe.
type opening struct {
	reader *Reader
	ctx    context.Context
	footer *stripeFooter
	zone   *time.Location
	begins map[uint32]map[uint64]place // of streams, by column and kind
	ends   map[uint32]map[uint64]place // the same of what is behind the last row that is wanted
	seeks  bool                        // all streams begin at the first row that is wanted
	skips  []func() error              // what of them is passed over
}

// stream opens a stream of a column; a missing one is empty.
func (o *opening) stream(kind uint64, id uint32) *stream {
	s := &stream{ctx: o.ctx, read: o.reader.file.read, decode: o.reader.decode, block: o.reader.file.tail.Block}
	for _, i := range o.footer.streams {
		if i.kind == kind && i.column == uint64(id) {
			s.at, s.end = i.offset, i.offset+i.length
			s.seek(o.begins[id][kind])
			s.soon = o.soon(&i)
			break
		}
	}
	o.reader.streams = append(o.reader.streams, s)
	return s
}

// has reports whether a column has a stream.
func (o *opening) has(kind uint64, id uint32) bool {
	for _, i := range o.footer.streams {
		if i.kind == kind && i.column == uint64(id) {
			return true
		}
	}
	return false
}

// encoding is that of a column; what is not said is the first.
func (o *opening) encoding(id uint32) encoding {
	if int(id) < len(o.footer.encodings) {
		return o.footer.encodings[id]
	}
	return encoding{}
}

// prefetch tells what of the file the streams lie in.
func (o *opening) prefetch() {
	if o.reader.options.Prefetch == nil {
		return
	}
	var ranges [][2]int64
	for _, s := range o.reader.streams {
		if s.soon > s.at {
			ranges = append(ranges, [2]int64{s.at, s.soon})
		}
	}
	slices.SortFunc(ranges, func(a, b [2]int64) int { return cmp.Compare(a[0], b[0]) })
	for i := 0; i < len(ranges); {
		at, end := ranges[i][0], ranges[i][1]
		for i++; i < len(ranges) && ranges[i][0] <= end+closeBytes; i++ {
			end = max(end, ranges[i][1])
		}
		o.reader.options.Prefetch(at, end-at)
	}
}

// closeBytes is how near streams must be for one request to bring what is between them too.
const closeBytes = 128 << 10
