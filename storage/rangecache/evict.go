package rangecache

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	err := filepath.WalkDir(c.root(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, mapSuffix) {
			return ignoreMissing(err)
		}
		info, err := d.Info()
		if err != nil {
			return ignoreMissing(err)
		}
		files = append(files, entry{path: path, size: allocated(info), used: usedAt(path, info)})
		return nil
	})
	return files, err
}

// usedAt is when an object was used, whose file is at path.
func usedAt(path string, info fs.FileInfo) time.Time {
	if m, err := os.Stat(path + mapSuffix); err == nil {
		return m.ModTime()
	}
	return info.ModTime()
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

// makeRoom counts size more bytes in, if need be after it has evicted others. It reports whether
// they fit. With only set it takes no blocks that are still to be read; with must they count in
// anyway.
func (c *Cache) makeRoom(size int64, only, must bool) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.size+size > c.full {
		if err := c.evict(size, only); err != nil {
			return false, err
		}
		if c.size+size > c.max && !must {
			return false, nil
		}
		// Other processes fetch too: after some more it is time to look again.
		c.full = min(c.max, c.size+size+c.max/16)
	}
	c.size += size
	c.coming += size
	return true, nil
}

// came ends what makeRoom began: the bytes are in a file, or do not come.
func (c *Cache) came(size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.coming -= size
}

// evict makes room, if it can be made. The caller holds the lock.
func (c *Cache) evict(size int64, only bool) error {
	files, err := c.files()
	if err != nil {
		return fmt.Errorf("read cache: %w", err)
	}
	c.size = total(files) + c.coming
	if c.size+size <= c.max {
		return nil
	}
	// Going below the bound by a tenth makes this walk rare.
	goal := c.max - c.max/10 - size
	slices.SortFunc(files, func(a, b entry) int { return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.path, b.path)) })
	for _, f := range files {
		if c.size <= goal {
			return nil
		}
		if removeUnused(f.path) {
			c.size -= f.size
		}
	}
	for _, of := range c.objects {
		if c.size > goal && of.users > 0 {
			c.size -= of.giveUp(c.size-goal, only)
		}
	}
	return nil
}

// removeUnused removes a file and its map unless somebody has it locked.
func removeUnused(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	defer f.Close()
	if !lockExclusively(f) || !isStill(f, path) {
		return false
	}
	// The map first: a file without one has no blocks, but a map must never meet a new file.
	if err := os.Remove(path + mapSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	return os.Remove(path) == nil
}
