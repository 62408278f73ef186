package copier

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/skepdata/skep/storage"
)

// serverCopy lets the store copy one object.
func (j *job) serverCopy(ctx context.Context, t Task) (result, error) {
	s := t.Sources[0]
	if err := j.rates.requests.take(ctx, 1); err != nil {
		return result{}, err
	}
	o, err := j.copyOnServer(ctx, t)
	if err != nil {
		return result{}, err
	}
	sum := o.CRC32C
	if o.Size != s.Size || sum.Differs(s.CRC32C) {
		return result{}, j.discard(ctx, t, fmt.Errorf("the server's copy has %d bytes with crc32c %s, the source %d with %s: %w",
			o.Size, sum, s.Size, s.CRC32C, storage.ErrChecksum))
	}
	j.progress(t, s.Size)
	return result{method: methodServer, object: o, sum: sum, sums: []storage.Checksum{sum}}, nil
}

// discard deletes an output that is visible and wrong.
func (j *job) discard(ctx context.Context, t Task, why error) error {
	key := j.dir + t.Key
	return errors.Join(&storage.Error{Op: "copy", URL: j.dest.Bucket.URL() + key, Err: why}, j.dest.Bucket.Delete(ctx, key))
}

func (j *job) progress(t Task, n int64) {
	if n != 0 && j.opts.Report != nil {
		j.rec.event(Event{Kind: Progress, Dest: j.dest.Bucket.URL() + j.dir + t.Key, Bytes: n})
	}
}

// stream writes an output in one piece.
func (j *job) stream(ctx context.Context, t Task) (result, error) {
	ctx, cancel := context.WithCancel(ctx) // leaving leaves nothing behind
	defer cancel()
	buffered := min(t.Size(), j.opts.partSize())
	if !t.raw() {
		buffered = j.opts.partSize() // who knows
	}
	giveBack, err := j.budget.take(ctx, buffered)
	if err != nil {
		return result{}, err
	}
	defer giveBack()
	from := j.read(ctx, t, 0, t.Size())
	res, err := j.streamFrom(ctx, t, from)
	err = errors.Join(err, from.Close())
	if err != nil {
		j.progress(t, -from.reported)
	}
	return res, err
}

func (j *job) streamFrom(ctx context.Context, t Task, from *span) (result, error) {
	first, err := from.Object()
	if err != nil {
		return result{}, err
	}
	opts, err := j.createOptions(ctx, t, first)
	if err != nil {
		return result{}, err
	}
	if err := j.rates.requests.take(ctx, 1); err != nil {
		return result{}, err
	}
	out, err := j.dest.Bucket.Create(ctx, j.dir+t.Key, opts)
	if err != nil {
		return result{}, err
	}
	defer out.Abort() // of no use after Commit, and nothing to add to an error
	hashed := &hashWriter{w: out}
	if t.raw() {
		err = j.pump(hashed, from)
	} else {
		err = j.transcode(hashed, t, from)
	}
	if from.err != nil {
		return result{}, from.err // the cause, unwrapped of what the writer said
	}
	if err != nil {
		return result{}, err
	}
	return j.commit(ctx, t, out, hashed, from)
}

// commit makes an output visible of which all has been written, if its sources were read well.
func (j *job) commit(
	ctx context.Context, t Task, out storage.Writer, hashed *hashWriter, from *span,
) (result, error) {
	sums, err := from.verify(t)
	if err != nil {
		return result{}, err
	}
	if err := j.intend(ctx, t, hashed.n, hashed.sum); err != nil {
		return result{}, err
	}
	o, err := out.Commit()
	if err != nil {
		return result{}, err
	}
	if hashed.sum.Differs(o.CRC32C) || o.Size != hashed.n {
		return result{}, j.discard(ctx, t, fmt.Errorf("the destination has stored %d bytes with crc32c %s instead of %d with %s: %w",
			o.Size, o.CRC32C, hashed.n, hashed.sum, storage.ErrChecksum))
	}
	return result{method: methodStream, object: o, sum: hashed.sum, sums: sums}, nil
}

// hashWriter computes the checksum of what goes by.
type hashWriter struct {
	w   io.Writer
	sum storage.Checksum
	n   int64
}

func (h *hashWriter) Write(p []byte) (int, error) {
	n, err := h.w.Write(p)
	h.sum = storage.UpdateCRC32C(h.sum, p[:n])
	h.n += int64(n)
	return n, err
}

// pump copies from to out with a buffer of the job's. For an output without bytes it makes the
// checksum known.
func (j *job) pump(out io.Writer, from io.Reader) error {
	buf := j.buffers.Get().(*[]byte)
	defer j.buffers.Put(buf)
	for {
		n, err := from.Read(*buf)
		if n > 0 || err == io.EOF {
			if _, werr := out.Write((*buf)[:n]); werr != nil {
				return werr
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
