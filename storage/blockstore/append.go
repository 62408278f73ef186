package blockstore

import (
	"context"

	"github.com/skepdata/skep/storage"
)

// Append implements storage.Appender: the new version refers to all blocks of the older one but the
// last, if that is not full.
func (b *Bucket) Append(
	ctx context.Context, base storage.Object, opts storage.CreateOptions,
) (storage.Writer, int64, storage.Checksum, error) {
	none := storage.CRC32C(nil)
	d, err := b.draft(ctx, base.Key, opts)
	if err != nil {
		return nil, 0, none, err
	}
	first, err := d.v.first(ctx, base.Key)
	if err == nil && base.ETag != "" && base.ETag != first.ETag {
		err = storage.ErrChanged
	}
	if err == nil {
		d.kept, err = d.v.fullBlocks(ctx, first.version)
	}
	if err != nil {
		return nil, 0, none, b.fail(ctx, "create", base.Key, err)
	}
	d.onto = first.ETag
	var size int64
	for _, k := range d.kept {
		size += k.size
	}
	return &writer{draft: d, ctx: ctx, expected: max(opts.Size-size, 0)}, size, d.sums.file(d.kept), nil
}

// fullBlocks are the blocks at the beginning of a version that another one may begin with: those of
// the size that the volume has now, or before the last. Of them only what a new version says is known.
func (v volumeRef) fullBlocks(ctx context.Context, version int64) (all []block, err error) {
	err = patiently(ctx, func() error {
		all = nil
		rows, err := v.ns.reads.QueryContext(ctx,
			"SELECT b.id, b.size, b.crc32c FROM file_blocks fb JOIN blocks b ON b.id = fb.block WHERE fb.version = ? ORDER BY fb.seq", version)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			k := block{sum: storage.Checksum{Known: true}}
			if err := rows.Scan(&k.id, &k.size, &k.sum.Sum); err != nil {
				return err
			}
			all = append(all, k)
		}
		return rows.Err()
	})
	if n := len(all); n > 0 && all[n-1].size != v.blockSize {
		all = all[:n-1]
	}
	return all, err
}
