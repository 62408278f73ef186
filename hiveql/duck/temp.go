package duck

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Directories for what queries spill are locked by their process, so that those of processes that
// were killed can be told from the others, and removed by the next one.

const (
	tempPrefix = "skep-duck-"
	lockName   = "lock"
	newName    = "new" // of the lock, until it is taken
)

// temp is such a directory.
type temp struct {
	dir  string
	lock *os.File
}

// newTemp makes a directory below parent, or below the system's where that is empty, and removes
// those of dead processes beside it.
func newTemp(parent string) (*temp, error) {
	if parent == "" {
		parent = os.TempDir()
	}
	removeDead(parent)
	for try := 0; ; try++ {
		dir, err := os.MkdirTemp(parent, tempPrefix)
		if err != nil {
			return nil, err
		}
		lock, err := takeTemp(dir)
		switch {
		case err == nil:
			return &temp{dir: dir, lock: lock}, nil
		case errors.Is(err, fs.ErrNotExist) && try < 10: // another process took it for left behind
		default:
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
	}
}

// takeTemp locks a directory. The lock is taken before it has the name by which others look for it.
func takeTemp(dir string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, newName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		err = fs.ErrNotExist // it is being removed
	}
	if err == nil {
		err = os.Rename(lock.Name(), filepath.Join(dir, lockName))
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// remove ends the use of the directory.
func (t *temp) remove() error { return errors.Join(removeTemp(t.dir), t.lock.Close()) }

// removeTemp removes a directory, its lock last, without which nobody would know whose it is.
func removeTemp(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if e.Name() != lockName {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	if err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// removeDead removes what it can: directories of others, and those that it cannot remove, stay.
func removeDead(parent string) {
	dirs, err := filepath.Glob(filepath.Join(parent, tempPrefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR, 0)
		if errors.Is(err, fs.ErrNotExist) {
			lock, err = os.OpenFile(filepath.Join(dir, newName), os.O_RDWR, 0)
		}
		if err != nil {
			_ = os.Remove(dir) // if it is empty: it is being made, or was when its process died
			continue
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = removeTemp(dir)
		}
		_ = lock.Close()
	}
}
