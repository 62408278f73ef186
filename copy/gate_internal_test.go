package copier

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skepdata/skep/copy/internal/steal"
)

// farServer is a simulated service: a request takes a round trip, and then its turn among so many
// that are served at once. One that is busy asks for fewer.
type farServer struct {
	roundTrip time.Duration
	service   time.Duration // of each request
	slots     chan struct{} // those served at once
	most      int64         // requests in progress above which it says so; 0 is no such number

	inside    atomic.Int64
	throttles atomic.Int64
	busy      bool // so that no processor has time left
}

func (s *farServer) spent(time.Duration) bool { return s.busy }

func newFarServer(roundTrip, service time.Duration, slots int, most int64) *farServer {
	return &farServer{roundTrip: roundTrip, service: service, slots: make(chan struct{}, slots), most: most}
}

// request is one, which is repeated where the server has asked for that.
func (s *farServer) request() {
	for {
		rest(s.roundTrip)
		n := s.inside.Add(1)
		if s.most == 0 || n <= s.most {
			break
		}
		s.inside.Add(-1)
		s.throttles.Add(1)
		rest(100 * time.Millisecond)
	}
	s.slots <- struct{}{}
	rest(s.service)
	<-s.slots
	s.inside.Add(-1)
}

func rest(d time.Duration) { <-time.After(d) }

// run is a job of so many equal transfers through a gate, and the limit it came to.
func (s *farServer) run(t *testing.T, transfers int, size int64) (took time.Duration, g *gate) {
	t.Helper()
	g = newGate(s.throttles.Load, s.spent)
	start := time.Now()
	err := steal.RunWith(t.Context(), mostLimit, steal.Options{Limiter: g}, same(transfers, size), func(_ context.Context, size int64, _ func(int64)) error {
		end := g.begin(loadOf(size))
		s.request()
		end(size)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return time.Since(start), g
}

func same[T any](n int, v T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for range n {
			if !yield(v, nil) {
				return
			}
		}
	}
}

func TestGate(t *testing.T) {
	for _, c := range []struct {
		name               string
		server             func() *farServer
		transfers          int
		size               int64
		least, most        int64         // limit at the end
		longest            time.Duration // for all
		throttlesFewerThan int64
	}{
		{
			// One core that takes 0.25 ms for each: 64 at once is more than it needs.
			name: "near", server: func() *farServer { return newFarServer(0, 250*time.Microsecond, 1, 0) },
			transfers: 40_000, size: 8 << 10, least: 64, most: 64, longest: 10*time.Second + 50*time.Millisecond,
		}, {
			// 20 ms away more would do more, if there were processors for it.
			name: "spent", server: func() *farServer {
				s := newFarServer(20*time.Millisecond, time.Millisecond, 40, 0)
				s.busy = true
				return s
			},
			transfers: 20_000, size: 8 << 10, least: 64, most: 64, longest: 7 * time.Second,
		}, {
			// 100 ms away, where 64 would take 32 s.
			name: "far", server: func() *farServer { return newFarServer(100*time.Millisecond, 2*time.Millisecond, 64, 0) },
			transfers: 20_000, size: 8 << 10, least: 300, most: 512, longest: 9 * time.Second,
		}, {
			// So far that all tokens are of use; 64 would take 160 s.
			name: "farther", server: func() *farServer { return newFarServer(500*time.Millisecond, time.Millisecond, 512, 0) },
			transfers: 20_000, size: 8 << 10, least: 300, most: 512, longest: 35 * time.Second,
		}, {
			// It takes no more than 40 requests at once.
			name: "busy", server: func() *farServer { return newFarServer(10*time.Millisecond, 10*time.Millisecond, 40, 40) },
			transfers: 20_000, size: 8 << 10, least: 8, most: 64, longest: 25 * time.Second, throttlesFewerThan: 2000,
		}, {
			// Large ones take four tokens each.
			name: "large", server: func() *farServer { return newFarServer(10*time.Millisecond, 40*time.Millisecond, 8, 0) },
			transfers: 2000, size: 16 << 20, least: 64, most: 216, longest: 10500 * time.Millisecond,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := c.server()
				took, g := server.run(t, c.transfers, c.size)
				t.Logf("took %v, limit %d, %d throttles", took, g.limit, server.throttles.Load())
				if g.limit < c.least || g.limit > c.most {
					t.Errorf("the limit is %d, want %d to %d", g.limit, c.least, c.most)
				}
				if took > c.longest {
					t.Errorf("took %v, want %v at most", took, c.longest)
				}
				if n := server.throttles.Load(); n >= max(c.throttlesFewerThan, 1) {
					t.Errorf("the server was too busy %d times", n)
				}
				if g.used != 0 || g.inside != 0 || g.running != 0 {
					t.Errorf("%d tokens are still in use, %d workers inside", g.used, g.inside)
				}
			})
		})
	}
}

