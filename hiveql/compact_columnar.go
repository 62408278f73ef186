package hiveql

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/skepdata/skep/internal/orcmerge"
	"github.com/skepdata/skep/internal/parquetmerge"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/rangecache"
)

const (
	tailSize  = 64 << 10 // read at the end of a file in order to find its footer
	keptTails = 64 << 20 // of all files together

	sumSize   = 64 << 10 // of the blocks that files have sums of
	lookTries = 6        // of a footer that comes otherwise each time
)

// columnarFile reads a Parquet or ORC file that is to be joined with others: the footer first, and once
// only as long as there is room for it. It is used by one goroutine at a time.
type columnarFile struct {
	ctx  context.Context //nolint:containedctx // io.ReaderAt has none
	file File
	head []byte // the first bytes; nil as long as they have not been asked for
	tail []byte // the last ones
	used int64  // from where on the tail was asked for

	last uint32   // made of the sums of what was asked for
	sums []uint32 // of the file's blocks, if it has them: no other bytes are read then

	parts Parts // of a file without sums, while it is joined; nil where no bit changes on the way
}

func (f *compactFile) parquet(ctx context.Context) parquetmerge.Input {
	f.in.ctx = ctx
	return parquetmerge.Input{Name: f.URL(), Size: f.Object.Size, ReaderAt: f.in}
}

func (f *compactFile) orc(ctx context.Context) orcmerge.Input {
	f.in.ctx = ctx
	return orcmerge.Input{Name: f.URL(), Size: f.Object.Size, ReaderAt: f.in}
}

// about reads the footer. An ORC file has no sums of its own.
func (f *compactFile) about(ctx context.Context, format string) (parquetmerge.About, error) {
	if format == "ORC" {
		kind, err := orcmerge.Look(f.orc(ctx))
		return parquetmerge.About{Schema: kind}, err
	}
	return parquetmerge.Look(f.parquet(ctx))
}

// ReadAt implements io.ReaderAt.
func (p *columnarFile) ReadAt(b []byte, off int64) (int, error) {
	if p.parts != nil {
		return p.parts.ReadAt(p.ctx, b, off)
	}
	size := p.file.Object.Size
	end := off + int64(len(b))
	if from := max(size-tailSize, 0); p.tail == nil && off >= from && end <= size {
		tail := make([]byte, size-from)
		if err := p.read(tail, from); err != nil {
			return 0, err
		}
		p.tail, p.used = tail, size
	}
	if from := size - int64(len(p.tail)); off >= from && end <= size {
		p.used = min(p.used, off)
		return copy(b, p.tail[off-from:]), nil
	}
	if off == 0 && len(b) <= len(p.head) {
		return copy(b, p.head), nil
	}
	if err := p.read(b, off); err != nil {
		return 0, err
	}
	if off == 0 && len(b) <= 16 {
		p.head = bytes.Clone(b)
	}
	return len(b), nil
}

func (p *columnarFile) read(b []byte, off int64) error {
	r, err := p.OpenRange(p.ctx, off, int64(len(b)))
	if err != nil {
		return err
	}
	_, err = io.ReadFull(r, b)
	p.last = 31*p.last + sumOf(b)
	return errors.Join(err, r.Close())
}

func sumOf(b []byte) uint32 {
	sum := storage.NewCRC32C()
	_, _ = sum.Write(b) // a hash takes everything
	return sum.Sum32()
}

// look reads the footer of a file and returns what is the same for all that it can be joined with. Where
// the footer has sums that are not its own, or makes no sense, it may have changed on the way: it is
// right only if it comes so twice.
func (f *compactFile) look(ctx context.Context, format string) (schema string, err error) {
	before := uint32(0)
	for try := range lookTries {
		about, err := f.about(ctx, format)
		p := f.in
		whole := int64(len(p.tail)) == f.Object.Size && len(p.tail) > 0
		right := err == nil && !about.Doubtful && (about.Sums == nil || !whole || sumOf(p.tail) == about.Sums[0])
		if right || ctx.Err() != nil || try > 0 && p.last == before {
			p.sums = about.Sums
			if !whole || !right {
				p.tail = p.tail[max(0, p.used-f.Object.Size+int64(len(p.tail))):] // the rest was not compared
			}
			return about.Schema, err
		}
		before = p.last
		p.tail, p.head, p.last = nil, nil, 0
	}
	return "", fmt.Errorf("read %s: its last bytes came otherwise %d times, changed on the way: %w", f.URL(), lookTries, storage.ErrChecksum)
}

