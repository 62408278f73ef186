package storagetest

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/skepdata/skep/storage"
)

// CopyFrom implements storage.ServerCopier where the wrapped bucket does.
func (w *wrapped) CopyFrom(
	ctx context.Context, key string, src storage.Bucket, srcObject storage.Object,
) (o storage.Object, err error) {
	inner, ok := storage.As[storage.ServerCopier](w.Bucket)
	if !ok {
		return o, &storage.Error{Op: "copy", URL: w.URL() + key, Err: storage.ErrUnsupported}
	}
	err = w.do(Op{Kind: OpCopyFrom, Key: key}, func() (err error) {
		o, err = inner.CopyFrom(ctx, key, src, srcObject)
		return err
	})
	if err != nil {
		return storage.Object{}, err
	}
	return o, nil
}

// Adopt implements storage.Adopter where the wrapped bucket does.
func (w *wrapped) Adopt(ctx context.Context, key, path string) (o storage.Object, err error) {
	inner, ok := storage.As[storage.Adopter](w.Bucket)
	if !ok {
		return o, &storage.Error{Op: "adopt", URL: w.URL() + key, Err: storage.ErrUnsupported}
	}
	err = w.do(Op{Kind: OpAdopt, Key: key}, func() (err error) {
		o, err = inner.Adopt(ctx, key, path)
		return err
	})
	if err != nil {
		return storage.Object{}, err
	}
	return o, nil
}

// CopyWith implements storage.OptionCopier where the wrapped bucket does.
func (w *wrapped) CopyWith(
	ctx context.Context, key string, src storage.Bucket, srcObject storage.Object, opts storage.CopyOptions,
) (o storage.Object, err error) {
	inner, ok := storage.As[storage.OptionCopier](w.Bucket)
	if !ok {
		return o, &storage.Error{Op: "copy", URL: w.URL() + key, Err: storage.ErrUnsupported}
	}
	err = w.do(Op{Kind: OpCopyFrom, Key: key}, func() (err error) {
		o, err = inner.CopyWith(ctx, key, src, srcObject, opts)
		return err
	})
	if err != nil {
		return storage.Object{}, err
	}
	return o, nil
}

// WriteBatch implements storage.BatchWriter where the wrapped bucket does, by writing the
// objects one by one, so that each passes the hooks.
func (w *wrapped) WriteBatch(ctx context.Context, objects []storage.SmallObject) ([]storage.Object, error) {
	if _, ok := storage.As[storage.BatchWriter](w.Bucket); !ok {
		return nil, &storage.Error{Op: "create", URL: w.URL(), Err: storage.ErrUnsupported}
	}
	return writeOneByOne(ctx, w, objects)
}

// BatchLimit implements storage.BatchWriter.
func (w *wrapped) BatchLimit() (objects int, bytes int64) {
	if inner, ok := storage.As[storage.BatchWriter](w.Bucket); ok {
		return inner.BatchLimit()
	}
	return 0, 0
}

// LocalPath implements storage.LocalPather where the wrapped bucket does.
func (w *wrapped) LocalPath(ctx context.Context, key string) (path string, ok bool, err error) {
	inner, has := storage.As[storage.LocalPather](w.Bucket)
	if !has {
		return "", false, nil
	}
	err = w.do(Op{Kind: OpLocalPath, Key: key}, func() (err error) {
		path, ok, err = inner.LocalPath(ctx, key)
		return err
	})
	return path, ok, err
}

// wrappedParts is wrapped around a bucket that takes uploads in parts.
type wrappedParts struct {
	*wrapped
	parts storage.PartUploader
}

func (w *wrappedParts) PartSize(size, want int64) int64 { return w.parts.PartSize(size, want) }

func (w *wrappedParts) CreateParts(
	ctx context.Context, key string, opts storage.CreateOptions,
) (up storage.Upload, err error) {
	err = w.do(Op{Kind: OpCreateParts, Key: key}, func() (err error) {
		up, err = w.parts.CreateParts(ctx, key, opts)
		return err
	})
	if err != nil {
		if up != nil {
			err = errors.Join(err, up.Abort(ctx))
		}
		return nil, err
	}
	return &wrappedUpload{up, w.wrapped, key}, nil
}

// wrappedResumer is wrapped around a bucket whose uploads can be resumed.
type wrappedResumer struct {
	*wrappedParts
	resumer storage.PartResumer
}

func (w *wrappedResumer) ResumeParts(
	ctx context.Context, key string, opts storage.CreateOptions, id string,
) (up storage.Upload, done []storage.PartDone, err error) {
	err = w.do(Op{Kind: OpCreateParts, Key: key}, func() (err error) {
		up, done, err = w.resumer.ResumeParts(ctx, key, opts, id)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return &wrappedUpload{up, w.wrapped, key}, done, nil
}

func (w *wrappedResumer) Uploads(ctx context.Context, prefix string) iter.Seq2[storage.PendingUpload, error] {
	return w.resumer.Uploads(ctx, prefix)
}

func (w *wrappedResumer) AbortUpload(ctx context.Context, u storage.PendingUpload) error {
	return w.do(Op{Kind: OpAbort, Key: u.Key}, func() error { return w.resumer.AbortUpload(ctx, u) })
}

type wrappedUpload struct {
	storage.Upload
	w   *wrapped
	key string
}

// ID implements storage.Named where the wrapped upload does.
func (u *wrappedUpload) ID() string {
	if n, ok := u.Upload.(storage.Named); ok {
		return n.ID()
	}
	return ""
}

func (u *wrappedUpload) WritePart(
	ctx context.Context, n int, r io.Reader, size int64,
) (sum storage.Checksum, err error) {
	err = u.w.do(Op{Kind: OpWritePart, Key: u.key, N: int64(n)}, func() (err error) {
		sum, err = u.Upload.WritePart(ctx, n, r, size)
		return err
	})
	if err != nil {
		return storage.Checksum{}, err
	}
	if u.w.h.passed != nil {
		u.w.h.passed(OpWritePart, size)
	}
	return sum, nil
}

func (u *wrappedUpload) Commit(ctx context.Context) (o storage.Object, err error) {
	ran := false
	err = u.w.do(Op{Kind: OpCommit, Key: u.key}, func() (err error) {
		ran = true
		o, err = u.Upload.Commit(ctx)
		return err
	})
	if !ran {
		err = errors.Join(err, u.Upload.Abort(ctx))
	}
	if err != nil {
		return storage.Object{}, err
	}
	return o, nil
}

func (u *wrappedUpload) Abort(ctx context.Context) error {
	return u.w.do(Op{Kind: OpAbort, Key: u.key}, func() error { return u.Upload.Abort(ctx) })
}
