package parquetmerge

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/skepdata/skep/internal/blocksums"
	"github.com/skepdata/skep/internal/rangecopy"
)

// Input is a Parquet file.
type Input struct {
	// Name is how errors call the file.
	Name string
	// Size is its length in bytes.
	Size int64
	// ReaderAt reads it. If it is a [rangecopy.Opener], too, row groups are read through that.
	io.ReaderAt
	// From and To choose row groups, from From to before To; where To is 0, all are taken.
	From, To int
}

// Stats is what was merged.
type Stats struct {
	Files     int
	RowGroups int
	Rows      int64
	// Bytes is the size of the output.
	Bytes int64
}

// Merge writes to w one Parquet file with the rows of all inputs, in order. All footers are
// read and compared before anything is written. An error means that what was written is not a
// Parquet file; it names the input it is about.
func Merge(ctx context.Context, w io.Writer, inputs []Input) (Stats, error) {
	if len(inputs) == 0 {
		return Stats{}, errors.New("merge Parquet files: there are none")
	}
	m := &merger{w: w}
	m.ranges.Write = m.write
	for _, in := range inputs {
		if err := ctx.Err(); err != nil {
			return Stats{}, err
		}
		if err := m.survey(in); err != nil {
			return Stats{}, nameInput(in, err)
		}
	}
	if err := m.write([]byte(magic)); err != nil {
		return Stats{}, err
	}
	for i, in := range inputs {
		if err := m.copyInput(ctx, in, i); err != nil {
			return Stats{}, nameInput(in, err)
		}
	}
	if err := m.writeFooter(); err != nil {
		return Stats{}, err
	}
	return Stats{len(inputs), m.groups, m.rows, m.at}, nil
}

func nameInput(in Input, err error) error {
	if schema, ok := errors.AsType[*SchemaError](err); ok {
		return schema // names both
	}
	return fmt.Errorf("merge %s: %w", in.Name, err)
}

// merger is the state of one Merge.
type merger struct {
	w    io.Writer
	at   int64            // bytes written
	sums blocksums.Writer // of those

	footers []encodedFooter
	first   value // the first file's footer, which becomes the output's
	name    string
	columns []column
	mixed   bool // several writers

	rowGroups []byte // encoded
	groups    int
	rows      int64
	ranges    rangecopy.Copier // which writes by write
}

type encodedFooter struct {
	bytes []byte
	start int64
}

// survey reads the footer of a file and compares it with the first.
func (m *merger) survey(in Input) error {
	b, start, err := readFooter(in)
	if err != nil {
		return err
	}
	footer, err := decodeFooter(b)
	if err != nil {
		return err
	}
	columns, err := columns(footer.field(fileSchema))
	if err != nil {
		return err
	}
	m.footers = append(m.footers, encodedFooter{b, start})
	if len(m.footers) == 1 {
		dropSums(footer.field(fileKeyValues))
		m.first, m.name, m.columns = footer, in.Name, columns
		return nil
	}
	if diff := compareSchemas(m.columns, columns); diff != nil {
		diff.First, diff.Other = m.name, in.Name
		return diff
	}
	if v := footer.field(fileVersion).number; v > m.first.field(fileVersion).number {
		m.first.set(fileVersion, number(typeI32, v))
	}
	if !equal(m.first.field(fileColumnOrders), footer.field(fileColumnOrders)) {
		m.first.remove(fileColumnOrders)
	}
	m.mixed = m.mixed || !equal(m.first.field(fileCreatedBy), footer.field(fileCreatedBy))
	keepEqual(m.first.field(fileKeyValues), footer.field(fileKeyValues))
	return nil
}

func equal(a, b *value) bool {
	return a.kind == b.kind && (a.kind == 0 || bytes.Equal(appendValue(nil, a), appendValue(nil, b)))
}

