package storage

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Location is a place that a URL names: a Bucket and the prefix, or whole key, within it.
type Location struct {
	Bucket Bucket
	Prefix string
}

// URL is the URL of the location.
func (l Location) URL() string { return l.Bucket.URL() + l.Prefix }

// OpenFunc opens the bucket that host names: an S3 bucket, a block store volume, or "" for
// local files.
type OpenFunc func(ctx context.Context, host string) (Bucket, error)

// Opener turns URLs into buckets. Kinds of store are registered by the program that wants
// them; a bucket is opened once and shared. It is safe for concurrent use once set up.
type Opener struct {
	// DefaultFS is the URL that stands for hdfs:///, as "block://hdfs"; may be empty.
	DefaultFS string

	// LocalKey, if not nil, gives the key of a local file or directory for its absolute path,
	// which comes and goes without the slash in front. Otherwise they are the same.
	LocalKey func(path string) string

	schemes map[string]OpenFunc
	roots   map[string]RootsFunc

	mu   sync.Mutex
	open map[string]Bucket
}

// Register makes open the way to reach URLs of the given schemes.
func (o *Opener) Register(open OpenFunc, schemes ...string) {
	if o.schemes == nil {
		o.schemes = map[string]OpenFunc{}
	}
	for _, s := range schemes {
		o.schemes[s] = open
	}
}

// RootsFunc tells the names of all that an OpenFunc can open.
type RootsFunc func(ctx context.Context) ([]string, error)

// RegisterRoots makes names what there is of the stores of the given schemes.
func (o *Opener) RegisterRoots(names RootsFunc, schemes ...string) {
	if o.roots == nil {
		o.roots = map[string]RootsFunc{}
	}
	for _, s := range schemes {
		o.roots[s] = names
	}
}

// Roots are the URLs of all buckets, or volumes, that a URL such as "s3://" stands for, which names none
// of them. ok is false for any other URL.
func (o *Opener) Roots(ctx context.Context, url string) (urls []string, ok bool, err error) {
	scheme, rest, _ := strings.Cut(url, "://")
	if scheme = strings.ToLower(scheme); scheme == "s3a" || scheme == "s3n" {
		scheme = "s3"
	}
	names := o.roots[scheme]
	if names == nil || strings.Trim(rest, "/") != "" || !strings.Contains(url, "://") {
		return nil, false, nil
	}
	all, err := names(ctx)
	for _, name := range all {
		urls = append(urls, scheme+"://"+name+"/")
	}
	return urls, true, err
}

// URLError is why a text names no place, whatever there is.
type URLError struct{ Err error }

func (e *URLError) Error() string { return e.Err.Error() }

func (e *URLError) Unwrap() error { return e.Err }

// Open resolves s3://bucket/key (also s3a:// and s3n://), file:///path, a plain path,
// block://volume/path, and hdfs:///path by way of DefaultFS. Nothing need exist yet. What is no
// such URL is a *URLError.
func (o *Opener) Open(ctx context.Context, url string) (Location, error) {
	u, err := o.parse(url)
	if err != nil {
		if lower := strings.ToLower(url); strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://") {
			url, _, _ = strings.Cut(url, "?") // what follows may have a signature
		}
		return Location{}, &Error{Op: "open", URL: url, Err: &URLError{err}}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	id := u.scheme + "://" + u.host
	b, ok := o.open[id]
	if !ok {
		if b, err = o.schemes[u.scheme](ctx, u.host); err != nil {
			return Location{}, err
		}
		if o.open == nil {
			o.open = map[string]Bucket{}
		}
		o.open[id] = b
	}
	return Location{Bucket: b, Prefix: u.key}, nil
}

// Close closes every bucket that Open opened.
func (o *Opener) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var errs []error
	for _, b := range o.open {
		errs = append(errs, b.Close())
	}
	o.open = nil
	return errors.Join(errs...)
}

type parsedURL struct{ scheme, host, key string }

