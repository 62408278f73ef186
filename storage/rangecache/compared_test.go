package rangecache_test

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/skepdata/skep/storage/rangecache"
	"github.com/skepdata/skep/storage/storagetest"
)

// steps is longer than those of the clock of the file system of a test.
const steps = 40 * time.Millisecond

// TestComparedOnce: what a process has compared it does not compare again when it opens the object once more, unless
// somebody has written into the file meanwhile, or it was long ago.
func TestComparedOnce(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("elsewhere all is compared whenever an object is opened")
		return
	}
	text := noise(51, 4*block+100)
	mem := storagetest.NewMem("mem://lake/")
	o := mem.Put("k", text)
	dir := t.TempDir()
	cache, other := open(t, dir, 1<<30), open(t, dir, 1<<30)
	cache.Trust(time.Hour, steps)
	f := fetch(t, cache, mem, o)
	path := f.Path()
	f.Close()

	opened := func(when, want string, then func(*rangecache.File)) {
		t.Helper()
		f := object(t, cache, mem, o)
		defer f.Close()
		if got := shown(f.ReadTable()); got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
		if then != nil {
			then(f)
		}
	}
	read := func(off, n int64) func(*rangecache.File) {
		return func(f *rangecache.File) {
			p := make([]byte, n)
			if _, err := f.ReadAt(t.Context(), p, off); err != nil || string(p) != text[off:off+n] {
				t.Errorf("wrong bytes, %v", err)
			}
		}
	}
	opened("written just now", "RRRRR", read(0, o.Size))
	opened("compared just behind that", "RRRRR", nil)
	pause(t, 2*steps)
	opened("nobody has compared since", "RRRRR", read(block, 1))
	opened("one block has been", "RrRRR", func(f *rangecache.File) {
		f.ReadTable().Words[3].Or(rangecache.TableRight) // as those do who read by the table
	})
	opened("and another by the table", "RrRrR", nil)
	opened("nothing has been since", "RrRrR", nil)

	overwrite(t, path, 3*block+5, "damaged")
	opened("the disk has changed", "RRRRR", read(0, o.Size))
	opened("what was damaged has been written anew", "RRRRR", nil)
	pause(t, 2*steps)
	opened("all is to be compared", "RRRRR", read(0, o.Size))
	opened("it has been", "rrrrr", func(*rangecache.File) {
		g := object(t, other, mem, o) // as another process
		defer g.Close()
		if err := g.Forget(2); err != nil {
			t.Fatal(err)
		}
		fill(t, g, 0, o.Size)
	})
	pause(t, 2*steps)
	opened("another process has written a block while it was open", "RRRRR", read(0, o.Size))

	cache.Trust(0, steps)
	opened("it is too long ago", "RRRRR", nil)
	cache.Trust(time.Hour, steps)
	opened("", "RRRRR", read(0, o.Size))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	fetch(t, other, mem, o).Close()
	pause(t, 2*steps)
	opened("it is another file", "RRRRR", read(0, o.Size))
	if got := cache.Kept(); got != 1 {
		t.Errorf("%d words are kept", got)
	}
}
