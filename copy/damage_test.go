package copier_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

func TestDamageIsFound(t *testing.T) {
	t.Run("of what is read", func(t *testing.T) {
		for _, opts := range []copier.Options{{DisableParts: true}, {PartSize: 9}, {PartSize: 9, GroupBy: ".*(in).*"}} {
			src, dest := storagetest.NewMem("mem://lake/"), storagetest.NewMem("mem://out/")
			src.Put("in/x", text(1, 100))
			src.Put("in/y", text(2, 50))
			opts.DisableServerCopy = true
			opts.Retries = 1
			_, err := copier.Run(t.Context(), at(damaging{src, "in/y"}, ""), at(dest, ""), quick(opts))
			if !errors.Is(err, storage.ErrChecksum) || !strings.Contains(err.Error(), "mem://lake/in/y") {
				t.Errorf("got %v", err)
			}
			for _, key := range dest.Keys() {
				if key != "in/x" {
					t.Errorf("%s is visible", key)
				}
			}
		}
	})
	t.Run("of what is stored", func(t *testing.T) {
		for _, opts := range []copier.Options{{DisableParts: true, DisableServerCopy: true}, {PartSize: 9, DisableServerCopy: true}, {PartSize: 9, DisableServerCopy: true, Retries: 2}, {}} {
			src, dest := storagetest.NewMem("mem://lake/"), storagetest.NewMem("mem://out/")
			src.Put("in/x", text(1, 100))
			_, err := copier.Run(t.Context(), at(src, ""), at(lying{dest, opts.Retries > 0}, ""), quick(opts))
			if !errors.Is(err, storage.ErrChecksum) || len(dest.Keys()) != 0 {
				t.Errorf("%+v: got %v, and %v is visible", opts, err, dest.Keys())
			}
		}
	})
}

// damaging flips a bit of one object as it is read, behind the store's own verification.
type damaging struct {
	*storagetest.Mem
	key string
}

func (d damaging) Open(ctx context.Context, key string, opts storage.ReadOptions) (storage.Reader, error) {
	r, err := d.Mem.Open(ctx, key, opts)
	if err != nil || key != d.key {
		return r, err
	}
	return &damagedReader{Reader: r}, nil
}

type damagedReader struct {
	storage.Reader
	done bool
}

func (d *damagedReader) Read(p []byte) (int, error) {
	n, err := d.Reader.Read(p)
	if n > 0 && !d.done {
		p[0] ^= 4
		d.done = true
	}
	return n, err
}

// lying reports wrong checksums for what it stores.
type lying struct {
	*storagetest.Mem
	parts bool // of the parts of an upload rather than the whole
}

func (l lying) Create(ctx context.Context, key string, opts storage.CreateOptions) (storage.Writer, error) {
	w, err := l.Mem.Create(ctx, key, opts)
	return lyingWriter{w}, err
}

func (l lying) CreateParts(ctx context.Context, key string, opts storage.CreateOptions) (storage.Upload, error) {
	u, err := l.Mem.CreateParts(ctx, key, opts)
	return lyingUpload{u, l.parts}, err
}

func (l lying) CopyFrom(ctx context.Context, key string, src storage.Bucket, o storage.Object) (storage.Object, error) {
	o, err := l.Mem.CopyFrom(ctx, key, src, o)
	o.CRC32C.Sum++
	return o, err
}

type lyingWriter struct{ storage.Writer }

func (w lyingWriter) Commit() (storage.Object, error) {
	o, err := w.Writer.Commit()
	o.CRC32C.Sum++
	return o, err
}

type lyingUpload struct {
	storage.Upload
	parts bool // rather than of the whole
}

// WritePart tells the truth about all parts but the first.
func (u lyingUpload) WritePart(ctx context.Context, n int, r io.Reader, size int64) (storage.Checksum, error) {
	sum, err := u.Upload.WritePart(ctx, n, r, size)
	if n == 0 && u.parts {
		sum.Sum++
	}
	return sum, err
}

func (u lyingUpload) Commit(ctx context.Context) (storage.Object, error) {
	o, err := u.Upload.Commit(ctx)
	if !u.parts {
		o.CRC32C.Sum++
	}
	return o, err
}
