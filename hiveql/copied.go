package hiveql

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"golang.org/x/sync/errgroup"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/partitions"
	"github.com/skepdata/skep/storage"
)

// delivery are files for one place.
type delivery struct {
	files []File
	url   string
	root  *string // the beginning of their keys that is left out; nil leaves out all directories
}

// copyFiles copies files, as they are, to their places, under names that end in id. Hidden ones keep their
// names. What fails for a reason that may pass is tried again, as uploads are.
func (s *Session) copyFiles(ctx context.Context, id string, deliveries ...delivery) error {
	u, err := s.newUploads(ctx) // for its notes
	if err != nil {
		return err
	}
	defer u.close()
	retries := copier.NewRetrier(copier.Options{})
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(s.cfg.Parallel)
	for _, d := range deliveries {
		to, err := s.cfg.directory(ctx, d.url)
		if err != nil {
			return errors.Join(err, g.Wait())
		}
		used := map[string]bool{}
		for _, f := range d.files {
			name := d.name(f, id, used)
			g.Go(func() error {
				if err := u.note(to.Bucket, to.Prefix+name, f.Object.Size); err != nil {
					return err
				}
				return retries.Do(gctx, func(ctx context.Context) error { return copyFile(ctx, f, to.Bucket, to.Prefix+name) },
					func(error) { u.doubt(to.Bucket.URL() + to.Prefix + name) })
			})
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return u.wait()
}

// name is the name of a copy below its place, which is none of those used. Files can have one name but for
// their ids, and a pattern can match files of one name in two directories.
func (d *delivery) name(f File, id string, used map[string]bool) string {
	dir, base := "", path.Base(f.Object.Key)
	if d.root != nil {
		dir, base = path.Split(f.Object.Key[len(*d.root):])
	}
	if base == "" || partitions.Hidden(dir+base) {
		return dir + base
	}
	name := dir + loadName(base, id, 0)
	for n := 1; used[name]; n++ {
		name = dir + loadName(base, id, n)
	}
	used[name] = true
	return name
}

// loadName puts the write's id, and the number of a further file of the name, before the extensions of a
// file's name.
func loadName(base, id string, copies int) string {
	if old, _ := idOf(base); old != "" {
		base = strings.Replace(base, "_"+old, "", 1)
	}
	stem, ext := base, ""
	if i := strings.IndexByte(base[1:], '.'); i >= 0 {
		stem, ext = base[:i+1], base[i+1:]
	}
	if copies > 0 {
		stem += fmt.Sprintf("_copy_%d", copies) // as Hive names them
	}
	return stem + "_" + id + ext
}

// copyFile copies one object, on the server where it can, verified.
func copyFile(ctx context.Context, f File, b storage.Bucket, key string) error {
	if sc, ok := storage.As[storage.ServerCopier](b); ok {
		_, err := sc.CopyFrom(ctx, key, f.Bucket, f.Object)
		if !errors.Is(err, storage.ErrUnsupported) {
			return err
		}
	}
	r, err := f.Bucket.Open(ctx, f.Object.Key, storage.ReadOptions{IfMatch: f.Object.ETag})
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := b.Create(ctx, key, storage.CreateOptions{Size: f.Object.Size})
	if err != nil {
		return err
	}
	defer w.Abort()
	sum := storage.NewCRC32C()
	n, err := io.Copy(io.MultiWriter(w, sum), r)
	if err != nil {
		return err
	}
	if n != f.Object.Size {
		return fmt.Errorf("load %s: %d bytes came, of %d: %w", f.URL(), n, f.Object.Size, storage.ErrChecksum)
	}
	read := storage.Checksum{Sum: sum.Sum32(), Known: true}
	if read.Differs(r.Object().CRC32C) {
		return fmt.Errorf("load %s: %w", f.URL(), storage.ErrChecksum)
	}
	made, err := w.Commit()
	if err != nil {
		return err
	}
	if read.Differs(made.CRC32C) {
		return fmt.Errorf("load %s: the copy %s%s: %w", f.URL(), b.URL(), key, storage.ErrChecksum)
	}
	return nil
}
