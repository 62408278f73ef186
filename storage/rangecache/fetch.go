package rangecache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/skepdata/skep/storage"
)

// flight is one fetch under way. It is cancelled when nobody waits for it any more.
type flight struct {
	cancel  context.CancelFunc
	done    chan struct{}
	err     error // once done is closed
	waiters int   // guarded by Cache.mu
}

var errClosed = errors.New("the cache is closed")

// join waits for the fetch of name, which it starts if it is not under way.
func (c *Cache) join(ctx context.Context, name string, b storage.Bucket, o storage.Object) error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return errClosed
	}
	f, ok := c.flights[name]
	if !ok {
		f = c.start(context.WithoutCancel(ctx), name, b, o)
	}
	f.waiters++
	c.mu.Unlock()

	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.waiters--; f.waiters == 0 {
		f.cancel()
		if c.flights[name] == f { // a later caller starts a fetch of its own
			delete(c.flights, name)
		}
	}
	return context.Cause(ctx)
}

// start starts a fetch; the caller holds the lock.
func (c *Cache) start(ctx context.Context, name string, b storage.Bucket, o storage.Object) *flight {
	ctx, cancel := context.WithCancel(ctx)
	f := &flight{cancel: cancel, done: make(chan struct{})}
	c.flights[name] = f
	c.wg.Go(func() {
		defer cancel()
		f.err = c.fetch(ctx, name, b, o)
		c.mu.Lock()
		if c.flights[name] == f {
			delete(c.flights, name)
		}
		c.mu.Unlock()
		close(f.done)
	})
	return f
}

// fetch reads o into the file that name stands for.
func (c *Cache) fetch(ctx context.Context, name string, b storage.Bucket, o storage.Object) error {
	if err := c.makeRoom(o.Size); err != nil {
		return err
	}
	tmp, err := c.create()
	if err != nil {
		return fmt.Errorf("write cache: %w", err)
	}
	defer func() {
		tmp.Close()
		os.Remove(tmp.Name())
	}()
	if err := download(ctx, b, o, tmp); err != nil {
		return err
	}
	path := c.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write cache: %w", err)
	}
	// A link, unlike a rename, never takes the name from a file that somebody has locked.
	if err := os.Link(tmp.Name(), path); errors.Is(err, fs.ErrExist) {
		return nil // another process was faster
	} else if err != nil {
		return fmt.Errorf("write cache: %w", err)
	}
	c.mu.Lock()
	c.size += o.Size
	c.mu.Unlock()
	return nil
}

// create makes a temporary file and locks it, so that the sweep of another process leaves it.
func (c *Cache) create() (*os.File, error) {
	for {
		f, err := os.CreateTemp(c.temporary(), "fetch-*")
		if err != nil {
			return nil, err
		}
		if err := lockShared(f); err != nil {
			f.Close()
			return nil, err
		}
		if isStill(f, f.Name()) {
			return f, nil
		}
		f.Close() // swept before it was locked
	}
}

// download copies the version of the object that o describes, whole and verified.
func download(ctx context.Context, b storage.Bucket, o storage.Object, to io.Writer) error {
	url := b.URL() + o.Key
	r, err := b.Open(ctx, o.Key, storage.ReadOptions{IfMatch: o.ETag})
	if err != nil {
		return err
	}
	defer r.Close()
	sum := storage.NewCRC32C()
	n, err := io.Copy(io.MultiWriter(to, sum), r)
	if err != nil {
		var known *storage.Error
		if errors.As(err, &known) || ctx.Err() != nil {
			return err
		}
		return fmt.Errorf("fetch %s: %w", url, err)
	}
	if n != o.Size {
		err := fmt.Errorf("%d bytes came where the listing says %d: %w", n, o.Size, storage.ErrChanged)
		return &storage.Error{Op: "read", URL: url, Err: err}
	}
	got := storage.Checksum{Sum: sum.Sum32(), Known: true}
	for _, want := range []storage.Checksum{o.CRC32C, r.Object().CRC32C} {
		if want.Differs(got) {
			err := fmt.Errorf("%w: CRC32C is %s, the store says %s", storage.ErrChecksum, got, want)
			return &storage.Error{Op: "read", URL: url, Err: err}
		}
	}
	return nil
}
