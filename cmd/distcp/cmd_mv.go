package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
)

// mover moves objects and directories.
type mover struct {
	c         *command
	noClobber bool
	dryRun    bool
	workers   int
}

const mvSynopsis = "mv SRC... DEST"

func (c *command) mv(ctx context.Context, args []string) error {
	var s settings
	var recursive bool
	m := &mover{c: c}
	f := pflag.NewFlagSet("mv", pflag.ContinueOnError)
	f.BoolVarP(&m.noClobber, "no-clobber", "n", false, "leave alone what would replace an object")
	f.BoolVar(&m.dryRun, "dry-run", false, "print what would be moved, and change nothing")
	recursiveFlag(f, &recursive, "has no effect: a directory goes with all that is below it")
	s.addFlags(f)
	if err := c.parse(f, args, mvSynopsis, 2, max(len(args), 2)); err != nil {
		return err
	}
	m.workers = int(s.workers)
	opener, err := c.open(s)
	if err != nil {
		return err
	}
	defer opener.Close() //nolint:errcheck // what was written has been committed
	urls := f.Args()
	destURL := urls[len(urls)-1]
	dest, err := opener.Open(ctx, destURL)
	if err != nil {
		return err
	}
	sources, err := collect(ctx, resolution{opener: opener}, urls[:len(urls)-1])
	if err != nil {
		return err
	}
	into := dest.Prefix == "" || strings.HasSuffix(dest.Prefix, "/")
	if !into {
		if into, err = isDir(ctx, storage.Location{Bucket: dest.Bucket, Prefix: dest.Prefix + "/"}); err != nil {
			return err
		}
	}
	if !into && len(sources) > 1 {
		return usagef("%d sources need a directory to go to; end %s with a slash", len(sources), destURL)
	}
	for _, t := range sources {
		to := dest
		if into {
			name := strings.TrimSuffix(t.Prefix, "/")
			name = name[strings.LastIndexByte(name, '/')+1:]
			to.Prefix = strings.TrimPrefix(strings.TrimSuffix(dest.Prefix, "/")+"/"+name, "/")
		}
		if err := m.move(ctx, t, to); err != nil {
			return err
		}
	}
	return nil
}

// collect holds all places that URLs name: names must not change while they are being listed.
func collect(ctx context.Context, r resolution, urls []string) (all []target, err error) {
	for _, url := range urls {
		for t, err := range r.all(ctx, url) {
			if err != nil {
				return nil, err
			}
			all = append(all, t)
		}
	}
	return all, nil
}

// move moves one object or directory to a name.
func (m *mover) move(ctx context.Context, t target, to storage.Location) error {
	same := t.Bucket == to.Bucket
	fail := func(format string, args ...any) error {
		return &storage.Error{Op: "rename", URL: t.URL(), Err: fmt.Errorf(format, args...)}
	}
	if t.object == nil {
		if t.Prefix == "" {
			return fail("a whole bucket or volume cannot be moved; copy it")
		}
		to.Prefix = strings.TrimSuffix(to.Prefix, "/") + "/"
		if same && strings.HasPrefix(to.Prefix, t.Prefix) {
			return fail("it cannot go into itself, to %s", to.URL())
		}
		exists, err := isDir(ctx, to)
		if err != nil {
			return err
		}
		if exists {
			return &storage.Error{Op: "rename", URL: to.URL(), Err: storage.ErrExist}
		}
	} else {
		if same && t.Prefix == to.Prefix {
			return fail("source and destination are the same")
		}
		if m.noClobber {
			if _, err := to.Bucket.Stat(ctx, to.Prefix); !errors.Is(err, storage.ErrNotExist) {
				return err
			}
		}
	}
	if m.dryRun {
		_, err := fmt.Fprintf(m.c.stdout, "move %s to %s\n", printable(t.URL()), printable(to.URL()))
		return err
	}
	if r, ok := storage.As[storage.Renamer](t.Bucket); ok && same {
		rename := r.Rename
		if t.object == nil {
			rename = r.RenameDir
		}
		if err := rename(ctx, t.Prefix, to.Prefix); !errors.Is(err, storage.ErrUnsupported) {
			return err
		}
	}
	if t.object == nil {
		return m.directory(ctx, t, to)
	}
	return m.object(ctx, t, to)
}

