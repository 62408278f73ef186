package main

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/spf13/pflag"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
)

// lookFlags are those of the verbs that go through the objects of URLs.
type lookFlags struct {
	settings
	pattern string
	json    bool
}

func (l *lookFlags) addFlags(f *pflag.FlagSet) {
	f.StringVar(&l.pattern, "srcPattern", "", "only objects whose whole URL this Java `regex` matches")
	f.BoolVar(&l.json, "json", false, "print JSON, one object a line")
	l.settings.addFlags(f)
}

// objects calls do with every object that a copy from url would take.
func (l *lookFlags) objects(
	ctx context.Context, opener *storage.Opener, url string, do func(storage.Location, storage.Object) error,
) error {
	at, err := openSource(ctx, opener, url)
	if err != nil {
		return err
	}
	opts := copier.Options{SrcPattern: l.pattern, PatternURL: patternURL(url), Records: true}
	for task, err := range copier.Plan(ctx, at, opts) {
		if err != nil {
			return err
		}
		if err := do(at, task.Sources.First().Object); err != nil {
			return err
		}
	}
	return nil
}

// recursiveFlag is -R, -r and --recursive: hdfs, aws and rm each have another of them.
func recursiveFlag(f *pflag.FlagSet, recursive *bool, usage string) {
	f.BoolVarP(recursive, "recursive", "R", false, usage)
	f.BoolVarP(recursive, "recurse", "r", false, usage)
	f.Lookup("recurse").Hidden = true
}

// objectLine is an object, or a directory, in JSON.
type objectLine struct {
	urlJSON
	Dir          bool   `json:"dir,omitempty"`
	Size         int64  `json:"size"`
	MTime        string `json:"mtime,omitempty"`
	ETag         string `json:"etag,omitempty"`
	CRC32C       string `json:"crc32c,omitempty"`
	StorageClass string `json:"storageClass,omitempty"`
}

// lister prints what ls finds.
type lister struct {
	c                *command
	json             *json.Encoder // nil for people
	human, namesOnly bool
	objects, bytes   int64
}

const lsSynopsis = "ls [-R] [-h] URL..."

func (c *command) ls(ctx context.Context, args []string) error {
	var flags lookFlags
	var recursive, summarize bool
	l := &lister{c: c}
	f := pflag.NewFlagSet("ls", pflag.ContinueOnError)
	recursiveFlag(f, &recursive, "list all that is below the URL, not only the first level")
	f.BoolVarP(&l.human, "human-readable", "h", false, "print sizes as 1.5 GiB")
	f.BoolVarP(&l.namesOnly, "urls", "C", false, "print URLs only")
	f.BoolVar(&summarize, "summarize", false, "print the number of objects and their bytes at the end")
	flags.addFlags(f)
	if err := c.parse(f, args, lsSynopsis, 1, len(args)); err != nil {
		return err
	}
	opener, err := c.open(flags.settings)
	if err != nil {
		return err
	}
	defer opener.Close() //nolint:errcheck // nothing was written
	if flags.json {
		l.json = c.jsonLines()
	}
	for _, url := range f.Args() {
		if flags.pattern != "" {
			err = flags.objects(ctx, opener, url, func(at storage.Location, o storage.Object) error {
				return l.print(at.Bucket, storage.Entry{Object: o})
			})
		} else {
			err = l.listAny(ctx, resolution{opener, true}, url, recursive)
		}
		if err != nil {
			return err
		}
	}
	if summarize {
		return l.summary()
	}
	return nil
}

// listAny prints what is at a URL, or the buckets, where it names none, and what is in them.
func (l *lister) listAny(ctx context.Context, r resolution, url string, recursive bool) error {
	roots, ok, err := r.opener.Roots(ctx, url)
	if !ok {
		return l.list(ctx, r, url, recursive)
	}
	for _, root := range roots {
		if err := l.printDir(root); err != nil {
			return err
		}
		if !recursive {
			continue
		}
		if err := l.list(ctx, r, root, true); err != nil {
			return err
		}
	}
	return err
}

// list prints what is at a URL: of directories what is in them.
func (l *lister) list(ctx context.Context, r resolution, url string, recursive bool) error {
	for t, err := range r.all(ctx, url) {
		if err != nil {
			return err
		}
		entries := storage.ListDir(ctx, t.Bucket, t.Prefix)
		switch {
		case t.object != nil:
			entries = func(yield func(storage.Entry, error) bool) { yield(storage.Entry{Object: *t.object}, nil) }
		case recursive:
			entries = entriesOf(t.Bucket.List(ctx, t.Prefix))
		}
		empty := t.Prefix != "" && t.Bucket.URL() != "file:///" // a local directory may be empty
		for e, err := range entries {
			if err != nil {
				return absent(err)
			}
			if err := l.print(t.Bucket, e); err != nil {
				return err
			}
			empty = false
		}
		if empty {
			return absent(&storage.Error{Op: "list", URL: t.URL(), Err: storage.ErrNotExist})
		}
	}
	return nil
}

func (l *lister) print(b storage.Bucket, e storage.Entry) error {
	url := b.URL() + e.Key
	if e.Dir {
		return l.printDir(url)
	}
	l.objects++
	l.bytes += e.Size
	mtime := e.ModTime.UTC().Format(time.RFC3339)
	if l.json != nil {
		return l.json.Encode(objectLine{urlInJSON(url), false, e.Size, mtime, e.ETag, e.CRC32C.String(), e.StorageClass})
	}
	return l.line(sizeText(e.Size, l.human), mtime, url)
}

func (l *lister) printDir(url string) error {
	if l.json != nil {
		return l.json.Encode(objectLine{urlJSON: urlInJSON(url), Dir: true})
	}
	return l.line("DIR", "", url)
}

func (l *lister) line(size, mtime, url string) error {
	if l.namesOnly {
		_, err := fmt.Fprintln(l.c.stdout, url)
		return err
	}
	_, err := fmt.Fprintf(l.c.stdout, "%14s  %20s  %s\n", size, mtime, printable(url))
	return err
}

func (l *lister) summary() error {
	if l.json != nil {
		return l.json.Encode(map[string]any{"objects": l.objects, "bytes": l.bytes})
	}
	_, err := fmt.Fprintf(l.c.stdout, "%s, %s\n", count(l.objects, "object"), bytesText(l.bytes))
	return err
}

// entriesOf are objects as entries.
func entriesOf(objects iter.Seq2[storage.Object, error]) iter.Seq2[storage.Entry, error] {
	return func(yield func(storage.Entry, error) bool) {
		for o, err := range objects {
			if !yield(storage.Entry{Object: o}, err) {
				return
			}
		}
	}
}

// jsonLines encodes a value a line to standard output.
func (c *command) jsonLines() *json.Encoder {
	enc := json.NewEncoder(c.stdout)
	enc.SetEscapeHTML(false)
	return enc
}

// sizeText is a number of bytes, for people if human.
func sizeText(n int64, human bool) string {
	if human {
		return bytesText(n)
	}
	return fmt.Sprint(n)
}
