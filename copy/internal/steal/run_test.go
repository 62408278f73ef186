package steal_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skepdata/skep/copy/internal/steal"
)

func numbers(n int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
	}
}

// A tree of tasks: task n spawns its two children, as in a heap, as long as they are below limit.
func TestEveryTaskExactlyOnce(t *testing.T) {
	for _, workers := range []int{0, 1, 2, 7, 64} {
		t.Run(fmt.Sprintf("workers=%d", workers), func(t *testing.T) {
			const limit = 40_000
			var done [limit]atomic.Int32
			err := steal.Run(t.Context(), workers, numbers(100), func(ctx context.Context, n int, spawn func(int)) error {
				done[n].Add(1)
				for _, child := range []int{10*n + 100, 10*n + 101, 10*n + 109} {
					if n < child && child < limit && child/10-10 == n {
						spawn(child)
					}
				}
				if n%17 == 0 {
					runtime.Gosched()
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			want := reachable(limit)
			for n := range done {
				if got := done[n].Load(); got != want[n] {
					t.Fatalf("task %d was done %d times, want %d", n, got, want[n])
				}
			}
		})
	}
}

func reachable(limit int) []int32 {
	want := make([]int32, limit)
	for n := range want {
		if n < 100 {
			want[n] = 1
			continue
		}
		switch parent := n/10 - 10; n % 10 {
		case 0, 1, 9:
			want[n] = want[parent]
		}
	}
	return want
}

func TestEmptySeed(t *testing.T) {
	err := steal.Run(t.Context(), 4, numbers(0), func(context.Context, int, func(int)) error {
		return errors.New("there is nothing to do")
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A load is a forest: a task runs for its duration and then starts its children.
type load struct {
	run   time.Duration
	parts []load
}

func (l load) total() time.Duration {
	sum := l.run
	for _, p := range l.parts {
		sum += p.total()
	}
	return sum
}

func (l load) longest() time.Duration { // of the chain that cannot be divided
	var deepest time.Duration
	for _, p := range l.parts {
		deepest = max(deepest, p.longest())
	}
	return l.run + deepest
}

func TestSkewedLoadsFinishNearTheIdeal(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	parts := func(n int, each time.Duration) (out []load) {
		for range n {
			out = append(out, load{run: each})
		}
		return out
	}
	pareto := func(n int) (out []load) { // a few huge objects among many small ones, cut into parts
		for range n {
			size := time.Duration(float64(time.Millisecond) / (0.0005 + random.Float64()))
			if size < 20*time.Millisecond {
				out = append(out, load{run: size})
				continue
			}
			out = append(out, load{run: time.Millisecond, parts: parts(int(size/(8*time.Millisecond)), 8*time.Millisecond)})
		}
		return out
	}
	cases := map[string][]load{
		"equal":               parts(1000, 10*time.Millisecond),
		"one huge object":     {{run: time.Millisecond, parts: parts(997, 10*time.Millisecond)}},
		"huge comes last":     append(parts(300, 3*time.Millisecond), load{parts: parts(501, 7*time.Millisecond)}),
		"pareto":              pareto(500),
		"parts spawn parts":   {{parts: []load{{parts: parts(400, time.Millisecond)}, {parts: parts(3, time.Millisecond)}, {parts: parts(700, 2*time.Millisecond)}}}},
		"one long, many tiny": append([]load{{run: 200 * time.Millisecond}}, parts(4000, time.Millisecond)...),
	}
	for name, loads := range cases {
		for _, workers := range []int{2, 8, 32} {
			t.Run(fmt.Sprintf("%s/workers=%d", name, workers), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ideal := makespanFloor(loads, workers)
					start := time.Now()
					if err := steal.Run(t.Context(), workers, each(loads), takeTime); err != nil {
						t.Fatal(err)
					}
					got := time.Since(start)
					if got < ideal {
						t.Fatalf("took %v, which is less than the possible %v", got, ideal)
					}
					if float64(got) > 1.15*float64(ideal) {
						t.Errorf("took %v, ideal %v: %.0f %% over", got, ideal, 100*(float64(got)/float64(ideal)-1))
					}
				})
			})
		}
	}
}

func makespanFloor(loads []load, workers int) time.Duration {
	var sum, longest time.Duration
	for _, l := range loads {
		sum += l.total()
		longest = max(longest, l.longest())
	}
	return max(sum/time.Duration(workers), longest)
}

func each(loads []load) iter.Seq2[load, error] {
	return func(yield func(load, error) bool) {
		for _, l := range loads {
			if !yield(l, nil) {
				return
			}
		}
	}
}

func takeTime(ctx context.Context, l load, spawn func(load)) error {
	select {
	case <-time.After(l.run):
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, p := range l.parts {
		spawn(p)
	}
	return nil
}

// A worker that is done while another one has spawned tasks, and the seed has more, takes what it is told.
func TestApart(t *testing.T) {
	for apart, want := range map[bool]string{false: "[spawned]", true: "[seed spawned]"} {
		synctest.Test(t, func(t *testing.T) {
			const parent, plain, last, child = 0, 1, 2, 3
			var seen []string // by who does the plain one
			var watching atomic.Bool
			end := make(chan struct{})
			err := steal.RunWith(t.Context(), 2, steal.Options{Apart: apart}, numbers(3),
				func(_ context.Context, n int, spawn func(int)) error {
					switch n {
					case parent:
						spawn(child)
						<-end
					case plain:
						synctest.Wait() // until there is a child, and the seed has been read
						watching.Store(true)
					case last:
						seen = append(seen, "seed")
					case child:
						seen = append(seen, "spawned")
						close(end)
					}
					return nil
				})
			if got := fmt.Sprint(seen[:len(strings.Fields(want))]); err != nil || !watching.Load() || got != want {
				t.Errorf("apart %t: %v, %v; want %s", apart, got, err, want)
			}
		})
	}
}

func TestSeedIsReadOnDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const workers = 3
		var given, done atomic.Int64
		ctx, cancel := context.WithCancelCause(t.Context())
		gate := make(chan struct{})
		endless := func(yield func(int, error) bool) {
			for i := 0; yield(i, nil); i++ {
				given.Add(1)
			}
		}
		result := make(chan error)
		go func() {
			result <- steal.Run(ctx, workers, endless, func(ctx context.Context, _ int, _ func(int)) error {
				select {
				case <-gate:
				case <-ctx.Done():
					return ctx.Err()
				}
				done.Add(1)
				return nil
			})
		}()
		for range 500 {
			synctest.Wait() // everybody is stuck: the seed must be, too
			if ahead := given.Load() - done.Load(); ahead > workers*steal.Backlog+workers {
				t.Fatalf("%d tasks wait, want at most %d", ahead, workers*steal.Backlog+workers)
			}
			gate <- struct{}{}
		}
		stop := errors.New("enough")
		cancel(stop)
		if err := <-result; !errors.Is(err, stop) && !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
	})
}

func TestFirstErrorCancels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boom := errors.New("boom")
		var running, begun atomic.Int32
		err := steal.Run(t.Context(), 4, numbers(100_000), func(ctx context.Context, _ int, spawn func(int)) error {
			running.Add(1)
			defer running.Add(-1)
			spawn(-1)
			if begun.Add(1) == 4 {
				<-time.After(time.Second)
				return boom
			}
			<-ctx.Done()
			return fmt.Errorf("stopped: %w", context.Cause(ctx))
		})
		if err != boom { //nolint:errorlint // the very error, not one of those it causes
			t.Fatalf("got %v, want %v", err, boom)
		}
		if running.Load() != 0 || begun.Load() > 4 {
			t.Fatalf("%d still running, %d begun", running.Load(), begun.Load())
		}
	})
}

