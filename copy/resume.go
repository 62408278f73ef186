package copier

import (
	"context"
	"errors"
	"maps"
	"strconv"

	"github.com/skepdata/skep/storage"
)

// journalPiece is a piece of a part as a journal has it.
type journalPiece struct {
	Source int              `json:"source"`
	Size   int64            `json:"size"`
	Sum    storage.Checksum `json:"sum"`
	Known  storage.Checksum `json:"known"`
}

func newJournalPart(id string, n int, pieces []piece, digest string) journalPart {
	p := journalPart{ID: id, N: n, Digest: []byte(digest)}
	for _, x := range pieces {
		p.Pieces = append(p.Pieces, journalPiece{x.source, x.size, x.sum, x.known})
	}
	return p
}

func (p journalPart) pieces() []piece {
	var pieces []piece
	for _, x := range p.Pieces {
		pieces = append(pieces, piece{x.Source, x.Size, x.Sum, x.Known})
	}
	return pieces
}

// openUpload goes on with the upload that an earlier run, or attempt, has begun of the same versions
// of the same sources, and otherwise begins one. One that does not fit is aborted.
func (j *job) openUpload(ctx context.Context, u *upload, opts storage.CreateOptions) (err error) {
	key, version := j.dir+u.task.Key, versionOf(u.task)
	opts.Resumable = j.remembers(key)
	if resumer, ok := j.resumer(); ok {
		if b := j.opts.Journal.uploadOf(j.dest.Bucket.URL(), key); b != nil {
			if b.fits(u.size, u.partSize, version) {
				if adopted, err := j.adopt(ctx, u, resumer, opts, b); adopted || err != nil {
					return err
				}
			} else if err := j.abortBegun(ctx, resumer, b); err != nil {
				return err
			}
		}
	}
	if err := j.intendUpload(ctx, key); err != nil {
		return err
	}
	if u.up, err = j.partUploader.CreateParts(ctx, key, opts); err != nil {
		j.nothingUnknownIf(refused(err), key)
		return err
	}
	named, ok := u.up.(storage.Named)
	if !ok || !j.remembers(key) || named.ID() == "" {
		j.nothingUnknownIf(true, key)
		return nil
	}
	u.id = named.ID()
	j.opts.Journal.begin(&begun{
		Bucket: j.dest.Bucket.URL(), Key: key, ID: u.id, Size: u.size, PartSize: u.partSize, Version: version,
	})
	return nil
}

// fits reports whether an upload is of an output of that size, in those parts, of those versions.
func (b *begun) fits(size, partSize int64, version string) bool {
	return b.Size == size && b.PartSize == partSize && b.Version == version
}

func versionOf(t Task) string {
	h := fnvBasis
	for _, s := range t.Sources.All() {
		h = hashSource(h, s)
	}
	return strconv.FormatUint(h, 36)
}

// adopt takes over the parts that are there as the journal knows them. The others are written
// again. adopted is false if there is no such upload any more.
func (j *job) adopt(
	ctx context.Context, u *upload, resumer storage.PartResumer, opts storage.CreateOptions, b *begun,
) (adopted bool, err error) {
	up, there, err := resumer.ResumeParts(ctx, b.Key, opts, b.ID)
	if err != nil {
		if storage.IsTemporary(err) || ctx.Err() != nil {
			return false, err
		}
		if !errors.Is(err, storage.ErrNotExist) { // it does not fit
			return false, j.abortBegun(ctx, resumer, b)
		}
		j.opts.Journal.end(b.ID)
		return false, nil
	}
	u.up, u.id = up, b.ID
	known, digests, counted := j.opts.Journal.adopted(b)
	for _, p := range there {
		pieces, ok := known[p.N]
		if !ok || p.N >= len(u.pieces) || u.pieces[p.N] != nil || combined(pieces) != p.CRC32C {
			continue
		}
		u.pieces[p.N], u.digests[p.N] = pieces, digests[p.N]
		u.left--
		u.resumed += p.Size
	}
	if !counted {
		j.progress(u.task, u.resumed)
		j.rec.resumed(u.resumed)
	}
	return true, nil
}

// abortBegun aborts an upload of an earlier run. Who may not is told so: it is tried again by the next run, and the rules
// of the bucket may come first.
func (j *job) abortBegun(ctx context.Context, resumer storage.PartResumer, b *begun) error {
	err := resumer.AbortUpload(ctx, storage.PendingUpload{Key: b.Key, ID: b.ID})
	if errors.Is(err, storage.ErrPermission) && !errors.Is(err, storage.ErrCredentials) {
		j.opts.Journal.adopted(b) // not again in this run
		j.rec.event(Event{Kind: LeftThere, Dest: b.Bucket + b.Key, Err: err})
		return nil
	}
	if err != nil {
		return err
	}
	j.opts.Journal.end(b.ID)
	return nil
}

// keeps reports whether an upload is left as it is for the next attempt, or run, to go on with.
func (j *job) keeps(ctx context.Context, u *upload, err error) bool {
	return u.id != "" && (ctx.Err() != nil || storage.IsTemporary(err))
}

// abortForgotten aborts the uploads of earlier runs that this one, which has planned everything,
// had no use for: their sources are gone. So are those of which no more is known than that they may be
// there.
func (j *job) abortForgotten(ctx context.Context) error {
	resumer, ok := j.resumer()
	if !ok {
		return nil
	}
	var errs []error
	for _, b := range j.opts.Journal.forgotten(j.dest.Bucket.URL()) {
		errs = append(errs, j.abortBegun(ctx, resumer, b))
	}
	unsettled := j.opts.Journal.unsettled(j.dest.Bucket.URL())
	j.awaitLate(ctx, unsettled)
	for _, i := range unsettled {
		errs = append(errs, j.settleIntention(ctx, resumer, i))
	}
	return errors.Join(errs...)
}

// uploadOf returns the upload of an output that has not ended, or nil.
func (j *Journal) uploadOf(bucket, key string) *begun {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.pending[j.byKey[bucket+key]]
}

// forgotten are the uploads to a bucket that this run has not touched.
func (j *Journal) forgotten(bucket string) []*begun {
	j.mu.Lock()
	defer j.mu.Unlock()
	var all []*begun
	for _, b := range j.pending {
		if b.Bucket == bucket && !b.ours {
			all = append(all, b)
		}
	}
	return all
}

// begin records an upload at once: nobody else knows of it.
func (j *Journal) begin(b *begun) {
	j.mu.Lock()
	defer j.mu.Unlock()
	b.ours = true
	j.remember(b)
	delete(j.intentions, b.Bucket+b.Key)
	j.appendJSON('u', b)
	j.flush()
}

// adopted returns the parts of an upload that this run goes on with, and whether it has before.
func (j *Journal) adopted(b *begun) (parts map[int][]piece, digests map[int]string, before bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	before, b.ours = b.ours, true
	return maps.Clone(b.parts), maps.Clone(b.digests), before
}

func (j *Journal) part(id string, n int, pieces []piece, digest string) {
	if j == nil || id == "" {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if b := j.pending[id]; b != nil {
		b.parts[n], b.digests[n] = pieces, digest
	}
	j.appendJSON('p', newJournalPart(id, n, pieces, digest))
	j.flushFull()
}

func (j *Journal) end(id string) {
	if j == nil || id == "" {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.forget(id)
	j.buf = append(append(append(j.buf, 'e', ' '), id...), '\n')
	j.flush()
}
