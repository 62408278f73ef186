package duck

import (
	"context"
	"io"
	"sync"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/formats"
)

const (
	// textAhead is how many bytes of the beginning of a split are asked for before its turn. How
	// many splits there may be so is a number for each thread.
	textAhead  = 2 << 20
	splitAhead = 4
)

// splitSource brings the bytes of a split of a file that package formats decodes: those of a far
// file through the cache, so that the next query finds them there. It is safe for concurrent use.
type splitSource struct {
	src   hiveql.Source
	file  hiveql.File
	split formats.Split

	mu    sync.Mutex
	begun *hiveql.Local // asked for, and not yet opened
	taken bool
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
		local.Parts.Prefetch(from, min(t.split.To-from, textAhead))
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
	return &partsReader{ctx: ctx, local: local, at: t.split.Start()}, nil
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

// partsReader reads through a file that comes by parts.
type partsReader struct {
	ctx   context.Context // of the one query that it lives for
	local hiveql.Local
	at    int64
	once  sync.Once
}

func (r *partsReader) Read(p []byte) (int, error) {
	n, err := r.local.Parts.ReadOn(r.ctx, p, r.at)
	r.at += int64(n)
	return n, err
}

func (r *partsReader) Close() error {
	r.once.Do(r.local.Release)
	return nil
}
