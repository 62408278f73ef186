package s3store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/skepdata/skep/storage"
)

// ListAsOf lists versions and picks one of each key. S3 lists those of a key together, the
// newest first. Times are compared as the listing has them, which at Amazon is in seconds.
// See storage.VersionLister.
func (b *Bucket) ListAsOf(ctx context.Context, prefix string, at time.Time) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		if err := b.keepsVersions(ctx); err != nil {
			yield(storage.Object{}, b.fail(ctx, "list", prefix, err))
			return
		}
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

// keepsVersions reports a bucket that never has: what it lists would be its newest objects, without
// those that were replaced or deleted. Who may list versions need not be allowed to ask.
func (b *Bucket) keepsVersions(ctx context.Context) error {
	v, err := b.c.core.GetBucketVersioning(ctx, b.name)
	var r minio.ErrorResponse
	switch {
	case err == nil && v.Status == "":
		return fmt.Errorf("versions are %w: this bucket has never been told to keep any", storage.ErrUnsupported)
	case errors.As(err, &r) && (r.StatusCode == http.StatusForbidden || r.StatusCode == http.StatusNotImplemented):
		return nil
	}
	return err
}

// StatVersion describes a version by a HEAD. See storage.VersionLister.
func (b *Bucket) StatVersion(ctx context.Context, key, versionID string) (storage.Object, error) {
	return b.stat(ctx, key, versionID)
}

// ofVersion says what the answer to a HEAD of a version means, which has no text of its own.
func ofVersion(id string, err error) error {
	var r minio.ErrorResponse
	if !errors.As(err, &r) {
		return err
	}
	switch r.StatusCode {
	case http.StatusMethodNotAllowed:
		return fmt.Errorf("version %s %w: it marks that the object was deleted", id, storage.ErrNotExist)
	case http.StatusBadRequest, http.StatusNotFound:
		return fmt.Errorf("version %s %w", id, storage.ErrNotExist)
	}
	return err
}