func TestSeedError(t *testing.T) {
	broken := errors.New("listing broke off")
	var done atomic.Int32
	err := steal.Run(t.Context(), 4, func(yield func(int, error) bool) {
		for i := range 10 {
			if !yield(i, nil) {
				return
			}
		}
		if yield(0, broken) {
			t.Error("the seed is still asked after its error")
		}
	}, func(ctx context.Context, _ int, _ func(int)) error {
		done.Add(1)
		return nil
	})
	if !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
}

func TestContextCauseIsReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("user pressed Ctrl-C")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(why) })
		// The tasks ignore their context, so that only Run can notice.
		err := steal.Run(ctx, 2, numbers(1000), func(context.Context, int, func(int)) error {
			<-time.After(7 * time.Second)
			return nil
		})
		if !errors.Is(err, why) {
			t.Fatalf("got %v", err)
		}
	})
}

func TestCancelledWhileAllSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		// The seed is slow, so the workers sleep; a seed has its own way to learn of the end.
		err := steal.Run(ctx, 8, func(yield func(int, error) bool) {
			<-ctx.Done()
		}, func(context.Context, int, func(int)) error { return nil })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
	})
}

func TestFinishedRunIgnoresALateCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var left atomic.Int32
	left.Store(50)
	err := steal.Run(ctx, 1, numbers(50), func(context.Context, int, func(int)) error {
		left.Add(-1)
		return nil
	})
	cancel()
	if err != nil || left.Load() != 0 {
		t.Fatalf("got %v with %d tasks left", err, left.Load())
	}
}

func TestPanicReachesTheCaller(t *testing.T) {
	for name, run := range map[string]func(ctx context.Context) error{
		"in a task": func(ctx context.Context) error {
			return steal.Run(ctx, 3, numbers(1000), func(_ context.Context, n int, _ func(int)) error {
				if n == 500 {
					panic("invariant 500 is broken")
				}
				return nil
			})
		},
		"in the seed": func(ctx context.Context) error {
			return steal.Run(ctx, 3, func(yield func(int, error) bool) {
				yield(1, nil)
				panic("invariant 500 is broken")
			}, func(context.Context, int, func(int)) error { return nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				text := fmt.Sprint(recover())
				if !strings.Contains(text, "invariant 500 is broken") || !strings.Contains(text, "run_test.go") {
					t.Errorf("the panic arrived as %q", text)
				}
			}()
			err := run(t.Context())
			t.Errorf("no panic, but %v", err)
		})
	}
}

func TestGoexitReachesTheCaller(t *testing.T) {
	var wg sync.WaitGroup
	returned := false
	wg.Go(func() {
		_ = steal.Run(t.Context(), 3, numbers(10), func(context.Context, int, func(int)) error {
			runtime.Goexit()
			return nil
		})
		returned = true
	})
	wg.Wait()
	if returned {
		t.Error("Run returned although a task has ended its goroutine")
	}
}

func BenchmarkRun(b *testing.B) {
	for _, workers := range []int{1, 4, 32} {
		b.Run(fmt.Sprintf("seed/workers=%d", workers), func(b *testing.B) {
			b.ReportAllocs()
			err := steal.Run(b.Context(), workers, numbers(b.N), func(context.Context, int, func(int)) error { return nil })
			if err != nil {
				b.Fatal(err)
			}
		})
		b.Run(fmt.Sprintf("spawned/workers=%d", workers), func(b *testing.B) {
			b.ReportAllocs()
			err := steal.Run(b.Context(), workers, numbers(b.N/1000+1), func(_ context.Context, n int, spawn func(int)) error {
				if n >= 0 {
					for range 999 {
						spawn(-1)
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}
