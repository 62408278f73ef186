package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/skepdata/skep/storage"
)

// Create implements storage.Bucket. It creates no directories; Commit does.
func (b *Bucket) Create(
	ctx context.Context, key string, opts storage.CreateOptions,
) (storage.Writer, error) {
	d, err := b.draft(ctx, key, opts)
	if err != nil {
		return nil, err
	}
	return &writer{draft: d, ctx: ctx, told: opts.Checksum}, nil
}

// draft is a file being written, which has no visible name yet.
type draft struct {
	b       *Bucket
	key     string
	path    string
	durable bool
	file    *tempFile // nil once the draft is ended
	mtime   time.Time // that the file is to have; zero for that of its last write
	mode    fs.FileMode
}

// draft starts the file that is to become key, next to where it will be.
func (b *Bucket) draft(ctx context.Context, key string, opts storage.CreateOptions) (*draft, error) {
	if err := opts.Demands(); err != nil {
		return nil, b.fail("create", key, err)
	}
	path, err := b.begin(ctx, "create", key)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, b.fail("create", key, fmt.Errorf("there is a %s of this name already", kindOf(info.Mode())))
	} else if err != nil && !isAbsent(err) {
		return nil, b.fail("create", key, err)
	}
	file, err := b.tempFor(path)
	if err != nil {
		return nil, b.fail("create", key, clash(path, err))
	}
	return &draft{
		b: b, key: key, path: path, durable: opts.Durable, file: file, mtime: opts.ModTime, mode: opts.Mode.Perm(),
	}, nil
}

// tempFor makes a file without a visible name, in the nearest directory above path that exists.
func (b *Bucket) tempFor(path string) (*tempFile, error) {
	const attempts = 100 // others may remove, and make, empty directories all the time
	var err error
	near := filepath.Dir(path)
	for range attempts {
		var dir string
		if dir, err = existing(near); err != nil {
			return nil, err
		}
		var file *tempFile
		if file, err = createTemp(dir, b.namedFiles); err == nil {
			return file, nil
		}
		if !errors.Is(err, syscall.ENOENT) && !errors.Is(err, syscall.EPERM) { // which is what ext4 says of it
			break
		}
		near = filepath.Dir(path)
		if isRemoved(dir) {
			near = filepath.Dir(dir)
		}
	}
	return nil, err
}

