package orc

import (
	"context"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/orcfile"
)

// Index is what a stripe says of its groups of rows, in some of its columns. All groups but the last have as many rows.
type Index struct {
	file    *File
	rows    int64 // of the stripe
	stride  int64
	columns map[int]columnIndex
}

// columnIndex is of one column.
type columnIndex struct {
	groups []groupEntry
	blooms []bloom // none, or one a group
}

// groupEntry is what the index of a column says of a group.
type groupEntry struct {
	positions  []uint64 // where its values begin, by stream
	statistics []byte
}

const (
	// mostGroups is more than any stripe has. The index of more is not looked at.
	mostGroups = 1 << 20
	// mostPositions is more than the streams of a column have. Those behind are left out, so that there are too many still.
	mostPositions = 32
)

// indexShare is how much larger the rows of a stripe must be than what is read of its index.
const indexShare = 4

// Index reads the indexes of columns in a stripe. It is nil where there are none, or where they are too large for what they
// may save. sure is called before n bytes from off on are read, which decide what else is.
func (f *File) Index(ctx context.Context, stripe int, columns []int, sure func(ctx context.Context, off, n int64) error) (*Index, error) {
	s := &f.tail.Footer.Stripes[stripe]
	x := &Index{file: f, rows: s.Rows, stride: int64(min(f.tail.Footer.Stride, 1<<40)), columns: map[int]columnIndex{}}
	if s.Index == 0 || x.stride == 0 || s.Rows == 0 || len(columns) == 0 || x.Groups() > mostGroups {
		return nil, nil
	}
	if err := sure(ctx, s.Offset+s.Index+s.Data, s.Footer); err != nil {
		return nil, err
	}
	footer, err := f.stripeFooter(ctx, s)
	if err != nil {
		return nil, err
	}
	size := int64(0)
	for _, c := range columns {
		for _, kind := range []uint64{streamIndex, f.bloomKind(footer, c)} {
			if i := footer.stream(kind, f.tail.Footer.Types[0].Below[c]); i != nil {
				size += i.length
			}
		}
	}
	if size == 0 || size*indexShare > s.Data {
		return nil, nil
	}
	for _, c := range columns {
		if err := x.read(ctx, footer, c, sure); err != nil {
			return nil, err
		}
	}
	if len(x.columns) == 0 {
		return nil, nil
	}
	return x, nil
}

// bloomKind is that of the stream with Bloom filters of a column that are understood. The older kind may have text in
// whatever character set.
func (f *File) bloomKind(footer *stripeFooter, column int) uint64 {
	if footer.stream(streamBloomUTF8, f.tail.Footer.Types[0].Below[column]) == nil && !f.types[column].Text() {
		return streamBloom
	}
	return streamBloomUTF8
}

// read reads the indexes of a column. Those that do not fit the stripe are left out.
func (x *Index) read(ctx context.Context, footer *stripeFooter, column int, sure func(ctx context.Context, off, n int64) error) error {
	id := x.file.tail.Footer.Types[0].Below[column]
	plain := func(kind uint64) ([]byte, error) {
		s := footer.stream(kind, id)
		if s == nil || s.length == 0 {
			return nil, nil
		}
		if err := sure(ctx, s.offset, s.length); err != nil {
			return nil, err
		}
		return x.file.streamBytes(ctx, s)
	}
	var c columnIndex
	b, err := plain(streamIndex)
	if err == nil {
		c.groups, err = parseRowIndex(b, int64(x.Groups()))
	}
	if err != nil {
		return err
	}
	if b, err = plain(x.file.bloomKind(footer, column)); err == nil {
		c.blooms, err = parseBlooms(b)
	}
	if err != nil {
		return err
	}
	if len(c.groups) != x.Groups() {
		c.groups = nil
	}
	if len(c.blooms) != x.Groups() {
		c.blooms = nil
	}
	if c.groups != nil || c.blooms != nil {
		x.columns[column] = c
	}
	return nil
}

// streamBytes reads all of a stream and takes compression off.
func (f *File) streamBytes(ctx context.Context, s *streamInfo) ([]byte, error) {
	packed := make([]byte, s.length)
	if err := f.read(ctx, packed, s.offset); err != nil {
		return nil, err
	}
	return f.plain(packed)
}

// Groups is how many groups there are.
func (x *Index) Groups() int { return int(groupsOf(x.rows, x.stride)) }

// Rows are those of a group: the first one's number in the stripe, and how many there are.
func (x *Index) Rows(group int) (first, n int64) {
	first = int64(group) * x.stride
	return first, min(x.stride, x.rows-first)
}

// Has reports whether the index is of a column too.
func (x *Index) Has(column int) bool {
	_, ok := x.columns[column]
	return ok
}

// Bounds are those of a column in a group, as File.Bounds has them of a stripe.
func (x *Index) Bounds(group, column int) (Bounds, error) {
	c := x.columns[column]
	if c.groups == nil {
		return Bounds{Nulls: -1}, nil
	}
	_, n := x.Rows(group)
	return x.file.bounds(c.groups[group].statistics, x.file.types[column], n)
}

// Lacks reports whether a group is known not to have a value in a column; nil where nothing is known.
func (x *Index) Lacks(group, column int) func(hivetype.Value) bool {
	c, t := x.columns[column], x.file.types[column]
	if c.blooms == nil || t.Kind == hivetype.Date && x.file.tail.Footer.Julian() {
		return nil
	}
	return func(v hivetype.Value) bool { return c.blooms[group].lacks(v, t) }
}

// groupsOf is how many groups rows are in.
func groupsOf(rows, stride int64) int64 { return (rows + stride - 1) / stride }

// parseRowIndex reads the message RowIndex. Of more groups than that it tells one more: a few bytes may say very much.
func parseRowIndex(b []byte, most int64) (groups []groupEntry, err error) {
	err = orcfile.Fields(b, func(f orcfile.Field) error {
		if f.Number != 1 || int64(len(groups)) > most {
			return nil
		}
		var g groupEntry
		err := orcfile.Fields(f.Bytes, func(f orcfile.Field) (err error) {
			switch f.Number {
			case 1:
				g.positions, err = positions(g.positions, f)
			case 2:
				g.statistics = f.Bytes
			}
			return err
		})
		groups = append(groups, g)
		return err
	})
	return groups, err
}

// positions appends those of a field, packed or one by one.
func positions(list []uint64, f orcfile.Field) ([]uint64, error) {
	if f.Bytes == nil {
		list = append(list, f.N)
	}
	for b := f.Bytes; len(b) > 0 && len(list) < mostPositions; {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return nil, orcfile.Malformed("%v", protowire.ParseError(n))
		}
		list, b = append(list, v), b[n:]
	}
	return list[:min(len(list), mostPositions)], nil
}
