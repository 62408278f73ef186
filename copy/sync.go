package copier

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/skepdata/skep/storage"
)

// Sync says what to make of what the destination has already. The zero value replaces what has the
// name of an output and leaves everything else alone.
//
// Whatever is asked for here is found out by one listing of the destination, which is merged with
// that of the source as both come.
type Sync struct {
	Existing Existing
	// CompareBy is how ExistingUpdate finds out what has changed.
	CompareBy CompareBy

	// Delete removes from the destination, once everything else has succeeded, what the source
	// does not have. What the filters would leave out, were it a source, stays.
	Delete bool
	// DeleteExcluded removes also what is or would be left out by the filters.
	DeleteExcluded bool
	// MaxDelete makes it an error, with nothing removed, that more than so many objects would be.
	// 0 is no limit, except that a source without any objects then removes nothing either, which
	// is an error as well. DeleteNothing makes each such object an error.
	MaxDelete int64
	// BackupDir keeps, under their names, the objects that are removed or replaced. It must not
	// be inside the source or the destination. No Bucket keeps none.
	BackupDir storage.Location
}

// DeleteNothing is the Sync.MaxDelete of none.
const DeleteNothing = -1

// DeletionError is the error of a job that did everything but remove what the source does not have,
// of which it removed nothing: there is more of it than Sync.MaxDelete allows, or all there is.
type DeletionError struct {
	Dest     string // its URL
	Extras   int64  // objects that it has and the source does not
	Most     int64  // that may be removed
	EmptySrc string // the URL of a source without any objects, which is the reason; or ""
}

func (e *DeletionError) Error() string {
	objects, are, were := "objects", "are", "were"
	if e.Extras == 1 {
		objects, are, were = "object", "is", "was"
	}
	if e.EmptySrc != "" {
		return fmt.Sprintf("the source %s has no objects; the %d %s of %s %s not deleted", e.EmptySrc, e.Extras, objects, e.Dest, were)
	}
	most := "none"
	if e.Most > 0 {
		most = strconv.FormatInt(e.Most, 10)
	}
	return fmt.Sprintf("%d %s of %s %s not in the source, and %s may be deleted; nothing was", e.Extras, objects, e.Dest, are, most)
}

// Existing says what to do with an object that the destination has already.
type Existing string

// What to do with existing objects.
const (
	ExistingReplace Existing = ""       // copy, whatever is there
	ExistingUpdate  Existing = "update" // copy what differs
	ExistingKeep    Existing = "keep"   // copy nothing that is there under the same name
)

// CompareBy is how an object of the source and one of the destination are compared. Sizes always
// are. An object that a previous manifest names with the source's ETag is as it was.
type CompareBy string

// Ways to compare.
const (
	// CompareTime takes the one at the destination for current if it is not the older one.
	CompareTime CompareBy = ""
	CompareSize CompareBy = "size"
	// CompareETag is for two places of S3. ETags that can only differ because of how the objects
	// were uploaded, in parts, leave it to the times.
	CompareETag CompareBy = "etag"
	// CompareChecksum compares what listings and manifests tell of the contents. A file of a store
	// that keeps no checksums is read; an S3 object that was uploaded in parts is asked for.
	CompareChecksum CompareBy = "checksum"
)

// active reports whether the destination has to be listed.
func (s Sync) active() bool {
	return s.Existing != ExistingReplace || s.Delete || s.BackupDir.Bucket != nil
}

