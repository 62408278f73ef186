//go:build !linux

package filestore

import (
	"errors"
	"os"
)

// createAnonymous reports errors.ErrUnsupported: only Linux can name an anonymous file later.
func createAnonymous(string) (*os.File, error) { return nil, errors.ErrUnsupported }

func linkAnonymous(*os.File, string) error { return errors.ErrUnsupported }

func anonymousPath(*os.File) string { return "" }

func fallocate(*os.File, int64) error { return errors.ErrUnsupported }

func hasDefaultACL(string) (bool, error) { return false, nil }
