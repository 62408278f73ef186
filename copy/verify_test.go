package copier_test

import (
	"context"
	"errors"
	"testing"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

// What a destination says it has stored is compared as far as Verify wants it, whichever way an
// output is made.
func TestVerify(t *testing.T) {
	for _, c := range []struct {
		verify     copier.Verify
		sum, short bool // whether an output fails of which the checksum, or the size, is told wrong
	}{
		{copier.VerifyChecksum, true, true},
		{copier.VerifySize, false, true},
		{copier.VerifyNone, false, false},
	} {
		for way, opts := range map[string]copier.Options{
			"stream": {}, "parts": {PartSize: 1000}, "server": {}, "batch": {Batch: true}, "packed": {OutputCodec: copier.CodecGzip},
		} {
			for _, lie := range []misreporting{{sum: true}, {short: true}} {
				src := storagetest.NewMem("file:///")
				if way == "server" {
					src = storagetest.NewMem("s3://a/")
				}
				src.Put("in/x", text(3, 3000))
				lie.Mem = storagetest.NewMem("s3://b/")
				opts.Verify, opts.Retries, opts.DisableServerCopy = c.verify, -1, way != "server"
				_, err := copier.Run(t.Context(), at(src, "in/"), at(lie, "out"), opts)
				want := lie.sum && c.sum || lie.short && c.short
				var failed *copier.FailedError
				if got := errors.As(err, &failed); got != want || got != errors.Is(err, storage.ErrChecksum) {
					t.Errorf("%q, %s, lies about the checksum %t, the size %t: %v", c.verify, way, lie.sum, lie.short, err)
				}
			}
		}
	}
	_, err := copier.Run(t.Context(), at(storagetest.NewMem("s3://a/"), ""), at(storagetest.NewMem("s3://b/"), ""), copier.Options{Verify: "all"})
	var option *copier.OptionError
	if !errors.As(err, &option) || option.Option != "Verify" {
		t.Errorf("an unknown word: %v", err)
	}
}

// misreporting is a bucket that stores well and tells a wrong checksum, or size, of it.
type misreporting struct {
	*storagetest.Mem
	sum, short bool
}

func (l misreporting) lie(o storage.Object) storage.Object {
	if l.sum {
		o.CRC32C = storage.CRC32C([]byte("something else"))
	}
	if l.short {
		o.Size--
	}
	return o
}

func (l misreporting) Create(ctx context.Context, key string, opts storage.CreateOptions) (storage.Writer, error) {
	w, err := l.Mem.Create(ctx, key, opts)
	return misreportingWriter{w, l}, err
}

type misreportingWriter struct {
	storage.Writer
	misreporting misreporting
}

func (w misreportingWriter) Commit() (storage.Object, error) {
	o, err := w.Writer.Commit()
	return w.misreporting.lie(o), err
}

func (l misreporting) CreateParts(ctx context.Context, key string, opts storage.CreateOptions) (storage.Upload, error) {
	u, err := l.Mem.CreateParts(ctx, key, opts)
	return misreportingUpload{u, l}, err
}

type misreportingUpload struct {
	storage.Upload
	misreporting misreporting
}

func (u misreportingUpload) Commit(ctx context.Context) (storage.Object, error) {
	o, err := u.Upload.Commit(ctx)
	return u.misreporting.lie(o), err
}

func (l misreporting) CopyFrom(ctx context.Context, key string, src storage.Bucket, o storage.Object) (storage.Object, error) {
	o, err := l.Mem.CopyFrom(ctx, key, src, o)
	return l.lie(o), err
}

func (l misreporting) WriteBatch(ctx context.Context, objects []storage.SmallObject) ([]storage.Object, error) {
	written, err := l.Mem.WriteBatch(ctx, objects)
	for i := range written {
		written[i] = l.lie(written[i])
	}
	return written, err
}
