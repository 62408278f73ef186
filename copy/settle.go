package copier

import (
	"context"
	"crypto/md5" //nolint:gosec // it is what S3's ETags are made of
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/skepdata/skep/storage"
)

// prepareSync makes what Options.Sync needs.
func (j *job) prepareSync() (err error) {
	if !j.opts.Sync.active() {
		return nil
	}
	if j.planner.sync, err = newSyncing(j.src, j.dest, j.opts); err != nil {
		return err
	}
	at := j.opts.Sync.BackupDir
	if at.Bucket == nil {
		return nil
	}
	for _, other := range []struct {
		storage.Location
		what string
	}{{j.src, "source"}, {j.dest, "destination"}} {
		if at.Bucket.URL() != other.Bucket.URL() || other.what == "source" && j.opts.TwoServices {
			continue
		}
		dir := directory(other.Prefix)
		if other.what == "source" && isFlat(at.Bucket) {
			dir = other.Prefix
		}
		if strings.HasPrefix(directory(at.Prefix), dir) {
			return &OptionError{"BackupDir", fmt.Errorf("%s is inside the %s, %s", at.URL(), other.what, other.URL())}
		}
	}
	j.backup, err = newJob(storage.Location{Bucket: j.dest.Bucket, Prefix: j.dir}, at, Options{
		Workers: j.opts.Workers, PartSize: j.opts.PartSize, DisableParts: true, DisableServerCopy: j.opts.DisableServerCopy,
		Retries: j.opts.Retries, Backoff: j.opts.Backoff,
	})
	if err == nil {
		j.backup.retries = j.retries
	}
	return err
}

// settle does what comes before the transfer of an output. done is true if there is none to be
// made: it was found unchanged, or failed.
func (j *job) settle(ctx context.Context, t *Task) (done bool, err error) {
	if err := t.Err(); err != nil {
		return true, j.finish(ctx, *t, result{}, err)
	}
	if t.check {
		same, err := j.sameContent(ctx, *t)
		if err != nil {
			return true, j.finish(ctx, *t, result{}, err)
		}
		if same {
			t.Reason, t.held = ReasonSame, true
			return true, j.skip(ctx, *t)
		}
		t.check = false
		j.rec.event(j.about(*t, Begun))
	}
	if j.backup != nil && t.there != nil {
		if err := j.keep(ctx, *t.there); err != nil {
			return true, j.finish(ctx, *t, result{}, err)
		}
		t.there = nil // a further attempt has nothing to keep
	}
	return false, nil
}

// keep copies an object of the destination to where backups go.
func (j *job) keep(ctx context.Context, o storage.Object) error {
	t := Task{Sources: SourcesOf(Source{Object: o}), Key: strings.TrimPrefix(o.Key, j.dir)}
	for attempt := 0; ; attempt++ {
		_, err := j.backup.transfer(ctx, work{task: t}, nil)
		if err == nil {
			return nil
		}
		if !j.backup.again(ctx, t, attempt, err) {
			return fmt.Errorf("keep %s before it is replaced: %w", j.dest.Bucket.URL()+o.Key, err)
		}
	}
}

// sameContent compares a source with what the destination has, of the same size.
func (j *job) sameContent(ctx context.Context, t Task) (same bool, err error) {
	for attempt := 0; ; attempt++ {
		if same, err = j.compareContent(ctx, t.Sources.First().Object, *t.there); err == nil || !j.again(ctx, t, attempt, err) {
			return same, err
		}
	}
}

func (j *job) compareContent(ctx context.Context, source, there storage.Object) (bool, error) {
	buf := j.buffers.Get().(*[]byte)
	defer j.buffers.Put(buf)
	switch from, to := j.src.Bucket, j.dest.Bucket; {
	case isFlat(from) && !isFlat(to) && isMD5(source.ETag):
		if sum, err := contentMD5(ctx, to, there, *buf); err != nil || sum == source.ETag {
			return true, err
		}
	case isFlat(to) && !isFlat(from) && isMD5(there.ETag):
		if sum, err := contentMD5(ctx, from, source, *buf); err != nil || sum == there.ETag {
			return true, err
		}
	}
	// They differ, or what looks like an MD5 is none, as of what KMS encrypts.
	a, err := checksum(ctx, j.src.Bucket, source, *buf, func(int) {})
	if err != nil {
		return false, err
	}
	b, err := checksum(ctx, j.dest.Bucket, there, *buf, func(int) {})
	return a == b, err
}

// contentMD5 is the MD5 of an object's bytes in hexadecimal.
func contentMD5(ctx context.Context, b storage.Bucket, o storage.Object, buf []byte) (string, error) {
	r, err := b.Open(ctx, o.Key, storage.ReadOptions{IfMatch: o.ETag, VersionID: o.VersionID})
	if err != nil {
		return "", err
	}
	defer r.Close()
	h := md5.New() //nolint:gosec // see the import
	if _, err := io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{r}, buf); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// removeBatch is how many objects are removed by one request.
const removeBatch = 1000