// describesOneFile tells whether a key-value entry is about the file's own schema or contents.
func describesOneFile(key string) bool {
	return slices.Contains([]string{"ARROW:schema", "pandas", "geo", "iceberg.schema", "parquet.avro.schema",
		"org.apache.spark.sql.parquet.row.metadata", "delta.rowgroup"}, key)
}

// keepEqual removes from the first file's entries those that describe it alone.
func keepEqual(first, other *value) {
	kept := first.items[:0]
	for _, entry := range first.items {
		key := entry.field(keyValueKey)
		same := slices.ContainsFunc(other.items, func(o value) bool {
			return equal(o.field(keyValueKey), key) && equal(o.field(keyValueValue), entry.field(keyValueValue))
		})
		if same || !describesOneFile(string(key.bytes)) {
			kept = append(kept, entry)
		}
	}
	first.items = kept
}

func (m *merger) write(b []byte) error {
	n, err := m.w.Write(b)
	m.at += int64(n)
	_, _ = m.sums.Write(b[:n]) // which takes everything
	return err
}

// copyInput copies a file's row groups, then its page indexes.
func (m *merger) copyInput(ctx context.Context, in Input, n int) error {
	footer, err := decodeFooter(m.footers[n].bytes)
	if err != nil {
		return err
	}
	end := m.footers[n].start
	m.footers[n].bytes = nil
	// Writers of no rows write row groups all the same, and some without a place in the file.
	groups := footer.field(fileRowGroups).items
	if in.To > 0 {
		if in.From < 0 || in.From > in.To || in.To > len(groups) {
			return fmt.Errorf("it has %d row groups, and those from %d to before %d are wanted", len(groups), in.From, in.To)
		}
		groups = groups[in.From:in.To]
	}
	groups = slices.DeleteFunc(groups, func(g value) bool { return g.field(groupRows).number == 0 })
	var moves []move
	rows := int64(0)
	for i := range groups {
		g := &groups[i]
		moved, err := m.copyRowGroup(ctx, in, end, g)
		if err != nil {
			return fmt.Errorf("row group %d: %w", i, err)
		}
		moves = append(moves, moved...)
		rows += g.field(groupRows).number
	}
	if want := footer.field(fileRows).number; rows != want && in.To == 0 {
		return fmt.Errorf("its footer is damaged: it counts %d rows, and its row groups %d", want, rows)
	}
	if err := m.copyIndexes(ctx, in, end, moves); err != nil {
		return err
	}
	for i := range groups {
		m.rowGroups = appendValue(m.rowGroups, &groups[i])
	}
	m.rows += rows
	return nil
}

// move is a column chunk that has been copied, and how far it has moved.
type move struct {
	chunk *value
	by    int64
}

// chunkSpan is where the pages of a column chunk are.
type chunkSpan struct {
	chunk      *value
	start, end int64
}

// copyRowGroup copies the pages of a row group, and changes it to say where they are now.
func (m *merger) copyRowGroup(ctx context.Context, in Input, end int64, g *value) ([]move, error) {
	chunks := g.field(groupColumns).items
	spans := make([]chunkSpan, len(chunks))
	for i := range chunks {
		start, stop, err := pageSpan(&chunks[i], end)
		if err != nil {
			return nil, fmt.Errorf("column %d: %w", i, err)
		}
		spans[i] = chunkSpan{&chunks[i], start, stop}
	}
	slices.SortStableFunc(spans, func(a, b chunkSpan) int { return cmp.Compare(a.start, b.start) })
	moves := make([]move, 0, len(chunks))
	for i := 0; i < len(spans); {
		// Chunks that touch are copied at once.
		start, stop := spans[i].start, spans[i].end
		by := m.at - start
		for ; i < len(spans) && spans[i].start <= stop; i++ {
			stop = max(stop, spans[i].end)
			m.moveChunk(spans[i].chunk, by)
			moves = append(moves, move{spans[i].chunk, by})
		}
		if err := m.ranges.Copy(ctx, in.ReaderAt, start, stop); err != nil {
			return nil, err
		}
	}
	if g.has(groupOffset) && len(chunks) > 0 {
		start, _, _ := pageSpan(&chunks[0], math.MaxInt64)
		g.set(groupOffset, number(typeI64, start))
	}
	g.remove(groupOrdinal)
	if m.groups <= math.MaxInt16 {
		g.set(groupOrdinal, number(typeI16, int64(m.groups)))
	}
	m.groups++
	return moves, nil
}

