package copier

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"iter"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/skepdata/skep/storage"
)

// pendingAtOnce is how many records of a run that was killed are looked at at the same time.
const pendingAtOnce = 32

// intentionFiles is how many files of records are written at the same time.
const intentionFiles = 4

// intentions are records that workers want to be written before their outputs become visible. Those that come while
// some files of them are being written are put together into the next one.
type intentions struct {
	mu      sync.Mutex
	writing int            // files
	waiting *intentionFile // the next one; nil if nobody wants it
}

// intentionFile is one file of records.
type intentionFile struct {
	records []fullRecord
	lead    chan struct{} // closed when who has begun it is to write it
	done    chan struct{} // closed when it has been written
	err     error
}

// begun reports whether it is about to be written.
func (f *intentionFile) begun() bool {
	select {
	case <-f.lead:
		return true
	default:
		return false
	}
}

// join adds a record to the next file. lead says that the caller has begun it.
func (i *intentions) join(r fullRecord) (f *intentionFile, lead bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if f = i.waiting; f == nil {
		f, lead = &intentionFile{lead: make(chan struct{}), done: make(chan struct{})}, true
		i.waiting = f
		if i.writing < intentionFiles {
			i.writing++
			close(f.lead)
		}
	}
	f.records = append(f.records, r)
	return f, lead
}

// begin is called when a file is to be written, which nobody adds to any more.
func (i *intentions) begin(f *intentionFile) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.waiting == f {
		i.waiting = nil
	}
}

// end has the next file written, if there is one.
func (i *intentions) end() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if next := i.waiting; next == nil || next.begun() {
		i.writing--
	} else {
		close(next.lead)
	}
}

// intend records what an output is about to hold. Without it a run that is killed in between
// would leave sources that the next one, which must not replace anything, would put into one
// more output.
func (j *job) intend(ctx context.Context, t Task, size int64, sum storage.Checksum) error {
	l := j.ledger
	if l == nil {
		return nil
	}
	f, lead := l.intentions.join(j.recordOf(t, size, sum))
	if lead {
		<-f.lead // those before it end with the job at the latest
		l.intentions.begin(f)
		f.err = j.writeIntentions(ctx, f.records)
		l.intentions.end()
		close(f.done)
	}
	<-f.done
	return f.err
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
