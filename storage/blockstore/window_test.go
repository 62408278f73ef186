package blockstore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/skepdata/skep/storage"
)

// longObject puts an object of two long blocks and a piece, and returns its content.
func longObject(t *testing.T) (*Bucket, []byte) {
	t.Helper()
	content := make([]byte, 2*5<<20+12_345)
	_, _ = rand.NewChaCha8([32]byte{}).Read(content) // never fails
	b := newBucket(t, 5<<20, 1)
	put(t, b, "long", string(content))
	return b, content
}

// readBy reads a range with buffers of so many bytes, or with none.
func readBy(t *testing.T, b *Bucket, offset, length int64, size int) ([]byte, error) {
	t.Helper()
	r, err := b.Open(t.Context(), "long", storage.ReadOptions{Offset: offset, Length: length})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var got bytes.Buffer
	if size == 0 {
		_, err = r.(io.WriterTo).WriteTo(&got)
	} else {
		_, err = io.CopyBuffer(struct{ io.Writer }{&got}, struct{ io.Reader }{r}, make([]byte, size))
	}
	return got.Bytes(), err
}

// TestReadSizes reads ranges that begin and end anywhere, in buffers of every kind.
func TestReadSizes(t *testing.T) {
	b, content := longObject(t)
	whole := int64(len(content))
	for _, size := range []int{0, 7000, chunkSize, 100_000, directFrom, 3<<20 + 1, 1 << 24} {
		for _, at := range [][2]int64{
			{0, whole}, {1, whole}, {0, 1}, {chunkSize, directFrom}, {70_000, 6 << 20}, {5<<20 - 1, 2}, {5 << 20, 5 << 20}, {9 << 20, whole}, {whole, whole},
		} {
			t.Run(fmt.Sprintf("%d from %d to %d", size, at[0], at[1]), func(t *testing.T) {
				want := content[at[0]:min(whole, at[0]+at[1])]
				got, err := readBy(t, b, at[0], at[1], size)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%d bytes, %v, want %d; they are alike up to %d", len(got), err, len(want), inCommon(got, want))
				}
			})
		}
	}
}

// inCommon is how many bytes from the first both have in common.
func inCommon(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// TestReadBeforeDamage reads an object of which a byte is wrong: what is before the damage is handed out, nothing that
// is wrong or comes behind is, and the error comes again.
func TestReadBeforeDamage(t *testing.T) {
	b, content := longObject(t)
	const at = 5<<20 + 3<<20 + 5 // in the second block
	if err := flip(pathsOf(t, b, "long")[1], at-5<<20); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 7000, 1 << 20, 1 << 24} {
		got, err := readBy(t, b, 0, 0, size)
		if !errors.Is(err, storage.ErrChecksum) {
			t.Errorf("buffers of %d: %v, want ErrChecksum", size, err)
		}
		if !bytes.Equal(got, content[:len(got)]) || len(got) > at || len(got) < at-pieceOfRead {
			t.Errorf("buffers of %d: %d bytes, of which %d are right; damaged is %d", size, len(got), inCommon(got, content), at)
		}
		if got, err := readBy(t, b, at+chunkSize, 0, size); err != nil || !bytes.Equal(got, content[at+chunkSize:]) {
			t.Errorf("buffers of %d: %d bytes behind the damage, %v", size, len(got), err)
		}
	}
}

// TestCloseWhileReadingAhead closes readers in the middle, which leaves nothing behind that reads on.
func TestCloseWhileReadingAhead(t *testing.T) {
	b, content := longObject(t)
	for _, n := range []int64{1, chunkSize, 1 << 20, 3 << 20, 6 << 20} {
		r, err := b.Open(t.Context(), "long", storage.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if _, err := io.CopyN(&got, r, n); err != nil || !bytes.Equal(got.Bytes(), content[:n]) {
			t.Errorf("%d bytes: %v", n, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if _, err := r.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("read after Close: %v, want an error", err)
		}
	}
}
