package storage

import (
	"context"
	"errors"
	"iter"
	"strings"
)

// Entry is what is directly below a prefix: an object, or a directory.
type Entry struct {
	Object      // of a directory only the Key, which ends in a slash
	Dir    bool // other keys begin with Key
}

// DirLister is a Bucket that can list one level of its names without going through all that is
// below it.
type DirLister interface {
	// ListDir yields the objects whose key is prefix and a name without a slash, and the
	// directories: of keys with further slashes the part up to the first of them, each once.
	// Objects come in byte order and so do directories; how the two mingle is open. A store
	// that has directories lists empty ones, too. Otherwise it is as List.
	ListDir(ctx context.Context, prefix string) iter.Seq2[Entry, error]
}

// ListDir lists one level of any bucket; see [DirLister]. Where the bucket cannot, it takes as long
// as listing everything below prefix does.
func ListDir(ctx context.Context, b Bucket, prefix string) iter.Seq2[Entry, error] {
	if d, ok := As[DirLister](b); ok {
		return d.ListDir(ctx, prefix)
	}
	return func(yield func(Entry, error) bool) {
		last := ""
		for o, err := range b.List(ctx, prefix) {
			if err != nil {
				yield(Entry{}, err)
				return
			}
			e := Entry{Object: o}
			if dir, _, ok := strings.Cut(o.Key[len(prefix):], "/"); ok {
				if e = (Entry{Object{Key: prefix + dir + "/"}, true}); e.Key == last {
					continue
				}
				last = e.Key
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// Directories is a Bucket in which directories are there by themselves, also when nothing is in them.
// Elsewhere one is there as long as the keys of objects begin with it. Names of directories end in a slash.
type Directories interface {
	// MakeDir makes a directory and those above it. That it is there is not an error.
	MakeDir(ctx context.Context, dir string) error
	// RemoveDir removes a directory; it reports ErrNotExist, and ErrExist where something is in it.
	RemoveDir(ctx context.Context, dir string) error
	// HasDir reports whether a directory is there.
	HasDir(ctx context.Context, dir string) (bool, error)
}

// Renamer is a Bucket that can give objects other names at once, without copying them.
type Renamer interface {
	// Rename makes the object from the object to, and replaces what was there. It reports
	// ErrNotExist where there is no object from, and ErrUnsupported where the store cannot do
	// it for these two, as between file systems.
	Rename(ctx context.Context, from, to string) error
	// RenameDir gives to every object whose key begins with from the key that begins with to
	// instead: all of them or none. Both end in a slash, and neither is within the other. It
	// reports ErrNotExist where no object is below from, and ErrExist where one is below to.
	RenameDir(ctx context.Context, from, to string) error
}

// Adopter is a Bucket of local files, which can take over a file without copying it.
type Adopter interface {
	// Adopt makes the local file at path the object key, as it is and at once, and replaces what was
	// there: the file is not at path any more then. It computes no checksum. It reports ErrUnsupported,
	// and leaves the file where it is, where it would have to be copied, as between file systems, or
	// where a file that Create makes would belong to another group or have other permissions.
	Adopt(ctx context.Context, key, path string) (Object, error)
}

// TreeDeleter is a Bucket that can delete all objects below a directory at once.
type TreeDeleter interface {
	// DeleteTree deletes every object whose key begins with dir, which ends in a slash or is
	// empty. That there is none is not an error. Unless the store says otherwise, some may
	// be gone when it fails.
	DeleteTree(ctx context.Context, dir string) error
}

// deleteBatch is how many objects a store like S3 deletes with one request.
const deleteBatch = 1000

// DeleteAll deletes the objects whose key begins with prefix, or those of them that which picks unless it
// is nil, while it lists them, and returns how many there were. A bucket that does not exist has none.
// Unlike [TreeDeleter] it deletes nothing but objects; some are gone when it fails.
func DeleteAll(ctx context.Context, b Bucket, prefix string, which func(Object) bool) (n int, err error) {
	var keys []string
	for o, err := range b.List(ctx, prefix) {
		if errors.Is(err, ErrNotExist) {
			break
		}
		if err != nil {
			return n, err
		}
		if which != nil && !which(o) {
			continue
		}
		n++
		if keys = append(keys, o.Key); len(keys) == deleteBatch {
			if err := b.Delete(ctx, keys...); err != nil {
				return n, err
			}
			keys = keys[:0]
		}
	}
	if len(keys) == 0 {
		return n, nil
	}
	return n, b.Delete(ctx, keys...)
}

// Usage is what a part of a bucket amounts to.
type Usage struct {
	Objects int64
	Bytes   int64 // of their content
	// OldBytes are those of the objects that only snapshots still have.
	OldBytes int64
	// StoredBytes are those that are kept, on all disks: replicas count each, and what
	// objects or snapshots share counts once.
	StoredBytes int64
}

// Measurer is a Bucket that can sum up its objects by itself.
type Measurer interface {
	// Measure sums up the objects whose key begins with prefix.
	Measure(ctx context.Context, prefix string) (Usage, error)
}
