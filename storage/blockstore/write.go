package blockstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/skepdata/skep/storage"
)

var errEnded = errors.New("the writer has been committed or aborted already")

// Create implements storage.Bucket. Objects are always durable.
func (b *Bucket) Create(
	ctx context.Context, key string, opts storage.CreateOptions,
) (storage.Writer, error) {
	d, err := b.draft(ctx, key, opts)
	if err != nil {
		return nil, err
	}
	return &writer{draft: d, ctx: ctx, expected: opts.Size}, nil
}

// draft is an object whose blocks are being written.
type draft struct {
	b      *Bucket
	v      volumeRef
	o      storage.Object
	sums   combiner
	blocks []block
	ended  bool
}

func (b *Bucket) draft(ctx context.Context, key string, opts storage.CreateOptions) (*draft, error) {
	if err := opts.Demands(); err != nil {
		return nil, b.fail(ctx, "create", key, err)
	}
	if err := b.check(ctx, "create", key); err != nil {
		return nil, err
	}
	v, err := b.forWriting(ctx)
	if err != nil {
		return nil, b.fail(ctx, "create", key, err)
	}
	o := storage.Object{Key: key, ContentType: opts.ContentType}
	if len(opts.Metadata) > 0 {
		o.Metadata = map[string]string{}
		for k, v := range opts.Metadata {
			o.Metadata[strings.ToLower(k)] = v
		}
	}
	return &draft{b: b, v: v, o: o, sums: newCombiner()}, nil
}

// publish makes the object visible. Its blocks are written and synced.
func (d *draft) publish(ctx context.Context) (storage.Object, error) {
	d.ended = true
	d.o.Size = 0
	for _, b := range d.blocks {
		d.o.Size += b.size
	}
	d.o.CRC32C = d.sums.file(d.blocks)
	writer := d.v.writerID() // not in the transaction, which who holds the lease may wait for
	err := d.v.commit(ctx, func(ctx context.Context, t *transaction) error {
		if len(d.blocks) > 0 {
			if err := t.mustLive(ctx, writer); err != nil {
				return err
			}
		}
		return t.put(ctx, d.v.id, &d.o, d.blocks)
	})
	var unsettled *unsettledError
	if errors.As(err, &unsettled) {
		d.v.unsettled.Store(true) // the blocks stay: if they are not an object's, a later writer removes them
		d.blocks = nil
	}
	if err != nil {
		return storage.Object{}, d.b.fail(ctx, "commit", d.o.Key, errors.Join(err, d.removeBlocks()))
	}
	return d.o, nil
}

