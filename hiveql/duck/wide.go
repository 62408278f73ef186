package duck

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/footer"
	"github.com/skepdata/skep/hivetype"
)

// DuckDB reads timestamps of 96 bits in microseconds. Whether there are digits behind those is seen
// here, for most files from the dictionaries of the columns. Where there are some, they are read here
// as well, and join DuckDB's rows by their numbers.

// sparkNote is in the files of Spark, whose timestamps are microseconds.
const sparkNote = "org.apache.spark.version"

// wideFile is a Parquet file of which timestamps of 96 bits are read.
type wideFile struct {
	f      *os.File
	reader *file.Reader
	parts  *filled
}

func openWide(ctx context.Context, f hiveql.File, path string, parts hiveql.Parts) (*wideFile, error) {
	local, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	w := &wideFile{f: local, parts: &filled{ctx: ctx, f: local, parts: parts}}
	if w.reader, err = file.NewParquetReader(io.NewSectionReader(w.parts, 0, f.Object.Size)); err != nil {
		return nil, errors.Join(w.explain(err), local.Close())
	}
	return w, nil
}

// explain puts the error of bringing a part of the file in the place of what became of it.
func (w *wideFile) explain(err error) error {
	if w.parts.err != nil {
		return w.parts.err
	}
	return err
}

func (w *wideFile) Close() error { return w.f.Close() }

// digits are the nanoseconds of a value behind its microseconds.
func digits(v []byte) int32 { return int32(binary.LittleEndian.Uint64(v) % 1000) }

const wideBytes = 12

// anyDigits reports whether a chunk may have values with digits. It may take values for some that
// are in the dictionary only.
func (w *wideFile) anyDigits(group, leaf int) (found bool, err error) {
	chunk, err := w.reader.MetaData().RowGroup(group).ColumnChunk(leaf)
	if err != nil {
		return false, err
	}
	dictionaries := chunk.HasDictionaryPage() && !slices.Contains(chunk.Encodings(), parquet.Encodings.Plain)
	for _, s := range chunk.EncodingStats() {
		const dictionaryPage = 2
		dictionaries = chunk.HasDictionaryPage() && (s.PageType == dictionaryPage ||
			s.Encoding == parquet.Encodings.PlainDict || s.Encoding == parquet.Encodings.RLEDict)
		if !dictionaries {
			break
		}
	}
	if dictionaries {
		pages, err := w.reader.RowGroup(group).GetColumnPageReader(leaf)
		if err != nil {
			return false, err
		}
		if pages.Next() {
			if p, ok := pages.Page().(*file.DictionaryPage); ok {
				for b := p.Data(); len(b) >= wideBytes && !found; b = b[wideBytes:] {
					found = digits(b) > 0
				}
				return found, nil
			}
		}
		if err := pages.Err(); err != nil {
			return false, err
		}
	}
	_, err = w.values(group, leaf, func(_ int64, digits int32) bool {
		found = digits > 0
		return !found
	})
	return found, err
}

// values calls f for the values of a chunk that are not NULL, with the numbers of their rows in the
// group if the column is not nested, until it returns false.
func (w *wideFile) values(group, leaf int, f func(row int64, digits int32) bool) (more bool, err error) {
	column, err := w.reader.RowGroup(group).Column(leaf)
	if err != nil {
		return false, err
	}
	r, ok := column.(*file.Int96ColumnChunkReader)
	if !ok {
		return false, fmt.Errorf("its column %d is no timestamp of 96 bits", leaf)
	}
	const batch = 2048
	values, defined, repeated := make([]parquet.Int96, batch), make([]int16, batch), make([]int16, batch)
	most := column.Descriptor().MaxDefinitionLevel()
	for row := int64(0); r.HasNext(); {
		n, _, err := r.ReadBatch(batch, values, defined, repeated)
		if err != nil {
			return false, err
		}
		at := 0
		for i := range int(n) {
			if most > 0 && defined[i] < most {
				continue
			}
			if !f(row+int64(i), digits(values[at][:])) {
				return false, nil
			}
			at++
		}
		row += n
	}
	return true, r.Err()
}

// findDigits sees which of a scan's columns have digits behind the microseconds in a file, and counts
// those that are lost: within nested columns.
func (l *lowerer) findDigits(ctx context.Context, s *analysis.Scan, f *scanFile) (err error) {
	if !l.src.Nanos() || f.footer == nil || f.footer.Notes[sparkNote] != "" {
		return nil
	}
	var wide *wideFile
	for i, c := range s.Cols {
		if c.Source != analysis.DataColumn {
			continue
		}
		col := dataColumn(s, c, f.footer)
		if col == nil || len(col.Wide) == 0 {
			continue
		}
		found, known := l.exec.footers.digits(f.file, col.Leaf)
		if !known || col.Leaves > 1 || col.Nested() {
			if wide == nil {
				if wide, err = openWide(ctx, f.file, f.local, f.parts); err != nil {
					return err
				}
				defer func() { _ = wide.Close() }() // only read
			}
			if found, err = l.lookForDigits(wide, f, col); err != nil {
				return wide.explain(err)
			}
		}
		if found {
			f.digits = append(f.digits, i)
		}
	}
	return nil
}

