package blockstore

import (
	"os"

	"golang.org/x/sys/unix"
)

// startWriting lets the kernel begin to write out n bytes at offset, so that little is left to
// do when the file is synced. It is advice: its failure means nothing.
func startWriting(f *os.File, offset, n int64) {
	_ = unix.SyncFileRange(int(f.Fd()), offset, n, unix.SYNC_FILE_RANGE_WRITE)
}
