package formats

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/skepdata/skep/hivetype"
)

// sequence reads the values of a SequenceFile; keys are left out, as by Hive.
type sequence struct {
	file   hadoopFile
	framed bool  // values begin with their length in four bytes, not as Text does
	blocks bool  // values are compressed many together
	start  int64 // where the value returned last begins: its record, or its block
	number int64
	held   []byte // of a block, the values that are left
	sizes  []byte // and their lengths
	left   int64
}

// newSequence reads the head of the file. An empty file has no values.
func newSequence(r io.Reader) (*sequence, error) {
	s := &sequence{file: hadoopFile{r: bufio.NewReaderSize(r, lineBuffer)}}
	if _, err := s.file.r.Peek(1); errors.Is(err, io.EOF) {
		return s, nil
	}
	head, err := s.file.take(4)
	if err != nil {
		return nil, err
	}
	if string(head[:3]) != "SEQ" || head[3] != 6 {
		return nil, errors.New("this is no SequenceFile of version 6")
	}
	if _, err := s.file.text(); err != nil { // the class of the keys
		return nil, err
	}
	class, err := s.file.text()
	if err != nil {
		return nil, err
	}
	switch className(class) {
	case "Text":
	case "BytesWritable":
		s.framed = true
	default:
		return nil, fmt.Errorf("a SequenceFile of values of the class %s is %w yet", class, ErrUnsupported)
	}
	compressed, err := s.file.flag()
	if err != nil {
		return nil, err
	}
	if s.blocks, err = s.file.flag(); err != nil {
		return nil, err
	}
	if compressed {
		if err := s.file.codec(); err != nil {
			return nil, err
		}
	}
	_, err = s.file.notes()
	return s, err
}

func (s *sequence) place() string { return fmt.Sprintf("record %d", s.number) }

func (s *sequence) offset() int64 { return s.start }

func (s *sequence) next() ([]byte, error) {
	for s.left == 0 {
		s.start = s.file.at
		n, marked, err := s.file.length()
		switch {
		case err != nil:
			return nil, err
		case marked && s.blocks:
			if err := s.block(); err != nil {
				return nil, err
			}
		case !marked:
			return s.record(n)
		}
	}
	in := binaryInput{b: s.sizes}
	size := in.varint()
	s.sizes = in.b
	s.left--
	s.number++
	if in.broken || size < 0 || size > int64(len(s.held)) {
		return nil, errors.New("the values of a block are shorter than it says: the file is damaged")
	}
	value := s.held[:size]
	s.held = s.held[size:]
	return s.value(value)
}

// record reads a record that stands alone.
func (s *sequence) record(length int32) ([]byte, error) {
	s.number++
	key, err := s.file.number()
	if err != nil {
		return nil, err
	}
	if err := s.file.skip(int64(key)); err != nil {
		return nil, err
	}
	b, err := s.file.take(int64(length) - int64(key))
	if err != nil {
		return nil, err
	}
	if b, err = s.file.decompressed(b); err != nil {
		return nil, err
	}
	return s.value(b)
}

// value takes the length off a value.
func (s *sequence) value(b []byte) ([]byte, error) {
	if s.framed {
		if len(b) < 4 {
			return nil, errors.New("a value is shorter than its length: the file is damaged")
		}
		n := binary.BigEndian.Uint32(b)
		if b = b[4:]; int64(n) > int64(len(b)) {
			return nil, errors.New("a value is shorter than its length: the file is damaged")
		}
		return b[:n], nil
	}
	in := binaryInput{b: b}
	n := in.varint()
	if in.broken || n < 0 || n > int64(len(in.b)) {
		return nil, errors.New("a value is shorter than its length: the file is damaged")
	}
	return in.b[:n], nil
}

// block reads many records: the lengths of the keys, the keys, the lengths of the values, the values.
func (s *sequence) block() error {
	n, err := s.file.varint()
	if err != nil {
		return err
	}
	s.left = n
	for part := range 4 {
		size, err := s.file.varint()
		if err != nil {
			return err
		}
		if part < 2 {
			if err := s.file.skip(size); err != nil {
				return err
			}
			continue
		}
		b, err := s.file.take(size)
		if err != nil {
			return err
		}
		if b, err = s.file.decompressed(b); err != nil {
			return err
		}
		if part == 2 {
			s.sizes = append(s.sizes[:0], b...)
		} else {
			s.held = b
		}
	}
	return nil
}

// sequenceWriter writes rows as the Text values of a SequenceFile that is not compressed, with keys
// of no bytes, as Hive does.
type sequenceWriter struct {
	w      io.Writer
	fields []Field
	row    rowWriter
	mark   []byte
	class  string
	raw    int64
	since  int // bytes behind the last mark
	begun  bool
	value  []byte
	out    []byte
}

func newSequenceWriter(spec *Spec, fields []Field, row rowWriter, w io.Writer) (Writer, error) {
	mark, err := newMark()
	if err != nil {
		return nil, err
	}
	class := "org.apache.hadoop.io.Text"
	if spec.Kind == LazyBinary {
		class = "org.apache.hadoop.io.BytesWritable"
	}
	return &sequenceWriter{w: w, fields: fields, row: row, mark: mark, class: class}, nil
}

func (s *sequenceWriter) head() {
	s.begun = true
	s.out = append(s.out, "SEQ\x06"...)
	s.out = appendText(appendText(s.out, "org.apache.hadoop.io.BytesWritable"), s.class)
	s.out = hadoopHead(append(s.out, 0, 0), nil, s.mark)
}

func (s *sequenceWriter) Write(row []hivetype.Value) error {
	if len(row) != len(s.fields) {
		return fmt.Errorf("a row of %d values for %d columns", len(row), len(s.fields))
	}
	var err error
	if s.value, err = s.row.write(s.value[:0], s.fields, row); err != nil {
		return err
	}
	s.raw += int64(len(s.value))
	if !s.begun {
		s.head()
	}
	if s.since >= markEvery {
		s.out = append(append(s.out, 0xff, 0xff, 0xff, 0xff), s.mark...)
		s.since = 0
	}
	var size []byte
	if s.class == "org.apache.hadoop.io.Text" {
		size = appendVarint(size, int64(len(s.value)))
	} else {
		size = binary.BigEndian.AppendUint32(size, uint32(len(s.value)))
	}
	const key = 4 // the length of a BytesWritable without bytes
	length := key + len(size) + len(s.value)
	s.out = binary.BigEndian.AppendUint32(s.out, uint32(length))
	s.out = append(s.out, 0, 0, 0, key, 0, 0, 0, 0)
	s.out = append(append(s.out, size...), s.value...)
	if s.since += length; len(s.out) >= writeBuffer {
		return s.flush()
	}
	return nil
}

// Raw is the size of the values.
func (s *sequenceWriter) Raw() int64 { return s.raw }

func (s *sequenceWriter) flush() error {
	_, err := s.w.Write(s.out)
	s.out = s.out[:0]
	return err
}

func (s *sequenceWriter) Close() error {
	if !s.begun {
		s.head()
	}
	return s.flush()
}