// object copies an object and deletes it then.
func (m *mover) object(ctx context.Context, t target, to storage.Location) error {
	o, err := t.Bucket.Stat(ctx, t.Prefix)
	if err != nil {
		return err
	}
	err = storage.ErrUnsupported
	if sc, ok := storage.As[storage.ServerCopier](to.Bucket); ok {
		_, err = sc.CopyFrom(ctx, to.Prefix, t.Bucket, o)
	}
	if errors.Is(err, storage.ErrUnsupported) {
		err = stream(ctx, t.Bucket, o, to)
	}
	if err != nil {
		return err
	}
	now, err := t.Bucket.Stat(ctx, o.Key)
	if err == nil && now.ETag != o.ETag {
		err = &storage.Error{Op: "delete", URL: t.URL(), Err: storage.ErrChanged}
	}
	if err != nil {
		return err
	}
	return t.Bucket.Delete(ctx, o.Key)
}

// stream copies an object by way of this process, with what describes it, and compares checksums.
func stream(ctx context.Context, from storage.Bucket, o storage.Object, to storage.Location) error {
	opts := storage.CreateOptions{
		Size: o.Size, ContentType: o.ContentType, Metadata: o.Metadata, Headers: o.Headers, Durable: true,
	}
	if a, ok := storage.As[storage.AttributeReader](from); ok && o.TagCount > 0 {
		var err error
		if opts.Tags, err = a.Tags(ctx, o.Key, ""); err != nil {
			return err
		}
	}
	r, err := from.Open(ctx, o.Key, storage.ReadOptions{IfMatch: o.ETag})
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := to.Bucket.Create(ctx, to.Prefix, opts)
	if err != nil {
		return err
	}
	defer w.Abort() // it failed already
	summed := storage.AsSummed(r)
	if _, err = io.Copy(w, summed); err != nil {
		return err
	}
	sum := summed.CRC32C()
	if sum.Differs(o.CRC32C) {
		return &storage.Error{Op: "read", URL: from.URL() + o.Key, Err: storage.ErrChecksum}
	}
	made, err := w.Commit()
	if err == nil && made.CRC32C.Differs(sum) {
		err = errors.Join(&storage.Error{Op: "commit", URL: to.URL(), Err: storage.ErrChecksum}, to.Bucket.Delete(ctx, to.Prefix))
	}
	return err
}

// directory copies all that is below a directory as a job would, each object deleted when its copy
// is safe.
func (m *mover) directory(ctx context.Context, t target, to storage.Location) error {
	p := &printer{stdout: m.c.stdout, stderr: m.c.stderr, quiet: true}
	_, err := copier.Run(ctx, t.Location, to, copier.Options{
		DeleteOnSuccess: true, Records: true, Workers: m.workers, Report: p.report,
	})
	if err != nil {
		return err
	}
	if t.Bucket.URL() == "file:///" {
		return removeEmptyDirs(localPath(t.Location))
	}
	var markers []string // objects that stand for directories, which are not copied
	for o, err := range t.Bucket.List(ctx, t.Prefix) {
		if err != nil {
			return err
		}
		if strings.HasSuffix(o.Key, "/") && o.Size == 0 {
			markers = append(markers, o.Key)
		}
	}
	return t.Bucket.Delete(ctx, markers...)
}

// removeEmptyDirs removes a local directory and those in it, as far as nothing is in them.
func removeEmptyDirs(root string) error {
	var dirs []string
	err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			dirs = append(dirs, name)
		}
		return err
	})
	for _, dir := range slices.Backward(dirs) {
		_ = os.Remove(dir) // it fails where something is left
	}
	return err
}
