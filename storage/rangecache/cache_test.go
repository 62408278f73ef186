package rangecache_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/rangecache"
	"github.com/skepdata/skep/storage/s3store"
	"github.com/skepdata/skep/storage/storagetest"
	"github.com/skepdata/skep/testenv"
)

func open(t *testing.T, dir string, size int64) *rangecache.Cache {
	t.Helper()
	c, err := rangecache.Open(dir, size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// whole opens an object and fills all of it.
func whole(ctx context.Context, c *rangecache.Cache, b storage.Bucket, o storage.Object) (*rangecache.File, error) {
	f, err := c.Object(ctx, b, o)
	if err != nil {
		return nil, err
	}
	if err := f.Fill(ctx, 0, o.Size); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func fetch(t *testing.T, c *rangecache.Cache, b storage.Bucket, o storage.Object) *rangecache.File {
	t.Helper()
	f, err := whole(t.Context(), c, b, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func content(t *testing.T, f *rangecache.File) string {
	t.Helper()
	b, err := os.ReadFile(f.Path())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// stored counts the files of a cache directory.
func stored(t *testing.T, dir string) int {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestFetchesOnce(t *testing.T) {
	mem := storagetest.NewMem("mem://lake/")
	o := mem.Put("a/b", "hello")
	b := storagetest.NewCounting(mem)
	dir := t.TempDir()
	c := open(t, dir, 1<<20)
	first := fetch(t, c, b, o)
	if got := content(t, first); got != "hello" || first.Fetched() != 5 {
		t.Errorf("first fetch: %q, fetched %d", got, first.Fetched())
	}
	second := fetch(t, c, b, o)
	if second.Path() != first.Path() || second.Fetched() != 0 {
		t.Errorf("second fetch: %s, fetched %d; want the file %s", second.Path(), second.Fetched(), first.Path())
	}
	if other := fetch(t, open(t, dir, 1<<20), b, o); other.Fetched() != 0 {
		t.Error("another cache on the directory fetched again")
	}
	if n := b.Counts().Open; n != 1 {
		t.Errorf("the object was opened %d times", n)
	}
}

func TestNewVersionIsNewFile(t *testing.T) {
	b := storagetest.NewMem("mem://lake/")
	old := b.Put("k", "old")
	c := open(t, t.TempDir(), 1<<20)
	f := fetch(t, c, b, old)
	now := b.Put("k", "new")
	if got := content(t, fetch(t, c, b, now)); got != "new" {
		t.Errorf("after the change: %q", got)
	}
	if got := content(t, f); got != "old" {
		t.Errorf("the file of the old version now holds %q", got)
	}
	gone := b.Put("other", "1")
	b.Put("other", "2")
	if _, err := whole(t.Context(), c, b, gone); !errors.Is(err, storage.ErrChanged) {
		t.Errorf("fetching a version that is gone: %v", err)
	}
}

func TestBadTransfersLeaveNothingWrong(t *testing.T) {
	big := strings.Repeat("x", 20_000)
	for name, fail := range map[string]func(storagetest.Op) error{
		"error": func(op storagetest.Op) error {
			if op.Kind == storagetest.OpRead && op.N > 8000 {
				return errors.New("connection reset")
			}
			return nil
		},
		"short": func(op storagetest.Op) error {
			if op.Kind == storagetest.OpRead && op.N > 8000 {
				return io.EOF
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			mem := storagetest.NewMem("mem://lake/")
			o := mem.Put("k", big)
			dir := t.TempDir()
			c := open(t, dir, 1<<20)
			if _, err := whole(t.Context(), c, storagetest.Faulty(mem, fail), o); err == nil {
				t.Fatal("the fetch succeeded")
			} else if !strings.Contains(err.Error(), "mem://lake/k") {
				t.Errorf("the error does not name the object: %v", err)
			}
			if got := content(t, fetch(t, c, mem, o)); got != big {
				t.Error("the next fetch is wrong")
			}
		})
	}
}

func TestChecksumIsVerified(t *testing.T) {
	b := storagetest.NewMem("mem://lake/")
	o := b.Put("k", "hello")
	o.CRC32C = storage.CRC32C([]byte("HELLO"))
	if _, err := whole(t.Context(), open(t, t.TempDir(), 1<<20), b, o); !errors.Is(err, storage.ErrChecksum) {
		t.Errorf("got %v", err)
	}
}

// TestSumThatIsToldLate: a listing tells no sum; the answer to a read of all does.
func TestSumThatIsToldLate(t *testing.T) {
	s3 := testenv.MinIO(t)
	proxy := testenv.NewProxy(t, s3)
	client, err := s3store.New(proxy.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	b := client.Bucket(s3.Bucket)
	want := strings.Repeat("skep", 50_000)
	w, err := b.Create(t.Context(), "k", storage.CreateOptions{})
	if err == nil {
		_, err = io.WriteString(w, want)
	}
	if err != nil {
		t.Fatal(err)
	}
	o, err := w.Commit()
	if err != nil {
		t.Fatal(err)
	}
	o.CRC32C = storage.Checksum{}
	c := open(t, t.TempDir(), 1<<20)
	proxy.SetFaults(testenv.Faults{FlipDown: 1})
	if _, err := whole(t.Context(), c, b, o); !errors.Is(err, storage.ErrChecksum) || !strings.Contains(err.Error(), b.URL()+"k") {
		t.Errorf("got %v", err)
	}
	proxy.SetFaults(testenv.Faults{})
	if got := content(t, fetch(t, c, b, o)); got != want {
		t.Error("the next fetch is wrong")
	}
}

func TestConcurrentFetchesShareOne(t *testing.T) {
	mem := storagetest.NewMem("mem://lake/")
	o := mem.Put("k", "hello")
	b := storagetest.NewCounting(mem)
	c := open(t, t.TempDir(), 1<<20)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			f, err := whole(t.Context(), c, b, o)
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			if got, err := os.ReadFile(f.Path()); err != nil || string(got) != "hello" {
				t.Errorf("read %q, %v", got, err)
			}
		})
	}
	wg.Wait()
	if n := b.Counts().Open; n != 1 {
		t.Errorf("opened %d times", n)
	}
}

func TestCancelledWaiterDoesNotStopOthers(t *testing.T) {
	mem := storagetest.NewMem("mem://lake/")
	o := mem.Put("k", "hello")
	reading, proceed := make(chan struct{}), make(chan struct{})
	var once sync.Once
	b := storagetest.Faulty(mem, func(op storagetest.Op) error {
		if op.Kind == storagetest.OpOpen {
			once.Do(func() { close(reading) })
			<-proceed
		}
		return nil
	})
	c := open(t, t.TempDir(), 1<<20)
	ctx, cancel := context.WithCancel(t.Context())
	left, stayed := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := whole(ctx, c, b, o)
		left <- err
	}()
	<-reading
	other := object(t, c, b, o)
	go func() { stayed <- other.Fill(t.Context(), 0, o.Size) }()
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the cancelled fetch: %v", err)
	}
	close(proceed)
	if err := <-stayed; err != nil {
		t.Errorf("the other fetch: %v", err)
	}
}

func TestEvictsWhatIsNotInUse(t *testing.T) {
	b := storagetest.NewMem("mem://lake/")
	dir := t.TempDir()
	c := open(t, dir, 30_000)
	pinned := fetch(t, c, b, b.Put("pinned", strings.Repeat("p", 3000)))
	for i := range 20 {
		f, err := whole(t.Context(), c, b, b.Put(fmt.Sprint("k", i), strings.Repeat("x", 3000)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(f.Path()); err != nil {
			t.Error(err)
		}
		f.Close()
	}
	if n := stored(t, dir); n > 2*7 { // each with its map
		t.Errorf("%d files of 4096 bytes in a cache of 30000", n)
	}
	if got := content(t, pinned); len(got) != 3000 {
		t.Error("the file in use was evicted")
	}
}

// TestSharedByCaches lets two caches on one directory evict each other's files while both read.
func TestSharedByCaches(t *testing.T) {
	mem := storagetest.NewMem("mem://lake/")
	var objects []storage.Object
	for i := range 12 {
		objects = append(objects, mem.Put(fmt.Sprint("k", i), strings.Repeat(string(rune('a'+i)), 1000)))
	}
	dir := t.TempDir()
	var wg sync.WaitGroup
	for w := range 4 {
		c := open(t, dir, 3000)
		wg.Go(func() {
			for i := range 200 {
				o := objects[(i*7+w*5)%len(objects)]
				f, err := whole(t.Context(), c, mem, o)
				if err != nil {
					t.Error(err)
					return
				}
				want, _ := mem.Content(o.Key)
				if got, err := os.ReadFile(f.Path()); err != nil || string(got) != want {
					t.Errorf("%s: wrong content, %v", o.Key, err)
				}
				f.Close()
			}
		})
	}
	wg.Wait()
}

func TestClosed(t *testing.T) {
	b := storagetest.NewMem("mem://lake/")
	c := open(t, t.TempDir(), 1000)
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Object(t.Context(), b, b.Put("k", "v")); err == nil {
		t.Error("fetched through a closed cache")
	}
}
