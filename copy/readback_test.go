package copier_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

func TestReadBack(t *testing.T) {
	src := storagetest.NewMem("s3://a/")
	for _, name := range []string{"in/bad", "in/big", "in/good"} {
		src.Put(name, text(3, 3000))
	}
	for name, opts := range map[string]copier.Options{
		"off": {}, "whole": {Verify: copier.VerifyReadBack}, "parts": {Verify: copier.VerifyReadBack, PartSize: 1000}, "joined": {Verify: copier.VerifyReadBack, GroupBy: ".*/(bad|big).*"},
		"packed": {Verify: copier.VerifyReadBack, OutputCodec: copier.CodecGzip},
	} {
		dest := storagetest.NewMem("s3://b/")
		sum, err := copier.Run(t.Context(), at(src, "in/"), at(rotten{dest}, "out"), opts)
		_, gone := dest.Stat(t.Context(), "out/bad"+map[bool]string{true: ".gz"}[name == "packed"])
		if name == "off" {
			if err != nil || gone != nil {
				t.Errorf("%s: %v, %v", name, err, gone)
			}
			continue
		}
		var failed *copier.FailedError
		if !errors.As(err, &failed) || sum.Failed != 1 || !errors.Is(gone, storage.ErrNotExist) {
			t.Errorf("%s: %v: %+v; the wrong output: %v", name, err, sum, gone)
		}
	}
}

// rotten is a bucket that changes a byte of what it has by names that contain "bad".
type rotten struct{ *storagetest.Mem }

func (r rotten) Open(ctx context.Context, key string, opts storage.ReadOptions) (storage.Reader, error) {
	in, err := r.Mem.Open(ctx, key, opts)
	if err != nil || !strings.Contains(key, "bad") {
		return in, err
	}
	return rottenReader{in}, nil
}

type rottenReader struct{ storage.Reader }

func (r rottenReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 {
		p[0] ^= 1
	}
	return n, err
}
