package s3store

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/skepdata/skep/storage"
)

// List streams the listing page by page, 1,000 objects each. See storage.Bucket.
//
// S3 promises the order of UTF-8 bytes; a service that breaks the promise, as S3 Express
// buckets do, is an error rather than a silently unsorted listing.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		url := b.URL() + prefix
		noOwner := false
		last := ""
		for info := range b.c.core.ListObjectsIter(ctx, b.name, minio.ListObjectsOptions{
			Prefix: prefix, Recursive: true, FetchOwner: &noOwner,
		}) {
			if info.Err != nil {
				yield(storage.Object{}, b.c.fail(ctx, "list", url, info.Err))
				return
			}
			if info.Key <= last || !strings.HasPrefix(info.Key, prefix) {
				yield(storage.Object{}, &storage.Error{Op: "list", URL: url,
					Err: fmt.Errorf("the server lists %q after %q: %w", info.Key, last, errUnordered)})
				return
			}
			last = info.Key
			if !yield(listed(info), nil) {
				return
			}
		}
		if ctx.Err() != nil { // the iterator ends silently then
			yield(storage.Object{}, b.c.fail(ctx, "list", url, ctx.Err()))
		}
	}
}

var errUnordered = fmt.Errorf("listings out of order are %w", storage.ErrUnsupported)

// listed is what a listing tells of an object. A checksum is not among it.
func listed(info minio.ObjectInfo) storage.Object {
	return storage.Object{
		Key: info.Key, Size: info.Size, ModTime: info.LastModified, ETag: info.ETag,
	}
}
