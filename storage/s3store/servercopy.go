package s3store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/s3utils"
	"github.com/skepdata/skep/storage"
)

// CopyFrom is CopyWith without options. See storage.ServerCopier.
func (b *Bucket) CopyFrom(ctx context.Context, key string, src storage.Bucket, srcObject storage.Object,
) (storage.Object, error) {
	return b.CopyWith(ctx, key, src, srcObject, storage.CopyOptions{})
}

// CopyWith copies an object within the service: by one request up to 5 GiB at Amazon and 64
// GiB elsewhere, beyond that in parts. Where the service does not tell the checksum of the
// copy, which is so for parts copied at MinIO, the copy is read once to compute it. See
// storage.OptionCopier.
func (b *Bucket) CopyWith(ctx context.Context, key string, src storage.Bucket, srcObject storage.Object,
	opts storage.CopyOptions,
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
	c := serverCopy{b: b, key: key, from: from, src: srcObject, opts: opts}
	c.keepExpires()
	o, err := c.run(ctx)
	if err == nil && !o.CRC32C.Known {
		o.CRC32C, err = b.computeChecksum(ctx, o)
	}
	if err == nil && o.CRC32C.Differs(srcObject.CRC32C) {
		err = fmt.Errorf("%w: the copy has CRC32C %s, its source %s", storage.ErrChecksum, o.CRC32C, srcObject.CRC32C)
	}
	if err != nil {
		var told *storage.Error
		if errors.As(err, &told) && told.URL == from.URL()+srcObject.Key {
			return storage.Object{}, err // it is the source that is not as it should be
		}
		return storage.Object{}, b.fail(ctx, "copy", key, err)
	}
	return o, nil
}

// serverCopy is one copy within the service.
type serverCopy struct {
	b    *Bucket
	key  string
	from *Bucket
	src  storage.Object
	opts storage.CopyOptions
}

// keepExpires gives the copy the metadata of its source anew, as far as it is known, where that has an
// Expires header: MinIO drops it.
func (c *serverCopy) keepExpires() {
	if !c.b.c.strict || c.opts.ReplaceMetadata || c.src.Headers.Expires == "" {
		return
	}
	c.opts.ReplaceMetadata = true
	c.opts.To.ContentType, c.opts.To.Metadata, c.opts.To.Headers = c.src.ContentType, c.src.Metadata, c.src.Headers
}

func (c *serverCopy) run(ctx context.Context) (storage.Object, error) {
	switch {
	case c.from.name == c.b.name && c.src.Key == c.key && c.src.VersionID == "" && c.changesNothing():
		return c.b.copyOntoItself(ctx, c.src)
	case c.src.Size > c.b.c.copyLimit:
		return c.inParts(ctx)
	}
	o, err := c.whole(ctx)
	if tooLarge(err) && c.src.Size > maxPartSize {
		return c.inParts(ctx)
	}
	return o, err
}

