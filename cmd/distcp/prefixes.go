package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/skepdata/skep/storage"
)

// readPrefixes reads the file of --srcPrefixesFile: a URL a line, each below src. The result is
// relative to src; it is empty for an empty file, which means all of src.
func readPrefixes(ctx context.Context, opener *storage.Opener, url, src string) ([]string, error) {
	r, err := openList(ctx, opener, url)
	if err != nil {
		return nil, unreadable("--srcPrefixesFile", err)
	}
	defer r.Close()
	dir := strings.TrimSuffix(oneScheme(src), "/") + "/"
	var prefixes []string
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		rest, ok := strings.CutPrefix(oneScheme(line), dir)
		if !ok {
			return nil, usagef("--srcPrefixesFile: %s: line %d: %q does not begin with --src, %s", url, n, line, strings.TrimSuffix(src, "/")+"/")
		}
		prefixes = append(prefixes, rest)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("--srcPrefixesFile: %s: %w", url, err)
	}
	return prefixes, nil
}

// unreadable is an error of a file that an option names: what is not there is a mistake on the
// command line.
func unreadable(flag string, err error) error {
	if errors.Is(err, storage.ErrNotExist) || errors.Is(err, storage.ErrPermission) {
		return usagef("%s: %v", flag, err)
	}
	return fmt.Errorf("%s: %w", flag, err)
}

// openList opens a file that an option names. It may be a pipe, as shells make them of commands: <(find ...).
func openList(ctx context.Context, opener *storage.Opener, url string) (io.ReadCloser, error) {
	at, err := opener.Open(ctx, url)
	if err != nil {
		return nil, err
	}
	if at.Bucket.URL() == "file:///" {
		if info, err := os.Stat(localPath(at)); err == nil && !info.IsDir() && !info.Mode().IsRegular() {
			return os.Open(localPath(at))
		}
	}
	return at.Bucket.Open(ctx, at.Prefix, storage.ReadOptions{})
}
