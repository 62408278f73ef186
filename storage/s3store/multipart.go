package s3store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/skepdata/skep/storage"
)

const (
	// abortTimeout bounds the request that discards an upload whose own context is dead.
	abortTimeout = 30 * time.Second
	// completeGrace is how much longer than its context the request that makes an object
	// visible may take. Cutting it off would leave open whether it has.
	completeGrace = 10 * time.Second
)

// multipart is one multipart upload. Parts may be sent by many goroutines at once.
type multipart struct {
	b    *Bucket
	key  string
	id   string
	opts storage.CreateOptions

	mu    sync.Mutex
	parts map[int]part // by number from 0
}

type part struct {
	etag string
	size int64
	sum  storage.Checksum
}

// startMultipart begins an upload whose checksum is to be that of the whole object.
func (b *Bucket) startMultipart(ctx context.Context, key string, opts storage.CreateOptions) (*multipart, error) {
	return b.startUpload(ctx, key, opts, map[string]string{
		"x-amz-checksum-algorithm": "CRC32C",
		"x-amz-checksum-type":      "FULL_OBJECT",
	})
}

func (b *Bucket) startUpload(ctx context.Context, key string, opts storage.CreateOptions,
	headers map[string]string,
) (*multipart, error) {
	put, err := b.c.putOptions(opts, headers)
	if err != nil {
		return nil, b.fail(ctx, "create", key, err)
	}
	id, err := b.newUpload(ctx, key, put)
	if err != nil {
		return nil, b.fail(ctx, "create", key, err)
	}
	return &multipart{b: b, key: key, id: id, opts: opts, parts: map[int]part{}}, nil
}

// newUpload asks for an upload, again only if the service says that it has not begun one: where the
// answer is lost there may be one without a name, which is for the caller to know.
func (b *Bucket) newUpload(ctx context.Context, key string, put minio.PutObjectOptions) (id string, err error) {
	wait := shortestWait
	for attempt := 1; ; attempt++ {
		id, err = b.c.once.NewMultipartUpload(ctx, b.name, key, put)
		var r minio.ErrorResponse
		refused := errors.As(err, &r) && (r.StatusCode == http.StatusServiceUnavailable || r.StatusCode == http.StatusTooManyRequests)
		if !refused || attempt >= b.c.cfg.Attempts {
			return id, err
		}
		timer := time.NewTimer(rand.N(wait))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return "", context.Cause(ctx)
		}
		wait = min(2*wait, longestWait)
	}
}

// send uploads part n, counted from 0. The server refuses it if it is not what sum says.
func (m *multipart) send(ctx context.Context, n int, data content, sum storage.Checksum) (storage.Checksum, error) {
	sent, err := m.b.c.core.PutObjectPart(ctx, m.b.name, m.key, m.id, n+1,
		data.body(), data.size(), minio.PutObjectPartOptions{
			CustomHeader:         http.Header{"X-Amz-Checksum-Crc32c": {sum.String()}},
			DisableContentSha256: true,
			SSE:                  m.b.c.cfg.CustomerKey.sse(),
		})
	if err != nil {
		return storage.Checksum{}, m.b.fail(ctx, "write", m.key, fmt.Errorf("part %d: %w", n+1, err))
	}
	if err := confirmed(sum, fullChecksum(sent.ChecksumCRC32C, "")); err != nil {
		return storage.Checksum{}, m.b.fail(ctx, "write", m.key, fmt.Errorf("part %d: %w", n+1, err))
	}
	m.record(n, part{etag: sent.ETag, size: data.size(), sum: sum})
	return sum, nil
}

func (m *multipart) record(n int, p part) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.parts[n] = p
}

// confirmed checks what the server says it has computed against what it should have.
func confirmed(want, got storage.Checksum) error {
	switch {
	case !got.Known:
		return fmt.Errorf("the server did not confirm the CRC32C; services without it are %w", storage.ErrUnsupported)
	case got.Differs(want):
		return fmt.Errorf("%w: sent CRC32C %s, the server has %s", storage.ErrChecksum, want, got)
	}
	return nil
}

// assembled lists the parts for the server, with the checksum and size of their whole. The
// checksum is unknown if one of theirs is.
func (m *multipart) assembled(count int) (list []minio.CompletePart, sum storage.Checksum, size int64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.parts) > count {
		return nil, sum, 0, fmt.Errorf("%d parts were written, of %d", len(m.parts), count)
	}
	var all storage.Joiner
	for n := range count {
		p, ok := m.parts[n]
		if !ok {
			return nil, sum, 0, fmt.Errorf("part %d of %d was never written", n+1, count)
		}
		list = append(list, minio.CompletePart{PartNumber: n + 1, ETag: p.etag, ChecksumCRC32C: p.sum.String()})
		all.Append(p.sum, p.size)
		size += p.size
	}
	return list, all.Sum(), size, nil
}

// complete makes the object visible. It is not interrupted half-way: see completeGrace.
func (m *multipart) complete(ctx context.Context, count int) (storage.Object, error) {
	list, sum, size, err := m.assembled(count)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return storage.Object{}, m.b.fail(ctx, "commit", m.key, err)
	}
	outliving, cancel := outlive(ctx, completeGrace)
	defer cancel()
	outliving, a := listen(outliving)
	headers := map[string]string{}
	if sum.Known {
		headers["x-amz-checksum-type"] = "FULL_OBJECT"
		headers["x-amz-checksum-crc32c"] = sum.String()
	}
	done, err := m.b.c.core.CompleteMultipartUpload(outliving, m.b.name, m.key, m.id, list,
		minio.PutObjectOptions{UserMetadata: headers, ServerSideEncryption: m.b.c.cfg.CustomerKey.sse()})
	if gone(err) {
		// An answer that was lost, and then the library's second request.
		if o, err := m.b.Stat(outliving, m.key); err == nil && o.Size == size && sum.Known && o.CRC32C == sum {
			return o, nil
		}
	}
	if err != nil {
		return storage.Object{}, m.b.fail(outliving, "commit", m.key, err)
	}
	o := written(m.key, size, done.ETag, fullChecksum(done.ChecksumCRC32C, done.ChecksumMode), m.opts, a)
	if !o.CRC32C.Known {
		if o, err = m.b.Stat(outliving, m.key); err != nil {
			return storage.Object{}, m.b.fail(outliving, "commit", m.key, err)
		}
	}
	if !sum.Known {
		return o, nil
	}
	if err := confirmed(sum, o.CRC32C); err != nil {
		return storage.Object{}, m.b.fail(outliving, "commit", m.key, err)
	}
	return o, nil
}

// abort discards the upload, also when ctx is dead. That there is none is not an error.
func (m *multipart) abort(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	err := m.b.c.core.AbortMultipartUpload(ctx, m.b.name, m.key, m.id)
	if err == nil || gone(err) {
		return nil
	}
	return m.b.fail(ctx, "abort", m.key, err)
}

// gone recognises that an upload has ended, one way or the other.
func gone(err error) bool {
	var r minio.ErrorResponse
	return errors.As(err, &r) && r.Code == minio.NoSuchUpload
}

// outlive returns a context that dies some time after its parent.
func outlive(parent context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel(context.Cause(parent))
		case <-ctx.Done():
		}
	})
	return ctx, func() {
		stop()
		cancel(context.Canceled)
	}
}
