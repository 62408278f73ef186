package rangecache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skepdata/skep/storage"
)

// requests is how many requests a cache has under way at once.
const requests = 32

// Cache is a directory of parts of objects. It is safe for concurrent use, and by several
// processes at once.
type Cache struct {
	dir  string
	max  int64
	boot string
	gets chan struct{} // a place for each request

	mu      sync.Mutex
	objects map[string]*object // those in use, by name
	size    int64              // bytes of the files, as far as this process knows
	coming  int64              // bytes that are on their way
	full    int64              // the size at which to evict
	closed  bool
	// Which blocks this process has compared of objects that it has closed: see compared.go.
	compared map[string]compared
	kept     int // words of them
	// How old a file's time has to be, and how long comparisons count.
	settled, lasting time.Duration

	// unkepts counts the objects of which nothing could be kept: see unkept.go.
	unkepts atomic.Int64

	// doubted has a doubt where the store means other things than it seems by what storage.Digest calls
	// doubtful, and a mute where it says nothing of the whole of an object.
	doubted sync.Map
}

// doubt is of the objects in a bucket, of that URL, that were written by one request, or in parts.
type doubt struct {
	bucket string
	parts  bool
}

// mute is a bucket, of that URL, with an object of which nothing is said.
type mute struct{ bucket string }

func muteOf(b storage.Bucket) mute { return mute{b.URL()} }

func (of *object) doubtOf(d storage.Digest) doubt { return doubt{of.b.URL(), d.PartSize > 0} }

var errClosed = errors.New("the cache is closed")

// Open opens the cache in dir, which is made if need be. It keeps to maxBytes: to stay below,
// files that are not in use are evicted, those used longest ago first, and then blocks that nobody
// holds of those in use. Only [File.Hold] may make it larger, of more than fits.
func Open(dir string, maxBytes int64) (*Cache, error) {
	c := &Cache{
		dir: dir, max: maxBytes, boot: bootID(), gets: make(chan struct{}, requests), objects: map[string]*object{},
		compared: map[string]compared{}, settled: settled, lasting: lasting,
	}
	if err := os.MkdirAll(c.root(), 0o700); err != nil {
		return nil, fmt.Errorf("open cache %s: %w", dir, err)
	}
	files, err := c.files()
	if err != nil {
		return nil, fmt.Errorf("open cache %s: %w", dir, err)
	}
	c.size = total(files)
	c.full = min(maxBytes, c.size+maxBytes/16) // others may use it too
	return c, nil
}

// Close ends what is on its way. Files given out stay, and what is there of them can be read
// until they are closed themselves. It is idempotent.
func (c *Cache) Close() error {
	c.mu.Lock()
	c.closed = true
	var open []*object
	for _, o := range c.objects {
		open = append(open, o)
	}
	c.mu.Unlock()
	for _, o := range open {
		o.end()
	}
	return nil
}

// Object opens o of b, without reading anything of it. o must have been listed or stated,
// because its ETag and size say which version is meant.
func (c *Cache) Object(ctx context.Context, b storage.Bucket, o storage.Object) (*File, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	name := objectName(b.URL()+o.Key, o)
	c.mu.Lock()
	defer c.mu.Unlock()
	for of := c.objects[name]; of != nil && of.users == 0; of = c.objects[name] {
		c.mu.Unlock()
		select {
		case <-of.ended:
		case <-ctx.Done():
		}
		c.mu.Lock()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	if c.closed {
		return nil, errClosed
	}
	of, ok := c.objects[name]
	if !ok {
		var err error
		if of, err = c.open(name, b, o); err != nil {
			of, err = c.unkept(name, b, o, err)
		}
		if err != nil {
			return nil, fmt.Errorf("open the cache's file of %s: %w", b.URL()+o.Key, err)
		}
		c.objects[name] = of
	}
	of.users++
	of.mu.Lock()
	defer of.mu.Unlock()
	return &File{of: of, failures: of.failures, before: of.changed.Load()}, nil
}

// open opens the files of an object that nobody in this process uses.
func (c *Cache) open(name string, b storage.Bucket, o storage.Object) (*object, error) {
	path := c.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	data, err := openLocked(path)
	if err != nil {
		return nil, err
	}
	m, err := c.openMap(path, data, o.Size, b.URL()+o.Key)
	if err != nil {
		data.Close()
		return nil, err
	}
	c.use(m)
	of := newObject(c, name, b, o, data, m)
	of.noteTime()
	c.recall(of)
	return of, nil
}

// use notes when an object is used, which the order of eviction depends on, as the time of its map. That of its file is for
// who keeps what it has read of it: it changes when its bytes do.
func (c *Cache) use(m *blockMap) {
	now := time.Now()
	_ = os.Chtimes(m.f.Name(), now, now) // it has no other use
}

// becomesOther gives a file, whose bytes are others now, the time of another second than all before, for who keeps what
// it has read of a file looks at no more than that.
func becomesOther(f *os.File) {
	info, err := f.Stat()
	if err != nil {
		return
	}
	t, was := time.Now(), info.ModTime()
	if t.Unix() <= was.Unix() {
		t = was.Add(time.Second)
	}
	_ = os.Chtimes(f.Name(), t, t)
}

func (c *Cache) openMap(path string, data *os.File, size int64, name string) (*blockMap, error) {
	info, err := data.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() != size {
		if err := data.Truncate(size); err != nil {
			return nil, err
		}
	}
	return openMap(path+mapSuffix, data, size, c.boot, name)
}

// openLocked opens the file at path, or makes it, and locks it as one in use.
func openLocked(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		if err := lockShared(f); err != nil {
			f.Close()
			return nil, err
		}
		if isStill(f, path) {
			return f, nil
		}
		f.Close() // evicted before it was locked
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

func objectName(url string, o storage.Object) string {
	version := o.ETag
	if version == "" {
		version = o.ModTime.UTC().Format(time.RFC3339Nano)
	}
	sum := sha256.Sum256([]byte(url + "\x00" + version + "\x00" + strconv.FormatInt(o.Size, 10)))
	return hex.EncodeToString(sum[:])
}

// mapSuffix is what the name of a file's map has more than the file's.
const mapSuffix = ".map"

func (c *Cache) root() string            { return filepath.Join(c.dir, "objects") }
func (c *Cache) path(name string) string { return filepath.Join(c.root(), name[:2], name[2:]) }
