package filestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/skepdata/skep/storage"
)

// Open implements storage.Bucket.
func (b *Bucket) Open(
	ctx context.Context, key string, opts storage.ReadOptions,
) (storage.Reader, error) {
	if err := opts.Demands(); err != nil {
		return nil, b.fail("open", key, err)
	}
	path, err := b.begin(ctx, "open", key)
	if err != nil {
		return nil, err
	}
	// Without O_NONBLOCK, opening a pipe would wait for a writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, b.fail("open", key, err)
	}
	r, err := b.reader(ctx, f, key, opts)
	if err != nil {
		f.Close()
		return nil, b.fail("open", key, err)
	}
	return r, nil
}

func (b *Bucket) reader(
	ctx context.Context, f *os.File, key string, opts storage.ReadOptions,
) (*reader, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, notAFile(info.Mode())
	}
	o := object(key, info)
	if opts.IfMatch != "" && opts.IfMatch != o.ETag {
		return nil, storage.ErrChanged
	}
	if opts.Offset < 0 || opts.Length < 0 || opts.Offset > o.Size {
		return nil, fmt.Errorf("%w: offset %d, length %d, size %d",
			storage.ErrInvalidRange, opts.Offset, opts.Length, o.Size)
	}
	left := o.Size - opts.Offset
	if opts.Length > 0 {
		left = min(left, opts.Length)
	}
	if opts.Offset > 0 {
		if _, err := f.Seek(opts.Offset, io.SeekStart); err != nil {
			return nil, err
		}
	}
	return &reader{b: b, ctx: ctx, f: f, o: o, next: opts.Offset, left: left}, nil
}

// reader reads the inode it opened, which outlives its name.
type reader struct {
	b    *Bucket
	ctx  context.Context // of Open, which bounds the reads as it does for a remote store
	f    *os.File
	o    storage.Object
	next int64 // byte to read
	left int64 // bytes to read yet
}

// FileRange implements storage.FileRanger.
func (r *reader) FileRange() (*os.File, int64, bool) {
	fd, err := unix.FcntlInt(r.f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, 0, false // reading will do
	}
	return os.NewFile(uintptr(fd), r.f.Name()), r.next, true
}

func (r *reader) Object() storage.Object { return r.o }

func (r *reader) Close() error {
	if err := r.f.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return r.b.fail("read", r.o.Key, err)
	}
	return nil
}

func (r *reader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, r.b.fail("read", r.o.Key, context.Cause(r.ctx))
	}
	if r.left == 0 {
		if err := r.unchanged(); err != nil {
			return 0, r.b.fail("read", r.o.Key, err)
		}
		return 0, io.EOF
	}
	n, err := r.f.Read(p[:min(int64(len(p)), r.left)])
	r.next += int64(n)
	r.left -= int64(n)
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: it has become shorter", storage.ErrChanged)
	}
	if err != nil {
		return n, r.b.fail("read", r.o.Key, err)
	}
	return n, nil
}

// unchanged notices programs that write into files in place: what was read since Open may be a
// mixture then.
func (r *reader) unchanged() error {
	info, err := r.f.Stat()
	if err != nil {
		return err
	}
	if etag(info) != r.o.ETag {
		return storage.ErrChanged
	}
	return nil
}
