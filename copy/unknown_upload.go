package copier

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/skepdata/skep/storage"
)

// intention is an output of which an upload may be begun. If the process is killed, or the answer
// lost, before the upload has a name, it is how the next run, or attempt, finds it: an upload of that
// very key, begun since, that the journal does not know.
type intention struct {
	Bucket string    `json:"bucket"` // its URL
	Key    string    `json:"key"`
	At     time.Time `json:"at"` // zero: it is settled
	// Until, if not zero, is when who had the intention was done with it, or dead, and what was left
	// of it aborted. The service may have been at work on it still, so that it is looked at once more.
	Until time.Time `json:"until,omitzero"`
}

const (
	// clockSkew is how far the clocks of a service and of this machine may be apart.
	clockSkew = 5 * time.Minute
	// lateness is how long a service may take to begin an upload that nobody waits for any more.
	lateness = time.Minute
	// usualLateness is how long it nearly never takes. The end of a job waits for that, so that its
	// first run after a kill leaves nothing.
	usualLateness = 2 * time.Second
)

// name tells intentions apart: an output has at most one that may be carried out, and one that may have
// been.
func (i intention) name() string {
	if i.Until.IsZero() {
		return i.Bucket + i.Key
	}
	return i.Bucket + i.Key + "\x00"
}

// left reports whether an upload may be what is left of an intention.
func (i intention) left(u storage.PendingUpload) bool {
	return u.Key == i.Key && u.Started.After(i.At.Add(-clockSkew)) &&
		(i.Until.IsZero() || u.Started.Before(i.Until.Add(lateness+clockSkew)))
}

// resumer is the destination's, if uploads to it are remembered.
func (j *job) resumer() (storage.PartResumer, bool) {
	if j.opts.Journal == nil {
		return nil, false
	}
	return storage.As[storage.PartResumer](j.dest.Bucket)
}

// remembers reports whether uploads of an output are. The journal's lines hold text.
func (j *job) remembers(key string) bool {
	_, ok := j.resumer()
	return ok && utf8.ValidString(key)
}

// intendUpload records that an upload of key may be begun, when what an earlier intention has left is
// settled.
func (j *job) intendUpload(ctx context.Context, key string) error {
	resumer, ok := j.resumer()
	if !ok || !j.remembers(key) || !isFlat(j.dest.Bucket) {
		return nil // other stores find the uploads of dead processes by themselves
	}
	bucket := j.dest.Bucket.URL()
	if i, ok := j.opts.Journal.intentionOf(bucket, key); ok {
		if err := j.settleIntention(ctx, resumer, i); err != nil {
			return err
		}
	}
	j.opts.Journal.intend(intention{Bucket: bucket, Key: key, At: time.Now()})
	return nil
}

// nothingUnknownIf records that nothing can be left of an intention, if that is sure.
func (j *job) nothingUnknownIf(sure bool, key string) {
	if sure && j.opts.Journal != nil {
		j.opts.Journal.settle(intention{Bucket: j.dest.Bucket.URL(), Key: key})
	}
}

// refused reports whether an error says that nothing was begun. One that does not make sense, as of an
// answer that is cut off, says nothing.
func refused(err error) bool {
	for _, target := range []error{storage.ErrPermission, storage.ErrNotExist, storage.ErrUnsupported, storage.ErrRefused, storage.ErrInvalidKey} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

// intended makes an output in one piece, of which the store may make an upload by itself.
func (j *job) intended(ctx context.Context, t Task, do func(context.Context, Task) (result, error)) (result, error) {
	if t.merge == "" && t.raw() && t.Size() <= j.opts.partSize() {
		return do(ctx, t)
	}
	key := j.dir + t.Key
	if err := j.intendUpload(ctx, key); err != nil {
		return result{}, err
	}
	res, err := do(ctx, t)
	j.nothingUnknownIf(err == nil || res.clean || errors.Is(err, storage.ErrUnsupported) || errors.Is(err, storage.ErrRefused), key)
	return res, err
}

// settleIntention aborts the uploads that may be left of an intention and that the journal does not
// know. Who may not list uploads cannot; the rules of the bucket will. What may still come stays
// recorded, for the end of the job or the next run.
func (j *job) settleIntention(ctx context.Context, resumer storage.PartResumer, i intention) error {
	now, blind := time.Now(), false
	for u, err := range resumer.Uploads(ctx, i.Key) {
		if err == nil && i.left(u) && !j.opts.Journal.knows(u.ID) {
			err = resumer.AbortUpload(ctx, u)
		}
		if blind = errors.Is(err, storage.ErrPermission) || errors.Is(err, storage.ErrUnsupported); blind {
			break
		}
		if err != nil {
			return err
		}
	}
	j.opts.Journal.settle(i)
	if i.Until.IsZero() {
		i.Until = now
	}
	if !blind && now.Sub(i.Until) <= lateness {
		j.opts.Journal.intend(i)
	}
	return nil
}

// intend records an intention at once: what follows may be the last that this process does.
func (j *Journal) intend(i intention) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.note(i)
	j.appendJSON('i', i)
	j.flush()
}

