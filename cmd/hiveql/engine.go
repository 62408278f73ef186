package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/duck"
	"github.com/skepdata/skep/internal/config"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/hms"
	"github.com/skepdata/skep/metastore/sqlstore"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/rangecache"
)

// opened is an engine with what it works on.
type opened struct {
	engine *hiveql.Engine
	store  metastore.Store
	close  func() error
}

// openEngine opens everything that the configuration names. adjust may change what the engine is
// made of.
func (p *program) openEngine(ctx context.Context, o *options, adjust func(*hiveql.Config)) (*opened, error) {
	warehouse := o.warehouse
	if warehouse == "" {
		warehouse = o.hiveconf["hive.metastore.warehouse.dir"]
	}
	cfg, err := config.Load(config.Source{Getenv: p.getenv, File: o.config, Overrides: map[string]string{
		"metastore": o.metastore, "warehouse": warehouse,
	}})
	if err != nil {
		return nil, err
	}
	store, err := openMetastore(ctx, cfg.Metastore)
	if err != nil {
		return nil, err
	}
	opener := cfg.Opener()
	exec := &lazyExecutor{open: func() (hiveql.Executor, error) { return duck.Open(duck.Config{}) }}
	objects, closeCache, err := openCache(cacheDir(cfg), o.cacheSize<<20)
	if err != nil {
		return nil, errors.Join(err, store.Close(), opener.Close())
	}
	// The warehouse is kept as a URL, whatever way it was written.
	loc, err := opener.Open(ctx, cfg.Warehouse)
	if err != nil {
		return nil, errors.Join(err, store.Close(), opener.Close(), closeCache())
	}
	made := hiveql.Config{
		StagingDir: o.hiveconf["temp_directory"],
		Store:      store, Storage: opener, Executor: exec, Cache: objects, Warehouse: loc.URL(),
		Settings: o.hiveconf, Variables: o.hivevar,
		Getenv: func(name string) (string, bool) {
			v := p.getenv(name)
			return v, v != ""
		},
	}
	if adjust != nil {
		adjust(&made)
	}
	return &opened{engine: hiveql.New(made), store: store, close: func() error {
		return errors.Join(exec.Close(), closeCache(), store.Close(), opener.Close())
	}}, nil
}

// openMetastore opens the database of a metastore, or connects to one that is served.
func openMetastore(ctx context.Context, url string) (metastore.Store, error) {
	if strings.HasPrefix(url, "thrift://") {
		return hms.Open(ctx, url)
	}
	return sqlstore.Open(ctx, url)
}

// scriptOpener opens the stores in which scripts may lie, where no engine is needed.
func (p *program) scriptOpener(o *options) (*storage.Opener, func()) {
	cfg, err := config.Load(config.Source{Getenv: p.getenv, File: o.config})
	if err != nil {
		return &storage.Opener{}, func() {} // a URL is then of an unknown store, and said to be
	}
	opener := cfg.Opener()
	return opener, func() { _ = opener.Close() }
}

// memoryCache is the size of the cache in memory, in bytes.
const memoryCache = 512 << 20

// openCache opens the cache of fetched objects, in a temporary directory where the usual one
// cannot be written. Without a size it is in memory, where the system has files in memory, and
// goes when it is closed.
func openCache(dir string, size int64) (*rangecache.Cache, func() error, error) {
	if size == 0 {
		return openMemory()
	}
	cache, err := rangecache.Open(dir, size)
	if err != nil {
		cache, err = rangecache.Open(filepath.Join(os.TempDir(), "skep-objects"), size)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w (cache_dir in skep.toml or XDG_CACHE_HOME names another directory; --cache-mib 0 needs none)", err)
	}
	return cache, cache.Close, nil
}

func openMemory() (*rangecache.Cache, func() error, error) {
	dir, err := os.MkdirTemp("/dev/shm", "skep-objects-")
	if err != nil {
		dir, err = os.MkdirTemp("", "skep-objects-")
	}
	if err != nil {
		return nil, nil, err
	}
	cache, err := rangecache.Open(dir, memoryCache)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return cache, func() error { return errors.Join(cache.Close(), os.RemoveAll(dir)) }, nil
}

// lazyExecutor opens the query engine at the first query: DDL does not pay for it.
type lazyExecutor struct {
	open func() (hiveql.Executor, error)

	mu   sync.Mutex
	exec hiveql.Executor
}

func (l *lazyExecutor) get() (hiveql.Executor, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.exec != nil {
		return l.exec, nil
	}
	exec, err := l.open()
	if err == nil {
		l.exec = exec
	}
	return exec, err
}

// Query runs a query.
func (l *lazyExecutor) Query(ctx context.Context, q *analysis.Query, src hiveql.Source) (hiveql.Rows, error) {
	exec, err := l.get()
	if err != nil {
		return nil, err
	}
	return exec.Query(ctx, q, src)
}

// Write runs a query that writes files.
func (l *lazyExecutor) Write(ctx context.Context, q *analysis.Query, src hiveql.Source, out hiveql.Output) error {
	exec, err := l.get()
	if err != nil {
		return err
	}
	return exec.Write(ctx, q, src, out)
}

// ParquetColumns looks at a file.
func (l *lazyExecutor) ParquetColumns(ctx context.Context, path string) ([]metastore.Column, error) {
	exec, err := l.get()
	if err != nil {
		return nil, err
	}
	return exec.ParquetColumns(ctx, path)
}

// SetLimits opens the engine: it is called when a query is to run.
func (l *lazyExecutor) SetLimits(limits hiveql.Limits) error {
	exec, err := l.get()
	if err != nil {
		return err
	}
	return exec.SetLimits(limits)
}

// Close closes the engine if it was opened.
func (l *lazyExecutor) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.exec == nil {
		return nil
	}
	return l.exec.Close()
}
