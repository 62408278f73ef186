package filestore

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/skepdata/skep/storage"
)

// CopyFrom implements storage.ServerCopier from another place of local files. The bytes are
// read and written here, which is as near as local files have to a server; their checksum is
// compared with srcObject's if that is known.
func (b *Bucket) CopyFrom(
	ctx context.Context, key string, src storage.Bucket, srcObject storage.Object,
) (storage.Object, error) {
	from, ok := storage.As[*Bucket](src)
	if !ok {
		return storage.Object{}, b.fail("copy", key, storage.ErrUnsupported)
	}
	r, err := from.Open(ctx, srcObject.Key, storage.ReadOptions{IfMatch: srcObject.ETag})
	if err != nil {
		return storage.Object{}, err
	}
	defer r.Close()
	d, err := b.draft(ctx, key, storage.CreateOptions{Size: r.Object().Size})
	if err != nil {
		return storage.Object{}, err
	}
	w := &writer{draft: d, ctx: ctx}
	buf := make([]byte, min(r.Object().Size+1, pieceSize))
	if _, err := io.CopyBuffer(onlyWriter{w}, onlyReader{r}, buf); err != nil {
		return storage.Object{}, errors.Join(err, w.Abort())
	}
	if got := storage.UpdateCRC32C(w.sum, nil); got.Differs(srcObject.CRC32C) {
		err := fmt.Errorf("%w: %s has %s, was to have %s",
			storage.ErrChecksum, r.Object().Key, got, srcObject.CRC32C)
		return storage.Object{}, errors.Join(b.fail("copy", key, err), w.Abort())
	}
	return w.Commit()
}

// onlyReader and onlyWriter keep io.Copy from passing by the checksum.
type (
	onlyReader struct{ io.Reader }
	onlyWriter struct{ io.Writer }
)
