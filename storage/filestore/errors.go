package filestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/skepdata/skep/storage"
)

// fail makes err the error of op on key. The URL names the file, so the path that the
// operating system's error repeats is dropped.
func (b *Bucket) fail(op, key string, err error) error {
	var e *storage.Error
	if errors.As(err, &e) {
		return err
	}
	err = pathless(err, b.root+PathOf(key))
	e = &storage.Error{Op: op, URL: b.url + key, Err: err}
	switch {
	case isAbsent(err) && !errors.Is(err, storage.ErrNotExist):
		e.Err = known{err, storage.ErrNotExist}
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS):
		e.Err = known{err, storage.ErrPermission}
	case errors.Is(err, syscall.ENAMETOOLONG):
		e.Err = known{err, storage.ErrInvalidKey}
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		e.Hint = "free some space and try again"
	case errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE):
		e.Hint = "raise the limit of open files (ulimit -n) or lower the number of workers"
	}
	return e
}

// pathless is the cause of an error about a path, for who names that himself.
func pathless(err error, path string) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) && pathErr.Path == path {
		return pathErr.Err
	}
	return err
}

// known is an error of the operating system that is one of the storage package's sentinels
// too.
type known struct{ cause, sentinel error }

func (k known) Error() string   { return k.cause.Error() }
func (k known) Unwrap() []error { return []error{k.cause, k.sentinel} }

// isAbsent tells whether err says that there is no such file, or that what would be its
// directory is a file.
func isAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// clash explains an error of writing path by the file that is where a directory should be, or
// the other way round.
func clash(path string, err error) error {
	if errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.EEXIST) || errors.Is(err, syscall.ENOTEMPTY) {
		if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
			return fmt.Errorf("%s is a directory, so it cannot be a file", path)
		}
	}
	if errors.Is(err, syscall.ENOTDIR) {
		for dir := filepath.Dir(path); dir != "/"; dir = filepath.Dir(dir) {
			if info, statErr := os.Stat(dir); statErr == nil && !info.IsDir() {
				return &storage.BelowFileError{File: dir}
			}
		}
	}
	return err
}
