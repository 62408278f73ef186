package s3store

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/encrypt"
	"github.com/minio/minio-go/v7/pkg/tags"
	"github.com/skepdata/skep/storage"
)

// putOptions are the headers that start an object, extra ones added. Errors are options that
// no service takes.
func (c *Client) putOptions(opts storage.CreateOptions, extra map[string]string) (minio.PutObjectOptions, error) {
	headers := make(map[string]string, len(opts.Metadata)+len(extra))
	for k, v := range opts.Metadata {
		headers["x-amz-meta-"+strings.ToLower(k)] = v
	}
	if opts.ACL != "" {
		headers["x-amz-acl"] = opts.ACL
	}
	if expires := opts.Headers.Expires; expires != "" {
		if _, err := http.ParseTime(expires); err != nil {
			return minio.PutObjectOptions{}, fmt.Errorf("header Expires: %w", err)
		}
		headers["expires"] = expires
	}
	maps.Copy(headers, extra)
	if len(opts.Tags) > 0 {
		// Checked here, for the library would leave out all tags if one is not valid.
		if _, err := tags.NewTags(opts.Tags, true); err != nil {
			return minio.PutObjectOptions{}, fmt.Errorf("tags: %w", err)
		}
	}
	sse, err := c.encryption(opts.Encryption)
	if err != nil {
		return minio.PutObjectOptions{}, err
	}
	storageClass := c.cfg.StorageClass
	if opts.StorageClass != "" {
		storageClass = opts.StorageClass
	}
	return minio.PutObjectOptions{
		ContentType:          opts.ContentType,
		CacheControl:         opts.Headers.CacheControl,
		ContentDisposition:   opts.Headers.ContentDisposition,
		ContentEncoding:      opts.Headers.ContentEncoding,
		ContentLanguage:      opts.Headers.ContentLanguage,
		UserMetadata:         headers,
		UserTags:             opts.Tags,
		StorageClass:         storageClass,
		ServerSideEncryption: sse,
		DisableContentSha256: true, // the CRC32C is checked instead
	}, nil
}

// encryption is how an object is to be encrypted, by its own options or by the client's.
func (c *Client) encryption(e storage.Encryption) (encrypt.ServerSide, error) {
	if e.Mode != storage.EncryptDefault && c.cfg.CustomerKey.set {
		return nil, fmt.Errorf("encryption %s and a customer's key exclude each other", e.Mode)
	}
	if e.KeyID != "" && e.Mode != storage.EncryptKMS {
		return nil, fmt.Errorf("key %s: only encryption %s takes the id of a key", e.KeyID, storage.EncryptKMS)
	}
	switch e.Mode {
	case storage.EncryptDefault:
		return c.cfg.CustomerKey.sse(), nil
	case storage.EncryptS3:
		return encrypt.NewSSE(), nil
	case storage.EncryptKMS:
		return encrypt.NewSSEKMS(e.KeyID, nil)
	}
	return nil, fmt.Errorf("encryption %q is %w; S3 knows %s and %s",
		e.Mode, storage.ErrUnsupported, storage.EncryptS3, storage.EncryptKMS)
}

func headersOf(h http.Header) storage.Headers {
	return storage.Headers{
		CacheControl:       h.Get("Cache-Control"),
		ContentDisposition: h.Get("Content-Disposition"),
		ContentEncoding:    h.Get("Content-Encoding"),
		ContentLanguage:    h.Get("Content-Language"),
		Expires:            h.Get("Expires"),
	}
}

// Operations besides those of most stores.
const (
	opTags = "read the tags of"
	opACL  = "read the ACL of"
)

// Tags asks for the tags of an object. See storage.AttributeReader.
func (b *Bucket) Tags(ctx context.Context, key, versionID string) (map[string]string, error) {
	t, err := b.c.core.GetObjectTagging(ctx, b.name, key, minio.GetObjectTaggingOptions{VersionID: versionID})
	if err != nil {
		return nil, b.fail(ctx, opTags, key, err)
	}
	return t.ToMap(), nil
}

// ACL asks for the grants of an object's newest version, by two requests; those of other
// versions are not supported yet. See storage.AttributeReader. MinIO knows no ACLs: it drops
// those it is given and answers "private" for all.
func (b *Bucket) ACL(ctx context.Context, key, versionID string) (string, error) {
	if versionID != "" {
		return "", b.fail(ctx, opACL, key, fmt.Errorf("of an old version it is %w", storage.ErrUnsupported))
	}
	info, err := b.c.core.GetObjectACL(ctx, b.name, key)
	if err != nil {
		return "", b.fail(ctx, opACL, key, err)
	}
	return info.Metadata.Get("X-Amz-Acl"), nil
}
