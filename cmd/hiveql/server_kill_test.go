package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/s3store"
	"github.com/skepdata/skep/testenv"
)

// mortalS3 is a server that a test kills and starts again.
type mortalS3 struct {
	*testenv.S3Server
	t   *testing.T
	dir string
}

func startMortalS3(t *testing.T, bucket string) *mortalS3 {
	t.Helper()
	dir := t.TempDir()
	server, err := testenv.StartMinIO(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	server.Bucket = bucket
	if err := server.MakeBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	return &mortalS3{server, t, dir}
}

// again kills the server and starts it again.
func (m *mortalS3) again() {
	if err := m.Kill(); err != nil {
		m.t.Error(err)
	}
	if err := m.Restart(m.t.Context()); err != nil {
		m.t.Error(err)
	}
}

// tryWhile runs a statement and does something once, at an instant. It reports whether it came to that.
func (i *installation) tryWhile(proxy *testenv.Proxy, sql string, at instant, do func()) (came bool, err error) {
	var once sync.Once
	if at.answered {
		proxy.Change(nil, func(r *http.Response) error {
			if at.is(r.Request) {
				once.Do(do)
			}
			return nil
		})
	} else {
		proxy.Change(func(r *http.Request) {
			if at.is(r) {
				once.Do(do)
			}
		}, nil)
	}
	_, err = i.try(sql)
	proxy.Change(nil, nil)
	once.Do(func() { came = true })
	return !came, err
}

// object makes an object of a bucket by itself.
func object(t *testing.T, s3 *testenv.S3, key, content string) {
	t.Helper()
	c, err := s3store.New(s3.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	w, err := c.Bucket(s3.Bucket).Create(t.Context(), key, storage.CreateOptions{Size: int64(len(content))})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

// smallInstants are those of a write of small objects.
func smallInstants() []instant {
	writes := func(r *http.Request) bool { return r.Method == http.MethodPut }
	removal := func(r *http.Request) bool { return r.Method == http.MethodDelete || hasQuery(r, "delete") }
	reads := func(r *http.Request) bool { return r.Method == http.MethodGet && !hasQuery(r, "list-type") }
	lists := func(r *http.Request) bool { return hasQuery(r, "list-type") }
	return []instant{
		{"something is sent", writes, false}, {"something is there", writes, true},
		{"something is to be removed", removal, false}, {"something is removed", removal, true},
		{"something is read", reads, false}, {"something is listed", lists, false},
	}
}

// serverWrite is a statement with what makes its world, a query, and what that gives before and after.
type serverWrite struct{ setup, sql, query, before, after string }

// serverWrites are statements of every kind that writes.
var serverWrites = []serverWrite{
	{"", "INSERT INTO t VALUES (3)", "SELECT a FROM t", "1 2", "1 2 3"},
	{"", "INSERT OVERWRITE TABLE t SELECT a + 5 FROM t", "SELECT a FROM t", "1 2", "6 7"},
	{"", "INSERT OVERWRITE TABLE p PARTITION (ds) VALUES (8, 'x'), (9, 'z')", "SELECT a FROM p", "1 2", "2 8 9"},
	{"", "CREATE TABLE c STORED AS PARQUET AS SELECT a FROM t", "SELECT a FROM c", "", "1 2"},
	{"in", "LOAD DATA INPATH '$in' INTO TABLE t", "SELECT a FROM t", "1 2", "1 2 7 8"},
	{"", "LOAD DATA LOCAL INPATH '$file' OVERWRITE INTO TABLE t", "SELECT a FROM t", "1 2", "5"},
	{"", "EXPORT TABLE p TO '$out'", "IMPORT TABLE c FROM '$out'; SELECT a FROM c", "", "1 2"},
	{"EXPORT TABLE p TO '$out'", "IMPORT TABLE c FROM '$out'", "SELECT a FROM c", "", "1 2"},
	{"", "OPTIMIZE TABLE t", "SELECT a FROM t", "1 2", "1 2"},
	{"INSERT INTO p PARTITION (ds='x') VALUES (4)", "ALTER TABLE p PARTITION (ds='x') CONCATENATE", "SELECT a FROM p", "1 2 4", "1 2 4"},
	{"", "INSERT OVERWRITE DIRECTORY '$out' SELECT a FROM t", "dfs -cat $out/*", "", "1 2"},
	{"", "TRUNCATE TABLE t", "SELECT a FROM t", "1 2", ""},
	{"", "ALTER TABLE p DROP PARTITION (ds='x')", "SELECT a FROM p", "1 2", "2"},
	{"", "DROP TABLE t", "SELECT a FROM t", "1 2", ""},
}

// trial runs a write in a new world by try, which disturbs it. Then, or when the statement is run again because
// it failed, there is what it makes, and nothing else. names are those of places, and place makes a file at $in.
func (i *installation) trial(names *strings.Replacer, w serverWrite, what string, place func(name, content string), try func(sql string) error) {
	i.t.Helper()
	i.run("DROP TABLE IF EXISTS t; DROP TABLE IF EXISTS p; DROP TABLE IF EXISTS c; dfs -rm -r -f " + names.Replace("$out $in") + `;
		CREATE TABLE t (a INT); INSERT INTO t VALUES (1); INSERT INTO t VALUES (2);
		CREATE TABLE p (a INT) PARTITIONED BY (ds STRING) STORED AS PARQUET; INSERT INTO p PARTITION (ds) VALUES (1, 'x'), (2, 'y')`)
	switch {
	case w.setup == "in":
		place("seven", "7\n")
		place("eight", "8\n")
	case w.setup != "":
		i.run(names.Replace(w.setup))
	}
	sql, query := names.Replace(w.sql), names.Replace(w.query)
	look := func() string {
		rows, err := i.try(query)
		if err != nil && !strings.Contains(err.Error(), "not found") && !strings.Contains(err.Error(), "there is no _metadata") &&
			!strings.Contains(err.Error(), "No such file") {
			i.t.Errorf("%s, %s: %v", sql, what, err)
		}
		return strings.TrimSpace(strings.Join(rows, " "))
	}
	err := try(sql)
	got := look()
	if got != w.after && (err == nil || got != w.before) {
		i.t.Errorf("%s, %s (%v): %q", sql, what, err, got)
	}
	if err != nil {
		i.t.Logf("%s, %s: %v", sql, what, err)
	}
	if got != w.after {
		i.run(sql)
		if got := look(); got != w.after {
			i.t.Errorf("%s again, %s: %q", sql, what, got)
		}
	}
}

// TestServerIsKilled kills the server, by SIGKILL, at the steps of each kind of write, and starts it again
// while the statement goes on. Then, or when the statement is run again because it failed, there is
// what it makes, and nothing else.
func TestServerIsKilled(t *testing.T) {
	t.Parallel()
	server := startMortalS3(t, "mortal")
	i, proxy := installFar(t, &server.S3)
	file := filepath.Join(i.dir, "five.txt")
	if err := os.WriteFile(file, []byte("5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	names := strings.NewReplacer("$in", server.URL("in"), "$out", server.URL("wh/out"), "$file", file)
	all, few := smallInstants(), soakRounds(t, 0) == 0
	came := map[string]bool{}
	for n, w := range serverWrites {
		for k, at := range all {
			if few && k != n%len(all) { // each kind of write, and each instant
				continue
			}
			i.trial(names, w, "killed when "+at.name, func(name, content string) { object(t, &server.S3, "in/"+name, content) },
				func(sql string) error {
					here, err := i.tryWhile(proxy, sql, at, server.again)
					came[at.name] = came[at.name] || here
					return err
				})
		}
	}
	for _, at := range all {
		if !came[at.name] {
			t.Errorf("it never comes to that %s", at.name)
		}
	}
	i.run("DROP TABLE IF EXISTS t; DROP TABLE IF EXISTS c; dfs -rm -r -f " + names.Replace("$out $in") + "; INSERT INTO p PARTITION (ds='y') VALUES (3)")
	i.wantNothingLeft(&server.S3, "p")
	if left := partsLeft(t, server.dir); len(left) > 0 {
		t.Errorf("left of uploads: %q", left)
	}
}
