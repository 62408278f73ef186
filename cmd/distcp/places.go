package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/filestore"
)

// openSource opens a URL to read from. A local path that is not there, or a file that is written as a
// directory, is an error: nobody means an empty set of files by it.
func openSource(ctx context.Context, opener *storage.Opener, url string) (storage.Location, error) {
	l, err := opener.Open(ctx, url)
	if err != nil || l.Bucket.URL() != "file:///" {
		return l, err
	}
	info, err := os.Stat(localPath(l))
	if err == nil && !info.IsDir() && strings.HasSuffix(l.Prefix, "/") {
		err = syscall.ENOTDIR
	}
	if err != nil {
		failed := &storage.Error{Op: "open", URL: l.URL(), Err: localCause(err)}
		if strings.ContainsAny(url, "*?") {
			failed.Hint = noWildcards
		} else if at, err := opener.Open(ctx, "hdfs://"+url); err == nil && strings.HasPrefix(url, "/") {
			failed.Hint = fmt.Sprintf("a path is one of this machine; hdfs://%s is %s", url, at.URL())
		}
		if errors.Is(err, syscall.ENOTDIR) { // what it is below is a file
			return l, &absentError{failed}
		}
		return l, absent(failed)
	}
	return l, nil
}

// noWildcards is for those who write them in --src.
const noWildcards = "* and ? are characters as others are in --src; --include selects by them"

// localPath is where a location of local files is.
func localPath(l storage.Location) string {
	if l.Prefix == "" {
		return "/"
	}
	return "/" + filestore.PathOf(strings.TrimSuffix(l.Prefix, "/"))
}

// localCause is why a path cannot be used, without the path, in our words where we have some.
func localCause(err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return storage.ErrNotExist
	case errors.Is(err, os.ErrPermission):
		return storage.ErrPermission
	}
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// checkLinks refuses a local destination that lies inside a local source by way of symbolic
// links, which URLs do not show: the copy would go on copying itself.
func checkLinks(src, dest storage.Location) error {
	if src.Bucket.URL() != "file:///" || dest.Bucket.URL() != "file:///" {
		return nil
	}
	from, err := filepath.EvalSymlinks(localPath(src))
	if err != nil {
		return nil // listing it will tell
	}
	if info, err := os.Stat(from); err != nil || !info.IsDir() {
		return nil // one file, whose copy is checked when it is made
	}
	for to := localPath(dest); ; to = filepath.Dir(to) {
		actual, err := filepath.EvalSymlinks(to)
		if err != nil && to != "/" {
			continue // not there yet; what is above it decides
		}
		if actual == from || strings.HasPrefix(actual, strings.TrimSuffix(from, "/")+"/") {
			return &copier.OverlapError{Src: src.URL(), Dest: dest.URL(), Hint: copier.CopyElsewhere}
		}
		return nil
	}
}

// checkDirectory refuses a place to write below that is a file, or is below one, where files and
// directories exclude each other: each output would fail.
func checkDirectory(ctx context.Context, flag string, at storage.Location) error {
	if strings.HasPrefix(at.Bucket.URL(), "s3://") {
		return nil
	}
	for key := strings.TrimSuffix(at.Prefix, "/"); key != ""; {
		exists, isFile := fileAt(ctx, storage.Location{Bucket: at.Bucket, Prefix: key})
		if isFile {
			return usagef("%s: %s%s is a file; name a directory, below which files get the names that they have below --src", flag, at.Bucket.URL(), key)
		}
		if exists {
			return checkMakeable(at, key)
		}
		key = key[:max(strings.LastIndexByte(key, '/'), 0)]
	}
	return checkMakeable(at, "")
}

// What access(2) is asked for.
const (
	accessSearch = 1
	accessWrite  = 2
)

// checkMakeable refuses a local directory that is not there and cannot be made in the one above it that is,
// whose key is above. In one that is there some files may be writable, which the copy finds out.
func checkMakeable(at storage.Location, above string) error {
	if at.Bucket.URL() != "file:///" || above == strings.TrimSuffix(at.Prefix, "/") {
		return nil
	}
	dir := localPath(storage.Location{Bucket: at.Bucket, Prefix: above})
	if err := syscall.Access(dir, accessWrite|accessSearch); err != nil {
		return &absentError{&storage.Error{Op: "create", URL: at.URL(), Err: fmt.Errorf("%s: %w", printable(dir), localCause(err))}}
	}
	return nil
}

// fileAt reports whether there is something at a place, and whether that is a file, or anything else
// that is no directory. What cannot be found out the copy will tell.
func fileAt(ctx context.Context, at storage.Location) (exists, isFile bool) {
	if at.Bucket.URL() == "file:///" {
		info, err := os.Stat(localPath(at))
		return err == nil, err == nil && !info.IsDir()
	}
	_, err := at.Bucket.Stat(ctx, at.Prefix)
	return err == nil, err == nil
}
