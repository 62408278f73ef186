package duck

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	duckdb "github.com/duckdb/duckdb-go-bindings"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/formats"
	"github.com/skepdata/skep/hiveql/orc"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
)

// text streams the rows out of DuckDB and through package formats, one file after the other.
// Text is compressed where the table's storage says so, by the codec that the parameter
// codecParameter of the table names, or by gzip.
func (w *writer) text(ctx context.Context) error {
	sd := &w.out.Table.Storage
	t := &textFiles{writer: w, ordinal: -1}
	var err error
	if isORC(sd) {
		t.orc, err = orcOptions(w.out.Table)
	} else {
		t.spec, err = formats.SpecOf(sd.InputFormat, sd.SerDe.Library, sd.SerDe.Parameters, w.out.Table.Parameters)
		t.spec.Zone = w.out.Zone
	}
	if err != nil {
		return &Error{Op: "write", Msg: fmt.Sprintf("table %s: %v", w.out.Table.TableName, err), Err: err}
	}
	j, err := w.exec.lowered(ctx, w.src, func(l *lowerer) string { return w.sql(l, false) })
	if err != nil {
		return err
	}
	if sd.Compressed && t.orc == nil && t.spec.In == formats.Lines {
		codec, err := formats.CodecOf(w.out.Table.Parameters[codecParameter])
		if err != nil {
			return errors.Join(&Error{Op: "write", Msg: err.Error(), Err: err}, j.close())
		}
		t.codec = &codec
	}
	err = t.run(j)
	if closing := j.close(); err == nil {
		err = closing
	}
	if err != nil {
		return errors.Join(err, t.close())
	}
	return t.end()
}

// leastBloomShare keeps filters from being many times as large as what they filter.
const leastBloomShare = 1e-9

// orcOptions are what a table's properties say of its ORC files.
func orcOptions(t *metastore.Table) (*orc.WriterOptions, error) {
	o := &orc.WriterOptions{}
	sizes := map[string]*int{"orc.stripe.size": &o.Stripe, "orc.compress.size": &o.Chunk, "orc.row.index.stride": &o.Stride}
	for key, value := range t.Parameters {
		key = strings.ToLower(key)
		switch key {
		case "orc.compress":
			o.Codec = value
		case "orc.bloom.filter.columns":
			for name := range strings.SplitSeq(value, ",") {
				o.Bloom = append(o.Bloom, strings.TrimSpace(name))
			}
		case "orc.bloom.filter.fpp":
			share, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil || !(share >= leastBloomShare && share < 1) {
				return nil, fmt.Errorf("the table property %s=%q is no number from %v to less than 1", key, value, leastBloomShare)
			}
			o.BloomShare = share
		}
		if to := sizes[key]; to != nil {
			n, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil || n <= 0 {
				return nil, fmt.Errorf("the table property %s=%q is no number above 0", key, value)
			}
			*to = n
		}
	}
	if strings.EqualFold(strings.TrimSpace(t.Parameters["orc.create.index"]), "false") {
		o.Stride = -1
	}
	return o, nil
}

// codecParameter is Hadoop's name of the setting.
const codecParameter = "mapreduce.output.fileoutputformat.compress.codec"

// textFiles writes rows that come sorted by partition.
type textFiles struct {
	*writer
	spec    formats.Spec
	orc     *orc.WriterOptions // nil where files are text
	codec   *formats.Codec     // nil where text is not compressed
	files   int
	ordinal int64 // of the open file's partition
	open    *textFile
}

// textFile is the file that is being written.
type textFile struct {
	file    *os.File
	counter *countingWriter
	buffer  *bufio.Writer
	zip     io.WriteCloser // nil where not compressed
	plain   *plainWriter
	rows    formats.Writer
	count   int64
}

// plainWriter counts bytes before they are compressed.
type plainWriter struct {
	w io.Writer
	n int64
}

func (p *plainWriter) Write(b []byte) (int, error) {
	n, err := p.w.Write(b)
	p.n += int64(n)
	return n, err
}

