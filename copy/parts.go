package copier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/skepdata/skep/storage"
)

// upload is one output being written in parts by whoever has time.
type upload struct {
	task     Task
	attempt  int // how often the output has been tried before
	up       storage.Upload
	id       string // by which the journal knows it; empty if it does not
	resumed  int64  // bytes that were there already
	size     int64
	partSize int64
	first    storage.Checksum // of the first source, if its store has told
	claim    storage.Digest   // of the only source, to compare what is read with; unknown if there is none

	mu      sync.Mutex
	pieces  [][]piece // by part
	digests []string  // of the claim's kind, by part; empty where there is none
	left    int       // parts not yet done
	err     error     // the first
}

// beginParts starts an output above the part size and spawns its parts.
func (j *job) beginParts(ctx context.Context, w work, spawn func(work)) error {
	t := w.task
	first, err := j.statFirst(ctx, t)
	if err != nil {
		return err
	}
	if t, err = j.pinFirst(t, first); err != nil {
		return err
	}
	claim, err := j.claimOf(ctx, t, first)
	if err != nil {
		return err
	}
	u := &upload{task: t, attempt: w.attempt, size: t.Size()}
	u.partSize = j.partUploader.PartSize(u.size, j.partSizeOf(t, claim.PartSize))
	if claim.InRanges(u.partSize) {
		u.claim = claim
	}
	opts, err := j.createOptions(ctx, t, first)
	if err != nil {
		return err
	}
	opts.PartSize, u.first = u.partSize, first.CRC32C
	count := int((u.size + u.partSize - 1) / u.partSize)
	u.left, u.pieces, u.digests = count, make([][]piece, count), make([]string, count)
	if err := j.openUpload(ctx, u, opts); err != nil {
		return err
	}
	j.mu.Lock()
	j.uploads[u] = true
	j.mu.Unlock()
	if u.left == 0 {
		u.left = 1
		spawn(work{upload: u, part: allParts})
		return nil
	}
	for n := count - 1; n >= 0; n-- { // this worker goes on with the first, thieves take the last
		if u.pieces[n] == nil { // nobody has begun one that is not
			spawn(work{upload: u, part: n})
		}
	}
	return nil
}

// allParts is in place of the number of a part where all are there already.
const allParts = -1

// statFirst is describeFirst that asks for the checksum as well, which S3 does not tell with a range.
func (j *job) statFirst(ctx context.Context, t Task) (storage.Object, error) {
	s := t.Sources.First()
	if !isFlat(j.bucketOf(s)) {
		return j.describeFirst(ctx, t)
	}
	o, err := statSource(ctx, j.bucketOf(s), s.Object)
	if err == nil && s.ETag != "" && o.ETag != s.ETag {
		err = &storage.Error{Op: "open", URL: j.urlOf(s), Err: storage.ErrChanged}
	}
	return o, err
}

// describeFirst opens the first source for its content type and metadata, which listings do not
// have. It is one request more for an object of many.
func (j *job) describeFirst(ctx context.Context, t Task) (storage.Object, error) {
	s := t.Sources.First()
	r, err := j.bucketOf(s).Open(ctx, s.Key, storage.ReadOptions{Length: 1, IfMatch: s.ETag, VersionID: s.VersionID})
	if err != nil {
		return storage.Object{}, err
	}
	return r.Object(), r.Close()
}

// pinFirst makes sure that all parts are read of one version of the first source, where a manifest tells
// nothing but its size.
func (j *job) pinFirst(t Task, first storage.Object) (Task, error) {
	s := t.Sources.First()
	switch {
	case s.ETag != "":
		return t, nil
	case s.Size != first.Size:
		return t, resized(j.urlOf(s), s.Size, first.Size)
	}
	s.ETag = first.ETag
	t.Sources = t.Sources.replaced(s)
	return t, nil
}

func resized(url string, was, is int64) error {
	return &storage.Error{Op: "read", URL: url, Err: fmt.Errorf("it has %d bytes, and not %d: %w", is, was, storage.ErrChanged)}
}

// writePart writes one part, and ends the output if it was the last to be done.
func (j *job) writePart(ctx context.Context, w work, spawn func(work)) error {
	u := w.upload
	if u.failed() == nil && w.part != allParts {
		var pieces []piece
		var err error
		end := j.gate.begin(j.loadOf(u.partSize))
		for attempt := 0; ; attempt++ {
			pieces, err = j.tryPart(ctx, u, w.part)
			if err == nil || !j.again(ctx, u.task, attempt, err) {
				break
			}
		}
		end(done(u.sizeOf(w.part), err))
		if err == nil {
			j.retries.earn()
			j.opts.Journal.part(u.id, w.part, pieces, u.digests[w.part])
		}
		u.done(w.part, pieces, err)
	} else {
		u.done(w.part, nil, nil)
	}
	if !u.last() {
		return nil
	}
	res, err := j.endParts(ctx, u)
	if err != nil && j.again(ctx, u.task, u.attempt, err) {
		spawn(work{task: u.task, attempt: u.attempt + 1})
		return nil
	}
	return j.finish(ctx, u.task, res, err)
}

