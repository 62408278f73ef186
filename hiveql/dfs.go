package hiveql

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/storage"
)

// dfs runs `dfs -ls PATH` and its like on the stores that the session knows. But for local disks there
// are no directories in a store: one is there as long as something lies in it, so that -mkdir does
// nothing, and the directory of a listing has neither owner nor time.
func (s *Session) dfs(ctx context.Context, r *Result, n *syntax.ShellCommand) error {
	words, err := commandWords(n.Args)
	if err != nil {
		return dfsError(n, "%v", err)
	}
	if len(words) == 0 {
		return dfsError(n, "it needs an action, such as dfs -ls PATH")
	}
	d := dfsCall{s: s, n: n, action: words[0]}
	for _, w := range words[1:] {
		if strings.HasPrefix(w, "-") && len(w) > 1 {
			d.flags = append(d.flags, w)
		} else {
			d.paths = append(d.paths, w)
		}
	}
	lines, err := d.run(ctx)
	if err := errors.Join(err, d.changed(ctx)); err != nil {
		return err
	}
	r.showLines("DFS Output", lines)
	return nil
}

// changed lets the files of the tables be listed again that lie where the call may have changed
// something.
func (d *dfsCall) changed(ctx context.Context) error {
	switch d.action {
	case "-ls", "-lsr", "-cat", "-text", "-du", "-count", "-test", "-mkdir", "-rmdir", "-chmod", "-chown", "-chgrp", "-setrep":
		return nil
	}
	for _, p := range d.paths {
		if i := strings.IndexAny(p, "*?["); i >= 0 {
			p = p[:strings.LastIndexByte(p[:i], '/')+1]
		}
		loc, err := d.s.cfg.Storage.Open(ctx, p)
		if err != nil {
			return err
		}
		if err := d.s.untrackAt(ctx, loc.URL()); err != nil {
			return err
		}
	}
	return nil
}

func dfsError(n syntax.Node, format string, args ...any) *Error {
	e := semantic(n, 0, "dfs: "+format, args...)
	e.Phase, e.Code, e.Task = Execution, 1, ""
	return e
}

// dfsCall is one call of dfs.
type dfsCall struct {
	s            *Session
	n            *syntax.ShellCommand
	action       string
	flags, paths []string
}

func (d *dfsCall) flag(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(d.flags, n) })
}

func (d *dfsCall) run(ctx context.Context) ([]string, error) {
	want := map[string]int{"-cp": 2, "-mv": 2, "-put": 2, "-get": 2, "-copyFromLocal": 2, "-copyToLocal": 2,
		"-moveFromLocal": 2}[d.action]
	if want == 0 {
		want = 1
	}
	if len(d.paths) < want || want == 2 && len(d.paths) > 2 {
		return nil, dfsError(d.n, "%s takes %d path(s), not %d", d.action, want, len(d.paths))
	}
	switch d.action {
	case "-ls", "-lsr":
		return d.each(ctx, d.list)
	case "-cat":
		return d.each(ctx, d.cat)
	case "-text":
		return d.each(ctx, d.text)
	case "-du", "-count":
		return d.each(ctx, d.size)
	case "-rm", "-rmr":
		return d.each(ctx, d.remove)
	case "-touchz", "-touch":
		return d.each(ctx, d.touch)
	case "-test":
		return d.each(ctx, d.test)
	case "-mkdir", "-rmdir":
		return d.each(ctx, d.directory)
	case "-chmod", "-chown", "-chgrp", "-setrep":
		return nil, nil
	case "-cp", "-put", "-get", "-copyFromLocal", "-copyToLocal":
		return nil, d.copy(ctx, false)
	case "-mv", "-moveFromLocal":
		return nil, d.copy(ctx, true)
	}
	e := dfsError(d.n, "%s is not supported yet", d.action)
	e.SQLState, e.Err = "0A000", syntax.ErrUnsupported
	e.Hint = "there are -ls, -cat, -text, -du, -count, -cp, -mv, -put, -get, -rm, -mkdir, -rmdir, -touchz and -test"
	return nil, e
}

// directory makes or removes a directory, where the store has directories without anything in them.
func (d *dfsCall) directory(ctx context.Context, name string) ([]string, error) {
	loc, err := d.s.cfg.directory(ctx, name)
	if err != nil {
		return nil, err
	}
	dirs, ok := storage.As[storage.Directories](loc.Bucket)
	switch {
	case !ok:
		return nil, nil
	case d.action == "-mkdir":
		return nil, dirs.MakeDir(ctx, loc.Prefix)
	}
	err = dirs.RemoveDir(ctx, loc.Prefix)
	switch {
	case errors.Is(err, storage.ErrNotExist):
		return nil, dfsError(d.n, "rmdir: `%s': No such file or directory", name)
	case errors.Is(err, storage.ErrExist):
		return nil, dfsError(d.n, "rmdir: `%s': Directory is not empty", name)
	}
	return nil, err
}

