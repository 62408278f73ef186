package copier

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"iter"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/skepdata/skep/storage"
)

// pendingAtOnce is how many records of a run that was killed are looked at at the same time.
const pendingAtOnce = 32

// intend records what an output is about to hold. Without it a run that is killed in between
// would leave sources that the next one, which must not replace anything, would put into one
// more output.
func (j *job) intend(ctx context.Context, t Task, size int64, sum storage.Checksum) error {
	l := j.ledger
	if l == nil {
		return nil
	}
	return l.intentions.do(ctx, j.recordOf(t, size, sum))
}

// writeIntentions writes a file of records of outputs that are not visible yet.
func (j *job) writeIntentions(ctx context.Context, records []fullRecord) error {
	l := j.ledger
	// No file replaces another: an attempt that failed may have been with others.
	key := fmt.Sprintf("%s%x.gz", l.dir, sha256.Sum256([]byte(records[0].Output+"\x00"+rand.Text())))
	l.mu.Lock()
	l.changed = true
	l.pending = append(l.pending, key)
	for _, r := range records {
		l.intended[r.Output] = append(l.intended[r.Output], key)
	}
	l.mu.Unlock()
	return j.writeRecords(ctx, key, slices.Values(records))
}

// readPending reads the records of outputs of which it is not known whether they came to be.
func (j *job) readPending(ctx context.Context) error {
	l := j.ledger
	if len(l.pending) == 0 {
		return nil
	}
	l.changed = true
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(pendingAtOnce)
	for r, err := range j.pendingRecords(ctx, l.pending) {
		if err != nil {
			all.Go(func() error { return err })
			break
		}
		all.Go(func() error {
			there, err := j.take(ctx, r)
			if err == nil && !there {
				l.miss(r)
			}
			return err
		})
	}
	return all.Wait()
}

// pendingRecords yields the records of several files, of which some are read at once.
func (j *job) pendingRecords(ctx context.Context, keys []string) iter.Seq2[*record, error] {
	return func(yield func(*record, error) bool) {
		for some := range slices.Chunk(keys, pendingAtOnce) {
			found := make([][]*record, len(some))
			var all errgroup.Group
			for i, key := range some {
				all.Go(func() error {
					for r, err := range j.readRecords(ctx, key) {
						if err != nil {
							return err
						}
						found[i] = append(found[i], r)
					}
					return nil
				})
			}
			if err := all.Wait(); err != nil {
				yield(nil, err)
				return
			}
			for _, r := range slices.Concat(found...) {
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}
