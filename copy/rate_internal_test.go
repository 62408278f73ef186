package copier

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// However many take, and however much at once, no more goes by than the rate and its burst.
func TestRateHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRate(1000)
		began := time.Now()
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				for range 100 {
					if err := r.take(t.Context(), 10); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if took, want := time.Since(began), 10*time.Second-burst; took != want {
			t.Errorf("10,000 units at 1000 a second took %v, want %v", took, want)
		}

		<-time.After(time.Hour) // an hour of rest is no credit of an hour
		began = time.Now()
		if err := r.take(t.Context(), 5000); err != nil {
			t.Fatal(err)
		}
		if took, want := time.Since(began), 5*time.Second-burst; took != want {
			t.Errorf("5000 units at once took %v, want %v", took, want)
		}
	})
}

func TestRateEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(why) })
		if err := newRate(1).take(ctx, 100); !errors.Is(err, why) {
			t.Errorf("got %v, want %v", err, why)
		}
		var none *rate
		if err := none.take(ctx, 1<<40); err != nil {
			t.Errorf("no rate: %v", err)
		}
	})
}
