//go:build !linux

package rangecache

import (
	"errors"
	"os"
)

// holes cannot be made: here what the cache cannot begin to keep cannot be read.
func holes(int64) (*os.File, error) { return nil, errors.ErrUnsupported }
