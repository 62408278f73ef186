package formats

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	lineBuffer = 64 << 10
	// maxLine bounds a line, so that a file that is no text cannot take all memory.
	maxLine = 256 << 20
	// maxFooter bounds skip.footer.line.count: so many lines are held back.
	maxFooter = 100_000
)

// lines cuts a stream into lines as Hadoop does: they end with \n, \r or \r\n, and the last
// one may lack its end. Lines of the header and the footer are left out.
type lines struct {
	r        io.Reader
	buf      []byte
	pos, end int   // of what is left in buf
	scanned  int   // how much of that has no line's end in it
	eof      bool  // nothing is left to read
	afterCR  bool  // the line before ended in \r: a \n now belongs to it
	number   int64 // of the line returned last, from 1
	header   int
	footer   int
	base     int64      // where buf is in the stream
	start    int64      // where the line returned last begins in it
	inside   bool       // the stream begins inside of the file
	limit    int64      // lines that begin there or later are of the next split; 0 is none
	held     []heldLine // the last lines, which may be the footer; used as a ring
	nextHeld int
}

type heldLine struct {
	line  []byte
	start int64
}

func newLines(spec *Spec, r io.Reader) (*lines, error) {
	header, err := spec.count("skip.header.line.count")
	if err != nil {
		return nil, err
	}
	footer, err := spec.count("skip.footer.line.count")
	if err != nil {
		return nil, err
	}
	return &lines{r: r, buf: make([]byte, lineBuffer), header: header, footer: footer}, nil
}

// next returns the next line, good until the next call, or io.EOF.
func (l *lines) next() ([]byte, error) {
	for ; l.header > 0; l.header-- {
		if _, err := l.raw(); err != nil {
			return nil, err
		}
	}
	if l.footer == 0 {
		return l.raw()
	}
	for len(l.held) < l.footer {
		line, err := l.raw()
		if err != nil {
			return nil, err
		}
		l.held = append(l.held, heldLine{bytes.Clone(line), l.start})
	}
	line, err := l.raw()
	if err != nil {
		return nil, err
	}
	oldest := l.held[l.nextHeld]
	l.held[l.nextHeld] = heldLine{bytes.Clone(line), l.start}
	l.nextHeld = (l.nextHeld + 1) % l.footer
	l.start = oldest.start
	return oldest.line, nil
}

// place is the number of the line that next returned last.
func (l *lines) place() string { return fmt.Sprintf("line %d", l.number-int64(l.footer)) }

func (l *lines) offset() int64 { return l.start }

// raw returns the next line of the file.
func (l *lines) raw() ([]byte, error) {
	for {
		if l.afterCR && l.pos < l.end {
			if l.buf[l.pos] == '\n' {
				l.pos++
			}
			l.afterCR = false
		}
		if l.limit > 0 && !l.afterCR && l.base+int64(l.pos) >= l.limit {
			return nil, io.EOF
		}
		l.start = l.base + int64(l.pos)
		if n := l.lineEnd(); n >= 0 {
			line := l.buf[l.pos : l.pos+n]
			l.afterCR = l.buf[l.pos+n] == '\r'
			l.pos += n + 1
			l.scanned = 0
			l.number++
			return l.unmarked(line), nil
		}
		l.scanned = l.end - l.pos
		if l.eof {
			if l.scanned == 0 {
				return nil, io.EOF
			}
			line := l.buf[l.pos:l.end]
			l.pos, l.scanned = l.end, 0
			l.number++
			return l.unmarked(line), nil
		}
		if err := l.fill(); err != nil {
			return nil, err
		}
	}
}

// unmarked is the line without the byte order mark that a file of UTF-8 may begin with.
func (l *lines) unmarked(line []byte) []byte {
	if l.start == 0 && !l.inside {
		return bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	return line
}

// lineEnd is how far it is to the end of the line, or -1 if that is not in the buffer.
func (l *lines) lineEnd() int {
	rest := l.buf[l.pos+l.scanned : l.end]
	lf := bytes.IndexByte(rest, '\n')
	if lf >= 0 {
		rest = rest[:lf]
	}
	if cr := bytes.IndexByte(rest, '\r'); cr >= 0 {
		return l.scanned + cr
	}
	if lf >= 0 {
		return l.scanned + lf
	}
	return -1
}

// fill reads more behind what is left.
func (l *lines) fill() error {
	if l.pos > 0 {
		copy(l.buf, l.buf[l.pos:l.end])
		l.end -= l.pos
		l.base += int64(l.pos)
		l.pos = 0
	}
	if l.end == len(l.buf) {
		if len(l.buf) >= maxLine {
			return fmt.Errorf("line %d is longer than %d MiB: is this a text file?", l.number+1, maxLine>>20)
		}
		l.buf = append(l.buf, make([]byte, len(l.buf))...)
	}
	n, err := l.r.Read(l.buf[l.end:])
	l.end += n
	if errors.Is(err, io.EOF) {
		l.eof = true
		return nil
	}
	return err
}
