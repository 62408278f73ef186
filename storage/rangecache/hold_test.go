package rangecache_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/skepdata/skep/storage/rangecache"
	"github.com/skepdata/skep/storage/storagetest"
)

// onDisk is what the files of a cache take on the disk, without their maps.
func onDisk(t *testing.T, dir string) int64 {
	t.Helper()
	var sum int64
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".map") {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Sys().(*syscall.Stat_t).Blocks * 512
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// TestStaysWithinItsSize: an object much larger than the cache is read through it by several at
// once, and the cache is never larger than it may be.
func TestStaysWithinItsSize(t *testing.T) {
	const limit = 16 * block
	text := noise(7, 100*block+1234)
	mem := storagetest.NewMem("mem://lake/")
	o := mem.Put("big", text)
	dir := t.TempDir()
	c := open(t, dir, limit)
	f := object(t, c, mem, o)
	var readers sync.WaitGroup
	for seed := range uint64(4) {
		readers.Go(func() {
			random := rand.New(rand.NewPCG(seed, 0))
			for range 100 {
				off, n := random.Int64N(o.Size), 1+random.Int64N(3*block)
				p := make([]byte, min(n, o.Size-off))
				if _, err := f.ReadAt(t.Context(), p, off); err != nil {
					t.Error(err)
					return
				}
				if string(p) != text[off:off+int64(len(p))] {
					t.Errorf("%d bytes from %d on are others", n, off)
				}
				if random.IntN(4) == 0 {
					f.Prefetch(random.Int64N(o.Size), 4*block)
				}
			}
		})
	}
	readers.Wait()
	if n := onDisk(t, dir); n > limit+block { // a file system may count its own notes about the holes
		t.Errorf("the cache takes %d bytes, and may take %d", n, limit)
	}
}

// TestFullOfWhatIsHeld: what does not fit is read past the cache, and what must be in the file makes
// it larger.
func TestFullOfWhatIsHeld(t *testing.T) {
	mem := storagetest.NewMem("mem://lake/")
	text := noise(7, 40*block)
	o := mem.Put("big", text)
	dir := t.TempDir()
	f := object(t, open(t, dir, 16*block), mem, o)
	release, err := f.Hold(t.Context(), 0, 16*block)
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 3*block)
	if n, err := f.ReadAt(t.Context(), p, 20*block); n != len(p) || err != nil || string(p) != text[20*block:23*block] {
		t.Errorf("past the cache: %d bytes, %v", n, err)
	}
	if n, err := f.ReadAt(t.Context(), p, o.Size-5); n != 5 || !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %d bytes, %v", n, err)
	}
	if n := onDisk(t, dir); n > 17*block {
		t.Errorf("the cache takes %d bytes", n)
	}
	more, err := f.Hold(t.Context(), 30*block, 5*block)
	if err != nil {
		t.Fatal(err)
	}
	if at(t, f, 0, 16*block) != text[:16*block] || at(t, f, 30*block, 5*block) != text[30*block:35*block] {
		t.Error("what is held is not there")
	}
	more()
	release()
	fill(t, f, 36*block, block)
	if n := onDisk(t, dir); n > 17*block {
		t.Errorf("when nothing is held the cache takes %d bytes", n)
	}
}

// TestOthersKeepTheirBlocks: nothing is given up of an object that another process uses. Two caches
// on a directory are to each other what two processes are.
func TestOthersKeepTheirBlocks(t *testing.T) {
	mem := storagetest.NewMem("mem://lake/")
	text := noise(7, 40*block)
	o := mem.Put("big", text)
	dir := t.TempDir()
	a, b := open(t, dir, 16*block), open(t, dir, 16*block)
	theirs := object(t, b, mem, o)
	fill(t, theirs, 0, 10*block)
	ours := object(t, a, mem, o)
	p := make([]byte, 10*block)
	if n, err := ours.ReadAt(t.Context(), p, 20*block); n != len(p) || err != nil || string(p) != text[20*block:30*block] {
		t.Errorf("%d bytes, %v", n, err)
	}
	if at(t, theirs, 0, 10*block) != text[:10*block] {
		t.Error("what another process has is gone")
	}
	if err := theirs.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := ours.ReadAt(t.Context(), p, 20*block); n != len(p) || err != nil || string(p) != text[20*block:30*block] {
		t.Errorf("when it uses the object no more: %d bytes, %v", n, err)
	}
	if n := onDisk(t, dir); n > 17*block {
		t.Errorf("the cache takes %d bytes", n)
	}
}

func TestEntriesAndClear(t *testing.T) {
	mem := storagetest.NewMem("mem://lake/")
	dir := t.TempDir()
	c := open(t, dir, 1<<20)
	kept, err := whole(t.Context(), c, mem, mem.Put("a/kept", noise(1, 2*block)))
	if err != nil {
		t.Fatal(err)
	}
	fetch(t, c, mem, mem.Put("used", noise(2, block)))
	if err := kept.Close(); err != nil {
		t.Fatal(err)
	}
	list, err := rangecache.Entries(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int64{}
	for _, e := range list {
		found[e.URL] = e.Kept
	}
	if len(list) != 2 || found["mem://lake/a/kept"] < 2*block || found["mem://lake/used"] < block {
		t.Errorf("%+v", list)
	}
	if freed, stays, err := rangecache.Clear(dir); freed < 2*block || stays < block || err != nil {
		t.Errorf("%d freed, %d stay, %v", freed, stays, err)
	}
	if list, err := rangecache.Entries(filepath.Join(dir, "nothing")); len(list) != 0 || err != nil {
		t.Errorf("where there is no cache: %v, %v", list, err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
}

// TestPrefetchGivesWay: what is only asked for ahead takes no room of what is to be read.
func TestPrefetchGivesWay(t *testing.T) {
	mem := storagetest.NewMem("mem://lake/")
	text := noise(7, 40*block)
	o := mem.Put("big", text)
	c := open(t, t.TempDir(), 16*block)
	f := object(t, c, mem, o)
	f.Prefetch(0, 40*block)
	release, err := f.Hold(context.Background(), 30*block, 10*block)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if got := at(t, f, 30*block, 10*block); got != text[30*block:] {
		t.Error("the bytes are others")
	}
}
