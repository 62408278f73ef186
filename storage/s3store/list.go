package s3store

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/skepdata/skep/storage"
)

// pageSize is how many objects S3 lists by one request.
const pageSize = 1000

// page is a part of a listing, ending in an error if there is no more because of it.
type page struct {
	objects []storage.Object
	err     error
}

// List streams the listing page by page. While the caller is busy with one page, the next
// is on its way, so that server and caller work at the same time. See storage.Bucket.
//
// S3 promises the order of UTF-8 bytes; a service that breaks the promise, as S3 Express
// buckets do, is an error rather than a silently unsorted listing.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		pages := make(chan page, 1)
		go func() {
			defer close(pages)
			b.sendPages(ctx, prefix, pages)
		}()
		defer func() {
			cancel()
			for range pages { // until the goroutine has ended
			}
		}()
		for p := range pages {
			for _, o := range p.objects {
				if !yield(o, nil) {
					return
				}
			}
			if p.err != nil {
				yield(storage.Object{}, p.err)
				return
			}
		}
	}
}

// sendPages sends the whole listing. The receiver takes all pages, whether it wants them or
// not, so that sending ends; that it wants no more it says through ctx.
func (b *Bucket) sendPages(ctx context.Context, prefix string, pages chan<- page) {
	var p page
	for o, err := range b.list(ctx, prefix) {
		if err != nil {
			p.err = err
			break
		}
		if p.objects = append(p.objects, o); len(p.objects) == pageSize {
			pages <- p
			p = page{objects: make([]storage.Object, 0, pageSize)}
		}
	}
	pages <- p
}

// list is the listing as the library gives it, checked.
func (b *Bucket) list(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		noOwner := false
		last := ""
		for info := range b.c.core.ListObjectsIter(ctx, b.name, minio.ListObjectsOptions{
			Prefix: prefix, Recursive: true, FetchOwner: &noOwner,
		}) {
			if info.Err != nil {
				yield(storage.Object{}, b.fail(ctx, "list", prefix, info.Err))
				return
			}
			if info.Key <= last || !strings.HasPrefix(info.Key, prefix) {
				yield(storage.Object{}, b.fail(ctx, "list", prefix,
					fmt.Errorf("the server lists %q after %q: %w", info.Key, last, errUnordered)))
				return
			}
			last = info.Key
			if !yield(listed(info), nil) {
				return
			}
		}
		if ctx.Err() != nil { // the library's iterator ends silently then
			yield(storage.Object{}, b.fail(ctx, "list", prefix, ctx.Err()))
		}
	}
}

var errUnordered = fmt.Errorf("listings out of order are %w", storage.ErrUnsupported)

// listed is what a listing tells of an object. A checksum is not among it.
func listed(info minio.ObjectInfo) storage.Object {
	return storage.Object{
		Key: info.Key, Size: info.Size, ModTime: info.LastModified, ETag: info.ETag,
		StorageClass: info.StorageClass,
	}
}
