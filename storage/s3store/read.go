package s3store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/skepdata/skep/storage"
)

// Open reads an object by one GET. A connection that breaks is replaced by a GET of the
// rest, on condition that the version is still the same. See storage.Bucket.
func (b *Bucket) Open(ctx context.Context, key string, opts storage.ReadOptions) (storage.Reader, error) {
	if err := b.c.checkKey(key); err != nil {
		return nil, b.fail(ctx, "open", key, err)
	}
	if opts.Offset < 0 || opts.Length < 0 {
		return nil, b.fail(ctx, "open", key,
			fmt.Errorf("%w: offset %d, length %d", storage.ErrInvalidRange, opts.Offset, opts.Length))
	}
	ctx, cancel := context.WithCancel(ctx)
	body, o, err := b.get(ctx, key, opts)
	if errors.Is(err, storage.ErrInvalidRange) {
		body, o, err = b.emptyRange(ctx, key, opts, err)
	}
	if err != nil {
		err = b.fail(ctx, "open", key, err)
		cancel()
		return nil, err
	}
	end := o.Size
	if opts.Length > 0 && opts.Length < o.Size-opts.Offset {
		end = opts.Offset + opts.Length
	}
	r := &reader{b: b, ctx: ctx, cancel: cancel, object: o, version: opts.VersionID, body: body, next: opts.Offset, end: end}
	if opts.Offset == 0 && end == o.Size && !opts.Unverified {
		if err := r.compare(opts.Summed); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	return r, nil
}

// get sends one GET. The object it returns describes the whole object.
func (b *Bucket) get(ctx context.Context, key string, opts storage.ReadOptions) (io.ReadCloser, storage.Object, error) {
	get := minio.GetObjectOptions{VersionID: opts.VersionID, ServerSideEncryption: b.c.cfg.CustomerKey.sse()}
	ranged := opts.Offset > 0 || opts.Length > 0
	switch {
	case opts.Length > 0 && opts.Offset+opts.Length > 0: // otherwise the sum overflows
		get.Set("Range", fmt.Sprintf("bytes=%d-%d", opts.Offset, opts.Offset+opts.Length-1))
	case ranged:
		get.Set("Range", fmt.Sprintf("bytes=%d-", opts.Offset))
	default:
		// Set by hand: the library's own option would hash everything a second time.
		get.Set("x-amz-checksum-mode", "ENABLED")
	}
	if opts.IfMatch != "" {
		get.Set("If-Match", quote(opts.IfMatch))
	}
	body, info, header, err := b.getContent(ctx, key, get)
	if get.ServerSideEncryption != nil && keyNotWanted(err) {
		get.ServerSideEncryption = nil
		body, info, header, err = b.getContent(ctx, key, get)
	}
	if err != nil {
		return nil, storage.Object{}, b.fail(ctx, "open", key, err)
	}
	o := b.object(key, info)
	if ranged {
		size, err := rangeTotal(header, opts.Offset)
		if err != nil {
			body.Close()
			return nil, storage.Object{}, b.fail(ctx, "open", key, err)
		}
		o.Size = size
		o.CRC32C, o.Digest = storage.Checksum{}, storage.Digest{} // of the range, if anything
	}
	return body, o, nil
}

// rangeTotal is the object's size by the Content-Range of a response that must begin at the
// given offset.
func rangeTotal(header http.Header, offset int64) (int64, error) {
	value := header.Get("Content-Range")
	span, total, ok := strings.Cut(strings.TrimPrefix(value, "bytes "), "/")
	first, _, ok2 := strings.Cut(span, "-")
	size, err := strconv.ParseInt(total, 10, 64)
	if !ok || !ok2 || err != nil || first != strconv.FormatInt(offset, 10) {
		return 0, fmt.Errorf("the server answered a read from byte %d with Content-Range %q", offset, value)
	}
	return size, nil
}

// emptyRange tells a range that begins exactly at the end, which holds no bytes, from one
// that begins beyond it, which is an error. S3 refuses both alike.
func (b *Bucket) emptyRange(ctx context.Context, key string, opts storage.ReadOptions, refused error,
) (io.ReadCloser, storage.Object, error) {
	o, err := b.stat(ctx, key, opts.VersionID)
	if err != nil {
		return nil, o, err
	}
	if opts.IfMatch != "" && o.ETag != opts.IfMatch {
		return nil, o, storage.ErrChanged
	}
	if opts.Offset != o.Size {
		return nil, o, refused
	}
	return http.NoBody, o, nil
}

func quote(etag string) string { return `"` + etag + `"` }

// reader reads one version of one object.
type reader struct {
	b      *Bucket
	ctx    context.Context
	cancel context.CancelFunc
	object storage.Object
	body   io.ReadCloser

	version string // that was asked for

	next, end int64 // the bytes still to read
	sum       storage.Checksum
	verify    bool      // sum is to be compared at the end
	hash      hash.Hash // to be compared with the object's digest instead; nil if it is not
	failures  int       // of the connection, since the last byte
	err       error     // once set, what every Read returns
}

func (r *reader) Object() storage.Object { return r.object }

func (r *reader) Read(p []byte) (int, error) {
	if r.err == nil && r.next == r.end {
		if r.end == 0 {
			_, r.err = r.took(nil) // nothing came: it may be that there is something
		}
		r.err = cmp.Or(r.err, io.EOF)
	}
	if r.err != nil || len(p) == 0 {
		return 0, r.err
	}
	for {
		n, err := r.body.Read(p[:min(int64(len(p)), r.end-r.next)])
		if n > 0 {
			r.failures = 0
			return r.took(p[:n])
		}
		if err == nil {
			continue
		}
		if r.err = r.resume(err); r.err != nil {
			return 0, r.err
		}
	}
}

// took accounts for bytes that were read. The last ones are withheld if the whole turns out
// to be damaged, for a caller who knows the length would not read on to see an error.
func (r *reader) took(p []byte) (int, error) {
	r.next += int64(len(p))
	switch {
	case r.hash != nil:
		_, _ = r.hash.Write(p) // a hash reports no errors
		if r.next < r.end {
			return len(p), nil
		}
		if r.err = r.compared(); r.err != nil {
			return 0, r.err
		}
		return len(p), nil
	case !r.verify:
		return len(p), nil
	}
	r.sum = storage.UpdateCRC32C(r.sum, p)
	if r.next == r.end && r.sum.Differs(r.object.CRC32C) {
		r.err = r.b.fail(r.ctx, "read", r.object.Key,
			fmt.Errorf("%w: the bytes that came have CRC32C %s, the object has %s",
				storage.ErrChecksum, r.sum, r.object.CRC32C))
		return 0, r.err
	}
	return len(p), nil
}

// resume replaces a broken connection by another that goes on at the next byte.
func (r *reader) resume(broken error) error {
	if errors.Is(broken, io.EOF) {
		broken = io.ErrUnexpectedEOF
	}
	r.failures++
	if r.ctx.Err() != nil || r.object.ETag == "" || r.failures >= r.b.c.cfg.Attempts {
		return r.b.fail(r.ctx, "read", r.object.Key, broken)
	}
	body, _, err := r.b.get(r.ctx, r.object.Key, storage.ReadOptions{
		Offset: r.next, Length: r.end - r.next, IfMatch: r.object.ETag, VersionID: r.version,
	})
	if errors.Is(err, storage.ErrNotExist) || errors.Is(err, storage.ErrInvalidRange) {
		err = storage.ErrChanged // it was deleted, or cut short, since
	}
	if err != nil {
		return r.b.fail(r.ctx, "read", r.object.Key, err)
	}
	r.body.Close()
	r.body = body
	return nil
}

// Close ends the request if bytes are left to read, and otherwise keeps its connection.
func (r *reader) Close() error {
	if r.err == nil || errors.Is(r.err, io.EOF) {
		r.err = errors.New("the reader is closed")
	}
	if r.next < r.end {
		r.cancel()
	}
	err := r.body.Close()
	r.cancel()
	if err != nil && r.next == r.end {
		return r.b.fail(context.WithoutCancel(r.ctx), "read", r.object.Key, err)
	}
	return nil
}
