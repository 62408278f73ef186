package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/skepdata/skep/storage"
)

// Bucket is a directory and all files below it. It is safe for concurrent use, by several
// processes too.
type Bucket struct {
	root string // absolute, with a trailing slash
	url  string

	uploads uploads
	pieces  sync.Pool // of *[]byte of pieceSize, for parts

	// namedFiles makes the bucket do as on a file system without anonymous files.
	namedFiles bool
}

var (
	_ storage.Bucket       = (*Bucket)(nil)
	_ storage.PartUploader = (*Bucket)(nil)
	_ storage.ServerCopier = (*Bucket)(nil)
	_ storage.LocalPather  = (*Bucket)(nil)
)

// New returns the files below root, which need not exist yet. A relative root is taken from
// the working directory of the moment.
func New(root string) (*Bucket, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("the directory %s: %w", root, err)
	}
	abs = strings.TrimSuffix(abs, "/") + "/"
	return &Bucket{root: abs, url: "file://" + abs}, nil
}

// URL implements storage.Bucket.
func (b *Bucket) URL() string { return b.url }

// Close implements storage.Bucket. There is nothing to release.
func (b *Bucket) Close() error { return nil }

// path returns the file that key names. It is below the root, whatever the key.
func (b *Bucket) path(key string) (string, error) {
	if key == "" {
		return "", fmt.Errorf("%w: it is empty", storage.ErrInvalidKey)
	}
	return b.root + PathOf(key), nil
}

const hiddenPrefix, hiddenSuffix = ".skep-", ".tmp"

// isHidden tells whether name is of a file being written.
func isHidden(name string) bool {
	return strings.HasPrefix(name, hiddenPrefix) && strings.HasSuffix(name, hiddenSuffix)
}

// Stat implements storage.Bucket.
func (b *Bucket) Stat(ctx context.Context, key string) (storage.Object, error) {
	path, err := b.begin(ctx, "stat", key)
	if err != nil {
		return storage.Object{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return storage.Object{}, b.fail("stat", key, err)
	}
	if !info.Mode().IsRegular() {
		return storage.Object{}, b.fail("stat", key, notAFile(info.Mode()))
	}
	return object(key, info), nil
}

// begin checks the context and the key of an operation.
func (b *Bucket) begin(ctx context.Context, op, key string) (path string, err error) {
	if ctx.Err() != nil {
		return "", b.fail(op, key, context.Cause(ctx))
	}
	if path, err = b.path(key); err != nil {
		return "", b.fail(op, key, err)
	}
	return path, nil
}

// notAFile is the error for what exists without being an object.
func notAFile(mode fs.FileMode) error {
	if mode.IsDir() {
		return fmt.Errorf("%w: it is a directory", storage.ErrNotExist)
	}
	return fmt.Errorf("%w: it is not a regular file", storage.ErrNotExist)
}

// object describes the file of info.
func object(key string, info fs.FileInfo) storage.Object {
	return storage.Object{Key: key, Size: info.Size(), ModTime: info.ModTime(), ETag: etag(info), Mode: info.Mode().Perm()}
}

// etag is made of what changes with the content: a new version is a new inode, and writing in
// place moves the modification time.
func etag(info fs.FileInfo) string {
	var inode uint64
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		inode = s.Ino
	}
	return fmt.Sprintf("%x-%x-%x", inode, info.Size(), info.ModTime().UnixNano())
}

// Delete implements storage.Bucket. Directories stay, also when they become empty.
func (b *Bucket) Delete(ctx context.Context, keys ...string) error {
	var errs []error
	for _, key := range keys {
		path, err := b.begin(ctx, "delete", key)
		if err != nil {
			errs = append(errs, err)
			if ctx.Err() != nil {
				break
			}
			continue
		}
		if err := remove(path); err != nil && !isAbsent(err) {
			errs = append(errs, b.fail("delete", key, err))
		}
	}
	return errors.Join(errs...)
}

// remove removes the file, or the link to a file, called path, and nothing that is no object.
func remove(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return nil
	}
	return syscall.Unlink(path)
}

// LocalPath implements storage.LocalPather: every object is a file.
func (b *Bucket) LocalPath(ctx context.Context, key string) (path string, ok bool, err error) {
	if path, err = b.begin(ctx, "stat", key); err != nil {
		return "", false, err
	}
	info, err := os.Stat(path)
	if isAbsent(err) || err == nil && !info.Mode().IsRegular() {
		return "", false, nil
	}
	if err != nil {
		return "", false, b.fail("stat", key, err)
	}
	return path, true, nil
}