func (d *dfsCall) each(ctx context.Context, fn func(context.Context, string) ([]string, error)) ([]string, error) {
	var all []string
	for _, p := range d.paths {
		lines, err := fn(ctx, p)
		if err != nil {
			return nil, err
		}
		all = append(all, lines...)
	}
	return all, nil
}

// found are the files that a path names: a file, everything below a directory, or what a pattern
// matches; root is what was named, with a slash behind a directory.
func (d *dfsCall) found(ctx context.Context, name string) (files []File, root storage.Location, err error) {
	root, err = d.s.cfg.Storage.Open(ctx, name)
	if err != nil {
		return nil, root, err
	}
	if strings.ContainsAny(root.Prefix, "*?[") {
		files, err = matching(ctx, root)
		return files, root, err
	}
	if root.Prefix != "" && !strings.HasSuffix(root.Prefix, "/") {
		o, err := statNamed(ctx, root)
		if err == nil {
			root.Prefix = o.Key
			return []File{{root.Bucket, o}}, root, nil
		}
		if !errors.Is(err, storage.ErrNotExist) && !errors.Is(err, storage.ErrInvalidKey) {
			return nil, root, err
		}
		root.Prefix += "/"
	}
	for o, err := range within(ctx, root) {
		if err != nil {
			return nil, root, err
		}
		files = append(files, File{root.Bucket, o})
	}
	return files, root, nil
}

func (d *dfsCall) mustFind(ctx context.Context, name string) ([]File, storage.Location, error) {
	files, root, err := d.found(ctx, name)
	if err == nil && len(files) == 0 {
		e := dfsError(d.n, "%s: `%s': No such file or directory", strings.TrimPrefix(d.action, "-"), name)
		e.Err = storage.ErrNotExist
		return nil, root, e
	}
	return files, root, err
}

// catLimit bounds the lines that dfs -cat shows, which are held in memory.
const catLimit = 1 << 20

func (d *dfsCall) cat(ctx context.Context, name string) ([]string, error) {
	files, _, err := d.mustFind(ctx, name)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, f := range files {
		if lines, err = appendLines(ctx, lines, f); err != nil {
			return nil, err
		}
		if len(lines) >= catLimit {
			return nil, dfsError(d.n, "%s has more than %d lines; look at it with another program", name, catLimit)
		}
	}
	return lines, nil
}

// text is cat for files that are text as they are.
func (d *dfsCall) text(ctx context.Context, name string) ([]string, error) {
	files, _, err := d.mustFind(ctx, name)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		switch ext := path.Ext(f.Object.Key); ext {
		case ".gz", ".bz2", ".zst", ".zstd", ".deflate", ".snappy", ".lz4", ".lzo", ".xz", ".parquet", ".orc", ".avro":
			e := dfsError(d.n, "-text of %s files is not supported yet: %s", ext, f.URL())
			e.SQLState, e.Err = "0A000", syntax.ErrUnsupported
			e.Hint = "make a table of them, and SELECT"
			return nil, e
		}
	}
	return d.cat(ctx, name)
}

