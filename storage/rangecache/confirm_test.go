package rangecache_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/rangecache"
	"github.com/skepdata/skep/storage/storagetest"
)

// TestConfirm: what comes in one way by two requests is right; of the rest one has to come again. It is remembered,
// for other users of the cache too.
func TestConfirm(t *testing.T) {
	text := noise(40, 100*block+5)
	for _, c := range []struct {
		name     string
		left     map[int64]int // how often blocks come changed
		requests string
		changed  int64
		fails    string
	}{
		{name: "nothing changes", requests: "98+3 98+3"},
		{name: "a block does", left: map[int64]int{99: 1}, requests: "98+3 98+3 99+1", changed: 1},
		{name: "two do", left: map[int64]int{98: 1, 100: 1}, requests: "98+3 98+3 98+3", changed: 2},
		{name: "it does three times", left: map[int64]int{99: 3}, requests: "98+3 98+3 99+1 99+1 99+1", changed: 3},
		{
			name: "always", left: map[int64]int{99: 100}, requests: "98+3 98+3 99+1 99+1 99+1 99+1", changed: 5,
			fails: "read mem://lake/k: bytes 6488064 to 6553599 came 6 times, otherwise each time",
		},
		{name: "elsewhere", left: map[int64]int{97: 1}, requests: "98+3 98+3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			mem := storagetest.NewMem("mem://lake/")
			o := mem.Put("k", text)
			var reads requests
			bucket := &telling{Bucket: reads.of(&scattering{Bucket: mem, left: c.left})}
			dir := t.TempDir()
			cache := open(t, dir, 1<<30)
			f := object(t, cache, bucket, unsummed(o))
			err := f.Confirm(t.Context(), 99*block-1, 1<<20)
			if c.fails == "" && err != nil || c.fails != "" && (!errors.Is(err, storage.ErrChecksum) || !strings.Contains(err.Error(), c.fails)) {
				t.Errorf("the error is %v", err)
			}
			if got := reads.take(); got != c.requests || f.Changed() != c.changed {
				t.Errorf("it asked for %s, and says that %d blocks have changed", got, f.Changed())
			}
			if c.fails != "" {
				return
			}
			for _, again := range []*rangecache.File{f, object(t, open(t, dir, 1<<30), bucket, unsummed(o))} {
				if err := again.Confirm(t.Context(), 98*block, 2*block); err != nil || reads.take() != "" {
					t.Errorf("it was confirmed, %v", err)
				}
				p := make([]byte, len(text)-98*block)
				if _, err := again.ReadAt(t.Context(), p, 98*block); err != nil || string(p) != text[98*block:] || reads.take() != "" {
					t.Errorf("it is another, %v", err)
				}
			}
		})
	}
}

// scattering is a bucket that changes a byte of some blocks, as often as it says, another each time.
type scattering struct {
	storage.Bucket
	mu   sync.Mutex
	left map[int64]int // by block
	did  int
}

func (s *scattering) Open(ctx context.Context, key string, o storage.ReadOptions) (storage.Reader, error) {
	r, err := s.Bucket.Open(ctx, key, o)
	return &scattered{Reader: r, s: s, at: o.Offset}, err
}

type scattered struct {
	storage.Reader
	s  *scattering
	at int64
}

func (r *scattered) Read(p []byte) (int, error) {
	n, err := io.ReadFull(r.Reader, p[:min(int64(len(p)), block-r.at%block)])
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if r.at%block == 0 && n > 0 && r.s.left[r.at/block] > 0 {
		r.s.left[r.at/block]--
		r.s.did++
		p[r.s.did%n] ^= 8
	}
	r.at += int64(n)
	return n, err
}

// TestConfirmOfSmallObjects: one that is small comes whole, and is compared with what the store says of it; if that
// is nothing it comes twice too.
func TestConfirmOfSmallObjects(t *testing.T) {
	text := noise(41, 3*block+5)
	whole := storage.Digest{Algorithm: "SHA256"}
	h := whole.New()
	_, _ = io.WriteString(h, text)
	for _, c := range []struct {
		digest   storage.Digest
		left     map[int64]int
		requests string
	}{
		{whole.Of(h), nil, "0+0"},
		{whole.Of(h), map[int64]int{1: 1}, "0+0 0+0"},
		{storage.Digest{}, nil, "0+0 2+2"},
		{storage.Digest{}, map[int64]int{3: 1}, "0+0 2+2 3+1"},
	} {
		mem := storagetest.NewMem("mem://lake/")
		o := mem.Put("k", text)
		var reads requests
		f := object(t, open(t, t.TempDir(), 1<<30), &telling{Bucket: reads.of(&scattering{Bucket: mem, left: c.left}), digest: c.digest}, unsummed(o))
		if err := f.Confirm(t.Context(), 3*block-10, 1000); err != nil {
			t.Error(err)
		}
		if got := reads.take(); got != c.requests || f.Sure() != c.digest.Known() {
			t.Errorf("%v: it asked for %s", c, got)
		}
		if p := at(t, f, 2*block, block+5); p != text[2*block:] {
			t.Errorf("%v: it is another", c)
		}
	}
}

