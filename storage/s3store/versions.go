package s3store

import (
	"context"
	"iter"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/skepdata/skep/storage"
)

// ListAsOf lists versions and picks one of each key. S3 lists those of a key together, the
// newest first. Times are compared as the listing has them, which at Amazon is in seconds.
// See storage.VersionLister.
func (b *Bucket) ListAsOf(ctx context.Context, prefix string, at time.Time) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		decided := "" // the key whose version has been found, or is known not to be there
		for info := range b.c.core.ListObjectsIter(ctx, b.name, minio.ListObjectsOptions{
			Prefix: prefix, Recursive: true, WithVersions: true,
		}) {
			if info.Err != nil {
				yield(storage.Object{}, b.fail(ctx, "list", prefix, info.Err))
				return
			}
			if info.Key == decided || info.LastModified.After(at) {
				continue
			}
			decided = info.Key
			if info.IsDeleteMarker {
				continue
			}
			o := listed(info)
			o.VersionID = info.VersionID
			if !yield(o, nil) {
				return
			}
		}
		if ctx.Err() != nil { // the library's iterator ends silently then
			yield(storage.Object{}, b.fail(ctx, "list", prefix, ctx.Err()))
		}
	}
}
