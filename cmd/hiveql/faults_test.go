package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/skepdata/skep/storage/s3store"
	"github.com/skepdata/skep/testenv"
)

// installFar is an installation whose warehouse is in S3, behind a proxy.
func installFar(t *testing.T, s3 *testenv.S3) (*installation, *testenv.Proxy) {
	t.Helper()
	i := install(t)
	proxy := testenv.NewProxy(t, s3)
	i.more = append(proxy.Env(), "TMPDIR="+i.tmp())
	i.flags = []string{"--warehouse", s3.URL("wh"), "--hiveconf", "skep.vacuum.grace=0s"}
	return i, proxy
}

// tmp is the directory for temporary files of the installation's runs.
func (i *installation) tmp() string {
	dir := filepath.Join(i.dir, "tmp")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		i.t.Fatal(err)
	}
	return dir
}

// try runs statements and gives the lines they print, sorted, or what was wrong.
func (i *installation) try(sql string) ([]string, error) {
	cmd, stdout, stderr := i.command(i.t.Context(), sql)
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, stderr)
	}
	lines := strings.Split(strings.TrimSuffix(stdout.String(), "\n"), "\n")
	slices.Sort(lines)
	return lines, nil
}

// wantNothingLeft fails where a bucket has uploads that were not ended, or other files than those
// named by the tables, and where the runs have left temporary files.
func (i *installation) wantNothingLeft(s3 *testenv.S3, tables ...string) {
	i.t.Helper()
	c, err := s3store.New(s3.Config())
	if err != nil {
		i.t.Fatal(err)
	}
	defer c.Close()
	b := c.Bucket(s3.Bucket)
	for u, err := range b.Uploads(i.t.Context(), "") {
		if err != nil {
			i.t.Fatal(err)
		}
		i.t.Errorf("the upload of %s was not ended", u.Key)
	}
	known := map[string]bool{}
	for _, table := range tables {
		for _, url := range i.run("SELECT DISTINCT INPUT__FILE__NAME FROM " + table) {
			known[strings.TrimPrefix(url, s3.URL(""))] = true
		}
	}
	for o, err := range b.List(i.t.Context(), "wh/") {
		if err != nil {
			i.t.Fatal(err)
		}
		if !known[o.Key] {
			i.t.Errorf("%s is left", o.Key)
		}
	}
	if left, err := os.ReadDir(i.tmp()); err != nil || len(left) > 0 {
		i.t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestFullDisk runs statements that find no room on the disk, for a file must not be larger than 4
// MiB: of what is written, of what is spilled, and of what is kept of far files. They say so, nothing
// is seen of what they began, and nothing is left.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	s3 := testenv.MinIO(t)
	i, _ := installFar(t, s3)
	const numbers = "SELECT pos, sha2(cast(pos AS STRING), 512) AS a FROM (SELECT posexplode(split(space(149999), ' ')) AS (pos, v)) x"
	i.run("CREATE TABLE t (i INT, a STRING) STORED AS PARQUET; CREATE TABLE p (i INT) PARTITIONED BY (a STRING) STORED AS PARQUET; INSERT INTO t " + numbers)
	want := i.run("SELECT count(*), max(a) FROM t")
	i.bin, i.flags = "/bin/sh", append([]string{"-c", `ulimit -f 8192; exec "$0" "$@"`, i.bin}, i.flags...)
	for _, c := range []struct{ sql, want string }{
		{"INSERT INTO t " + numbers, "no space left on the disk"},
		{"INSERT OVERWRITE TABLE t " + numbers, "no space left on the disk"},
		{"CREATE TABLE c STORED AS TEXTFILE AS " + numbers, "file too large"},
		{"SET memory_limit=60MB; SELECT a, row_number() OVER (ORDER BY a DESC) FROM (" + numbers + " UNION ALL " + numbers + ") n ORDER BY a LIMIT 1", "no space left on the disk"},
		{"SELECT count(*), max(a) FROM t", "large"},
	} {
		got, err := i.try(c.sql)
		switch {
		case err == nil && !slices.Equal(got, want):
			t.Errorf("%s: %q", c.sql, got)
		case err != nil && (!strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "FAILED:")):
			t.Errorf("%s: %v; want %q", c.sql, err, c.want)
		}
	}
	i.bin, i.flags = i.flags[2], i.flags[3:]
	if got := i.run("SELECT count(*), max(a) FROM t"); !slices.Equal(got, want) {
		t.Errorf("in the end: %q, want %q", got, want)
	}
	i.wantNothingLeft(s3, "t")
}

