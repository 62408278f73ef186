package rangecache_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

// TestRecheck: what is of no use is asked for once more, as far as it has come. If it comes otherwise the next
// reader gets what the store has, also where that was not what came the second time; and the file's time is of
// a later second from then on.
func TestRecheck(t *testing.T) {
	text := noise(30, 200*block+5)
	for _, c := range []struct {
		name     string
		left     map[int64]int // how often blocks come changed after what is read first
		first    map[int64]int // and before
		requests string
		fails    string
	}{
		{name: "nothing has changed", requests: "3+2 100+64 164+6"},
		{name: "one has", first: map[int64]int{101: 1}, requests: "3+2 100+64 164+6", fails: "bytes 6619136 to 6684671 had changed on the way"},
		{name: "it changes in the same way", first: map[int64]int{4: 1}, left: map[int64]int{4: 1}, requests: "3+2 100+64 164+6"},
		{name: "another changes then", left: map[int64]int{3: 1}, requests: "3+2 100+64 164+6", fails: "bytes 196608 to 262143 had changed on the way"},
		{name: "several have", first: map[int64]int{3: 1, 169: 1}, requests: "3+2 100+64 164+6", fails: "bytes 196608 to 262143 had changed on the way"},
	} {
		t.Run(c.name, func(t *testing.T) {
			mem := storagetest.NewMem("mem://lake/")
			o := mem.Put("k", text)
			var reads requests
			changes := &changing{Bucket: mem, left: c.first}
			bucket := &telling{Bucket: reads.of(changes)}
			cache := open(t, t.TempDir(), 1<<30)
			f := object(t, cache, bucket, unsummed(o))
			fill(t, f, 3*block, 2*block)
			fill(t, f, 100*block, 70*block)
			before := second(t, f)
			changes.left = c.left
			reads.take()
			err := f.Recheck(t.Context(), 0, o.Size)
			switch {
			case c.fails == "" && err != nil:
				t.Error(err)
			case c.fails != "" && (!errors.Is(err, storage.ErrChecksum) || !strings.Contains(err.Error(), c.fails)):
				t.Errorf("the error is %v", err)
			}
			if got := reads.take(); got != c.requests {
				t.Errorf("it asked for %s, want %s", got, c.requests)
			}
			f.Close()
			if c.fails == "" {
				return
			}
			f = object(t, cache, bucket, unsummed(o))
			p := make([]byte, 170*block)
			if _, err := f.ReadAt(t.Context(), p, 0); err != nil || string(p) != text[:len(p)] {
				t.Errorf("afterwards it is other, %v", err)
			}
			if second(t, f) <= before {
				t.Error("the file does not show that its bytes have changed")
			}
		})
	}
}

// TestRecheckOfThePartsAround: where some of what is looked at has changed, all else that has come is looked at too.
func TestRecheckOfThePartsAround(t *testing.T) {
	text := noise(31, 200*block)
	mem := storagetest.NewMem("mem://lake/")
	o := mem.Put("k", text)
	var reads requests
	bucket := &telling{Bucket: reads.of(&changing{Bucket: mem, left: map[int64]int{2: 1, 101: 1, 190: 1}})}
	cache := open(t, t.TempDir(), 1<<30)
	f := object(t, cache, bucket, unsummed(o))
	for _, at := range []int64{2, 101, 190} {
		fill(t, f, at*block, block)
	}
	reads.take()
	if err := f.Recheck(t.Context(), 150*block, 10*block); err != nil || reads.take() != "" {
		t.Errorf("of what has not come: %v", err)
	}
	if err := f.Recheck(t.Context(), 100*block, 10*block); !errors.Is(err, storage.ErrChecksum) {
		t.Errorf("the error is %v", err)
	}
	if got := reads.take(); got != "101+1 2+1 190+1" {
		t.Errorf("it asked for %s", got)
	}
	f.Close()
	f = object(t, cache, bucket, unsummed(o))
	for _, at := range []int64{2, 101, 190} {
		p := make([]byte, block)
		if _, err := f.ReadAt(t.Context(), p, at*block); err != nil || string(p) != text[at*block:(at+1)*block] {
			t.Errorf("block %d is another afterwards, %v", at, err)
		}
	}
}
