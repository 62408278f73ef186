//go:build !linux

package rangecache

import (
	"errors"
	"os"
)

// punch is not to be had: here only whole files are evicted.
func punch(*os.File, int64, int64) error { return errors.ErrUnsupported }

func useLock(_ *os.File, alone, _ bool) bool { return !alone }
