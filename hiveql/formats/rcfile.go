package formats

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/skepdata/skep/hivetype"
)

// cellReader appends one value of one column.
type cellReader interface {
	cell(c *column, t hivetype.Type, b []byte) error
}

// rcReader reads an RCFile: groups of rows, in each the values of one column after those of another.
type rcReader struct {
	file   hadoopFile
	batch  *batch
	cells  cellReader
	start  int64 // where the group begins
	rows   int64 // of the group
	row    int64 // the next of them
	groups int64
	parts  []rcColumn // of the projection
	err    error      // returned from now on
}

// rcColumn is one column of a group. The lengths of its values are Hadoop's integers, and a negative
// one says how often that before it comes once more.
type rcColumn struct {
	lengths binaryInput
	last    int64
	again   int64
	values  []byte
	missing bool // the file has no such column
}

func newRCReader(r io.Reader, b *batch, cells cellReader) (*rcReader, error) {
	rc := &rcReader{file: hadoopFile{r: bufio.NewReaderSize(r, lineBuffer)}, batch: b, cells: cells}
	rc.parts = make([]rcColumn, len(b.projection))
	if _, err := rc.file.r.Peek(1); errors.Is(err, io.EOF) { // an empty file has no rows
		return rc, nil
	}
	return rc, rc.head()
}

func (rc *rcReader) head() error {
	head, err := rc.file.take(4)
	if err != nil {
		return err
	}
	old := string(head) == "SEQ\x06" // a SequenceFile of classes of RCFile's own
	if !old && string(head) != "RCF\x01" {
		return errors.New("this is no RCFile")
	}
	if old {
		for range 2 {
			if _, err := rc.file.text(); err != nil {
				return err
			}
		}
	}
	compressed, err := rc.file.flag()
	if err == nil && old {
		_, err = rc.file.flag()
	}
	if err == nil && compressed {
		err = rc.file.codec()
	}
	if err == nil {
		_, err = rc.file.notes()
	}
	return err
}

func (rc *rcReader) Next() (arrow.RecordBatch, error) {
	for rc.err == nil && rc.batch.rows < rc.batch.size {
		if rc.row == rc.rows {
			rc.err = rc.group()
			continue
		}
		if rc.batch.rows == 0 {
			rc.batch.begin()
		}
		if err := rc.appendRow(); err != nil {
			rc.err = fmt.Errorf("row %d of group %d: %w", rc.row+1, rc.groups, err)
			break
		}
		rc.row++
		rc.batch.rows++
	}
	if rc.batch.rows == 0 || rc.err != nil && !errors.Is(rc.err, io.EOF) {
		return nil, rc.err
	}
	return rc.batch.take(), nil
}

func (rc *rcReader) Close() error {
	rc.batch.release()
	if rc.err == nil {
		rc.err = errors.New("the reader is closed")
	}
	return nil
}

func (rc *rcReader) appendRow() error {
	for i, p := range rc.batch.projection {
		part, c := &rc.parts[i], rc.batch.columns[i]
		if part.missing {
			c.null()
			continue
		}
		b, err := part.next()
		if err != nil {
			return err
		}
		if err := rc.cells.cell(c, rc.batch.fields[p].Type, b); err != nil {
			return err
		}
	}
	if rc.batch.offset != nil {
		rc.batch.offset.Append(rc.start)
	}
	return nil
}

func (p *rcColumn) next() ([]byte, error) {
	if p.again > 0 {
		p.again--
	} else if n := p.lengths.varint(); n < 0 {
		p.again = ^n - 1
	} else {
		p.last = n
	}
	if p.lengths.broken || p.last > int64(len(p.values)) {
		return nil, errors.New("a column is shorter than its values: the file is damaged")
	}
	b := p.values[:p.last]
	p.values = p.values[p.last:]
	return b, nil
}

// group reads the next group, of the columns that are wanted.
func (rc *rcReader) group() error {
	start := rc.file.at
	_, marked, err := rc.file.length()
	if err == nil && marked {
		_, marked, err = rc.file.length()
	}
	if err != nil {
		return err
	}
	if marked {
		return fmt.Errorf("at byte %d: two marks without a group: the file is damaged", rc.file.at)
	}
	if _, err := rc.file.number(); err != nil { // the plain length of what follows
		return err
	}
	size, err := rc.file.number()
	if err != nil {
		return err
	}
	b, err := rc.file.take(int64(size))
	if err != nil {
		return err
	}
	if b, err = rc.file.decompressed(b); err != nil {
		return err
	}
	rc.start = start
	rc.groups++
	return rc.columns(append([]byte(nil), b...))
}

// columns reads what a group says of its columns, and then those that are wanted.
func (rc *rcReader) columns(key []byte) error {
	in := binaryInput{b: key}
	rows := in.varint()
	for i := range rc.parts {
		rc.parts[i] = rcColumn{missing: true}
	}
	for at := 0; len(in.b) > 0; at++ {
		size := in.varint()
		in.varint() // the plain size
		lengths := in.take(in.varint())
		if in.broken || at == 0 && countValues(lengths) != rows {
			in.broken = true
			break
		}
		if err := rc.column(at, size, lengths); err != nil {
			return err
		}
	}
	if in.broken || rows < 0 {
		return fmt.Errorf("group %d is damaged", rc.groups)
	}
	rc.rows, rc.row = rows, 0
	return nil
}

// countValues is how many values a column has.
func countValues(lengths []byte) int64 {
	count := int64(0)
	for in := (binaryInput{b: lengths}); len(in.b) > 0 && !in.broken; {
		if n := in.varint(); n < 0 {
			count += ^n
		} else {
			count++
		}
	}
	return count
}

func (rc *rcReader) column(at int, size int64, lengths []byte) error {
	var values []byte
	for i, p := range rc.batch.projection {
		if p != at {
			continue
		}
		if values == nil {
			b, err := rc.file.take(size)
			if err == nil {
				b, err = rc.file.decompressed(b)
			}
			if err != nil {
				return err
			}
			values = append(make([]byte, 0, len(b)), b...)
		}
		rc.parts[i] = rcColumn{lengths: binaryInput{b: lengths}, values: values}
	}
	if values == nil {
		return rc.file.skip(size)
	}
	return nil
}

// binaryCells reads columns of LazyBinaryColumnarSerDe: no bytes are NULL.
type binaryCells struct{}

// emptyText is a string without characters, which is not NULL.
const emptyText = 0xbf

func (binaryCells) cell(c *column, t hivetype.Type, b []byte) error {
	switch {
	case len(b) == 0:
		c.null()
		return nil
	case t.Kind == hivetype.String && len(b) == 1 && b[0] == emptyText:
		c.set(nil)
		return nil
	case t.Text():
		c.set(b)
		return nil
	case t.Kind == hivetype.Binary:
		c.appendBinary(b)
		return nil
	}
	in := &binaryInput{b: b}
	if t.Primitive() {
		in.value(t, c)
	} else {
		in.nested(t, c, &binaryInput{b: b})
	}
	if in.broken {
		return errors.New("the bytes are no value of LazyBinaryColumnarSerDe of this type")
	}
	return nil
}

// cell reads a column of ColumnarSerDe.
func (r *lazyRow) cell(c *column, _ hivetype.Type, b []byte) error {
	if string(b) == string(r.nullText) {
		c.null()
	} else {
		r.value(c, b, 1)
	}
	return nil
}