// settle records that an intention is settled, if there is one.
func (j *Journal) settle(i intention) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, ok := j.intentions[i.name()]; ok {
		i.At = time.Time{}
		j.note(i)
		j.appendJSON('i', i)
		j.flushFull()
	}
}

// note takes in an intention, or that one is settled.
func (j *Journal) note(i intention) {
	if i.At.IsZero() {
		delete(j.intentions, i.name())
		return
	}
	if j.intentions == nil {
		j.intentions = map[string]intention{}
	}
	if before, ok := j.intentions[i.name()]; ok && before.At.Before(i.At) {
		i.At = before.At
	}
	j.intentions[i.name()] = i
}

func (j *Journal) intentionOf(bucket, key string) (intention, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	i, ok := j.intentions[bucket+key]
	return i, ok
}

// awaitLate waits until what may come of the latest intention has nearly surely come: an upload that
// was asked for just before a process was killed, or given up by this one.
func (j *job) awaitLate(ctx context.Context, all []intention) {
	var latest time.Time
	for _, i := range all {
		if i.At.After(latest) {
			latest = i.At
		}
	}
	if left := usualLateness - time.Since(latest); left > 0 && left <= usualLateness {
		wait(ctx, left)
	}
}

// unsettled are the intentions of a bucket that nothing has come of.
func (j *Journal) unsettled(bucket string) (all []intention) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, i := range j.intentions {
		if i.Bucket == bucket {
			all = append(all, i)
		}
	}
	return all
}

func (j *Journal) knows(id string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.pending[id] != nil
}

// AbortUploads aborts the uploads that a journal knows and nobody goes on with: all, or those to
// other buckets than the one whose URL is except. open opens a bucket by its URL. An upload that
// cannot be aborted stays known, and is told of. It returns how many were aborted, and is not for a
// journal that a run is using.
func (j *Journal) AbortUploads(
	ctx context.Context, except string, open func(ctx context.Context, url string) (storage.Bucket, error),
) (aborted int, err error) {
	var errs []error
	opened := &job{opts: Options{Journal: j}}
	for url := range j.buckets() {
		if url == except {
			continue
		}
		b, err := open(ctx, url)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		opened.dest.Bucket = b
		resumer, ok := storage.As[storage.PartResumer](b)
		if !ok {
			errs = append(errs, fmt.Errorf("%s has no uploads", url))
			continue
		}
		for _, u := range j.forgotten(url) {
			if err := opened.abortBegun(ctx, resumer, u); err != nil {
				errs = append(errs, err)
				continue
			}
			aborted++
		}
		for _, i := range j.unsettled(url) {
			errs = append(errs, opened.settleIntention(ctx, resumer, i))
		}
	}
	return aborted, errors.Join(errs...)
}

// buckets are the URLs of the buckets of which the journal knows uploads.
func (j *Journal) buckets() map[string]bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	urls := map[string]bool{}
	for _, b := range j.pending {
		urls[b.Bucket] = true
	}
	for _, i := range j.intentions {
		urls[i.Bucket] = true
	}
	return urls
}
