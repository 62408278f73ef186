package hiveqltest_test

import (
	"context"
	"flag"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/duck"
	"github.com/skepdata/skep/hiveql/hiveqltest"
	"github.com/skepdata/skep/internal/config"
	"github.com/skepdata/skep/metastore/sqlstore"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/rangecache"
	"github.com/skepdata/skep/testenv"
)

var rewrite = flag.Bool("rewrite", false, "replace the expected results in the .slt files by those found")

// now is the clock of the scripts.
var now = time.Date(2024, 2, 29, 13, 14, 15, 0, time.UTC)

// target builds an engine on DuckDB, SQLite and the given warehouse.
func target(t testing.TB, exec hiveql.Executor, warehouse string, env map[string]string) hiveqltest.Target {
	t.Helper()
	dir := t.TempDir()
	env["XDG_DATA_HOME"], env["XDG_CACHE_HOME"], env["XDG_CONFIG_HOME"] = dir, dir, dir
	cfg, err := config.Load(config.Source{Getenv: func(k string) string { return env[k] }})
	if err != nil {
		t.Fatal(err)
	}
	opener := cfg.Opener()
	t.Cleanup(func() { opener.Close() })
	store, err := sqlstore.Open(t.Context(), cfg.Metastore)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	cache, err := rangecache.Open(filepath.Join(dir, "cache"), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cache.Close() })
	data, err := filepath.Abs("../testdata/data")
	if err != nil {
		t.Fatal(err)
	}
	return hiveqltest.Target{
		Engine: hiveql.New(hiveql.Config{
			Store: store, Storage: opener, Executor: exec, Cache: cache, Warehouse: warehouse, StagingDir: dir,
			User: "hive", Now: func() time.Time { return now },
			Getenv: func(string) (string, bool) { return "", false },
		}),
		Vars: map[string]string{"warehouse": warehouse, "data": data},
		Put: func(ctx context.Context, url, content string) error {
			return put(ctx, opener, url, content)
		},
	}
}

func put(ctx context.Context, opener *storage.Opener, url, content string) error {
	loc, err := opener.Open(ctx, url)
	if err != nil {
		return err
	}
	w, err := loc.Bucket.Create(ctx, loc.Prefix, storage.CreateOptions{})
	if err != nil {
		return err
	}
	defer w.Abort()
	if _, err := io.Copy(w, strings.NewReader(content)); err != nil {
		return err
	}
	_, err = w.Commit()
	return err
}

func executor(t testing.TB) hiveql.Executor {
	t.Helper()
	exec, err := duck.Open(duck.Config{Threads: 2, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { exec.Close() })
	return exec
}

func TestFiles(t *testing.T) {
	exec := executor(t)
	hiveqltest.Run(t, "../testdata", hiveqltest.Config{Rewrite: *rewrite, New: func(t testing.TB) hiveqltest.Target {
		return target(t, exec, "file://"+filepath.ToSlash(t.TempDir())+"/wh", map[string]string{})
	}})
}

func TestBlockStore(t *testing.T) {
	exec := executor(t)
	hiveqltest.Run(t, "../testdata", hiveqltest.Config{New: func(t testing.TB) hiveqltest.Target {
		return target(t, exec, "block://lake/wh", map[string]string{"SKEP_BLOCK_ROOT": t.TempDir()})
	}})
}

func TestS3(t *testing.T) {
	exec := executor(t)
	hiveqltest.Run(t, "../testdata", hiveqltest.Config{New: func(t testing.TB) hiveqltest.Target {
		s3 := testenv.MinIO(t)
		env := map[string]string{}
		for _, line := range s3.Env() {
			k, v, _ := strings.Cut(line, "=")
			env[k] = v
		}
		return target(t, exec, "s3://"+s3.Bucket+"/wh", env)
	}})
}
