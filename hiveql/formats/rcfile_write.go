package formats

import (
	"encoding/binary"
	"fmt"
	"io"
	"strconv"

	"github.com/skepdata/skep/hivetype"
)

// rcGroup is about how many bytes a group of rows has.
const rcGroup = 4 << 20

// cellWriter appends one value of one column.
type cellWriter func(dst []byte, f Field, v hivetype.Value) ([]byte, error)

// rcWriter writes an RCFile that is not compressed.
type rcWriter struct {
	w       io.Writer
	fields  []Field
	cell    cellWriter
	mark    []byte
	begun   bool
	rows    int64
	size    int
	raw     int64
	columns []rcBuffer
	out     []byte
}

// rcBuffer is a column of the group that is being written.
type rcBuffer struct {
	values  []byte
	lengths []byte
	last    int64 // the length of the last value, -1 before the first
	again   int64 // how many more of it there are
}

func newRCWriter(fields []Field, cell cellWriter, w io.Writer) (Writer, error) {
	mark, err := newMark()
	if err != nil {
		return nil, err
	}
	rc := &rcWriter{w: w, fields: fields, cell: cell, mark: mark, columns: make([]rcBuffer, len(fields))}
	rc.clear()
	return rc, nil
}

func (rc *rcWriter) clear() {
	for i := range rc.columns {
		c := &rc.columns[i]
		*c = rcBuffer{values: c.values[:0], lengths: c.lengths[:0], last: -1}
	}
	rc.rows, rc.size = 0, 0
}

func (c *rcBuffer) note(n int64) {
	if n == c.last {
		c.again++
		return
	}
	c.end()
	c.last = n
}

func (c *rcBuffer) end() {
	if c.last >= 0 {
		c.lengths = appendVarint(c.lengths, c.last)
		if c.again > 0 {
			c.lengths = appendVarint(c.lengths, ^c.again)
		}
	}
	c.again = 0
}

func (rc *rcWriter) Write(row []hivetype.Value) error {
	if len(row) != len(rc.fields) {
		return fmt.Errorf("a row of %d values for %d columns", len(row), len(rc.fields))
	}
	for i, v := range row {
		c := &rc.columns[i]
		before := len(c.values)
		values, err := rc.cell(c.values, rc.fields[i], v)
		if err != nil {
			return fmt.Errorf("column %s: %w", rc.fields[i].Name, err)
		}
		c.values = values
		c.note(int64(len(values) - before))
		rc.size += len(values) - before
		rc.raw += int64(len(values) - before)
	}
	rc.rows++
	if rc.size >= rcGroup || rc.rows == 1<<20 {
		return rc.flush()
	}
	return nil
}

// Raw is the size of the values.
func (rc *rcWriter) Raw() int64 { return rc.raw }

func (rc *rcWriter) flush() error {
	rc.out = rc.out[:0]
	if !rc.begun {
		rc.begun = true
		rc.out = append(rc.out, "RCF\x01\x00"...)
		rc.out = hadoopHead(rc.out, [][2]string{{"hive.io.rcfile.column.number", strconv.Itoa(len(rc.fields))}}, rc.mark)
	}
	if rc.rows > 0 {
		rc.group()
	}
	rc.clear()
	_, err := rc.w.Write(rc.out)
	return err
}

func (rc *rcWriter) group() {
	key := appendVarint(nil, rc.rows)
	size := 0
	for i := range rc.columns {
		c := &rc.columns[i]
		c.end()
		key = appendVarint(appendVarint(key, int64(len(c.values))), int64(len(c.values)))
		key = append(appendVarint(key, int64(len(c.lengths))), c.lengths...)
		size += len(c.values)
	}
	rc.out = append(append(rc.out, 0xff, 0xff, 0xff, 0xff), rc.mark...)
	rc.out = binary.BigEndian.AppendUint32(rc.out, uint32(len(key)+size))
	rc.out = binary.BigEndian.AppendUint32(rc.out, uint32(len(key)))
	rc.out = binary.BigEndian.AppendUint32(rc.out, uint32(len(key)))
	rc.out = append(rc.out, key...)
	for i := range rc.columns {
		rc.out = append(rc.out, rc.columns[i].values...)
	}
}

func (rc *rcWriter) Close() error {
	if rc.rows > 0 || !rc.begun {
		return rc.flush()
	}
	return nil
}

// binaryCell writes a column of LazyBinaryColumnarSerDe.
func binaryCell(dst []byte, f Field, v hivetype.Value) ([]byte, error) {
	switch x := v.(type) {
	case nil:
		return dst, nil
	case string:
		if x == "" && f.Type.Kind == hivetype.String {
			return append(dst, emptyText), nil
		}
		return append(dst, x...), nil
	case []byte:
		return append(dst, x...), nil
	}
	if f.Type.Primitive() {
		return appendBinaryValue(dst, f.Type, v)
	}
	return appendNested(dst, f.Type, v)
}
