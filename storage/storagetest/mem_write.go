package storagetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"sync"

	"github.com/skepdata/skep/storage"
)

var errEnded = errors.New("the writer has been committed or aborted already")

// Create implements storage.Bucket.
func (m *Mem) Create(
	ctx context.Context, key string, opts storage.CreateOptions,
) (storage.Writer, error) {
	o, err := m.start(ctx, key, opts)
	if err != nil {
		return nil, err
	}
	return &memWriter{m: m, ctx: ctx, o: o}, nil
}

// start checks what Create and CreateParts were given, and describes the object to be.
func (m *Mem) start(ctx context.Context, key string, opts storage.CreateOptions) (storage.Object, error) {
	if ctx.Err() != nil {
		return storage.Object{}, m.fail("create", key, context.Cause(ctx))
	}
	if key == "" {
		return storage.Object{}, m.fail("create", key, storage.ErrInvalidKey)
	}
	o := storage.Object{Key: key, ContentType: opts.ContentType}
	if len(opts.Metadata) > 0 {
		o.Metadata = map[string]string{}
		for k, v := range opts.Metadata {
			o.Metadata[strings.ToLower(k)] = v
		}
	}
	return o, nil
}

type memWriter struct {
	m       *Mem
	ctx     context.Context // of Create, which bounds the whole write
	o       storage.Object
	content []byte
	ended   bool
}

func (w *memWriter) Write(p []byte) (int, error) {
	if err := w.check("write"); err != nil {
		return 0, err
	}
	w.content = append(w.content, p...)
	return len(p), nil
}

func (w *memWriter) check(op string) error {
	if w.ended {
		return w.m.fail(op, w.o.Key, errEnded)
	}
	if w.ctx.Err() != nil {
		return w.m.fail(op, w.o.Key, context.Cause(w.ctx))
	}
	return nil
}

func (w *memWriter) Commit() (storage.Object, error) {
	if err := w.check("commit"); err != nil {
		return storage.Object{}, err
	}
	w.ended = true
	return w.m.put(w.o, w.content)
}

func (w *memWriter) Abort() error {
	w.ended, w.content = true, nil
	return nil
}

// PartSize implements storage.PartUploader: any size will do, so it is what is wanted.
func (m *Mem) PartSize(size, want int64) int64 {
	if want <= 0 {
		want = 8 << 20
	}
	return want
}

// CreateParts implements storage.PartUploader.
func (m *Mem) CreateParts(
	ctx context.Context, key string, opts storage.CreateOptions,
) (storage.Upload, error) {
	o, err := m.start(ctx, key, opts)
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
	return &memUpload{m: m, o: o, size: opts.Size, partSize: partSize, parts: map[int][]byte{}}, nil
}

type memUpload struct {
	m              *Mem
	o              storage.Object
	size, partSize int64

	mu    sync.Mutex
	parts map[int][]byte
	ended bool
}

func (u *memUpload) WritePart(
	ctx context.Context, n int, r io.Reader, size int64,
) (storage.Checksum, error) {
	if err := u.check(ctx); err != nil {
		return storage.Checksum{}, u.m.fail("write", u.o.Key, err)
	}
	if want := min(u.partSize, u.size-int64(n)*u.partSize); n < 0 || size != want {
		return storage.Checksum{}, u.m.fail("write", u.o.Key, fmt.Errorf(
			"part %d has %d bytes, want %d: CreateOptions.PartSize is %d", n, size, want, u.partSize))
	}
	content, err := readSized(r, size)
	if err != nil {
		return storage.Checksum{}, u.m.fail("write", u.o.Key, fmt.Errorf("part %d: %w", n, err))
	}
	if err := u.check(ctx); err != nil {
		return storage.Checksum{}, u.m.fail("write", u.o.Key, err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.parts[n] = content
	return storage.CRC32C(content), nil
}

func (u *memUpload) check(ctx context.Context) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended {
		return errEnded
	}
	return context.Cause(ctx)
}

func (u *memUpload) Commit(ctx context.Context) (storage.Object, error) {
	if err := u.check(ctx); err != nil {
		return storage.Object{}, u.m.fail("commit", u.o.Key, err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	content := make([]byte, 0, u.size)
	for n := 0; int64(len(content)) < u.size; n++ {
		part, ok := u.parts[n]
		if !ok {
			return storage.Object{}, u.m.fail("commit", u.o.Key, fmt.Errorf("part %d is missing", n))
		}
		content = append(content, part...)
	}
	u.ended = true
	o := u.o
	o.Metadata = maps.Clone(o.Metadata)
	return u.m.put(o, content)
}

func (u *memUpload) Abort(context.Context) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ended, u.parts = true, nil
	return nil
}
