package rangecache_test

import (
	"errors"
	"io"
	"os"
	"syscall"
	"testing"

	"github.com/skepdata/skep/storage/storagetest"
)

// TestNothingCanBeKept reads an object of which the cache's disk does not even take the map.
func TestNothingCanBeKept(t *testing.T) {
	text := noise(9, 5*block+100)
	mem := storagetest.NewMem("mem://lake/")
	o := mem.Put("k", text)
	dir := t.TempDir()
	f := object(t, open(t, dir, 1<<30), mem, o)
	kept := f.Path()
	if err := errors.Join(f.Close(), os.Remove(kept+".map"), os.Mkdir(kept+".map", 0o700)); err != nil {
		t.Fatal(err)
	}
	var reads requests
	f = object(t, open(t, dir, 1<<30), reads.of(mem), o)
	defer f.Close()
	if info, err := os.Stat(f.Path()); err != nil || info.Size() != o.Size {
		t.Errorf("the file at %s: %v, %v", f.Path(), info, err)
	}
	f.Prefetch(0, o.Size)
	p := make([]byte, len(text))
	for range 2 {
		if n, err := f.ReadOn(t.Context(), p, 0); err != nil || string(p[:n]) != text {
			t.Errorf("%d bytes, %v", n, err)
		}
	}
	if n, err := f.ReadAt(t.Context(), p[:200], 5*block); !errors.Is(err, io.EOF) || string(p[:n]) != text[5*block:] {
		t.Errorf("at the end: %d bytes, %v", n, err)
	}
	if err := f.Fill(t.Context(), 0, 1); err == nil || !errors.Is(err, syscall.EISDIR) {
		t.Errorf("to keep some: error %v", err)
	}
}

// TestUnkeptFilesDiffer: two objects of which nothing is kept, and whose files may have one name, have
// times of different seconds.
func TestUnkeptFilesDiffer(t *testing.T) {
	mem := storagetest.NewMem("mem://lake/")
	c := open(t, t.TempDir(), 1<<30)
	seen := map[int64]bool{}
	for _, key := range []string{"a", "b", "c"} {
		o := mem.Put(key, key)
		f := object(t, c, mem, o)
		path := f.Path()
		if err := errors.Join(f.Close(), os.Remove(path+".map"), os.Mkdir(path+".map", 0o700)); err != nil {
			t.Fatal(err)
		}
		f = object(t, c, mem, o)
		info, err := os.Stat(f.Path())
		if err != nil || f.Path() == path || seen[info.ModTime().Unix()] {
			t.Errorf("%s: %v, %v", f.Path(), info, err)
		} else {
			seen[info.ModTime().Unix()] = true
		}
		f.Close()
	}
}
