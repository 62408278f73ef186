package formats

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// charset is what serialization.encoding names, nil for UTF-8. Character sets in which a newline
// is not one byte of its own are errors.
func (s *Spec) charset() (encoding.Encoding, error) {
	if s.Kind == LazyBinary {
		return nil, nil // of which only texts are characters, in UTF-8
	}
	name := s.param("serialization.encoding")
	switch strings.ToLower(name) {
	case "", "utf-8", "utf8", "us-ascii":
		return nil, nil
	}
	// Java also knows ISO8859_1 and Cp1252.
	iana := javaName.ReplaceAllString(name, "ISO-8859-$1")
	iana = javaPage.ReplaceAllString(iana, "windows-$1")
	e, err := ianaindex.IANA.Encoding(iana)
	if err != nil || e == nil || e == unicode.UTF8 {
		return nil, fmt.Errorf("the SerDe property serialization.encoding=%s is %w yet", name, ErrUnsupported)
	}
	if b, err := e.NewEncoder().Bytes([]byte("\n")); err != nil || string(b) != "\n" {
		return nil, fmt.Errorf("the SerDe property serialization.encoding=%s is %w yet: its characters are wider than bytes", name, ErrUnsupported)
	}
	return e, nil
}

var (
	javaName = regexp.MustCompile(`(?i)^ISO_?8859_([0-9]+)$`)
	javaPage = regexp.MustCompile(`(?i)^Cp(125[0-9])$`)
)

// noCharset refuses Offset where lines are longer or shorter than in the file.
func (s *Spec) noCharset() error {
	if e, err := s.charset(); err != nil || e == nil {
		return err
	}
	return fmt.Errorf("BLOCK__OFFSET__INSIDE__FILE is %w yet with serialization.encoding=%s", ErrUnsupported, s.param("serialization.encoding"))
}

// decoded is the stream as UTF-8.
func (s *Spec) decoded(r io.Reader) (io.Reader, error) {
	e, err := s.charset()
	if err != nil || e == nil {
		return r, err
	}
	return transform.NewReader(r, e.NewDecoder()), nil
}

// encoded is a stream to which UTF-8 is written. What the character set lacks becomes a question
// mark, or what the set has in its place.
func (s *Spec) encoded(w io.Writer) (io.Writer, error) {
	e, err := s.charset()
	if err != nil || e == nil {
		return w, err
	}
	return transform.NewWriter(w, encoding.ReplaceUnsupported(e.NewEncoder())), nil
}