// TestWritingThroughTrouble writes in every way while the server is busy, connections break, and bits of
// what is sent change.
// What is read after each statement is what was there before it, or what it should make.
func TestWritingThroughTrouble(t *testing.T) {
	t.Parallel()
	for round := range soakRounds(t, 1) {
		t.Run(fmt.Sprint(round), func(t *testing.T) { writeThroughTrouble(t, uint64(round)) })
	}
}

func writeThroughTrouble(t *testing.T, round uint64) {
	s3 := testenv.MinIO(t)
	i, proxy := installFar(t, s3)
	file := filepath.Join(i.dir, "more.txt")
	if err := os.WriteFile(file, []byte("7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	i.run("CREATE TABLE t (a INT); INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); CREATE TABLE p (a INT) PARTITIONED BY (ds STRING) STORED AS PARQUET")
	rows := map[string][]string{"t": {"1", "2"}, "p": nil, "c": nil}
	add := func(table string, more ...string) func() {
		return func() { rows[table] = append(rows[table], more...) }
	}
	failed := 0
	for n, step := range []struct {
		table, sql string
		then       func()
	}{
		{"t", "INSERT INTO t VALUES (3)", add("t", "3")},
		{"t", "LOAD DATA LOCAL INPATH '" + file + "' INTO TABLE t", add("t", "7")},
		{"t", "OPTIMIZE TABLE t", func() {}},
		{"p", "INSERT INTO p PARTITION (ds) SELECT a, concat('d', a % 3) FROM t", func() { rows["p"] = slices.Concat(rows["p"], rows["t"]) }},
		{"p", "INSERT OVERWRITE TABLE p PARTITION (ds) VALUES (10, 'd0'), (11, 'd1'), (12, 'd2')", func() { rows["p"] = []string{"10", "11", "12"} }},
		{"p", "INSERT INTO p PARTITION (ds) VALUES (13, 'd0'), (14, 'd1'), (15, 'd2')", add("p", "13", "14", "15")},
		{"p", "OPTIMIZE TABLE p", func() {}},
		{"c", "CREATE TABLE c AS SELECT a FROM t", func() { rows["c"] = slices.Clone(rows["t"]) }},
		{"t", "INSERT OVERWRITE TABLE t SELECT a FROM p", func() { rows["t"] = slices.Clone(rows["p"]) }},
	} {
		proxy.SetFaults(testenv.Faults{
			Busy: 0.05, CutUp: 0.05, CutDown: 0.05, LostAnswer: 0.05, Truncate: 0.02, FlipUp: 0.05, Seed: round*100 + uint64(n),
		})
		_, err := i.try(step.sql)
		proxy.SetFaults(testenv.Faults{})
		before := slices.Sorted(slices.Values(rows[step.table]))
		made, readErr := i.try("SELECT a FROM " + step.table)
		if readErr != nil && step.table == "c" { // which is not there
			made = nil
		} else if readErr != nil {
			t.Fatal(readErr)
		}
		was := slices.Clone(rows[step.table])
		step.then()
		after := slices.Sorted(slices.Values(rows[step.table]))
		if err == nil && !slices.Equal(made, after) || !slices.Equal(made, after) && !slices.Equal(made, before) {
			t.Fatalf("after %s (%v): %q; before %q", step.sql, err, made, before)
		}
		if err != nil {
			failed++
			t.Logf("%s: %v", step.sql, err)
		}
		if !slices.Equal(made, after) {
			rows[step.table] = was
			i.run(step.sql)
			step.then()
		}
	}
	t.Logf("%d statements failed; %v", failed, proxy.Injected())
	i.run("INSERT INTO t VALUES (20); INSERT INTO p PARTITION (ds='d0') VALUES (20)")
	i.wantNothingLeft(s3, "t", "p", "c")
}

// TestServerStops ends the server when it is to get a file. The statement says which place it could not
// reach, and when the server is back the table is what it was, and can be written to.
func TestServerStops(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start := func() *testenv.S3Server {
		server, err := testenv.StartMinIO(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		server.Bucket = "stopping"
		t.Cleanup(func() { _ = server.Stop() }) // which is nothing for one that has ended
		return server
	}
	server := start()
	if err := server.MakeBucket(t.Context(), server.Bucket); err != nil {
		t.Fatal(err)
	}
	i, proxy := installFar(t, &server.S3)
	i.run("CREATE TABLE t (a INT) PARTITIONED BY (ds STRING); INSERT INTO t PARTITION (ds) VALUES (1, 'x'), (2, 'y')")
	var once sync.Once
	proxy.Change(func(r *http.Request) {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/wh/t/") {
			once.Do(func() {
				if err := server.Stop(); err != nil {
					t.Error(err)
				}
			})
		}
	}, nil)
	const sql = "INSERT OVERWRITE TABLE t PARTITION (ds) VALUES (3, 'x'), (4, 'z')"
	if _, err := i.try(sql); err == nil || !strings.Contains(err.Error(), "s3://stopping/wh/t/") {
		t.Errorf("without the server: %v", err)
	}
	server = start()
	i.more = append(server.Env(), "TMPDIR="+i.tmp())
	if got := i.run("SELECT a, ds FROM t"); !slices.Equal(got, []string{"1\tx", "2\ty"}) {
		t.Errorf("when it is back: %q", got)
	}
	i.run(sql)
	if got := i.run("SELECT a, ds FROM t"); !slices.Equal(got, []string{"2\ty", "3\tx", "4\tz"}) {
		t.Errorf("written again: %q", got)
	}
	i.wantNothingLeft(&server.S3, "t")
}

// TestCopiesThroughRestart kills the server at the first copy that a statement has it make, and starts it
// again when the copy is asked for a seventh time, which is more often than a client of S3 does by itself.
// The statement does not fail.
func TestCopiesThroughRestart(t *testing.T) {
	t.Parallel()
	server, err := testenv.StartMinIO(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	server.Bucket = "restarted"
	if err := server.MakeBucket(t.Context(), server.Bucket); err != nil {
		t.Fatal(err)
	}
	i, proxy := installFar(t, &server.S3)
	i.run("CREATE TABLE t (a INT) PARTITIONED BY (ds STRING); INSERT INTO t PARTITION (ds='x') VALUES (1)")
	for _, c := range []struct{ sql, table string }{
		{"EXPORT TABLE t TO '" + server.URL("out") + "'", "t"},
		{"IMPORT TABLE i FROM '" + server.URL("out") + "'", "i"},
	} {
		var mu sync.Mutex
		copies := 0
		proxy.Change(func(r *http.Request) {
			if r.Method != http.MethodPut || r.Header.Get("X-Amz-Copy-Source") == "" {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			var err error
			switch copies++; copies {
			case 1:
				err = server.Kill()
			case 7:
				err = server.Restart(t.Context())
			}
			if err != nil {
				t.Error(err)
			}
		}, nil)
		_, err := i.try(c.sql)
		proxy.Change(nil, nil)
		if copies < 7 {
			if err := server.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		if got := i.run("SELECT a, ds FROM " + c.table); !slices.Equal(got, []string{"1\tx"}) {
			t.Errorf("%s: %q", c.sql, got)
		}
	}
}
