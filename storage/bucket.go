package storage

import (
	"context"
	"io"
	"io/fs"
	"iter"
	"time"
)

// Bucket is one rooted namespace of objects: an S3 bucket, a block store volume, or a
// directory tree of local files.
//
// Keys are '/'-separated and have no leading slash. A Bucket is safe for concurrent use.
// Errors are *Error and answer errors.Is for the sentinels of this package and for the
// cause given by context.Cause.
type Bucket interface {
	// URL names the root, with a trailing slash: "s3://lake/", "file:///", "block://hdfs/".
	// URL()+key names an object to a person and to [Opener.Open].
	URL() string

	// List yields the objects whose key has the given prefix, in byte order of the full
	// key, each once. It streams: memory does not grow with the number of objects. The
	// first error ends the sequence. A prefix that nothing matches yields nothing, and so
	// does a prefix below a directory that does not exist; a missing bucket is ErrNotExist.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]

	// Stat describes one object. It reports ErrNotExist where there is none.
	Stat(ctx context.Context, key string) (Object, error)

	// Open reads an object, or the range of it that opts names. The reader goes on reading
	// the version it opened, or fails with ErrChanged; it never mixes two versions.
	// Reading the whole object verifies the checksum where the store keeps one.
	Open(ctx context.Context, key string, opts ReadOptions) (Reader, error)

	// Create starts a new object, or a new version of an existing one. Nothing is visible
	// before Commit; Abort, or a dead ctx, leaves no trace.
	Create(ctx context.Context, key string, opts CreateOptions) (Writer, error)

	// Delete removes objects. A missing key is not an error. When some could not be
	// removed the error joins one *Error for each; the others are gone.
	Delete(ctx context.Context, keys ...string) error

	// Close releases connections and handles. It is idempotent.
	Close() error
}

// Object describes one version of one object. Listings fill in Key, Size, ModTime and, where
// the store has them, ETag, CRC32C and Mode; Stat, Open and Commit fill in everything.
type Object struct {
	Key     string
	Size    int64     // bytes
	ModTime time.Time // when this version became visible
	ETag    string    // changes whenever the content does; opaque, without quotes
	CRC32C  Checksum  // of the whole content, where the store keeps it
	Digest  Digest    // of the whole content, where the store keeps that instead; listings do not tell it

	Mode fs.FileMode // permission bits of a local file; 0 at stores of other things

	ContentType string            // MIME type; empty where the store keeps none
	Metadata    map[string]string // user metadata, keys in lower case

	// What only some stores keep. Listings tell the storage class, and the version when
	// versions are what they list.
	Headers      Headers
	StorageClass string
	VersionID    string
	TagCount     int // how many tags there are to ask an [AttributeReader] for
}

// ReadOptions choose what Open reads. The zero value reads the whole object.
type ReadOptions struct {
	Offset int64 // first byte; beyond the end (not at it) or negative is ErrInvalidRange
	Length int64 // bytes to read at most; 0 means to the end

	// IfMatch, if not empty, is the ETag of the version to read. Open, or a later Read,
	// reports ErrChanged if the object is now another.
	IfMatch string

	// Unverified leaves it to the caller to compare the bytes of a whole object with its
	// CRC32C. Without it the store does, where it keeps one.
	Unverified bool

	// Summed is Unverified for the CRC32C alone, which the caller computes anyway: other digests that a store
	// has instead are compared where bytes may come changed.
	Summed bool

	// VersionID reads that version instead of the newest, at stores that keep versions; at
	// others it is ErrUnsupported.
	VersionID string
}

// Reader reads one version of one object.
type Reader interface {
	io.ReadCloser
	// Object describes the version being read (also when a range of it is being read).
	Object() Object
}

