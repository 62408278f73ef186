package thrift

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
)

// spoolMemory is how much of a Spool stays in memory.
const spoolMemory = 4 << 20

// spoolPart is how much is gathered in one piece: growing a large one would copy it.
const spoolPart = 256 << 10

// Spool is a list of structs or strings that is too long to be held: its elements are encoded
// as they are added, what they share (see Shared) once, and what does not fit into a few megabytes
// of memory waits in a temporary file that has no name. The length, which stands before a list, is known when it is sent; an
// error on the way can still be told instead; and a slow client does not keep the one open that
// the elements come from. It can be sent once, by the call that it was made for.
type Spool struct {
	enc   encoder
	full  []encoded // what enc had before
	held  int       // bytes in full
	elem  *codec
	typ   reflect.Type
	n     int
	size  int64
	limit int64
	file  *os.File
}

// NewSpool makes a spool for the answer to the call that ctx belongs to, with elements of type T:
// a struct, a pointer to one, or a string. The server closes it.
func NewSpool[T any](ctx context.Context) *Spool {
	c, _ := ctx.Value(callKey{}).(*call)
	t := reflect.TypeFor[T]()
	s := &Spool{typ: t, elem: codecOf(t, "")}
	s.enc.byReference = true
	if c != nil {
		s.enc.proto, s.limit = c.proto, c.maxReply
		c.spools = append(c.spools, s)
	}
	return s
}

// Add encodes one more element, which it does not keep.
func (s *Spool) Add(v any) error {
	before, refs := len(s.enc.buf), len(s.enc.refs)
	s.elem.enc(&s.enc, reflect.ValueOf(v))
	if s.enc.err != nil {
		return s.enc.err
	}
	s.n++
	s.size += int64(len(s.enc.buf) - before)
	for _, ref := range s.enc.refs[refs:] {
		s.size += int64(len(ref.bytes))
	}
	if s.limit > 0 && s.size > s.limit {
		return fmt.Errorf("the answer is larger than %d MiB; ask for less at a time, or with a filter", s.limit>>20)
	}
	if len(s.enc.buf) < spoolPart {
		return nil
	}
	s.full = append(s.full, encoded{s.enc.buf, s.enc.refs})
	s.held += len(s.enc.buf)
	s.enc.buf, s.enc.refs = make([]byte, 0, spoolPart+spoolPart/8), make([]reference, 0, len(s.enc.refs)+16)
	if s.held < spoolMemory {
		return nil
	}
	return s.spill()
}

// pieces calls fn for the parts of what is in memory, in order.
func (s *Spool) pieces(fn func([]byte) error) error {
	for _, part := range s.full {
		if err := part.pieces(fn); err != nil {
			return err
		}
	}
	return encoded{s.enc.buf, s.enc.refs}.pieces(fn)
}

func (s *Spool) spill() error {
	if s.file == nil {
		f, err := os.CreateTemp("", "skep-answer-*")
		if err != nil {
			return fmt.Errorf("a long answer needs a temporary file: %w", err)
		}
		s.file = f
		_ = os.Remove(f.Name()) // it lives as long as it is open
	}
	w := bufio.NewWriterSize(s.file, flushAt)
	err := s.pieces(func(b []byte) error {
		_, err := w.Write(b)
		return err
	})
	if err := errors.Join(err, w.Flush()); err != nil {
		return fmt.Errorf("a long answer needs room in the temporary directory: %w", err)
	}
	s.enc.buf, s.enc.refs, s.full, s.held = s.enc.buf[:0], s.enc.refs[:0], nil, 0
	return nil
}

// Len is the number of elements.
func (s *Spool) Len() int { return s.n }

func (s *Spool) close() {
	if s.file != nil {
		s.file.Close()
		s.file = nil
	}
	s.enc, s.full = encoder{}, nil
}

func spoolCodec() *codec {
	return &codec{
		typ: List, accepts: func(Type) bool { return false },
		enc: func(e *encoder, v reflect.Value) {
			s := v.Interface().(*Spool)
			e.list(s.elem.typ, s.n)
			if s.file != nil {
				if _, err := s.file.Seek(0, io.SeekStart); err != nil {
					e.fail(err)
					return
				}
				e.copy(s.file)
			}
			e.fail(s.pieces(func(b []byte) error {
				for len(b) > 0 && e.err == nil {
					n := min(len(b), flushAt)
					e.buf = append(e.buf, b[:n]...)
					b = b[n:]
					e.maybeFlush()
				}
				return e.err
			}))
		},
		dec: func(d *decoder, _ Type, _ reflect.Value) { d.failf("a spool cannot be read") },
	}
}

// copy writes what r holds.
func (e *encoder) copy(r io.Reader) {
	e.flush()
	if e.sink != nil {
		if e.err == nil {
			n, err := io.Copy(e.sink, r)
			e.sent += n
			e.fail(err)
		}
		return
	}
	b, err := io.ReadAll(r)
	e.fail(err)
	e.buf = append(e.buf, b...)
}