type countingWriter struct {
	w    io.Writer
	sink hiveql.Sink
	n    int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	if err := c.sink.Grow(int64(len(p))); err != nil {
		return 0, err
	}
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

func (t *textFiles) run(j *job) error {
	readers := make([]reader, t.columns)
	for i := range readers {
		readers[i] = j.resolution.newReader(t.query.Output[i].Type)
	}
	row := make([]hivetype.Value, t.columns)
	columns := make([]vector, t.columns)
	for {
		chunk, ok, err := j.fetch()
		if err != nil || !ok {
			return j.explain(err)
		}
		for i := range columns {
			columns[i] = newVector(duckdb.DataChunkGetVector(chunk, duckdb.IdxT(i)))
		}
		var ordinals []int32
		n := int(duckdb.DataChunkGetSize(chunk))
		if t.out.Dynamic > 0 {
			ordinals = rowsOf[int32](duckdb.DataChunkGetVector(chunk, duckdb.IdxT(t.columns)), 0, n)
		}
		for at := range n {
			for i, read := range readers {
				row[i] = read(columns[i], at)
			}
			ordinal := int64(0)
			if ordinals != nil {
				ordinal = int64(ordinals[at])
			}
			if err = t.write(ordinal, row); err != nil {
				break
			}
		}
		duckdb.DestroyDataChunk(&chunk)
		if err != nil {
			return err
		}
	}
}

func (t *textFiles) write(ordinal int64, row []hivetype.Value) error {
	if t.open == nil || ordinal != t.ordinal || t.open.counter.n >= t.out.MaxFileBytes {
		if err := errors.Join(t.end(), t.begin(ordinal)); err != nil {
			return err
		}
	}
	if err := t.open.rows.Write(row); err != nil {
		return &Error{Op: "write", Msg: err.Error(), Err: err}
	}
	t.open.count++
	return nil
}

// begin opens the next file of a partition.
func (t *textFiles) begin(ordinal int64) error {
	name := fmt.Sprintf("%06d_0", t.files)
	if t.codec != nil {
		name += t.codec.Suffix
	}
	f, err := os.Create(filepath.Join(t.out.Dir, name))
	if err != nil {
		return &Error{Op: "write", Msg: err.Error(), Err: err}
	}
	o := &textFile{file: f, counter: &countingWriter{w: f, sink: t.out.Sink}}
	o.buffer = bufio.NewWriterSize(o.counter, 1<<18)
	t.open, t.ordinal = o, ordinal
	o.plain = &plainWriter{w: o.buffer}
	if t.codec != nil {
		if o.zip, err = t.codec.Compress(o.buffer); err != nil {
			return &Error{Op: "write", Msg: err.Error(), Err: err}
		}
		o.plain.w = o.zip
	}
	fields := make([]formats.Field, t.columns)
	for i := range fields {
		fields[i] = formats.Field{Name: t.out.Table.Storage.Columns[i].Name, Type: t.query.Output[i].Type}
		if t.orc == nil {
			fields[i].Type = fields[i].Type.LowerFields()
		}
	}
	if err := t.beginRows(o, fields); err != nil {
		return &Error{Op: "write", Msg: err.Error(), Err: err}
	}
	return nil
}

// beginRows begins to write a file's rows.
func (t *textFiles) beginRows(o *textFile, fields []formats.Field) (err error) {
	if t.orc == nil {
		o.rows, err = formats.NewWriter(t.spec, fields, o.plain)
		return err
	}
	rows, err := orc.NewWriter(fields, o.plain, *t.orc)
	if err == nil {
		o.rows = rows
	}
	return err
}

// end closes the open file and hands it over.
func (t *textFiles) end() error {
	o := t.open
	if o == nil {
		return nil
	}
	values, err := t.values(t.ordinal)
	if err = errors.Join(err, t.close()); err != nil {
		return &Error{Op: "write", Msg: err.Error(), Err: err}
	}
	t.files++
	f := hiveql.Written{Path: o.file.Name(), Values: values, Rows: o.count, Bytes: o.counter.n}
	switch rows := o.rows.(type) {
	case formats.RawSizer:
		f.Raw = rows.Raw()
	default:
		if t.spec.Kind == formats.LazySimple || t.spec.Kind == formats.LazyBinary {
			f.Raw = o.plain.n - o.count
		}
	}
	if err := t.expect(); err != nil {
		return err
	}
	return t.out.Sink.Take(f)
}

// close closes the open file.
func (t *textFiles) close() error {
	o := t.open
	if o == nil {
		return nil
	}
	t.open = nil
	var errs []error
	if o.rows != nil {
		errs = append(errs, o.rows.Close())
	}
	if o.zip != nil {
		errs = append(errs, o.zip.Close())
	}
	return errors.Join(append(errs, o.buffer.Flush(), o.file.Close())...)
}
