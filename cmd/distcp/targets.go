package main

import (
	"context"
	"errors"
	"iter"
	"os"
	"path"
	"strings"
	"syscall"

	"github.com/skepdata/skep/storage"
)

// target is a place that an argument names: one object, or all whose keys begin with a prefix.
type target struct {
	storage.Location                 // of the object, or what the keys begin with
	object           *storage.Object // nil for a prefix
	asked            bool            // object is all that its store tells, and not only what a listing does
}

// resolution is how arguments name places.
type resolution struct {
	opener *storage.Opener
	// byPrefix takes an s3:// URL for a prefix, as a copy does. Otherwise it is an object, or the
	// directory of that name.
	byPrefix bool
}

// all yields the places that url names, which may hold wildcards. It yields at least one, or an
// error, which is an absentError if there is none.
//
// As in path.Match, * ? [...] are within one name, and \ takes the meaning from the character
// after it; the name ** is any number of directories. An object, or a directory, that is called
// exactly so comes first.
func (r resolution) all(ctx context.Context, url string) iter.Seq2[target, error] {
	return func(yield func(target, error) bool) {
		at, err := r.opener.Open(ctx, url)
		if err != nil {
			yield(target{}, err)
			return
		}
		exact, err := r.exact(ctx, at)
		if !hasWildcard(at.Prefix) || err == nil {
			yield(exact, absent(err))
			return
		}
		if !errors.Is(err, storage.ErrNotExist) {
			yield(target{}, err)
			return
		}
		g := &globbing{resolution: r, ctx: ctx, bucket: at.Bucket, yield: yield}
		if g.expand("", strings.Split(at.Prefix, "/")) && !g.found {
			yield(target{}, absent(&storage.Error{Op: "list", URL: at.URL(), Err: storage.ErrNotExist}))
		}
	}
}

// exact is the place that at names, without wildcards.
func (r resolution) exact(ctx context.Context, at storage.Location) (target, error) {
	isS3 := strings.HasPrefix(at.Bucket.URL(), "s3://")
	if at.Prefix == "" || r.byPrefix && isS3 && !hasWildcard(at.Prefix) {
		return target{Location: at}, nil
	}
	key := strings.TrimSuffix(at.Prefix, "/")
	var err error
	if key == at.Prefix {
		var o storage.Object
		if o, err = at.Bucket.Stat(ctx, key); err == nil {
			return target{at, &o, true}, nil
		}
		if !errors.Is(err, storage.ErrNotExist) {
			return target{}, err
		}
	}
	dir := storage.Location{Bucket: at.Bucket, Prefix: key + "/"}
	switch exists, failed := isDir(ctx, dir); {
	case failed != nil:
		return target{}, failed
	case exists:
		return target{Location: dir}, nil
	case err == nil:
		err = &storage.Error{Op: "list", URL: at.URL(), Err: storage.ErrNotExist}
	}
	return target{}, err
}

// isDir tells whether something lies below at, or it is a local directory.
func isDir(ctx context.Context, at storage.Location) (bool, error) {
	if at.Bucket.URL() == "file:///" {
		info, err := os.Stat(localPath(at))
		if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return false, &storage.Error{Op: "stat", URL: at.URL(), Err: localCause(err)}
		}
		return err == nil && info.IsDir(), nil
	}
	for _, err := range storage.ListDir(ctx, at.Bucket, at.Prefix) {
		if errors.Is(err, storage.ErrNotExist) {
			return false, nil // nor is there the bucket or volume
		}
		return err == nil, err
	}
	return false, nil
}

func hasWildcard(text string) bool { return strings.ContainsAny(text, `*?[\`) }

// globbing is the expansion of wildcards in one bucket.
type globbing struct {
	resolution
	ctx    context.Context
	bucket storage.Bucket
	yield  func(target, error) bool
	found  bool
}

// expand yields what matches the names below dir. It lists only directories whose own names match,
// and returns false when no more is wanted.
func (g *globbing) expand(dir string, names []string) bool {
	name, rest := names[0], names[1:]
	switch {
	case name == "" && len(rest) == 0:
		return g.give(target{Location: storage.Location{Bucket: g.bucket, Prefix: dir}})
	case name == "**":
		return g.deep(dir, names)
	case hasWildcard(name):
		return g.matching(dir, name, rest)
	case len(rest) > 0:
		return g.expand(dir+name+"/", rest)
	}
	t, err := resolution{opener: g.opener}.exact(g.ctx, storage.Location{Bucket: g.bucket, Prefix: dir + name})
	if errors.Is(err, storage.ErrNotExist) {
		return true
	}
	if err != nil {
		return g.fail(err)
	}
	return g.give(t)
}

// matching yields what a name with wildcards matches in dir, or what the rest does below that.
func (g *globbing) matching(dir, name string, rest []string) bool {
	literal := name[:strings.IndexAny(name, `*?[\`)]
	for e, err := range storage.ListDir(g.ctx, g.bucket, dir+literal) {
		if err != nil {
			return g.fail(err)
		}
		ok, err := path.Match(name, strings.TrimSuffix(e.Key[len(dir):], "/"))
		if err != nil {
			return g.fail(usagef("%s%s%s: the wildcards make no sense; \\ takes the meaning from one", g.bucket.URL(), dir, name))
		}
		switch {
		case !ok || len(rest) > 0 && !e.Dir:
			continue
		case len(rest) > 0:
			ok = g.expand(e.Key, rest)
		case e.Dir:
			ok = g.give(target{Location: storage.Location{Bucket: g.bucket, Prefix: e.Key}})
		default:
			ok = g.give(target{Location: storage.Location{Bucket: g.bucket, Prefix: e.Key}, object: &e.Object})
		}
		if !ok {
			return false
		}
	}
	return true
}

// deep yields the objects anywhere below dir that the names, which hold a **, match.
func (g *globbing) deep(dir string, names []string) bool {
	for o, err := range g.bucket.List(g.ctx, dir) {
		if err != nil {
			return g.fail(err)
		}
		ok, err := matchNames(names, strings.Split(o.Key[len(dir):], "/"))
		if err != nil {
			return g.fail(usagef("%s%s%s: the wildcards make no sense; \\ takes the meaning from one",
				g.bucket.URL(), dir, strings.Join(names, "/")))
		}
		if ok && !g.give(target{Location: storage.Location{Bucket: g.bucket, Prefix: o.Key}, object: &o}) {
			return false
		}
	}
	return true
}

// matchNames tells whether the names of a key match patterns, of which ** is any number of names.
func matchNames(patterns, names []string) (bool, error) {
	if len(patterns) == 0 || len(patterns) == 1 && patterns[0] == "" { // which asks for a directory
		return len(patterns) == 0 && len(names) == 0, nil
	}
	if patterns[0] == "**" {
		for i := range len(names) + 1 {
			if ok, err := matchNames(patterns[1:], names[i:]); ok || err != nil {
				return ok, err
			}
		}
		return len(patterns) == 1, nil
	}
	if len(names) == 0 {
		return false, nil
	}
	ok, err := path.Match(patterns[0], names[0])
	if !ok || err != nil {
		return false, err
	}
	return matchNames(patterns[1:], names[1:])
}

func (g *globbing) give(t target) bool {
	g.found = true
	return g.yield(t, nil)
}

// fail ends the expansion with an error.
func (g *globbing) fail(err error) bool {
	g.yield(target{}, absent(err))
	return false
}
