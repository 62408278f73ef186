package copier

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skepdata/skep/storage"
)

// pages is a bucket of sorted keys that are listed page by page, each after a round trip.
type pages struct {
	storage.Bucket // of which nothing else is used
	keys           []string
	roundTrip      time.Duration
	requests       atomic.Int64
	fail           string // listing this key is an error
}

var errPage = errors.New("the page is not to be had")

func (p *pages) URL() string { return "s3://pages/" }

func (p *pages) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return p.ListAfter(ctx, prefix, "")
}

func (p *pages) ListAfter(ctx context.Context, prefix, after string) iter.Seq2[storage.Object, error] {
	return p.list(ctx, prefix, after, func(key string) string { return key })
}

func (p *pages) ListLevel(ctx context.Context, prefix, after string) iter.Seq2[storage.Object, error] {
	return p.list(ctx, prefix, after, func(key string) string {
		if slash := strings.IndexByte(key[len(prefix):], '/'); slash >= 0 {
			return key[:len(prefix)+slash+1]
		}
		return key
	})
}

func (p *pages) ListPage(ctx context.Context, prefix, after string, most int) (objects []storage.Object, more bool, err error) {
	for o, err := range p.ListAfter(ctx, prefix, after) {
		if err != nil {
			return nil, false, err
		}
		if objects = append(objects, o); len(objects) == most {
			i, _ := slices.BinarySearch(p.keys, o.Key)
			return objects, i+1 < len(p.keys) && strings.HasPrefix(p.keys[i+1], prefix), nil
		}
	}
	return objects, false, nil
}

func (p *pages) list(ctx context.Context, prefix, after string, shown func(string) string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		i, _ := slices.BinarySearch(p.keys, max(prefix, after))
		latest := ""
		for n := 0; ; i++ {
			if i < len(p.keys) && p.keys[i] == after {
				continue
			}
			end := i == len(p.keys) || !strings.HasPrefix(p.keys[i], prefix)
			if !end && shown(p.keys[i]) == latest {
				continue
			}
			if n%1000 == 0 && (n == 0 || !end) {
				p.requests.Add(1)
				rest(p.roundTrip)
			}
			switch {
			case ctx.Err() != nil:
				yield(storage.Object{}, ctx.Err())
				return
			case end:
				return
			case p.keys[i] == p.fail:
				yield(storage.Object{}, errPage)
				return
			}
			n++
			latest = shown(p.keys[i])
			o := storage.Object{Key: latest}
			if latest == p.keys[i] {
				o.ModTime = time.Unix(1, 0)
			}
			if !yield(o, nil) {
				return
			}
		}
	}
}

// TestListWide compares wide listings of random trees with plain ones.
func TestListWide(t *testing.T) {
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 7))
		p := &pages{}
		n := random.IntN(12_000)
		depth, fan := 1+random.IntN(4), 1+random.IntN(40)
		for range n {
			var key strings.Builder
			for range random.IntN(depth + 1) {
				fmt.Fprintf(&key, "%c%d/", 'a'+rune(random.IntN(3)), random.IntN(fan))
			}
			fmt.Fprintf(&key, "%d", random.IntN(n))
			p.keys = append(p.keys, key.String())
		}
		slices.Sort(p.keys)
		p.keys = slices.Compact(p.keys)
		for _, prefix := range []string{"", "a", "a1/", "none"} {
			var want, got []string
			for _, key := range p.keys {
				if strings.HasPrefix(key, prefix) {
					want = append(want, key)
				}
			}
			for o, err := range listWide(t.Context(), p, prefix) {
				if err != nil {
					t.Fatal(err)
				}
				if got = append(got, o.Key); o.ModTime.IsZero() {
					t.Fatalf("%q is no object", o.Key)
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, prefix %q: %d keys, want %d", seed, prefix, len(got), len(want))
			}
		}
		for o := range listWide(t.Context(), p, "") { // one may stop anywhere
			if o.Key > "b" {
				break
			}
		}
		if len(p.keys) > 5000 {
			p.fail = p.keys[4000]
			var last error
			for _, err := range listWide(t.Context(), p, "") {
				last = err
			}
			if !errors.Is(last, errPage) {
				t.Errorf("seed %d: a page that fails is %v", seed, last)
			}
		}
	}
}

// TestListWideTakesLess: 100,000 keys in 100 directories, 20 ms away, take no 100 round trips.
func TestListWideTakesLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pages{roundTrip: 20 * time.Millisecond}
		for i := range 100_000 {
			p.keys = append(p.keys, fmt.Sprintf("d%02d/f%04d", i/1000, i%1000))
		}
		start := time.Now()
		n := 0
		for _, err := range listWide(t.Context(), p, "") {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		took := time.Since(start)
		t.Logf("%d keys in %v by %d requests", n, took, p.requests.Load())
		if n != 100_000 || took > 300*time.Millisecond {
			t.Errorf("%d keys took %v, want 300 ms at most", n, took)
		}
		if most := int64(110); p.requests.Load() > most {
			t.Errorf("%d requests, want %d at most", p.requests.Load(), most)
		}
	})
}
