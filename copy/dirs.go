package copier

import (
	"context"
	"errors"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/skepdata/skep/storage"
)

// DirsVerdict is what is known of a directory before it is looked into.
type DirsVerdict int

// What may be known of a directory.
const (
	DirsUnclear DirsVerdict = iota // it depends on the directories below; files directly in it are not selected
	DirsNone                       // nothing below is selected
	DirsAll                        // everything below is
)

// Dirs tells which directories of the source are selected: dir is relative to it, and ends in a
// slash or is empty for the source itself. It is called by several goroutines at a time. A verdict
// other than DirsUnclear holds for all directories below.
type Dirs func(dir string) DirsVerdict

// holds reports whether a file of that name is in a directory that is selected.
func (d Dirs) holds(name string) bool {
	dir, _ := path.Split(name)
	return d(dir) == DirsAll
}

// list yields what a bucket has below root, which is a directory, in the order of the keys, without
// looking into directories of which nothing is selected. It holds the names of the directories of
// each level in memory.
func (d Dirs) list(ctx context.Context, b storage.Bucket, root string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) { d.walk(ctx, b, root, "", yield) }
}

// walk is list of one directory; it reports whether to go on.
func (d Dirs) walk(
	ctx context.Context, b storage.Bucket, root, dir string, yield func(storage.Object, error) bool,
) bool {
	switch d(dir) {
	case DirsNone:
		return true
	case DirsAll:
		for o, err := range b.List(ctx, root+dir) {
			if !yield(o, err) || err != nil {
				return false
			}
		}
		return true
	}
	var below []string
	for e, err := range storage.ListDir(ctx, b, root+dir) {
		if err != nil {
			yield(storage.Object{}, err)
			return false
		}
		if e.Dir {
			below = append(below, strings.TrimPrefix(e.Key, root))
		}
	}
	slices.Sort(below) // they come so; what depends on it is the order of everything
	for _, sub := range below {
		if !d.walk(ctx, b, root, sub, yield) {
			return false
		}
	}
	return true
}

// listDirs yields the files of the directories that Options.Dirs selects.
func (p *planner) listDirs(ctx context.Context) iter.Seq2[Source, error] {
	return func(yield func(Source, error) bool) {
		root := directory(p.src.Prefix)
		for o, err := range p.opts.Dirs.list(ctx, p.src.Bucket, root) {
			if err == nil && (strings.HasSuffix(o.Key, "/") || !p.opts.Records && isState(o.Key)) {
				continue
			}
			if !yield(Source{Object: o, Base: baseName(root, o.Key)}, err) || err != nil {
				return
			}
		}
	}
}

// checkDirs reports what Dirs cannot be combined with.
func (o Options) checkDirs() error {
	if o.Dirs != nil && len(o.SrcPrefixes) > 0 {
		return &OptionError{"Where", errors.New("and SrcPrefixes are two ways to say what to look at; choose one")}
	}
	return nil
}
