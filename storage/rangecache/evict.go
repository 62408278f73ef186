package rangecache

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// entry is one file of the cache, as eviction sees it.
type entry struct {
	path string
	size int64
	used time.Time
}

// files lists what the cache holds.
func (c *Cache) files() ([]entry, error) {
	var files []entry
	err := filepath.WalkDir(c.objects(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreMissing(err)
		}
		info, err := d.Info()
		if err != nil {
			return ignoreMissing(err)
		}
		files = append(files, entry{path: path, size: info.Size(), used: info.ModTime()})
		return nil
	})
	return files, err
}

// ignoreMissing drops the error of a file that another process evicted meanwhile.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func total(files []entry) int64 {
	var n int64
	for _, f := range files {
		n += f.size
	}
	return n
}

// makeRoom evicts until size more bytes fit, as far as unused files allow.
func (c *Cache) makeRoom(size int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.size+size <= c.max {
		return nil
	}
	files, err := c.files() // other processes fetch and evict too
	if err != nil {
		return fmt.Errorf("read cache: %w", err)
	}
	c.size = total(files)
	// Going below the bound by a tenth makes this walk rare.
	goal := c.max - c.max/10 - size
	slices.SortFunc(files, func(a, b entry) int { return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.path, b.path)) })
	for _, f := range files {
		if c.size <= goal {
			break
		}
		if removeUnused(f.path) {
			c.size -= f.size
		}
	}
	return nil
}

// removeUnused removes a file unless somebody has it locked.
func removeUnused(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	defer f.Close()
	if !lockExclusively(f) || !isStill(f, path) {
		return false
	}
	return os.Remove(path) == nil
}

// sweep removes what fetches of dead processes left behind.
func (c *Cache) sweep() {
	left, err := filepath.Glob(filepath.Join(c.temporary(), "fetch-*"))
	if err != nil {
		return
	}
	for _, path := range left {
		removeUnused(path)
	}
}
