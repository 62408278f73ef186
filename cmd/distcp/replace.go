package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// replacement is a local file that appears whole or not at all. Where a link leads to it the link stays, and
// a device or a pipe is written to.
type replacement struct {
	path string // as it was given
	at   string // without links
	temp string // what becomes it; empty for a device or a pipe
	file *os.File
}

func beginReplacement(path string) (*replacement, error) {
	r := &replacement{path: path, at: path}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		r.at = target
	}
	var err error
	if info, statErr := os.Stat(r.at); statErr == nil && !info.Mode().IsRegular() {
		r.file, err = os.OpenFile(r.at, os.O_WRONLY, 0)
	} else {
		r.temp = fmt.Sprintf("%s.%d.%x.tmp", r.at, os.Getpid(), rand.Uint32()) // nobody has made a link of that name before
		r.file, err = os.OpenFile(r.temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	}
	if err != nil {
		return nil, r.fail(err)
	}
	return r, nil
}

// Write implements io.Writer.
func (r *replacement) Write(p []byte) (int, error) {
	n, err := r.file.Write(p)
	return n, r.fail(err)
}

// commit gives the file its name.
func (r *replacement) commit() error {
	err := r.file.Close()
	if err == nil && r.temp != "" {
		err = os.Rename(r.temp, r.at)
	}
	if err != nil && r.temp != "" {
		err = errors.Join(err, os.Remove(r.temp))
	}
	return r.fail(err)
}

// abort removes what has been written.
func (r *replacement) abort() {
	_ = r.file.Close() // an error has been told of
	if r.temp != "" {
		_ = os.Remove(r.temp) // likewise
	}
}

func (r *replacement) fail(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", r.path, localCause(err))
}

// replaceFile writes all of a file.
func replaceFile(path string, content []byte) error {
	r, err := beginReplacement(path)
	if err != nil {
		return err
	}
	if _, err := r.Write(content); err != nil {
		r.abort()
		return err
	}
	return r.commit()
}
