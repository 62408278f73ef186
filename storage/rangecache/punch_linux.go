package rangecache

import (
	"os"

	"golang.org/x/sys/unix"
)

// punch gives the disk back what n bytes of a file take. They read as zeros then.
func punch(f *os.File, off, n int64) error {
	return unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, n)
}

// useLock marks a map as used by this process; use changes between that and being the only one,
// without a moment in between. It reports whether that could be had.
func useLock(f *os.File, alone, wait bool) bool {
	l := unix.Flock_t{Type: unix.F_RDLCK, Start: 0, Len: 1}
	if alone {
		l.Type = unix.F_WRLCK
	}
	cmd := unix.F_OFD_SETLK
	if wait {
		cmd = unix.F_OFD_SETLKW
	}
	for {
		if err := unix.FcntlFlock(f.Fd(), cmd, &l); err != unix.EINTR {
			return err == nil
		}
	}
}