// lookForDigits reports whether a column has digits that can be read.
func (l *lowerer) lookForDigits(wide *wideFile, f *scanFile, col *footer.Column) (found bool, err error) {
	if col.Nested() {
		for _, g := range f.groups {
			for leaf := col.Leaf; leaf < col.Leaf+col.Leaves; leaf++ {
				if wide.reader.MetaData().Schema.Column(leaf).PhysicalType() != parquet.Types.Int96 {
					continue
				}
				if _, err := wide.values(g, leaf, func(_ int64, digits int32) bool {
					if digits > 0 {
						l.src.Cut().Add(1)
					}
					return true
				}); err != nil {
					return false, err
				}
			}
		}
		return false, nil
	}
	for _, g := range f.groups {
		if found, err = wide.anyDigits(g, col.Leaf); found || err != nil {
			break
		}
	}
	if err == nil && len(f.groups) == len(f.footer.Groups) {
		l.exec.footers.putDigits(f.file, col.Leaf, found)
	}
	return found, err
}

// byDigits puts the files together that have no such digits, as long as they follow each other;
// those that have are alone.
func byDigits(g *scanGroup) []*scanGroup {
	var groups []*scanGroup
	for _, f := range g.files {
		last := len(groups) - 1
		if len(f.digits) > 0 || last < 0 || groups[last].withDigits() {
			one := *g
			one.files = nil
			groups = append(groups, &one)
			last++
		}
		groups[last].files = append(groups[last].files, f)
	}
	return groups
}

func (g *scanGroup) withDigits() bool {
	return slices.ContainsFunc(g.files, func(f scanFile) bool { return len(f.digits) > 0 })
}

// digitsOf is a relation of the digits in a file: n, the number of a row, and d0, d1 ..., those of its
// columns.
func (l *lowerer) digitsOf(s *analysis.Scan, f *scanFile) string {
	bigint, integer := hivetype.Of(hivetype.BigInt), hivetype.Of(hivetype.Int)
	out := &feed{columns: []feedColumn{{name: "n", t: bigint}}}
	leaves := make([]int, len(f.digits))
	names := []string{"n"}
	for i, c := range f.digits {
		leaves[i] = dataColumn(s, s.Cols[c], f.footer).Leaf
		names = append(names, fmt.Sprintf("d%d", i))
		out.columns = append(out.columns, feedColumn{name: names[i+1], t: integer, index: i + 1})
	}
	out.files = []feedFile{{open: func(ctx context.Context, projection []int) (func() (arrow.RecordBatch, error), func() error, error) {
		wide, err := openWide(ctx, f.file, f.local, f.parts)
		if err != nil {
			return nil, nil, err
		}
		r := &digitReader{wide: wide, file: f, leaves: leaves, projection: projection}
		return r.next, wide.Close, nil
	}}}
	out.rows = 1
	return "(SELECT " + strings.Join(names, ", ") + " FROM " + l.feeds.add(out) + ")"
}

// digitReader makes a batch of each row group that is read: of the rows with digits.
type digitReader struct {
	wide       *wideFile
	file       *scanFile
	leaves     []int
	projection []int
	group      int // of file.groups
}

func (r *digitReader) next() (arrow.RecordBatch, error) {
	if r.group == len(r.file.groups) {
		return nil, io.EOF
	}
	g := r.file.groups[r.group]
	r.group++
	first := int64(0)
	for i := range g {
		first += r.file.footer.Groups[i].Rows
	}
	found := map[int64][]int32{}
	var rows []int64
	for i, leaf := range r.leaves {
		if _, err := r.wide.values(g, leaf, func(row int64, digits int32) bool {
			if digits > 0 && found[row] == nil {
				found[row] = make([]int32, len(r.leaves))
				rows = append(rows, row)
			}
			if digits > 0 {
				found[row][i] = digits
			}
			return true
		}); err != nil {
			return nil, r.wide.explain(err)
		}
	}
	arrays, fields := make([]arrow.Array, len(r.projection)), make([]arrow.Field, len(r.projection))
	for k, p := range r.projection {
		if p == 0 {
			b := array.NewInt64Builder(memory.DefaultAllocator)
			for _, row := range rows {
				b.Append(first + row)
			}
			arrays[k] = b.NewArray()
		} else {
			b := array.NewInt32Builder(memory.DefaultAllocator)
			for _, row := range rows {
				b.Append(found[row][p-1])
			}
			arrays[k] = b.NewArray()
		}
		fields[k] = arrow.Field{Name: fmt.Sprint(p), Type: arrays[k].DataType()}
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), arrays, int64(len(rows))), nil
}
