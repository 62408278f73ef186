package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"sync"

	"github.com/spf13/pflag"

	"github.com/skepdata/skep/storage"
)

// checksumLine is the checksum of an object in JSON.
type checksumLine struct {
	urlJSON
	Size   int64  `json:"size"`
	CRC32C string `json:"crc32c"`
	Read   bool   `json:"read"` // the store does not know it, and the object was read
}

const checksumSynopsis = "checksum [-R] [--hex] URL..."

func (c *command) checksum(ctx context.Context, args []string) error {
	var s settings
	var recursive, asJSON, hex bool
	f := pflag.NewFlagSet("checksum", pflag.ContinueOnError)
	recursiveFlag(f, &recursive, "all objects below the URL")
	f.BoolVar(&hex, "hex", false, "print checksums in hexadecimal, as HDFS does; otherwise in base64, as S3 does")
	f.BoolVar(&asJSON, "json", false, "print JSON, one object a line")
	s.addFlags(f)
	if err := c.parse(f, args, checksumSynopsis, 1, len(args)); err != nil {
		return err
	}
	opener, err := c.open(s)
	if err != nil {
		return err
	}
	defer opener.Close() //nolint:errcheck // nothing was written
	enc := c.jsonLines()
	objects := objectsOf(ctx, resolution{opener, recursive}, f.Args(), recursive)
	for line, err := range inOrder(ctx, s.workers.count(), objects, checksumOf) {
		if err != nil {
			return err
		}
		switch {
		case asJSON:
			err = enc.Encode(checksumLine{urlInJSON(line.url), line.size, line.sum.String(), line.read})
		case hex:
			_, err = fmt.Fprintf(c.stdout, "%08x  %s\n", line.sum.Sum, printable(line.url))
		default:
			_, err = fmt.Fprintf(c.stdout, "%s  %s\n", line.sum, printable(line.url))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// objectsOf yields the objects that URLs name, those below directories only if recursive.
func objectsOf(ctx context.Context, r resolution, urls []string, recursive bool) iter.Seq2[target, error] {
	return func(yield func(target, error) bool) {
		for _, url := range urls {
			for t, err := range r.all(ctx, url) {
				switch {
				case err != nil || t.object != nil:
				case !recursive:
					err = notAnObject("stat", t)
				default:
					for o, err := range t.Bucket.List(ctx, t.Prefix) {
						if !yield(target{Location: storage.Location{Bucket: t.Bucket, Prefix: o.Key}, object: &o}, absent(err)) || err != nil {
							return
						}
					}
					continue
				}
				if !yield(t, err) || err != nil {
					return
				}
			}
		}
	}
}

type checksummed struct {
	url  string
	size int64
	sum  storage.Checksum
	read bool
}

// checksumOf asks the store, and reads the object where it does not know.
func checksumOf(ctx context.Context, t target) (checksummed, error) {
	o := *t.object
	if !o.CRC32C.Known {
		var err error
		if o, err = t.Bucket.Stat(ctx, o.Key); err != nil {
			return checksummed{}, err
		}
	}
	line := checksummed{url: t.URL(), size: o.Size, sum: o.CRC32C}
	if o.CRC32C.Known {
		return line, nil
	}
	r, err := t.Bucket.Open(ctx, o.Key, storage.ReadOptions{IfMatch: o.ETag})
	if err != nil {
		return line, err
	}
	defer r.Close()
	summed := storage.AsSummed(r)
	_, err = io.Copy(io.Discard, summed)
	line.sum, line.read = summed.CRC32C(), true
	return line, err
}

// inOrder does something with every value, several at once, and yields the results in the order
// of the values. The first error ends it.
func inOrder[T, R any](
	ctx context.Context, workers int, values iter.Seq2[T, error], do func(context.Context, T) (R, error),
) iter.Seq2[R, error] {
	type result struct {
		value R
		err   error
	}
	return func(yield func(R, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()
		pending := make(chan chan result, workers)
		running.Go(func() {
			defer close(pending)
			for v, err := range values {
				answer := make(chan result, 1)
				select {
				case pending <- answer:
				case <-ctx.Done():
					return
				}
				if err != nil {
					answer <- result{err: err}
					return
				}
				running.Go(func() {
					var r result
					r.value, r.err = do(ctx, v)
					answer <- r
				})
			}
		})
		for answer := range pending {
			r := <-answer
			if !yield(r.value, r.err) || r.err != nil {
				return
			}
		}
	}
}
