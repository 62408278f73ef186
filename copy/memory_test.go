package copier

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newMemory(2, 1<<20)
		ctx, cancel := context.WithCancelCause(t.Context())
		first, err := b.take(ctx, 10<<20)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.take(ctx, 100<<10); err != nil {
			t.Errorf("a small object has to wait: %v", err)
		}
		second := make(chan error)
		go func() {
			giveBack, err := b.take(ctx, 1<<40)
			if err == nil {
				giveBack()
			}
			second <- err
		}()
		synctest.Wait()
		select {
		case <-second:
			t.Error("there was room for more than there is")
		default:
		}
		first()
		if err := <-second; err != nil {
			t.Errorf("what is larger than all of it never gets its turn: %v", err)
		}
		first, _ = b.take(ctx, 16<<20)
		defer first()
		why := errors.New("interrupted")
		cancel(why)
		if _, err := b.take(ctx, 2<<20); !errors.Is(err, why) {
			t.Errorf("got %v", err)
		}
	})
}

func TestMemorySizes(t *testing.T) {
	for _, c := range []struct {
		workers    int
		part, want int64
	}{
		{16, DefaultPartSize, 128 << 20},
		{1, DefaultPartSize, 64 << 20},
		{16, 128 << 20, 512 << 20},
		{16, 5 << 30, 1 << 30},
	} {
		if got := newMemory(c.workers, c.part).size; got != c.want {
			t.Errorf("%d workers, parts of %d: got %d, want %d", c.workers, c.part, got, c.want)
		}
	}
}