func (o *Opener) parse(url string) (parsedURL, error) {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		if url == "" {
			return parsedURL{}, errors.New("empty URL")
		}
		return o.parsePath(url)
	}
	scheme = strings.ToLower(scheme)
	switch scheme {
	case "file":
		host, path, _ := strings.Cut(rest, "/")
		if host != "" && host != "localhost" {
			return parsedURL{}, fmt.Errorf("file URLs name paths of this machine: write file:///%s", rest)
		}
		return o.local("/" + path)
	case "hdfs":
		if o.DefaultFS == "" {
			return parsedURL{}, errors.New("no file system stands for hdfs:// here; " +
				"set SKEP_DEFAULT_FS, for example to block://hdfs")
		}
		if strings.HasPrefix(strings.ToLower(o.DefaultFS), "hdfs:") {
			return parsedURL{}, errors.New("SKEP_DEFAULT_FS must not itself be an hdfs:// URL")
		}
		_, path, _ := strings.Cut(rest, "/") // hdfs://namenode:8020/path: the host does not matter
		return o.parse(strings.TrimSuffix(o.DefaultFS, "/") + "/" + path)
	case "s3a", "s3n":
		scheme = "s3"
	}
	if scheme == "http" || scheme == "https" {
		return parsedURL{}, webURL(scheme, rest)
	}
	if _, ok := o.schemes[scheme]; !ok {
		return parsedURL{}, fmt.Errorf("unknown scheme %q; use %s", scheme, strings.Join(o.known(), ", "))
	}
	host, key, _ := strings.Cut(rest, "/")
	if host == "" {
		return parsedURL{}, fmt.Errorf(
			"%s:// must be followed by a name and a slash, as in %s://name/path", scheme, scheme)
	}
	return parsedURL{scheme, host, key}, nil
}

// webURL is the error of a URL as browsers know it, which may be of an object, and signed.
func webURL(scheme, rest string) error {
	rest, _, _ = strings.Cut(rest, "?")
	host, path, _ := strings.Cut(rest, "/")
	return fmt.Errorf("unknown scheme %q; an object of S3 is s3://%s, and %s://%s its endpoint", scheme, path, scheme, host)
}

// parsePath parses what has no "://": a path, or file:/path and hdfs:/path, as Hadoop prints them. What
// looks like another URL with a slash too few is most likely not meant to be a directory called "s3:".
func (o *Opener) parsePath(text string) (parsedURL, error) {
	name, rest, ok := strings.Cut(text, ":")
	scheme := strings.ToLower(name)
	if _, known := o.schemes[scheme]; !ok || !known && !slices.Contains([]string{"hdfs", "s3a", "s3n"}, scheme) {
		return o.local(text)
	}
	root := ""
	switch {
	case scheme != "file" && scheme != "hdfs":
	case !strings.HasPrefix(rest, "/"):
		root = "/"
	case scheme == "file":
		return o.local(rest)
	default:
		return o.parse("hdfs://" + rest)
	}
	return parsedURL{}, fmt.Errorf("two slashes follow a scheme, as in %s://%s; ./%s is a local file", name, root+strings.TrimLeft(rest, "/"), text)
}

func (o *Opener) local(path string) (parsedURL, error) {
	if _, ok := o.schemes["file"]; !ok {
		return parsedURL{}, fmt.Errorf("unknown scheme %q; use %s", "file", strings.Join(o.known(), ", "))
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return parsedURL{}, err
	}
	key := strings.TrimPrefix(filepath.ToSlash(abs), "/")
	last := path[strings.LastIndexByte(path, '/')+1:]
	isDir := last == "" || last == "." || last == ".." // Abs cleans it away, but to a listing it matters
	if o.LocalKey != nil {
		of := o.LocalKey(key)
		if key != "" && !isDir && (of == "" || strings.HasSuffix(of, "/")) {
			return parsedURL{}, fmt.Errorf("the file /%s is an object without a name; end a directory with a slash", key)
		}
		key = of
	}
	if key != "" && isDir {
		key += "/"
	}
	return parsedURL{"file", "", key}, nil
}

func (o *Opener) known() []string {
	var names []string
	for s := range o.schemes {
		names = append(names, s+"://")
	}
	slices.Sort(names)
	return names
}
