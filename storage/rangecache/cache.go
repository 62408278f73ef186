package rangecache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/skepdata/skep/storage"
)

// Cache is a directory of fetched objects. It is safe for concurrent use, and by several
// processes at once.
type Cache struct {
	dir string
	max int64

	mu      sync.Mutex
	flights map[string]*flight // by name; fetches under way
	size    int64              // bytes of the files, as far as this process knows
	closed  bool
	wg      sync.WaitGroup // of flights
}

// File is a fetched object. Its Path can be read until Close.
type File struct {
	path    string
	fetched bool
	once    sync.Once
	lock    *os.File
}

// Path is a local file that holds exactly the object's bytes. It must not be written to.
func (f *File) Path() string { return f.path }

// Fetched reports whether the object was read from its store by this call, rather than found.
func (f *File) Fetched() bool { return f.fetched }

// Close lets the file be evicted. It is idempotent.
func (f *File) Close() error {
	var err error
	f.once.Do(func() { err = f.lock.Close() })
	return err
}

// Open opens the cache in dir, which is made if need be. Files that are not in use are evicted,
// those used longest ago first, while all files together hold more than maxBytes.
func Open(dir string, maxBytes int64) (*Cache, error) {
	c := &Cache{dir: dir, max: maxBytes, flights: map[string]*flight{}}
	for _, d := range []string{c.objects(), c.temporary()} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("open cache %s: %w", dir, err)
		}
	}
	c.sweep()
	files, err := c.files()
	if err != nil {
		return nil, fmt.Errorf("open cache %s: %w", dir, err)
	}
	c.size = total(files)
	return c, nil
}

// Close waits for fetches to end, after cancelling them. Files given out stay readable until
// they are closed themselves. It is idempotent.
func (c *Cache) Close() error {
	c.mu.Lock()
	c.closed = true
	for _, f := range c.flights {
		f.cancel()
	}
	c.mu.Unlock()
	c.wg.Wait()
	return nil
}

// Fetch gives o of b as a local file, from the cache or from b. o must have been listed or
// stated, because its ETag and size say which version is meant; when the store has another
// one by now the error is storage.ErrChanged. Callers that want the same object at the same
// time share one fetch.
func (c *Cache) Fetch(ctx context.Context, b storage.Bucket, o storage.Object) (*File, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	name := objectName(b.URL()+o.Key, o)
	fetched := false
	for {
		f, err := c.find(name)
		if f != nil || err != nil {
			if f != nil {
				f.fetched = fetched
			}
			return f, err
		}
		if err := c.join(ctx, name, b, o); err != nil {
			return nil, err
		}
		fetched = true
	}
}

func objectName(url string, o storage.Object) string {
	version := o.ETag
	if version == "" {
		version = o.ModTime.UTC().Format(time.RFC3339Nano)
	}
	sum := sha256.Sum256([]byte(url + "\x00" + version + "\x00" + strconv.FormatInt(o.Size, 10)))
	return hex.EncodeToString(sum[:])
}

func (c *Cache) objects() string         { return filepath.Join(c.dir, "objects") }
func (c *Cache) temporary() string       { return filepath.Join(c.dir, "tmp") }
func (c *Cache) path(name string) string { return filepath.Join(c.objects(), name[:2], name[2:]) }

// find gives the file of that name, locked, or nil if there is none.
func (c *Cache) find(name string) (*File, error) {
	path := c.path(name)
	for {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read cache: %w", err)
		}
		if err := lockShared(f); err != nil {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if !isStill(f, path) {
			f.Close()
			continue
		}
		now := time.Now()
		_ = os.Chtimes(path, now, now) // when it was last used; only the order of eviction depends on it
		return &File{path: path, lock: f}, nil
	}
}

// isStill reports whether path is the name of the open file f.
func isStill(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(path)
	return err == nil && os.SameFile(a, b)
}
