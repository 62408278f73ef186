package copier

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"github.com/skepdata/skep/storage"
)

// finish records the end of an output and deletes its sources if asked to. Its error ends the
// job.
func (j *job) finish(ctx context.Context, t Task, res result, err error) error {
	defer j.openSources.end(t)
	if err == nil && j.opts.Verify == VerifyReadBack {
		err = j.readBack(ctx, t, res)
	}
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx) // what failed with it is not to blame
		}
		if trouble := j.reached(); trouble != nil {
			return trouble
		}
		if j.ledger != nil && errors.Is(err, storage.ErrRefused) {
			j.ledger.drop(j.dir + t.Key)
		}
		row, hopeless := j.hopeless(err)
		if hopeless != nil {
			return hopeless
		}
		if j.postpone(t, err) {
			return nil
		}
		e := j.about(t, Failed)
		e.Err, e.Row = err, row
		j.rec.event(e)
		return nil
	}
	j.outage.Store(0)
	j.retries.earn()
	e := j.about(t, Copied)
	e.CRC32C, e.ETag, e.Method, e.PartSize = res.sum, res.object.ETag, res.method, res.partSize
	j.rec.event(e)
	j.journalDone(t, res)
	if j.ledger != nil {
		r := j.recordOf(t, res.object.Size, res.sum)
		r.ETag, r.object = res.object.ETag, res.object
		if err := j.ledger.add(r); err != nil {
			return err
		}
	}
	if err := j.note(t, res.sums); err != nil {
		return err
	}
	if j.opts.DeleteOnSuccess {
		return j.deleteSources(ctx, t)
	}
	return nil
}

// GivenUpError ends a job in which one output after the other has failed for the same kind of reason. Their
// events, which have a Row, say no more than the last of them, Err.
type GivenUpError struct {
	how string
	Err error
}

func (e *GivenUpError) Error() string { return e.how + ": " + e.Err.Error() }

func (e *GivenUpError) Unwrap() error { return e.Err }

// hopeless ends a job that the destination does not want at all, one that a server has left, as each
// further output would take all its retries to fail, and one that finds no room. It returns the error
// of the job, if err is that, and otherwise how many outputs have failed in a row so that it may be yet.
func (j *job) hopeless(err error) (row int64, end error) {
	if errors.Is(err, storage.ErrCredentials) {
		return 1, err // those of either side: each further output would hear the same
	}
	full := errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
	if full || storage.IsTemporary(err) {
		most := 2 * min(j.opts.workers(), patience)
		if full {
			most = 2 * patience // a smaller one may find room, and each fails quickly
		}
		n := j.outage.Add(1)
		if n >= int64(most) {
			return n, &GivenUpError{fmt.Sprintf("given up after %d failures in a row", n), err}
		}
		return n, nil
	}
	var e *storage.Error
	if !errors.As(err, &e) || !strings.HasPrefix(e.URL, j.dest.Bucket.URL()+j.dir) || j.rec.succeeded() {
		return 0, nil
	}
	switch {
	case errors.Is(err, storage.ErrRefused):
		return 1, err // it is the options that are refused
	case !errors.Is(err, storage.ErrPermission) && !errors.Is(err, storage.ErrNotExist):
		return 0, nil
	case j.denied: // neither listing nor writing
		return 1, err
	}
	n := j.rejected.Add(1)
	if n >= enough {
		return n, &GivenUpError{fmt.Sprintf("given up after %d failures and no success", n), err}
	}
	return n, nil
}

func (j *job) note(t Task, sums []storage.Checksum) error {
	if j.manifest == nil {
		return nil
	}
	if err := j.manifest.add(t, sums); err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	return nil
}

// deleteSources deletes the sources of an output that is durable. A source that cannot be
// deleted is reported, and no failure of the copy. Its error ends the job.
func (j *job) deleteSources(ctx context.Context, t Task) error {
	var gone []uint64 // hashes of their keys, for there may be millions
	some := make([]Source, 0, min(t.Sources.Len(), mostGathered))
	sources := t.fresh()
	for _, s := range sources.All() {
		if some = append(some, s); len(some) == mostGathered {
			gone = j.deleteSome(ctx, t, some, gone)
			some = some[:0]
		}
	}
	gone = j.deleteSome(ctx, t, some, gone)
	if j.ledger == nil {
		return nil
	}
	slices.Sort(gone)
	return j.ledger.forget(j.dir+t.Key, func(key string) bool {
		_, found := slices.BinarySearch(gone, hashText(fnvBasis, key))
		return found
	})
}

// deleteSome deletes some sources of an output, and appends the hashes of what is gone, for the ledger.
func (j *job) deleteSome(ctx context.Context, t Task, some []Source, gone []uint64) []uint64 {
	keys := make([]string, 0, len(some))
	for _, s := range some {
		if s.Key != "" { // it can be read again
			keys = append(keys, s.Key)
		}
	}
	var together error
	switch {
	case len(keys) == 0:
	case isFlat(j.src.Bucket):
		together = j.deletions.do(ctx, keys...)
	default:
		together = j.src.Bucket.Delete(ctx, keys...)
	}
	for _, s := range some {
		e := j.about(t, Deleted)
		e.Source, e.Sources, e.Bytes = j.src.Bucket.URL()+s.Key, 1, s.Size
		switch {
		case s.Key == "":
			e.Err = s.lost
		case together != nil:
			e.Err = j.deleteOne(ctx, t, s.Key)
		}
		if e.Err != nil {
			e.Kind = DeleteFailed
		} else if j.ledger != nil {
			gone = append(gone, hashText(fnvBasis, s.Key))
		}
		j.rec.event(e)
	}
	return gone
}

// deleteOne finds out which of several sources could not be deleted, and tries it again.
func (j *job) deleteOne(ctx context.Context, t Task, key string) (err error) {
	for attempt := 0; ; attempt++ {
		if err = j.src.Bucket.Delete(ctx, key); err == nil || !j.again(ctx, t, attempt, err) {
			return err
		}
	}
}
