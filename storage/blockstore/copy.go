package blockstore

import (
	"context"

	"github.com/skepdata/skep/storage"
)

// CopyFrom implements storage.ServerCopier within one store: the copy refers to the blocks of
// its source, and no byte moves.
func (b *Bucket) CopyFrom(
	ctx context.Context, key string, src storage.Bucket, srcObject storage.Object,
) (storage.Object, error) {
	return b.CopyWith(ctx, key, src, srcObject, storage.CopyOptions{})
}

// CopyWith implements storage.OptionCopier. It is CopyFrom with other attributes.
func (b *Bucket) CopyWith(
	ctx context.Context, key string, src storage.Bucket, srcObject storage.Object, opts storage.CopyOptions,
) (storage.Object, error) {
	if err := b.check(ctx, "copy", key); err != nil {
		return storage.Object{}, err
	}
	from, ok := storage.As[*Bucket](src)
	if !ok {
		return storage.Object{}, b.fail(ctx, "copy", key, storage.ErrUnsupported)
	}
	if err := opts.To.Demands(); err != nil {
		return storage.Object{}, b.fail(ctx, "copy", key, err)
	}
	if err := (storage.ReadOptions{VersionID: srcObject.VersionID}).Demands(); err != nil {
		return storage.Object{}, from.fail(ctx, "copy", srcObject.Key, err)
	}
	source, err := from.forReading(ctx)
	if err != nil {
		return storage.Object{}, from.fail(ctx, "copy", srcObject.Key, err)
	}
	v, err := b.forWriting(ctx)
	if err != nil {
		return storage.Object{}, b.fail(ctx, "copy", key, err)
	}
	if source.store.id != v.store.id {
		return storage.Object{}, b.fail(ctx, "copy", key, storage.ErrUnsupported)
	}
	var o fileRow
	var refused error // an error that is about the source
	err = v.commit(ctx, func(ctx context.Context, t *transaction) error {
		row, ok, err := t.fileOf(ctx, source, srcObject.Key)
		switch {
		case err != nil:
			return err
		case !ok:
			refused = storage.ErrNotExist
		case srcObject.ETag != "" && srcObject.ETag != row.ETag:
			refused = storage.ErrChanged
		default:
			o, refused = row, nil
			o.Key = key
			if opts.ReplaceMetadata {
				o.describe(opts.To)
			}
			if opts.ReplaceTags {
				o.tag(opts.To.Tags)
			}
			return t.share(ctx, v.id, &o, row)
		}
		return refusal{refused}
	})
	if refused != nil && err != nil {
		return storage.Object{}, from.fail(ctx, "copy", srcObject.Key, refused)
	}
	if err != nil {
		return storage.Object{}, b.fail(ctx, "copy", key, err)
	}
	return o.Object, nil
}
