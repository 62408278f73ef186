package s3store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/skepdata/skep/storage"
)

// listPartsPage is how many parts or uploads one request lists.
const listPartsPage = 1000

var (
	_ storage.PartResumer = (*Bucket)(nil)
	_ storage.Named       = (*partUpload)(nil)
)

// ID is the service's name for the upload. See storage.Named.
func (u *partUpload) ID() string {
	if u.multipart == nil {
		return ""
	}
	return u.id
}

// ResumeParts asks for the parts that have arrived. Parts without a CRC32C, which are not
// ours, are to be written again. See storage.PartResumer.
func (b *Bucket) ResumeParts(ctx context.Context, key string, opts storage.CreateOptions, id string,
) (storage.Upload, []storage.PartDone, error) {
	u, err := b.planParts(ctx, key, opts)
	if err != nil {
		return nil, nil, err
	}
	if u.count == 0 {
		return u, nil, nil
	}
	u.multipart = &multipart{b: b, key: key, id: id, opts: opts, parts: map[int]part{}}
	var done []storage.PartDone
	for marker := 0; ; {
		r, err := b.c.core.ListObjectParts(ctx, b.name, key, id, marker, listPartsPage)
		if gone(err) {
			err = fmt.Errorf("upload %s %w: it was committed or aborted", id, storage.ErrNotExist)
		}
		if err != nil {
			return nil, nil, b.fail(ctx, "create", key, err)
		}
		for _, p := range r.ObjectParts {
			n := p.PartNumber - 1
			if n >= u.count || p.Size != u.sizeOf(n) {
				return nil, nil, b.fail(ctx, "create", key, fmt.Errorf("upload %s has a part %d of %d bytes, "+
					"which does not belong to an object of %d bytes in parts of %d", id, n+1, p.Size, opts.Size, u.partSize))
			}
			sum := fullChecksum(p.ChecksumCRC32C, "")
			if !sum.Known {
				continue
			}
			u.record(n, part{etag: strings.Trim(p.ETag, `"`), size: p.Size, sum: sum})
			done = append(done, storage.PartDone{N: n, Size: p.Size, CRC32C: sum})
		}
		if !r.IsTruncated || r.NextPartNumberMarker <= marker {
			return u, done, nil
		}
		marker = r.NextPartNumberMarker
	}
}

// Uploads lists multipart uploads. MinIO lists those of one whole key, or all that it has seen since it
// was started: there it is both, and the prefix is applied here. Of what it has seen it goes on to tell
// when an upload was completed while its client went away, so each is looked for. See
// storage.PartResumer.
func (b *Bucket) Uploads(ctx context.Context, prefix string) iter.Seq2[storage.PendingUpload, error] {
	asks := []string{prefix}
	if b.c.strict && prefix != "" {
		asks = []string{"", prefix}
	}
	return func(yield func(storage.PendingUpload, error) bool) {
		seen := map[string]bool{}
		for _, ask := range asks {
			for u, err := range b.uploads(ctx, ask) {
				if err != nil {
					yield(u, b.fail(ctx, "list", prefix, err))
					return
				}
				if !strings.HasPrefix(u.Key, prefix) || seen[u.ID] || b.c.strict && ask == "" && b.hasEnded(ctx, u) {
					continue
				}
				if len(asks) > 1 {
					seen[u.ID] = true
				}
				if !yield(u, nil) {
					return
				}
			}
		}
	}
}

// uploads is what the service answers.
func (b *Bucket) uploads(ctx context.Context, ask string) iter.Seq2[storage.PendingUpload, error] {
	return func(yield func(storage.PendingUpload, error) bool) {
		keyMarker, idMarker := "", ""
		for {
			r, err := b.c.core.ListMultipartUploads(ctx, b.name, ask, keyMarker, idMarker, "", listPartsPage)
			if err != nil {
				yield(storage.PendingUpload{}, err)
				return
			}
			for _, u := range r.Uploads {
				if !yield(storage.PendingUpload{Key: u.Key, ID: u.UploadID, Started: u.Initiated}, nil) {
					return
				}
			}
			if !r.IsTruncated || r.NextKeyMarker == "" {
				return
			}
			keyMarker, idMarker = r.NextKeyMarker, r.NextUploadIDMarker
		}
	}
}

// hasEnded reports whether an upload that is listed is known to be none any more.
func (b *Bucket) hasEnded(ctx context.Context, u storage.PendingUpload) bool {
	_, err := b.c.core.ListObjectParts(ctx, b.name, u.Key, u.ID, 0, 1)
	return gone(err)
}

// AbortUpload discards a multipart upload. See storage.PartResumer.
func (b *Bucket) AbortUpload(ctx context.Context, u storage.PendingUpload) error {
	err := b.c.core.AbortMultipartUpload(ctx, b.name, u.Key, u.ID)
	var r minio.ErrorResponse
	if err == nil || errors.As(err, &r) && r.Code == minio.NoSuchUpload {
		return nil
	}
	return b.fail(ctx, "abort", u.Key, err)
}
