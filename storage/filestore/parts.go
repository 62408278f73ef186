package filestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/skepdata/skep/storage"
)

const (
	defaultPartSize = 16 << 20  // bytes
	pieceSize       = 256 << 10 // bytes of a part or copy in memory at a time
)

// PartSize implements storage.PartUploader. Any size suits a file.
func (b *Bucket) PartSize(size, want int64) int64 {
	if want <= 0 {
		return defaultPartSize
	}
	return want
}

// CreateParts implements storage.PartUploader: the parts are written into their places in one
// file, for which the space is taken at once.
func (b *Bucket) CreateParts(
	ctx context.Context, key string, opts storage.CreateOptions,
) (storage.Upload, error) {
	if opts.Size < 0 {
		return nil, b.fail("create", key, fmt.Errorf("size %d: the size must be known", opts.Size))
	}
	u := &upload{size: opts.Size, partSize: opts.PartSize, sums: map[int]storage.Checksum{}}
	if u.partSize <= 0 {
		u.partSize = b.PartSize(opts.Size, 0)
	}
	var err error
	if u.draft, err = b.draft(ctx, key, opts); err != nil {
		return nil, err
	}
	if !opts.Resumable || opts.Size == 0 {
		err = allocate(u.file, opts.Size)
	} else {
		u.record = uploadRecord{key, u.size, u.partSize, time.Now()}
		if err = allocate(u.file, u.record.end()); err == nil {
			u.id, err = b.persist(u.draft, u.record)
		}
	}
	if err != nil {
		return nil, errors.Join(b.fail("create", key, err), u.discard())
	}
	if u.id != "" {
		b.adopt(u)
	}
	return u, nil
}

// allocate makes f size bytes long, with the space for them where the file system can promise
// it.
func allocate(f *tempFile, size int64) error {
	if size == 0 {
		return nil
	}
	for {
		err := fallocate(f.File, size)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if errors.Is(err, errors.ErrUnsupported) {
			return f.Truncate(size)
		}
		return err
	}
}

// upload is an object being written in parts.
type upload struct {
	*draft
	size, partSize int64

	id     string // empty for one that ends with the process
	record uploadRecord

	writing sync.Mutex

	mu    sync.Mutex
	sums  map[int]storage.Checksum // of the parts that are written
	ended bool
}

func (u *upload) WritePart(
	ctx context.Context, n int, r io.Reader, size int64,
) (storage.Checksum, error) {
	sum, err := u.writePart(ctx, n, r, size)
	if err != nil {
		return storage.Checksum{}, u.b.fail("write", u.key, fmt.Errorf("part %d: %w", n, err))
	}
	return sum, nil
}

func (u *upload) writePart(
	ctx context.Context, n int, r io.Reader, size int64,
) (storage.Checksum, error) {
	if want := min(u.partSize, u.size-int64(n)*u.partSize); n < 0 || size != want {
		return storage.Checksum{}, fmt.Errorf(
			"it has %d bytes, want %d: CreateOptions.PartSize is %d", size, want, u.partSize)
	}
	if err := u.begin(n); err != nil {
		return storage.Checksum{}, err
	}
	piece := u.b.piece()
	defer u.b.pieces.Put(piece)
	buf := *piece
	from := storage.AsSummed(r)
	for done := int64(0); done < size; {
		if ctx.Err() != nil {
			return storage.Checksum{}, context.Cause(ctx)
		}
		m, err := io.ReadFull(from, buf[:min(size-done, pieceSize)])
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return storage.Checksum{}, fmt.Errorf("it ends after %d of %d bytes: %w",
				done+int64(m), size, io.ErrUnexpectedEOF)
		}
		if err != nil {
			return storage.Checksum{}, err
		}
		if err := u.writeAt(buf[:m], int64(n)*u.partSize+done); err != nil {
			return storage.Checksum{}, err
		}
		done += int64(m)
	}
	sum := from.CRC32C()
	if u.id != "" {
		if err := u.record.note(u.file.File, n, sum); err != nil {
			return storage.Checksum{}, err
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sums[n] = sum
	return sum, nil
}

// writeAt writes one piece at a time. So does the kernel, whose waiters spin for as long as others write.
func (u *upload) writeAt(p []byte, offset int64) error {
	u.writing.Lock()
	defer u.writing.Unlock()
	_, err := u.file.WriteAt(p, offset)
	return err
}

// piece is memory for a piece of a part. Those of parts that are done are used again: new memory is a
// fault for each page.
func (b *Bucket) piece() *[]byte {
	if p, ok := b.pieces.Get().(*[]byte); ok {
		return p
	}
	p := make([]byte, pieceSize)
	return &p
}

// begin forgets what part n was, since it is about to be written over.
func (u *upload) begin(n int) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended {
		return storage.ErrEnded
	}
	if _, there := u.sums[n]; there && u.id != "" {
		if err := u.record.note(u.file.File, n, storage.Checksum{}); err != nil {
			return err
		}
	}
	delete(u.sums, n)
	return nil
}

// end lets no more parts in. It tells whether the upload had ended before.
func (u *upload) end() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	was := u.ended
	u.ended = true
	return was
}

func (u *upload) Commit(ctx context.Context) (storage.Object, error) {
	if u.end() {
		return storage.Object{}, u.b.fail("commit", u.key, storage.ErrEnded)
	}
	defer u.b.release(u)
	if ctx.Err() != nil {
		return storage.Object{}, u.b.fail("commit", u.key, errors.Join(context.Cause(ctx), u.discard()))
	}
	var sum storage.Joiner
	for n, done := 0, int64(0); done < u.size; n++ {
		part, ok := u.sums[n]
		if !ok {
			err := fmt.Errorf("part %d of %d bytes each was never written", n, u.partSize)
			return storage.Object{}, u.b.fail("commit", u.key, errors.Join(err, u.discard()))
		}
		size := min(u.partSize, u.size-done)
		sum.Append(part, size)
		done += size
	}
	if u.id != "" {
		if err := u.file.Truncate(u.size); err != nil {
			return storage.Object{}, u.b.fail("commit", u.key, errors.Join(err, u.discard()))
		}
	}
	return u.publish(ctx, sum.Sum())
}

func (u *upload) Abort(context.Context) error {
	u.end()
	u.b.release(u)
	if err := u.discard(); err != nil {
		return u.b.fail("abort", u.key, err)
	}
	return nil
}