// prove lets a file without sums that may change on the way come through the cache, until done is called, and be compared
// as a whole with what the store says of it, or come twice if that is nothing: no changed bit is to get sums of
// its own.
func (f *compactFile) prove(ctx context.Context, src *source) (done func(), err error) {
	if a, ok := storage.As[storage.Attester](f.Bucket); !ok || a.Exact() || f.in.sums != nil || src.cfg.Cache == nil {
		return func() {}, nil
	}
	local, err := src.Local(ctx, f.File)
	if err != nil || local.Parts == nil {
		return local.Release, err
	}
	if err = local.Parts.Prove(ctx); errors.Is(err, rangecache.ErrNoProof) {
		err = local.Parts.Confirm(ctx, 0, f.Object.Size)
	}
	if err != nil {
		local.Release()
		return nil, err
	}
	f.in.parts = local.Parts
	return func() {
		f.in.parts = nil
		local.Release()
	}, nil
}

// OpenRange implements rangecopy.Opener.
func (p *columnarFile) OpenRange(ctx context.Context, off, length int64) (io.ReadCloser, error) {
	if p.parts != nil {
		return io.NopCloser(io.NewSectionReader(p, off, length)), nil
	}
	size := p.file.Object.Size
	if from := size - int64(len(p.tail)); off >= from && off+length <= size {
		return io.NopCloser(bytes.NewReader(p.tail[off-from : off-from+length])), nil
	}
	from, to := off, off+length
	if p.sums != nil {
		from, to = off/sumSize*sumSize, min((to+sumSize-1)/sumSize*sumSize, size)
	}
	r, err := p.file.Bucket.Open(ctx, p.file.Object.Key, storage.ReadOptions{
		Offset: from, Length: to - from, IfMatch: p.file.Object.ETag,
	})
	if err != nil || p.sums == nil {
		return r, err
	}
	return &comparing{ReadCloser: r, of: p, at: from, end: to, skip: off - from}, nil
}

// comparing reads whole blocks, and gives them out when they are what the file's sums say.
type comparing struct {
	io.ReadCloser
	of      *columnarFile
	at, end int64 // of the rest of the file that comes
	skip    int64 // bytes that nobody has asked for
	block   []byte
	buf     []byte
}

func (c *comparing) Read(b []byte) (int, error) {
	for len(c.block) == 0 {
		if c.at >= c.end {
			return 0, io.EOF
		}
		if c.buf == nil {
			c.buf = make([]byte, min(sumSize, c.end-c.at))
		}
		block := c.buf[:min(sumSize, c.end-c.at)]
		if _, err := io.ReadFull(c.ReadCloser, block); err != nil {
			return 0, err
		}
		if sumOf(block) != c.of.sums[c.at/sumSize] {
			return 0, fmt.Errorf("read %s: bytes %d to %d are other than they were written, changed on the way or at the store: %w",
				c.of.file.URL(), c.at, c.at+int64(len(block))-1, storage.ErrChecksum)
		}
		c.at += int64(len(block))
		c.block, c.skip = block[c.skip:], 0
	}
	n := copy(b, c.block)
	c.block = c.block[n:]
	return n, nil
}

// keep gives up what was read, but for small files and footers that there is room for.
func (p *columnarFile) keep(room *atomic.Int64) {
	size := p.file.Object.Size
	switch footer := size - p.used; {
	case int64(len(p.tail)) == size && room.Add(-size) >= 0:
	case room.Add(-footer) >= 0 && footer <= int64(len(p.tail)):
		p.tail = bytes.Clone(p.tail[int64(len(p.tail))-footer:])
	default:
		p.tail, p.head = nil, nil
	}
}
