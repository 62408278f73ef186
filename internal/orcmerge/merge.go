package orcmerge

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/skepdata/skep/internal/orcfile"
	"github.com/skepdata/skep/internal/rangecopy"
)

// Input is an ORC file.
type Input struct {
	// Name is how errors call the file.
	Name string
	// Size is its length in bytes.
	Size int64
	// ReaderAt reads it. If it is a [rangecopy.Opener], too, stripes are read through that.
	io.ReaderAt
}

// Stats is what was merged.
type Stats struct {
	Files   int
	Stripes int
	Rows    int64
	// Bytes is the size of the output.
	Bytes int64
}

// Merge writes to w one ORC file with the rows of all inputs, in order. The ends of all files are read
// and compared before anything is written. If all files have no bytes, neither has the output. An error
// means that what was written is not an ORC file; it names the input it is about.
func Merge(ctx context.Context, w io.Writer, inputs []Input) (Stats, error) {
	if len(inputs) == 0 {
		return Stats{}, errors.New("merge ORC files: there are none")
	}
	m := &merger{w: w}
	m.ranges.Write = m.write
	until := make([]int, len(inputs)) // which stripe is the first behind each file's
	for i, in := range inputs {
		if err := ctx.Err(); err != nil {
			return Stats{}, err
		}
		if err := m.survey(in); err != nil {
			return Stats{}, nameInput(in, err)
		}
		until[i] = len(m.footer.Stripes)
	}
	if m.schema == nil {
		return Stats{Files: len(inputs)}, nil
	}
	if err := m.write([]byte(orcfile.Magic)); err != nil {
		return Stats{}, err
	}
	from := 0
	for i, in := range inputs {
		if err := m.copyStripes(ctx, in, m.footer.Stripes[from:until[i]]); err != nil {
			return Stats{}, nameInput(in, err)
		}
		from = until[i]
	}
	if err := m.writeEnd(); err != nil {
		return Stats{}, err
	}
	return Stats{len(inputs), len(m.footer.Stripes), m.footer.Rows, m.at}, nil
}

func nameInput(in Input, err error) error {
	if diff, ok := errors.AsType[*DifferenceError](err); ok {
		return diff // names both
	}
	return fmt.Errorf("merge %s: %w", in.Name, err)
}

// merger is the state of one Merge.
type merger struct {
	w      io.Writer
	at     int64            // bytes written
	ranges rangecopy.Copier // which writes by write

	schema []column // of all files; nil before the first
	name   string   // of the first file
	model  *model   // what the stripes of all files have in common; nil before the first file that has any

	post       orcfile.Postscript
	footer     orcfile.Footer // of the output
	encode     *orcfile.Encoder
	statistics []orcfile.Statistics // of the columns; nil if a file has none
	ofStripes  *orcfile.Chunks      // their statistics; nil if a file has none
	metadata   userMetadata
}

// survey reads the end of a file, compares it with those before, and takes over what the output is to have of it.
func (m *merger) survey(in Input) error {
	if in.Size == 0 {
		return nil
	}
	t, all, err := open(in)
	if err != nil {
		return err
	}
	if m.schema == nil {
		m.schema, m.name, m.post, m.footer.Types = all, in.Name, t.Postscript, t.Footer.Types
		m.footer.Calendar, m.footer.Writer, m.footer.Stride = t.Footer.Calendar, t.Footer.Writer, t.Footer.Stride
		m.footer.Software, m.footer.Others, m.footer.Statistics = t.Footer.Software, t.Footer.Others, t.Footer.Statistics
	} else if err := compareSchemas(m.schema, all); err != nil {
		err.First, err.Other = m.name, in.Name
		return err
	}
	if err := m.metadata.add(in.Name, t.Footer.Metadata); err != nil {
		return err
	}
	if len(t.Footer.Stripes) == 0 {
		return nil
	}
	if err := m.agree(in.Name, t); err != nil {
		return err
	}
	m.addStatistics(t)
	m.footer.Rows += t.Footer.Rows
	m.footer.Stripes = append(m.footer.Stripes, t.Footer.Stripes...)
	return m.addStripeStatistics(in, t)
}

