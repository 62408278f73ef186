package s3store

import (
	"archive/tar"
	"errors"
	"io"

	"github.com/skepdata/skep/storage"
)

// tarBody is a tar, to be sent, of contents that stay where they are: it holds the headers between them.
type tarBody struct {
	headers []byte
	pieces  []tarPiece
	content bool // what is written is a content

	piece, at int   // to be read next: a byte of a piece
	read      int64 // bytes
}

// tarPiece is a content, and the headers before it, which end there. The last has no content.
type tarPiece struct {
	headersEnd int
	content    []byte
}

// Write implements io.Writer, for who makes the tar.
func (t *tarBody) Write(p []byte) (int, error) {
	if t.content {
		t.pieces = append(t.pieces, tarPiece{len(t.headers), p})
	} else {
		t.headers = append(t.headers, p...)
	}
	return len(p), nil
}

// add adds a content to w, which writes to t. It is not copied, and must not change before the tar has been sent.
func (t *tarBody) add(w *tar.Writer, content []byte) error {
	t.content = true
	_, err := w.Write(content)
	t.content = false
	return err
}

// end ends the tar.
func (t *tarBody) end(w *tar.Writer) error {
	err := w.Close()
	t.pieces = append(t.pieces, tarPiece{headersEnd: len(t.headers)})
	return err
}

// slice is one of all that follow each other: of each piece the headers and the content.
func (t *tarBody) slice(n int) []byte {
	p := t.pieces[n/2]
	if n%2 == 1 {
		return p.content
	}
	begin := 0
	if n > 0 {
		begin = t.pieces[n/2-1].headersEnd
	}
	return t.headers[begin:p.headersEnd]
}

// size is how many bytes there are.
func (t *tarBody) size() (n int64) {
	for i := range 2 * len(t.pieces) {
		n += int64(len(t.slice(i)))
	}
	return n
}

func (t *tarBody) crc32c() storage.Checksum {
	sum := storage.CRC32C(nil)
	for i := range 2 * len(t.pieces) {
		sum = storage.UpdateCRC32C(sum, t.slice(i))
	}
	return sum
}

// Read implements io.Reader.
func (t *tarBody) Read(p []byte) (n int, err error) {
	for n < len(p) && t.piece < 2*len(t.pieces) {
		rest := t.slice(t.piece)[t.at:]
		copied := copy(p[n:], rest)
		n, t.at = n+copied, t.at+copied
		if copied == len(rest) {
			t.piece, t.at = t.piece+1, 0
		}
	}
	t.read += int64(n)
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Seek implements io.Seeker, for who sends the tar once more: to any byte from the beginning, and to where it is.
func (t *tarBody) Seek(offset int64, whence int) (int64, error) {
	switch {
	case whence == io.SeekCurrent && offset == 0:
		return t.read, nil
	case whence == io.SeekEnd && offset == 0:
		offset = t.size()
	case whence != io.SeekStart || offset < 0:
		return 0, errors.New("a batch is read from its beginning on")
	}
	t.piece, t.at, t.read = 0, 0, 0
	_, err := io.CopyN(io.Discard, t, offset)
	return t.read, err
}
