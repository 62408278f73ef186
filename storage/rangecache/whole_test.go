package rangecache_test

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/rangecache"
	"github.com/skepdata/skep/storage/storagetest"
)

// telling is a bucket that tells no CRC32C, but a digest when it is asked for one.
type telling struct {
	storage.Bucket
	digest storage.Digest
	mu     sync.Mutex
	asked  int
}

func (b *telling) Attest(_ context.Context, o storage.Object) (storage.Object, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	o.Digest = b.digest
	return o, nil
}

func (b *telling) Exact() bool { return false }

func (b *telling) Open(ctx context.Context, key string, o storage.ReadOptions) (storage.Reader, error) {
	r, err := b.Bucket.Open(ctx, key, o)
	return &silent{r}, err
}

type silent struct{ storage.Reader }

func (r *silent) Object() storage.Object {
	o := r.Reader.Object()
	o.CRC32C = storage.Checksum{}
	return o
}

// unsummed is an object as a listing tells it.
func unsummed(o storage.Object) storage.Object {
	o.CRC32C = storage.Checksum{}
	return o
}

// readOn reads a file from one end to the other, in pieces that are no blocks.
func readOn(t *testing.T, f *rangecache.File) (string, error) {
	t.Helper()
	var all []byte
	p := make([]byte, block-1000)
	for {
		n, err := f.ReadOn(t.Context(), p, int64(len(all)))
		all = append(all, p[:n]...)
		if errors.Is(err, io.EOF) {
			return string(all), nil
		} else if err != nil {
			return string(all), err
		}
	}
}

// second is that in which a file was changed, by its time.
func second(t *testing.T, f *rangecache.File) int64 {
	t.Helper()
	info, err := os.Stat(f.Path())
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime().Unix()
}

// TestWhole: an object of which all has come is right, or the error says where it is not; afterwards it is
// right, in the cache too.
func TestWhole(t *testing.T) {
	digest := func(algorithm, text string, part int64) storage.Digest {
		d := storage.Digest{Algorithm: algorithm, PartSize: part}
		h := d.New()
		_, _ = io.WriteString(h, text)
		return d.Of(h)
	}
	small, large := noise(20, 10*block+77), noise(21, 150*block+1)
	doubtful := digest("MD5", "something else", 0)
	doubtful.Doubtful = true
	for _, c := range []struct {
		name   string
		text   string
		digest storage.Digest // a CRC32C of the object if it is unknown
		left   map[int64]int  // how often blocks come changed
		fails  string
		stays  bool // it can never be read
	}{
		{name: "nothing changes", text: large},
		{name: "small", text: small, left: map[int64]int{0: 1, 3: 1}},
		{name: "small, and again", text: small, left: map[int64]int{3: 2}, fails: "bytes 0 to 655436 came twice with CRC32C "},
		{name: "small, and otherwise again", text: small, left: map[int64]int{2: 1, 3: 2}, fails: "bytes 131072 to 196607 came in two ways, and with neither"},
		{name: "large", text: large, left: map[int64]int{7: 1, 90: 1}, fails: "bytes 458752 to 524287 had changed on the way when they were used: the object had CRC32C "},
		{name: "SHA256", text: small, digest: digest("SHA256", small, 0), left: map[int64]int{5: 1}},
		{name: "CRC64NVME", text: large, digest: digest("CRC64NVME", large, 0), left: map[int64]int{0: 1}, fails: "is CRC64NVME "},
		{name: "CRC32 of parts", text: large, digest: digest("CRC32", large, 5<<20), left: map[int64]int{0: 1}, fails: "of parts of 5242880 bytes; they have been fetched again"},
		{name: "MD5 of parts", text: large, digest: digest("MD5", large, 100_000)},
		{name: "no digest after all", text: large, digest: doubtful},
		{name: "another object", text: small, digest: digest("SHA1", large, 0), fails: "came twice with SHA1 ", stays: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			mem := storagetest.NewMem("mem://lake/")
			o := mem.Put("k", c.text)
			var bucket storage.Bucket = &changing{Bucket: mem, left: c.left}
			var told *telling
			if c.digest.Known() {
				told = &telling{Bucket: bucket, digest: c.digest}
				bucket, o = told, unsummed(o)
			}
			dir := t.TempDir()
			cache := open(t, dir, 1<<30)
			f := object(t, cache, bucket, o)
			before := second(t, f)
			f.Prefetch(0, 1<<20) // which may find the change before anybody reads
			got, err := readOn(t, f)
			switch {
			case c.fails == "" && (err != nil || got != c.text):
				t.Errorf("%d bytes, %v", len(got), err)
			case c.fails == "" && f.Changed() != int64(len(c.left)):
				t.Errorf("%d blocks are said to have changed", f.Changed())
			case c.fails != "" && (!errors.Is(err, storage.ErrChecksum) || !strings.Contains(err.Error(), c.fails) || !strings.Contains(err.Error(), "mem://lake/k")):
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if c.fails != "" && second(t, f) <= before {
				t.Error("the file does not show that its bytes have changed")
			}
			f.Close()
			for range 2 {
				f = object(t, cache, bucket, o)
				got, err = readOn(t, f)
				if c.stays && err == nil || !c.stays && (err != nil || got != c.text) {
					t.Errorf("afterwards: %d bytes, %v", len(got), err)
				}
				f.Close()
			}
			if c.stays {
				return
			}
			var reads requests
			f = object(t, open(t, dir, 1<<30), reads.of(mem), o)
			if got, err := readOn(t, f); err != nil || got != c.text || reads.take() != "" {
				t.Errorf("by another: %d bytes, %v", len(got), err)
			}
			if told != nil && told.asked > 2 {
				t.Errorf("the store was asked %d times", told.asked)
			}
		})
	}
}

