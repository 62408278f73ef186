package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/skepdata/skep/storage"
)

// Mem is a Bucket in memory with everything a store can have: any key but the empty one,
// content types, metadata, headers, tags, ACLs, checksums, uploads in parts that can be
// resumed, and copies between two Mems without a byte passing through a Reader. It has no
// old versions. The zero value is not usable; see [NewMem].
type Mem struct {
	url string

	mu       sync.RWMutex
	objects  map[string]*version
	uploads  map[string]*memParts // that have not ended, by ID
	sorted   []string             // the keys in order, never changed in place; nil if out of date
	versions int                  // how many there have been, which makes each ETag new
}

// version is one version of one object, which never changes.
type version struct {
	storage.Object
	content []byte
	tags    map[string]string
	acl     string
}

var (
	_ storage.Bucket          = (*Mem)(nil)
	_ storage.BatchWriter     = (*Mem)(nil)
	_ storage.PartResumer     = (*Mem)(nil)
	_ storage.OptionCopier    = (*Mem)(nil)
	_ storage.AttributeReader = (*Mem)(nil)
)

// NewMem returns an empty bucket whose root is called url, as "mem://lake/".
func NewMem(url string) *Mem {
	return &Mem{url: strings.TrimSuffix(url, "/") + "/", objects: map[string]*version{}, uploads: map[string]*memParts{}}
}

// URL implements storage.Bucket.
func (m *Mem) URL() string { return m.url }

// Close implements storage.Bucket. The content stays, and the bucket stays usable.
func (m *Mem) Close() error { return nil }

// Put stores content under key at once, for tests that only want it to be there.
func (m *Mem) Put(key, content string) storage.Object {
	o, err := m.put(&version{Object: storage.Object{Key: key}, content: []byte(content)})
	if err != nil {
		panic(err)
	}
	return o
}

// Content returns what is stored under key, and whether anything is.
func (m *Mem) Content(key string) (string, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	v, ok := m.objects[key]
	if !ok {
		return "", false
	}
	return string(v.content), true
}

// Contents returns the content of every object by key.
func (m *Mem) Contents() map[string]string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	all := make(map[string]string, len(m.objects))
	for k, v := range m.objects {
		all[k] = string(v.content)
	}
	return all
}

// Keys returns all keys in order.
func (m *Mem) Keys() []string { return slices.Clone(m.snapshot()) }

// snapshot returns the keys in order. The caller must not change the slice.
func (m *Mem) snapshot() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sorted == nil && len(m.objects) > 0 {
		m.sorted = slices.Sorted(maps.Keys(m.objects))
	}
	return m.sorted
}

// put makes v visible, and completes its description.
func (m *Mem) put(v *version) (storage.Object, error) {
	if v.Key == "" {
		return storage.Object{}, m.fail("create", v.Key, storage.ErrInvalidKey)
	}
	v.Size = int64(len(v.content))
	v.CRC32C = storage.CRC32C(v.content)
	v.ModTime = time.Now()
	v.TagCount = len(v.tags)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.versions++
	v.ETag = fmt.Sprintf("%d-%08x", m.versions, v.CRC32C.Sum)
	if _, ok := m.objects[v.Key]; !ok {
		m.sorted = nil
	}
	m.objects[v.Key] = v
	return withOwnMetadata(v.Object), nil
}

func (m *Mem) get(ctx context.Context, op, key string) (*version, error) {
	if ctx.Err() != nil {
		return nil, m.fail(op, key, context.Cause(ctx))
	}
	if key == "" {
		return nil, m.fail(op, key, storage.ErrInvalidKey)
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	v, ok := m.objects[key]
	if !ok {
		return nil, m.fail(op, key, storage.ErrNotExist)
	}
	return v, nil
}

func (m *Mem) fail(op, key string, err error) error {
	return &storage.Error{Op: op, URL: m.url + key, Err: err}
}

// withOwnMetadata protects the metadata of a stored version from its receiver.
func withOwnMetadata(o storage.Object) storage.Object {
	o.Metadata = maps.Clone(o.Metadata)
	return o
}

// List implements storage.Bucket. As a listing of S3 does, it leaves out content type and
// metadata, and may or may not show what changes while it runs.
func (m *Mem) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		keys := m.snapshot()
		first, _ := slices.BinarySearch(keys, prefix)
		for _, key := range keys[first:] {
			if ctx.Err() != nil {
				yield(storage.Object{}, m.fail("list", prefix, context.Cause(ctx)))
				return
			}
			if !strings.HasPrefix(key, prefix) {
				return
			}
			m.mu.RLock()
			v, ok := m.objects[key]
			m.mu.RUnlock()
			if !ok {
				continue
			}
			o := v.Object
			o.ContentType, o.Metadata, o.Headers, o.TagCount = "", nil, storage.Headers{}, 0
			if !yield(o, nil) {
				return
			}
		}
		if ctx.Err() != nil {
			yield(storage.Object{}, m.fail("list", prefix, context.Cause(ctx)))
		}
	}
}

// Stat implements storage.Bucket.
func (m *Mem) Stat(ctx context.Context, key string) (storage.Object, error) {
	v, err := m.get(ctx, "stat", key)
	if err != nil {
		return storage.Object{}, err
	}
	return withOwnMetadata(v.Object), nil
}

// Open implements storage.Bucket.
func (m *Mem) Open(
	ctx context.Context, key string, opts storage.ReadOptions,
) (storage.Reader, error) {
	if err := opts.Demands(); err != nil {
		return nil, m.fail("open", key, err)
	}
	v, err := m.get(ctx, "open", key)
	if err != nil {
		return nil, err
	}
	if opts.IfMatch != "" && opts.IfMatch != v.ETag {
		return nil, m.fail("open", key, storage.ErrChanged)
	}
	if opts.Offset < 0 || opts.Length < 0 || opts.Offset > v.Size {
		return nil, m.fail("open", key, storage.ErrInvalidRange)
	}
	part := v.content[opts.Offset:]
	if opts.Length > 0 && opts.Length < int64(len(part)) {
		part = part[:opts.Length]
	}
	return &memReader{m: m, ctx: ctx, v: v, r: bytes.NewReader(part)}, nil
}

type memReader struct {
	m   *Mem
	ctx context.Context // of Open, which bounds the reads as it does for a remote store
	v   *version
	r   *bytes.Reader
}

func (r *memReader) Object() storage.Object { return withOwnMetadata(r.v.Object) }

func (r *memReader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, r.m.fail("read", r.v.Key, context.Cause(r.ctx))
	}
	if r.r == nil {
		return 0, r.m.fail("read", r.v.Key, errors.New("the reader is closed"))
	}
	return r.r.Read(p)
}

func (r *memReader) Close() error {
	r.r = nil
	return nil
}

// Delete implements storage.Bucket.
func (m *Mem) Delete(ctx context.Context, keys ...string) error {
	if ctx.Err() != nil {
		return m.fail("delete", "", context.Cause(ctx))
	}
	var errs []error
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range keys {
		if key == "" {
			errs = append(errs, m.fail("delete", key, storage.ErrInvalidKey))
			continue
		}
		if _, ok := m.objects[key]; ok {
			delete(m.objects, key)
			m.sorted = nil
		}
	}
	return errors.Join(errs...)
}
