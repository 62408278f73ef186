package s3store

import (
	"context"
	"maps"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/skepdata/skep/storage"
)

// Bucket is one bucket of a Client, as a storage.Bucket. It is safe for concurrent use.
type Bucket struct {
	c    *Client
	name string
}

var (
	_ storage.Bucket       = (*Bucket)(nil)
	_ storage.ServerCopier = (*Bucket)(nil)
	_ storage.PartUploader = (*Bucket)(nil)
)

// Bucket returns the bucket of the given name, which need not exist yet.
func (c *Client) Bucket(name string) *Bucket { return &Bucket{c: c, name: name} }

// Client is the client that b belongs to.
func (b *Bucket) Client() *Client { return b.c }

// URL is "s3://name/".
func (b *Bucket) URL() string { return "s3://" + b.name + "/" }

// Close drops idle connections, which b shares with the other buckets of its Client.
func (b *Bucket) Close() error { return b.c.Close() }

// fail is Client.fail for an object of b.
func (b *Bucket) fail(ctx context.Context, op, key string, err error) error {
	return b.c.fail(ctx, op, b.URL()+key, err)
}

// Stat describes one object by a HEAD. Times have the resolution of a second there.
func (b *Bucket) Stat(ctx context.Context, key string) (storage.Object, error) {
	if err := b.c.checkKey(key); err != nil {
		return storage.Object{}, b.fail(ctx, "stat", key, err)
	}
	info, err := b.c.core.StatObject(ctx, b.name, key, minio.StatObjectOptions{Checksum: true})
	if err != nil {
		return storage.Object{}, b.fail(ctx, "stat", key, err)
	}
	return object(key, info), nil
}

// object is what the headers of a response tell of an object.
func object(key string, info minio.ObjectInfo) storage.Object {
	return storage.Object{
		Key:         key,
		Size:        info.Size,
		ModTime:     info.LastModified,
		ETag:        info.ETag,
		CRC32C:      fullChecksum(info.ChecksumCRC32C, info.ChecksumMode),
		ContentType: info.ContentType,
		Metadata:    lowerKeys(info.UserMetadata),
	}
}

// lowerKeys brings metadata to the form in which storage.Object has it.
func lowerKeys(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	lower := make(map[string]string, len(m))
	for k, v := range m {
		lower[strings.ToLower(k)] = v
	}
	return lower
}

// putOptions are the headers that start an object, extra ones added.
func (c *Client) putOptions(opts storage.CreateOptions, extra map[string]string) minio.PutObjectOptions {
	headers := make(map[string]string, len(opts.Metadata)+len(extra))
	for k, v := range opts.Metadata {
		headers["x-amz-meta-"+strings.ToLower(k)] = v
	}
	maps.Copy(headers, extra)
	return minio.PutObjectOptions{
		ContentType:          opts.ContentType,
		UserMetadata:         headers,
		StorageClass:         c.cfg.StorageClass,
		DisableContentSha256: true, // the CRC32C is checked instead
	}
}

// written describes an object that was just written, with the metadata as Stat would tell.
func written(key string, size int64, etag string, sum storage.Checksum,
	opts storage.CreateOptions, a *answer,
) storage.Object {
	contentType := opts.ContentType
	if contentType == "" {
		contentType = "application/octet-stream" // as the protocol has it
	}
	return storage.Object{
		Key: key, Size: size, ModTime: a.date(), ETag: etag, CRC32C: sum,
		ContentType: contentType, Metadata: lowerKeys(opts.Metadata),
	}
}
