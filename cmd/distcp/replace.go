package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// replaceFile writes a local file that appears whole or not at all. Where a link leads to it the link stays,
// and a device or a pipe is written to.
func replaceFile(path string, content []byte) error {
	at := path
	if target, err := filepath.EvalSymlinks(path); err == nil {
		at = target
	}
	info, err := os.Stat(at)
	if err == nil && !info.Mode().IsRegular() {
		err = writeInto(at, os.O_WRONLY, content)
	} else {
		err = replaceRegular(at, content)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, localCause(err))
	}
	return nil
}

func replaceRegular(path string, content []byte) error {
	temp := fmt.Sprintf("%s.%d.%x.tmp", path, os.Getpid(), rand.Uint32()) // nobody has made a link of that name before
	err := writeInto(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, content)
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil && !os.IsExist(err) {
		_ = os.Remove(temp) // it may not have been made
	}
	return err
}

func writeInto(path string, flags int, content []byte) error {
	f, err := os.OpenFile(path, flags, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
