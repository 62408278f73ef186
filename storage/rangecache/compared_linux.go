package rangecache

import (
	"os"
	"syscall"
	"time"
)

// stateOf is what a file is.
func stateOf(f *os.File) fileState {
	info, err := f.Stat()
	if err != nil {
		return fileState{}
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fileState{}
	}
	return fileState{known: true, device: uint64(s.Dev), inode: s.Ino, changed: time.Duration(s.Ctim.Nano())}
}
