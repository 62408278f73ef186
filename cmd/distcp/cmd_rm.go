package main

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/skepdata/skep/storage"
)

// batch is how many objects are deleted with one request, where a store can.
const batch = 1000

func (c *command) rm(ctx context.Context, args []string) error {
	var flags lookFlags
	var recursive, dryRun bool
	f := pflag.NewFlagSet("rm", pflag.ContinueOnError)
	f.BoolVarP(&recursive, "recursive", "r", false, "delete all objects that a copy from the URL would take")
	f.BoolVar(&dryRun, "dry-run", false, "print what would be deleted, and change nothing")
	flags.addFlags(f)
	if err := c.parse(f, args, "rm [--recursive] URL...", 1, len(args)); err != nil {
		return err
	}
	if flags.pattern != "" && !recursive {
		return usagef("--srcPattern selects among many objects: it needs --recursive")
	}
	opener, err := c.open(flags.settings)
	if err != nil {
		return err
	}
	defer opener.Close() //nolint:errcheck // deletions are done when Delete returns
	for _, url := range f.Args() {
		d := &deletion{dryRun: dryRun, c: c}
		if recursive {
			err = flags.objects(ctx, opener, url, func(at storage.Location, o storage.Object) error {
				return d.add(ctx, at.Bucket, o.Key)
			})
		} else {
			err = d.one(ctx, opener, url)
		}
		if err == nil {
			err = d.flush(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// deletion collects keys to delete them together.
type deletion struct {
	c      *command
	dryRun bool
	bucket storage.Bucket
	keys   []string
}

func (d *deletion) one(ctx context.Context, opener *storage.Opener, url string) error {
	at, err := opener.Open(ctx, url)
	if err != nil {
		return err
	}
	if _, err := at.Bucket.Stat(ctx, at.Prefix); err != nil { // Delete says nothing of a mistyped name
		return err
	}
	return d.add(ctx, at.Bucket, at.Prefix)
}

func (d *deletion) add(ctx context.Context, b storage.Bucket, key string) error {
	if d.dryRun {
		_, err := fmt.Fprintf(d.c.stdout, "delete %s%s\n", b.URL(), key)
		return err
	}
	d.bucket = b
	if d.keys = append(d.keys, key); len(d.keys) < batch {
		return nil
	}
	return d.flush(ctx)
}

func (d *deletion) flush(ctx context.Context) error {
	if len(d.keys) == 0 {
		return nil
	}
	keys := d.keys
	d.keys = nil
	return d.bucket.Delete(ctx, keys...)
}
