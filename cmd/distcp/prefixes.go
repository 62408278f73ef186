package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/skepdata/skep/storage"
)

// readPrefixes reads the file of --srcPrefixesFile: a URL a line, each below src. The result is
// relative to src; it is empty for an empty file, which means all of src.
func readPrefixes(ctx context.Context, opener *storage.Opener, url, src string) ([]string, error) {
	at, err := opener.Open(ctx, url)
	if err != nil {
		return nil, err
	}
	r, err := at.Bucket.Open(ctx, at.Prefix, storage.ReadOptions{})
	if err != nil {
		return nil, fmt.Errorf("--srcPrefixesFile: %w", err)
	}
	defer r.Close()
	dir := strings.TrimSuffix(src, "/") + "/"
	var prefixes []string
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		rest, ok := strings.CutPrefix(line, dir)
		if !ok {
			return nil, fmt.Errorf("--srcPrefixesFile: %s: line %d: %q does not begin with --src, %s", at.URL(), n, line, dir)
		}
		prefixes = append(prefixes, rest)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("--srcPrefixesFile: %s: %w", at.URL(), err)
	}
	return prefixes, nil
}