func (c *serverCopy) changesNothing() bool {
	return !c.opts.ReplaceMetadata && !c.opts.ReplaceTags && c.opts.To.Demands() == nil
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

// whole copies by one request. Its answer tells the checksum at MinIO; elsewhere a HEAD does.
func (c *serverCopy) whole(ctx context.Context) (storage.Object, error) {
	headers, err := c.headers()
	if err != nil {
		return storage.Object{}, err
	}
	listening, a := listen(ctx)
	info, err := c.b.c.core.CopyObject(listening, c.from.name, c.src.Key, c.b.name, c.key, headers,
		minio.CopySrcOptions{VersionID: c.src.VersionID}, minio.PutObjectOptions{})
	if err != nil {
		if tooLarge(err) {
			return storage.Object{}, err
		}
		if ofSource(err) {
			return storage.Object{}, c.from.fail(ctx, "copy", c.src.Key, err)
		}
		return storage.Object{}, c.b.fail(ctx, "copy", c.key, err)
	}
	sum := a.checksum()
	if !sum.Known || c.src.ETag == "" {
		return c.b.Stat(ctx, c.key)
	}
	o := storage.Object{
		Key: c.key, Size: c.src.Size, ModTime: info.LastModified, ETag: info.ETag, CRC32C: sum,
		ContentType: c.src.ContentType, Metadata: c.src.Metadata, Headers: c.src.Headers,
		StorageClass: c.opts.To.StorageClass, VersionID: a.header.Get("X-Amz-Version-Id"), TagCount: c.src.TagCount,
	}
	if c.opts.ReplaceMetadata {
		o.ContentType, o.Metadata, o.Headers = c.opts.To.ContentType, lowerKeys(c.opts.To.Metadata), c.opts.To.Headers
	}
	if c.opts.ReplaceTags {
		o.TagCount = len(c.opts.To.Tags)
	}
	return o, nil
}

// headers ask for a checksum of the copy, and for what is to be other than at the source.
func (c *serverCopy) headers() (map[string]string, error) {
	to := storage.CreateOptions{
		StorageClass: c.opts.To.StorageClass, Encryption: c.opts.To.Encryption, ACL: c.opts.To.ACL,
	}
	if c.opts.ReplaceMetadata {
		to.ContentType, to.Metadata, to.Headers = c.opts.To.ContentType, c.opts.To.Metadata, c.opts.To.Headers
	}
	if c.opts.ReplaceTags {
		to.Tags = c.opts.To.Tags
	}
	put, err := c.b.c.putOptions(to, nil)
	if err != nil {
		return nil, err
	}
	headers := map[string]string{"x-amz-checksum-algorithm": "CRC32C"}
	for k, v := range put.Header() {
		headers[strings.ToLower(k)] = v[0]
	}
	if c.opts.ReplaceMetadata {
		headers["x-amz-metadata-directive"] = "REPLACE"
	} else {
		delete(headers, "content-type")
	}
	if c.opts.ReplaceTags {
		headers["x-amz-tagging-directive"] = "REPLACE"
	}
	return onlyIf(c.src.ETag, c.from.c.sourceKey(headers)), nil
}

// tooLarge recognises a service that wants large objects to be copied in parts.
func tooLarge(err error) bool {
	var r minio.ErrorResponse
	return errors.As(err, &r) && (r.Code == minio.EntityTooLarge || r.Code == "InvalidRequest")
}

// ofSource recognises what is wrong with the source of a copy, not with its destination.
func ofSource(err error) bool {
	var r minio.ErrorResponse
	return errors.As(err, &r) && (r.Code == "NoSuchKey" || r.Code == "PreconditionFailed" || r.Code == "NoSuchVersion" || r.Code == "InvalidObjectState")
}

// inParts copies by a multipart upload whose parts are ranges of the source. Such an upload
// takes nothing else over, so metadata and tags are asked for and given again.
func (c *serverCopy) inParts(ctx context.Context) (storage.Object, error) {
	src, err := c.from.stat(ctx, c.src.Key, c.src.VersionID)
	if err == nil && c.src.ETag != "" && src.ETag != c.src.ETag {
		err = storage.ErrChanged
	}
	if err != nil {
		return storage.Object{}, err
	}
	opts := c.opts.To
	opts.Size, opts.PartSize = src.Size, 0
	if !c.opts.ReplaceMetadata {
		opts.ContentType, opts.Metadata, opts.Headers = src.ContentType, src.Metadata, src.Headers
	}
	if !c.opts.ReplaceTags && src.TagCount > 0 {
		if opts.Tags, err = c.from.Tags(ctx, c.src.Key, c.src.VersionID); err != nil {
			return storage.Object{}, err
		}
	}
	start := c.b.startMultipart
	if c.b.c.strict {
		// MinIO computes no checksum of copied parts, and would then refuse them.
		start = func(ctx context.Context, key string, opts storage.CreateOptions) (*multipart, error) {
			return c.b.startUpload(ctx, key, opts, nil)
		}
	}
	upload, err := start(ctx, c.key, opts)
	if err != nil {
		return storage.Object{}, err
	}
	count, err := c.sendRanges(ctx, upload, src)
	if err != nil {
		return storage.Object{}, also(err, upload.abort(ctx))
	}
	o, err := upload.complete(ctx, count)
	if err != nil {
		return storage.Object{}, also(err, upload.abort(ctx))
	}
	return o, nil
}

// sendRanges copies src range by range, and returns how many there were.
func (c *serverCopy) sendRanges(ctx context.Context, upload *multipart, src storage.Object) (count int, err error) {
	partSize := c.b.PartSize(src.Size, min(c.b.c.copyLimit, 512<<20))
	for offset := int64(0); offset < src.Size; offset += partSize {
		size := min(partSize, src.Size-offset)
		headers := c.from.c.sourceKey(c.b.c.partKey(map[string]string{}))
		if c.src.VersionID != "" {
			headers["x-amz-copy-source"] = s3utils.EncodePath(c.from.name+"/"+src.Key) +
				"?versionId=" + url.QueryEscape(c.src.VersionID)
		}
		p, err := c.b.c.core.CopyObjectPart(ctx, c.from.name, src.Key, c.b.name, c.key, upload.id, count+1, offset, size,
			onlyIf(src.ETag, headers))
		if err != nil {
			return count, c.from.fail(ctx, "copy", src.Key, fmt.Errorf("part %d: %w", count+1, err))
		}
		upload.record(count, part{etag: p.ETag, size: size, sum: fullChecksum(p.ChecksumCRC32C, "")})
		count++
	}
	return count, nil
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
	r, err := b.Open(ctx, o.Key, storage.ReadOptions{IfMatch: o.ETag, VersionID: o.VersionID})
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
