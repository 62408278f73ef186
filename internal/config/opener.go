package config

import (
	"context"
	"errors"
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
	client := sync.OnceValues(c.s3Client)
	o.Register(openS3(client), "s3", "s3a", "s3n")
	o.RegisterRoots(func(ctx context.Context) ([]string, error) {
		s3, err := client()
		if err != nil {
			return nil, &storage.Error{Op: "list", URL: "s3://", Err: err}
		}
		return s3.Buckets(ctx)
	}, "s3")
	o.Register(openFiles, "file")
	o.Register(c.openVolume, "block")
	o.RegisterRoots(c.volumes, "block")
	return o
}

func (c *Config) s3Client() (*s3store.Client, error) {
	if c.s3Trouble != nil {
		return nil, &Error{c.s3Trouble}
	}
	client, err := s3store.New(c.S3)
	if err != nil {
		return nil, &Error{err}
	}
	return client, nil
}

// openS3 opens buckets that share one client.
func openS3(client func() (*s3store.Client, error)) storage.OpenFunc {
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

// volumes are the names of the volumes of the block store, of which there are none before there is a store.
func (c *Config) volumes(ctx context.Context) (names []string, err error) {
	fail := func(err error) ([]string, error) {
		return nil, &storage.Error{Op: "list", URL: "block://", Err: err}
	}
	roots, err := c.Blocks()
	if err != nil {
		return fail(err)
	}
	s, err := blockstore.OpenStore(ctx, roots)
	if errors.Is(err, storage.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return fail(err)
	}
	defer s.Close() //nolint:errcheck // nothing was written
	all, err := s.Volumes(ctx)
	if err != nil {
		return fail(err)
	}
	for _, v := range all {
		names = append(names, v.Name)
	}
	return names, nil
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
