package s3store

import (
	"context"
	"fmt"
	"io"

	"github.com/skepdata/skep/storage"
)

// PartSize is at least want (0 standing for the configured size) and 5 MiB, and large enough
// for 10,000 parts to hold size bytes, in whole MiB. See storage.PartUploader.
func (b *Bucket) PartSize(size, want int64) int64 {
	const mib = 1 << 20
	if want <= 0 {
		want = b.c.cfg.PartSize
	}
	least := max(want, minPartSize, (size+maxParts-1)/maxParts)
	if least != want {
		least = (least + mib - 1) / mib * mib
	}
	return min(least, maxPartSize)
}

// CreateParts starts a multipart upload. See storage.PartUploader.
func (b *Bucket) CreateParts(ctx context.Context, key string, opts storage.CreateOptions) (storage.Upload, error) {
	u, err := b.planParts(ctx, key, opts)
	if err != nil {
		return nil, err
	}
	if u.count == 0 {
		return u, nil // no upload has no parts: Commit will put the empty object
	}
	if u.multipart, err = b.startMultipart(ctx, key, opts); err != nil {
		return nil, err
	}
	return u, nil
}

// planParts checks what an upload is to be. It sends nothing.
func (b *Bucket) planParts(ctx context.Context, key string, opts storage.CreateOptions) (*partUpload, error) {
	err := b.c.checkKey(key)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, b.fail(ctx, "create", key, err)
	}
	u := &partUpload{b: b, key: key, opts: opts, partSize: opts.PartSize}
	if u.partSize == 0 {
		u.partSize = b.PartSize(opts.Size, 0)
	}
	if err := u.plan(); err != nil {
		return nil, b.fail(ctx, "create", key, err)
	}
	return u, nil
}

// partUpload is an object of known size that is written in parts.
type partUpload struct {
	b        *Bucket
	key      string
	opts     storage.CreateOptions
	partSize int64
	count    int // parts

	*multipart // nil if count is 0
	ended      bool
}

// plan counts the parts, and reports sizes that S3 does not take.
func (u *partUpload) plan() error {
	size := u.opts.Size
	if size < 0 || size > maxObjectSize {
		return fmt.Errorf("an object of %d bytes: S3 takes up to 5 TiB", size)
	}
	if u.partSize < 0 || u.partSize > maxPartSize {
		return fmt.Errorf("parts of %d bytes: S3 takes up to 5 GiB", u.partSize)
	}
	count := (size + u.partSize - 1) / u.partSize
	if count > 1 && u.partSize < minPartSize {
		return fmt.Errorf("parts of %d bytes: S3 takes at least 5 MiB", u.partSize)
	}
	if count > maxParts {
		return fmt.Errorf("%d parts of %d bytes: S3 takes up to %d parts", count, u.partSize, maxParts)
	}
	u.count = int(count)
	return nil
}

// size of part n, which is in range.
func (u *partUpload) sizeOf(n int) int64 {
	return min(u.partSize, u.opts.Size-int64(n)*u.partSize)
}

// WritePart reads the part and then sends it: the checksum goes ahead of the bytes, and a
// request that fails can be repeated. A part of a file is sent from there.
func (u *partUpload) WritePart(ctx context.Context, n int, r io.Reader, size int64) (storage.Checksum, error) {
	if n < 0 || n >= u.count || size != u.sizeOf(n) {
		return storage.Checksum{}, u.b.fail(ctx, "write", u.key,
			fmt.Errorf("part %d of %d bytes does not belong to an object of %d bytes in parts of %d",
				n+1, size, u.opts.Size, u.partSize))
	}
	data, sum, done, err := u.read(r, size)
	defer done()
	if err != nil {
		return storage.Checksum{}, u.b.fail(ctx, "write", u.key,
			fmt.Errorf("part %d: read its %d bytes: %w", n+1, size, err))
	}
	return u.send(ctx, n, data, sum)
}

// read returns what r has as content to be sent, in memory or, where it is a file's, from there.
// done ends the use of it.
func (u *partUpload) read(r io.Reader, size int64) (data content, sum storage.Checksum, done func(), err error) {
	if ranger, ok := r.(storage.FileRanger); ok {
		if f, offset, ok := ranger.FileRange(); ok {
			buf := u.b.c.buffers.get(largeChunk)
			defer u.b.c.buffers.put(buf)
			sum, err = storage.ReadSum(r, size, buf[:cap(buf)])
			return newSection(f, offset, size), sum, func() { _ = f.Close() }, err // it was for reading
		}
	}
	buf := u.b.c.content()
	from := storage.AsSummed(r)
	if err := buf.readFull(from, size); err != nil {
		return nil, storage.Checksum{}, buf.release, err
	}
	return buf, from.CRC32C(), buf.release, nil
}

// Commit makes the object visible. See storage.Upload.
func (u *partUpload) Commit(ctx context.Context) (storage.Object, error) {
	if u.ended {
		return storage.Object{}, u.b.fail(ctx, "commit", u.key, storage.ErrEnded)
	}
	if u.multipart == nil {
		u.ended = true
		return u.b.put(ctx, u.key, memory(nil), storage.CRC32C(nil), u.opts)
	}
	o, err := u.complete(ctx, u.count)
	if err != nil {
		return storage.Object{}, also(err, u.Abort(ctx))
	}
	u.ended = true
	return o, nil
}

// Abort discards the parts. See storage.Upload.
func (u *partUpload) Abort(ctx context.Context) error {
	if u.ended || u.multipart == nil {
		u.ended = true
		return nil
	}
	if err := u.abort(ctx); err != nil {
		return err
	}
	u.ended = true
	return nil
}
