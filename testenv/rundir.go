package testenv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	runPrefix = "skep-testenv-"
	lockName  = "lock"
	// unlockedGrace is how long a directory without a lock may be one that is being made.
	unlockedGrace = 10 * time.Minute
)

// runDir is the directory of one server: its data, its log, and a lock that the server
// inherits, so that it is held for as long as either process lives.
type runDir struct {
	path string
	keep bool // named by the user; not ours to remove
	lock *os.File
}

// openRunDir makes a temporary run directory, or uses dir if that is not empty. It also
// removes the directories of runs that are dead.
func openRunDir(kind, dir string) (*runDir, error) {
	if dir != "" {
		return keptRunDir(dir)
	}
	sweep(os.TempDir())
	path, err := os.MkdirTemp("", runPrefix+kind+"-")
	if err != nil {
		return nil, err
	}
	// Server accounts other than ours must be able to pass through to their data.
	if err := os.Chmod(path, 0o711); err != nil {
		return nil, err
	}
	// The lock gets its name only once it is held: a sweep never sees it free.
	lock, err := lockFile(filepath.Join(path, lockName+".new"))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	if err := os.Rename(lock.Name(), filepath.Join(path, lockName)); err != nil {
		return nil, errors.Join(err, lock.Close(), os.RemoveAll(path))
	}
	return &runDir{path: path, lock: lock}, nil
}

func keptRunDir(dir string) (*runDir, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return nil, err
	}
	lock, err := lockFile(filepath.Join(dir, lockName))
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("%s is in use by another testenv; stop that one or choose another directory", dir)
	}
	if err != nil {
		return nil, err
	}
	return &runDir{path: dir, keep: true, lock: lock}, nil
}

// file is the path of something in the directory.
func (d *runDir) file(name string) string { return filepath.Join(d.path, name) }

// close releases the directory, and removes it unless it was named by the user. Processes that have the lock's
// file open as well, if only until they have started, do not hold it any longer.
func (d *runDir) close() error {
	err := errors.Join(syscall.Flock(int(d.lock.Fd()), syscall.LOCK_UN), d.lock.Close())
	if d.keep {
		return err
	}
	return errors.Join(err, os.RemoveAll(d.path))
}

// lockFile opens and locks a file, or reports EWOULDBLOCK if another process holds it.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}

// sweep removes the run directories below root that no process holds. What cannot be
// removed belongs to another user, or is being removed by another sweep.
func sweep(root string) {
	dirs, err := filepath.Glob(filepath.Join(root, runPrefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		if abandoned(dir) {
			_ = os.RemoveAll(dir)
		}
	}
}

func abandoned(dir string) bool {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() {
		return false
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Getuid() {
		return false
	}
	path := filepath.Join(dir, lockName)
	if _, err := os.Lstat(path); err != nil {
		return time.Since(info.ModTime()) > unlockedGrace
	}
	lock, err := lockFile(path)
	if err != nil {
		return false
	}
	lock.Close()
	return true
}
