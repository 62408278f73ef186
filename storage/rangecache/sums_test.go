package rangecache_test

import (
	"context"
	"errors"
	"hash/crc32"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

// changing is a bucket whose answers have another first byte in some blocks, as often as it says.
type changing struct {
	storage.Bucket
	mu   sync.Mutex
	left map[int64]int // by block
}

func (c *changing) Open(ctx context.Context, key string, o storage.ReadOptions) (storage.Reader, error) {
	r, err := c.Bucket.Open(ctx, key, o)
	return &changed{Reader: r, c: c, at: o.Offset}, err
}

type changed struct {
	storage.Reader
	c  *changing
	at int64
}

func (r *changed) Read(p []byte) (int, error) {
	p = p[:min(int64(len(p)), block-r.at%block)]
	n, err := r.Reader.Read(p)
	if r.at%block == 0 && n > 0 {
		r.c.mu.Lock()
		if r.c.left[r.at/block] > 0 {
			r.c.left[r.at/block]--
			p[0]++
		}
		r.c.mu.Unlock()
	}
	r.at += int64(n)
	return n, err
}

func sumsOf(text string) []uint32 {
	var sums []uint32
	for b := range slices.Chunk([]byte(text), block) {
		sums = append(sums, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	}
	return sums
}

// TestVerify: blocks that have come other than they should be are fetched again, those of before the
// sums were told too, and no others are given out.
func TestVerify(t *testing.T) {
	text := noise(9, 9*block+100)
	mem := storagetest.NewMem("mem://lake/")
	o := mem.Put("k", text)
	bucket := &changing{Bucket: mem, left: map[int64]int{9: 1, 2: 3, 3: 1, 5: 100}}
	dir := t.TempDir()
	c := open(t, dir, 1<<30)
	f := object(t, c, bucket, o)
	defer f.Close()
	p := make([]byte, len(text))
	fill(t, f, 8*block, 2*block) // 9 is wrong
	other := object(t, open(t, dir, 1<<30), bucket, o)
	defer other.Close()
	fill(t, other, 3*block, block) // and so is 3, of which this process does not know yet
	if err := f.Verify(sumsOf(text)[1:]); err == nil {
		t.Error("too few sums are taken")
	}
	if err := f.Verify(sumsOf(text)); err != nil {
		t.Fatal(err)
	}
	for _, r := range [][2]int{{9 * block, len(text)}, {block + 5, 5*block - 7}, {6 * block, 9*block + 50}} {
		n, err := f.ReadAt(t.Context(), p[:r[1]-r[0]], int64(r[0]))
		if err != nil || string(p[:n]) != text[r[0]:r[1]] {
			t.Errorf("from %d to %d: wrong bytes, %v", r[0], r[1], err)
		}
	}
	if n := f.Changed(); n != 4 { // 9 when the sums were told, and 2 three times; 3 is found by reading it
		t.Errorf("%d blocks came wrong", n)
	}
	_, err := f.ReadAt(t.Context(), p[:block], 5*block+7)
	if !errors.Is(err, storage.ErrChecksum) || !strings.Contains(err.Error(), "mem://lake/k: bytes 327680 to 393215") {
		t.Errorf("a block that never comes right: %v", err)
	}
	bucket.mu.Lock()
	delete(bucket.left, 5)
	bucket.mu.Unlock()
	if n, err := f.ReadAt(t.Context(), p, 0); err != nil || string(p[:n]) != text {
		t.Errorf("in the end: %d bytes, %v", n, err)
	}
}

// TestVerifyPastTheCache: what is read without being kept is compared too.
func TestVerifyPastTheCache(t *testing.T) {
	text := noise(10, 20*block+100)
	mem := storagetest.NewMem("mem://lake/")
	o := mem.Put("k", text)
	bucket := &changing{Bucket: mem, left: map[int64]int{17: 2, 18: 1, 20: 2, 15: 100}}
	f := object(t, open(t, t.TempDir(), 8*block), bucket, o)
	defer f.Close()
	if err := f.Verify(sumsOf(text)); err != nil {
		t.Fatal(err)
	}
	release, err := f.Hold(t.Context(), 0, 8*block)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	p := make([]byte, 20*block)
	for _, r := range [][2]int{{17*block + 10, 17*block + 20}, {16*block + 1, 20*block - 1}, {19 * block, 20*block + 100}, {20*block + 99, 20*block + 100}} {
		n, err := f.ReadAt(t.Context(), p[:r[1]-r[0]], int64(r[0]))
		if err != nil || string(p[:n]) != text[r[0]:r[1]] {
			t.Errorf("from %d to %d: wrong bytes, %v", r[0], r[1], err)
		}
	}
	if _, err := f.ReadAt(t.Context(), p[:2*block], 14*block); !errors.Is(err, storage.ErrChecksum) {
		t.Errorf("a block that never comes right: %v", err)
	}
}
