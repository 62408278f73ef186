package s3store

import (
	"context"
	"iter"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/skepdata/skep/storage"
)

var _ storage.DirLister = (*Bucket)(nil)

// ListDir implements storage.DirLister by S3's delimiter: the server leaves out what is deeper.
func (b *Bucket) ListDir(ctx context.Context, prefix string) iter.Seq2[storage.Entry, error] {
	return func(yield func(storage.Entry, error) bool) {
		listing, cancel := context.WithCancel(ctx)
		defer cancel()
		noOwner := false
		for info := range b.c.core.ListObjectsIter(listing, b.name, minio.ListObjectsOptions{
			Prefix: prefix, FetchOwner: &noOwner,
		}) {
			if info.Err != nil {
				yield(storage.Entry{}, b.fail(ctx, "list", prefix, info.Err))
				return
			}
			e := storage.Entry{Object: listed(info)}
			if info.Key != prefix && strings.HasSuffix(info.Key, "/") {
				e = storage.Entry{Object: storage.Object{Key: info.Key}, Dir: true}
			}
			if !yield(e, nil) {
				return
			}
		}
		if ctx.Err() != nil { // the library's iterator ends silently then
			yield(storage.Entry{}, b.fail(ctx, "list", prefix, ctx.Err()))
		}
	}
}
