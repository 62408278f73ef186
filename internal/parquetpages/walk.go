package parquetpages

import (
	"errors"
	"fmt"
	"hash/crc32"
)

// Chunk is what a footer says of the pages of a column in a row group.
type Chunk struct {
	Size      int64 // bytes of all pages with their headers
	Plain     int64 // the same without compression
	Values    int64 // and NULLs
	Rows      int64
	Codec     int32   // as parquet.thrift numbers them
	Encodings []int32 // those of pages and levels; none if the footer does not say
	Pages     []Kind  // which there are; none if the footer does not say
	// Width is how many bytes a value has that is not encoded: 0 if they differ, less if it is not whole bytes or
	// not known.
	Width int64
}

// Kind is a type of pages in an encoding.
type Kind struct{ Type, Encoding int32 }

// Error says what is wrong with the pages of a chunk, and where, in bytes from its beginning on.
type Error struct {
	At  int64
	Err error
	Sum bool // it is the CRC of a page, and no header
}

func (e *Error) Error() string { return fmt.Sprintf("at byte %d of its pages: %v", e.At, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// Walker is an io.WriteCloser of the bytes of one chunk. It keeps no more of them than one header. It is used by
// one goroutine at a time.
type Walker struct {
	chunk *Chunk
	err   error
	begun []byte // of a header that has not come whole
	need  int    // how much of it there should be before it is looked at again

	at, page int64 // bytes before the next, and before the page that it is in
	left     int64 // bytes of that page
	sum      uint32
	crc      *int32 // what the page should have

	full       int64 // bytes that the pages have when they are not compressed
	values     int64
	rows       int64 // of pages of data of the second version, which say it
	said       bool  // there are such
	pages      int
	dictionary bool
	bare       bool  // the dictionary has no CRC
	summed     *bool // whether pages of data have one, once there is such a page
}

// Walk begins with the first byte of a chunk. Of one without values nothing has to be there.
func Walk(c *Chunk) *Walker { return &Walker{chunk: c} }

// Write takes further bytes. Its error is an *Error, and stays.
func (w *Walker) Write(p []byte) (int, error) {
	n := len(p)
	if w.chunk.Values == 0 {
		return n, nil
	}
	most := max(0, w.chunk.Size-w.at-int64(len(w.begun)))
	w.take(p[:min(int64(n), most)])
	if w.err == nil && int64(n) > most {
		w.fail(errors.New("there are more bytes than the footer says"))
	}
	if w.err != nil {
		return 0, w.err
	}
	return n, nil
}

func (w *Walker) take(p []byte) {
	for len(p) > 0 && w.err == nil {
		if w.left > 0 {
			p = w.body(p)
		} else {
			p = w.head(p)
		}
	}
}

func (w *Walker) fail(err error) { w.err = &Error{At: w.page, Err: err} }

// body takes what of p is of the page, and returns the rest.
func (w *Walker) body(p []byte) []byte {
	n := min(w.left, int64(len(p)))
	if w.crc != nil {
		w.sum = crc32.Update(w.sum, crc32.IEEETable, p[:n])
	}
	w.left -= n
	w.at += n
	if w.left == 0 {
		w.end()
	}
	return p[n:]
}

// end is that of a page.
func (w *Walker) end() {
	if w.crc != nil && w.sum != uint32(*w.crc) {
		w.err = &Error{w.page, fmt.Errorf("a page has the CRC %08x, and should have %08x", w.sum, uint32(*w.crc)), true}
		return
	}
	w.page = w.at
}

// leastHeader is the size up to which a header is looked at as it comes.
const leastHeader = 64

// head takes a header from p, or as much of it as there is, and returns the rest.
func (w *Walker) head(p []byte) []byte {
	if len(w.begun) > 0 {
		take := min(len(p), w.need-len(w.begun))
		w.begun, p = append(w.begun, p[:take]...), p[take:]
		if len(w.begun) < w.need && int64(len(w.begun)) < w.chunk.Size-w.at {
			return p
		}
	}
	b := w.begun
	if len(b) == 0 {
		b = p
	}
	h, n, err := readHeader(b)
	switch {
	case err != nil:
		w.fail(err)
		return nil
	case n == 0:
		return w.wait(b, p)
	}
	w.at += int64(n)
	if err := w.check(&h); err != nil {
		w.fail(err)
		return nil
	}
	w.pages++
	w.full += int64(n) + int64(*h.Plain)
	w.left, w.crc, w.sum = int64(*h.Size), h.CRC, 0
	if w.left == 0 {
		w.end()
	}
	if len(w.begun) == 0 {
		return p[n:]
	}
	rest := w.begun[n:]
	w.begun = nil
	w.take(rest)
	return p
}

// wait keeps what has come of a header, b, until there is twice as much.
func (w *Walker) wait(b, p []byte) []byte {
	left := w.chunk.Size - w.at
	switch {
	case int64(len(b)) >= left:
		w.fail(errors.New("the last page's header does not end"))
	case len(b) >= mostHeader:
		w.fail(errors.New("a page's header does not end"))
	default:
		w.need = int(min(int64(max(leastHeader, 2*len(b))), left))
		if len(w.begun) == 0 {
			w.begun, p = append(w.begun, b...), nil
		}
	}
	return p
}

// Summed reports, after Close, whether all that matters of the pages has a CRC. Those of the second version say numbers of
// NULLs and lengths of levels in headers that have none.
func (w *Walker) Summed() bool {
	return w.chunk.Values == 0 || w.summed != nil && *w.summed && !w.bare && !w.said
}

// Close says what is wrong with the chunk as a whole, once all has been written.
func (w *Walker) Close() error {
	if w.err != nil {
		return w.err
	}
	switch c := w.chunk; {
	case c.Values == 0:
	case w.at != c.Size || w.left > 0:
		w.fail(errors.New("the pages end before the footer says"))
	case w.values != c.Values:
		w.fail(fmt.Errorf("the pages have %d values, and the footer says %d", w.values, c.Values))
	case w.said && w.rows != c.Rows:
		w.fail(fmt.Errorf("the pages have %d rows, and the footer says %d", w.rows, c.Rows))
	case w.full != c.Plain:
		w.fail(fmt.Errorf("the pages have %d bytes when they are not compressed, and the footer says %d", w.full, c.Plain))
	}
	return w.err
}
