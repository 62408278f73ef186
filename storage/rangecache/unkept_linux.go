package rangecache

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// holes makes a file of nothing but holes that is on no disk, and goes when it is closed.
func holes(size int64) (*os.File, error) {
	fd, err := unix.MemfdCreate("skep-unkept", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), fmt.Sprintf("/proc/self/fd/%d", fd))
	if err := f.Truncate(size); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
