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
		first, begun := b.first(ctx, prefix, after)
		if begun && first.next == "" {
			b.yieldPage(ctx, prefix, after, first.objects, yield)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		pages := make(chan page, 1)
		go func() {
			defer close(pages)
			b.sendPages(ctx, prefix, after, first, pages)
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

// first is the first page of a listing, which is the only one of most, as it comes. ok is false where the library is to
// list.
func (b *Bucket) first(ctx context.Context, prefix, after string) (page listPage, ok bool) {
	if b.c.direct == nil {
		return listPage{}, false
	}
	return b.c.direct.list(ctx, b.c.cfg.Attempts, b.name, prefix, after, "", b.c.page)
}

// yieldPage yields the objects of a listing of one page, checked.
func (b *Bucket) yieldPage(ctx context.Context, prefix, after string, objects []storage.Object, yield func(storage.Object, error) bool) {
	if err := b.inOrder(ctx, prefix, after, objects); err != nil {
		yield(storage.Object{}, err)
		return
	}
	for _, o := range objects {
		if !yield(o, nil) {
			return
		}
	}
}

// sendPages sends the whole listing, whose first page has come if there is a next. The receiver takes all pages, whether it wants them or
// not, so that sending ends; that it wants no more it says through ctx.
func (b *Bucket) sendPages(ctx context.Context, prefix, after string, first listPage, pages chan<- page) {
	for objects, err := range b.list(ctx, prefix, after, first) {
		pages <- page{objects, err}
	}
}

// list is the listing page by page, checked: from the first page on, if there is a next, or else by the library.
func (b *Bucket) list(ctx context.Context, prefix, after string, first listPage) iter.Seq2[[]storage.Object, error] {
	return func(yield func([]storage.Object, error) bool) {
		last := after
		for page, ok := first, first.next != ""; ok; page, ok = b.c.direct.list(ctx, b.c.cfg.Attempts, b.name, prefix, after, page.next, b.c.page) {
			if err := b.inOrder(ctx, prefix, last, page.objects); err != nil {
				yield(nil, err)
				return
			}
			if len(page.objects) > 0 {
				last = page.objects[len(page.objects)-1].Key
			}
			if !yield(page.objects, nil) || page.next == "" {
				return
			}
		}
		b.listByLibrary(ctx, prefix, last, yield)
	}
}

// ListPage asks for one page. See storage.PageLister.
func (b *Bucket) ListPage(ctx context.Context, prefix, after string, most int) ([]storage.Object, bool, error) {
	most = min(most, b.c.page)
	if b.c.direct != nil {
		page, ok := b.c.direct.list(ctx, b.c.cfg.Attempts, b.name, prefix, after, "", most)
		if ok {
			return page.objects, page.next != "", b.inOrder(ctx, prefix, after, page.objects)
		}
	}
	noOwner := false
	listing, cancel := context.WithCancel(ctx)
	defer cancel()
	var objects []storage.Object
	for info := range b.c.core.ListObjectsIter(listing, b.name, minio.ListObjectsOptions{
		Prefix: prefix, Recursive: true, FetchOwner: &noOwner, StartAfter: after, MaxKeys: most,
	}) {
		if info.Err != nil {
			return nil, false, b.fail(ctx, "list", prefix, info.Err)
		}
		if objects = append(objects, listed(info)); len(objects) == most {
			break
		}
	}
	if ctx.Err() != nil { // the library's iterator ends silently then
		return nil, false, b.fail(ctx, "list", prefix, ctx.Err())
	}
	return objects, len(objects) == most, b.inOrder(ctx, prefix, after, objects)
}

// inOrder checks that objects of a listing come after a key, and one after the other.
func (b *Bucket) inOrder(ctx context.Context, prefix, last string, objects []storage.Object) error {
	for _, o := range objects {
		if o.Key <= last || !strings.HasPrefix(o.Key, prefix) {
			return b.fail(ctx, "list", prefix,
				fmt.Errorf("the server lists %q after %q: %w", o.Key, last, errUnordered))
		}
		last = o.Key
	}
	return nil
}

// listByLibrary is list behind a key, as the library has it.
func (b *Bucket) listByLibrary(ctx context.Context, prefix, after string, yield func([]storage.Object, error) bool) {
	noOwner := false
	last := after
	var objects []storage.Object
	flush := func() bool {
		if err := b.inOrder(ctx, prefix, last, objects); err != nil {
			yield(nil, err)
			return false
		}
		if len(objects) == 0 {
			return true
		}
		last = objects[len(objects)-1].Key
		full := objects
		objects = make([]storage.Object, 0, pageSize)
		return yield(full, nil)
	}
	for info := range b.c.core.ListObjectsIter(ctx, b.name, minio.ListObjectsOptions{
		Prefix: prefix, Recursive: true, FetchOwner: &noOwner, StartAfter: after, MaxKeys: b.c.page,
	}) {
		if info.Err != nil {
			if flush() {
				yield(nil, b.fail(ctx, "list", prefix, info.Err))
			}
			return
		}
		if objects = append(objects, listed(info)); len(objects) == pageSize && !flush() {
			return
		}
	}
	if ctx.Err() != nil { // the library's iterator ends silently then
		yield(nil, b.fail(ctx, "list", prefix, ctx.Err()))
		return
	}
	flush()
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
