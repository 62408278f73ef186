package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/blockstore"
)

const snapshotSynopsis = "snapshot create block://VOLUME@NAME | snapshot list block://VOLUME | snapshot rm block://VOLUME@NAME"

func (c *command) snapshot(ctx context.Context, args []string) error {
	var s settings
	var asJSON bool
	f := pflag.NewFlagSet("snapshot", pflag.ContinueOnError)
	f.BoolVar(&asJSON, "json", false, "print JSON, one snapshot a line")
	s.addFlags(f)
	if err := c.parse(f, args, snapshotSynopsis, 2, 2); err != nil {
		return err
	}
	verb, arg := f.Arg(0), f.Arg(1)
	text, ok := strings.CutPrefix(arg, "block://")
	if !ok {
		return usagef("%q is not in a block store; want block://VOLUME@NAME", arg)
	}
	volume, name, named := strings.Cut(strings.TrimSuffix(text, "/"), "@")
	do, ok := map[string]func(*blockstore.Store) error{
		"create": func(b *blockstore.Store) error { return b.CreateSnapshot(ctx, volume, name) },
		"rm":     func(b *blockstore.Store) error { return b.RemoveSnapshot(ctx, volume, name) },
		"list":   func(b *blockstore.Store) error { return c.listSnapshots(ctx, b, volume, asJSON) },
		"ls":     func(b *blockstore.Store) error { return c.listSnapshots(ctx, b, volume, asJSON) },
	}[verb]
	switch {
	case !ok:
		return usagef("want: distcp %s", snapshotSynopsis)
	case strings.Contains(text, "/") && !strings.HasSuffix(text, "/") || strings.Count(text, "/") > 1:
		return usagef("%q has a path: snapshots are of whole volumes", arg)
	case named != (verb == "create" || verb == "rm"):
		return usagef("%q: want block://VOLUME@NAME for one snapshot, block://VOLUME to list them", arg)
	}
	store, err := c.openBlocks(ctx, s, false)
	if err != nil {
		return err
	}
	return errors.Join(do(store), store.Close())
}

func (c *command) listSnapshots(ctx context.Context, store *blockstore.Store, volume string, asJSON bool) error {
	all, err := store.Snapshots(ctx, volume)
	if err != nil {
		return err
	}
	enc := c.jsonLines()
	for _, one := range all {
		url, created := "block://"+volume+"@"+one.Name+"/", one.Created.UTC().Format(time.RFC3339)
		if asJSON {
			err = enc.Encode(map[string]any{"url": url, "name": one.Name, "created": created, "snapshotBytes": one.OldBytes})
		} else {
			_, err = fmt.Fprintf(c.stdout, "%14d  %s  %s\n", one.OldBytes, created, url)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// diffLine is a difference in JSON.
type diffLine struct {
	Change string `json:"change"`
	keyJSON
	urlJSON
	Size    int64  `json:"size"`
	OldSize int64  `json:"oldSize,omitempty"`
	CRC32C  string `json:"crc32c,omitempty"`
}

// differ prints differences.
type differ struct {
	c                *command
	json             bool
	changed, deleted bool   // only names: those to copy, those to delete
	end              string // of a name
	from, to         storage.Location
}

const diffSynopsis = "diff [--changed | --deleted] [-0] block://VOLUME@OLD block://VOLUME[@NEW]"

func (c *command) diff(ctx context.Context, args []string) error {
	var s settings
	var null bool
	d := &differ{c: c, end: "\n"}
	f := pflag.NewFlagSet("diff", pflag.ContinueOnError)
	f.BoolVar(&d.changed, "changed", false, "only the names of what was added or changed, as --src-list takes them")
	f.BoolVar(&d.deleted, "deleted", false, "only the names of what was deleted")
	f.BoolVarP(&null, "null", "0", false, "end names in NULs, as --src-list0 takes them")
	f.BoolVar(&d.json, "json", false, "print JSON, one difference a line")
	s.addFlags(f)
	if err := c.parse(f, args, diffSynopsis, 2, 2); err != nil {
		return err
	}
	switch {
	case d.changed && d.deleted || d.json && (d.changed || d.deleted):
		return usagef("--changed, --deleted and --json are each a form of their own")
	case null && !d.changed && !d.deleted:
		return usagef("--null is for names: it needs --changed or --deleted")
	case null:
		d.end = "\x00"
	}
	opener, err := c.open(s)
	if err != nil {
		return err
	}
	defer opener.Close() //nolint:errcheck // nothing was written
	for i, at := range []*storage.Location{&d.from, &d.to} {
		if *at, err = opener.Open(ctx, f.Arg(i)); err != nil {
			return err
		}
		if at.Prefix != "" && !strings.HasSuffix(at.Prefix, "/") {
			at.Prefix += "/"
		}
	}
	return d.run(ctx)
}

func (d *differ) run(ctx context.Context) error {
	from, ok := storage.As[*blockstore.Bucket](d.from.Bucket)
	to, also := storage.As[*blockstore.Bucket](d.to.Bucket)
	if !ok || !also || d.from.Prefix != d.to.Prefix {
		return usagef("diff compares one place in two states of a block volume; for %s and %s there is verify", d.from.URL(), d.to.URL())
	}
	enc := d.c.jsonLines()
	for one, err := range blockstore.Diff(ctx, from, to, d.to.Prefix) {
		if err != nil {
			return err
		}
		line := d.line(one)
		switch {
		case d.json:
			err = enc.Encode(line)
		case d.changed || d.deleted:
			if d.deleted == (one.New == nil) {
				_, err = fmt.Fprint(d.c.stdout, line.Key, d.end)
			}
		default:
			size := line.Size
			if one.New == nil {
				size = line.OldSize
			}
			_, err = fmt.Fprintf(d.c.stdout, "%-7s  %14d  %s\n", line.Change, size, printable(line.URL))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *differ) line(one blockstore.Difference) diffLine {
	line := diffLine{keyJSON: keyInJSON(strings.TrimPrefix(one.Key(), d.to.Prefix))}
	switch {
	case one.Old == nil:
		line.Change = "added"
	case one.New == nil:
		line.Change, line.urlJSON = "deleted", urlInJSON(d.from.Bucket.URL()+one.Key())
		line.OldSize = one.Old.Size
		return line
	default:
		line.Change, line.OldSize = "changed", one.Old.Size
	}
	line.urlJSON = urlInJSON(d.to.Bucket.URL() + one.Key())
	line.Size, line.CRC32C = one.New.Size, one.New.CRC32C.String()
	return line
}
