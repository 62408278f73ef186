package s3store

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/skepdata/skep/storage"
)

// Services keep other checksums than CRC32C of objects that others have written, and of those without
// any the ETag, which is the MD5 of what was written by one request and is not encrypted by a key
// of somebody's own. What was written in parts may have those of the parts only: the hash of their
// hashes, with "-" and their number behind it.

// digest is what a response tells of the whole content of an object where it does not tell its CRC32C. An
// MD5 is dear to compute, and over TLS no bit is another.
func (b *Bucket) digest(info minio.ObjectInfo) storage.Digest {
	if fullChecksum(info.ChecksumCRC32C, info.ChecksumMode).Known {
		return storage.Digest{}
	}
	for _, c := range checksums(info) {
		if d := storage.ParseDigest(c.algorithm, c.value); d.Known() && info.ChecksumMode != "COMPOSITE" {
			return d
		}
	}
	if b.c.secure || !isMD5(info) {
		return storage.Digest{}
	}
	return storage.ETagDigest(info.ETag)
}

type checksum struct{ algorithm, value string }

// checksums are those in a response, those first that cost least.
func checksums(info minio.ObjectInfo) []checksum {
	return []checksum{
		{"CRC32C", info.ChecksumCRC32C},
		{"CRC64NVME", info.ChecksumCRC64NVME},
		{"CRC32", info.ChecksumCRC32},
		{"SHA256", info.ChecksumSHA256},
		{"SHA1", info.ChecksumSHA1},
	}
}

// isMD5 reports whether the ETag can be made of MD5 sums.
func isMD5(info minio.ObjectInfo) bool {
	sse := info.Headers.Get("X-Amz-Server-Side-Encryption")
	return (sse == "" || sse == string(storage.EncryptS3)) &&
		info.Headers.Get("X-Amz-Server-Side-Encryption-Customer-Algorithm") == ""
}

// Attest asks by a HEAD for what a listing does not tell, and by another for the size of the parts where
// the service has a hash of hashes. It asks nothing over TLS. See storage.Attester.
func (b *Bucket) Attest(ctx context.Context, o storage.Object) (storage.Object, error) {
	if b.c.secure || o.CRC32C.Known || o.Digest.Known() {
		return o, nil
	}
	info, err := b.head(ctx, o.Key, minio.StatObjectOptions{Checksum: true, VersionID: o.VersionID})
	if err != nil {
		err = b.fail(ctx, "stat", o.Key, err)
	}
	if errors.Is(err, storage.ErrNotExist) || err == nil && o.ETag != "" && info.ETag != o.ETag {
		err = b.fail(ctx, "stat", o.Key, storage.ErrChanged)
	}
	if err != nil {
		return o, err
	}
	known := b.object(o.Key, info)
	o.CRC32C, o.Digest = known.CRC32C, known.Digest
	if o.CRC32C.Known || o.Digest.Known() {
		return o, nil
	}
	if o.Digest, err = b.joint(ctx, o, info); err != nil {
		return o, b.fail(ctx, "stat", o.Key, err)
	}
	return o, nil
}

// Exact reports whether it is TLS that is spoken. See storage.Attester.
func (b *Bucket) Exact() bool { return b.c.secure }

// joint is the hash of the hashes of an object's parts. It is in doubt whether all are as large as
// the first.
func (b *Bucket) joint(ctx context.Context, o storage.Object, info minio.ObjectInfo) (storage.Digest, error) {
	var d storage.Digest
	parts := ""
	for _, c := range checksums(info) {
		value, count, ok := strings.Cut(c.value, "-")
		if d = storage.ParseDigest(c.algorithm, value); d.Known() && ok {
			parts = count
			break
		}
	}
	if parts == "" && isMD5(info) {
		value, count, _ := strings.Cut(info.ETag, "-")
		d, parts = storage.ETagDigest(value), count
	}
	n, err := strconv.ParseInt(parts, 10, 64)
	if err != nil || n < 1 || !d.Known() {
		return storage.Digest{}, nil
	}
	first, err := b.head(ctx, o.Key, minio.StatObjectOptions{PartNumber: 1, VersionID: o.VersionID})
	if err != nil {
		return storage.Digest{}, err
	}
	if d.PartSize = first.Size; d.PartSize < 1 || (o.Size+d.PartSize-1)/d.PartSize != n {
		return storage.Digest{}, nil
	}
	d.Doubtful = true
	if b.doubts(d) {
		return storage.Digest{}, nil
	}
	return d, nil
}
