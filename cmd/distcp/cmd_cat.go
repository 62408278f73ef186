package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/skepdata/skep/storage"
)

func (c *command) cat(ctx context.Context, args []string) error {
	var s settings
	var want string
	f := pflag.NewFlagSet("cat", pflag.ContinueOnError)
	f.StringVar(&want, "range", "", "only these `bytes`, as HTTP has them: 0-99, 100-, or -100 for the last hundred")
	s.addFlags(f)
	if err := c.parse(f, args, "cat [--range BYTES] URL...", 1, len(args)); err != nil {
		return err
	}
	part, err := parseRange(want)
	if err != nil {
		return usagef("--range: %v", err)
	}
	opener, err := c.open(s)
	if err != nil {
		return err
	}
	defer opener.Close() //nolint:errcheck // nothing was written
	for _, url := range f.Args() {
		for t, err := range (resolution{opener: opener}).all(ctx, url) {
			if err == nil && t.object == nil {
				err = notAnObject("open", t)
			}
			if err == nil {
				err = c.catOne(ctx, t, part)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// notAnObject is the error for a directory where an object is wanted.
func notAnObject(op string, t target) error {
	return absent(&storage.Error{Op: op, URL: t.URL(), Err: fmt.Errorf("%w: it is a directory", storage.ErrNotExist)})
}

func (c *command) catOne(ctx context.Context, t target, part byteRange) error {
	opts, empty := part.of(*t.object)
	if empty {
		return nil
	}
	r, err := t.Bucket.Open(ctx, t.object.Key, opts)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(c.stdout, r)
	return err
}

// byteRange is a part of an object as a command line has it.
type byteRange struct {
	first, last int64 // last is -1 for the end
	tail        int64 // the last bytes, if it is greater than 0
}

func parseRange(text string) (byteRange, error) {
	if text == "" {
		return byteRange{last: -1}, nil
	}
	bad := fmt.Errorf("%q is not a range of bytes; want 0-99, 100- or -100", text)
	from, to, ok := strings.Cut(text, "-")
	if !ok || from == "" && to == "" {
		return byteRange{}, bad
	}
	number := func(s string) (int64, error) {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 0 {
			return 0, bad
		}
		return n, nil
	}
	if from == "" {
		n, err := number(to)
		if err == nil && n == 0 {
			err = bad
		}
		return byteRange{tail: n}, err
	}
	r := byteRange{last: -1}
	var err error
	if r.first, err = number(from); err == nil && to != "" {
		if r.last, err = number(to); err == nil && r.last < r.first {
			err = bad
		}
	}
	return r, err
}

// of is what to read of an object. empty says that there is nothing in the range.
func (r byteRange) of(o storage.Object) (opts storage.ReadOptions, empty bool) {
	switch {
	case r.tail > 0:
		return storage.ReadOptions{Offset: max(0, o.Size-r.tail)}, o.Size == 0
	case r.last < 0:
		return storage.ReadOptions{Offset: r.first}, false
	}
	return storage.ReadOptions{Offset: r.first, Length: r.last - r.first + 1}, false
}
