package formats

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/twmb/avro"

	"github.com/skepdata/skep/hivetype"
)

// writerZone is what Hive notes in its Avro files: the time zone by whose clocks the timestamps, which lie in them as
// instants, were told.
const writerZone = "writer.time.zone"

// writerProleptic is what Hive 4 notes of the calendar: true where days before 1582 are Gregorian. In its Parquet files the
// note is called writerDateProleptic, and so it was in Avro files of ours.
const (
	writerProleptic     = "writer.proleptic"
	writerDateProleptic = "writer.date.proleptic"
)

// avroReader reads an Avro object container file.
type avroReader struct {
	file    *avroFile
	schema  *avro.Schema // of what is read: the projected columns
	options []avro.Opt
	batch   *batch
	append  avroAppender
	into    []avroPlace
	row     map[string]any
	data    []byte // of the block, what is left
	left    int64  // and how many records
	record  int64  // which of the block's was read last
	err     error  // returned from now on
}

// emptyRecords is how many records without bytes a block may have.
const emptyRecords = 1 << 20

// avroPlace is where the value of a projected column is in a record, and what it is.
type avroPlace struct {
	name  string
	shape *avroShape
}

func newAvroReader(s *Spec, b *batch, r io.Reader) (Reader, error) {
	a := &avroReader{batch: b, row: map[string]any{}}
	in := bufio.NewReaderSize(r, lineBuffer)
	if _, err := in.Peek(1); errors.Is(err, io.EOF) { // an empty file has no rows
		a.err = io.EOF
		return a, nil
	}
	var err error
	if a.file, err = openAvro(in); err != nil {
		return nil, err
	}
	if err := a.resolve(s); err != nil {
		return nil, errors.Join(err, a.file.close())
	}
	return a, nil
}

// resolve finds out as what the file is read.
func (a *avroReader) resolve(s *Spec) error {
	table, err := s.avroNode(a.batch.fields)
	if err != nil {
		return err
	}
	writer, err := avroSchema(string(a.file.notes["avro.schema"]))
	if err != nil {
		return fmt.Errorf("the schema in the file: %w", err)
	}
	file := expanded(writer)
	if file.Type != "record" && file.Type != "error" {
		return fmt.Errorf("the file has values of type %s, no records", file.Type)
	}
	resolver := &avroResolver{}
	reader := &avro.SchemaNode{Type: "record"}
	resolver.name(reader, file)
	for _, p := range a.batch.projection {
		f, shape, err := resolver.field(a.batch.fields[p].Name, avroField(table, a.batch.fields[p].Name, nil), file)
		if err != nil {
			return err
		}
		for j, other := range a.into {
			if other.name == f.Name { // as two columns of the same in different case
				return fmt.Errorf("columns %s and %s are the same field %s", a.batch.fields[a.batch.projection[j]].Name, a.batch.fields[p].Name, f.Name)
			}
		}
		reader.Fields = append(reader.Fields, f)
		a.into = append(a.into, avroPlace{name: f.Name, shape: shape})
	}
	expected, err := reader.Schema(laxNames())
	if err == nil {
		a.schema, err = avro.Resolve(writer, expected)
	}
	if err != nil {
		return fmt.Errorf("the file cannot be read as the schema of the table: %w", err)
	}
	a.append = avroAppender{tagged: resolver.tagged, clock: s.avroZone(a.file.notes)}
	if s.oldCalendar(a.file.notes) {
		a.append.old = hivetype.NewJavaZone(a.append.clock)
	}
	if resolver.tagged {
		a.options = append(a.options, avro.TaggedUnions())
	}
	return nil
}

// avroZone is the zone by whose clocks timestamps are read: that of the writer, or, where it is not known, the session's.
func (s *Spec) avroZone(notes map[string][]byte) *time.Location {
	zone := s.Zone
	if zone == nil || s.AvroClocks {
		zone = time.UTC
	}
	if name := string(notes[writerZone]); name != "" {
		if of, err := time.LoadLocation(name); err == nil {
			return of
		}
	}
	return zone
}

// oldCalendar reports whether a file has the days and clocks of Java's old classes: it says so, or it does not say who
// wrote it, and so may be one of Hive before 3.1.
func (s *Spec) oldCalendar(notes map[string][]byte) bool {
	note, ok := notes[writerProleptic]
	if !ok {
		note = notes[writerDateProleptic]
	}
	switch string(note) {
	case "true":
		return false
	case "false":
		return true
	}
	return len(notes[writerZone]) == 0 && len(notes["org.apache.spark.version"]) == 0 && !s.AvroProleptic
}

func (a *avroReader) Next() (arrow.RecordBatch, error) {
	for a.err == nil && a.batch.rows < a.batch.size {
		if a.left == 0 {
			a.record = 0
			a.left, a.data, a.err = a.file.next()
			if a.left > emptyRecords && a.left > int64(len(a.data)) {
				a.left, a.err = 0, fmt.Errorf("%s: %d records in %d bytes: the file is damaged", a.file.place(), a.left, len(a.data))
			}
			continue
		}
		if a.batch.rows == 0 {
			a.batch.begin()
		}
		a.record++
		if err := a.read(); err != nil {
			a.err = fmt.Errorf("record %d of %s: %w", a.record, a.file.place(), err)
			break
		}
		a.left--
		a.batch.rows++
	}
	if a.batch.rows == 0 || a.err != nil && !errors.Is(a.err, io.EOF) {
		return nil, a.err
	}
	return a.batch.take(), nil
}

// read reads a record into the columns.
func (a *avroReader) read() error {
	rest, err := a.schema.Decode(a.data, &a.row, a.options...)
	if err != nil {
		return err
	}
	a.data = rest
	for i, p := range a.into {
		if err := a.append.value(a.batch.columns[i], p.shape, a.row[p.name]); err != nil {
			return fmt.Errorf("column %s: %w", a.batch.fields[a.batch.projection[i]].Name, err)
		}
	}
	if a.batch.offset != nil {
		a.batch.offset.Append(a.file.start)
	}
	return nil
}

func (a *avroReader) Close() error {
	a.batch.release()
	if a.err == nil {
		a.err = errors.New("the reader is closed")
	}
	if a.file == nil {
		return nil
	}
	return a.file.close()
}
