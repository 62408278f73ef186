package duck

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/internal/parquetmerge"
)

// files are those that DuckDB writes in one COPY, on their way to the sink: as it closes them, or,
// where it writes past our hook, when the statement has ended.
type files struct {
	w    *writer
	ctx  context.Context
	fail context.CancelCauseFunc

	mu    sync.Mutex
	grown map[string]int64 // bytes that the sink was told of, by path
	seen  map[string]bool  // files that were closed
	queue []string         // of those, that nobody has looked at
	ended bool             // no more will come
	wake  sync.Cond        // queue or ended has changed
	err   error            // what has ended the statement
	odd   error            // of a file that makes no sense: it may be what an error of the statement has left
	done  chan struct{}
}

// watchFiles begins to hand over files. The statement that writes them must run with the context of
// the files, which ends when one cannot be handed over.
func (w *writer) watchFiles(ctx context.Context) *files {
	f := &files{w: w, grown: map[string]int64{}, seen: map[string]bool{}, done: make(chan struct{})}
	f.wake.L = &f.mu
	w.scratch = make([]byte, 64<<10)
	f.ctx, f.fail = context.WithCancelCause(ctx)
	go f.handOver()
	return f
}

// grow is told of bytes that DuckDB is about to write, on one of its threads.
func (f *files) grow(path string, n int64) bool {
	if err := f.w.out.Sink.Grow(n); err != nil {
		f.failed(err)
		return false
	}
	f.w.ordinals.grew(fileNumberIn(path), n)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.grown[path] += n
	return true
}

// closed is told that DuckDB has closed a file.
func (f *files) closed(path string, err error) {
	if err != nil {
		f.failed(fmt.Errorf("close %s: %w", path, err))
		return
	}
	f.add(path)
}

func (f *files) add(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen[path] {
		return
	}
	f.seen[path] = true
	f.queue = append(f.queue, path)
	f.wake.Signal()
}

// failed ends the statement, for a reason that DuckDB would not tell.
func (f *files) failed(err error) {
	f.mu.Lock()
	if f.err == nil {
		f.err = err
	}
	f.mu.Unlock()
	f.fail(err)
}

// handOver takes files from the queue until no more will come.
func (f *files) handOver() {
	defer close(f.done)
	for {
		path, more := f.next()
		if !more {
			return
		}
		if err := f.take(path); err != nil {
			f.failed(err)
			return
		}
	}
}

func (f *files) next() (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.queue) == 0 && !f.ended && f.err == nil {
		f.wake.Wait()
	}
	if len(f.queue) == 0 || f.err != nil {
		return "", false
	}
	path := f.queue[0]
	f.queue = f.queue[1:]
	return path, true
}

// end waits until all files have been handed over, of a statement that has ended with an error or not.
// What DuckDB has left half-done after an error is not looked at.
func (f *files) end(err error) error {
	f.mu.Lock()
	f.ended = true
	if err != nil {
		f.queue = nil
	}
	f.wake.Signal()
	f.mu.Unlock()
	<-f.done
	f.fail(nil)
	switch {
	case f.err != nil:
		return f.err
	case err != nil:
		return err
	}
	return f.odd
}

// take hands over one file, divided where it is too large.
func (f *files) take(path string) error {
	one, err := f.w.complete(path)
	if err != nil {
		f.odd = errors.Join(f.odd, &Error{Op: "write", Msg: path + ": " + err.Error(), Err: err})
		return nil
	}
	f.mu.Lock()
	uncounted := one.Bytes - f.grown[path]
	delete(f.grown, path)
	f.mu.Unlock()
	if one.Rows == 0 {
		uncounted -= one.Bytes
	}
	if uncounted != 0 {
		if err := f.w.out.Sink.Grow(uncounted); err != nil {
			return err
		}
	}
	if one.Rows == 0 {
		return os.Remove(path)
	}
	parts, err := f.w.divided(f.ctx, one)
	if err != nil {
		return err
	}
	if err := f.w.expect(); err != nil {
		return err
	}
	for _, part := range parts {
		if err := f.w.out.Sink.Take(part); err != nil {
			return err
		}
	}
	return nil
}

// complete adds its sums to a file that is closed, and describes it.
func (w *writer) complete(path string) (hiveql.Written, error) {
	f := hiveql.Written{Path: path}
	foot, size, columns, err := w.look(path)
	if err != nil {
		return f, err
	}
	if foot.Rows > 0 {
		if size, err = parquetmerge.AddSums(path, w.scratch); err != nil {
			return f, err
		}
	}
	f.Rows, f.Bytes, f.Raw = foot.Rows, size, foot.Rows*int64(w.columns)
	if f.Values, err = w.values(w.ordinals.partition(fileNumberIn(path))); err != nil {
		return f, err
	}
	f.Columns = columns
	return f, nil
}
