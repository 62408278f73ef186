package s3store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/skepdata/skep/storage"
)

// SetCopyLimit makes objects beyond n bytes be copied in parts.
func (c *Client) SetCopyLimit(n int64) { c.copyLimit = n }

// PendingUploads lists the keys of unfinished multipart uploads.
func (b *Bucket) PendingUploads(ctx context.Context) ([]string, error) {
	r, err := b.c.core.ListMultipartUploads(ctx, b.name, "", "", "", "", 1000)
	var keys []string
	for _, u := range r.Uploads {
		keys = append(keys, u.Key)
	}
	return keys, err
}

// PutForeign writes an object in parts of 5 MiB, as a client with other ideas of checksums
// does.
func (b *Bucket) PutForeign(ctx context.Context, key string, content []byte, headers map[string]string) error {
	id, err := b.c.core.NewMultipartUpload(ctx, b.name, key, minio.PutObjectOptions{UserMetadata: headers})
	if err != nil {
		return err
	}
	var list []minio.CompletePart
	for part := range slices.Chunk(content, minPartSize) {
		n := len(list) + 1
		h := http.Header{}
		switch headers["x-amz-checksum-algorithm"] {
		case "CRC32C":
			h.Set("x-amz-checksum-crc32c", storage.CRC32C(part).String())
		case "SHA256":
			sum := sha256.Sum256(part)
			h.Set("x-amz-checksum-sha256", base64.StdEncoding.EncodeToString(sum[:]))
		}
		p, err := b.c.core.PutObjectPart(ctx, b.name, key, id, n, bytes.NewReader(part), int64(len(part)),
			minio.PutObjectPartOptions{CustomHeader: h, DisableContentSha256: true})
		if err != nil {
			return err
		}
		list = append(list, minio.CompletePart{PartNumber: n, ETag: p.ETag, ChecksumCRC32C: p.ChecksumCRC32C, ChecksumSHA256: p.ChecksumSHA256})
	}
	_, err = b.c.core.CompleteMultipartUpload(ctx, b.name, key, id, list, minio.PutObjectOptions{})
	return err
}

// MakePublic lets everybody list the bucket and read its objects.
func (b *Bucket) MakePublic(ctx context.Context) error {
	return b.c.core.SetBucketPolicy(ctx, b.name, `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
		"Principal": {"AWS": ["*"]}, "Action": ["s3:GetObject", "s3:ListBucket"],
		"Resource": ["arn:aws:s3:::`+b.name+`", "arn:aws:s3:::`+b.name+`/*"]}]}`)
}

// KeepVersions turns versioning on.
func (b *Bucket) KeepVersions(ctx context.Context) error {
	return b.c.core.EnableVersioning(ctx, b.name)
}

// DeleteVersions removes all versions, so that the bucket can be removed.
func (b *Bucket) DeleteVersions(ctx context.Context) error {
	for info := range b.c.core.ListObjectsIter(ctx, b.name, minio.ListObjectsOptions{Recursive: true, WithVersions: true}) {
		if info.Err != nil {
			return info.Err
		}
		opts := minio.RemoveObjectOptions{VersionID: info.VersionID}
		if err := b.c.core.RemoveObject(ctx, b.name, info.Key, opts); err != nil {
			return err
		}
	}
	return nil
}

// EncryptedBy is what a HEAD tells of an object's encryption.
func (b *Bucket) EncryptedBy(ctx context.Context, key string) (string, error) {
	info, err := b.c.core.StatObject(ctx, b.name, key, minio.StatObjectOptions{})
	return info.Headers.Get("X-Amz-Server-Side-Encryption"), err
}

// SetPage sets how many objects are listed by one request.
func (c *Client) SetPage(n int) { c.page = n }

// CompleteCut completes the upload "k", of one part of "x", and goes away after a while.
func (b *Bucket) CompleteCut(id string, after time.Duration) error {
	parts, err := b.c.core.ListObjectParts(context.Background(), b.name, "k", id, 0, 1)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), after)
	defer cancel()
	_, err = b.c.once.CompleteMultipartUpload(ctx, b.name, "k", id,
		[]minio.CompletePart{{PartNumber: 1, ETag: parts.ObjectParts[0].ETag, ChecksumCRC32C: parts.ObjectParts[0].ChecksumCRC32C}}, minio.PutObjectOptions{})
	return err
}

// RegionalHost is regionalHost.
func RegionalHost(host, region string) string { return regionalHost(host, region) }

// Dialer is dialer.
func Dialer(r *net.Resolver) func(ctx context.Context, network, address string) (net.Conn, error) {
	return dialer(r)
}
