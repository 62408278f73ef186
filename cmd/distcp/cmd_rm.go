package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"github.com/skepdata/skep/storage"
)

const (
	// batch is how many objects are deleted with one request, where a store can.
	batch = 1000
	// deletesAtOnce is how many such requests run at once.
	deletesAtOnce = 8
)

// rmFlags are those of rm.
type rmFlags struct {
	lookFlags
	recursive, force, all, dryRun bool
	list, list0                   string
}

func (c *command) rm(ctx context.Context, args []string) error {
	var flags rmFlags
	f := pflag.NewFlagSet("rm", pflag.ContinueOnError)
	recursiveFlag(f, &flags.recursive, "delete directories with all that is below them")
	f.BoolVarP(&flags.force, "force", "f", false, "what does not exist is no error")
	f.BoolVar(&flags.all, "all", false, "delete even a whole bucket, volume or top-level directory")
	f.BoolVar(&flags.dryRun, "dry-run", false, "print what would be deleted, and change nothing")
	f.StringVar(&flags.list, "src-list", "", "delete what this `file` names below the URL, a name a line; - is standard input")
	f.StringVar(&flags.list0, "src-list0", "", "likewise, of names in this `file` that end in NULs")
	flags.addFlags(f)
	if err := c.parse(f, args, "rm [--recursive] URL...", 1, len(args)); err != nil {
		return err
	}
	if listed := flags.list + flags.list0; listed != "" && (f.NArg() > 1 || flags.pattern != "" || flags.recursive || flags.list != "" && flags.list0 != "") {
		return usagef("--src-list and --src-list0 are for names below one URL, and go with no other selection")
	}
	if flags.pattern != "" && !flags.recursive {
		return usagef("--srcPattern selects among many objects: it needs --recursive")
	}
	opener, err := c.open(flags.settings)
	if err != nil {
		return err
	}
	defer opener.Close() //nolint:errcheck // deletions are done when Delete returns
	d := newDeletion(ctx, c, flags.dryRun)
	d.json = flags.json
	for _, url := range f.Args() {
		if flags.list+flags.list0 != "" {
			err = d.listed(&flags, opener, url)
		} else if flags.pattern != "" {
			err = flags.objects(ctx, opener, url, func(at storage.Location, o storage.Object) error {
				return d.add(at.Bucket, o.Key)
			})
		} else {
			err = d.all(&flags, resolution{opener: opener}, url)
		}
		if err != nil {
			break
		}
	}
	return errors.Join(err, d.end())
}

// deletion collects keys to delete them together.
type deletion struct {
	c       *command
	ctx     context.Context
	dryRun  bool
	json    bool // what a dry run prints
	bucket  storage.Bucket
	keys    []string
	running *errgroup.Group
}

func newDeletion(ctx context.Context, c *command, dryRun bool) *deletion {
	d := &deletion{c: c, dryRun: dryRun}
	d.running, d.ctx = errgroup.WithContext(ctx)
	d.running.SetLimit(deletesAtOnce)
	return d
}

// listed deletes what a list names below a URL. What is not there is no error.
func (d *deletion) listed(flags *rmFlags, opener *storage.Opener, url string) error {
	at, err := opener.Open(d.ctx, url)
	if err != nil {
		return err
	}
	end := byte('\n')
	if flags.list0 != "" {
		end = 0
	}
	names, err := readNames(d.ctx, opener, d.c.stdin, flags.list+flags.list0, end)
	if err != nil {
		return err
	}
	dir := at.Prefix
	if dir != "" && !strings.HasSuffix(dir, "/") {
		dir += "/"
	}
	for _, name := range names {
		if err := d.add(at.Bucket, dir+name); err != nil {
			return err
		}
	}
	return nil
}

// all deletes what a URL names.
func (d *deletion) all(flags *rmFlags, r resolution, url string) error {
	for t, err := range r.all(d.ctx, url) {
		switch {
		case flags.force && errors.Is(err, storage.ErrNotExist):
			return nil
		case err != nil:
			return err
		case t.object != nil:
			err = d.add(t.Bucket, t.Prefix)
		case !flags.recursive:
			err = fmt.Errorf("%s is a directory; --recursive deletes all that is below it", t.URL())
		case !flags.all && isWhole(t):
			err = usagef("%s is a whole bucket, volume or top-level directory; --all deletes it nevertheless", t.URL())
		default:
			err = d.tree(t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isWhole tells whether a directory is one that is hardly ever meant to be deleted.
func isWhole(t target) bool {
	if t.Bucket.URL() == "file:///" {
		return strings.Count(t.Prefix, "/") < 2
	}
	return t.Prefix == ""
}

// tree deletes a directory.
func (d *deletion) tree(t target) error {
	if deleter, ok := storage.As[storage.TreeDeleter](t.Bucket); ok && !d.dryRun {
		return deleter.DeleteTree(d.ctx, t.Prefix)
	}
	for o, err := range t.Bucket.List(d.ctx, t.Prefix) {
		if err != nil {
			return absent(err)
		}
		if err := d.add(t.Bucket, o.Key); err != nil {
			return err
		}
	}
	return nil
}

func (d *deletion) add(b storage.Bucket, key string) error {
	if d.dryRun && d.json {
		return d.c.jsonLines().Encode(objectLine{urlJSON: urlInJSON(b.URL() + key)})
	}
	if d.dryRun {
		_, err := fmt.Fprintf(d.c.stdout, "delete %s\n", printable(b.URL()+key))
		return err
	}
	if d.bucket != b {
		d.flush()
	}
	d.bucket = b
	if d.keys = append(d.keys, key); len(d.keys) == batch {
		d.flush()
	}
	return d.ctx.Err() // one batch has failed, and end says why
}

// flush deletes what has been collected, while the caller goes on.
func (d *deletion) flush() {
	if len(d.keys) == 0 {
		return
	}
	bucket, keys := d.bucket, d.keys
	d.keys = nil
	d.running.Go(func() error { return bucket.Delete(d.ctx, keys...) })
}

// end deletes the rest, and returns the first error of all.
func (d *deletion) end() error {
	d.flush()
	return d.running.Wait()
}
