//go:build !unix

package rangecache

import (
	"io/fs"
	"os"
)

// lockShared does nothing: here an open file cannot be removed anyway.
func lockShared(*os.File) error { return nil }

// lockExclusively does nothing; removing a file that is open fails by itself.
func lockExclusively(*os.File) bool { return true }

func lock(*os.File) error { return nil }

func unlock(*os.File) {}

func allocated(info fs.FileInfo) int64 { return info.Size() }
