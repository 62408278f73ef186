package filestore

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// createAnonymous opens a file in dir that has no name and vanishes with its last descriptor.
// It reports errors.ErrUnsupported where there is no such thing.
func createAnonymous(dir string) (*os.File, error) {
	if unix.Access("/proc/self/fd", unix.F_OK) != nil {
		return nil, errors.ErrUnsupported // linkAnonymous could not name the file
	}
	for {
		fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o666)
		switch {
		case err == nil:
			return os.NewFile(uintptr(fd), dir), nil
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EISDIR), errors.Is(err, unix.EINVAL),
			errors.Is(err, unix.ENOSYS):
			return nil, errors.ErrUnsupported
		}
		return nil, err
	}
}

// linkAnonymous gives f a name. It never replaces a file.
func linkAnonymous(f *os.File, path string) error {
	return unix.Linkat(unix.AT_FDCWD, anonymousPath(f), unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
}

// anonymousPath is a symbolic link to f.
func anonymousPath(f *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", f.Fd()) }

// fallocate takes size bytes for f on its file system.
func fallocate(f *os.File, size int64) error {
	return unix.Fallocate(int(f.Fd()), 0, 0, size)
}

// hasDefaultACL reports whether files that are made in dir get an access control list.
func hasDefaultACL(dir string) (bool, error) {
	n, err := unix.Getxattr(dir, "system.posix_acl_default", nil)
	if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) {
		return false, nil
	}
	return n > 0, err
}
