package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/duck"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/config"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/sqlstore"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/rangecache"
	"github.com/skepdata/skep/testenv"
)

// The databases of the metastore.
const (
	localDatabase = "nearby"
	farDatabase   = "faraway"
)

// cacheBytes is more than all data.
const cacheBytes = 1 << 40

// lake is hiveql over the data, nearby and far away.
type lake struct {
	dir       string // for caches
	databases []string
	cfg       *config.Config
	store     metastore.Store
	exec      *duck.Executor
	warm      *reader
}

// reader is hiveql with a cache and with connections of its own.
type reader struct {
	opener *storage.Opener
	cache  *rangecache.Cache
	dir    string
	engine *hiveql.Engine
}

// openLake declares the tables in a metastore; those in S3 only if there is a server.
func openLake(ctx context.Context, tmp string, d *data, s3 *testenv.S3, threads int) (_ *lake, err error) {
	env := map[string]string{"XDG_DATA_HOME": tmp, "XDG_CACHE_HOME": tmp, "XDG_CONFIG_HOME": tmp}
	l := &lake{dir: tmp, databases: []string{localDatabase}}
	if s3 != nil {
		l.databases = append(l.databases, farDatabase)
		for _, line := range s3.Env() {
			k, v, _ := strings.Cut(line, "=")
			env[k] = v
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	if l.cfg, err = config.Load(config.Source{Getenv: func(k string) string { return env[k] }}); err != nil {
		return nil, err
	}
	if l.store, err = sqlstore.Open(ctx, l.cfg.Metastore); err != nil {
		return nil, err
	}
	if l.exec, err = duck.Open(duck.Config{Threads: threads, TempDir: tmp}); err != nil {
		return nil, err
	}
	if l.warm, err = l.reader(); err != nil {
		return nil, err
	}
	below := map[string]string{localDatabase: "file://" + d.dir, farDatabase: d.far()}
	for _, database := range l.databases {
		script := "CREATE DATABASE " + database + "; USE " + database + ";"
		for _, t := range d.tables {
			script += t.create(below[database]) + ";\n"
		}
		for _, err := range l.warm.engine.NewSession().Execute(ctx, script) {
			if err != nil {
				return nil, fmt.Errorf("declare the tables: %w", err)
			}
		}
	}
	return l, nil
}

// reader opens an empty cache.
func (l *lake) reader() (*reader, error) {
	dir, err := os.MkdirTemp(l.dir, "cache-")
	if err != nil {
		return nil, err
	}
	r := &reader{dir: dir, opener: l.cfg.Opener()}
	if r.cache, err = rangecache.Open(dir, cacheBytes); err != nil {
		return nil, errors.Join(err, r.close())
	}
	r.engine = hiveql.New(hiveql.Config{Store: l.store, Storage: r.opener, Executor: l.exec, Cache: r.cache,
		Warehouse: "file://" + filepath.Join(l.dir, "warehouse"), StagingDir: l.dir})
	return r, nil
}

func (r *reader) close() error {
	var err error
	if r.cache != nil {
		err = r.cache.Close()
	}
	return errors.Join(err, r.opener.Close(), os.RemoveAll(r.dir))
}

func (l *lake) close() error {
	var err error
	if l.warm != nil {
		err = l.warm.close()
	}
	if l.exec != nil {
		err = errors.Join(err, l.exec.Close())
	}
	if l.store != nil {
		err = errors.Join(err, l.store.Close())
	}
	return err
}

// run runs a query in a database and reads its rows; each is called for them, if it is not nil.
func (r *reader) run(ctx context.Context, database, sql string, each func(hiveql.Rows)) (time.Duration, hiveql.Stats, error) {
	s := r.engine.NewSession()
	for _, err := range s.Execute(ctx, "USE "+database) {
		if err != nil {
			return 0, hiveql.Stats{}, err
		}
	}
	start := time.Now()
	var stats hiveql.Stats
	for result, err := range s.Execute(ctx, sql) {
		if err != nil {
			return 0, stats, err
		}
		for result.Rows.Next() {
			if each != nil {
				each(result.Rows)
			}
		}
		if err := result.Rows.Err(); err != nil {
			return 0, stats, err
		}
		stats = result.Stats()
	}
	return time.Since(start), stats, s.Close(ctx)
}

// rows runs a query and returns its rows as text.
func (r *reader) rows(ctx context.Context, database, sql string) ([][]string, error) {
	var rows [][]string
	_, _, err := r.run(ctx, database, sql, func(rs hiveql.Rows) {
		row := make([]string, len(rs.Columns()))
		for i, v := range rs.Row() {
			row[i] = "NULL"
			if v != nil {
				row[i] = string(hivetype.AppendText(nil, v, rs.Columns()[i].Type))
			}
		}
		rows = append(rows, row)
	})
	return rows, err
}