func appendLines(ctx context.Context, lines []string, f File) ([]string, error) {
	r, err := f.Bucket.Open(ctx, f.Object.Key, storage.ReadOptions{IfMatch: f.Object.ETag})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	in := bufio.NewReader(r)
	for len(lines) < catLimit {
		line, err := in.ReadString('\n')
		if line != "" {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return lines, nil
}

func (d *dfsCall) size(ctx context.Context, name string) ([]string, error) {
	files, root, err := d.mustFind(ctx, name)
	if err != nil {
		return nil, err
	}
	var total int64
	var lines []string
	for _, f := range files {
		total += f.Object.Size
		lines = append(lines, fmt.Sprintf("%d  %s", f.Object.Size, f.URL()))
	}
	switch {
	case d.action == "-count":
		return []string{fmt.Sprintf("%12d %12d %18d %s", 0, len(files), total, root.URL())}, nil
	case d.flag("-s"):
		return []string{fmt.Sprintf("%d  %s", total, root.URL())}, nil
	}
	return lines, nil
}

func (d *dfsCall) remove(ctx context.Context, name string) ([]string, error) {
	files, root, err := d.found(ctx, name)
	if err != nil {
		return nil, err
	}
	deep := d.action == "-rmr" || d.flag("-r", "-R")
	if len(files) == 0 {
		switch there, err := hasDir(ctx, root); {
		case err != nil:
			return nil, err
		case there && deep:
			return []string{"Deleted " + strings.TrimSuffix(root.URL(), "/")}, removeDirs(ctx, root.Bucket, root.Prefix)
		case d.flag("-f"):
			return nil, nil
		}
		_, _, err := d.mustFind(ctx, name)
		return nil, err
	}
	if root.Prefix == "" || root.Prefix == "/" {
		return nil, dfsError(d.n, "%s is the root of a store; its objects are not removed", root.URL())
	}
	keys := make([]string, len(files))
	for i, f := range files {
		keys[i] = f.Object.Key
		if strings.HasSuffix(root.Prefix, "/") && !deep {
			return nil, dfsError(d.n, "rm: `%s': Is a directory", name)
		}
	}
	err = root.Bucket.Delete(ctx, keys...)
	if err == nil && strings.HasSuffix(root.Prefix, "/") {
		err = removeDirs(ctx, root.Bucket, root.Prefix)
	}
	return []string{"Deleted " + strings.TrimSuffix(root.URL(), "/")}, err
}

// hasDir reports whether there is a directory that need not have anything in it.
func hasDir(ctx context.Context, loc storage.Location) (bool, error) {
	dirs, ok := storage.As[storage.Directories](loc.Bucket)
	if !ok || strings.ContainsAny(loc.Prefix, "*?[") {
		return false, nil
	}
	return dirs.HasDir(ctx, loc.Prefix)
}

func (d *dfsCall) touch(ctx context.Context, name string) ([]string, error) {
	loc, err := d.s.cfg.Storage.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	w, err := loc.Bucket.Create(ctx, loc.Prefix, storage.CreateOptions{})
	if err != nil {
		return nil, err
	}
	defer w.Abort()
	_, err = w.Commit()
	return nil, err
}

func (d *dfsCall) test(ctx context.Context, name string) ([]string, error) {
	if !d.flag("-f", "-z", "-s") {
		loc, err := d.s.cfg.directory(ctx, name)
		if err != nil {
			return nil, err
		}
		if there, err := hasDir(ctx, loc); err != nil || there {
			return nil, err
		}
	}
	_, _, err := d.mustFind(ctx, name)
	return nil, err
}

// copy copies or moves a file, or everything below a directory. What goes into a directory, or
// where several things are copied, keeps its name.
func (d *dfsCall) copy(ctx context.Context, move bool) error {
	files, from, err := d.mustFind(ctx, d.paths[0])
	if err != nil {
		return err
	}
	existing, to, err := d.found(ctx, d.paths[1])
	if err != nil {
		return err
	}
	into := strings.HasSuffix(d.paths[1], "/") || len(existing) > 0 && strings.HasSuffix(to.Prefix, "/")
	base := strings.TrimSuffix(to.Prefix, "/")
	keys := make([]string, 0, len(files))
	for _, f := range files {
		target := base
		rest := strings.TrimPrefix(f.Object.Key, from.Prefix)
		switch {
		case strings.ContainsAny(from.Prefix, "*?[") && (into || len(files) > 1):
			target = path.Join(base, path.Base(f.Object.Key))
		case strings.HasSuffix(from.Prefix, "/") && into:
			target = path.Join(base, path.Base(from.Prefix), rest)
		case strings.HasSuffix(from.Prefix, "/"):
			target = path.Join(base, rest)
		case into:
			target = path.Join(base, path.Base(f.Object.Key))
		}
		if err := copyFile(ctx, f, to.Bucket, target); err != nil {
			return err
		}
		keys = append(keys, f.Object.Key)
	}
	if !move {
		return nil
	}
	return from.Bucket.Delete(ctx, keys...)
}

// commandWords cuts the text of a command into words, of which quotes hold blanks together.
func commandWords(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	var quote rune
	open := false
	for _, c := range text {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '\'' || c == '"':
			quote, open = c, true
		case strings.ContainsRune(" \t\r\n", c):
			if open || word.Len() > 0 {
				words = append(words, word.String())
			}
			word.Reset()
			open = false
		default:
			word.WriteRune(c)
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote is not closed")
	}
	if open || word.Len() > 0 {
		words = append(words, word.String())
	}
	return words, nil
}
