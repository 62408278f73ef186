package copier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/skepdata/skep/storage"
)

// serverCopy lets the store copy one object.
func (j *job) serverCopy(ctx context.Context, t Task) (result, error) {
	s := t.Sources.First()
	if err := j.rates.requests.take(ctx, 1); err != nil {
		return result{}, err
	}
	o, err := j.copyOnServer(ctx, t)
	if err != nil {
		return result{}, err
	}
	sum := o.CRC32C
	if j.opts.Verify.differs(s.Size, s.CRC32C, o) {
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
	if n != 0 {
		j.tell(t, Event{Kind: Progress, Bytes: n})
	}
}

// tell tells of an output in the making, if there is anybody to be told.
func (j *job) tell(t Task, e Event) {
	if j.opts.Report != nil {
		e.Dest = j.dest.Bucket.URL() + j.dir + t.Key
		j.rec.event(e)
	}
}

// stream writes an output in one piece.
func (j *job) stream(ctx context.Context, t Task) (result, error) {
	ctx, cancel := context.WithCancel(ctx) // leaving leaves nothing behind
	defer cancel()
	from := j.readWhole(ctx, t)
	giveBack, err := j.takeMemory(ctx, t, from)
	if err != nil {
		return result{}, errors.Join(err, from.Close())
	}
	defer giveBack()
	res, err := j.streamFrom(ctx, t, from)
	err = errors.Join(err, from.Close())
	if err != nil {
		j.progress(t, -from.reported)
	}
	return res, err
}

// takeMemory waits for the memory that an output takes while it is being written.
func (j *job) takeMemory(ctx context.Context, t Task, from *span) (giveBack func(), err error) {
	switch size := t.Size(); {
	case !t.raw():
		return j.memory.take(ctx, t.codecMemory()) // the output takes more as it grows
	case size <= uncounted || from.inFile():
		return func() {}, nil
	default:
		return j.memory.take(ctx, min(size, j.opts.partSize()))
	}
}

func (j *job) streamFrom(ctx context.Context, t Task, from *span) (res result, err error) {
	first, err := from.Object()
	if err != nil {
		return result{clean: true}, err
	}
	opts, err := j.createOptions(ctx, t, first)
	if err != nil {
		return result{clean: true}, err
	}
	if err := j.rates.requests.take(ctx, 1); err != nil {
		return result{clean: true}, err
	}
	hashed := &hashWriter{}
	if t.raw() && t.Sources.Len() == 1 {
		hashed.from = from // which computes the same
	}
	if !t.raw() && isFlat(j.dest.Bucket) {
		held := j.growing.begin()
		defer held.end()
		hashed.room = func(n int) error { return held.by(ctx, int64(n)) }
	}
	opts.Checksum = hashed.checksum
	out, err := j.dest.Bucket.Create(ctx, j.dir+t.Key, opts)
	if err != nil {
		return result{}, err
	}
	defer func() { res.clean = out.Abort() == nil && !hashed.failed }() // of no use after Commit, and nothing to add to an error
	hashed.w = out
	switch taken, failed := j.handOver(out, t, from, hashed); {
	case failed != nil:
		err = failed
	case taken:
	case t.raw():
		err = j.pump(hashed, from)
	default:
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
	sum := hashed.checksum()
	if err := j.intend(ctx, t, hashed.n, sum); err != nil {
		return result{}, err
	}
	o, err := out.Commit()
	if hashed.failed = err != nil; err != nil {
		return result{}, err
	}
	if wrong := j.opts.Verify.mismatch(hashed.n, sum, o); wrong != nil {
		return result{}, j.discard(ctx, t, wrong)
	}
	return result{method: methodStream, object: o, sum: sum, sums: sums}, nil
}

// worthHandingOver is the size in bytes above which a file is worth being read twice, once for its
// checksum and once by the kernel that sends it, instead of once into memory.
const worthHandingOver = 256 << 10

// handOver lets a store that can take the content from a local file do so. taken is false where it
// is to be written.
func (j *job) handOver(out storage.Writer, t Task, from *span, hashed *hashWriter) (taken bool, err error) {
	size := t.Size()
	taker, ok := out.(storage.FileTaker)
	if !ok || hashed.from == nil || size < worthHandingOver || size > j.opts.partSize() {
		return false, nil
	}
	f, offset, ok := from.FileRange()
	if !ok {
		return false, nil
	}
	if err := j.pump(io.Discard, from); err != nil {
		_ = f.Close() // it was for reading
		return false, err
	}
	hashed.n = size
	return true, taker.TakeFile(f, offset, size)
}

// hashWriter computes the checksum of what goes by.
type hashWriter struct {
	w    io.Writer
	from *span             // computes it instead, where what is read and what is written are the same
	room func(n int) error // waits until n more bytes may be held; nil if they need not be
	sum  storage.Checksum
	n    int64

	failed bool // what it writes to has, which may have begun what it has no answer for
}

func (h *hashWriter) Write(p []byte) (int, error) {
	if h.room != nil {
		if err := h.room(len(p)); err != nil {
			return 0, err
		}
	}
	n, err := h.w.Write(p)
	h.failed = h.failed || err != nil
	if h.from == nil {
		h.sum = storage.UpdateCRC32C(h.sum, p[:n])
	}
	h.n += int64(n)
	return n, err
}

// checksum is that of all that has gone by.
func (h *hashWriter) checksum() storage.Checksum {
	if h.from != nil {
		return h.from.CRC32C()
	}
	return storage.UpdateCRC32C(h.sum, nil)
}

// pump copies from to out with a buffer of the job's. For an output without bytes it makes the
// checksum known.
func (j *job) pump(out io.Writer, from io.Reader) error {
	pool := j.buffersFor(from)
	buf := pool.Get().(*[]byte)
	defer pool.Put(buf)
	for {
		n, err := fill(from, *buf)
		if n > 0 || errors.Is(err, io.EOF) {
			if _, werr := out.Write((*buf)[:n]); werr != nil {
				return werr
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// buffersFor has buffers for what is to be read. From a near service into a file more goes at a time: each
// time costs, and nothing else is waited for.
func (j *job) buffersFor(from io.Reader) *sync.Pool {
	s, ok := from.(*span)
	switch {
	case !ok:
		return &j.buffers
	case s.left <= tinySize:
		return &j.tiny
	case s.left <= lightSize:
		return &j.small
	case s.left >= longSize && isFiles(j.dest.Bucket) && near(j.roundTrip()):
		return &j.long
	}
	return &j.buffers
}

// fill reads until buf is full or from ends. What is written from full buffers begins and ends with pages
// of a file, none of which is then written in two pieces.
func fill(from io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = from.Read(buf[n:])
		n += m
	}
	return n, err
}
