package s3store

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"

	"github.com/skepdata/skep/storage"
)

func TestChunks(t *testing.T) {
	data := make([]byte, 3*largeChunk+77)
	for i := range data {
		data[i] = byte(i * 7 >> 3)
	}
	var c Client
	for _, x := range []struct {
		size, chunks int
		expected     int64
	}{
		{0, 0, 0}, {1, 1, 0}, {1, 1, 1}, {tinyChunk, 1, tinyChunk}, {tinyChunk + 1, 2, tinyChunk}, {tinyChunk + 1, 1, 0}, {smallChunk, 1, smallChunk}, {smallChunk, 1, 0}, {smallChunk + 1, 2, 0},
		{smallChunk + 1, 1, smallChunk + 1}, {largeChunk, 1, largeChunk}, {len(data), 4, int64(len(data))}, {len(data), 4, 0},
	} {
		want := data[:x.size]
		written, read := c.content(), c.content()
		written.write(want[:x.size/3], x.expected)
		written.write(want[x.size/3:], x.expected)
		if len(written.chunks) != x.chunks {
			t.Errorf("%d bytes, of which %d were expected, take %d chunks, want %d", x.size, x.expected, len(written.chunks), x.chunks)
		}
		if err := read.readFull(iotest.HalfReader(bytes.NewReader(data)), int64(x.size)); err != nil {
			t.Fatal(err)
		}
		for _, content := range []*chunks{written, read} {
			if content.size() != int64(x.size) || content.sum() != storage.CRC32C(want) {
				t.Errorf("%d bytes: there are %d, with another checksum", x.size, content.size())
			}
			if err := iotest.TestReader(content.body(), want); err != nil {
				t.Errorf("%d bytes: %v", x.size, err)
			}
			content.release()
		}
	}
}

// A connection that breaks may be followed by one that begins again, or goes on.
func TestChunksAreWritten(t *testing.T) {
	var c Client
	content := c.content()
	content.write(bytes.Repeat([]byte("0123456789"), largeChunk/4), 0)
	body := content.body()
	half := &limited{n: largeChunk}
	n, err := body.(io.WriterTo).WriteTo(half)
	if err == nil || n != largeChunk {
		t.Fatalf("%d bytes were taken of %d, and the error is %v", n, largeChunk, err)
	}
	rest, err := io.ReadAll(body)
	if err != nil || storage.CRC32C(append(half.Bytes(), rest...)) != content.sum() {
		t.Errorf("what follows the break is wrong, or %v", err)
	}
	if err := content.readFull(bytes.NewReader([]byte("xy")), 3); err != io.ErrUnexpectedEOF { //nolint:errorlint // as returned
		t.Errorf("a reader that ends early: %v", err)
	}
}

// limited takes so many bytes.
type limited struct {
	bytes.Buffer
	n int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(l.n-l.Len(), len(p))
	l.Buffer.Write(p[:n])
	if n < len(p) {
		return n, io.ErrShortWrite
	}
	return n, nil
}
