package copier

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skepdata/skep/storage"
)

// joined goes through the names of a source and the listing of a destination beside it, as synced does, and
// returns the keys of the destination.
func joined(ctx context.Context, p *pages, prefix string, names []string, pace time.Duration) (keys []string, err error) {
	m := newMarks()
	defer m.end()
	source := func(context.Context) iter.Seq2[Source, error] {
		return m.watch(func(yield func(Source, error) bool) {
			for i, name := range names {
				if i%aheadBatch == 0 {
					rest(pace)
				}
				if !yield(Source{Base: name}, nil) {
					return
				}
			}
		})
	}
	sources := feedOf(ctx, guidedBatches, source)
	defer sources.stop()
	next, stop := iter.Pull2(ahead(ctx, func(ctx context.Context) iter.Seq2[storage.Object, error] {
		return listBeside(ctx, p, prefix, m)
	}))
	defer stop()
	o, err, ok := next()
	for s := range sources.all() {
		for ok && err == nil && o.Key <= prefix+s.Base {
			keys = append(keys, o.Key)
			o, err, ok = next()
		}
	}
	for ; ok && err == nil; o, err, ok = next() {
		keys = append(keys, o.Key)
	}
	return keys, err
}

// TestListBeside lists destinations that are like their source, nearly so, and not at all.
func TestListBeside(t *testing.T) {
	for seed := range uint64(16) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 11))
			p := &pages{roundTrip: 20 * time.Millisecond}
			var names, want []string
			n := random.IntN(60_000)
			few := 0.001 + random.Float64()
			for i := range n {
				name := fmt.Sprintf("d%03d/f%05d", i/(1+random.IntN(500)), i)
				if seed%4 == 0 && i > n/2 {
					few = 0.0002 // it was interrupted, but for some
				}
				if random.Float64() < 0.98 {
					names = append(names, name)
				}
				if random.Float64() < few {
					p.keys = append(p.keys, "p/"+name)
				}
			}
			for i := range random.IntN(3000) {
				p.keys = append(p.keys, fmt.Sprintf("o/%d", i), fmt.Sprintf("p/e%d", i))
			}
			slices.Sort(names)
			slices.Sort(p.keys)
			for _, key := range p.keys {
				if key[0] == 'p' {
					want = append(want, key)
				}
			}
			got, err := joined(t.Context(), p, "p/", names, time.Duration(random.IntN(30))*time.Millisecond)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("seed %d: %d keys, want %d; %v", seed, len(got), len(want), err)
			}
			if len(want) > 0 {
				p.fail = want[random.IntN(len(want))]
				if _, err := joined(t.Context(), p, "p/", names, 0); err == nil {
					t.Errorf("seed %d: a page that fails is no error", seed)
				}
			}
		})
	}
}

// TestListBesideTakesLess: a destination like its source takes no more requests than pages, and less time than
// one after the other.
func TestListBesideTakesLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pages{roundTrip: 20 * time.Millisecond}
		var names []string
		for i := range 100_000 {
			names = append(names, fmt.Sprintf("f%06d", i))
			p.keys = append(p.keys, "p/"+names[i])
		}
		start := time.Now()
		keys, err := joined(t.Context(), p, "p/", names, 0)
		took := time.Since(start)
		t.Logf("%d keys in %v by %d requests", len(keys), took, p.requests.Load())
		if err != nil || len(keys) != len(names) || took > 500*time.Millisecond || p.requests.Load() > 105 {
			t.Errorf("%d keys took %v and %d requests, %v", len(keys), took, p.requests.Load(), err)
		}
	})
}
