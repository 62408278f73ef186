package hiveql

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/storage"
)

// resources are the files of ADD FILE: copies in a directory in which the programs of TRANSFORM run, so
// that these find them by their names alone, as in Hive.
type resources struct {
	dir   string   // "" until there is one
	added []string // as ADD FILE named them, in order
	jars  []string // as ADD JAR named them, in order
}

// files is the directory of the copies.
func (r *resources) files() string { return filepath.Join(r.dir, "files") }

// resource runs ADD, LIST and DELETE of FILE and JAR.
func (s *Session) resource(ctx context.Context, r *Result, n *syntax.ShellCommand) error {
	words := resourceWords(n.Args)
	kind := ""
	if len(words) > 0 {
		kind = strings.ToUpper(words[0])
		words = words[1:]
	}
	isFile := kind == "FILE" || kind == "FILES"
	if kind == "JAR" || kind == "JARS" {
		s.jars(r, n.Command, words)
		return nil
	}
	switch {
	case n.Command == "add" && !isFile:
		e := unsupported(n, "ADD "+kind)
		e.Hint = "code for Java is not run; files for the programs of TRANSFORM are added with ADD FILE"
		return e
	case n.Command == "add":
		return s.addFiles(ctx, r, n, words)
	case n.Command == "delete" && isFile:
		return s.deleteFiles(words)
	case n.Command == "list" && isFile:
		var lines []string
		for _, name := range s.resources.added {
			if len(words) == 0 || slices.Contains(words, name) {
				lines = append(lines, name)
			}
		}
		r.showLines("resource", lines)
	}
	return nil
}

// jars runs ADD, LIST and DELETE JAR. Jars hold code for Java, which is not run here, so that only their names are kept:
// most scripts add those of SerDes that are known here anyway, and what is in the others is refused where it is used.
func (s *Session) jars(r *Result, command string, names []string) {
	res := &s.resources
	switch command {
	case "add":
		for _, name := range names {
			if !slices.Contains(res.jars, name) {
				res.jars = append(res.jars, name)
			}
			r.say("Added [" + name + "] to class path, of which nothing is run: SerDes and functions are those that hiveql has")
		}
	case "delete":
		res.jars = slices.DeleteFunc(res.jars, func(name string) bool { return len(names) == 0 || slices.Contains(names, name) })
	case "list":
		var lines []string
		for _, name := range res.jars {
			if len(names) == 0 || slices.Contains(names, name) {
				lines = append(lines, name)
			}
		}
		r.showLines("resource", lines)
	}
}

// resourceWords splits at white space, and takes quotes off.
func resourceWords(args string) []string {
	words := strings.Fields(args)
	for i, w := range words {
		if len(w) > 1 && (w[0] == '\'' || w[0] == '"') && w[len(w)-1] == w[0] {
			words[i] = w[1 : len(w)-1]
		}
	}
	return words
}

func (s *Session) addFiles(ctx context.Context, r *Result, n *syntax.ShellCommand, urls []string) error {
	if s.cfg.NoPrograms {
		return semantic(n, 0, "ADD FILE is for the programs of TRANSFORM, which are not run here")
	}
	for _, url := range urls {
		if err := s.addFile(ctx, url); err != nil {
			e := &Error{Phase: Execution, Code: 1, SQLState: "08S01", Msg: fmt.Sprintf("ADD FILE %s: %v", url, err), Pos: n.Pos(), Err: err}
			if errors.Is(err, storage.ErrNotExist) {
				e.Msg = url + " does not exist"
			}
			return e
		}
		r.say("Added resources: [" + url + "]")
	}
	return nil
}

// addFile copies a file of any store.
func (s *Session) addFile(ctx context.Context, url string) error {
	loc, err := s.cfg.Storage.Open(ctx, url)
	if err != nil {
		return err
	}
	in, err := loc.Bucket.Open(ctx, loc.Prefix, storage.ReadOptions{})
	if err != nil {
		return err
	}
	defer in.Close()
	res := &s.resources
	if res.dir == "" {
		dir, err := s.stagingDir()
		if err != nil {
			return err
		}
		if err := os.Mkdir(filepath.Join(dir, "files"), 0o700); err != nil {
			return errors.Join(err, removeStaging(dir))
		}
		res.dir = dir
	}
	tmp := filepath.Join(res.dir, "coming")
	out, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o700) // it may be a program
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Close()); err == nil {
		err = os.Rename(tmp, filepath.Join(res.files(), path.Base(loc.Prefix)))
	}
	if err == nil && !slices.Contains(res.added, url) {
		res.added = append(res.added, url)
	}
	return err
}

// deleteFiles forgets files, or without names all of them.
func (s *Session) deleteFiles(urls []string) error {
	var errs []error
	s.resources.added = slices.DeleteFunc(s.resources.added, func(url string) bool {
		if len(urls) > 0 && !slices.Contains(urls, url) {
			return false
		}
		errs = append(errs, os.Remove(filepath.Join(s.resources.files(), path.Base(url))))
		return true
	})
	return errors.Join(errs...)
}

// programDir is where the programs of TRANSFORM run; "" is the directory of this process.
func (s *Session) programDir() string {
	if len(s.resources.added) == 0 {
		return ""
	}
	return s.resources.files()
}

func (s *Session) removeResources() error {
	if s.resources.dir == "" {
		return nil
	}
	return removeStaging(s.resources.dir)
}
