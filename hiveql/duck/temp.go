package duck

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// Directories for what queries spill are locked by their process, so that those of processes that
// were killed can be told from the others, and removed by the next one.

const (
	tempPrefix = "skep-duck-"
	lockName   = "lock"
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
	dir, err := os.MkdirTemp(parent, tempPrefix)
	if err != nil {
		return nil, err
	}
	// The lock is taken before it has the name by which others look for it.
	lock, err := os.OpenFile(filepath.Join(dir, "new"), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err == nil {
		err = os.Rename(lock.Name(), filepath.Join(dir, lockName))
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &temp{dir: dir, lock: lock}, nil
}

// remove ends the use of the directory.
func (t *temp) remove() error {
	return errors.Join(os.RemoveAll(t.dir), t.lock.Close())
}

// removeDead removes what it can: directories of others, and those that it cannot remove, stay.
func removeDead(parent string) {
	locks, err := filepath.Glob(filepath.Join(parent, tempPrefix+"*", lockName))
	if err != nil {
		return
	}
	for _, path := range locks {
		lock, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = os.RemoveAll(filepath.Dir(path))
		}
		_ = lock.Close()
	}
}
