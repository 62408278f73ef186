package copier

import "context"

// Retrier tries again what others do to single objects, as a job tries its outputs again: as often, after
// waits of the same length, and within one budget for all of them, which is that of RetryBudgets. Any number
// of goroutines may use it.
type Retrier struct {
	opts   Options
	budget *retryBudget
}

// NewRetrier makes a Retrier that does as a job with these Options does: Retries, Backoff and RetryBudget.
func NewRetrier(opts Options) *Retrier {
	return &Retrier{opts, newRetryBudget(opts)}
}

// Do runs fn until it succeeds, fails for a reason that does not pass, or has failed often enough. failed is
// told of each error after which fn is run again; it may be nil. The error is the last one of fn.
func (r *Retrier) Do(ctx context.Context, fn func(context.Context) error, failed func(error)) error {
	for attempt := 0; ; attempt++ {
		err := fn(ctx)
		if err == nil {
			r.budget.earn()
			return nil
		}
		if !r.opts.mayRetry(ctx, attempt, err) {
			return err
		}
		if ok, _ := r.budget.take(retryClassOf(err)); !ok {
			return err
		}
		if failed != nil {
			failed(err)
		}
		if !wait(ctx, backoff(r.opts.Backoff, DefaultBackoff, longestBackoff, attempt)) {
			return err
		}
	}
}