// TestConfirmOfWhatIsUsed: who has been given a block that is another is told so; the next are not.
func TestConfirmOfWhatIsUsed(t *testing.T) {
	text := noise(42, 100*block)
	mem := storagetest.NewMem("mem://lake/")
	o := unsummed(mem.Put("k", text))
	bucket := &telling{Bucket: &scattering{Bucket: mem, left: map[int64]int{50: 1}}}
	cache := open(t, t.TempDir(), 1<<30)
	f, other := object(t, cache, bucket, o), object(t, cache, bucket, o)
	fill(t, other, 50*block, block)
	before := second(t, f)
	if err := f.Confirm(t.Context(), 40*block, 10*block); err != nil {
		t.Errorf("of other blocks: %v", err)
	}
	for _, file := range []*rangecache.File{f, other} {
		err := file.Confirm(t.Context(), 40*block, 20*block)
		if !errors.Is(err, storage.ErrChecksum) || !strings.Contains(err.Error(), "bytes 3276800 to 3342335 had changed on the way when they were used") {
			t.Errorf("the error is %v", err)
		}
	}
	if second(t, f) <= before {
		t.Error("the file does not show that its bytes have changed")
	}
	next := object(t, cache, bucket, o)
	if err := next.Confirm(t.Context(), 40*block, 20*block); err != nil || at(t, next, 50*block, block) != text[50*block:51*block] {
		t.Errorf("afterwards it is another, %v", err)
	}
}

// TestConfirmAtOnce: who wants the same blocks at the same time waits, and a second request is made once. Who gives up
// leaves it to another.
func TestConfirmAtOnce(t *testing.T) {
	text := noise(43, 100*block)
	mem := storagetest.NewMem("mem://lake/")
	o := unsummed(mem.Put("k", text))
	var reads requests
	f := object(t, open(t, t.TempDir(), 1<<30), &telling{Bucket: reads.of(&scattering{Bucket: mem, left: map[int64]int{95: 1}})}, o)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	var all sync.WaitGroup
	for i := range int64(16) {
		all.Go(func() {
			if err := f.Confirm(t.Context(), (90+i%4)*block, 3*block); err != nil {
				t.Error(err)
			}
			if err := f.Confirm(over, (80+i)*block, 3*block); err == nil && i < 4 {
				t.Error("who has given up is told that it is confirmed")
			}
			if err := f.Confirm(t.Context(), 80*block, 20*block); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := at(t, f, 80*block, 20*block); got != text[80*block:] || f.Changed() != 1 {
		t.Errorf("it is another; %d blocks are said to have changed", f.Changed())
	}
	if n := f.Fetched(); n > 80*block {
		t.Errorf("%d bytes were fetched, by %s", n, reads.take())
	}
}

// TestConfirmPastTheCache: what the cache has no room for is confirmed too, by its sum.
func TestConfirmPastTheCache(t *testing.T) {
	text := noise(44, 100*block)
	mem := storagetest.NewMem("mem://lake/")
	o := unsummed(mem.Put("k", text))
	bucket := &telling{Bucket: &scattering{Bucket: mem, left: map[int64]int{97: 1, 99: 1}}}
	cache := open(t, t.TempDir(), 4*block)
	f := object(t, cache, bucket, o)
	release, err := f.Hold(t.Context(), 0, 4*block)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if err := f.Confirm(t.Context(), 96*block, 4*block); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 4*block)
	if _, err := f.ReadAt(t.Context(), p, 96*block); err != nil || string(p) != text[96*block:] {
		t.Errorf("it is another, %v", err)
	}
}

// TestConfirmSeeds: whatever changes on the way, now and then, what is confirmed is right, or nothing is.
func TestConfirmSeeds(t *testing.T) {
	text := noise(45, 40*block+77)
	mem := storagetest.NewMem("mem://lake/")
	o := unsummed(mem.Put("k", text))
	failed := 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 45))
		left := map[int64]int{}
		for range 1 + r.IntN(4) {
			left[30+r.Int64N(11)] += 1 + r.IntN(4)
		}
		f := object(t, open(t, t.TempDir(), int64(2+r.IntN(50))*block), &telling{Bucket: &scattering{Bucket: mem, left: left, did: int(seed)}}, o)
		for range 5 {
			off := 30*block + r.Int64N(10*block)
			n := 1 + r.Int64N(o.Size-off)
			if err := f.Confirm(t.Context(), off, n); err != nil {
				failed++
				if !errors.Is(err, storage.ErrChecksum) {
					t.Errorf("seed %d: %v", seed, err)
				}
				break
			}
			p := make([]byte, n)
			if _, err := f.ReadAt(t.Context(), p, off); err != nil || string(p) != text[off:off+n] {
				t.Errorf("seed %d: %d bytes from %d on are others, %v", seed, n, off, err)
			}
		}
		f.Close()
	}
	if failed > 100 {
		t.Errorf("%d failed", failed)
	}
}
