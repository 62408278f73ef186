package hiveql

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/skepdata/skep/storage"
)

// list lists what paths and patterns name: files, and of a directory what is directly in it, or with -R all
// that is below it.
func (d *dfsCall) list(ctx context.Context, name string) ([]string, error) {
	if d.action == "-lsr" || d.flag("-R") {
		files, _, err := d.mustFind(ctx, name)
		lines := make([]string, 0, len(files))
		for _, f := range files {
			lines = append(lines, lsFile(f.Bucket, f.Object))
		}
		return lines, err
	}
	loc, err := d.s.cfg.Storage.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	if strings.ContainsAny(loc.Prefix, "*?[") {
		return d.listPattern(ctx, name, loc)
	}
	if loc.Prefix != "" && !strings.HasSuffix(loc.Prefix, "/") {
		o, err := statNamed(ctx, loc)
		if err == nil {
			return []string{lsFile(loc.Bucket, o)}, nil
		}
		if !errors.Is(err, storage.ErrNotExist) && !errors.Is(err, storage.ErrInvalidKey) {
			return nil, err
		}
		loc.Prefix += "/"
	}
	lines, err := d.listDir(ctx, loc.Bucket, loc.Prefix)
	if err != nil || len(lines) > 0 {
		return lines, err
	}
	if there, err := hasDir(ctx, loc); there || err != nil {
		return nil, err
	}
	_, _, err = d.mustFind(ctx, name)
	return nil, err
}

// listDir lists what is directly in a directory; nothing where there is nothing.
func (d *dfsCall) listDir(ctx context.Context, b storage.Bucket, dir string) ([]string, error) {
	var lines []string
	for e, err := range storage.ListDir(ctx, b, dir) {
		if err != nil {
			return nil, err
		}
		if e.Key != dir {
			lines = append(lines, lsEntry(b, e))
		}
	}
	if lines == nil {
		return nil, nil
	}
	return append([]string{fmt.Sprintf("Found %d items", len(lines))}, lines...), nil
}

// listPattern lists the files that a pattern matches, and what is in the directories that it matches.
func (d *dfsCall) listPattern(ctx context.Context, name string, loc storage.Location) ([]string, error) {
	found := []storage.Entry{{Dir: true}}
	if strings.HasPrefix(loc.Prefix, "/") {
		found[0].Key = "/"
	}
	for _, part := range strings.Split(strings.Trim(loc.Prefix, "/"), "/") {
		var next []storage.Entry
		for _, dir := range found {
			entries, err := matchingIn(ctx, loc.Bucket, dir, part)
			if err != nil {
				return nil, fmt.Errorf("the pattern %s: %w", name, err)
			}
			next = append(next, entries...)
		}
		found = next
	}
	var lines []string
	empty := false // whether a directory without anything in it was matched
	for _, e := range found {
		if !e.Dir {
			lines = append(lines, lsEntry(loc.Bucket, e))
			continue
		}
		below, err := d.listDir(ctx, loc.Bucket, e.Key)
		if err != nil {
			return nil, err
		}
		there, err := hasDir(ctx, storage.Location{Bucket: loc.Bucket, Prefix: e.Key})
		if err != nil {
			return nil, err
		}
		lines = append(lines, below...)
		empty = empty || there
	}
	if len(lines) == 0 && !empty {
		e := dfsError(d.n, "ls: `%s': No such file or directory", name)
		e.Err = storage.ErrNotExist
		return nil, e
	}
	return lines, nil
}

// matchingIn are the files and directories directly in dir whose names match a pattern without slashes.
func matchingIn(ctx context.Context, b storage.Bucket, dir storage.Entry, pattern string) ([]storage.Entry, error) {
	var found []storage.Entry
	switch {
	case !dir.Dir:
		return nil, nil
	case !strings.ContainsAny(pattern, "*?["): // a name: it need not be listed, and more of the pattern follows
		o, err := b.Stat(ctx, dir.Key+pattern)
		switch {
		case err == nil:
			return []storage.Entry{{Object: o}}, nil
		case errors.Is(err, storage.ErrNotExist), errors.Is(err, storage.ErrInvalidKey):
			return []storage.Entry{{Object: storage.Object{Key: dir.Key + pattern + "/"}, Dir: true}}, nil
		}
		return nil, err
	}
	for e, err := range storage.ListDir(ctx, b, dir.Key) {
		if err != nil {
			return nil, err
		}
		ok, err := path.Match(pattern, strings.TrimSuffix(e.Key[len(dir.Key):], "/"))
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, e)
		}
	}
	return found, nil
}

func lsFile(b storage.Bucket, o storage.Object) string { return lsEntry(b, storage.Entry{Object: o}) }

func lsEntry(b storage.Bucket, e storage.Entry) string {
	mode, copies, when := "-rw-r--r--", "1", ""
	if e.Dir {
		mode, copies = "drwxr-xr-x", "-"
	} else {
		when = e.ModTime.Format("2006-01-02 15:04")
	}
	return fmt.Sprintf("%s   %s %10d %16s %s", mode, copies, e.Size, when, b.URL()+strings.TrimSuffix(e.Key, "/"))
}