// open reads the end of a file, and its columns.
func open(in Input) (*orcfile.Tail, []column, error) {
	t, err := orcfile.Read(in.read, in.Size)
	if err != nil {
		return nil, nil, err
	}
	if t.Footer.Encrypted {
		return nil, nil, fmt.Errorf("its columns are encrypted: merging such ORC files is %w yet", orcfile.ErrUnsupported)
	}
	for i, s := range t.Footer.Stripes {
		if s.Offset < int64(len(orcfile.Magic)) || s.Size() > t.MetadataStart || s.Offset > t.MetadataStart-s.Size() {
			return nil, nil, orcfile.Malformed("stripe %d has %d bytes at %d, outside the file's data, which end at %d",
				i, s.Size(), s.Offset, t.MetadataStart)
		}
	}
	all, err := columns(t.Footer.Types)
	return t, all, err
}

// read reads all of p at a place.
func (in Input) read(p []byte, at int64) error {
	n, err := in.ReadAt(p, at)
	if n == len(p) {
		return nil
	}
	return fmt.Errorf("read %d bytes at %d: %w", len(p), at, early(err))
}

// early is the error of a file that has fewer bytes than it should.
func early(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// agree compares what a file's stripes are to be read by with those before.
func (m *merger) agree(name string, t *orcfile.Tail) error {
	if m.model == nil {
		m.model = modelOf(name, t)
		m.post, m.footer.Calendar, m.footer.Writer, m.footer.Stride = t.Postscript, t.Footer.Calendar, t.Footer.Writer, t.Footer.Stride
		m.footer.Software, m.footer.Others = t.Footer.Software, t.Footer.Others
		m.statistics = make([]orcfile.Statistics, len(t.Footer.Types))
		if t.Codec != orcfile.CodecNone {
			m.encode = &orcfile.Encoder{Codec: t.Codec}
		}
		m.ofStripes = &orcfile.Chunks{Encode: m.encode, Size: t.Block}
		return nil
	}
	if err := m.model.compare(modelOf(name, t)); err != nil {
		return err
	}
	m.post.Block = max(m.post.Block, t.Block)
	if m.footer.Software != t.Footer.Software {
		m.footer.Software = ""
	}
	if string(m.footer.Others) != string(t.Footer.Others) {
		m.footer.Others = nil
	}
	return nil
}

// addStatistics adds those of a file. What makes no sense is left out of the output's.
func (m *merger) addStatistics(t *orcfile.Tail) {
	if len(t.Footer.Statistics) != len(m.statistics) {
		m.statistics = nil
	}
	for i := range m.statistics {
		if err := m.statistics[i].Add(t.Footer.Statistics[i]); err != nil {
			m.statistics = nil
			return
		}
	}
}

func (m *merger) addStripeStatistics(in Input, t *orcfile.Tail) error {
	if m.ofStripes == nil {
		return nil
	}
	all, err := t.EncodedStatistics(in.read)
	if err != nil {
		return err
	}
	if len(all) != len(t.Footer.Stripes) {
		m.ofStripes = nil
		return nil
	}
	for _, s := range all {
		m.ofStripes.Append(orcfile.Message(nil).Bytes(1, s))
	}
	return nil
}

func (m *merger) write(b []byte) error {
	n, err := m.w.Write(b)
	m.at += int64(n)
	return err
}

// copyStripes copies a file's stripes, and changes their places to those in the output. Those that touch are
// read at once.
func (m *merger) copyStripes(ctx context.Context, in Input, list []orcfile.Stripe) error {
	for i := 0; i < len(list); {
		start, stop := list[i].Offset, list[i].Offset
		by := m.at - start
		for ; i < len(list) && list[i].Offset == stop; i++ {
			stop += list[i].Size()
			list[i].Offset += by
		}
		if err := m.ranges.Copy(ctx, in.ReaderAt, start, stop); err != nil {
			return err
		}
	}
	return nil
}

// writeEnd writes statistics, footer and postscript.
func (m *merger) writeEnd() error {
	m.footer.Metadata = m.metadata.list()
	if m.model != nil { // otherwise those of the first file are those of all
		m.footer.Statistics = nil
	}
	for i := range m.statistics {
		m.footer.Statistics = append(m.footer.Statistics, m.statistics[i].Encoded())
	}
	var ofStripes []byte
	if m.ofStripes != nil {
		var err error
		if ofStripes, err = m.ofStripes.Take(); err != nil {
			return fmt.Errorf("merge ORC files: %w", err)
		}
	}
	if m.encode == nil && m.post.Codec != orcfile.CodecNone {
		m.encode = &orcfile.Encoder{Codec: m.post.Codec}
	}
	end, err := orcfile.AppendEnd(nil, m.at, m.post, &m.footer, ofStripes, m.encode)
	if err != nil {
		return fmt.Errorf("merge ORC files: %w; merge fewer files", err)
	}
	return m.write(end)
}
