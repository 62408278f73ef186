package config

import (
	"context"
	"sync"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/blockstore"
	"github.com/skepdata/skep/storage/filestore"
	"github.com/skepdata/skep/storage/s3store"
)

// Opener returns an opener of every kind of store that there is. Stores are set up when the
// first URL of their kind is opened.
func (c *Config) Opener() *storage.Opener {
	o := &storage.Opener{DefaultFS: c.DefaultFS, LocalKey: filestore.KeyOf}
	o.Register(c.openS3(), "s3", "s3a", "s3n")
	o.Register(openFiles, "file")
	o.Register(c.openVolume, "block")
	return o
}

// openS3 opens buckets that share one client.
func (c *Config) openS3() storage.OpenFunc {
	client := sync.OnceValues(func() (*s3store.Client, error) {
		if c.s3Trouble != nil {
			return nil, &Error{c.s3Trouble}
		}
		client, err := s3store.New(c.S3)
		if err != nil {
			return nil, &Error{err}
		}
		return client, nil
	})
	return func(_ context.Context, host string) (storage.Bucket, error) {
		if err := s3store.CheckBucketName(host); err != nil {
			return nil, &storage.Error{Op: "open", URL: "s3://" + host + "/", Err: &storage.URLError{Err: err}}
		}
		s3, err := client()
		if err != nil {
			return nil, &storage.Error{Op: "open", URL: "s3://" + host + "/", Err: err}
		}
		return s3.Bucket(host), nil
	}
}

func openFiles(context.Context, string) (storage.Bucket, error) {
	return filestore.New("/")
}

// Blocks are the directories of the block store.
func (c *Config) Blocks() ([]string, error) {
	if c.blockTrouble != nil {
		return nil, &Error{c.blockTrouble}
	}
	return c.BlockRoots, nil
}

// openVolume opens a volume of the block store in the configured roots.
func (c *Config) openVolume(_ context.Context, volume string) (storage.Bucket, error) {
	roots, err := c.Blocks()
	var b storage.Bucket
	if err == nil {
		b, err = blockstore.Open(roots, volume, blockstore.Options{VerifyReads: c.VerifyReads})
	}
	if err != nil {
		return nil, &storage.Error{Op: "open", URL: "block://" + volume + "/", Err: err}
	}
	return b, nil
}
