package blockstore

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/skepdata/skep/storage"
)

func letters(n int) string { return strings.Repeat("0123456789abcdef", n/16+1)[:n] }

// An object that is made longer keeps its full blocks, whatever its length is, and is as one that was
// written at once. The older version stays for snapshots, and nothing is wasted.
func TestAppend(t *testing.T) {
	var _ storage.Appender = (*Bucket)(nil)
	b := newBucket(t, testBlock, 1)
	for _, c := range []struct{ before, after, kept int }{
		{0, 10, 0}, {10, 20, 0}, {100, testBlock, 0}, {testBlock, testBlock + 10, testBlock},
		{testBlock + 10, testBlock + 20, testBlock}, {2*testBlock + 10, 5 * testBlock, 2 * testBlock}, {3 * testBlock, 3*testBlock + 100_000, 3 * testBlock},
	} {
		before := put(t, b, "x", letters(c.before))
		paths := pathsOf(t, b, "x")
		w, kept, sum, err := b.Append(t.Context(), before, storage.CreateOptions{Size: int64(c.after)})
		if err != nil || kept != int64(c.kept) || sum != storage.CRC32C([]byte(letters(c.kept))) {
			t.Fatalf("%v: kept %d, %v, %v", c, kept, sum, err)
		}
		if _, err := w.Write([]byte(letters(c.after)[kept:])); err != nil {
			t.Fatal(err)
		}
		o, err := w.Commit()
		if err != nil || o.Size != int64(c.after) || o.CRC32C != storage.CRC32C([]byte(letters(c.after))) {
			t.Errorf("%v: %+v, %v", c, o, err)
		}
		if got := read(t, b, "x"); got != letters(c.after) {
			t.Errorf("%v: the content is another, of %d bytes", c, len(got))
		}
		if n := c.kept / testBlock; !slices.Equal(pathsOf(t, b, "x")[:n], paths[:n]) {
			t.Errorf("%v: the first %d blocks are others", c, n)
		}
	}
	wantKinds(t, openStoreOf(t, b), CheckOptions{Deep: true}, "")
}

// Neither an append that is given up nor one to an object that was replaced meanwhile does anything.
func TestAppendInVain(t *testing.T) {
	b := newBucket(t, testBlock, 1)
	before := put(t, b, "x", letters(2*testBlock))
	begin := func() storage.Writer {
		w, _, _, err := b.Append(t.Context(), before, storage.CreateOptions{Size: 3 * testBlock})
		if err == nil {
			_, err = w.Write([]byte(letters(testBlock)))
		}
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	if err := begin().Abort(); err != nil {
		t.Fatal(err)
	}
	if got := read(t, b, "x"); got != letters(2*testBlock) {
		t.Error("an append that was given up has changed the object")
	}
	w := begin()
	put(t, b, "x", letters(3*testBlock))
	if _, err := w.Commit(); !errors.Is(err, storage.ErrChanged) {
		t.Errorf("onto an object that was replaced: %v", err)
	}
	if _, _, _, err := b.Append(t.Context(), before, storage.CreateOptions{}); !errors.Is(err, storage.ErrChanged) {
		t.Errorf("onto an older version: %v", err)
	}
	if got := read(t, b, "x"); got != letters(3*testBlock) {
		t.Error("the object is another")
	}
	wantKinds(t, openStoreOf(t, b), CheckOptions{Deep: true}, "")
}
