package s3store

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
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
		errs = append(errs, b.deleteBatch(ctx, batch)...)
	}
	return errors.Join(errs...)
}

func (b *Bucket) deleteOne(ctx context.Context, key string) error {
	if err := b.c.core.RemoveObject(ctx, b.name, key, minio.RemoveObjectOptions{}); err != nil {
		return b.c.fail(ctx, "delete", b.URL()+key, err)
	}
	return nil
}

// deleteBatch removes one batch. Where the request or its answer came with other bytes than it was sent with, it asks
// again for what was not confirmed.
func (b *Bucket) deleteBatch(ctx context.Context, keys []string) []error {
	for attempt := 1; ; attempt++ {
		errs, unsure := b.deleteMany(ctx, keys)
		if len(unsure) < len(errs) || len(errs) == 0 || attempt >= b.c.cfg.Attempts || ctx.Err() != nil {
			return errs // others have failed for good
		}
		keys = unsure
	}
}

// deleteMany is deleteBatch without another try; unsure are the keys for which one makes sense. The library leaves some
// refusals out of its results, so a key counts as deleted only when the server says so.
func (b *Bucket) deleteMany(ctx context.Context, keys []string) (errs []error, unsure []string) {
	objects := func(yield func(minio.ObjectInfo) bool) {
		for _, k := range keys {
			if !yield(minio.ObjectInfo{Key: k}) {
				return
			}
		}
	}
	results, err := b.c.core.RemoveObjectsWithIter(ctx, b.name, objects, minio.RemoveObjectsOptions{})
	if err != nil {
		return []error{b.c.fail(ctx, "delete", b.URL(), err)}, nil
	}
	failed := map[string]error{}
	done := make(map[string]bool, len(keys))
	var general error
	for r := range results {
		switch {
		case r.Err == nil:
			done[r.ObjectName] = true
		case r.ObjectName == "":
			general = r.Err
		default:
			failed[r.ObjectName] = r.Err
		}
	}
	for _, k := range keys {
		err := failed[k]
		if err == nil && done[k] {
			continue
		}
		if err == nil {
			if err = general; err == nil {
				err = errUnconfirmed
			}
		}
		errs = append(errs, b.c.fail(ctx, "delete", b.URL()+k, err))
		if errors.Is(err, errUnconfirmed) || garbled(err) {
			unsure = append(unsure, k)
		}
	}
	return errs, unsure
}

// garbled reports whether an error says that a request, or its answer, did not come as it was sent.
func garbled(err error) bool {
	var answer minio.ErrorResponse
	var syntax *xml.SyntaxError
	return errors.As(err, &answer) && damaged(answer.Code) || errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, io.EOF)
}

// damaged reports whether a code is what servers answer to a request with other bytes than it was sent with: ours
// are well-formed.
func damaged(code string) bool {
	return code == "MalformedXML" || errors.Is(faults[code].is, storage.ErrChecksum)
}
