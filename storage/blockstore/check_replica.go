package blockstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/skepdata/skep/storage"
)

// checkBlock checks every replica of a block.
func (c *checker) checkBlock(ctx context.Context, b block, about Finding) error {
	c.done.Blocks++
	known, ok, err := c.look(ctx, b.id)
	if err != nil || !ok {
		return err // it went meanwhile
	}
	var findings []Finding
	good := 0
	for _, disk := range b.disks {
		f := about
		f.Block, f.Disk = b.id, disk
		if err := c.checkReplica(ctx, b, &f); err != nil {
			return err
		}
		if f.Kind == "" && slices.Contains(known.bad, disk) {
			f.Kind, f.Detail = BlockDamaged, "it was found damaged or missing, and waits for a repair"
		}
		if f.Kind == "" {
			good++
		} else {
			findings = append(findings, f)
		}
	}
	if len(findings) > 0 || good < known.copies {
		if now, err := column[int64](ctx, c.ns.reads, "SELECT id FROM blocks WHERE id = ?", b.id); err != nil || len(now) == 0 {
			return err
		}
	}
	if good > 0 && good < known.copies {
		f := about
		f.Kind, f.Block = UnderReplicated, b.id
		f.Detail = fmt.Sprintf("%s, want %d", countGood(good), known.copies)
		findings = append(findings, f)
	}
	if len(b.disks) == 0 {
		f := about
		f.Kind, f.Block, f.Detail = BlockMissing, b.id, "the namespace has no replica of it"
		findings = append(findings, f)
	}
	for _, f := range findings {
		f.Lost = good == 0
		if err := c.report(f); err != nil {
			return err
		}
	}
	return nil
}

func countGood(n int) string {
	if n == 1 {
		return "1 good replica"
	}
	return fmt.Sprintf("%d good replicas", n)
}

// checkReplica gives f a kind if something is wrong with the replica.
func (c *checker) checkReplica(ctx context.Context, b block, f *Finding) error {
	d, err := c.disk(ctx, f.Disk)
	if err != nil {
		f.Kind, f.Detail = BlockMissing, err.Error()
		return nil
	}
	f.Path = d.path(b.id)
	info, err := os.Stat(f.Path)
	switch {
	case err != nil:
		f.Kind, f.Detail = BlockMissing, err.Error()
	case info.Size() != b.size:
		f.Kind, f.Detail = BlockDamaged, fmt.Sprintf("it has %d bytes, want %d", info.Size(), b.size)
	case c.opts.Deep:
		var damage *damageError
		if err := c.readAll(ctx, d, &b, nil); errors.As(err, &damage) {
			f.Kind, f.Offset, f.Detail = BlockDamaged, damage.offset, damage.Error()
		} else if err != nil {
			return err
		}
	}
	return nil
}

// damageError is what is wrong with the bytes of a replica.
type damageError struct {
	offset int64
	err    error
}

func (e *damageError) Error() string { return fmt.Sprintf("offset %d: %v", e.offset, e.err) }
func (e *damageError) Unwrap() error { return e.err }

// readAll reads a replica, compares its checksums, and writes it to the file to unless that is nil.
func (c *checker) readAll(ctx context.Context, d *disk, b *block, to file) error {
	if b.chunks == nil {
		sums, err := column[[]byte](ctx, c.ns.reads, "SELECT chunks FROM blocks WHERE id = ?", b.id)
		if err != nil {
			return err
		}
		if len(sums) == 0 {
			return nil // it went meanwhile
		}
		b.chunks = sums[0]
	}
	if int64(len(b.chunks)) != 4*chunksIn(b.size) {
		return &damageError{0, fmt.Errorf("%w: the namespace has %d bytes of checksums for it", storage.ErrChecksum, len(b.chunks))}
	}
	f, err := c.files.open(d.path(b.id), os.O_RDONLY)
	if err != nil {
		return &damageError{0, err}
	}
	defer f.Close() // nothing was written
	if c.buf == nil {
		c.buf = make([]byte, 16*chunkSize)
	}
	for offset := int64(0); offset < b.size; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		piece := c.buf[:min(int64(len(c.buf)), b.size-offset)]
		if n, err := f.ReadAt(piece, offset); err != nil && !(errors.Is(err, io.EOF) && n == len(piece)) {
			return &damageError{offset, err}
		}
		for at := 0; at < len(piece); at += chunkSize {
			chunk := piece[at:min(at+chunkSize, len(piece))]
			if storage.CRC32C(chunk).Sum != b.chunks.at((offset+int64(at))/chunkSize) {
				return &damageError{offset + int64(at), storage.ErrChecksum}
			}
		}
		if to != nil {
			if _, err := to.WriteAt(piece, offset); err != nil {
				return err
			}
		}
		offset += int64(len(piece))
		c.done.Bytes += int64(len(piece))
		if err := c.throttle(ctx); err != nil {
			return err
		}
	}
	return nil
}

// throttle waits until as many bytes as were read may have been.
func (c *checker) throttle(ctx context.Context) error {
	if c.opts.BytesPerSecond <= 0 {
		return nil
	}
	due := c.begun.Add(time.Duration(float64(c.done.Bytes) / float64(c.opts.BytesPerSecond) * float64(time.Second)))
	wait := time.Until(due)
	if wait <= 0 {
		return nil
	}
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
