package filestore

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/skepdata/skep/storage"
)

// List implements storage.Bucket. Files that come or go while it runs may be listed or not.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		l := &listing{b: b, ctx: ctx, yield: yield}
		dir, name := splitPrefix(prefix)
		if l.fits(dir) {
			l.enclosing(dir)
			l.walk(dir, name)
		}
	}
}

// splitPrefix cuts a prefix into the directory that holds everything it matches and the
// beginning of the names there.
func splitPrefix(prefix string) (dir, name string) {
	i := strings.LastIndexByte(prefix, '/') + 1
	return prefix[:i], prefix[i:]
}

// listing is one run of List.
type listing struct {
	b     *Bucket
	ctx   context.Context
	yield func(storage.Object, error) bool
	in    []directory // those from the root to the current one
}

// directory identifies a directory whatever link leads to it.
type directory struct{ dev, inode uint64 }

// fits tells whether dir, which is empty or ends with a slash, is spelled as in a key. If it
// is not, no key begins with it.
func (l *listing) fits(dir string) bool {
	if dir == "" {
		return true
	}
	_, err := l.b.path(dir[:len(dir)-1])
	return err == nil
}

// enclosing notes the directories above dir, so that no link back into them is followed.
func (l *listing) enclosing(dir string) {
	for at := 0; at < len(dir); at += strings.IndexByte(dir[at:], '/') + 1 {
		if info, err := os.Stat(l.b.root + dir[:at]); err == nil {
			l.in = append(l.in, identify(info))
		}
	}
}

func identify(info fs.FileInfo) directory {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return directory{uint64(s.Dev), s.Ino}
	}
	return directory{}
}

// walk lists what is in dir under names that begin with name. It returns false when the
// listing is over.
func (l *listing) walk(dir, name string) bool {
	depth := len(l.in)
	defer func() { l.in = l.in[:depth] }()
	entries, err := l.enter(dir, name)
	if isAbsent(err) && dir != "" {
		return true // it was not there, or has just gone
	}
	if err != nil {
		return l.stop(dir, err)
	}
	for _, entry := range entries {
		if l.ctx.Err() != nil {
			return l.stop(dir, context.Cause(l.ctx))
		}
		if !l.visit(dir, entry) {
			return false
		}
	}
	return true
}

// stop ends the listing with an error about dir.
func (l *listing) stop(dir string, err error) bool {
	l.yield(storage.Object{}, l.b.fail("list", dir, err))
	return false
}

// enter notes that the walk is in dir, and returns the names there that begin with name, those
// of directories with a slash at the end, sorted as the keys they lead to.
func (l *listing) enter(dir, name string) ([]string, error) {
	if l.ctx.Err() != nil {
		return nil, context.Cause(l.ctx)
	}
	f, err := os.Open(l.b.root + dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	l.in = append(l.in, identify(info))
	var names []string
	for {
		batch, err := f.ReadDir(1000)
		for _, e := range batch {
			if strings.HasPrefix(e.Name(), name) && !isHidden(e.Name()) {
				names = l.add(names, dir, e)
			}
		}
		if errors.Is(err, io.EOF) {
			slices.Sort(names)
			return names, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// add appends e to names if it can be, or lead to, an object.
func (l *listing) add(names []string, dir string, e fs.DirEntry) []string {
	mode := e.Type()
	if mode&fs.ModeSymlink != 0 {
		info, err := os.Stat(l.b.root + dir + e.Name())
		if err != nil {
			return names // the link leads nowhere
		}
		mode = info.Mode()
		if mode.IsDir() && slices.Contains(l.in, identify(info)) {
			return names
		}
	}
	switch {
	case mode.IsDir():
		return append(names, e.Name()+"/")
	case mode.IsRegular():
		return append(names, e.Name())
	}
	return names
}

// visit lists one entry of dir. It returns false when the listing is over.
func (l *listing) visit(dir, entry string) bool {
	key := dir + entry
	if strings.HasSuffix(entry, "/") {
		return l.walk(key, "")
	}
	info, err := os.Stat(l.b.root + key)
	if isAbsent(err) || err == nil && !info.Mode().IsRegular() {
		return true // it has just gone
	}
	if err != nil {
		return l.stop(key, err)
	}
	return l.yield(object(key, info), nil)
}
