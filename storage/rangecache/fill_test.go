package rangecache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/rangecache"
	"github.com/skepdata/skep/storage/storagetest"
)

const block = 64 << 10

// noise is the same for the same seed.
func noise(seed uint64, n int) string {
	var key [32]byte
	key[0] = byte(seed)
	p := make([]byte, n)
	rand.NewChaCha8(key).Read(p)
	return string(p)
}

// requests records the ranges that are asked of a store, in blocks.
type requests struct {
	mu   sync.Mutex
	seen []string
}

// asked is a bucket whose reads are recorded.
type asked struct {
	storage.Bucket
	by *requests
}

func (r *requests) of(b storage.Bucket) storage.Bucket { return asked{b, r} }

func (a asked) Open(ctx context.Context, key string, o storage.ReadOptions) (storage.Reader, error) {
	a.by.mu.Lock()
	a.by.seen = append(a.by.seen, fmt.Sprintf("%d+%d", o.Offset/block, (o.Length+block-1)/block))
	a.by.mu.Unlock()
	return a.Bucket.Open(ctx, key, o)
}

func (r *requests) take() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := strings.Join(r.seen, " ")
	r.seen = nil
	return s
}

func fill(t *testing.T, f *rangecache.File, off, n int64) {
	t.Helper()
	if err := f.Fill(t.Context(), off, n); err != nil {
		t.Fatal(err)
	}
}

