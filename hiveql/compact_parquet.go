package hiveql

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync/atomic"

	"github.com/skepdata/skep/internal/parquetmerge"
	"github.com/skepdata/skep/storage"
)

const (
	tailSize  = 64 << 10 // read at the end of a Parquet file in order to find its footer
	keptTails = 64 << 20 // of all files together
)

// parquetFile reads a Parquet file that is to be joined with others: the footer first, and once
// only as long as there is room for it. It is used by one goroutine at a time.
type parquetFile struct {
	ctx  context.Context //nolint:containedctx // io.ReaderAt has none
	file File
	head []byte // the first bytes; nil as long as they have not been asked for
	tail []byte // the last ones
	used int64  // from where on the tail was asked for
}

func (f *compactFile) input(ctx context.Context) parquetmerge.Input {
	f.in.ctx = ctx
	return parquetmerge.Input{Name: f.URL(), Size: f.Object.Size, ReaderAt: f.in}
}

// ReadAt implements io.ReaderAt.
func (p *parquetFile) ReadAt(b []byte, off int64) (int, error) {
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

func (p *parquetFile) read(b []byte, off int64) error {
	r, err := p.OpenRange(p.ctx, off, int64(len(b)))
	if err != nil {
		return err
	}
	_, err = io.ReadFull(r, b)
	return errors.Join(err, r.Close())
}

// OpenRange implements parquetmerge.RangeOpener.
func (p *parquetFile) OpenRange(ctx context.Context, off, length int64) (io.ReadCloser, error) {
	size := p.file.Object.Size
	if from := size - int64(len(p.tail)); off >= from && off+length <= size {
		return io.NopCloser(bytes.NewReader(p.tail[off-from : off-from+length])), nil
	}
	return p.file.Bucket.Open(ctx, p.file.Object.Key, storage.ReadOptions{
		Offset: off, Length: length, IfMatch: p.file.Object.ETag,
	})
}

// keep gives up what was read, but for small files and footers that there is room for.
func (p *parquetFile) keep(room *atomic.Int64) {
	size := p.file.Object.Size
	switch footer := size - p.used; {
	case int64(len(p.tail)) == size && room.Add(-size) >= 0:
	case room.Add(-footer) >= 0 && footer <= int64(len(p.tail)):
		p.tail = bytes.Clone(p.tail[int64(len(p.tail))-footer:])
	default:
		p.tail, p.head = nil, nil
	}
}