// removeExtras removes what only the destination has. It is the last thing a job does, and only
// one in which nothing has failed does it. What there is beyond the number of objects kept in mind
// is listed again.
func (j *job) removeExtras(ctx context.Context) error {
	y := j.planner.sync
	if y == nil || y.extras == 0 {
		return nil
	}
	sum, failed := j.rec.summary()
	if failed != nil {
		return nil //nolint:nilerr // it is the error of the job already
	}
	switch most := j.opts.Sync.MaxDelete; {
	case most > 0 && y.extras > most, most == DeleteNothing:
		return &DeletionError{Dest: j.dest.URL(), Extras: y.extras, Most: max(most, 0)}
	case most == 0 && y.sources == 0:
		return &DeletionError{Dest: j.dest.URL(), Extras: y.extras, EmptySrc: j.src.URL()}
	}
	for {
		for from := 0; from < len(y.extra); from += removeBatch {
			if err := j.remove(ctx, y.extra[from:min(from+removeBatch, len(y.extra))]); err != nil {
				return err
			}
		}
		if y.extras == int64(len(y.extra)) {
			return nil
		}
		if now, _ := j.rec.summary(); now.RemoveFailures > sum.RemoveFailures || j.opts.DryRun {
			return nil // the next listing would be the same
		}
		if err := j.findExtras(ctx); err != nil {
			return err
		}
	}
}

// findExtras lists both sides again, for nothing but what is to be removed.
func (j *job) findExtras(ctx context.Context) error {
	y := j.planner.sync
	j.planner.ignored, j.planner.found = nil, nil // it has been told
	y.sources, y.extras, y.extra = 0, 0, y.extra[:0]
	for _, err := range j.planner.tasks(ctx) {
		if err != nil {
			return err
		}
	}
	return nil
}

// remove removes some objects, those that are to be kept elsewhere once they are. Its error ends
// the job.
func (j *job) remove(ctx context.Context, objects []storage.Object) error {
	errs := make([]error, len(objects))
	if !j.opts.DryRun {
		if j.backup != nil {
			var all errgroup.Group
			all.SetLimit(j.opts.workers())
			for i, o := range objects {
				all.Go(func() error {
					errs[i] = j.keep(ctx, o)
					return nil
				})
			}
			_ = all.Wait() // each has told its own error
		}
		j.removeKept(ctx, objects, errs)
		j.removeEmptied(ctx, objects, errs)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for i, o := range objects {
		e := Event{Kind: Removed, Dest: j.dest.Bucket.URL() + o.Key, Bytes: o.Size, Reason: ReasonExtra, Err: errs[i]}
		if j.opts.DryRun {
			e.Action = ActionDelete
		}
		if e.Err != nil {
			e.Kind = RemoveFailed
		}
		j.rec.event(e)
	}
	return nil
}

// removeKept deletes the objects without an error. If that fails for some, it finds out for which.
func (j *job) removeKept(ctx context.Context, objects []storage.Object, errs []error) {
	var keys []string
	for i, o := range objects {
		if errs[i] == nil {
			keys = append(keys, o.Key)
		}
	}
	if len(keys) == 0 || j.dest.Bucket.Delete(ctx, keys...) == nil {
		return
	}
	for i, o := range objects {
		if errs[i] != nil {
			continue
		}
		t := Task{Sources: SourcesOf(Source{Object: o}), Key: strings.TrimPrefix(o.Key, j.dir)}
		for attempt := 0; ; attempt++ {
			errs[i] = j.dest.Bucket.Delete(ctx, o.Key)
			if errs[i] == nil || errors.Is(errs[i], context.Canceled) || !j.again(ctx, t, attempt, errs[i]) {
				break
			}
		}
	}
}

// removeEmptied removes the directories that are empty now that the objects without an error are gone,
// where the destination has directories. Those that the source has, too, stay, and the destination
// itself; so do those that were empty before. One that cannot be removed is no object, and no failure.
func (j *job) removeEmptied(ctx context.Context, objects []storage.Object, errs []error) {
	dirs, ok := storage.As[storage.Directories](j.dest.Bucket)
	if !ok {
		return
	}
	emptied := map[string]bool{}
	for i, o := range objects {
		if errs[i] == nil {
			emptied[o.Key[:strings.LastIndexByte(o.Key, '/')+1]] = true
		}
	}
	below := slices.Sorted(maps.Keys(emptied))
	for _, dir := range slices.Backward(below) { // what is in a directory comes before it
		for len(dir) > len(j.dir) && !j.sourceHasDir(ctx, dir[len(j.dir):]) && dirs.RemoveDir(ctx, dir) == nil {
			dir = dir[:strings.LastIndexByte(strings.TrimSuffix(dir, "/"), '/')+1]
		}
	}
}

// sourceHasDir reports whether the source has a directory of that name. One that does not know, as S3,
// has none that is empty.
func (j *job) sourceHasDir(ctx context.Context, name string) bool {
	dirs, ok := storage.As[storage.Directories](j.src.Bucket)
	if !ok {
		return false
	}
	has, err := dirs.HasDir(ctx, directory(j.src.Prefix)+name)
	return has || err != nil
}
