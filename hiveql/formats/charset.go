package formats

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
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
	e, err := encodingOf(name)
	if err != nil || e == unicode.UTF8 {
		return nil, fmt.Errorf("the SerDe property serialization.encoding=%s is %w yet", name, ErrUnsupported)
	}
	if b, err := e.NewEncoder().Bytes([]byte("\n")); err != nil || string(b) != "\n" {
		return nil, fmt.Errorf("the SerDe property serialization.encoding=%s is %w yet: its characters are wider than bytes", name, ErrUnsupported)
	}
	return e, nil
}

// encodingOf is the character set with one of the names that Java has for it: it also knows ISO8859_1 and
// Cp1252.
func encodingOf(name string) (encoding.Encoding, error) {
	iana := javaName.ReplaceAllString(name, "ISO-8859-$1")
	iana = javaPage.ReplaceAllString(iana, "windows-$1")
	e, err := ianaindex.IANA.Encoding(iana)
	if err == nil && e == nil {
		err = fmt.Errorf("the character set %s is %w yet", name, ErrUnsupported)
	}
	return e, err
}

// A Charset is a character set of encode and decode. It may be used by one goroutine at a time.
type Charset struct {
	encoding encoding.Encoding
	ascii    bool // whose other half is left out
}

// CharsetOf is the character set with one of the names that Java has for it. UTF-16 is big-endian, and is
// written with a mark that says so.
func CharsetOf(name string) (*Charset, error) {
	switch strings.ToUpper(name) {
	case "UTF-16":
		return &Charset{encoding: unicode.UTF16(unicode.BigEndian, unicode.UseBOM)}, nil
	case "US-ASCII":
		return &Charset{encoding: charmap.ISO8859_1, ascii: true}, nil
	}
	e, err := encodingOf(name)
	return &Charset{encoding: e}, err
}

// Decode reads what is no character as one that says so.
func (c *Charset) Decode(b []byte) string {
	b, err := c.encoding.NewDecoder().Bytes(b)
	if err != nil {
		return string(utf8.RuneError)
	}
	return strings.Map(func(r rune) rune {
		if c.ascii && r > maxASCII {
			return utf8.RuneError
		}
		return r
	}, string(b))
}

// Encode writes a question mark for what the character set does not have, as Java does.
func (c *Charset) Encode(text string) []byte {
	coder := c.encoding.NewEncoder()
	b, err := coder.Bytes([]byte(text))
	if err == nil && !c.ascii {
		return b
	}
	out := []byte{}
	for _, r := range text {
		if b, err = coder.Bytes([]byte(string(r))); err != nil || c.ascii && r > maxASCII {
			b = []byte("?")
		}
		out = append(out, b...)
	}
	return out
}

const maxASCII = 0x7F

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