// removeBlocks removes what was written of an object that is not to be.
func (d *draft) removeBlocks() error {
	var errs []error
	for _, b := range d.blocks {
		for _, id := range b.disks {
			disk, err := d.v.disk(context.Background(), id)
			if err == nil {
				err = os.Remove(disk.path(b.id))
			}
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
	}
	d.blocks = nil
	return errors.Join(errs...)
}

// writerID is the name of this store as a writer, or empty if it is closed.
func (s *store) writerID() string {
	s.leasing.Lock()
	defer s.leasing.Unlock()
	if s.writer == nil {
		return ""
	}
	return s.writer.id
}

// writer writes an object from front to end.
type writer struct {
	*draft
	ctx      context.Context // of Create, which bounds the whole write
	expected int64           // bytes in all, if known

	f       *os.File // of the last of blocks, while it is being written
	chunk   []byte   // the beginning of the next chunk
	syncing chan error
}

func (w *writer) Write(p []byte) (int, error) {
	if w.ended {
		return 0, w.b.fail(w.ctx, "write", w.o.Key, errEnded)
	}
	err := context.Cause(w.ctx)
	written := 0
	for err == nil && written < len(p) {
		rest := p[written:]
		if len(w.chunk) == 0 && len(rest) >= chunkSize {
			var n int
			n, err = w.whole(rest)
			written += n
			continue
		}
		n := min(chunkSize-len(w.chunk), len(rest))
		w.chunk = append(w.chunk, rest[:n]...)
		written += n
		if len(w.chunk) == chunkSize {
			_, err = w.whole(w.chunk)
			w.chunk = w.chunk[:0]
		}
	}
	if err != nil {
		err = errors.Join(err, w.discard()) // it is no beginning of the object any more
		return written, w.b.fail(w.ctx, "write", w.o.Key, err)
	}
	return written, nil
}

// whole writes as many whole chunks of p as the current block takes.
func (w *writer) whole(p []byte) (int, error) {
	if w.f == nil {
		if err := w.begin(int64(len(p))); err != nil {
			return 0, err
		}
	}
	room := w.v.blockSize - w.blocks[len(w.blocks)-1].size
	p = p[:min(room, int64(len(p))/chunkSize*chunkSize)]
	if err := w.append(p); err != nil {
		return 0, err
	}
	if int64(len(p)) == room {
		return len(p), w.endBlock()
	}
	return len(p), nil
}

// begin starts a new block, of which n bytes are there.
func (w *writer) begin(n int64) error {
	done := int64(0)
	for _, b := range w.blocks {
		done += b.size
	}
	size := min(max(w.expected-done, n), w.v.blockSize)
	f, ref, err := w.v.createBlock(w.ctx, size)
	if err != nil {
		return err
	}
	w.f = f
	w.blocks = append(w.blocks, block{id: ref.id, disks: []int64{ref.disk}, chunks: make(chunkSums, 0, 4*chunksIn(size))})
	return nil
}

// append writes p at the end of the current block. Only the last chunk of a block is shorter than
// a chunk.
func (w *writer) append(p []byte) error {
	b := &w.blocks[len(w.blocks)-1]
	if _, err := w.f.Write(p); err != nil {
		return fmt.Errorf("%s: %w", b.first().name(), err)
	}
	for rest := p; len(rest) > 0; {
		piece := rest[:min(len(rest), chunkSize)]
		b.chunks = append(b.chunks, 0, 0, 0, 0)
		b.chunks.set(int64(len(b.chunks))/4-1, storage.CRC32C(piece).Sum)
		rest = rest[len(piece):]
	}
	b.size += int64(len(p))
	return nil
}

// endBlock finishes the current block. It is synced while the next one is being written; wait
// waits for that.
func (w *writer) endBlock() error {
	b := &w.blocks[len(w.blocks)-1]
	b.sum = w.sums.block(b.chunks, b.size)
	f := w.f
	w.f = nil
	if err := w.wait(); err != nil {
		return errors.Join(err, f.Close())
	}
	w.syncing = make(chan error, 1)
	name := b.first().name()
	go func(done chan<- error) {
		err := errors.Join(syncBlock(f), f.Close())
		if err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
		done <- err
	}(w.syncing)
	return nil
}

// wait waits until every finished block is synced.
func (w *writer) wait() error {
	if w.syncing == nil {
		return nil
	}
	err := <-w.syncing
	w.syncing = nil
	return err
}

func (w *writer) Commit() (storage.Object, error) {
	if w.ended {
		return storage.Object{}, w.b.fail(w.ctx, "commit", w.o.Key, errEnded)
	}
	if err := w.finish(); err != nil {
		return storage.Object{}, w.b.fail(w.ctx, "commit", w.o.Key, errors.Join(err, w.discard()))
	}
	return w.publish(w.ctx)
}

// finish writes and syncs what is left.
func (w *writer) finish() error {
	if w.ctx.Err() != nil {
		return context.Cause(w.ctx)
	}
	if len(w.chunk) > 0 {
		if w.f == nil {
			if err := w.begin(int64(len(w.chunk))); err != nil {
				return err
			}
		}
		if err := w.append(w.chunk); err != nil {
			return err
		}
		w.chunk = nil
	}
	if w.f != nil {
		if err := w.endBlock(); err != nil {
			return err
		}
	}
	return w.wait()
}

// discard removes what was written, unless it was committed.
func (w *writer) discard() error {
	if w.ended {
		return nil
	}
	w.ended = true
	var err error
	if w.f != nil {
		err = w.f.Close()
		w.f = nil
	}
	_ = w.wait() // whether it is durable no longer matters
	return errors.Join(err, w.removeBlocks())
}

func (w *writer) Abort() error {
	if err := w.discard(); err != nil {
		return w.b.fail(context.Background(), "abort", w.o.Key, err)
	}
	return nil
}
