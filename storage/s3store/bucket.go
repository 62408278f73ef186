package s3store

import (
	"context"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/skepdata/skep/storage"
)

// Bucket is one bucket of a Client, as a storage.Bucket. It is safe for concurrent use.
type Bucket struct {
	c    *Client
	name string
}

var (
	_ storage.Bucket          = (*Bucket)(nil)
	_ storage.OptionCopier    = (*Bucket)(nil)
	_ storage.AttributeReader = (*Bucket)(nil)
	_ storage.VersionLister   = (*Bucket)(nil)
	_ storage.Throttler       = (*Bucket)(nil)
	_ storage.Attester        = (*Bucket)(nil)
	_ storage.Remote          = (*Bucket)(nil)
	_ storage.LevelLister     = (*Bucket)(nil)
	_ storage.PageLister      = (*Bucket)(nil)
)

// Bucket returns the bucket of the given name, which need not exist yet.
func (c *Client) Bucket(name string) *Bucket { return &Bucket{c: c, name: name} }

// Client is the client that b belongs to.
func (b *Bucket) Client() *Client { return b.c }

// URL is "s3://name/".
func (b *Bucket) URL() string { return "s3://" + b.name + "/" }

// Close drops idle connections, which b shares with the other buckets of its Client.
func (b *Bucket) Close() error { return b.c.Close() }

// Throttled counts the answers 503 and 429 to requests of b's Client.
func (b *Bucket) Throttled() int64 { return b.c.busy.Load() }

// RoundTrip is that of requests of b's Client that went without a proxy.
func (b *Bucket) RoundTrip() time.Duration { return time.Duration(b.c.nearest.nanos.Load()) }

// fail is Client.fail for an object of b.
func (b *Bucket) fail(ctx context.Context, op, key string, err error) error {
	return b.c.fail(ctx, op, b.URL()+key, err)
}

// Stat describes one object by a HEAD. Times have the resolution of a second there.
func (b *Bucket) Stat(ctx context.Context, key string) (storage.Object, error) {
	return b.stat(ctx, key, "")
}

// stat is Stat of a version, or of the newest.
func (b *Bucket) stat(ctx context.Context, key, versionID string) (storage.Object, error) {
	if err := b.c.checkKey(key); err != nil {
		return storage.Object{}, b.fail(ctx, "stat", key, err)
	}
	info, err := b.head(ctx, key, minio.StatObjectOptions{Checksum: true, VersionID: versionID})
	if err != nil {
		return storage.Object{}, b.fail(ctx, "stat", key, err)
	}
	return b.object(key, info), nil
}

// head sends a HEAD, with the customer's key where the object wants it.
func (b *Bucket) head(ctx context.Context, key string, opts minio.StatObjectOptions) (minio.ObjectInfo, error) {
	opts.ServerSideEncryption = b.c.cfg.CustomerKey.sse()
	info, err := b.c.core.StatObject(ctx, b.name, key, opts)
	if opts.ServerSideEncryption != nil && keyNotWanted(err) {
		opts.ServerSideEncryption = nil
		info, err = b.c.core.StatObject(ctx, b.name, key, opts)
	}
	if err != nil && opts.VersionID != "" {
		err = ofVersion(opts.VersionID, err)
	}
	return info, err
}

// object is what the headers of a response tell of an object.
func (b *Bucket) object(key string, info minio.ObjectInfo) storage.Object {
	return storage.Object{
		Key:          key,
		Size:         info.Size,
		ModTime:      info.LastModified,
		ETag:         info.ETag,
		CRC32C:       fullChecksum(info.ChecksumCRC32C, info.ChecksumMode),
		Digest:       b.digest(info),
		ContentType:  info.ContentType,
		Metadata:     lowerKeys(info.UserMetadata),
		Headers:      headersOf(info.Headers),
		StorageClass: info.Headers.Get("X-Amz-Storage-Class"),
		VersionID:    info.VersionID,
		TagCount:     info.UserTagCount,
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

// written describes an object that was just written, with the metadata as Stat would tell.
func written(key string, size int64, etag string, sum storage.Checksum,
	opts storage.CreateOptions, a *answer,
) storage.Object {
	versionID := a.header.Get("X-Amz-Version-Id")
	contentType := opts.ContentType
	if contentType == "" {
		contentType = "application/octet-stream" // as the protocol has it
	}
	return storage.Object{
		Key: key, Size: size, ModTime: a.date(), ETag: etag, CRC32C: sum,
		ContentType: contentType, Metadata: lowerKeys(opts.Metadata), Headers: opts.Headers,
		StorageClass: opts.StorageClass, VersionID: versionID, TagCount: len(opts.Tags),
	}
}
