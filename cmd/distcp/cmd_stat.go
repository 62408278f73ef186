package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/skepdata/skep/storage"
)

// statLine is all that a store tells of an object, in JSON.
type statLine struct {
	objectLine
	ContentType        string            `json:"contentType,omitempty"`
	CacheControl       string            `json:"cacheControl,omitempty"`
	ContentDisposition string            `json:"contentDisposition,omitempty"`
	ContentEncoding    string            `json:"contentEncoding,omitempty"`
	ContentLanguage    string            `json:"contentLanguage,omitempty"`
	Expires            string            `json:"expires,omitempty"`
	VersionID          string            `json:"versionId,omitempty"`
	Metadata           map[string]string `json:"metadata,omitempty"`
	Tags               map[string]string `json:"tags,omitempty"`
}

func (c *command) stat(ctx context.Context, args []string) error {
	var s settings
	var asJSON bool
	f := pflag.NewFlagSet("stat", pflag.ContinueOnError)
	f.BoolVar(&asJSON, "json", false, "print JSON, one object a line")
	s.addFlags(f)
	if err := c.parse(f, args, "stat URL...", 1, len(args)); err != nil {
		return err
	}
	opener, err := c.open(s)
	if err != nil {
		return err
	}
	defer opener.Close() //nolint:errcheck // nothing was written
	enc := c.jsonLines()
	for _, url := range f.Args() {
		for t, err := range (resolution{opener: opener}).all(ctx, url) {
			var line statLine
			if err == nil {
				line, err = statOf(ctx, t)
			}
			switch {
			case err != nil:
			case asJSON:
				err = enc.Encode(line)
			default:
				err = line.print(c)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// statOf asks the store for everything about a place.
func statOf(ctx context.Context, t target) (line statLine, err error) {
	line.urlJSON = urlInJSON(t.URL())
	if t.object == nil {
		line.Dir = true
		return line, nil
	}
	o := *t.object
	if !t.asked {
		if o, err = t.Bucket.Stat(ctx, o.Key); err != nil {
			return line, err
		}
	}
	if a, ok := storage.As[storage.AttributeReader](t.Bucket); ok && o.TagCount > 0 {
		if line.Tags, err = a.Tags(ctx, o.Key, ""); err != nil {
			return line, err
		}
	}
	line.objectLine = objectLine{
		line.urlJSON, false, o.Size, o.ModTime.UTC().Format(time.RFC3339Nano), o.ETag, o.CRC32C.String(), o.StorageClass,
	}
	line.ContentType, line.VersionID, line.Metadata = o.ContentType, o.VersionID, o.Metadata
	line.CacheControl, line.ContentDisposition = o.Headers.CacheControl, o.Headers.ContentDisposition
	line.ContentEncoding, line.ContentLanguage = o.Headers.ContentEncoding, o.Headers.ContentLanguage
	line.Expires = o.Headers.Expires
	return line, nil
}

func (l statLine) print(c *command) error {
	if l.Dir {
		_, err := fmt.Fprintf(c.stdout, "%s\n  directory\n", printable(l.URL))
		return err
	}
	text := printable(l.URL) + "\n"
	add := func(name, value string) {
		if value != "" {
			text += fmt.Sprintf("  %-20s %s\n", name, printable(value))
		}
	}
	add("size", fmt.Sprint(l.Size))
	for _, one := range []struct{ name, value string }{
		{"modified", l.MTime}, {"etag", l.ETag}, {"crc32c", l.CRC32C}, {"content-type", l.ContentType},
		{"cache-control", l.CacheControl}, {"content-disposition", l.ContentDisposition},
		{"content-encoding", l.ContentEncoding}, {"content-language", l.ContentLanguage},
		{"expires", l.Expires}, {"storage class", l.StorageClass}, {"version", l.VersionID},
	} {
		add(one.name, one.value)
	}
	for _, pairs := range []struct {
		name string
		of   map[string]string
	}{{"metadata", l.Metadata}, {"tag", l.Tags}} {
		for _, name := range slices.Sorted(maps.Keys(pairs.of)) {
			add(pairs.name, name+"="+pairs.of[name])
		}
	}
	_, err := fmt.Fprint(c.stdout, text)
	return err
}
