package formats

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/skepdata/skep/hiveql/formats/orc"
	"github.com/skepdata/skep/hivetype"
)

// NewORCReader reads an ORC file as NewReader reads others. Columns are found by their places, or with
// Spec.ByName by their names where the file has some, which older versions of Hive did not write. Values of another type
// than the table's become such, or NULL where they cannot.
func NewORCReader(spec Spec, fields []Field, projection []int, r io.ReaderAt, size int64, batchRows int) (Reader, error) {
	b, err := newBatch(&spec, fields, projection, batchRows)
	if err != nil {
		return nil, err
	}
	o := &orcReader{batch: b}
	if size > 0 { // an empty file has no rows
		err = o.open(&spec, r, size)
	}
	if err != nil {
		b.release()
		return nil, err
	}
	return o, nil
}

// orcReader reads the stripes of a file, one after the other.
type orcReader struct {
	batch   *batch
	file    *orc.File
	columns []orcColumn // of the projection
	wanted  map[*orc.Type]bool
	stripe  *orc.Stripe
	next    int   // the stripe to open next
	left    int64 // rows of the stripe
	row     int64 // of the file
	err     error
}

// orcColumn is a column of the projection.
type orcColumn struct {
	at  int // of the file; -1 if it has none
	add orcAppender
}

func (o *orcReader) open(spec *Spec, r io.ReaderAt, size int64) (err error) {
	if o.file, err = orc.Open(r, size); err != nil {
		return err
	}
	root := o.file.Root
	if root.Kind != orc.Struct {
		return fmt.Errorf("an ORC file of values that are no rows is %w", ErrUnsupported)
	}
	if len(root.Names) == 6 && root.Names[0] == "operation" && root.Names[5] == "row" {
		return fmt.Errorf("an ORC file of a transactional table is %w yet", ErrUnsupported)
	}
	o.wanted = map[*orc.Type]bool{}
	for i, p := range o.batch.projection {
		f := o.batch.fields[p]
		c := orcColumn{at: orcField(root, p, f.Name, spec.ByName)}
		if c.at >= 0 {
			t := root.Below[c.at]
			if c.add, err = newORCAppender(o.batch.columns[i], t, o.file.Julian); err != nil {
				return fmt.Errorf("column %s: %w", f.Name, err)
			}
			o.want(t)
		}
		o.columns = append(o.columns, c)
	}
	return nil
}

func (o *orcReader) want(t *orc.Type) {
	o.wanted[t] = true
	for _, b := range t.Below {
		o.want(b)
	}
}

// orcField is the place of a column in the file, or -1.
func orcField(root *orc.Type, place int, name string, byName bool) int {
	nameless := true
	for i, n := range root.Names {
		nameless = nameless && n == fmt.Sprintf("_col%d", i)
		if byName && strings.EqualFold(n, name) {
			return i
		}
	}
	if (nameless || !byName) && place < len(root.Names) {
		return place
	}
	return -1
}

func (o *orcReader) Next() (arrow.RecordBatch, error) {
	for o.err == nil && o.left == 0 {
		if o.file == nil || o.next == len(o.file.Stripes) {
			o.err = io.EOF
			break
		}
		o.stripe, o.err = o.file.Stripe(o.next, func(t *orc.Type) bool { return o.wanted[t] })
		if o.err == nil {
			o.next, o.left = o.next+1, o.stripe.Rows
		}
	}
	if o.err != nil {
		return nil, o.err
	}
	n := int(min(int64(o.batch.size), o.left))
	rows, err := o.stripe.Read(n)
	if err != nil {
		o.err = fmt.Errorf("stripe %d: %w", o.next, err)
		return nil, o.err
	}
	o.left -= int64(n)
	o.batch.begin()
	for i, c := range o.columns {
		if c.at < 0 {
			for range n {
				o.batch.columns[i].null()
			}
			continue
		}
		c.add(rows.Below[c.at], 0, n)
	}
	if o.batch.offset != nil {
		for i := range n {
			o.batch.offset.Append(o.row + int64(i))
		}
	}
	o.row += int64(n)
	o.batch.rows = n
	return o.batch.take(), nil
}

func (o *orcReader) Close() error {
	o.batch.release()
	if o.err == nil {
		o.err = errors.New("the reader is closed")
	}
	return nil
}

// orcKinds are Hive's types of ORC's.
func orcType(t *orc.Type) (hivetype.Type, error) {
	kinds := map[orc.Kind]hivetype.Kind{orc.Boolean: hivetype.Boolean, orc.Byte: hivetype.TinyInt, orc.Short: hivetype.SmallInt,
		orc.Int: hivetype.Int, orc.Long: hivetype.BigInt, orc.Float: hivetype.Float, orc.Double: hivetype.Double,
		orc.String: hivetype.String, orc.Binary: hivetype.Binary, orc.Timestamp: hivetype.Timestamp, orc.Date: hivetype.Date,
		orc.Instant: hivetype.TimestampLocalTZ}
	switch t.Kind {
	case orc.Decimal:
		return hivetype.DecimalOf(t.Precision, t.Scale), nil
	case orc.Varchar:
		return hivetype.VarcharOf(t.Length), nil
	case orc.Char:
		return hivetype.CharOf(t.Length), nil
	}
	if k, ok := kinds[t.Kind]; ok {
		return hivetype.Of(k), nil
	}
	return hivetype.Type{}, fmt.Errorf("this type of an ORC file is %w here", ErrUnsupported)
}