// CreateOptions describe the object that Create starts. The zero value is usable.
type CreateOptions struct {
	Size int64 // expected size in bytes, 0 if unknown; a hint for buffers and parts

	// What describes the content. A store that keeps none of it, as local files do, drops it.
	ContentType string
	Metadata    map[string]string
	Headers     Headers
	Tags        map[string]string

	// ModTime and Mode are for stores of files, which give them to the file; of Mode only the
	// permission bits count. The zero values are the time of Commit and what the umask leaves.
	// Others drop them.
	ModTime time.Time
	Mode    fs.FileMode

	// Where and how the object is kept. A store that cannot do it reports ErrUnsupported,
	// for somebody relies on it: see [CreateOptions.Demands].
	StorageClass string // as the store spells it; empty is the store's default
	Encryption   Encryption
	ACL          string // a canned one, as "bucket-owner-full-control"

	// Checksum, if not nil, tells the CRC32C of all that has been written to the Writer so far,
	// as its caller has computed it. A store may then rely on it instead of computing its own.
	Checksum func() Checksum

	// Durable makes Commit return only after the object would survive a power failure.
	// Object stores and the block store always do; local files then sync, which is dear
	// for small files.
	Durable bool

	// PartSize is for CreateParts: the bytes in every part but the last, as
	// [PartUploader.PartSize] chose it; 0 stands for PartSize(Size, 0).
	PartSize int64

	// Resumable is for CreateParts of a [PartResumer]: the upload is to be there when this process
	// has died. Without it a store may leave nothing behind, and the upload then has no ID.
	Resumable bool
}

// Writer receives the content of one new object. It is used by one goroutine. Exactly one of
// Commit and Abort ends it; Abort after Commit does nothing, so it can be deferred.
type Writer interface {
	io.Writer
	// Commit makes the object visible, replacing any older version at once, and describes
	// it. Its CRC32C is what the store itself has checked or computed, or CreateOptions.Checksum
	// has told; never unknown.
	// When Commit fails the object is as it was before Create.
	Commit() (Object, error)
	// Abort discards what was written. After Commit it does nothing. After either, Write and Commit report ErrEnded.
	Abort() error
}

// ServerCopier is a Bucket that can copy an object from another Bucket without the bytes
// passing through this process.
type ServerCopier interface {
	// CopyFrom copies src's object, with its content type and metadata, to key. It reports
	// ErrUnsupported when the two buckets do not belong together (another endpoint,
	// another kind of store); the caller then streams. The copy is of the version that
	// src describes: when its ETag no longer matches, the error is ErrChanged.
	CopyFrom(ctx context.Context, key string, src Bucket, srcObject Object) (Object, error)
}

// PartUploader is a Bucket whose objects can be written in parts, by many goroutines at once.
type PartUploader interface {
	// CreateParts starts an object of opts.Size bytes, which must be known, written in
	// parts of opts.PartSize. Visibility, Commit and Abort are as for Create.
	CreateParts(ctx context.Context, key string, opts CreateOptions) (Upload, error)
	// PartSize is the size of every part but the last that suits the store for an object
	// of the given size, at least want where the store allows it.
	PartSize(size, want int64) int64
}

// Upload is one object being written in parts. WritePart is safe for concurrent use; Commit
// and Abort are called once all WriteParts have returned.
type Upload interface {
	// WritePart writes part number n, counted from 0, which starts at n*PartSize and holds
	// size bytes: PartSize, or what is left for the last part. It returns their checksum as
	// the store checked it, or as r tells where it is [Summed]. Of a [FileRanger] the bytes may
	// be read twice. It may be repeated: the last success counts.
	WritePart(ctx context.Context, n int, r io.Reader, size int64) (Checksum, error)
	// Commit is as Writer's; it fails when a part was never written.
	Commit(ctx context.Context) (Object, error)
	// Abort is as Writer's.
	Abort(ctx context.Context) error
}

// LocalPather is a Bucket of which some objects are plain files of this machine.
type LocalPather interface {
	// LocalPath returns the path of a file that holds exactly the object's bytes. ok is
	// false where there is none, and the object must be read through Open.
	LocalPath(ctx context.Context, key string) (path string, ok bool, err error)
}

// Unwrapper is a Bucket around another Bucket.
type Unwrapper interface {
	Unwrap() Bucket
}

// As finds the capability T in b, or in the buckets that b wraps.
//
//	if sc, ok := storage.As[storage.ServerCopier](b); ok { ... }
func As[T any](b Bucket) (T, bool) {
	for b != nil {
		if t, ok := b.(T); ok {
			return t, true
		}
		u, ok := b.(Unwrapper)
		if !ok {
			break
		}
		b = u.Unwrap()
	}
	var zero T
	return zero, false
}
