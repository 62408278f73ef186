package copier

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"

	"github.com/skepdata/skep/storage"
)

// How listings that come page by page are widened.
const (
	wideAfter   = 2000 // objects listed one after the other before it is worth more requests
	wideStreams = 16   // prefixes that are listed at once, of one level
	wideBatches = 4    // of aheadBatch objects, that each is ahead
)

// listWide lists as Bucket.List does, in the same order, by several requests at once where there is much
// to list and the store can tell one level of its names. It begins as List would, so that the first
// objects come as soon as there are any. When there are more than a few pages, the prefixes
// of the next level are listed at the same time, some ahead; each of them is a list that may be
// widened in its turn, once its objects are wanted. Memory is bounded by the streams that are ahead: some
// 1500 objects each.
//
// The capability is asked of the bucket itself: one around it may list something else.
func listWide(ctx context.Context, b storage.Bucket, prefix string) iter.Seq2[storage.Object, error] {
	l, ok := b.(storage.LevelLister)
	if !ok {
		return b.List(ctx, prefix)
	}
	return func(yield func(storage.Object, error) bool) {
		last := ""
		n := 0
		for o, err := range l.ListAfter(ctx, prefix, "") {
			if !yield(o, err) || err != nil {
				return
			}
			last = o.Key
			if n++; n == wideAfter {
				break
			}
		}
		if n == wideAfter {
			w := &wide{bucket: b, levels: l, last: last}
			w.rest(ctx, prefix, yield)
		}
	}
}

// wide is the rest of a listing, behind the last key.
type wide struct {
	bucket storage.Bucket
	levels storage.LevelLister
	last   string
}

// stream is a part of a listing that is some batches ahead of who wants it.
type stream struct {
	batches chan []storage.Object
	err     error // set before batches is closed
}

// beginStream begins a stream, and waits where there are enough. It reports false when no more is wanted.
type beginStream func(func(context.Context) iter.Seq2[storage.Object, error]) bool

// rest yields what comes after the last key.
func (w *wide) rest(ctx context.Context, prefix string, yield func(storage.Object, error) bool) {
	last := w.last
	w.join(ctx, prefix, wideStreams, func(ctx context.Context, begin beginStream) { w.level(ctx, prefix, last, begin) }, yield)
}

// join yields what streams have, one after the other, of which some are ahead. They are begun in order.
func (w *wide) join(
	ctx context.Context, prefix string, streamsAhead int, beginAll func(context.Context, beginStream), yield func(storage.Object, error) bool,
) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	streams := make(chan *stream, streamsAhead)
	begin := func(seq func(context.Context) iter.Seq2[storage.Object, error]) bool {
		s := &stream{batches: make(chan []storage.Object, wideBatches)}
		running.Go(func() {
			defer close(s.batches)
			s.err = send(ctx, seq(ctx), s.batches)
		})
		select {
		case streams <- s:
			return true
		case <-ctx.Done():
			return false
		}
	}
	running.Go(func() {
		defer close(streams)
		beginAll(ctx, begin)
	})
	for s := range streams {
		for batch := range s.batches {
			for _, o := range batch {
				if o.Key <= w.last {
					yield(storage.Object{}, &storage.Error{Op: "list", URL: w.bucket.URL() + prefix,
						Err: fmt.Errorf("%q comes after %q: listings out of order are %w", o.Key, w.last, storage.ErrUnsupported)})
					return
				}
				w.last = o.Key
				if !yield(o, nil) {
					return
				}
			}
		}
		if s.err != nil {
			yield(storage.Object{}, s.err)
			return
		}
	}
	if ctx.Err() != nil {
		yield(storage.Object{}, context.Cause(ctx))
	}
}

// level begins the streams of a level, in order: what is left of the prefix that the last key is
// below, and then objects and prefixes as they come.
func (w *wide) level(ctx context.Context, prefix, last string, begin beginStream) {
	below := ""
	if slash := strings.IndexByte(last[len(prefix):], '/'); slash >= 0 {
		below = last[:len(prefix)+slash+1]
		if !begin(func(ctx context.Context) iter.Seq2[storage.Object, error] {
			return w.levels.ListAfter(ctx, below, last)
		}) {
			return
		}
	}
	objects := func(batch []storage.Object, err error) func(context.Context) iter.Seq2[storage.Object, error] {
		return func(context.Context) iter.Seq2[storage.Object, error] {
			return func(yield func(storage.Object, error) bool) {
				for _, o := range batch {
					if !yield(o, nil) {
						return
					}
				}
				if err != nil {
					yield(storage.Object{}, err)
				}
			}
		}
	}
	var batch []storage.Object
	for o, err := range w.levels.ListLevel(ctx, prefix, last) {
		if err != nil {
			begin(objects(batch, err))
			return
		}
		isPrefix := strings.HasSuffix(o.Key, "/") && o.ModTime.IsZero()
		if isPrefix && o.Key <= below {
			continue // of which all has been begun
		}
		if !isPrefix {
			batch = append(batch, o)
		}
		if len(batch) > 0 && (isPrefix || len(batch) == pageOfLevel) {
			if !begin(objects(batch, nil)) {
				return
			}
			batch = nil
		}
		if isPrefix && !begin(func(ctx context.Context) iter.Seq2[storage.Object, error] { return listWide(ctx, w.bucket, o.Key) }) {
			return
		}
	}
	if len(batch) > 0 {
		begin(objects(batch, nil))
	}
}

// pageOfLevel is how many objects of one level make a stream.
const pageOfLevel = 1000
