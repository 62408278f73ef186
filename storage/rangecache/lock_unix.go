//go:build unix

package rangecache

import (
	"os"

	"golang.org/x/sys/unix"
)

// lockShared marks an open file as in use until it is closed.
func lockShared(f *os.File) error {
	for {
		if err := unix.Flock(int(f.Fd()), unix.LOCK_SH); err != unix.EINTR {
			return err
		}
	}
}

// lockExclusively reports whether nobody else has the file locked; it does not wait.
func lockExclusively(f *os.File) bool {
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}
