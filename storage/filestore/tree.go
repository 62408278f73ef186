package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/skepdata/skep/storage"
)

var (
	_ storage.DirLister   = (*Bucket)(nil)
	_ storage.Directories = (*Bucket)(nil)
	_ storage.Renamer     = (*Bucket)(nil)
	_ storage.TreeDeleter = (*Bucket)(nil)
)

// ListDir implements storage.DirLister.
func (b *Bucket) ListDir(ctx context.Context, prefix string) iter.Seq2[storage.Entry, error] {
	return func(yield func(storage.Entry, error) bool) {
		l := &listing{
			b: b, ctx: ctx,
			yield: func(o storage.Object, err error) bool { return yield(storage.Entry{Object: o}, err) },
			dir: func(key string) bool {
				return yield(storage.Entry{Object: storage.Object{Key: key}, Dir: true}, nil)
			},
		}
		l.run(prefix)
	}
}

// MakeDir implements storage.Directories.
func (b *Bucket) MakeDir(ctx context.Context, dir string) error {
	path, err := b.begin(ctx, "make directory", strings.TrimSuffix(dir, "/"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(path, 0o777); err != nil {
		return b.fail("make directory", dir, pathless(err, path))
	}
	return nil
}

// RemoveDir implements storage.Directories.
func (b *Bucket) RemoveDir(ctx context.Context, dir string) error {
	path, err := b.begin(ctx, "remove directory", strings.TrimSuffix(dir, "/"))
	if err != nil {
		return err
	}
	switch err := syscall.Rmdir(path); {
	case errors.Is(err, syscall.ENOENT):
		return b.fail("remove directory", dir, storage.ErrNotExist)
	case errors.Is(err, syscall.ENOTEMPTY):
		return b.fail("remove directory", dir, fmt.Errorf("%w: it is not empty", storage.ErrExist))
	case err != nil:
		return b.fail("remove directory", dir, err)
	}
	return nil
}

// HasDir implements storage.Directories.
func (b *Bucket) HasDir(ctx context.Context, dir string) (bool, error) {
	path, err := b.begin(ctx, "stat directory", strings.TrimSuffix(dir, "/"))
	if err != nil {
		return false, err
	}
	info, err := os.Stat(path)
	if isAbsent(err) {
		return false, nil
	}
	if err != nil {
		return false, b.fail("stat directory", dir, pathless(err, path))
	}
	return info.IsDir(), nil
}

// Rename implements storage.Renamer.
func (b *Bucket) Rename(ctx context.Context, from, to string) error {
	source, err := b.begin(ctx, "rename", from)
	if err != nil {
		return err
	}
	dest, err := b.begin(ctx, "rename", to)
	if err != nil {
		return err
	}
	info, err := os.Stat(source)
	if err == nil && !info.Mode().IsRegular() {
		err = notAFile(info.Mode())
	}
	if err != nil {
		return b.fail("rename", from, err)
	}
	return b.rename(from, to, source, dest)
}

// RenameDir implements storage.Renamer. The directory goes with everything that is in it.
func (b *Bucket) RenameDir(ctx context.Context, from, to string) error {
	source, err := b.begin(ctx, "rename", strings.TrimSuffix(from, "/"))
	if err != nil {
		return err
	}
	dest, err := b.begin(ctx, "rename", strings.TrimSuffix(to, "/"))
	if err != nil {
		return err
	}
	info, err := os.Stat(source)
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return b.fail("rename", from, err)
	}
	return b.rename(from, to, source, dest)
}

func (b *Bucket) rename(from, to, source, dest string) error {
	if err := os.MkdirAll(filepath.Dir(dest), 0o777); err != nil {
		return b.fail("rename", to, err)
	}
	err := os.Rename(source, dest)
	var link *os.LinkError
	if errors.As(err, &link) {
		err = link.Err
	}
	switch {
	case errors.Is(err, syscall.EXDEV):
		err = fmt.Errorf("%w: %s is on another file system", storage.ErrUnsupported, b.url+to)
	case errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTEMPTY):
		return b.fail("rename", to, storage.ErrExist)
	}
	if err != nil {
		return b.fail("rename", from, err)
	}
	return nil
}

// DeleteTree implements storage.TreeDeleter. It removes the directory with everything that is in it,
// empty directories and links too; not what a link leads to.
func (b *Bucket) DeleteTree(ctx context.Context, dir string) error {
	if dir == "" {
		return b.fail("delete", dir, fmt.Errorf("%w: it is the root of all files", storage.ErrUnsupported))
	}
	path, err := b.begin(ctx, "delete", strings.TrimSuffix(dir, "/"))
	if err != nil {
		return err
	}
	err = os.RemoveAll(path)
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return b.fail("delete", strings.TrimPrefix(pathErr.Path, b.root), pathErr.Err)
	}
	if err != nil {
		return b.fail("delete", dir, err)
	}
	return nil
}
