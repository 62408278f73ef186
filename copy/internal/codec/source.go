package codec

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// Error is damage found in a compressed file.
type Error struct {
	// Codec is the name of the format.
	Codec string
	// Offset is how many bytes of the compressed file had been used when the damage showed.
	// The damage is at or before it.
	Offset int64
	// Err is what is wrong. It is [io.ErrUnexpectedEOF] for a file that ends early.
	Err error
}

func (e *Error) Error() string {
	what := e.Err.Error()
	if errors.Is(e.Err, io.ErrUnexpectedEOF) {
		what = "the file ends in the middle of its data"
	}
	return fmt.Sprintf("%s: at byte %d: %s", e.Codec, e.Offset, what)
}

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// source is what decoders read from: it knows how far they are, and tells damage found by them
// from failures to read at all.
type source struct {
	*bufio.Reader
	in *input
}

type input struct {
	r    io.Reader
	read int64
	err  error // from r, other than io.EOF
}

func (in *input) Read(p []byte) (int, error) {
	n, err := in.r.Read(p)
	in.read += int64(n)
	if err != nil && err != io.EOF {
		in.err = err
	}
	return n, err
}

func newSource(r io.Reader) *source {
	in := &input{r: r}
	return &source{bufio.NewReaderSize(in, 128<<10), in}
}

// offset is how many bytes decoders have taken.
func (s *source) offset() int64 { return s.in.read - int64(s.Buffered()) }

// atEnd tells whether there is nothing more to read.
func (s *source) atEnd() (bool, error) {
	_, err := s.Peek(1)
	if errors.Is(err, io.EOF) {
		return true, nil
	}
	return false, err
}

// fail makes an error of a decoder one that names the place.
func (s *source) fail(codec string, err error) error {
	if s.in.err != nil {
		return s.in.err // not the file's fault
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return &Error{Codec: codec, Offset: s.offset(), Err: err}
}

// readFull reads exactly len(p) bytes: fewer are an unexpected end.
func (s *source) readFull(p []byte) error {
	_, err := io.ReadFull(s, p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// grow reads n bytes into buf, which it enlarges only as bytes arrive: n may be a lie.
func (s *source) grow(buf []byte, n int) ([]byte, error) {
	const step = 1 << 20
	buf = buf[:0]
	for len(buf) < n {
		from := len(buf)
		buf = enlarge(buf, min(n, from+step))
		if err := s.readFull(buf[from:]); err != nil {
			return buf[:from], err
		}
	}
	return buf, nil
}

// enlarge returns b with length n, its contents kept.
func enlarge(b []byte, n int) []byte {
	if n <= cap(b) {
		return b[:n]
	}
	bigger := make([]byte, n, max(n, min(2*cap(b), 2*n)))
	copy(bigger, b)
	return bigger
}

// reader is what [Codec.NewReader] returns.
type reader struct {
	name string
	src  *source
	d    io.ReadCloser
	err  error
}

func (r *reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.d.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = r.src.fail(r.name, err)
	}
	r.err = err
	return n, err
}

func (r *reader) Close() error {
	if r.err == nil {
		r.err = errClosed
	}
	d := r.d
	r.d = io.NopCloser(nil)
	return d.Close()
}

var errClosed = errors.New("the reader is closed")

// blocks is a reader for formats that are made of blocks: next decodes one into the slice it
// is given, reusing its memory, and returns io.EOF after the last. A block may be empty.
type blocks struct {
	next func(buf []byte) ([]byte, error)
	buf  []byte
	rest []byte
}

func (b *blocks) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(b.rest) == 0 {
		buf, err := b.next(b.buf[:0])
		if err != nil {
			return 0, err
		}
		b.buf, b.rest = buf, buf
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *blocks) Close() error {
	b.buf, b.rest = nil, nil
	return nil
}