// TestWholeAsksOnce: the store is asked for its sum once, for a bucket whose sums mean something else
// too; and not if it needs not be, or if not all is read.
func TestWholeAsksOnce(t *testing.T) {
	mem := storagetest.NewMem("mem://lake/")
	bucket := &telling{Bucket: mem, digest: storage.Digest{Algorithm: "MD5", Sum: "no MD5 of anything", Doubtful: true}}
	var reads requests
	counted := reads.of(bucket)
	cache := open(t, t.TempDir(), 1<<30)
	for i, want := range []int{4, 2, 2} { // requests; the first is fetched twice, to see what the sum means
		text := noise(uint64(30+i), 70*block)
		o := unsummed(mem.Put("k", text))
		f := object(t, cache, &attesting{counted, bucket}, o)
		fill(t, f, 0, 60*block)
		if bucket.asked != i {
			t.Errorf("object %d: the store was asked for a sum before all was on its way", i)
		}
		fill(t, f, 0, o.Size)
		if got := len(strings.Fields(reads.take())); content(t, f) != text || got != want || bucket.asked != i+1 {
			t.Errorf("object %d: %d requests, and %d for sums", i, got, bucket.asked)
		}
		f.Close()
	}
	o := mem.Put("known", noise(35, 70*block))
	f := object(t, cache, &attesting{counted, bucket}, o)
	if fill(t, f, 0, o.Size); bucket.asked != 3 {
		t.Errorf("the store was asked for a sum that it had told")
	}
}

// attesting is a bucket that tells digests as another does.
type attesting struct {
	storage.Bucket
	*telling
}

func (a *attesting) Open(ctx context.Context, key string, o storage.ReadOptions) (storage.Reader, error) {
	return a.Bucket.Open(ctx, key, o)
}
func (a *attesting) URL() string { return a.Bucket.URL() }

// TestWholeOfWhatIsNotKept: blocks that have been given up, and those that never were kept, count too.
func TestWholeOfWhatIsNotKept(t *testing.T) {
	text := noise(22, 60*block+5)
	for _, c := range []struct {
		name string
		left map[int64]int
		ok   bool
	}{{"nothing changes", nil, true}, {"a block does", map[int64]int{4: 1}, false}} {
		mem := storagetest.NewMem("mem://lake/")
		o := mem.Put("k", text)
		bucket := &changing{Bucket: mem, left: c.left}
		cache := open(t, t.TempDir(), 12*block)
		f := object(t, cache, bucket, o)
		if got, err := readOn(t, f); c.ok != (err == nil) || c.ok && got != text || !c.ok && !errors.Is(err, storage.ErrChecksum) {
			t.Errorf("%s, with a small cache: %d bytes, %v", c.name, len(got), err)
		}
		f.Close()
		f = object(t, cache, bucket, o)
		if got, err := readOn(t, f); err != nil || got != text {
			t.Errorf("%s, with a small cache, afterwards: %d bytes, %v", c.name, len(got), err)
		}
		f.Close()
		// Now that the sums are known, no bit changes any more.
		bucket.mu.Lock()
		bucket.left = map[int64]int{4: 1, 50: 1}
		bucket.mu.Unlock()
		f = object(t, cache, bucket, o)
		if got, err := readOn(t, f); err != nil || got != text || f.Changed() != 2 {
			t.Errorf("%s, with a small cache, in the end: %d bytes, %v", c.name, len(got), err)
		}
	}
}

// late is a bucket whose answers come changed, and after the end of their contexts: when the next one who
// reads has done so, or a while later.
type late struct {
	storage.Bucket
	begun chan struct{}
	next  chan struct{}
}

func (l *late) Open(ctx context.Context, key string, o storage.ReadOptions) (storage.Reader, error) {
	r, err := l.Bucket.Open(context.WithoutCancel(ctx), key, o)
	return &lateReader{r, l, ctx}, err
}

type lateReader struct {
	storage.Reader
	l   *late
	ctx context.Context
}

func (r *lateReader) Read(p []byte) (int, error) {
	select {
	case r.l.begun <- struct{}{}:
	default:
	}
	<-r.ctx.Done()
	select {
	case <-r.l.next:
	case <-time.After(50 * time.Millisecond):
	}
	n, err := r.Reader.Read(p)
	for i := range p[:n] {
		p[i]++
	}
	return n, err
}

// TestLateBytes: what comes late for a File that has been closed does not replace what the next one has
// fetched.
func TestLateBytes(t *testing.T) {
	text := noise(23, 40*block)
	mem := storagetest.NewMem("mem://lake/")
	o := unsummed(mem.Put("k", text))
	c := open(t, t.TempDir(), 1<<30)
	slow := &late{mem, make(chan struct{}, 1), make(chan struct{})}
	f := object(t, c, slow, o)
	f.Prefetch(0, 4*block)
	<-slow.begun
	closed := make(chan error)
	go func() { closed <- f.Close() }()
	for f.Users() > 0 {
		pause(t, time.Millisecond)
	}
	again := object(t, c, mem, o)
	if err := again.Verify(sumsOf(text)); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 4*block)
	if _, err := again.ReadAt(t.Context(), p, 0); err != nil {
		t.Fatal(err)
	}
	close(slow.next)
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if _, err := again.ReadAt(t.Context(), p, 0); err != nil || string(p) != text[:4*block] {
		t.Errorf("wrong bytes, %v", err)
	}
}
