package thrift

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"sync"
)

// spoolMemory is how much of a Spool stays in memory.
const spoolMemory = 4 << 20

// spoolPart is how much of an answer is gathered in one piece: growing a large one would copy it. An answer that
// has no more is not sent before all of it is there.
const spoolPart = 256 << 10

// Spool is a list of structs or strings that is too long to be held: its elements are encoded
// as they are added, and what they share (see Shared) once. Those of a Stream are sent while others are still
// being added. What the client has not taken yet waits, a few megabytes of it in memory, the rest in a temporary
// file that has no name: so a slow client does not keep the one open that the elements come from.
// It can be sent once, by the call that it was made for.
type Spool struct {
	enc      encoder
	elem     *codec
	n        int
	size     int64
	part     int // bytes of the answer in enc
	limit    int64
	fill     func(*Spool) error
	expected int           // -1 where that is not known
	answer   *encoder      // of the reply, once it is being written
	sent     chan struct{} // from when elements are sent while others are added; closed when no more are

	// What waits to be sent: full, then the file from at to end, then last.
	mu      sync.Mutex
	changed sync.Cond
	full    []encoded // what enc had before
	held    int       // the memory of full
	file    *os.File
	at, end int64
	chunk   []byte // of the file
	last    encoded
	all     bool  // nothing follows last
	err     error // of sending, or why it ends early
}

// NewSpool makes a spool for the answer to the call that ctx belongs to, with elements of type T:
// a struct, a pointer to one, or a string. Nothing is sent before the method returns, so that it can still return
// an error instead. The server closes it.
func NewSpool[T any](ctx context.Context) *Spool {
	c, _ := ctx.Value(callKey{}).(*call)
	s := &Spool{elem: codecOf(reflect.TypeFor[T](), ""), expected: -1}
	s.changed.L = &s.mu
	s.enc.byReference = true
	if c != nil {
		s.enc.proto, s.limit = c.proto, c.maxReply
		c.spools = append(c.spools, s)
	}
	return s
}

// Stream makes a spool that fill adds the elements to when the answer is written, after the
// method has returned. If fill says beforehand how many they will be (Expect), a long list is sent as it comes.
// An error of fill is told to the client as if the method had returned it, unless a part of the list has been sent: then the
// connection is closed.
func Stream[T any](ctx context.Context, fill func(*Spool) error) *Spool {
	s := NewSpool[T](ctx)
	s.fill = fill
	return s
}

// Expect says how many elements there will be, as a fill that begins does: what has been added is
// forgotten. It is an error where some has been sent.
func (s *Spool) Expect(n int) error {
	if s.Sent() {
		return errors.New("a part of the answer has been sent already")
	}
	s.expected, s.n, s.size, s.part = n, 0, 0, 0
	s.enc.buf, s.enc.refs, s.full, s.held, s.at, s.end = s.enc.buf[:0], nil, nil, 0, 0, 0
	return nil
}

// Sent reports whether a part has been sent, so that nothing else can be answered any more.
func (s *Spool) Sent() bool { return s.sent != nil }

// Add encodes one more element, which it does not keep.
func (s *Spool) Add(v any) error {
	before, refs := len(s.enc.buf), len(s.enc.refs)
	s.elem.enc(&s.enc, reflect.ValueOf(v))
	if s.enc.err != nil {
		return s.enc.err
	}
	if s.n++; s.Sent() && s.n > s.expected {
		return fmt.Errorf("an answer of %d elements turned out to have more", s.expected)
	}
	added := len(s.enc.buf) - before
	for _, ref := range s.enc.refs[refs:] {
		added += len(ref.bytes)
	}
	s.size += int64(added)
	s.part += added
	if s.limit > 0 && s.size > s.limit {
		return fmt.Errorf("the answer is larger than %d MiB; ask for less at a time, or with a filter", s.limit>>20)
	}
	if s.part < spoolPart {
		return nil
	}
	s.part = 0
	return s.put()
}

// put moves what has been encoded to what waits to be sent.
func (s *Spool) put() error {
	part := encoded{s.enc.buf, s.enc.refs}
	s.mu.Lock()
	err := s.err
	spill := s.held+part.memory() > spoolMemory || s.at < s.end // and what is in the file comes first
	if err == nil && !spill {
		s.full = append(s.full, part)
		s.held += part.memory()
		s.enc.buf, s.enc.refs = make([]byte, 0, len(part.buf)+len(part.buf)/8+1024), make([]reference, 0, len(part.refs)+16)
	}
	if s.at == s.end {
		s.at, s.end = 0, 0
	}
	s.mu.Unlock()
	s.changed.Signal()
	if err == nil && spill {
		err = s.spill(part)
		s.enc.buf, s.enc.refs = s.enc.buf[:0], s.enc.refs[:0]
	}
	if err == nil && s.sent == nil && s.mayBegin() {
		s.begin()
	}
	return err
}