// checkSync reports what cannot be combined.
func (o Options) checkSync() error {
	s := o.Sync
	if !s.active() {
		if s.CompareBy != "" || s.DeleteExcluded || s.MaxDelete != 0 {
			return &OptionError{"Existing", errors.New("is to replace everything: there is nothing to compare and nothing to delete")}
		}
		return nil
	}
	option := "Existing"
	switch {
	case s.Delete:
		option = "Delete"
	case s.Existing == ExistingReplace, s.Existing == existingRecorded:
		option = "BackupDir"
	}
	for _, check := range []struct {
		bad bool
		why string
	}{
		{o.GroupBy != "", "compares files one by one and cannot be combined with GroupBy"},
		{o.OutputCodec != CodecKeep, "compares files as they are and cannot be combined with a change of their compression"},
		{o.NumberFiles, "compares files by their names, which NumberFiles changes"},
		{o.CopyFromManifest, "needs a source in order, which CopyFromManifest does not give"},
		{s.Delete && o.DeleteOnSuccess, "removes what the source does not have, and DeleteOnSuccess empties the source"},
		{s.Delete && o.SrcList != nil, "needs the whole source, not a list of files"},
		{s.Delete && len(o.SrcPrefixes) > 0, "needs the whole source, not some prefixes"},
		{s.MaxDelete < DeleteNothing, "is limited by a negative number"},
		{!s.Delete && (s.DeleteExcluded || s.MaxDelete != 0), "deletes nothing, so that there is nothing to limit or to extend"},
		{s.Existing != ExistingUpdate && s.CompareBy != "", "does not compare, so that there is no way to choose"},
	} {
		if check.bad {
			return &OptionError{option, errors.New(check.why)}
		}
	}
	switch s.CompareBy {
	case CompareTime, CompareSize, CompareETag, CompareChecksum:
	default:
		return &OptionError{"CompareBy", fmt.Errorf("%q is not one of time, size, etag and checksum", string(s.CompareBy))}
	}
	switch s.Existing {
	case ExistingReplace, ExistingUpdate, ExistingKeep, existingRecorded:
		return nil
	}
	return &OptionError{"Existing", fmt.Errorf("%q is not one of update and keep", string(s.Existing))}
}

// syncing is the destination as the plan of a job with Options.Sync finds it.
type syncing struct {
	dest storage.Location // a directory
	flat bool             // the source and the destination are S3, and ETags mean the same
	keep map[string]bool  // names that are the job's own
	dirs Dirs             // what of it is to be looked at; nil for everything

	sources int64            // that the source has
	all     bool             // all that are to be removed are wanted, however many there are
	extra   []storage.Object // of the destination, to be removed; the first of them
	extras  int64            // how many there are
}

// newSyncing checks what can only be known of two places.
func newSyncing(src, dest storage.Location, opts Options) (*syncing, error) {
	y := &syncing{
		dest: storage.Location{Bucket: dest.Bucket, Prefix: directory(dest.Prefix)},
		flat: isFlat(src.Bucket) && isFlat(dest.Bucket), all: opts.DryRun, keep: map[string]bool{},
	}
	if opts.Sync.CompareBy == CompareETag && !y.flat {
		return nil, &OptionError{"CompareBy", errors.New("etag compares two places of S3; choose time or checksum")}
	}
	if opts.Sync.Delete && isFlat(src.Bucket) && directory(src.Prefix) != src.Prefix {
		return nil, &OptionError{"Delete", fmt.Errorf("needs a source that is a directory; end %s with a slash", src.URL())}
	}
	if !opts.Sync.DeleteExcluded {
		y.dirs = opts.Dirs
	}
	if opts.OutputManifest != "" {
		y.keep[y.dest.Prefix+opts.OutputManifest] = true
	}
	if m := opts.PreviousManifest; m.Bucket != nil && m.Bucket.URL() == dest.Bucket.URL() {
		y.keep[m.Prefix] = true
	}
	return y, nil
}

// existing yields what the destination has, in order. The marks are of the source.
func (y *syncing) existing(ctx context.Context, marks *marks) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		listed := listBeside(ctx, y.dest.Bucket, y.dest.Prefix, marks)
		if y.dirs != nil {
			listed = y.dirs.list(ctx, y.dest.Bucket, y.dest.Prefix)
		}
		for o, err := range listed {
			if errors.Is(err, storage.ErrNotExist) {
				return // a store that the first write creates
			}
			if err == nil && (strings.HasSuffix(o.Key, "/") || y.keep[o.Key] || isState(o.Key)) {
				continue
			}
			if !yield(o, err) || err != nil {
				return
			}
		}
	}
}