// pageSpan tells where a column chunk's pages are: from the first of its dictionary, index and
// data pages on, and before end, where the footer starts.
func pageSpan(chunk *value, end int64) (start, stop int64, err error) {
	meta := chunk.field(chunkMeta)
	switch {
	case chunk.has(chunkCrypto) || chunk.has(chunkEncryptedMeta):
		return 0, 0, errEncrypted
	case len(chunk.field(chunkFile).bytes) > 0:
		return 0, 0, fmt.Errorf("its data are in another file, %q, which is not supported yet", chunk.field(chunkFile).bytes)
	case !meta.field(metaDataPage).isInt() || !meta.field(metaSize).isInt():
		return 0, 0, errors.New("its place in the file is missing from the footer")
	}
	start = meta.field(metaDataPage).number
	for _, id := range []int16{metaDictionaryPage, metaIndexPage} {
		if at := meta.field(id).number; at > 0 && at < start { // some writers say 0 for none
			start = at
		}
	}
	size := meta.field(metaSize).number
	if start < int64(len(magic)) || size < 0 || size > end-start {
		return 0, 0, fmt.Errorf("it should have %d bytes at %d, outside the file's data, which end at %d", size, start, end)
	}
	return start, start + size, nil
}

// moveChunk changes the places of a column chunk's pages.
func (m *merger) moveChunk(chunk *value, by int64) {
	meta := chunk.field(chunkMeta)
	for _, id := range []int16{metaDataPage, metaIndexPage, metaDictionaryPage} {
		if at := meta.field(id); at.isInt() && at.number > 0 {
			at.number += by
		}
	}
	// Deprecated; 0 is what a writer should say.
	chunk.set(chunkFileOffset, number(typeI64, 0))
	if m.mixed {
		if s := meta.field(metaStatistics); s.kind == typeStruct {
			s.remove(statisticsOldMax)
			s.remove(statisticsOldMin)
		}
	}
}

// writerName is what created_by says if the files had different ones.
const writerName = "skep (merged from files of several writers)"

// writeFooter writes the first file's footer with all row groups. Those are encoded already:
// the fields before and after them are encoded around them.
func (m *merger) writeFooter() error {
	f := &m.first
	f.set(fileRows, number(typeI64, m.rows))
	f.remove(fileRowGroups)
	if m.mixed {
		f.set(fileCreatedBy, text(writerName))
	}
	note := m.sums.Note()
	if len(f.field(fileKeyValues).items) == 0 {
		f.set(fileKeyValues, value{kind: typeList, elem: typeStruct})
	}
	notes := f.field(fileKeyValues)
	notes.items = append(notes.items, sumsEntry(note))
	var before, after value
	for i, id := range f.ids {
		part := &before
		if id > fileRowGroups {
			part = &after
		}
		part.ids = append(part.ids, id)
		part.items = append(part.items, f.items[i])
	}
	b := appendFields(nil, &before)
	b = b[:len(b)-1] // the end of the struct comes later
	last := int16(0)
	if n := len(before.ids); n > 0 {
		last = before.ids[n-1]
	}
	b = appendFieldHead(b, last, fileRowGroups, typeList)
	b = appendListHead(b, m.groups, typeStruct)
	b = append(b, m.rowGroups...)
	last = fileRowGroups
	for i, id := range after.ids {
		b = appendFieldHead(b, last, id, after.items[i].kind)
		b = appendValue(b, &after.items[i])
		last = id
	}
	b, err := withTrailer(append(b, 0), note)
	if err != nil {
		return fmt.Errorf("merge Parquet files: %w; merge fewer files", err)
	}
	return m.write(b)
}
