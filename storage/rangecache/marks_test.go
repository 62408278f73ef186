package rangecache_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/rangecache"
	"github.com/skepdata/skep/storage/storagetest"
)

// marked reports whether bytes are marked.
func marked(f *rangecache.File, off, n int64, mark int) bool {
	yes, _ := f.Marked(off, n, mark)
	return yes
}

// TestMarks: marks stay with the bytes, for other users of the cache and when blocks go and come again, and end with
// them.
func TestMarks(t *testing.T) {
	text := noise(31, 40*block+5)
	mem := storagetest.NewMem("mem://lake/")
	bucket := &telling{Bucket: mem}
	o := unsummed(mem.Put("k", text))
	dir := t.TempDir()
	cache := open(t, dir, 1<<30)
	f := object(t, cache, bucket, o)
	fill(t, f, 0, 20*block)
	yes, since := f.Marked(3*block+10, 4*block, 5)
	if yes {
		t.Error("they are marked from the beginning")
	}
	if err := f.Mark(3*block+10, 4*block, 5, since); err != nil {
		t.Fatal(err)
	}
	if !marked(f, 3*block, 5*block, 5) || marked(f, 2*block, 2*block, 5) || marked(f, 3*block, 5*block, 4) || marked(f, 3*block, 6*block, 5) {
		t.Error("other bytes are marked")
	}
	if err := f.Mark(19*block, 3*block, 27, since); err != nil { // some have not come
		t.Fatal(err)
	}
	if !marked(f, 19*block, block, 27) || marked(f, 20*block, block, 27) {
		t.Error("what has not come is marked, or what has is not")
	}
	f.Close()
	f = object(t, open(t, dir, 1<<30), bucket, o)
	if !marked(f, 3*block, 5*block, 5) {
		t.Error("another user of the cache does not know the marks")
	}
	if err := f.Forget(4); err != nil {
		t.Fatal(err)
	}
	if marked(f, 3*block, 5*block, 5) || !marked(f, 5*block, 3*block, 5) {
		t.Error("what has been forgotten is marked still")
	}
	if err := f.Mark(5*block, block, 6, since); err != nil || marked(f, 5*block, block, 6) {
		t.Errorf("bytes are marked that others have looked at before some were forgotten, %v", err)
	}
	fill(t, f, 0, o.Size) // the store says nothing of the whole
	if marked(f, 3*block, 5*block, 5) {
		t.Error("the block that came anew is marked")
	}
}

// TestMarksOfWhatIsRight: what comes over TLS, or has been compared as a whole, needs no marks.
func TestMarksOfWhatIsRight(t *testing.T) {
	text := noise(32, 40*block+5)
	mem := storagetest.NewMem("mem://lake/")
	o := mem.Put("k", text)
	cache := open(t, t.TempDir(), 1<<30)
	if f := object(t, cache, mem, o); !marked(f, 0, block, 0) {
		t.Error("what cannot change should be marked")
	}
	mem.Put("l", text)
	f := object(t, cache, &telling{Bucket: mem}, unsummed(mem.Put("l", text)))
	if marked(f, 0, block, 0) {
		t.Error("what may change is marked")
	}
	sums := sumsOf(text)
	if err := f.Verify(sums); err != nil || !marked(f, 0, block, 0) {
		t.Errorf("what has sums is not marked, %v", err)
	}
}

// flipping changes a byte of an object the first times it comes.
type flipping struct {
	storage.Bucket
	at   int64
	mu   sync.Mutex
	left int
}

func (b *flipping) Open(ctx context.Context, key string, o storage.ReadOptions) (storage.Reader, error) {
	r, err := b.Bucket.Open(ctx, key, o)
	return &flipped{r, b, o.Offset}, err
}

type flipped struct {
	storage.Reader
	b  *flipping
	at int64
}

func (r *flipped) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.b.mu.Lock()
	defer r.b.mu.Unlock()
	if at := r.b.at - r.at; at >= 0 && at < int64(n) && r.b.left > 0 {
		r.b.left--
		p[at] ^= 4
	}
	r.at += int64(n)
	return n, err
}

// TestAgain: what is of no use is fetched once more, and is what came then; and who may have used what lies beside it in
// the same block, and has come otherwise too, gets to know it.
func TestAgain(t *testing.T) {
	const off, n = 2*block + 100, 3 * block
	text := noise(33, 100*block+5)
	for _, c := range []struct {
		name    string
		at      int64 // of what came changed first
		changed bool
		fails   bool
	}{
		{"nothing has changed", -1, false, false},
		{"something has", off + 10, true, false},
		{"what is before it", 2*block + 5, true, true},
		{"what is behind it", off + n + 3, true, true},
		{"something else", 50 * block, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			mem := storagetest.NewMem("mem://lake/")
			o := mem.Put("k", text)
			var reads requests
			flip := &flipping{Bucket: mem, at: c.at, left: 1}
			cache := open(t, t.TempDir(), 1<<30)
			f := object(t, cache, &telling{Bucket: reads.of(flip)}, unsummed(o))
			fill(t, f, 0, 60*block)
			yes, since := f.Marked(off, n, 3)
			if err := f.Mark(off, n, 3, since); err != nil || yes {
				t.Fatal(err)
			}
			reads.take()
			before := second(t, f)
			changed, err := f.Again(t.Context(), off, n)
			if changed != c.changed || (err != nil) != c.fails || err != nil && (!errors.Is(err, storage.ErrChecksum) || !strings.Contains(err.Error(), "in two ways")) {
				t.Errorf("%v, %v", changed, err)
			}
			if got := reads.take(); got != "2+4" {
				t.Errorf("it asked for %s", got)
			}
			if marked(f, off, n, 3) == c.changed {
				t.Error("the mark does not follow the bytes")
			}
			if c.changed && (f.Changed() != 1 || second(t, f) <= before) {
				t.Errorf("%d blocks are said to have changed", f.Changed())
			}
			if c.fails {
				f.Close()
				f = object(t, cache, mem, o)
			}
			p := make([]byte, n)
			if _, err := f.ReadAt(t.Context(), p, off); err != nil || string(p) != text[off:off+n] {
				t.Errorf("it is another, %v", err)
			}
		})
	}
}
