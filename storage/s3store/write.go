package s3store

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/skepdata/skep/storage"
)

// An object of unknown length is sent in parts that are small at first, for nearly all are, and of
// which each so many are twice as large as those before, so that the largest object finds room in
// the 10,000 parts that S3 allows.
const (
	firstPart    = 8 << 20
	partsPerSize = 900
)

// streamPart is the size of part n, counted from 0, of an object of unknown length.
func streamPart(first int64, n int) int64 {
	return min(first<<min(n/partsPerSize, 32), maxPartSize)
}

// Create starts an object in memory. Up to one part it is sent by a single PUT at Commit;
// beyond that, parts are sent in the background, one at a time, while the next one fills.
// See storage.Bucket.
func (b *Bucket) Create(ctx context.Context, key string, opts storage.CreateOptions) (storage.Writer, error) {
	err := b.c.checkKey(key)
	if err == nil && (len(opts.Tags) > 0 || opts.Encryption != storage.Encryption{}) {
		_, err = b.c.putOptions(opts, nil) // they are what can be wrong
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, b.fail(ctx, "create", key, err)
	}
	w := &writer{b: b, ctx: ctx, key: key, opts: opts, buf: b.c.content(), firstPart: b.c.firstPart}
	if opts.Size > 0 {
		w.firstPart = b.PartSize(opts.Size, b.c.cfg.PartSize)
	}
	return w, nil
}

// writer collects an object and sends it.
type writer struct {
	b    *Bucket
	ctx  context.Context
	key  string
	opts storage.CreateOptions

	buf       *chunks // what has not been handed over to be sent
	firstPart int64   // the size of the first part

	file *section // of a file that has everything; nil if it was written

	upload *multipart // nil as long as everything fits into buf
	parts  int        // handed over
	sent   chan error // of the part in flight; nil if there is none

	ended     bool
	committed bool
	err       error // the first failure
}

func (w *writer) Write(p []byte) (int, error) {
	if err := w.usable("write"); err != nil {
		return 0, err
	}
	n := 0
	for len(p) > 0 {
		// A full part is sent only once more is known to follow: an object of exactly
		// one part is then still one PUT.
		partSize := streamPart(w.firstPart, w.parts)
		if w.buf.n == partSize {
			if w.err = w.sendPart(); w.err != nil {
				return n, w.err
			}
			continue
		}
		room := min(int64(len(p)), partSize-w.buf.n)
		w.buf.write(p[:room], min(w.opts.Size, partSize))
		p = p[room:]
		n += int(room)
	}
	return n, nil
}

// usable reports why the writer takes no more, if so.
func (w *writer) usable(op string) error {
	switch {
	case w.ended:
		return w.b.fail(context.WithoutCancel(w.ctx), op, w.key, storage.ErrEnded)
	case w.err != nil:
		return w.err
	case w.ctx.Err() != nil:
		return w.b.fail(w.ctx, op, w.key, w.ctx.Err())
	}
	return nil
}

// sendPart hands the full buffer over to be sent, once the part before it has been.
func (w *writer) sendPart() error {
	if err := w.await(); err != nil {
		return err
	}
	if w.upload == nil {
		upload, err := w.b.startMultipart(w.ctx, w.key, w.opts)
		if err != nil {
			return err
		}
		w.upload = upload
	}
	n, data := w.parts, w.buf
	w.parts++
	w.buf = w.b.c.content()
	sent := make(chan error, 1)
	w.sent = sent
	go func() {
		_, err := w.upload.send(w.ctx, n, data, data.sum())
		data.release()
		sent <- err
	}()
	return nil
}

// await waits for the part in flight.
func (w *writer) await() error {
	if w.sent == nil {
		return nil
	}
	err := <-w.sent
	w.sent = nil
	return err
}

func (w *writer) Commit() (storage.Object, error) {
	if err := w.usable("commit"); err != nil {
		return storage.Object{}, also(err, w.discard())
	}
	o, err := w.commit()
	if err != nil {
		return storage.Object{}, also(err, w.discard())
	}
	w.committed = true
	w.release()
	return o, nil
}

func (w *writer) commit() (storage.Object, error) {
	switch {
	case w.file != nil:
		return w.b.put(w.ctx, w.key, w.file, w.opts.Checksum(), w.opts)
	case w.upload == nil:
		var sum storage.Checksum
		if w.opts.Checksum != nil {
			sum = w.opts.Checksum()
		} else {
			sum = w.buf.sum()
		}
		return w.b.put(w.ctx, w.key, w.buf, sum, w.opts)
	}
	if err := w.sendPart(); err != nil {
		return storage.Object{}, err
	}
	if err := w.await(); err != nil {
		return storage.Object{}, err
	}
	return w.upload.complete(w.ctx, w.parts)
}

// TakeFile implements storage.FileTaker: Commit sends a file of up to one part from where it is.
func (w *writer) TakeFile(f *os.File, offset, n int64) error {
	err := w.usable("write")
	switch {
	case err != nil:
	case w.opts.Checksum == nil || w.buf.n > 0 || w.upload != nil:
		err = w.b.fail(w.ctx, "write", w.key, errors.New("a file must be the whole object, and its checksum known"))
	case n > w.b.c.cfg.PartSize:
		err = w.b.fail(w.ctx, "write", w.key, fmt.Errorf("a file of %d bytes is %w by one request", n, storage.ErrUnsupported))
	}
	if err != nil {
		_ = f.Close() // it was for reading
		return err
	}
	w.file = newSection(f, offset, n)
	return nil
}

// put writes an object by a single PUT, which the server refuses if the content is not what
// the checksum says.
func (b *Bucket) put(ctx context.Context, key string, content content, sum storage.Checksum, opts storage.CreateOptions,
) (storage.Object, error) {
	headers, err := b.c.putOptions(opts, map[string]string{"x-amz-checksum-crc32c": sum.String()})
	if err != nil {
		return storage.Object{}, b.fail(ctx, "commit", key, err)
	}
	info, told, err := b.putContent(ctx, key, content, headers)
	if err != nil {
		return storage.Object{}, b.fail(ctx, "commit", key, err)
	}
	if err := confirmed(sum, fullChecksum(info.ChecksumCRC32C, info.ChecksumMode)); err != nil {
		return storage.Object{}, b.fail(ctx, "commit", key, err)
	}
	return written(key, content.size(), info.ETag, sum, opts, &answer{told}), nil
}

func (w *writer) Abort() error {
	if w.ended {
		return nil
	}
	return w.discard()
}

// discard ends the writer without an object. The part in flight is waited for: a part that
// arrives after the abort would be kept, and paid for.
func (w *writer) discard() error {
	if w.ended {
		return nil
	}
	_ = w.await()
	w.release()
	if w.upload == nil {
		return nil
	}
	return w.upload.abort(w.ctx)
}

func (w *writer) release() {
	w.ended = true
	w.buf.release()
	if w.file != nil {
		_ = w.file.f.Close() // it was for reading
	}
}
