package rangecache

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// Entry is one object of which the cache keeps something.
type Entry struct {
	URL  string    // "" if it is not known
	Size int64     // of the object, in bytes
	Kept int64     // bytes that are kept of it
	Used time.Time // when it was last opened
}

// Entries lists what the cache in a directory keeps, in no order. Others may use it meanwhile.
func Entries(dir string) ([]Entry, error) {
	c := &Cache{dir: dir}
	files, err := c.files()
	if err != nil {
		return nil, fmt.Errorf("read cache %s: %w", dir, err)
	}
	var list []Entry
	for _, f := range files {
		e := Entry{Kept: f.size, Used: f.used}
		if info, err := os.Stat(f.path); err == nil {
			e.Size = info.Size()
		}
		if e.URL, err = readName(f.path+mapSuffix, e.Size); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read cache %s: %w", dir, err)
		}
		list = append(list, e)
	}
	return list, nil
}

// Clear removes what nobody uses from the cache in a directory, and returns how many bytes it freed
// and how many stay because they are in use.
func Clear(dir string) (freed, stays int64, err error) {
	c := &Cache{dir: dir}
	files, err := c.files()
	if err != nil {
		return 0, 0, fmt.Errorf("clear cache %s: %w", dir, err)
	}
	for _, f := range files {
		if removeUnused(f.path) {
			freed += f.size
		} else {
			stays += f.size
		}
	}
	return freed, stays, nil
}

// readName reads whose map it is.
func readName(path string, size int64) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	const most = 8 << 10 // S3's keys have 1 KiB at most
	name, err := io.ReadAll(io.NewSectionReader(f, mapHeader+8*blocksOf(size), most))
	return string(name), err
}