// TestGateHeavy: the large transfers that run at once take no more tokens than there are, but for
// those that the gate could not yet know to be large.
func TestGateHeavy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		running, peak, finished := 0, 0, 0
		g := newGate(nil, nil)
		err := steal.RunWith(t.Context(), mostLimit, steal.Options{Limiter: g}, same(1000, 0), func(context.Context, int, func(int)) error {
			end := g.begin(heavyLoad)
			mu.Lock()
			running++
			if finished > firstLimit {
				peak = max(peak, running)
			}
			mu.Unlock()
			rest(time.Second)
			mu.Lock()
			running--
			finished++
			mu.Unlock()
			end(-1) // so that nothing is gained by more
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if most := firstLimit * 3 / 2 / heavyLoad; peak > most || peak < firstLimit/heavyLoad-1 {
			t.Errorf("%d large transfers ran at once, want %d at most", peak, most)
		}
	})
}

// TestGateCancelled: workers that wait for a token end with the job.
func TestGateCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		g := newGate(nil, nil)
		err := steal.RunWith(ctx, mostLimit, steal.Options{Limiter: g}, same(100_000, 0), func(ctx context.Context, _ int, _ func(int)) error {
			cancel()
			<-ctx.Done()
			return ctx.Err()
		})
		if err == nil {
			t.Error("no error")
		}
	})
}

// TestTuner goes through windows one by one.
func TestTuner(t *testing.T) {
	tuner := newTuner()
	var fastest time.Duration // transfer of a window, if it is not like all
	spent := false
	step := func(rate float64, latency time.Duration, throttled bool, want int64) {
		t.Helper()
		busy := time.Duration(tuner.limit) * time.Second
		before := tuner.limit
		if fastest == 0 {
			fastest = latency
		}
		got := tuner.next(window{elapsed: time.Second, units: rate, done: int64(busy / latency), transfers: busy, fastest: fastest, busy: busy, throttled: throttled, spent: spent})
		if got != want {
			t.Fatalf("from %d, at %v a second, the limit became %d, want %d", before, rate, got, want)
		}
	}
	const ms = time.Millisecond
	step(90, 10*ms, false, 64) // it begins slowly, which says nothing
	fastest = ms
	for range queueingHold {
		step(110, 10*ms, false, 64) // more would only wait for each other
	}
	fastest = 0
	step(110, 10*ms, false, 96)  // the first trial
	step(130, 10*ms, false, 144) // pays, and the next
	step(132, 15*ms, false, 96)  // does not
	for range shortestHold - 1 {
		step(130, 10*ms, false, 96)
	}
	step(130, 10*ms, false, 64) // what came with more may stay with fewer
	step(100, 10*ms, false, 96) // and did not
	step(130, 10*ms, false, 96)
	spent = true // no processor has time for more
	for range 2*shortestHold - 2 {
		step(130, 10*ms, false, 96)
	}
	step(130, 10*ms, false, 64) // so perhaps fewer do as well
	step(100, 10*ms, false, 96)
	spent = false
	for range 2*shortestHold - 1 {
		step(130, 10*ms, false, 96)
	}
	step(130, 10*ms, false, 144) // there are some
	spent = true
	step(160, 10*ms, false, 144) // which it takes, but for no more
	step(160, 10*ms, false, 96)
	step(160, 10*ms, false, 96) // fewer do, and still fewer do not
	step(160, 10*ms, false, 64)
	spent = false
	step(100, 10*ms, false, 96)
	step(40, 40*ms, false, 84) // three times slower: the service has a bad time
	step(40, 40*ms, true, 42)  // and says so
	step(40, 40*ms, true, 21)
	step(40, 40*ms, true, 10)
	step(40, 40*ms, true, 8)
	step(40, 40*ms, true, 8)
	step(40, 40*ms, false, 9)
	step(45, 40*ms, false, 9) // slowly up again
	step(45, 40*ms, false, 10)
	idle := tuner
	if got := idle.next(window{elapsed: time.Second, units: 1, done: 1, transfers: time.Second, busy: time.Second}); got != 9 {
		t.Errorf("a trial whose tokens are not used is kept: %d", got)
	}
}
