package storagetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/skepdata/skep/storage"
)

// PartSize implements storage.PartUploader: any size will do, so it is what is wanted.
func (m *Mem) PartSize(size, want int64) int64 {
	if want <= 0 {
		want = 8 << 20
	}
	return want
}

// memParts is what has arrived of an object that is written in parts.
type memParts struct {
	storage.PendingUpload

	mu    sync.Mutex
	parts map[int][]byte
	ended bool
}

// CreateParts implements storage.PartUploader.
func (m *Mem) CreateParts(
	ctx context.Context, key string, opts storage.CreateOptions,
) (storage.Upload, error) {
	u, err := m.startUpload(ctx, key, opts)
	if err != nil {
		return nil, err
	}
	u.memParts = &memParts{parts: map[int][]byte{}}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.versions++
	u.PendingUpload = storage.PendingUpload{Key: key, ID: fmt.Sprintf("upload-%d", m.versions), Started: time.Now()}
	m.uploads[u.PendingUpload.ID] = u.memParts
	return u, nil
}

func (m *Mem) startUpload(ctx context.Context, key string, opts storage.CreateOptions) (*memUpload, error) {
	v, err := m.start(ctx, key, opts)
	if err != nil {
		return nil, err
	}
	partSize := opts.PartSize
	if partSize <= 0 {
		partSize = m.PartSize(opts.Size, 0)
	}
	if opts.Size < 0 {
		return nil, m.fail("create", key, fmt.Errorf("size %d: the size must be known", opts.Size))
	}
	return &memUpload{m: m, v: v, size: opts.Size, partSize: partSize}, nil
}

// ResumeParts implements storage.PartResumer.
func (m *Mem) ResumeParts(
	ctx context.Context, key string, opts storage.CreateOptions, id string,
) (storage.Upload, []storage.PartDone, error) {
	u, err := m.startUpload(ctx, key, opts)
	if err != nil {
		return nil, nil, err
	}
	m.mu.RLock()
	parts, ok := m.uploads[id]
	m.mu.RUnlock()
	if !ok || parts.Key != key {
		return nil, nil, m.fail("create", key, fmt.Errorf("upload %s %w", id, storage.ErrNotExist))
	}
	u.memParts = parts
	parts.mu.Lock()
	defer parts.mu.Unlock()
	var done []storage.PartDone
	for _, n := range slices.Sorted(maps.Keys(parts.parts)) {
		p := parts.parts[n]
		if err := u.fits(n, int64(len(p))); err != nil {
			return nil, nil, m.fail("create", key, err)
		}
		done = append(done, storage.PartDone{N: n, Size: int64(len(p)), CRC32C: storage.CRC32C(p)})
	}
	return u, done, nil
}

// Uploads implements storage.PartResumer.
func (m *Mem) Uploads(ctx context.Context, prefix string) iter.Seq2[storage.PendingUpload, error] {
	return func(yield func(storage.PendingUpload, error) bool) {
		m.mu.RLock()
		pending := slices.SortedFunc(maps.Values(m.uploads), func(a, b *memParts) int {
			return cmp.Compare(a.PendingUpload.ID, b.PendingUpload.ID)
		})
		m.mu.RUnlock()
		for _, p := range pending {
			if ctx.Err() != nil {
				yield(storage.PendingUpload{}, m.fail("list", prefix, context.Cause(ctx)))
				return
			}
			if strings.HasPrefix(p.Key, prefix) && !yield(p.PendingUpload, nil) {
				return
			}
		}
	}
}

// AbortUpload implements storage.PartResumer.
func (m *Mem) AbortUpload(ctx context.Context, u storage.PendingUpload) error {
	if ctx.Err() != nil {
		return m.fail("abort", u.Key, context.Cause(ctx))
	}
	m.mu.RLock()
	parts := m.uploads[u.ID]
	m.mu.RUnlock()
	if parts != nil {
		m.end(parts)
	}
	return nil
}

// end forgets an upload.
func (m *Mem) end(p *memParts) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended, p.parts = true, nil
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.uploads, p.PendingUpload.ID)
}

// memUpload is a hand on an upload.
type memUpload struct {
	m              *Mem
	v              *version
	size, partSize int64

	*memParts
}

// ID implements storage.Named.
func (u *memUpload) ID() string { return u.PendingUpload.ID }

// fits reports a part that does not belong to the object.
func (u *memUpload) fits(n int, size int64) error {
	if want := min(u.partSize, u.size-int64(n)*u.partSize); n < 0 || size != want {
		return fmt.Errorf("part %d has %d bytes, want %d: CreateOptions.PartSize is %d", n, size, want, u.partSize)
	}
	return nil
}

func (u *memUpload) WritePart(
	ctx context.Context, n int, r io.Reader, size int64,
) (storage.Checksum, error) {
	if err := u.check(ctx); err != nil {
		return storage.Checksum{}, u.m.fail("write", u.v.Key, err)
	}
	if err := u.fits(n, size); err != nil {
		return storage.Checksum{}, u.m.fail("write", u.v.Key, err)
	}
	content, err := readSized(r, size)
	if err != nil {
		return storage.Checksum{}, u.m.fail("write", u.v.Key, fmt.Errorf("part %d: %w", n, err))
	}
	if err := u.check(ctx); err != nil {
		return storage.Checksum{}, u.m.fail("write", u.v.Key, err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended {
		return storage.Checksum{}, u.m.fail("write", u.v.Key, storage.ErrEnded)
	}
	u.parts[n] = content
	return storage.CRC32C(content), nil
}

func (u *memUpload) check(ctx context.Context) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended {
		return storage.ErrEnded
	}
	return context.Cause(ctx)
}

func (u *memUpload) Commit(ctx context.Context) (storage.Object, error) {
	if err := u.check(ctx); err != nil {
		return storage.Object{}, u.m.fail("commit", u.v.Key, err)
	}
	content, err := u.assembled()
	if err != nil {
		return storage.Object{}, u.m.fail("commit", u.v.Key, err)
	}
	u.m.end(u.memParts)
	v := *u.v
	v.Metadata, v.content = maps.Clone(v.Metadata), content
	return u.m.put(&v)
}

func (u *memUpload) assembled() ([]byte, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	content := make([]byte, 0, u.size)
	for n := 0; int64(len(content)) < u.size; n++ {
		part, ok := u.parts[n]
		if !ok {
			return nil, fmt.Errorf("part %d is missing", n)
		}
		content = append(content, part...)
	}
	return content, nil
}

func (u *memUpload) Abort(context.Context) error {
	u.m.end(u.memParts)
	return nil
}

// readSized reads exactly size bytes from r, and reports it when there are fewer.
func readSized(r io.Reader, size int64) ([]byte, error) {
	content := make([]byte, size)
	if n, err := io.ReadFull(r, content); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("the part ends after %d of %d bytes: %w", n, size, io.ErrUnexpectedEOF)
		}
		return nil, err
	}
	return content, nil
}