// synced yields a task for each file, as single does, knowing what the destination has.
func (p *planner) synced(ctx context.Context, yield func(Task, error) bool) {
	marks := newMarks()
	defer marks.end()
	sources := feedOf(ctx, guidedBatches, func(ctx context.Context) iter.Seq2[Source, error] { return marks.watch(p.candidates(ctx)) })
	defer sources.stop()
	m := newMerger(p.sync, ahead(ctx, func(ctx context.Context) iter.Seq2[storage.Object, error] { return p.sync.existing(ctx, marks) }))
	defer m.stop()
	if errors.Is(m.err, storage.ErrPermission) && p.opts.Sync.optional() {
		p.unsynced(sources, yield)
		return
	}
	var names namesakes
	for s, err := range sources.all() {
		if err != nil {
			yield(Task{}, err)
			return
		}
		p.sync.sources++
		if p.opts.Sync.Delete && s.Key == p.src.Prefix {
			yield(Task{}, fmt.Errorf("the source %s is one file: deleting everything else needs a directory", p.src.URL()))
			return
		}
		if err := m.before(s.Base, p.extra); err != nil {
			yield(Task{}, err)
			return
		}
		t, ok, err := p.syncedTask(s, m.take(s.Base), &names)
		if ok || err != nil {
			if !yield(t, err) || err != nil {
				return
			}
		}
	}
	if p.opts.Sync.Delete {
		if err := m.before("", p.extra); err != nil {
			yield(Task{}, err)
		}
	}
}

// optional reports whether nothing is lost but time where the destination cannot be listed.
func (s Sync) optional() bool {
	return s.Existing == existingRecorded && !s.Delete && s.BackupDir.Bucket == nil
}

// unsynced yields a task for each file where the destination may be written and not listed.
func (p *planner) unsynced(sources *feed[Source], yield func(Task, error) bool) {
	var names namesakes
	for s, err := range sources.all() {
		ok := false
		if err == nil {
			if ok, err = p.selects(s); err != nil {
				err = p.about(s, err)
			}
		}
		if ok {
			names.add(p, &s)
		}
		t := Task{Sources: SourcesOf(s), Key: s.Base, Reason: ReasonAll}
		if ok {
			p.skipUnchanged(&t)
		}
		if (ok || err != nil) && !yield(t, err) || err != nil {
			return
		}
	}
}

// syncedTask is the task for a source; ok is false if there is none because of the filters.
func (p *planner) syncedTask(s Source, there *storage.Object, names *namesakes) (t Task, ok bool, err error) {
	if ok, err = p.selects(s); err != nil || !ok {
		if err == nil && there != nil && p.opts.Sync.Delete && p.opts.Sync.DeleteExcluded {
			p.sync.add(*there)
		}
		if err != nil {
			err = p.about(s, err)
		}
		return Task{}, false, err
	}
	names.add(p, &s)
	t = Task{Sources: SourcesOf(s), Key: s.Base, Reason: ReasonAll, there: there}
	existing := p.opts.Sync.Existing
	if p.skipUnchanged(&t); t.Skip && existing != ExistingUpdate || s.lost != nil || existing == ExistingReplace {
		return t, true, nil
	}
	switch {
	case there == nil:
		t.Skip, t.Reason = false, ReasonMissing
	case existing == ExistingKeep:
		t.Skip, t.Reason = true, ReasonThere
	case existing == existingRecorded:
		if t.Skip = p.recorded(s, there); t.Skip {
			t.Reason = ReasonDone
		} else {
			t.Reason = ReasonChanged
		}
	case existing == ExistingUpdate:
		var like likeness
		like, t.Reason = p.compare(s, *there)
		t.Skip, t.check = like == alike, like == unclear
		if t.Skip {
			t.Reason, t.held = ReasonSame, t.Reason == ReasonChecksum
		}
	}
	return t, true, nil
}

// extra takes note of an object that only the destination has.
func (p *planner) extra(o storage.Object) error {
	if !p.opts.Sync.Delete {
		return nil
	}
	if !p.opts.Sync.DeleteExcluded {
		s := Source{Object: o, Base: strings.TrimPrefix(o.Key, p.sync.dest.Prefix)}
		s.Key = directory(p.src.Prefix) + s.Base // as a source it would have this one
		if ok, err := p.selects(s); err != nil || !ok {
			return err
		}
	}
	p.sync.add(o)
	return nil
}

// maxExtra is how many objects to be removed are kept in mind at once.
const maxExtra = 100_000

func (y *syncing) add(o storage.Object) {
	y.extras++
	if y.all || len(y.extra) < maxExtra {
		y.extra = append(y.extra, o)
	}
}
