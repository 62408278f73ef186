package s3store

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/minio/minio-go/v7"
	"github.com/skepdata/skep/storage"
)

// CopyFrom copies an object within the service: by one request up to 5 GiB at Amazon and 64
// GiB elsewhere, beyond that in parts. Where the service does not tell the checksum of the
// copy, which is so for parts copied at MinIO, the copy is read once to compute it. See
// storage.ServerCopier.
func (b *Bucket) CopyFrom(ctx context.Context, key string, src storage.Bucket, srcObject storage.Object,
) (storage.Object, error) {
	from, ok := storage.As[*Bucket](src)
	if !ok || !b.c.sameService(from.c) {
		return storage.Object{}, b.fail(ctx, "copy", key,
			fmt.Errorf("a copy from %s on the server is %w", src.URL(), storage.ErrUnsupported))
	}
	err := b.c.checkKey(key)
	if err == nil {
		err = b.c.checkKey(srcObject.Key)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return storage.Object{}, b.fail(ctx, "copy", key, err)
	}
	var o storage.Object
	switch {
	case from.name == b.name && srcObject.Key == key:
		return b.copyOntoItself(ctx, srcObject)
	case srcObject.Size > b.c.copyLimit:
		o, err = b.copyParts(ctx, key, from, srcObject)
	default:
		o, err = b.copyWhole(ctx, key, from, srcObject)
		if tooLarge(err) && srcObject.Size > maxPartSize {
			o, err = b.copyParts(ctx, key, from, srcObject)
		}
	}
	if err != nil {
		return storage.Object{}, b.fail(ctx, "copy", key, err)
	}
	if !o.CRC32C.Known {
		if o.CRC32C, err = b.computeChecksum(ctx, o); err != nil {
			return storage.Object{}, b.fail(ctx, "copy", key, err)
		}
	}
	if o.CRC32C.Differs(srcObject.CRC32C) {
		return storage.Object{}, b.fail(ctx, "copy", key, fmt.Errorf("%w: the copy has CRC32C %s, its source %s",
			storage.ErrChecksum, o.CRC32C, srcObject.CRC32C))
	}
	return o, nil
}

// sameService tells whether the two clients see the same objects with the same rights.
func (c *Client) sameService(d *Client) bool {
	return c == d || c.cfg.Endpoint == d.cfg.Endpoint && c.cfg.Anonymous == d.cfg.Anonymous &&
		c.cfg.AccessKey == d.cfg.AccessKey && c.cfg.SecretKey == d.cfg.SecretKey &&
		c.cfg.SessionToken == d.cfg.SessionToken
}

// copyOntoItself does nothing, which S3 would refuse to do.
func (b *Bucket) copyOntoItself(ctx context.Context, srcObject storage.Object) (storage.Object, error) {
	o, err := b.Stat(ctx, srcObject.Key)
	if err == nil && srcObject.ETag != "" && o.ETag != srcObject.ETag {
		err = storage.ErrChanged
	}
	if err != nil {
		return storage.Object{}, b.fail(ctx, "copy", srcObject.Key, err)
	}
	return o, nil
}

// copyWhole copies by one request. Its answer tells the checksum at MinIO; elsewhere a HEAD
// does.
func (b *Bucket) copyWhole(ctx context.Context, key string, from *Bucket, srcObject storage.Object,
) (storage.Object, error) {
	listening, a := listen(ctx)
	info, err := b.c.core.CopyObject(listening, from.name, srcObject.Key, b.name, key,
		onlyIf(srcObject.ETag, b.c.copyHeaders()),
		minio.CopySrcOptions{}, minio.PutObjectOptions{})
	if err != nil {
		if tooLarge(err) {
			return storage.Object{}, err
		}
		return storage.Object{}, from.fail(ctx, "copy", srcObject.Key, err)
	}
	sum := a.checksum()
	if !sum.Known || srcObject.ETag == "" {
		return b.Stat(ctx, key)
	}
	return storage.Object{
		Key: key, Size: srcObject.Size, ModTime: info.LastModified, ETag: info.ETag, CRC32C: sum,
		ContentType: srcObject.ContentType, Metadata: srcObject.Metadata,
	}, nil
}

// tooLarge recognises a service that wants large objects to be copied in parts.
func tooLarge(err error) bool {
	var r minio.ErrorResponse
	return errors.As(err, &r) && (r.Code == minio.EntityTooLarge || r.Code == "InvalidRequest")
}

// copyParts copies by a multipart upload whose parts are ranges of the source.
func (b *Bucket) copyParts(ctx context.Context, key string, from *Bucket, srcObject storage.Object,
) (storage.Object, error) {
	src, err := from.Stat(ctx, srcObject.Key)
	if err == nil && srcObject.ETag != "" && src.ETag != srcObject.ETag {
		err = storage.ErrChanged
	}
	if err != nil {
		return storage.Object{}, err
	}
	opts := storage.CreateOptions{ContentType: src.ContentType, Metadata: src.Metadata}
	start := b.startMultipart
	if b.c.strict {
		// MinIO computes no checksum of copied parts, and would then refuse them.
		start = func(ctx context.Context, key string, opts storage.CreateOptions) (*multipart, error) {
			return b.startUpload(ctx, key, opts, nil)
		}
	}
	upload, err := start(ctx, key, opts)
	if err != nil {
		return storage.Object{}, err
	}
	partSize := b.PartSize(src.Size, min(b.c.copyLimit, 512<<20))
	count := 0
	for offset := int64(0); offset < src.Size; offset += partSize {
		size := min(partSize, src.Size-offset)
		p, err := b.c.core.CopyObjectPart(ctx, from.name, src.Key, b.name, key, upload.id, count+1, offset, size,
			onlyIf(src.ETag, map[string]string{}))
		if err != nil {
			err = from.fail(ctx, "copy", src.Key, fmt.Errorf("part %d: %w", count+1, err))
			return storage.Object{}, also(err, upload.abort(ctx))
		}
		upload.record(count, part{etag: p.ETag, size: size, sum: fullChecksum(p.ChecksumCRC32C, "")})
		count++
	}
	o, err := upload.complete(ctx, count)
	if err != nil {
		return storage.Object{}, also(err, upload.abort(ctx))
	}
	return o, nil
}

// copyHeaders ask for a checksum of the copy, and for the storage class.
func (c *Client) copyHeaders() map[string]string {
	headers := map[string]string{"x-amz-checksum-algorithm": "CRC32C"}
	if c.cfg.StorageClass != "" {
		headers["x-amz-storage-class"] = c.cfg.StorageClass
	}
	return headers
}

// onlyIf adds the condition that the source is still the version that etag names.
func onlyIf(etag string, headers map[string]string) map[string]string {
	if etag != "" {
		headers["x-amz-copy-source-if-match"] = quote(etag)
	}
	return headers
}

// computeChecksum reads an object to learn its checksum, where the service does not tell it.
func (b *Bucket) computeChecksum(ctx context.Context, o storage.Object) (storage.Checksum, error) {
	r, err := b.Open(ctx, o.Key, storage.ReadOptions{IfMatch: o.ETag})
	if err != nil {
		return storage.Checksum{}, err
	}
	defer r.Close()
	sum := storage.NewCRC32C()
	if _, err := io.Copy(sum, r); err != nil {
		return storage.Checksum{}, err
	}
	return storage.Checksum{Sum: sum.Sum32(), Known: true}, nil
}
