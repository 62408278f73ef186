package s3store

import (
	"context"
	"errors"
	"slices"

	"github.com/minio/minio-go/v7"
	"github.com/skepdata/skep/storage"
)

// deleteBatch is how many keys one multi-object delete may name.
const deleteBatch = 1000

var errUnconfirmed = errors.New("the server did not confirm the deletion")

// Delete removes one object by a request of its own and more by the thousand. See
// storage.Bucket.
func (b *Bucket) Delete(ctx context.Context, keys ...string) error {
	var errs []error
	var valid []string
	for _, k := range keys {
		if err := b.c.checkKey(k); err != nil {
			errs = append(errs, &storage.Error{Op: "delete", URL: b.URL() + k, Err: err})
			continue
		}
		valid = append(valid, k)
	}
	if len(valid) == 1 {
		return errors.Join(append(errs, b.deleteOne(ctx, valid[0]))...)
	}
	for batch := range slices.Chunk(valid, deleteBatch) {
		errs = append(errs, b.deleteMany(ctx, batch)...)
	}
	return errors.Join(errs...)
}

func (b *Bucket) deleteOne(ctx context.Context, key string) error {
	if err := b.c.core.RemoveObject(ctx, b.name, key, minio.RemoveObjectOptions{}); err != nil {
		return b.c.fail(ctx, "delete", b.URL()+key, err)
	}
	return nil
}

// deleteMany removes one batch. The library leaves some refusals out of its results, so a
// key counts as deleted only when the server says so.
func (b *Bucket) deleteMany(ctx context.Context, keys []string) []error {
	objects := func(yield func(minio.ObjectInfo) bool) {
		for _, k := range keys {
			if !yield(minio.ObjectInfo{Key: k}) {
				return
			}
		}
	}
	results, err := b.c.core.RemoveObjectsWithIter(ctx, b.name, objects, minio.RemoveObjectsOptions{})
	if err != nil {
		return []error{b.c.fail(ctx, "delete", b.URL(), err)}
	}
	var errs []error
	seen := make(map[string]bool, len(keys))
	for r := range results {
		seen[r.ObjectName] = true
		if r.Err != nil {
			errs = append(errs, b.c.fail(ctx, "delete", b.URL()+r.ObjectName, r.Err))
		}
	}
	for _, k := range keys {
		if !seen[k] {
			errs = append(errs, b.c.fail(ctx, "delete", b.URL()+k, errUnconfirmed))
		}
	}
	return errs
}