func object(t *testing.T, c *rangecache.Cache, b storage.Bucket, o storage.Object) *rangecache.File {
	t.Helper()
	f, err := c.Object(t.Context(), b, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// at reads a range of a file.
func at(t *testing.T, f *rangecache.File, off, n int64) string {
	t.Helper()
	file, err := os.Open(f.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	p := make([]byte, n)
	if _, err := file.ReadAt(p, off); err != nil {
		t.Fatal(err)
	}
	return string(p)
}

func TestFillAsksForWhatIsMissing(t *testing.T) {
	text := noise(1, 20*block)
	mem := storagetest.NewMem("mem://lake/")
	o := mem.Put("k", text)
	var reads requests
	dir := t.TempDir()
	f := object(t, open(t, dir, 1<<30), reads.of(mem), o)
	for _, step := range []struct {
		off, n int64
		want   string
	}{
		{5*block + 10, 20, "5+1"},
		{5 * block, block, ""},
		{3*block - 1, 2, "2+2"},
		{0, 8 * block, "0+2 4+1 6+2"},
		{20*block - 1, 100, "19+1"},
		{20 * block, 100, ""},
	} {
		fill(t, f, step.off, step.n)
		if got := reads.take(); sorted(got) != sorted(step.want) {
			t.Errorf("fill %d+%d asked for %q, want %q", step.off, step.n, got, step.want)
		}
		if end := min(step.off+step.n, o.Size); at(t, f, step.off, end-step.off) != text[step.off:end] {
			t.Errorf("fill %d+%d: wrong bytes", step.off, step.n)
		}
	}
	other := object(t, open(t, dir, 1<<30), reads.of(mem), o)
	fill(t, other, 0, 20*block)
	if got := reads.take(); got != "8+11" {
		t.Errorf("another cache on the directory asked for %q", got)
	}
	fill(t, f, 0, 20*block)
	if got := reads.take(); got != "" {
		t.Errorf("the first one asked again for %q", got)
	}
}

// sorted makes the order of requests that run at once not matter.
func sorted(s string) string {
	fields := strings.Fields(s)
	slices.Sort(fields)
	return strings.Join(fields, " ")
}

func read(t *testing.T, f *rangecache.File, off, n int64) {
	t.Helper()
	if _, err := f.ReadOn(t.Context(), make([]byte, n), off); err != nil {
		t.Fatal(err)
	}
}

func TestReadRunsAhead(t *testing.T) {
	mem := storagetest.NewMem("mem://lake/")
	o := mem.Put("k", noise(2, 200*block))
	counting := storagetest.NewCounting(mem)
	f := object(t, open(t, t.TempDir(), 1<<30), counting, o)
	for off := int64(0); off < o.Size; off += block / 2 {
		read(t, f, off, block/2)
	}
	if n := counting.Counts().Open; n > 20 {
		t.Errorf("%d requests for 200 blocks that were read one after another", n)
	}
	far := object(t, open(t, t.TempDir(), 1<<30), mem, o)
	for _, b := range []int64{150, 20, 90, 3} {
		read(t, far, b*block, 10)
	}
	if n := far.Fetched(); n != 4*block {
		t.Errorf("four reads here and there fetched %d bytes", n)
	}
}

func TestReplacedObjectIsAnError(t *testing.T) {
	mem := storagetest.NewMem("mem://lake/")
	old := mem.Put("k", noise(3, 4*block))
	f := object(t, open(t, t.TempDir(), 1<<30), mem, old)
	fill(t, f, 0, block)
	mem.Put("k", noise(4, 4*block))
	if err := f.Fill(t.Context(), 2*block, 1); !errors.Is(err, storage.ErrChanged) || !strings.Contains(err.Error(), "mem://lake/k") {
		t.Errorf("got %v", err)
	}
	fill(t, f, 0, block) // which was there
}

// TestComparesAfterRestart damages a file as a crash of the system could, and makes its map
// one of an earlier start of the system.
func TestComparesAfterRestart(t *testing.T) {
	text := noise(5, 4*block)
	mem := storagetest.NewMem("mem://lake/")
	o := mem.Put("k", text)
	dir := t.TempDir()
	f := fetch(t, open(t, dir, 1<<30), mem, o)
	path := f.Path()
	f.Close()
	overwrite(t, path, 2*block+7, "lost")
	overwrite(t, path+".map", 16, "some earlier start of the system    ")
	var reads requests
	f = object(t, open(t, dir, 1<<30), reads.of(mem), o)
	fill(t, f, 0, o.Size)
	if got := reads.take(); got != "2+1" {
		t.Errorf("asked for %q", got)
	}
	if content(t, f) != text {
		t.Error("wrong content")
	}
	f.Close()
	overwrite(t, path+".map", 0, "nonsense")
	f = object(t, open(t, dir, 1<<30), reads.of(mem), o)
	fill(t, f, 0, o.Size)
	if got := reads.take(); got != "0+0" { // all of it, by no range
		t.Errorf("with a map that is none: asked for %q", got)
	}
}

func overwrite(t *testing.T, path string, off int64, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(text), off); err != nil {
		t.Fatal(err)
	}
}

// TestRandomRanges lets goroutines and caches on one small directory fill ranges of some objects
// and compares what they then read.
func TestRandomRanges(t *testing.T) {
	mem := storagetest.NewMem("mem://lake/")
	var texts []string
	var objects []storage.Object
	for i := range 6 {
		texts = append(texts, noise(uint64(10+i), (i*7+1)*block-i*100))
		objects = append(objects, mem.Put(fmt.Sprint("k", i), texts[i]))
	}
	dir := t.TempDir()
	var wg sync.WaitGroup
	for w := range 6 {
		c := open(t, dir, 2<<20)
		rng := rand.New(rand.NewPCG(uint64(w), 1))
		for range 2 {
			seed := rng.Uint64()
			wg.Go(func() { randomRanges(t, c, mem, objects, texts, rand.New(rand.NewPCG(seed, 2))) })
		}
	}
	wg.Wait()
}

func randomRanges(
	t *testing.T, c *rangecache.Cache, b storage.Bucket, objects []storage.Object, texts []string, rng *rand.Rand,
) {
	for range 60 {
		i := rng.IntN(len(objects))
		f, err := c.Object(t.Context(), b, objects[i])
		if err != nil {
			t.Error(err)
			return
		}
		for range 5 {
			off := rng.Int64N(objects[i].Size)
			n := min(1+rng.Int64N(3*block), objects[i].Size-off)
			p := make([]byte, n)
			if _, err := f.ReadOn(t.Context(), p, off); err != nil || !bytes.Equal(p, []byte(texts[i][off:off+n])) {
				t.Errorf("k%d: %d bytes from %d on are wrong (%v)", i, n, off, err)
			}
		}
		f.Close()
	}
}

// TestKilled kills processes that fill a shared cache, and compares what they left.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	for round := range 5 {
		filler := exec.Command(os.Args[0], "-test.run=^TestFiller$", "-test.count=1")
		filler.Env = append(os.Environ(), "RANGECACHE_FILL="+dir, "RANGECACHE_SEED="+strconv.Itoa(round))
		if err := filler.Start(); err != nil {
			t.Fatal(err)
		}
		for !entered(t, dir) {
			pause(t, time.Millisecond)
		}
		pause(t, time.Duration(2*round)*time.Millisecond)
		_ = filler.Process.Kill()
		_ = filler.Wait()
	}
	mem := storagetest.NewMem("mem://lake/")
	f := fetch(t, open(t, dir, 1<<30), mem, mem.Put("killed", noise(9, 120*block)))
	if content(t, f) != noise(9, 120*block) {
		t.Error("wrong content")
	}
	if f.Fetched() == 120*block {
		t.Error("nothing of what the killed processes had fetched was kept")
	}
}

// pause lets a process go on for a while, before it is looked at or killed.
func pause(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
		t.Fatal(context.Cause(t.Context()))
	}
}

// entered reports whether a map in dir has a block.
func entered(t *testing.T, dir string) bool {
	t.Helper()
	maps, err := filepath.Glob(filepath.Join(dir, "objects", "*", "*.map"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range maps {
		m, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if blocks := m[min(64, len(m)):min(64+8*120, len(m))]; len(bytes.Trim(blocks, "\x00")) > 0 { // not the name behind them
			return true
		}
	}
	return false
}

// TestFiller is the process that TestKilled kills.
func TestFiller(t *testing.T) {
	dir := os.Getenv("RANGECACHE_FILL")
	if dir == "" {
		return
	}
	seed, _ := strconv.Atoi(os.Getenv("RANGECACHE_SEED"))
	rng := rand.New(rand.NewPCG(uint64(seed), 3))
	mem := storagetest.NewMem("mem://lake/")
	f := object(t, open(t, dir, 1<<30), mem, mem.Put("killed", noise(9, 120*block)))
	for {
		fill(t, f, rng.Int64N(120*block), 3*block)
	}
}
