package duck

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/formats"
	"github.com/skepdata/skep/storage"
)

// orcSource opens an ORC file, of which only the columns are read that are asked for.
func (l *lowerer) orcSource(g *scanGroup, t *splitSource) batchSource {
	return func(ctx context.Context, projection []int) (func() (arrow.RecordBatch, error), func() error, error) {
		in := &placedReader{ctx: ctx, src: l.src, file: t.file, local: t.take(ctx)}
		describe := func(err error) error {
			if err == nil || errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				return err
			}
			err = in.explain(err)
			var located *storage.Error
			if errors.As(err, &located) {
				return &Error{Op: "read", Msg: err.Error(), Err: err}
			}
			return &Error{Op: "read", Msg: t.file.URL() + ": " + err.Error(), Err: err}
		}
		if err := in.open(); err != nil {
			return nil, nil, errors.Join(describe(err), in.close())
		}
		spec := g.spec
		spec.Cut, spec.Nanos = t.src.Cut(), bool(l.resolution)
		r, err := formats.NewORCReader(spec, g.fields, projection, in, t.file.Object.Size, batchRows)
		if err != nil {
			return nil, nil, errors.Join(describe(err), in.close())
		}
		next := func() (arrow.RecordBatch, error) {
			b, err := r.Next()
			return b, describe(err)
		}
		done := func() error { return describe(errors.Join(r.Close(), in.close())) }
		return next, done, nil
	}
}

// placedReader reads any place of a file: in place, through the cache, or by asking the store anew.
type placedReader struct {
	ctx   context.Context // of the one query that it lives for
	src   hiveql.Source
	file  hiveql.File
	local hiveql.Local
	plain *os.File // where it is there as a whole
}

func (r *placedReader) open() (err error) {
	switch {
	case r.local.Parts != nil:
		if r.local.Whole && !r.local.Parts.Sure() {
			return r.local.Parts.Prove(r.ctx)
		}
	case r.local.Path != "":
		r.plain, err = os.Open(r.local.Path)
	}
	return err
}

// ReadAt is io.ReaderAt's.
func (r *placedReader) ReadAt(p []byte, off int64) (int, error) {
	switch {
	case r.local.Parts != nil:
		return r.local.Parts.ReadAt(r.ctx, p, off)
	case r.plain != nil:
		return r.plain.ReadAt(p, off)
	}
	in, err := r.src.Open(r.ctx, r.file, off)
	if err != nil {
		return 0, err
	}
	n, err := io.ReadFull(in, p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, errors.Join(err, in.Close())
}

// explain is the error of what came, if that has changed on the way, and otherwise err.
func (r *placedReader) explain(err error) error {
	var known *storage.Error
	if r.local.Parts == nil || errors.As(err, &known) || r.ctx.Err() != nil {
		return err
	}
	if changed := r.local.Parts.Recheck(r.ctx, 0, r.file.Object.Size); changed != nil {
		return changed
	}
	return err
}

func (r *placedReader) close() error {
	var err error
	if r.plain != nil {
		err = r.plain.Close()
	}
	if r.local.Release != nil {
		r.local.Release()
		r.local.Release = nil
	}
	return err
}
