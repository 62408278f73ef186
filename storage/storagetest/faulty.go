package storagetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/skepdata/skep/storage"
)

// OpKind is a kind of operation on a bucket.
type OpKind string

// The operations that [Faulty] can make fail and [Counting] counts. Those of a Writer and of
// an Upload differ in Write and WritePart only.
const (
	OpList        OpKind = "list"      // Key is the prefix, N the objects already yielded
	OpStat        OpKind = "stat"      //
	OpOpen        OpKind = "open"      // N is the offset
	OpRead        OpKind = "read"      // N is the bytes already read by this Reader
	OpCreate      OpKind = "create"    //
	OpCreateParts OpKind = "parts"     //
	OpWrite       OpKind = "write"     // N is the bytes already written by this Writer
	OpWritePart   OpKind = "part"      // N is the part number
	OpCommit      OpKind = "commit"    //
	OpAbort       OpKind = "abort"     //
	OpDelete      OpKind = "delete"    // once for each key
	OpCopyFrom    OpKind = "copy"      // Key is the destination's
	OpLocalPath   OpKind = "localpath" //
	OpAdopt       OpKind = "adopt"     //
)

// Op is one operation about to be done.
type Op struct {
	Kind OpKind
	Key  string
	N    int64 // see the kinds; 0 where they say nothing
}

// String is the operation as a test prints it: "write a/b 4096".
func (op Op) String() string { return fmt.Sprintf("%s %s %d", op.Kind, op.Key, op.N) }

// faultyPiece is how many bytes Faulty lets through in one Read or Write, so that objects can
// be cut in the middle.
const faultyPiece = 4096

// Faulty wraps b so that each operation is first shown to fail, from any goroutine, and is
// not done when fail returns an error; that error is then what the caller sees, as a
// *storage.Error whose empty Op and URL are filled in. Reads and writes go by pieces of at
// most 4 KiB, so failing at some N cuts the object there.
//
//   - To make a Read end early, as a lost connection can, return io.EOF.
//   - To do the operation and lose the answer, return the error inside [Answer].
//
// A Writer one of whose operations failed commits nothing any more. Faulty has the
// capabilities of b.
func Faulty(b storage.Bucket, fail func(Op) error) storage.Bucket {
	return wrap(b, hooks{before: fail, piece: faultyPiece})
}

// Answer makes Faulty do the operation and then report err, as when a reply gets lost.
func Answer(err error) error { return &answerError{err} }

type answerError struct{ error }

func (e *answerError) Unwrap() error { return e.error }

// hooks are what a wrapped bucket calls around its operations.
type hooks struct {
	before func(Op) error                 // an error stops the operation
	passed func(kind OpKind, bytes int64) // after bytes were read or written; may be nil
	piece  int                            // most bytes in one Read or Write; 0 for any number
}

func wrap(b storage.Bucket, h hooks) storage.Bucket {
	w := &wrapped{Bucket: b, h: h}
	parts, ok := storage.As[storage.PartUploader](b)
	if !ok {
		return w
	}
	if r, ok := storage.As[storage.PartResumer](b); ok {
		return &wrappedResumer{&wrappedParts{w, parts}, r}
	}
	return &wrappedParts{w, parts}
}

// wrapped calls its hooks around everything. Copying on the server and local paths have a way
// to say no, so it always offers them; parts are another type, for want of one.
type wrapped struct {
	storage.Bucket
	h hooks
}

func (w *wrapped) Unwrap() storage.Bucket { return w.Bucket }

// do calls the hook before op and, unless that stops it, run. When only the answer is to be
// lost, the error comes back after run.
func (w *wrapped) do(op Op, run func() error) error {
	err := w.h.before(op)
	var answer *answerError
	if err != nil && !errors.As(err, &answer) {
		return w.fail(op, err)
	}
	if runErr := run(); runErr != nil {
		return runErr
	}
	if answer != nil {
		return w.fail(op, answer.error)
	}
	return nil
}

// fail completes an error of the test's as one of the store.
func (w *wrapped) fail(op Op, err error) error {
	complete := storage.Error{Err: err}
	var e *storage.Error
	if errors.As(err, &e) {
		complete = *e
	}
	if complete.Op == "" {
		complete.Op = string(op.Kind)
	}
	if complete.URL == "" {
		complete.URL = w.URL() + op.Key
	}
	if complete.Err == nil {
		complete.Err = errors.New("fault injected by the test")
	}
	return &complete
}

