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
		if took, want := time.Since(began), 10*time.Second-burst; (took - want).Abs() > time.Microsecond {
			t.Errorf("10,000 units at 1000 a second took %v, want %v", took, want)
		}

		<-time.After(time.Hour) // an hour of rest is no credit of an hour
		began = time.Now()
		if err := r.take(t.Context(), 5000); err != nil {
			t.Fatal(err)
		}
		if took, want := time.Since(began), 5*time.Second-burst; (took - want).Abs() > time.Microsecond {
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
		var none rate
		if err := none.take(ctx, 1<<40); err != nil {
			t.Errorf("no rate: %v", err)
		}
	})
}

// Who waits at one rate goes on at another as soon as it is set.
func TestRateChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRate(10)
		began := time.Now()
		var took time.Duration
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := r.take(t.Context(), 1000); err != nil {
				t.Error(err)
			}
			took = time.Since(began)
		})
		<-time.After(9900 * time.Millisecond) // and a tenth of a second of credit: 100 units are paid
		r.set(time.Now(), 100)
		wg.Wait()
		if want := 18900 * time.Millisecond; (took - want).Abs() > time.Microsecond {
			t.Errorf("took %v, want %v", took, want)
		}
		began = time.Now()
		wg.Go(func() {
			if err := r.take(t.Context(), 1_000_000); err != nil {
				t.Error(err)
			}
		})
		<-time.After(time.Second)
		r.set(time.Now(), 0)
		wg.Wait()
		if took := time.Since(began); took != time.Second {
			t.Errorf("without a limit it took %v, want a second", took)
		}
	})
}
