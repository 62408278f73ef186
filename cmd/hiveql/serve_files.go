package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/skepdata/skep/storage"
)

// directories are the directories of the stores that tables lie in.
type directories struct {
	opener    *storage.Opener
	warehouse string // which is never removed
}

func (d *directories) open(ctx context.Context, url string) (storage.Location, error) {
	loc, err := d.opener.Open(ctx, url)
	if err == nil && loc.Prefix != "" && !strings.HasSuffix(loc.Prefix, "/") {
		loc.Prefix += "/"
	}
	return loc, err
}

// local is the path of a local directory, empty for other stores.
func local(loc storage.Location) string {
	if path, ok := strings.CutPrefix(loc.URL(), "file://"); ok {
		return path
	}
	return ""
}

// MakeDir makes local directories; other stores have none.
func (d *directories) MakeDir(ctx context.Context, url string) error {
	loc, err := d.open(ctx, url)
	if path := local(loc); err == nil && path != "" {
		err = os.MkdirAll(path, 0o755)
	}
	return err
}

// Copy copies files, by the store itself where it can.
func (d *directories) Copy(ctx context.Context, from, to string) error {
	src, err := d.open(ctx, from)
	if err != nil {
		return err
	}
	dst, err := d.open(ctx, to)
	if err != nil {
		return err
	}
	for _, err := range dst.Bucket.List(ctx, dst.Prefix) {
		if err == nil {
			err = fmt.Errorf("%s is not empty", to)
		}
		if !errors.Is(err, storage.ErrNotExist) {
			return err
		}
	}
	for o, err := range src.Bucket.List(ctx, src.Prefix) {
		if errors.Is(err, storage.ErrNotExist) {
			break
		}
		if err == nil {
			err = copyObject(ctx, src.Bucket, o, dst.Bucket, dst.Prefix+o.Key[len(src.Prefix):])
		}
		if err != nil {
			return errors.Join(err, d.Remove(context.WithoutCancel(ctx), to))
		}
	}
	return d.MakeDir(ctx, to)
}

func copyObject(ctx context.Context, src storage.Bucket, o storage.Object, dst storage.Bucket, key string) error {
	if c, ok := dst.(storage.ServerCopier); ok {
		if _, err := c.CopyFrom(ctx, key, src, o); !errors.Is(err, storage.ErrUnsupported) {
			return err
		}
	}
	r, err := src.Open(ctx, o.Key, storage.ReadOptions{IfMatch: o.ETag})
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := dst.Create(ctx, key, storage.CreateOptions{Durable: true})
	if err != nil {
		return err
	}
	defer w.Abort()
	if _, err := io.Copy(w, r); err != nil {
		return err
	}
	_, err = w.Commit()
	return err
}

// Remove removes files, and of local directories what is then empty.
func (d *directories) Remove(ctx context.Context, url string) error {
	loc, err := d.open(ctx, url)
	if err != nil {
		return err
	}
	if loc.Prefix == "" || strings.TrimSuffix(loc.URL(), "/") == strings.TrimSuffix(d.warehouse, "/") {
		return fmt.Errorf("%s is the root of a store or the warehouse; it is not removed", url)
	}
	if _, err := storage.DeleteAll(ctx, loc.Bucket, loc.Prefix, nil); err != nil {
		return err
	}
	return removeEmpty(local(loc))
}

// removeEmpty removes the empty directories below a local path, and it.
func removeEmpty(path string) error {
	if path == "" {
		return nil
	}
	var dirs []string
	err := filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && e.IsDir() {
			dirs = append(dirs, p)
		}
		return err
	})
	for _, dir := range slices.Backward(dirs) {
		_ = os.Remove(dir) // one that has got files meanwhile stays
	}
	return err
}
