package storage

import (
	"context"
	"iter"
	"time"
)

// VersionLister is a Bucket that keeps old versions of objects.
type VersionLister interface {
	// ListAsOf yields what List would have yielded at the given time: of each key the newest
	// version that is no younger, unless the object was deleted then. The objects have a
	// VersionID by which Open and CopyFrom reach them. Otherwise it is as List.
	// A bucket that has never been told to keep versions is ErrUnsupported.
	ListAsOf(ctx context.Context, prefix string, at time.Time) iter.Seq2[Object, error]
	// StatVersion is Stat of one version. One that does not exist, or that marks the object as
	// deleted, is ErrNotExist.
	StatVersion(ctx context.Context, key, versionID string) (Object, error)
}

// PartResumer is a [PartUploader] whose uploads outlive the process that began them.
type PartResumer interface {
	PartUploader
	// ResumeParts goes on with an upload of the same key, Size and PartSize, of which id is
	// what [Named.ID] told. It returns the parts that are there already, by number, with
	// their checksums as the store has them. It reports ErrNotExist when the upload has been
	// committed or aborted, and an error when the parts do not fit opts.
	ResumeParts(ctx context.Context, key string, opts CreateOptions, id string) (Upload, []PartDone, error)
	// Uploads yields the uploads below prefix that have neither been committed nor aborted,
	// whoever began them, in no particular order.
	Uploads(ctx context.Context, prefix string) iter.Seq2[PendingUpload, error]
	// AbortUpload discards an upload of which only the name is known. That it has ended
	// already is not an error.
	AbortUpload(ctx context.Context, u PendingUpload) error
}

// Named is an [Upload] that [PartResumer] can find again.
type Named interface {
	// ID names the upload among those of its key. It is empty for one that leaves nothing in
	// the store before Commit, and so has nothing to be resumed.
	ID() string
}

// PartDone is one part that an upload has already.
type PartDone struct {
	N      int   // counted from 0
	Size   int64 // bytes
	CRC32C Checksum
}

// PendingUpload is an upload that has not ended.
type PendingUpload struct {
	Key     string
	ID      string
	Started time.Time
}

// AbortUploads discards the uploads below prefix that began before the given time: what
// processes that were killed left behind. It does not know whose they are, so prefix must
// be one that nobody else writes to, or the time one by which everybody would be done. It
// returns how many there were. A bucket without [PartResumer] has none.
func AbortUploads(ctx context.Context, b Bucket, prefix string, before time.Time) (int, error) {
	r, ok := As[PartResumer](b)
	if !ok {
		return 0, nil
	}
	n := 0
	for u, err := range r.Uploads(ctx, prefix) {
		if err != nil {
			return n, err
		}
		if !u.Started.Before(before) {
			continue
		}
		if err := r.AbortUpload(ctx, u); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// LevelLister is a Bucket whose listings come page by page, so that several at once are quicker.
type LevelLister interface {
	// ListAfter yields what List does of the keys that come after the given one; the empty one
	// comes before all.
	ListAfter(ctx context.Context, prefix, after string) iter.Seq2[Object, error]
	// ListLevel likewise, without what is below the level of the prefix: all keys that have the same
	// text up to a slash behind the prefix are one Object, of which the Key alone is told, which ends in
	// that slash. It may be one that is not after the given key, if others below it are.
	ListLevel(ctx context.Context, prefix, after string) iter.Seq2[Object, error]
}

// PageLister is a Bucket whose listings come page by page, each of which can be asked for by itself.
type PageLister interface {
	// ListPage returns the first objects of what List yields behind the key after (the empty one comes
	// before all), most of them or as many as the service tells at once, and whether there may be more.
	ListPage(ctx context.Context, prefix, after string, most int) (objects []Object, more bool, err error)
}

// Throttler is a Bucket of a service that may ask for fewer requests.
type Throttler interface {
	// Throttled is how often it has done so, in answers to anybody who shares the bucket's
	// connections, those that were followed by another attempt included. It never decreases.
	Throttled() int64
}

// Remote is a Bucket of a service that is asked over a network.
type Remote interface {
	// RoundTrip is the shortest time so far, of all requests of those who share the bucket's
	// connections, between a request and the first byte of its answer: that of a round trip, and a
	// little for the service. It is 0 as long as nothing has been answered, or where it is not known.
	// It asks for nothing itself.
	RoundTrip() time.Duration
}

// BatchWriter is a Bucket that can take many small objects by one request.
type BatchWriter interface {
	// WriteBatch writes the objects, whose keys differ, and tells for each what Commit would
	// have told. Each becomes visible by itself, whole. Objects that did not arrive as they
	// should are written again one by one, so that an error means what Create's and Commit's
	// does: it joins one *Error for each object that failed, whose Object is then the zero
	// value.
	//
	// ErrUnsupported says that this service takes no batches, and nothing was written.
	WriteBatch(ctx context.Context, objects []SmallObject) ([]Object, error)
	// BatchLimit is how many objects, and bytes of content, one batch should hold at most.
	BatchLimit() (objects int, bytes int64)
}

// SmallObject is one object of a batch.
type SmallObject struct {
	Key     string
	Content []byte // not changed, and not kept after WriteBatch returns
	Options CreateOptions
}

// Appender is a Bucket that can make an object longer without writing all of it again.
type Appender interface {
	// Append starts a new version of an object, of opts.Size bytes, that begins with the first kept
	// bytes of the one that base describes, which are not written again: what is written follows
	// them. kept may be anything from none to all of base, and sum is the checksum of those bytes.
	// Otherwise it is as Create; Commit reports ErrChanged if the object is not the one of base
	// any more.
	Append(ctx context.Context, base Object, opts CreateOptions) (w Writer, kept int64, sum Checksum, err error)
}