// isRemoved tells whether dir is a directory that is being removed: it has no links any more, but its name
// is found until the file system has done, which may take it milliseconds. No file can be made in it.
func isRemoved(dir string) bool {
	info, err := os.Stat(dir)
	if err != nil {
		return false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && s.Nlink == 0
}

func kindOf(mode os.FileMode) string {
	if mode.IsDir() {
		return "directory"
	}
	return "device, socket or pipe"
}

// existing returns dir or the nearest directory above it that exists. What is written there is
// on the same file system as the directories that will be made below it.
func existing(dir string) (string, error) {
	for {
		info, err := os.Stat(dir)
		switch {
		case err == nil && info.IsDir():
			return dir, nil
		case err == nil:
			return "", &storage.BelowFileError{File: dir}
		case !isAbsent(err) || dir == "/":
			return "", err
		}
		dir = filepath.Dir(dir)
	}
}

// publish gives the draft its name and describes the object.
func (d *draft) publish(ctx context.Context, sum storage.Checksum) (storage.Object, error) {
	if d.file == nil {
		return storage.Object{}, d.b.fail("commit", d.key, storage.ErrEnded)
	}
	o, err := d.link(ctx)
	if discardErr := d.discard(); err == nil {
		err = discardErr
	}
	if err != nil {
		return storage.Object{}, d.b.fail("commit", d.key, clash(d.path, err))
	}
	o.CRC32C = sum
	return o, nil
}

func (d *draft) link(ctx context.Context) (storage.Object, error) {
	if err := d.stamp(); err != nil {
		return storage.Object{}, err
	}
	if d.durable {
		if err := d.file.Sync(); err != nil {
			return storage.Object{}, err
		}
	}
	if ctx.Err() != nil {
		return storage.Object{}, context.Cause(ctx)
	}
	made, err := d.linkInDirectory()
	if err != nil {
		for _, dir := range made {
			_ = syscall.Rmdir(dir) // fails if somebody else uses it already, as it should
		}
		return storage.Object{}, err
	}
	if d.durable {
		if err := syncDirectories(filepath.Dir(d.path), made); err != nil {
			return storage.Object{}, err
		}
	}
	info, err := d.file.Stat()
	if err != nil {
		return storage.Object{}, err
	}
	return object(d.key, info), nil
}

// stamp gives the file the permissions and the time that it is to have.
func (d *draft) stamp() error {
	if d.mode != 0 {
		if err := d.file.Chmod(d.mode); err != nil {
			return err
		}
	}
	if d.mtime.IsZero() {
		return nil
	}
	return os.Chtimes(d.file.reach(), time.Time{}, d.mtime)
}

// linkInDirectory links the file under its name, and makes the directories for it. It returns
// those it made, the deepest first.
func (d *draft) linkInDirectory() (made []string, err error) {
	dir := filepath.Dir(d.path)
	const attempts = 10 // others may remove an empty directory before the file is in it
	for range attempts {
		err = d.file.publish(d.path)
		if !errors.Is(err, syscall.ENOENT) {
			return made, err
		}
		more, err := makeDirectories(dir)
		made = append(more, made...)
		if err != nil {
			return made, err
		}
	}
	return made, err
}

// makeDirectories makes dir and those above it, and returns the ones it made, deepest first.
func makeDirectories(dir string) (made []string, err error) {
	err = os.Mkdir(dir, 0o777)
	if errors.Is(err, syscall.ENOENT) {
		if made, err = makeDirectories(filepath.Dir(dir)); err != nil {
			return made, err
		}
		err = os.Mkdir(dir, 0o777)
	}
	if errors.Is(err, syscall.EEXIST) {
		return made, nil
	}
	if err != nil {
		return made, err
	}
	return append([]string{dir}, made...), nil
}

// syncDirectories makes the names in dir, and the directories that were made, durable.
func syncDirectories(dir string, made []string) error {
	dirs := []string{dir}
	for _, m := range made {
		dirs = append(dirs, filepath.Dir(m))
	}
	for _, dir := range dirs {
		f, err := os.Open(dir)
		if err != nil {
			return err
		}
		err = f.Sync()
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// discard forgets the file. After publish it only closes it.
func (d *draft) discard() error {
	if d.file == nil {
		return nil
	}
	err := d.file.discard()
	d.file = nil
	return err
}

// writer writes an object from front to end.
type writer struct {
	*draft
	ctx  context.Context         // of Create, which bounds the whole write
	told func() storage.Checksum // tells the checksum; nil if it is computed here
	sum  storage.Checksum
}

func (w *writer) Write(p []byte) (int, error) {
	if w.file == nil {
		return 0, w.b.fail("write", w.key, storage.ErrEnded)
	}
	if w.ctx.Err() != nil {
		return 0, w.b.fail("write", w.key, context.Cause(w.ctx))
	}
	n, err := w.file.Write(p)
	if w.told == nil {
		w.sum = storage.UpdateCRC32C(w.sum, p[:n])
	}
	if err != nil {
		_ = w.discard() // what is written is no beginning of the object any more
		return n, w.b.fail("write", w.key, err)
	}
	return n, nil
}

func (w *writer) Commit() (storage.Object, error) {
	if w.told != nil {
		w.sum = w.told()
	}
	return w.publish(w.ctx, storage.UpdateCRC32C(w.sum, nil))
}

func (w *writer) Abort() error {
	if err := w.discard(); err != nil {
		return w.b.fail("abort", w.key, err)
	}
	return nil
}
