package rangecache_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/rangecache"
	"github.com/skepdata/skep/storage/storagetest"
)

// TestConfirmAhead: what is asked for ahead comes by two requests, once, however many want it.
func TestConfirmAhead(t *testing.T) {
	text := noise(46, 300*block+5)
	mem := storagetest.NewMem("mem://lake/")
	o := unsummed(mem.Put("k", text))
	var reads requests
	bucket := &telling{Bucket: reads.of(&scattering{Bucket: mem, left: map[int64]int{20: 1, 110: 1, 111: 2}})}
	f := object(t, open(t, t.TempDir(), 1<<30), bucket, o)
	f.ConfirmAhead(10*block, 140*block)
	f.ConfirmAhead(10*block, 140*block)
	var all sync.WaitGroup
	for i := range int64(7) {
		all.Go(func() {
			p := make([]byte, 20*block)
			off := 10*block + i*20*block
			if n, err := f.ReadConfirmed(t.Context(), p, off); err != nil || string(p[:n]) != text[off:off+20*block] {
				t.Errorf("%d bytes from %d on are others, %v", n, off, err)
			}
		})
	}
	all.Wait()
	if n := f.Fetched(); n < 280*block || n > 286*block || f.Compared() < 140*block || f.Changed() != 4 {
		t.Errorf("%d blocks were fetched, %d to be compared, %d changed: %s", n/block, f.Compared()/block, f.Changed(), reads.take())
	}
	reads.take()
	f.ConfirmAhead(0, 10*block)
	f.ConfirmAhead(290*block, 1<<30)
	if err := f.Confirm(t.Context(), 0, 1<<30); err != nil {
		t.Error(err)
	}
	if got, err := readOn(t, f); err != nil || got != text {
		t.Errorf("it is another, %v", err)
	}
	if n := f.Unconfirmed(0, o.Size); n != 0 {
		t.Errorf("%d bytes are left", n)
	}
}

// TestConfirmWhole: where the store says what the whole is, it comes once, and is confirmed by that. Where it says nothing, what is
// read comes twice, and it is known of the next.
func TestConfirmWhole(t *testing.T) {
	text := noise(47, 100*block+5)
	whole := storage.Digest{Algorithm: "SHA256"}
	h := whole.New()
	_, _ = io.WriteString(h, text)
	for _, digest := range []storage.Digest{whole.Of(h), {}} {
		mem := storagetest.NewMem("mem://lake/")
		o, next := unsummed(mem.Put("k", text)), unsummed(mem.Put("l", text))
		bucket := &telling{Bucket: &scattering{Bucket: mem, left: map[int64]int{30: 1, 70: 1}}, digest: digest}
		cache := open(t, t.TempDir(), 1<<30)
		f := object(t, cache, bucket, o)
		if !f.ConfirmWhole() {
			t.Error("nothing is known of the store")
		}
		p := make([]byte, 45*block)
		if _, err := f.ReadConfirmed(t.Context(), p, 29*block); err != nil || string(p) != text[29*block:74*block] {
			t.Errorf("it is another, %v", err)
		}
		if f.Sure() != digest.Known() || (f.Compared() == 0) != digest.Known() || f.Changed() != 2 {
			t.Errorf("%d bytes were compared, %d blocks changed", f.Compared(), f.Changed())
		}
		if object(t, cache, bucket, next).ConfirmWhole() != digest.Known() {
			t.Error("it does not know what the store says")
		}
	}
}

// TestReadConfirmedSeeds: whatever changes on the way, and however small the cache is, what is read is right, or nothing is.
func TestReadConfirmedSeeds(t *testing.T) {
	text := noise(48, 150*block+77)
	mem := storagetest.NewMem("mem://lake/")
	o := unsummed(mem.Put("k", text))
	whole := storage.Digest{Algorithm: "SHA256"}
	h := whole.New()
	_, _ = io.WriteString(h, text)
	var failed atomic.Int64
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 48))
		left := map[int64]int{}
		for range 1 + r.IntN(6) {
			left[r.Int64N(151)] += 1 + r.IntN(4)
		}
		bucket := &telling{Bucket: &scattering{Bucket: mem, left: left, did: int(seed)}}
		if r.IntN(2) == 0 {
			bucket.digest = whole.Of(h)
		}
		cache := open(t, t.TempDir(), int64(40+r.IntN(300))*block)
		f := object(t, cache, bucket, o)
		var all sync.WaitGroup
		for range 3 {
			own := rand.New(rand.NewPCG(r.Uint64(), 1))
			all.Go(func() {
				if !readsRight(t, seed, f, own, text) {
					failed.Add(1)
				}
			})
			if r.IntN(2) == 0 {
				all.Wait()
			}
		}
		all.Wait()
		f.Close()
	}
	if failed.Load() > 200 {
		t.Errorf("%d failed", failed.Load())
	}
}

// readsRight reads some of an object, some of it ahead, and reports whether nothing failed.
func readsRight(t *testing.T, seed uint64, f *rangecache.File, r *rand.Rand, text string) bool {
	for range 5 {
		off := r.Int64N(int64(len(text)))
		n := 1 + r.Int64N(min(40*block, int64(len(text))-off))
		switch r.IntN(4) {
		case 0:
			f.ConfirmAhead(off, n)
		case 1:
			f.ConfirmWhole()
		}
		p := make([]byte, n)
		_, err := f.ReadConfirmed(t.Context(), p, off)
		switch {
		case err == nil && string(p) != text[off:off+n]:
			t.Errorf("seed %d: %d bytes from %d on are others", seed, n, off)
		case err != nil && (!errors.Is(err, storage.ErrChecksum) || !strings.Contains(err.Error(), "mem://lake/k")):
			t.Errorf("seed %d: %v", seed, err)
		}
		if err != nil {
			return false
		}
	}
	return true
}
