package blockstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
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
	u, err := b.newUpload(ctx, key, opts)
	if err != nil || !opts.Resumable || opts.Size == 0 {
		return u, err
	}
	// What a dead process has left of this key, and could not tell anybody of, is of no use now.
	_, err = u.v.abandon(ctx, 0, "SELECT id FROM uploads WHERE volume = ? AND key = ?", u.v.id, []byte(key))
	if err == nil {
		u.kept, err = u.v.keepUpload(ctx, u)
	}
	if err != nil {
		return nil, b.fail(ctx, "create", key, err)
	}
	b.uploads.add(u)
	return u, nil
}

// newUpload is an upload of which nothing has been written yet.
func (b *Bucket) newUpload(ctx context.Context, key string, opts storage.CreateOptions) (*upload, error) {
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
	u := &upload{draft: d, size: opts.Size, partSize: opts.PartSize, blockSize: d.v.blockSize, done: map[int]bool{}}
	u.layOut()
	return u, nil
}

// upload is an object being written in parts.
type upload struct {
	*draft
	size, partSize, blockSize int64
	parts                     []*partBlock
	kept                      *keptUpload // nil for one that ends with this process

	mu   sync.Mutex
	done map[int]bool // parts
}

// partBlock is a block that parts are written into. Every chunk is of one part.
type partBlock struct {
	size       int64
	mu         sync.Mutex
	noted      []int64 // disks that the namespace knows of, if the upload is kept
	*blockFile         // nil before the first part
}

// layOut makes blocks of the upload's bytes.
func (u *upload) layOut() {
	u.parts = nil
	for at := int64(0); at < u.size; at += u.blockSize {
		u.parts = append(u.parts, &partBlock{size: min(u.blockSize, u.size-at)})
	}
}

// ID implements storage.Named.
func (u *upload) ID() string {
	if u.kept == nil {
		return ""
	}
	return u.kept.id
}

// sizeOf is how many bytes part n has.
func (u *upload) sizeOf(n int) int64 { return min(u.partSize, u.size-int64(n)*u.partSize) }

// sumsOf are the checksums of the chunks of a part, which was written.
func (u *upload) sumsOf(n int) chunkSums {
	var sums chunkSums
	at := int64(n) * u.partSize
	for end := at + u.sizeOf(n); at < end; at += chunkSize {
		chunk := at % u.blockSize / chunkSize
		sums = append(sums, u.parts[at/u.blockSize].chunks[4*chunk:4*chunk+4]...)
	}
	return sums
}

// open makes the files of a block ready to be written; the first one makes them.
func (u *upload) open(ctx context.Context, seq int) error {
	p := u.parts[seq]
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

// note tells the namespace on which disks a block is, if it does not know.
func (u *upload) note(ctx context.Context, seq int) error {
	p := u.parts[seq]
	if u.kept == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	disks := p.onDisks()
	if slices.Equal(disks, p.noted) {
		return nil
	}
	if err := u.kept.noteBlock(ctx, seq, p.id, disks); err != nil {
		return err
	}
	p.noted = disks
	return nil
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
	if want := u.sizeOf(n); n < 0 || size != want {
		return storage.Checksum{}, fmt.Errorf(
			"it has %d bytes, want %d: CreateOptions.PartSize is %d", size, want, u.partSize)
	}
	if err := u.begin(n); err != nil {
		return storage.Checksum{}, err
	}
	sum := storage.CRC32C(nil)
	buf := make([]byte, min(size, pieceSize))
	for left := size; left > 0; {
		seq := int(offset / u.blockSize)
		within := offset % u.blockSize
		length := min(left, u.parts[seq].size-within)
		var err error
		if sum, err = u.fill(ctx, seq, within, r, length, buf, sum); err != nil {
			return storage.Checksum{}, err
		}
		offset += length
		left -= length
	}
	if u.kept != nil {
		if err := u.kept.notePart(ctx, n, u.sumsOf(n)); err != nil {
			return storage.Checksum{}, err
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.done[n] = true
	return sum, nil
}

// fill writes length bytes of r into a block, and adds them to sum.
func (u *upload) fill(
	ctx context.Context, seq int, offset int64, r io.Reader, length int64,
	buf []byte, sum storage.Checksum,
) (storage.Checksum, error) {
	if err := u.open(ctx, seq); err != nil {
		return sum, err
	}
	p := u.parts[seq]
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
	return sum, u.note(ctx, seq)
}

// begin forgets that part n was written, since it is about to be written over.
func (u *upload) begin(n int) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended {
		return storage.ErrEnded
	}
	delete(u.done, n)
	return nil
}

func (u *upload) Commit(ctx context.Context) (storage.Object, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended {
		return storage.Object{}, u.b.fail(ctx, "commit", u.o.Key, storage.ErrEnded)
	}
	if err := u.finish(ctx); err != nil {
		if u.kept == nil {
			u.discard()
		}
		return storage.Object{}, u.b.fail(ctx, "commit", u.o.Key, err)
	}
	if u.kept != nil {
		return u.publishKept(ctx)
	}
	return u.publish(ctx)
}

// publishKept is publish of an upload that is still there when it fails, for another try or for Abort.
func (u *upload) publishKept(ctx context.Context) (storage.Object, error) {
	u.complete()
	err := u.v.commit(ctx, func(ctx context.Context, t *transaction) error {
		if err := u.v.knowsUpload(ctx, u.kept.id); errors.Is(err, storage.ErrNotExist) {
			return refusal{err}
		} else if err != nil {
			return err
		}
		if err := t.put(ctx, u.v.id, &u.o, u.content); err != nil {
			return err
		}
		return t.forgetUpload(ctx, u.kept.id)
	})
	var unsettled *unsettledError
	if errors.As(err, &unsettled) { // it is an object, or still an upload
		u.v.unsettled.Store(true)
		u.ended = true
		u.b.uploads.remove(u)
		err = errors.Join(err, u.kept.leave())
	}
	if err != nil {
		return storage.Object{}, u.b.fail(ctx, "commit", u.o.Key, err)
	}
	u.ended = true
	u.b.uploads.remove(u)
	if err := u.kept.end(); err != nil {
		return storage.Object{}, u.b.fail(ctx, "commit", u.o.Key, err)
	}
	return u.o.Object, nil
}

// finish checks that everything was written, and makes it durable.
func (u *upload) finish(ctx context.Context) error {
	for n := 0; int64(n)*u.partSize < u.size; n++ {
		if !u.done[n] {
			return fmt.Errorf("part %d of %d bytes each was never written", n, u.partSize)
		}
	}
	for seq, p := range u.parts {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := u.open(ctx, seq); err != nil {
			return err
		}
		if err := p.end(ctx, u.sums, p.size); err != nil {
			return err
		}
		if err := u.note(ctx, seq); err != nil {
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

func (u *upload) Abort(ctx context.Context) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.kept == nil || u.ended {
		u.discard()
		return nil
	}
	u.ended = true
	u.b.uploads.remove(u)
	u.gather()
	var atHand []blockRef
	for _, b := range u.blocks {
		for _, disk := range b.disks {
			atHand = append(atHand, b.at(disk))
		}
	}
	if err := u.kept.drop(context.WithoutCancel(ctx), atHand...); err != nil {
		return u.b.fail(ctx, "abort", u.o.Key, err)
	}
	return nil
}
