package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"

	"github.com/skepdata/skep/internal/config"
	"github.com/skepdata/skep/storage/rangecache"
)

const cacheHelp = `hiveql cache looks after the cache of what queries have read of far files.

  hiveql cache ls       what is kept of each object, what was used last first
  hiveql cache stats    how much that is
  hiveql cache clear    remove all that no process uses

  --config FILE is as for hiveql itself. The size of the cache is hiveql's --cache-mib.

Exit codes: 0 done, 1 failed, 2 wrong usage.
`

func cacheFlags(file *string) *pflag.FlagSet {
	fs := newFlags("cache")
	fs.StringVar(file, "config", "", configUsage)
	return fs
}

// cache runs hiveql cache.
func (p *program) cache(_ context.Context, args []string) error {
	var file string
	fs := cacheFlags(&file)
	if err := fs.Parse(args); errors.Is(err, pflag.ErrHelp) || err == nil && fs.NArg() == 0 {
		_, err = io.WriteString(p.stdout, cacheHelp)
		return err
	} else if err != nil {
		return usagef("cache: %v", err)
	}
	run, ok := map[string]func(dir string) error{
		"ls": p.cacheList, "stats": p.cacheStats, "clear": p.cacheClear,
	}[fs.Arg(0)]
	switch {
	case !ok:
		return usagef("cache: there is no command %q; there are ls, stats and clear", fs.Arg(0))
	case fs.NArg() > 1:
		return usagef("cache %s: unexpected argument %q", fs.Arg(0), fs.Arg(1))
	}
	cfg, err := config.Load(config.Source{Getenv: p.getenv, File: file})
	if err != nil {
		return err
	}
	return run(cacheDir(cfg))
}

// cacheDir is where the cache is.
func cacheDir(cfg *config.Config) string { return filepath.Join(cfg.CacheDir, "objects") }

// cacheEntries lists the cache; one that has not been made is empty.
func cacheEntries(dir string) ([]rangecache.Entry, error) {
	list, err := rangecache.Entries(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return list, err
}

func (p *program) cacheList(dir string) error {
	list, err := cacheEntries(dir)
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b rangecache.Entry) int { return cmp.Or(b.Used.Compare(a.Used), cmp.Compare(a.URL, b.URL)) })
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "KEPT\tOF\tUSED\tOBJECT")
	for _, e := range list {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", bytesText(e.Kept), bytesText(e.Size), e.Used.Format(time.DateTime), cmp.Or(e.URL, "?"))
	}
	return t.Flush()
}

func (p *program) cacheStats(dir string) error {
	list, err := cacheEntries(dir)
	if err != nil {
		return err
	}
	var kept, size int64
	for _, e := range list {
		kept += e.Kept
		size += e.Size
	}
	_, err = fmt.Fprintf(p.stdout, "%s: %s of %d object(s), which have %s\n", dir, bytesText(kept), len(list), bytesText(size))
	return err
}

func (p *program) cacheClear(dir string) error {
	freed, stays, err := rangecache.Clear(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	fmt.Fprintf(p.stdout, "%s freed\n", bytesText(freed))
	if stays > 0 {
		fmt.Fprintf(p.stdout, "%s stay, because a process uses them\n", bytesText(stays))
	}
	return nil
}
