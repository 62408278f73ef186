package rangecache_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

// summing is a bucket that tells the CRC32C of the whole when it is asked for it.
type summing struct {
	*telling
	sum storage.Checksum
}

func (b *summing) Attest(_ context.Context, o storage.Object) (storage.Object, error) {
	o.CRC32C = b.sum
	return o, nil
}

// TestProve: what has been proven is right, though bytes had changed that nobody has used; in a cache that is too
// small for all of it too, where the store has a sum that can be joined of those of blocks.
func TestProve(t *testing.T) {
	text := noise(35, 600*block+5)
	for _, c := range []struct {
		name  string
		cache int64
		at    int64 // of what comes changed first
		sum   bool
		fails string
	}{
		{"all is right", 1 << 30, -1, true, ""},
		{"something has changed", 1 << 30, 300*block + 7, true, ""},
		{"all is right, in a small cache", 8 << 20, -1, true, ""},
		{"the store has no sum", 1 << 30, -1, false, "it cannot be compared as a whole"},
	} {
		t.Run(c.name, func(t *testing.T) {
			mem := storagetest.NewMem("mem://lake/")
			o := mem.Put("k", text)
			bucket := storage.Bucket(&telling{Bucket: &flipping{Bucket: mem, at: c.at, left: 1}})
			if c.sum {
				bucket = &summing{bucket.(*telling), o.CRC32C}
			}
			f := object(t, open(t, t.TempDir(), c.cache), bucket, unsummed(o))
			fill(t, f, 0, block)
			if f.Sure() {
				t.Error("it is sure before")
			}
			err := f.Prove(t.Context())
			if c.fails != "" {
				var known *storage.Error
				if !errors.As(err, &known) || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("the error is %v", err)
				}
				return
			}
			if err != nil || !f.Sure() {
				t.Errorf("it is not sure, %v", err)
			}
			p := make([]byte, len(text))
			if n, err := f.ReadAt(t.Context(), p, 0); err != nil || string(p[:n]) != text {
				t.Errorf("it is another, %v", err)
			}
		})
	}
}
