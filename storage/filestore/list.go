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
		l.run(prefix)
	}
}

// run lists what begins with prefix.
func (l *listing) run(prefix string) {
	dir, name := splitPrefix(prefix)
	at := place{key: dir, path: l.b.root}
	if dir != "" {
		at.path += PathOf(dir[:len(dir)-1]) + "/"
	}
	l.enclosing(at.path)
	l.walk(at, name)
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
	dir   func(key string) bool // if not nil, told of directories, which are then not entered
	in    []string              // the paths of the directories from the root to the current one
	at    place                 // the current one
	only  string                // beginning of the names that are listed there
	below bool                  // the directory of the prefix has been entered
}

// place is a directory, with a slash at the end of both: what the keys of the objects there begin
// with, and where it is.
type place struct{ key, path string }

// directory identifies a directory whatever link leads to it.
type directory struct{ dev, inode uint64 }

// enclosing notes the directories above path, so that no link back into them is followed.
func (l *listing) enclosing(path string) {
	for at := len(l.b.root); at < len(path); at += strings.IndexByte(path[at:], '/') + 1 {
		l.in = append(l.in, path[:at])
	}
}

// leadsBack reports whether a directory is one of those that the walk is in. Only links can lead there, so
// most listings never ask.
func (l *listing) leadsBack(to fs.FileInfo) bool {
	for _, path := range l.in {
		if info, err := os.Stat(path); err == nil && identify(info) == identify(to) {
			return true
		}
	}
	return false
}

func identify(info fs.FileInfo) directory {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return directory{uint64(s.Dev), s.Ino}
	}
	return directory{}
}

// walk lists what is in a directory under names that begin with name. It returns false when the
// listing is over.
func (l *listing) walk(at place, name string) bool {
	depth := len(l.in)
	defer func() { l.in = l.in[:depth] }()
	segments, err := l.enter(at, name)
	if (isAbsent(err) || errors.Is(err, syscall.ENAMETOOLONG)) && at.key != "" {
		return true // it was not there, or has just gone
	}
	if errors.Is(err, fs.ErrPermission) && l.below && l.closed(at, err) {
		return true
	}
	l.below = true
	if err != nil {
		return l.stop(at.key, at.path, err)
	}
	for _, segment := range segments {
		if l.ctx.Err() != nil {
			return l.stop(at.key, at.path, context.Cause(l.ctx))
		}
		if !l.visit(at, segment) {
			return false
		}
	}
	return true
}

// stop ends the listing with an error about the file or directory of key.
func (l *listing) stop(key, path string, err error) bool {
	l.yield(storage.Object{}, l.b.fail("list", key, pathless(err, path)))
	return false
}

// enter notes that the walk is in a directory, and returns the segments of keys there that begin
// with name, those of directories with a slash at the end, sorted as the keys they lead to.
func (l *listing) enter(at place, name string) (segments []string, err error) {
	if l.ctx.Err() != nil {
		return nil, context.Cause(l.ctx)
	}
	l.in = append(l.in, at.path)
	l.at, l.only = at, name
	err = l.read(at.path, func(file, segment string, isDir bool) error {
		segment = unescapeNUL(segment)
		if strings.IndexByte(file, mark) >= 0 && (string(appendNames(nil, segment)) != file || at.key+segment == "" && !isDir) {
			return misnamed(at.path + file)
		}
		if strings.HasPrefix(segment, name) {
			if isDir {
				segment += "/"
			}
			segments = append(segments, segment)
		}
		return nil
	})
	slices.Sort(segments)
	return segments, err
}

// read tells found of each file and directory that can be, or lead to, an object: its path below
// the directory at path, and the segment that this stands for, of which NULs are still escaped. That
// of a long name goes through directories.
func (l *listing) read(path string, found func(file, segment string, isDir bool) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		batch, err := f.ReadDir(1000)
		for _, e := range batch {
			isDir, ignored := l.kind(path, e)
			if ignored != "" {
				l.ignore(e, ignored)
				continue
			}
			name := e.Name()
			if !isDir || !isHead(name) {
				if err := found(name, unshield(name), isDir); err != nil {
					return err
				}
				continue
			}
			err := l.read(path+name+"/", func(file, segment string, isDir bool) error {
				return found(name+"/"+file, unshield(name[:maxName-1]+segment), isDir)
			})
			if err != nil && !isAbsent(err) {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// hidden is the kind of files that only we know of.
const hidden = "one of ours"

// kind tells whether an entry of the directory at path is a directory, and what it is if it cannot be,
// or lead to, an object.
func (l *listing) kind(path string, e fs.DirEntry) (isDir bool, ignored string) {
	if isHidden(e.Name()) {
		return false, hidden
	}
	mode := e.Type()
	if mode&fs.ModeSymlink != 0 {
		info, err := os.Stat(path + e.Name())
		if err != nil {
			return false, "a link that leads nowhere"
		}
		mode = info.Mode()
		if mode.IsDir() && l.leadsBack(info) {
			return false, "a link to a directory that it is in"
		}
	}
	switch {
	case mode.IsDir() || mode.IsRegular():
		return mode.IsDir(), ""
	case mode&fs.ModeNamedPipe != 0:
		return false, "a named pipe"
	case mode&fs.ModeSocket != 0:
		return false, "a socket"
	}
	return false, "a device"
}

// closed tells of a directory that may not be listed, if anybody wants to know, and reports that.
func (l *listing) closed(at place, err error) bool {
	tell := storage.TellIgnored(l.ctx)
	if tell != nil {
		tell(storage.Ignored{Object: storage.Object{Key: at.key}, What: "a directory", Err: l.b.fail("list", at.key, pathless(err, at.path))})
	}
	return tell != nil
}

// ignore tells of an entry that can be no object, if anybody wants to know.
func (l *listing) ignore(e fs.DirEntry, what string) {
	segment := unescapeNUL(unshield(e.Name()))
	tell := storage.TellIgnored(l.ctx)
	if tell == nil || what == hidden || !strings.HasPrefix(segment, l.only) {
		return
	}
	o := storage.Object{Key: l.at.key + segment}
	if info, err := e.Info(); err == nil {
		o.ModTime = info.ModTime()
	}
	tell(storage.Ignored{Object: o, What: what})
}

// visit lists what one segment in a directory leads to. It returns false when the listing is over.
func (l *listing) visit(at place, segment string) bool {
	key := at.key + segment
	name, isDir := strings.CutSuffix(segment, "/")
	path := string(appendNames([]byte(at.path), name))
	if isDir && l.dir != nil {
		return l.dir(key)
	}
	if isDir {
		return l.walk(place{key, path + "/"}, "")
	}
	info, err := os.Stat(path)
	if isAbsent(err) || err == nil && !info.Mode().IsRegular() {
		return true // it has just gone
	}
	if err != nil {
		return l.stop(key, path, err)
	}
	return l.yield(object(key, info), nil)
}
