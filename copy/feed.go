package copier

import (
	"context"
	"iter"
	"sync"
)

// aheadBatch and aheadBatches are how far ahead runs: about two pages of an S3 listing.
const (
	aheadBatch   = 256
	aheadBatches = 8
)

// ahead yields what seq does, while a goroutine already gets what comes next.
func ahead[T any](ctx context.Context, seq func(context.Context) iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		f := feedOf(ctx, aheadBatches, seq)
		defer f.stop()
		f.all()(yield)
	}
}

// feed is what a goroutine gets ahead of who wants it.
type feed[T any] struct {
	batches chan []T
	last    error // set before batches is closed
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// feedOf begins to get what seq yields, so many batches ahead.
func feedOf[T any](ctx context.Context, batches int, seq func(context.Context) iter.Seq2[T, error]) *feed[T] {
	f := &feed[T]{batches: make(chan []T, batches)}
	ctx, f.cancel = context.WithCancel(ctx)
	f.running.Go(func() {
		defer close(f.batches)
		f.last = send(ctx, seq(ctx), f.batches)
	})
	return f
}

// all yields it, once.
func (f *feed[T]) all() iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for batch := range f.batches {
			for _, v := range batch {
				if !yield(v, nil) {
					return
				}
			}
		}
		if f.last != nil {
			var zero T
			yield(zero, f.last)
		}
	}
}

// stop ends the goroutine and waits for it.
func (f *feed[T]) stop() {
	f.cancel()
	f.running.Wait()
}

func send[T any](ctx context.Context, seq iter.Seq2[T, error], batches chan<- []T) error {
	var batch []T
	flush := func() error {
		select {
		case batches <- batch:
			batch = make([]T, 0, aheadBatch)
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	for v, err := range seq {
		if err != nil {
			if full := flush(); full != nil {
				return full
			}
			return err
		}
		if batch = append(batch, v); len(batch) == aheadBatch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}
