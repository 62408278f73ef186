package storagetest

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/skepdata/skep/storage"
)

// Create implements storage.Bucket.
func (m *Mem) Create(
	ctx context.Context, key string, opts storage.CreateOptions,
) (storage.Writer, error) {
	v, err := m.start(ctx, key, opts)
	if err != nil {
		return nil, err
	}
	return &memWriter{m: m, ctx: ctx, v: v}, nil
}

// start checks what Create and CreateParts were given, and describes the object to be.
func (m *Mem) start(ctx context.Context, key string, opts storage.CreateOptions) (*version, error) {
	if ctx.Err() != nil {
		return nil, m.fail("create", key, context.Cause(ctx))
	}
	if key == "" {
		return nil, m.fail("create", key, storage.ErrInvalidKey)
	}
	if opts.Encryption != (storage.Encryption{}) {
		return nil, m.fail("create", key, fmt.Errorf("encryption is %w", storage.ErrUnsupported))
	}
	v := &version{tags: maps.Clone(opts.Tags), acl: opts.ACL}
	v.Key, v.StorageClass = key, opts.StorageClass
	v.describe(opts)
	return v, nil
}

// describe takes over what opts say of the content.
func (v *version) describe(opts storage.CreateOptions) {
	v.ContentType, v.Headers, v.Metadata = opts.ContentType, opts.Headers, nil
	if len(opts.Metadata) > 0 {
		v.Metadata = map[string]string{}
		for k, value := range opts.Metadata {
			v.Metadata[strings.ToLower(k)] = value
		}
	}
}

type memWriter struct {
	m     *Mem
	ctx   context.Context // of Create, which bounds the whole write
	v     *version
	ended bool
}

func (w *memWriter) Write(p []byte) (int, error) {
	if err := w.check("write"); err != nil {
		return 0, err
	}
	w.v.content = append(w.v.content, p...)
	return len(p), nil
}

func (w *memWriter) check(op string) error {
	if w.ended {
		return w.m.fail(op, w.v.Key, storage.ErrEnded)
	}
	if w.ctx.Err() != nil {
		return w.m.fail(op, w.v.Key, context.Cause(w.ctx))
	}
	return nil
}

func (w *memWriter) Commit() (storage.Object, error) {
	if err := w.check("commit"); err != nil {
		return storage.Object{}, err
	}
	w.ended = true
	return w.m.put(w.v)
}

func (w *memWriter) Abort() error {
	w.ended = true
	return nil
}
