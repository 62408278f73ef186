package blockstore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// file is what the store needs of an open file.
type file interface {
	io.Closer
	io.ReaderAt
	io.WriterAt
	Name() string
	Sync() error
	SyncData() error // fdatasync
	Truncate(size int64) error
}

// osFile is the real thing.
type osFile struct{ *os.File }

// fileLayer is the file system below the disks. Tests put one in its place that fails.
type fileLayer interface {
	// open is os.OpenFile.
	open(path string, flags int) (file, error)
	remove(path string) error
	rename(from, to string) error
	// mkdirAll makes a directory and those above it.
	mkdirAll(path string) error
	// syncDir makes the names in a directory durable.
	syncDir(path string) error
	// free is the room that is left for us on the disk of a directory, in bytes.
	free(path string) (int64, error)
	// writable reports why nothing can be written in a directory.
	writable(path string) error
}

// osFiles is the real thing.
type osFiles struct{}

func (osFiles) open(path string, flags int) (file, error) {
	f, err := os.OpenFile(path, flags, 0o666)
	if err != nil {
		return nil, err // and not a file that is nil
	}
	return osFile{f}, nil
}

func (osFiles) remove(path string) error   { return os.Remove(path) }
func (osFiles) rename(a, b string) error   { return os.Rename(a, b) }
func (osFiles) mkdirAll(path string) error { return os.MkdirAll(path, 0o777) }

func (osFiles) syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (osFiles) free(path string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}

func (osFiles) writable(path string) error { return unix.Access(path, unix.W_OK) }

// lockPath waits for the lock on the file called path, which it makes if need be. Closing the
// file releases the lock.
func lockPath(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	if err := waitForLock(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// waitForLock waits for the lock on an open file.
func waitForLock(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		return nil
	}
}

// writeDurably makes a whole file of content, or none.
func writeDurably(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return osFiles{}.syncDir(filepath.Dir(path))
}