func (w *wrapped) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		op := Op{Kind: OpList, Key: prefix}
		proceed := func() error { return w.do(op, func() error { return nil }) }
		if err := proceed(); err != nil {
			yield(storage.Object{}, err)
			return
		}
		for o, err := range w.Bucket.List(ctx, prefix) {
			if !yield(o, err) || err != nil {
				return
			}
			op.N++
			if w.h.passed != nil {
				w.h.passed(OpList, 1)
				continue // who only watches is told of a listing once
			}
			if err := proceed(); err != nil {
				yield(storage.Object{}, err)
				return
			}
		}
	}
}

func (w *wrapped) Stat(ctx context.Context, key string) (o storage.Object, err error) {
	err = w.do(Op{Kind: OpStat, Key: key}, func() (err error) {
		o, err = w.Bucket.Stat(ctx, key)
		return err
	})
	return o, err
}

func (w *wrapped) Open(
	ctx context.Context, key string, opts storage.ReadOptions,
) (r storage.Reader, err error) {
	err = w.do(Op{Kind: OpOpen, Key: key, N: opts.Offset}, func() (err error) {
		r, err = w.Bucket.Open(ctx, key, opts)
		return err
	})
	if err != nil {
		if r != nil {
			r.Close()
		}
		return nil, err
	}
	return &wrappedReader{Reader: r, w: w, op: Op{Kind: OpRead, Key: key}}, nil
}

type wrappedReader struct {
	storage.Reader
	w  *wrapped
	op Op
}

func (r *wrappedReader) Read(p []byte) (n int, err error) {
	if r.w.h.piece > 0 {
		p = p[:min(r.w.h.piece, cap(p), len(p))]
	}
	err = r.w.h.before(r.op)
	if errors.Is(err, io.EOF) {
		return 0, io.EOF
	}
	if err != nil {
		return 0, r.w.fail(r.op, err)
	}
	n, err = r.Reader.Read(p)
	r.op.N += int64(n)
	if r.w.h.passed != nil {
		r.w.h.passed(OpRead, int64(n))
	}
	return n, err
}

func (w *wrapped) Create(
	ctx context.Context, key string, opts storage.CreateOptions,
) (out storage.Writer, err error) {
	err = w.do(Op{Kind: OpCreate, Key: key}, func() (err error) {
		out, err = w.Bucket.Create(ctx, key, opts)
		return err
	})
	if err != nil {
		if out != nil {
			err = errors.Join(err, out.Abort())
		}
		return nil, err
	}
	return &wrappedWriter{Writer: out, w: w, key: key}, nil
}

type wrappedWriter struct {
	storage.Writer
	w      *wrapped
	key    string
	n      int64
	failed error
}

func (o *wrappedWriter) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		piece := p[n:]
		if o.w.h.piece > 0 {
			piece = piece[:min(o.w.h.piece, len(piece))]
		}
		var m int
		err = o.w.do(Op{Kind: OpWrite, Key: o.key, N: o.n}, func() (err error) {
			m, err = o.Writer.Write(piece)
			return err
		})
		n, o.n = n+m, o.n+int64(m)
	}
	if err != nil {
		o.failed = err
	}
	if o.w.h.passed != nil {
		o.w.h.passed(OpWrite, int64(n))
	}
	return n, err
}

func (o *wrappedWriter) Commit() (obj storage.Object, err error) {
	if o.failed != nil {
		return storage.Object{}, errors.Join(o.failed, o.Writer.Abort())
	}
	ran := false
	err = o.w.do(Op{Kind: OpCommit, Key: o.key}, func() (err error) {
		ran = true
		obj, err = o.Writer.Commit()
		return err
	})
	if !ran {
		err = errors.Join(err, o.Writer.Abort())
	}
	if err != nil {
		return storage.Object{}, err
	}
	return obj, nil
}

func (o *wrappedWriter) Abort() error {
	return o.w.do(Op{Kind: OpAbort, Key: o.key}, o.Writer.Abort)
}

func (w *wrapped) Delete(ctx context.Context, keys ...string) error {
	var errs []error
	var allowed []string
	for _, key := range keys {
		op := Op{Kind: OpDelete, Key: key}
		err := w.h.before(op)
		var answer *answerError
		if err != nil {
			errs = append(errs, w.fail(op, err))
		}
		if err == nil || errors.As(err, &answer) {
			allowed = append(allowed, key)
		}
	}
	if len(allowed) > 0 || len(keys) == 0 {
		errs = append(errs, w.Bucket.Delete(ctx, allowed...))
	}
	return errors.Join(errs...)
}
