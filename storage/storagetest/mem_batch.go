package storagetest

import (
	"context"
	"errors"

	"github.com/skepdata/skep/storage"
)

// WriteBatch implements storage.BatchWriter.
func (m *Mem) WriteBatch(ctx context.Context, objects []storage.SmallObject) ([]storage.Object, error) {
	return writeOneByOne(ctx, m, objects)
}

// BatchLimit implements storage.BatchWriter.
func (m *Mem) BatchLimit() (objects int, bytes int64) { return 100, 1 << 20 }

// writeOneByOne writes a batch by Create and Commit.
func writeOneByOne(ctx context.Context, b storage.Bucket, objects []storage.SmallObject) ([]storage.Object, error) {
	written := make([]storage.Object, len(objects))
	var errs []error
	for i, s := range objects {
		o, err := writeOne(ctx, b, s)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		written[i] = o
	}
	return written, errors.Join(errs...)
}

func writeOne(ctx context.Context, b storage.Bucket, s storage.SmallObject) (storage.Object, error) {
	w, err := b.Create(ctx, s.Key, s.Options)
	if err != nil {
		return storage.Object{}, err
	}
	defer w.Abort()
	if _, err := w.Write(s.Content); err != nil {
		return storage.Object{}, err
	}
	return w.Commit()
}
