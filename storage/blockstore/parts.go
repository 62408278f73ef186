package blockstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/skepdata/skep/storage"
)

const (
	defaultPartSize = 16 << 20      // bytes
	pieceSize       = 4 * chunkSize // of a part in memory at a time
)

// PartSize implements storage.PartUploader. Parts are made of whole chunks; they need not fit
// blocks.
func (b *Bucket) PartSize(size, want int64) int64 {
	if want <= 0 {
		want = defaultPartSize
	}
	return (want + chunkSize - 1) / chunkSize * chunkSize
}

// CreateParts implements storage.PartUploader: the parts are written into their places in the
// blocks.
func (b *Bucket) CreateParts(
	ctx context.Context, key string, opts storage.CreateOptions,
) (storage.Upload, error) {
	d, err := b.draft(ctx, key, opts)
	if err != nil {
		return nil, err
	}
	if opts.PartSize == 0 {
		opts.PartSize = b.PartSize(opts.Size, 0)
	}
	if opts.Size < 0 || opts.PartSize < 0 || opts.PartSize%chunkSize != 0 {
		return nil, b.fail(ctx, "create", key, fmt.Errorf(
			"size %d, parts of %d bytes: want a known size and parts of a multiple of %d bytes, as PartSize says",
			opts.Size, opts.PartSize, chunkSize))
	}
	u := &upload{draft: d, size: opts.Size, partSize: opts.PartSize, done: map[int]bool{}}
	for at := int64(0); at < opts.Size; at += d.v.blockSize {
		u.parts = append(u.parts, &partBlock{size: min(d.v.blockSize, opts.Size-at)})
	}
	return u, nil
}

// upload is an object being written in parts.
type upload struct {
	*draft
	size, partSize int64
	parts          []*partBlock

	mu   sync.Mutex
	done map[int]bool // parts
}

// partBlock is a block that parts are written into. Every chunk is of one part.
type partBlock struct {
	size       int64
	mu         sync.Mutex
	*blockFile // nil before the first part
}

// open makes the files of a block ready to be written; the first one makes them.
func (u *upload) open(ctx context.Context, p *partBlock) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.blockFile == nil {
		b, err := u.v.createBlock(ctx, p.size, p.size, u.v.settings)
		if err != nil {
			return err
		}
		p.blockFile = b
	}
	return p.use()
}

func (u *upload) WritePart(
	ctx context.Context, n int, r io.Reader, size int64,
) (storage.Checksum, error) {
	sum, err := u.writePart(ctx, n, r, size)
	if err != nil {
		return storage.Checksum{}, u.b.fail(ctx, "write", u.o.Key, fmt.Errorf("part %d: %w", n, err))
	}
	return sum, nil
}

func (u *upload) writePart(
	ctx context.Context, n int, r io.Reader, size int64,
) (storage.Checksum, error) {
	offset := int64(n) * u.partSize
	if want := min(u.partSize, u.size-offset); n < 0 || size != want {
		return storage.Checksum{}, fmt.Errorf(
			"it has %d bytes, want %d: CreateOptions.PartSize is %d", size, want, u.partSize)
	}
	if err := u.begin(n); err != nil {
		return storage.Checksum{}, err
	}
	sum := storage.CRC32C(nil)
	buf := make([]byte, min(size, pieceSize))
	for left := size; left > 0; {
		p := u.parts[offset/u.v.blockSize]
		within := offset % u.v.blockSize
		length := min(left, p.size-within)
		var err error
		if sum, err = u.fill(ctx, p, within, r, length, buf, sum); err != nil {
			return storage.Checksum{}, err
		}
		offset += length
		left -= length
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.done[n] = true
	return sum, nil
}

// fill writes length bytes of r into a block, and adds them to sum.
func (u *upload) fill(
	ctx context.Context, p *partBlock, offset int64, r io.Reader, length int64,
	buf []byte, sum storage.Checksum,
) (storage.Checksum, error) {
	if err := u.open(ctx, p); err != nil {
		return sum, err
	}
	defer func() { _ = p.leave() }() // what was written is synced, and seen to be whole, by Commit
	for end := offset + length; offset < end; {
		if ctx.Err() != nil {
			return sum, context.Cause(ctx)
		}
		piece := buf[:min(end-offset, int64(len(buf)))]
		if _, err := io.ReadFull(r, piece); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return sum, fmt.Errorf("the source ends too early: %w", io.ErrUnexpectedEOF)
		} else if err != nil {
			return sum, err
		}
		if err := p.write(ctx, piece, offset); err != nil {
			return sum, err
		}
		for at := int64(0); at < int64(len(piece)); at += chunkSize {
			chunk := piece[at:min(at+chunkSize, int64(len(piece)))]
			chunkSum := storage.Checksum{Sum: p.chunks.at((offset + at) / chunkSize), Known: true}
			if len(chunk) == chunkSize {
				sum = u.sums.chunk.Combine(sum, chunkSum)
			} else {
				sum = storage.CombineCRC32C(sum, chunkSum, int64(len(chunk)))
			}
		}
		offset += int64(len(piece))
	}
	return sum, nil
}

// begin forgets that part n was written, since it is about to be written over.
func (u *upload) begin(n int) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended {
		return errEnded
	}
	delete(u.done, n)
	return nil
}

func (u *upload) Commit(ctx context.Context) (storage.Object, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended {
		return storage.Object{}, u.b.fail(ctx, "commit", u.o.Key, errEnded)
	}
	if err := u.finish(ctx); err != nil {
		u.discard()
		return storage.Object{}, u.b.fail(ctx, "commit", u.o.Key, err)
	}
	return u.publish(ctx)
}

// finish checks that everything was written, and makes it durable.
func (u *upload) finish(ctx context.Context) error {
	for n := 0; int64(n)*u.partSize < u.size; n++ {
		if !u.done[n] {
			return fmt.Errorf("part %d of %d bytes each was never written", n, u.partSize)
		}
	}
	for _, p := range u.parts {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := u.open(ctx, p); err != nil {
			return err
		}
		if err := p.end(ctx, u.sums, p.size); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	u.gather()
	return nil
}

// gather lists the blocks that have files.
func (u *upload) gather() {
	u.blocks = nil
	for _, p := range u.parts {
		if p.blockFile != nil {
			u.blocks = append(u.blocks, p.block)
		}
	}
}

// discard removes what was written, unless it was committed.
func (u *upload) discard() {
	if u.ended {
		return
	}
	u.ended = true
	u.gather()
	u.removeBlocks()
}

func (u *upload) Abort(context.Context) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.discard()
	return nil
}
