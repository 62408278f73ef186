package copier

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// Outputs share the limit; the one that was begun first goes on above it, and what ends makes room.
func TestGrowing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		g := newGrowing(10)
		first, second, third := g.begin(), g.begin(), g.begin()
		for _, step := range []struct {
			of *heldOutput
			n  int64
		}{{second, 6}, {third, 4}, {first, 100}} {
			if err := step.of.by(ctx, step.n); err != nil {
				t.Fatal(err)
			}
		}
		grown := 0
		for _, w := range []*heldOutput{second, third} {
			go func() {
				if err := w.by(ctx, 3); err != nil {
					t.Error(err)
				}
				grown++
			}()
			synctest.Wait()
		}
		if grown != 0 {
			t.Fatalf("%d outputs have grown above the limit", grown)
		}
		first.end()
		synctest.Wait()
		if grown != 1 || second.held != 9 {
			t.Fatalf("%d outputs have grown, the second to %d bytes; it is the first now", grown, second.held)
		}
		second.end()
		synctest.Wait()
		if grown != 2 || g.held != 7 {
			t.Fatalf("%d outputs have grown; %d bytes are held, want 7", grown, g.held)
		}
		last := g.begin()
		why := errors.New("enough")
		cancel(why)
		if err := last.by(ctx, 4); !errors.Is(err, why) {
			t.Errorf("waiting ended with %v", err)
		}
		third.end()
		last.end()
		if g.held != 0 || len(g.outputs) != 0 {
			t.Errorf("%d bytes of %d outputs are held in the end", g.held, len(g.outputs))
		}
	})
}

// An output takes no more than the two parts that it holds, however large it is.
func TestALargeOutputHoldsTwoParts(t *testing.T) {
	g := newGrowing(mostGrown)
	w := g.begin()
	for range 10 {
		if err := w.by(t.Context(), 3<<20); err != nil {
			t.Fatal(err)
		}
	}
	if g.held != mostHeld {
		t.Errorf("%d bytes are held, want %d", g.held, mostHeld)
	}
	w.end()
}
