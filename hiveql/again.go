package hiveql

import (
	"context"
	"io"

	"github.com/skepdata/skep/storage"
)

// readTries is how often a small file that we have written is read before what came is believed to be what is there.
const readTries = 3

// readAgain opens an object and has read read it; again, from the beginning, where that fails: a connection may
// change bytes, which shows only at the end. An object that cannot be opened is an error at once.
func readAgain(ctx context.Context, b storage.Bucket, key string, read func(io.Reader) error) error {
	for try := 1; ; try++ {
		r, err := b.Open(ctx, key, storage.ReadOptions{})
		if err != nil {
			return err
		}
		err = read(r)
		if err == nil {
			_, err = io.Copy(io.Discard, r) // which tells whether it was what the store has
		}
		_ = r.Close() // what it would say read has heard
		if err == nil || try == readTries || ctx.Err() != nil {
			return err
		}
	}
}
