package rangecache_test

import (
	"testing"

	"github.com/skepdata/skep/storage/storagetest"
)

// TestDamageIsFetchedAgain: what the disk has changed is fetched again by the next who opens the
// object, block by block, and by nobody after that.
func TestDamageIsFetchedAgain(t *testing.T) {
	text := noise(7, 4*block+100)
	mem := storagetest.NewMem("mem://lake/")
	o := mem.Put("k", text)
	dir := t.TempDir()
	c := open(t, dir, 1<<30)
	f := fetch(t, c, mem, o)
	path := f.Path()
	f.Close()
	overwrite(t, path, block+7, "damaged")
	overwrite(t, path, 4*block+99, "!")
	var reads requests
	for _, want := range []string{"1+1 4+1", ""} {
		f = object(t, c, reads.of(mem), o)
		p := make([]byte, 3*block)
		if _, err := f.ReadAt(t.Context(), p, block); err != nil || string(p) != text[block:4*block] {
			t.Errorf("wrong bytes, %v", err)
		}
		fill(t, f, 0, o.Size)
		if got := reads.take(); got != want {
			t.Errorf("asked for %q, want %q", got, want)
		}
		if content(t, f) != text {
			t.Error("wrong content")
		}
		f.Close()
	}
}
