package formats

import (
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/skepdata/skep/hivetype"
)

// rowReader appends one line to the columns of a batch, exactly one value to each.
type rowReader interface {
	read(line []byte) error
}

// records are the rows of a file as bytes: the lines of text, or the values of a SequenceFile.
type records interface {
	next() ([]byte, error) // good until the next call; the error behind the last is io.EOF
	place() string         // of the one returned last, for errors
	offset() int64         // where it begins in the stream
}

// textReader reads a format of one row a line, or a record.
type textReader struct {
	lines records
	batch *batch
	row   rowReader
	from  int64 // the byte of the file behind which lines are counted
	base  int64 // the byte of the file at which the stream begins
	err   error // returned from now on
}

func (t *textReader) Next() (arrow.RecordBatch, error) {
	for t.err == nil && t.batch.rows < t.batch.size {
		line, err := t.lines.next()
		if err != nil {
			t.err = err
			break
		}
		if t.batch.rows == 0 {
			t.batch.begin()
		}
		if err := t.row.read(line); err != nil {
			t.err = fmt.Errorf("%s: %w", t.lines.place(), err)
			if t.from > 0 {
				t.err = fmt.Errorf("%s behind byte %d: %w", t.lines.place(), t.from, err)
			}
			break
		}
		if t.batch.offset != nil {
			t.batch.offset.Append(t.base + t.lines.offset())
		}
		t.batch.rows++
	}
	if t.batch.rows == 0 || t.err != nil && !errors.Is(t.err, io.EOF) {
		return nil, t.err
	}
	return t.batch.take(), nil
}

func (t *textReader) Close() error {
	t.batch.release()
	if t.err == nil {
		t.err = errors.New("the reader is closed")
	}
	return nil
}

// rowWriter appends the line of one row, without its end.
type rowWriter interface {
	write(dst []byte, fields []Field, row []hivetype.Value) ([]byte, error)
}

const writeBuffer = 64 << 10

// textWriter writes a format of one row a line.
type textWriter struct {
	w      io.Writer
	fields []Field
	row    rowWriter
	buf    []byte
	err    error
}

func (t *textWriter) Write(row []hivetype.Value) error {
	if t.err != nil {
		return t.err
	}
	if len(row) != len(t.fields) {
		return fmt.Errorf("a row of %d values for %d columns", len(row), len(t.fields))
	}
	before := len(t.buf)
	line, err := t.row.write(t.buf, t.fields, row)
	if err != nil {
		t.buf = t.buf[:before]
		return err
	}
	t.buf = append(line, '\n')
	if len(t.buf) >= writeBuffer {
		return t.flush()
	}
	return nil
}

func (t *textWriter) flush() error {
	if t.err == nil && len(t.buf) > 0 {
		_, t.err = t.w.Write(t.buf)
		t.buf = t.buf[:0]
	}
	return t.err
}

func (t *textWriter) Close() error { return t.flush() }
