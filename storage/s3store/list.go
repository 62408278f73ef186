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
	return b.ListAfter(ctx, prefix, "")
}

// ListAfter is List of the keys behind one. See storage.LevelLister.
func (b *Bucket) ListAfter(ctx context.Context, prefix, after string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		pages := make(chan page, 1)
		go func() {
			defer close(pages)
			b.sendPages(ctx, prefix, after, pages)
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
func (b *Bucket) sendPages(ctx context.Context, prefix, after string, pages chan<- page) {
	var p page
	for o, err := range b.list(ctx, prefix, after) {
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
func (b *Bucket) list(ctx context.Context, prefix, after string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		noOwner := false
		last := after
		for info := range b.c.core.ListObjectsIter(ctx, b.name, minio.ListObjectsOptions{
			Prefix: prefix, Recursive: true, FetchOwner: &noOwner, StartAfter: after, MaxKeys: b.c.page,
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

// ListLevel lists with "/" for a delimiter. A page of such a listing has its objects first and then
// what stands for those below, each in order. See storage.LevelLister.
func (b *Bucket) ListLevel(ctx context.Context, prefix, after string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		noOwner := false
		var objects []storage.Object // that may come behind something of their page
		yieldBefore := func(key string) bool {
			for len(objects) > 0 && (key == "" || objects[0].Key < key) {
				if !yield(objects[0], nil) {
					return false
				}
				objects = objects[1:]
			}
			return true
		}
		below := "" // the latest that stands for what is below
		for info := range b.c.core.ListObjectsIter(ctx, b.name, minio.ListObjectsOptions{
			Prefix: prefix, FetchOwner: &noOwner, StartAfter: after, MaxKeys: b.c.page,
		}) {
			switch {
			case info.Err != nil:
				yield(storage.Object{}, b.fail(ctx, "list", prefix, info.Err))
				return
			case info.LastModified.IsZero(): // it stands for others
				if below = info.Key; !yieldBefore(below) || !yield(storage.Object{Key: below}, nil) {
					return
				}
				continue
			case below != "" && !yieldBefore(""): // a new page
				return
			case len(objects) == b.c.page: // the first is of a page before
				if !yieldBefore(objects[0].Key + "\x00") {
					return
				}
			}
			below = ""
			objects = append(objects, listed(info))
		}
		if ctx.Err() != nil {
			yield(storage.Object{}, b.fail(ctx, "list", prefix, ctx.Err()))
			return
		}
		yieldBefore("")
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
