package duck

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/formats"
	"github.com/skepdata/skep/storage"
)

const (
	// textAhead is how many bytes of the beginning of a split are asked for before its turn. How
	// many splits there may be so is a number for each thread.
	textAhead  = 2 << 20
	splitAhead = 4
	// mostTextAhead is how many bytes of what is confirmed are asked for at once at most.
	mostTextAhead = 16 << 20
)

// splitSource brings the bytes of a split of a file that package formats decodes: those of a far
// file through the cache, so that the next query finds them there. It is safe for concurrent use.
type splitSource struct {
	src   hiveql.Source
	file  hiveql.File
	split formats.Split
	few   bool // the scan may end after some rows

	mu    sync.Mutex
	begun *hiveql.Local // asked for, and not yet opened
	taken bool
	parts *partsReader // once it is opened, if it is one
}

// local is the file in the cache. Its Parts are nil if it is not far, or if there is no cache, and
// it is to be streamed.
func (t *splitSource) local(ctx context.Context) hiveql.Local {
	local, err := t.src.Local(ctx, t.file)
	if err != nil {
		return hiveql.Local{Release: func() {}}
	}
	return local
}

// ahead asks for the beginning of the split, the first time, and does not wait for it.
func (t *splitSource) ahead(ctx context.Context) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.begun != nil || t.taken {
		return
	}
	local := t.local(ctx)
	t.begun = &local
	if local.Parts != nil {
		from := t.split.Start()
		ask := local.Parts.Prefetch
		if t.few && local.Ranges {
			ask = local.Parts.ConfirmAhead
		}
		ask(from, min(t.split.To-from, textAhead))
	}
}

// take hands over what ahead began.
func (t *splitSource) take(ctx context.Context) hiveql.Local {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.taken = true
	if t.begun == nil {
		return t.local(ctx)
	}
	local := *t.begun
	t.begun = nil
	return local
}

// open begins to read.
func (t *splitSource) open(ctx context.Context) (io.ReadCloser, error) {
	local := t.take(ctx)
	if local.Parts == nil {
		local.Release()
		return t.src.Open(ctx, t.file, t.split.Start())
	}
	t.parts = &partsReader{ctx: ctx, local: local, from: t.split.Start(), confirms: t.few && local.Ranges}
	t.parts.at.Store(t.parts.from)
	return t.parts, nil
}

// explain is the error of what came, if that has changed on the way, and otherwise err: that it makes no
// sense.
func (t *splitSource) explain(ctx context.Context, err error) error {
	var known *storage.Error
	if t.parts == nil || t.parts.ended.Load() || errors.Is(err, io.EOF) || errors.As(err, &known) || ctx.Err() != nil {
		return err
	}
	if changed := t.parts.local.Parts.Recheck(ctx, t.parts.from, t.parts.at.Load()-t.parts.from); changed != nil {
		return changed
	}
	return err
}

// end gives back what was never opened.
func (t *splitSource) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.taken = true; t.begun != nil {
		t.begun.Release()
		t.begun = nil
	}
}

// partsReader reads through a file that comes by parts. It is compared as a whole when the last has come; of a file that
// may not be read to its end what is read is confirmed instead.
type partsReader struct {
	ctx   context.Context // of the one query that it lives for
	local hiveql.Local
	from  int64

	confirms bool
	asked    int64 // the end of what was asked for, if it confirms
	window   int64

	at    atomic.Int64 // what decodes may run ahead of who asks
	ended atomic.Bool
}

func (r *partsReader) Read(p []byte) (int, error) {
	read := r.local.Parts.ReadOn
	if r.confirms {
		read = r.readConfirmed
	}
	n, err := read(r.ctx, p, r.at.Load())
	r.at.Add(int64(n))
	return n, err
}

// readConfirmed reads what follows, and runs ahead, further each time.
func (r *partsReader) readConfirmed(ctx context.Context, p []byte, off int64) (int, error) {
	if off+int64(len(p)) > r.asked {
		r.window = min(max(2*r.window, textAhead), mostTextAhead)
		r.asked = off + r.window
		r.local.Parts.ConfirmAhead(off, r.window)
	}
	return r.local.Parts.ReadConfirmed(ctx, p, off)
}

func (r *partsReader) Close() error {
	if r.ended.CompareAndSwap(false, true) {
		r.local.Release()
	}
	return nil
}
