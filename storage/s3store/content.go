package s3store

import (
	"bytes"
	"io"
	"os"
)

// content is what one request sends. Each attempt has a body of its own.
type content interface {
	size() int64
	body() io.ReadSeeker
}

// memory is content that is held in memory.
type memory []byte

func (m memory) size() int64         { return int64(len(m)) }
func (m memory) body() io.ReadSeeker { return bytes.NewReader(m) }

// section is content that is a range of a file. One request at a time sends it.
type section struct {
	f         *os.File
	offset, n int64
}

func newSection(f *os.File, offset, n int64) *section { return &section{f, offset, n} }

func (s *section) size() int64 { return s.n }
func (s *section) body() io.ReadSeeker {
	return &sectionBody{io.NewSectionReader(s.f, s.offset, s.n), s}
}

// sectionBody is a section as a request's body, which a connection may take from the file by
// itself.
type sectionBody struct {
	*io.SectionReader
	s *section
}

// WriteTo implements io.WriterTo.
func (b *sectionBody) WriteTo(w io.Writer) (int64, error) {
	begun, err := b.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	if to, ok := w.(io.ReaderFrom); ok && begun == 0 {
		if _, err := b.s.f.Seek(b.s.offset, io.SeekStart); err != nil {
			return 0, err
		}
		return to.ReadFrom(io.LimitReader(b.s.f, b.s.n))
	}
	return io.Copy(w, b.SectionReader)
}