func (j *job) tryPart(ctx context.Context, u *upload, n int) ([]piece, error) {
	offset, size := int64(n)*u.partSize, u.sizeOf(n)
	if err := j.rates.requests.take(ctx, 1); err != nil {
		return nil, err
	}
	from := j.read(ctx, u.task, offset, size)
	if u.claim.Known() {
		h, giveBack := j.lanes.newRange(u.claim, len(u.pieces))
		defer giveBack()
		from.hash = h
	}
	if isFlat(j.dest.Bucket) && !from.inFile() {
		giveBack, err := j.memory.take(ctx, size)
		if err != nil {
			return nil, errors.Join(err, from.Close())
		}
		defer giveBack()
	}
	got, err := u.up.WritePart(ctx, n, from, size)
	if err == nil {
		err = j.pump(io.Discard, from) // to the end, where stores notice that a source has changed
	}
	if from.err != nil {
		err = from.err // the cause, unwrapped of what the upload said
	}
	err = errors.Join(err, from.Close())
	if want := combined(from.pieces); err == nil && j.opts.Verify.differs(size, want, storage.Object{Size: size, CRC32C: got}) {
		err = &storage.Error{Op: "write", URL: j.dest.Bucket.URL() + j.dir + u.task.Key, Err: fmt.Errorf(
			"part %d was stored with crc32c %s instead of %s: %w", n, got, want, storage.ErrChecksum)}
	}
	if err != nil {
		j.progress(u.task, -from.reported)
		return nil, err
	}
	if from.hash != nil {
		u.digests[n] = string(from.hash.Sum(nil)) // nobody else writes this part
	}
	return from.pieces, nil
}

func combined(pieces []piece) storage.Checksum {
	var all storage.Joiner
	for _, p := range pieces {
		all.Append(p.sum, p.size)
	}
	return all.Sum()
}

// endParts commits an upload whose parts are all done, or aborts it.
func (j *job) endParts(ctx context.Context, u *upload) (result, error) {
	err := u.failed()
	var sums []storage.Checksum
	var all []piece
	if err == nil {
		all = slices.Concat(u.pieces...)
		for i := range all {
			if u.first.Known && all[i].source == 0 {
				all[i].known = u.first
			}
		}
		if err = j.learnSums(ctx, u.task, all); err == nil {
			sums, err = j.verify(u.task, all)
		}
	}
	sum := combined(all)
	compared := false
	if err == nil {
		compared, err = j.meets(ctx, u, sum)
	}
	if err == nil {
		err = j.intend(ctx, u.task, u.size, sum)
	}
	if err != nil && j.keeps(ctx, u, err) {
		j.forget(u)
		return result{}, err
	}
	if err != nil {
		return result{}, errors.Join(err, j.abortUpload(ctx, u))
	}
	o, err := u.up.Commit(ctx)
	j.forget(u)
	if err != nil {
		return result{}, err
	}
	j.opts.Journal.end(u.id)
	if wrong := j.opts.Verify.mismatch(u.size, sum, o); wrong != nil {
		return result{}, j.discard(ctx, u.task, wrong)
	}
	return result{method: methodParts, object: o, sum: sum, sums: sums, partSize: u.partSize, compared: compared}, nil
}

// learnSums asks for the checksums of the sources that were read in ranges: stores tell that of an
// object with the whole of it only, and a bit that has changed on the way is to be seen.
func (j *job) learnSums(ctx context.Context, t Task, pieces []piece) error {
	for i := range pieces {
		p := &pieces[i]
		s := t.Sources.At(p.source)
		if p.known.Known || p.size == s.Size || i > 0 && pieces[i-1].source == p.source {
			continue
		}
		err := j.retried(ctx, func() error {
			o, err := statSource(ctx, j.bucketOf(s), s.Object)
			switch {
			case errors.Is(err, storage.ErrNotExist):
				return nil // what was read is an older version, or was deleted since
			case err == nil && s.ETag == "" && o.Size != s.Size:
				return resized(j.urlOf(s), s.Size, o.Size)
			case err == nil && (o.ETag == s.ETag || s.ETag == ""):
				p.known = o.CRC32C
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (j *job) forget(u *upload) {
	j.mu.Lock()
	delete(j.uploads, u)
	j.mu.Unlock()
}

// abortTime is how long a job that is told to end goes on cleaning up.
const abortTime = 10 * time.Second

func (j *job) abortUpload(ctx context.Context, u *upload) error {
	j.forget(u)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	defer cancel()
	err := u.up.Abort(ctx)
	if err == nil {
		j.opts.Journal.end(u.id)
	}
	return err
}

// abandonUploads aborts what an early end of the job has left unfinished. There is no one left
// to tell of an error; the store forgets such uploads by its own rules.
func (j *job) abandonUploads(ctx context.Context) {
	j.mu.Lock()
	var open []*upload
	for u := range j.uploads {
		if u.id == "" { // the next run goes on with those that the journal knows
			open = append(open, u)
		}
	}
	j.mu.Unlock()
	for _, u := range open {
		_ = j.abortUpload(ctx, u)
	}
}

// sizeOf is how many bytes a part has.
func (u *upload) sizeOf(part int) int64 { return min(u.partSize, u.size-int64(part)*u.partSize) }

func (u *upload) failed() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.err
}

// done records the end of part n.
func (u *upload) done(n int, pieces []piece, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if n != allParts {
		u.pieces[n] = pieces
	}
	if u.err == nil {
		u.err = err
	}
	u.left--
}

// last reports, to exactly one caller after its done, that all parts are done.
func (u *upload) last() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.left > 0 {
		return false
	}
	u.left = 1 << 30
	return true
}
