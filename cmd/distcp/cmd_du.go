package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/skepdata/skep/storage"
)

// duFlags are those of du.
type duFlags struct {
	lookFlags
	human, stored bool
	depth         int
}

// usageLine is the sum of a place in JSON.
type usageLine struct {
	urlJSON
	Bytes       int64  `json:"bytes"`
	Objects     int64  `json:"objects"`
	OldBytes    *int64 `json:"snapshotBytes,omitempty"`
	StoredBytes *int64 `json:"storedBytes,omitempty"`
}

const duSynopsis = "du [-h] [--depth N] URL..."

func (c *command) du(ctx context.Context, args []string) error {
	var flags duFlags
	var summarize bool
	f := pflag.NewFlagSet("du", pflag.ContinueOnError)
	f.BoolVarP(&flags.human, "human-readable", "h", false, "print sizes as 1.5 GiB")
	f.IntVarP(&flags.depth, "depth", "d", 0, "print the sums of directories, too, this `number` of levels deep")
	f.BoolVarP(&summarize, "summarize", "s", false, "one sum for each URL, as without --depth")
	f.BoolVar(&flags.stored, "stored", false, "of a block store: also what only snapshots keep, and what is kept on all disks with replicas")
	flags.addFlags(f)
	if err := c.parse(f, args, duSynopsis, 1, len(args)); err != nil {
		return err
	}
	if flags.depth < 0 || summarize && flags.depth > 0 {
		return usagef("--depth: %d levels make no sense here", flags.depth)
	}
	opener, err := c.open(flags.settings)
	if err != nil {
		return err
	}
	defer opener.Close() //nolint:errcheck // nothing was written
	for _, url := range f.Args() {
		if flags.pattern != "" {
			var sum storage.Usage
			err = flags.objects(ctx, opener, url, func(_ storage.Location, o storage.Object) error {
				sum.Objects++
				sum.Bytes += o.Size
				return nil
			})
			if err == nil {
				err = c.printUsage(&flags, url, sum, false)
			}
		} else {
			err = c.duAll(ctx, &flags, opener, url)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// duAll sums up the places that a URL names.
func (c *command) duAll(ctx context.Context, flags *duFlags, opener *storage.Opener, url string) error {
	for t, err := range (resolution{opener, true}).all(ctx, url) {
		if err != nil {
			return err
		}
		name := url
		if hasWildcard(url) {
			name = t.URL()
		}
		if err := c.duOne(ctx, flags, t, name); err != nil {
			return err
		}
	}
	return nil
}

func (c *command) duOne(ctx context.Context, flags *duFlags, t target, name string) error {
	m, measures := storage.As[storage.Measurer](t.Bucket)
	switch {
	case flags.stored && !measures:
		return usagef("--stored is for block stores; %s is none", t.Bucket.URL())
	case t.object != nil && !flags.stored:
		return c.printUsage(flags, name, storage.Usage{Objects: 1, Bytes: t.object.Size}, false)
	case measures && (flags.depth == 0 || flags.stored):
		sum, err := m.Measure(ctx, t.Prefix)
		if err != nil {
			return absent(err)
		}
		return c.printUsage(flags, name, sum, true)
	}
	tree := &duTree{depth: flags.depth, root: t.Prefix, done: func(dir string, sum storage.Usage) error {
		return c.printUsage(flags, t.Bucket.URL()+dir, sum, false)
	}}
	for o, err := range t.Bucket.List(ctx, t.Prefix) {
		if err != nil {
			return absent(err)
		}
		if err := tree.add(o); err != nil {
			return err
		}
	}
	if err := tree.close(1); err != nil {
		return err
	}
	return c.printUsage(flags, name, tree.total, false)
}

func (c *command) printUsage(flags *duFlags, name string, sum storage.Usage, measured bool) error {
	if flags.json {
		line := usageLine{urlJSON: urlInJSON(name), Objects: sum.Objects, Bytes: sum.Bytes}
		if measured {
			line.OldBytes, line.StoredBytes = &sum.OldBytes, &sum.StoredBytes
		}
		return c.jsonLines().Encode(line)
	}
	text := fmt.Sprintf("%14s  %9d  ", sizeText(sum.Bytes, flags.human), sum.Objects)
	if flags.stored {
		text += fmt.Sprintf("%14s  %14s  ", sizeText(sum.OldBytes, flags.human), sizeText(sum.StoredBytes, flags.human))
	}
	_, err := io.WriteString(c.stdout, text+printable(name)+"\n")
	return err
}

// duTree sums up objects by directory as they come, in the order of their keys. It holds the
// directories from the root to the current one only.
type duTree struct {
	depth int
	root  string
	done  func(dir string, sum storage.Usage) error // of each directory, those within it first

	total storage.Usage
	open  []duDir
}

type duDir struct {
	key string // with a slash at the end
	storage.Usage
}

func (d *duTree) add(o storage.Object) error {
	d.total.Objects++
	d.total.Bytes += o.Size
	level := 0
	for level < len(d.open) && strings.HasPrefix(o.Key, d.open[level].key) {
		level++
	}
	if err := d.close(level + 1); err != nil {
		return err
	}
	for at := d.position(); len(d.open) < d.depth; {
		n := strings.IndexByte(o.Key[at:], '/')
		if n < 0 {
			break
		}
		at += n + 1
		d.open = append(d.open, duDir{key: o.Key[:at]})
	}
	for i := range d.open {
		d.open[i].Objects++
		d.open[i].Bytes += o.Size
	}
	return nil
}

// position is where in a key the name below the innermost open directory begins.
func (d *duTree) position() int {
	if n := len(d.open); n > 0 {
		return len(d.open[n-1].key)
	}
	return strings.LastIndexByte(d.root, '/') + 1
}

// close ends the directories from the given level on, which counts from 1.
func (d *duTree) close(level int) error {
	for len(d.open) >= level {
		last := d.open[len(d.open)-1]
		d.open = d.open[:len(d.open)-1]
		if err := d.done(last.key, last.Usage); err != nil {
			return err
		}
	}
	return nil
}