// spill writes a part to the file.
func (s *Spool) spill(part encoded) error {
	if s.file == nil {
		f, err := os.CreateTemp("", "skep-answer-*")
		if err != nil {
			return fmt.Errorf("a long answer needs a temporary file: %w", err)
		}
		s.file = f
		_ = os.Remove(f.Name()) // it lives as long as it is open
	}
	to := io.NewOffsetWriter(s.file, s.end)
	w := bufio.NewWriterSize(to, flushAt)
	err := part.pieces(func(b []byte) error {
		_, err := w.Write(b)
		return err
	})
	if err := errors.Join(err, w.Flush()); err != nil {
		return fmt.Errorf("a long answer needs room in the temporary directory: %w", err)
	}
	n, err := to.Seek(0, io.SeekCurrent)
	s.mu.Lock()
	s.end += n
	s.mu.Unlock()
	s.changed.Signal()
	return err
}

// mayBegin reports whether what comes can be sent before all of it is there: its length must be
// known, and it must not become too long, by what the elements so far say with room to spare.
func (s *Spool) mayBegin() bool {
	if s.fill == nil || s.answer == nil || s.expected < s.n {
		return false
	}
	return s.limit <= 0 || float64(s.size)/float64(s.n)*float64(s.expected) <= float64(s.limit)/2
}

// begin sends what there is, and from now on what comes.
func (s *Spool) begin() {
	s.answer.list(s.elem.typ, s.expected)
	s.sent = make(chan struct{})
	go func() {
		defer close(s.sent)
		s.drain(s.answer)
	}()
}

// write writes the list into a reply: what has been added and, of a Stream, what it adds now.
func (s *Spool) write(e *encoder) {
	if e.failed != nil { // as another list of this answer has
		return
	}
	s.answer = e
	e.failed = errors.New("the answer was not completed")
	defer func() { // after a fill that panics too
		if s.finish(e.failed); s.Sent() {
			<-s.sent
		} else if e.failed == nil {
			e.list(s.elem.typ, s.n)
			s.drain(e)
		}
		if e.failed == nil && e.err == nil {
			e.failed = s.err
		}
	}()
	var err error
	if s.fill != nil {
		err = s.fill(s)
	}
	if err == nil && s.Sent() && s.n != s.expected {
		err = fmt.Errorf("an answer of %d elements turned out to have only %d", s.expected, s.n)
	}
	e.failed = err
}

// finish says that nothing more is added or, with an error, that nothing more is to be sent.
func (s *Spool) finish(err error) {
	s.mu.Lock()
	s.last, s.all = encoded{s.enc.buf, s.enc.refs}, true
	if s.err == nil {
		s.err = err
	}
	s.mu.Unlock()
	s.changed.Signal()
}

// drain sends what waits until nothing follows.
func (s *Spool) drain(e *encoder) {
	for more := true; more; {
		var part encoded
		if part, more = s.next(); e.err != nil {
			break
		}
		e.fail(part.pieces(e.raw))
	}
	if e.err != nil {
		s.mu.Lock()
		s.err = errors.Join(s.err, e.err) // who adds need not go on
		s.mu.Unlock()
	}
}

// next waits for what is to be sent next; more follows, or it was the last.
func (s *Spool) next() (part encoded, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.full) == 0 && s.at == s.end && !s.all && s.err == nil {
		s.changed.Wait()
	}
	switch {
	case s.err != nil:
		return encoded{}, false
	case len(s.full) > 0:
		part, s.full[0] = s.full[0], encoded{}
		s.full = s.full[1:]
		s.held -= part.memory()
		return part, true
	case s.at < s.end:
		if s.chunk == nil {
			s.chunk = make([]byte, flushAt)
		}
		n, err := s.file.ReadAt(s.chunk[:min(flushAt, s.end-s.at)], s.at)
		s.at += int64(n)
		if err != nil {
			s.err = fmt.Errorf("reading a long answer from its temporary file: %w", err)
		}
		return encoded{buf: s.chunk[:n]}, s.err == nil
	}
	return s.last, false
}

// Len is the number of elements.
func (s *Spool) Len() int { return s.n }

func (s *Spool) close() {
	if s.file != nil {
		s.file.Close()
		s.file = nil
	}
	s.enc, s.full, s.last = encoder{}, nil, encoded{}
}

func spoolCodec() *codec {
	return &codec{
		typ: List, accepts: func(Type) bool { return false },
		enc: func(e *encoder, v reflect.Value) { v.Interface().(*Spool).write(e) },
		dec: func(d *decoder, _ Type, _ reflect.Value) { d.failf("a spool cannot be read") },
	}
}
