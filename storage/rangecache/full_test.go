//go:build unix

package rangecache_test

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"

	"github.com/skepdata/skep/storage/storagetest"
)

const fullDir = "RANGECACHE_FULL" // the directory of the cache, for the process of TestDiskIsFull

// TestDiskIsFull has the system refuse to write what a cache would keep.
func TestDiskIsFull(t *testing.T) {
	child := exec.Command(os.Args[0], "-test.run=^TestDiskIsFullProcess$", "-test.count=1")
	child.Env = append(os.Environ(), fullDir+"="+t.TempDir())
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestDiskIsFullProcess is run by TestDiskIsFull in a process of its own: what is kept already is read
// from the cache, the rest past it, and kept when there is room again.
func TestDiskIsFullProcess(t *testing.T) {
	dir := os.Getenv(fullDir)
	if dir == "" {
		return
	}
	signal.Ignore(syscall.SIGXFSZ) // the write fails then
	var usual syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &usual); err != nil {
		t.Fatal(err)
	}
	text := noise(8, 6*block)
	mem := storagetest.NewMem("mem://lake/")
	o := mem.Put("k", text)
	var reads requests
	f := object(t, open(t, dir, 1<<30), reads.of(mem), o)
	defer f.Close()
	fill(t, f, 0, block)
	reads.take()
	limit := usual
	limit.Cur = 2 * block
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	f.Prefetch(0, o.Size)
	p := make([]byte, 6*block)
	for range 2 {
		if n, err := f.ReadAt(t.Context(), p, 0); err != nil || string(p[:n]) != text {
			t.Errorf("with a full disk: %d bytes, %v", n, err)
		}
	}
	if err := f.Fill(t.Context(), 0, o.Size); !errors.Is(err, syscall.EFBIG) {
		t.Errorf("to keep all of it: error %v", err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &usual); err != nil {
		t.Fatal(err)
	}
	fill(t, f, 0, o.Size)
	reads.take()
	if content(t, f) != text {
		t.Error("wrong content")
	}
	if n, err := f.ReadAt(t.Context(), p, 0); err != nil || string(p[:n]) != text || reads.take() != "" {
		t.Errorf("what is kept: %d bytes, %v, or fetched again", n, err)
	}
}
