package filestore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/skepdata/skep/storage"
)

var _ storage.Adopter = (*Bucket)(nil)

// Adopt implements storage.Adopter, by one rename.
func (b *Bucket) Adopt(ctx context.Context, key, path string) (storage.Object, error) {
	dest, err := b.begin(ctx, "adopt", key)
	if err != nil {
		return storage.Object{}, err
	}
	o, err := adopt(key, path, dest)
	if err != nil {
		return storage.Object{}, b.fail("adopt", key, clash(dest, err))
	}
	return o, nil
}

func adopt(key, path, dest string) (storage.Object, error) {
	if info, err := os.Lstat(path); err != nil {
		return storage.Object{}, err
	} else if !info.Mode().IsRegular() {
		return storage.Object{}, fmt.Errorf("%w: %s is a %s", storage.ErrUnsupported, path, kindOf(info.Mode()))
	}
	if info, err := os.Stat(dest); err == nil && !info.Mode().IsRegular() {
		return storage.Object{}, fmt.Errorf("there is a %s of this name already", kindOf(info.Mode()))
	}
	dir, err := existing(filepath.Dir(dest))
	if err != nil {
		return storage.Object{}, err
	}
	if err := marksFiles(dir); err != nil {
		return storage.Object{}, err
	}
	if err := renameInDirectory(path, dest); err != nil {
		return storage.Object{}, err
	}
	info, err := os.Lstat(dest)
	if err != nil {
		return storage.Object{}, err
	}
	return object(key, info), nil
}

// marksFiles reports ErrUnsupported of a directory that gives the files that are made in it a group or
// permissions of its own, which a file that comes by a rename does not get.
func marksFiles(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if info.Mode()&os.ModeSetgid != 0 {
		return fmt.Errorf("%w: the files of %s have its group", storage.ErrUnsupported, dir)
	}
	has, err := hasDefaultACL(dir)
	switch {
	case err != nil:
		return fmt.Errorf("%w: whether the files of %s have an ACL: %w", storage.ErrUnsupported, dir, err)
	case has:
		return fmt.Errorf("%w: the files of %s have an ACL", storage.ErrUnsupported, dir)
	}
	return nil
}

// renameInDirectory makes the directories for a file where they are not there.
func renameInDirectory(from, to string) error {
	const attempts = 10 // others may remove an empty directory before the file is in it
	var made []string
	var err error
	for range attempts {
		err = syscall.Rename(from, to)
		if !errors.Is(err, syscall.ENOENT) {
			break
		}
		var more []string
		more, err = makeDirectories(filepath.Dir(to))
		made = append(more, made...)
		if err != nil {
			break
		}
	}
	if err == nil {
		return nil
	}
	for _, dir := range made {
		_ = syscall.Rmdir(dir) // fails if somebody else uses it already, as it should
	}
	if errors.Is(err, syscall.EXDEV) {
		return fmt.Errorf("%w: it is on another file system", storage.ErrUnsupported)
	}
	return err
}
