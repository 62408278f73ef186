package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
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
		if err := do(at, task.Sources[0].Object); err != nil {
			return err
		}
	}
	return nil
}

// objectLine is an object in JSON.
type objectLine struct {
	URL    string `json:"url"`
	Size   int64  `json:"size"`
	MTime  string `json:"mtime,omitempty"`
	ETag   string `json:"etag,omitempty"`
	CRC32C string `json:"crc32c,omitempty"`
}

func (c *command) ls(ctx context.Context, args []string) error {
	var flags lookFlags
	f := pflag.NewFlagSet("ls", pflag.ContinueOnError)
	flags.addFlags(f)
	if err := c.parse(f, args, "ls URL", 1, 1); err != nil {
		return err
	}
	opener, err := c.open(flags.settings)
	if err != nil {
		return err
	}
	defer opener.Close() //nolint:errcheck // nothing was written
	enc := json.NewEncoder(c.stdout)
	enc.SetEscapeHTML(false)
	return flags.objects(ctx, opener, f.Arg(0), func(at storage.Location, o storage.Object) error {
		url, mtime := at.Bucket.URL()+o.Key, o.ModTime.UTC().Format(time.RFC3339)
		if flags.json {
			return enc.Encode(objectLine{url, o.Size, mtime, o.ETag, o.CRC32C.String()})
		}
		_, err := fmt.Fprintf(c.stdout, "%14d  %s  %s\n", o.Size, mtime, url)
		return err
	})
}

func (c *command) du(ctx context.Context, args []string) error {
	var flags lookFlags
	f := pflag.NewFlagSet("du", pflag.ContinueOnError)
	flags.addFlags(f)
	if err := c.parse(f, args, "du URL...", 1, len(args)); err != nil {
		return err
	}
	opener, err := c.open(flags.settings)
	if err != nil {
		return err
	}
	defer opener.Close() //nolint:errcheck // nothing was written
	for _, url := range f.Args() {
		var objects, size int64
		err := flags.objects(ctx, opener, url, func(_ storage.Location, o storage.Object) error {
			objects++
			size += o.Size
			return nil
		})
		if err != nil {
			return err
		}
		if flags.json {
			err = json.NewEncoder(c.stdout).Encode(map[string]any{"url": url, "objects": objects, "bytes": size})
		} else {
			_, err = fmt.Fprintf(c.stdout, "%14d  %9d  %s\n", size, objects, url)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *command) cat(ctx context.Context, args []string) error {
	var s settings
	f := pflag.NewFlagSet("cat", pflag.ContinueOnError)
	s.addFlags(f)
	if err := c.parse(f, args, "cat URL...", 1, len(args)); err != nil {
		return err
	}
	opener, err := c.open(s)
	if err != nil {
		return err
	}
	defer opener.Close() //nolint:errcheck // nothing was written
	for _, url := range f.Args() {
		if err := c.catOne(ctx, opener, url); err != nil {
			return err
		}
	}
	return nil
}

func (c *command) catOne(ctx context.Context, opener *storage.Opener, url string) error {
	at, err := opener.Open(ctx, url)
	if err != nil {
		return err
	}
	r, err := at.Bucket.Open(ctx, at.Prefix, storage.ReadOptions{})
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(c.stdout, r)
	return err
}
