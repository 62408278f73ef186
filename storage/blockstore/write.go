package blockstore

import (
	"context"
	"errors"
	"slices"

	"github.com/skepdata/skep/storage"
)

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
	b    *Bucket
	v    volumeRef
	o    fileRow
	sums combiner
	content
	ended bool
}

// content is what an object holds.
type content struct {
	kept   []block // of the older version that it begins with
	onto   string  // ETag of that version, which must be there still; empty if there is none
	blocks []block // behind those
	inline []byte  // if there are no blocks
}

// inlineSize is how many bytes an object may have to be in the namespace by itself: a row costs a
// share of one sync, and a block one or two of its own.
const inlineSize = 8 << 10

func (b *Bucket) draft(ctx context.Context, key string, opts storage.CreateOptions) (*draft, error) {
	if err := opts.Demands(); err != nil {
		return nil, b.fail(ctx, "create", key, err)
	}
	if err := b.check(ctx, "create", key); err != nil {
		return nil, err
	}
	v, err := b.forWriting(ctx)
	if err == nil {
		err = v.foresee(ctx, b.volume, key, opts.Size)
	}
	if err != nil {
		return nil, b.fail(ctx, "create", key, err)
	}
	o := fileRow{Object: storage.Object{Key: key}}
	o.describe(opts)
	o.tag(opts.Tags)
	return &draft{b: b, v: v, o: o, sums: v.sums}, nil
}

// publish makes the object visible. Its blocks are written and synced.
func (d *draft) publish(ctx context.Context) (storage.Object, error) {
	d.ended = true
	d.complete()
	err := d.v.commit(ctx, func(ctx context.Context, t *transaction) error {
		return t.put(ctx, d.v.id, &d.o, d.content)
	})
	var unsettled *unsettledError
	if errors.As(err, &unsettled) {
		d.v.unsettled.Store(true) // the blocks stay: if they are not an object's, a later writer removes them
		d.blocks = nil
	}
	if err != nil {
		d.removeBlocks()
		return storage.Object{}, d.b.fail(ctx, "commit", d.o.Key, err)
	}
	return d.o.Object, nil
}

// complete describes the object by its content.
func (d *draft) complete() {
	if all := append(slices.Clip(d.kept), d.blocks...); len(all) > 0 {
		d.o.Size = 0
		for _, b := range all {
			d.o.Size += b.size
		}
		d.o.CRC32C = d.sums.file(all)
	} else {
		d.o.Size, d.o.CRC32C = int64(len(d.inline)), storage.CRC32C(d.inline)
	}
}

// removeBlocks removes what was written of an object that is not to be.
func (d *draft) removeBlocks() {
	for _, b := range d.blocks {
		for _, id := range b.disks {
			if disk, err := d.v.disk(context.Background(), id); err == nil {
				d.v.discardReplica(disk, b.id)
			} else {
				d.v.waste.add(b.at(id))
			}
		}
	}
	d.blocks = nil
}

// writer writes an object from front to end.
type writer struct {
	*draft
	ctx      context.Context // of Create, which bounds the whole write
	expected int64           // bytes in all, if known
	done     int64           // bytes in blocks that were ended

	current *blockFile // nil between blocks
	at      int64      // bytes of it that were written
	chunk   []byte     // the beginning of the next chunk
	ending  *blockFile // is being synced
	synced  chan error // tells when it is
}

func (w *writer) Write(p []byte) (int, error) {
	if w.ended {
		return 0, w.b.fail(w.ctx, "write", w.o.Key, storage.ErrEnded)
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
		w.discard() // it is no beginning of the object any more
		return written, w.b.fail(w.ctx, "write", w.o.Key, err)
	}
	return written, nil
}

// whole writes as many whole chunks of p as the current block takes.
func (w *writer) whole(p []byte) (int, error) {
	if err := w.begin(int64(len(p))); err != nil {
		return 0, err
	}
	room := w.v.blockSize - w.at
	p = p[:min(room, int64(len(p))/chunkSize*chunkSize)]
	if err := w.append(p); err != nil {
		return 0, err
	}
	if int64(len(p)) == room {
		return len(p), w.endBlock()
	}
	return len(p), nil
}

// begin starts a new block, of which n bytes are there, unless there is a current one.
func (w *writer) begin(n int64) (err error) {
	if w.current != nil {
		return nil
	}
	need := min(max(w.expected-w.done, n), w.v.blockSize)
	size := w.v.blockSize
	if w.expected > 0 && n <= w.expected-w.done {
		size = need // unless there is more than was expected; then there is another block
	}
	w.at = 0
	w.current, err = w.v.createBlock(w.ctx, size, need, w.v.settings)
	return err
}

// append writes p at the end of the current block. Only the last chunk of a block is shorter than
// a chunk.
func (w *writer) append(p []byte) error {
	if err := w.current.write(w.ctx, p, w.at); err != nil {
		return err
	}
	w.at += int64(len(p))
	return nil
}

// endBlock finishes the current block. It is synced while the next one is being written; wait
// waits for that.
func (w *writer) endBlock() error {
	if err := w.wait(); err != nil {
		return err
	}
	w.ending, w.synced = w.current, make(chan error, 1)
	go func(b *blockFile, size int64, done chan<- error) { done <- b.end(w.ctx, w.sums, size) }(w.ending, w.at, w.synced)
	w.done += w.at
	w.current = nil
	return nil
}

// wait waits until every finished block is synced.
func (w *writer) wait() error {
	if w.ending == nil {
		return nil
	}
	err := <-w.synced
	if err != nil {
		w.ending.discard()
	} else {
		w.blocks = append(w.blocks, w.ending.block)
	}
	w.ending = nil
	return err
}

func (w *writer) Commit() (storage.Object, error) {
	if w.ended {
		return storage.Object{}, w.b.fail(w.ctx, "commit", w.o.Key, storage.ErrEnded)
	}
	if err := w.finish(); err != nil {
		w.discard()
		return storage.Object{}, w.b.fail(w.ctx, "commit", w.o.Key, err)
	}
	return w.publish(w.ctx)
}

// finish writes and syncs what is left.
func (w *writer) finish() error {
	if w.ctx.Err() != nil {
		return context.Cause(w.ctx)
	}
	if w.done+w.at == 0 && len(w.chunk) <= inlineSize && len(w.kept) == 0 {
		w.inline = w.chunk
		return nil
	}
	if len(w.chunk) > 0 {
		if err := w.begin(int64(len(w.chunk))); err != nil {
			return err
		}
		if err := w.append(w.chunk); err != nil {
			return err
		}
		w.chunk = nil
	}
	if w.current != nil {
		if err := w.endBlock(); err != nil {
			return err
		}
	}
	return w.wait()
}

// discard removes what was written, unless it was committed.
func (w *writer) discard() {
	if w.ended {
		return
	}
	w.ended = true
	if w.current != nil {
		w.current.discard()
		w.current = nil
	}
	_ = w.wait() // whether it is durable no longer matters
	w.removeBlocks()
}

func (w *writer) Abort() error {
	w.discard()
	return nil
}
