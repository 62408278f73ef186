package main

import (
	"context"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skepdata/skep/testenv"
)

// soakRounds is how often a test of chance is repeated: n times, or as SKEP_SOAK_ROUNDS says.
func soakRounds(t *testing.T, n int) int {
	t.Helper()
	text := os.Getenv("SKEP_SOAK_ROUNDS")
	if text == "" {
		return n
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("SKEP_SOAK_ROUNDS: %q is not a number of rounds", text)
	}
	return n
}

// instant is when a run is killed: at a request, before the service gets it or when it has answered.
type instant struct {
	name     string
	is       func(r *http.Request) bool
	answered bool
}

func hasQuery(r *http.Request, name string) bool { return r.URL.Query().Has(name) }

// instants are those of a write of an object in parts, and what comes after it.
func instants() []instant {
	part := func(r *http.Request) bool { return hasQuery(r, "partNumber") }
	complete := func(r *http.Request) bool {
		return r.Method == http.MethodPost && hasQuery(r, "uploadId") || r.Method == http.MethodPut && hasQuery(r, "uploadId") && !hasQuery(r, "partNumber")
	}
	removal := func(r *http.Request) bool { return r.Method == http.MethodDelete || hasQuery(r, "delete") }
	list := func(r *http.Request) bool {
		return r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/.skep-")
	}
	return []instant{
		{"a part is sent", part, false},
		{"the object is complete", complete, true},
		{"an upload has begun", func(r *http.Request) bool { return hasQuery(r, "uploads") && r.Method == http.MethodPost }, true},
		{"a part is there", part, true},
		{"the object is to be complete", complete, false},
		{"what is replaced is listed", list, true},
		{"something is removed", removal, false},
	}
}

// killAt runs a statement and kills it at an instant. It reports whether it came to that.
func (i *installation) killAt(proxy *testenv.Proxy, sql string, at instant) bool {
	i.t.Helper()
	reached, killed := make(chan struct{}), make(chan struct{})
	var once sync.Once
	wait := func() {
		once.Do(func() { close(reached) })
		<-killed
	}
	if at.answered {
		proxy.Change(nil, func(r *http.Response) error {
			if at.is(r.Request) {
				wait()
			}
			return nil
		})
	} else {
		proxy.Change(func(r *http.Request) {
			if at.is(r) {
				wait()
			}
		}, nil)
	}
	ctx, cancel := context.WithTimeout(i.t.Context(), time.Minute)
	defer cancel()
	cmd, _, _ := i.command(ctx, sql)
	if err := cmd.Start(); err != nil {
		i.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	came := false
	select {
	case <-reached:
		came = true
	case <-ended:
	}
	cancel() // which is a SIGKILL
	<-ended
	close(killed)
	proxy.Change(nil, nil)
	return came
}

// partsLeft are the files that a server keeps of uploads, below its directory. It does not list all.
func partsLeft(t *testing.T, dir string) (left []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(path, "/.minio.sys/multipart/") {
			left = append(left, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// TestKilledWrites kills every kind of write at each of its steps, in particular while it sends an object
// in parts, and then the server too, which forgets what uploads it has. What is read is the old or the
// new rows; after the next write nothing is left on any disk.
func TestKilledWrites(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server, err := testenv.StartMinIO(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	server.Bucket = "killed"
	if err := server.MakeBucket(t.Context(), server.Bucket); err != nil {
		t.Fatal(err)
	}
	i, proxy := installFar(t, &server.S3)
	const large = " SELECT pos AS i, sha2(cast(pos AS STRING), 512) AS a, sha2(cast(-pos AS STRING), 512) AS b FROM (SELECT posexplode(split(space(149999), ' ')) AS (pos, v)) x"
	const stored = " STORED AS PARQUET TBLPROPERTIES ('parquet.compression'='uncompressed')"
	local := filepath.Join(i.dir, "local")
	i.run("CREATE TABLE src" + stored + " AS" + large + "; CREATE TABLE o (i INT, a STRING, b STRING)" + stored +
		"; CREATE TABLE p (i INT, a STRING, b STRING) PARTITIONED BY (ds STRING)" + stored +
		"; INSERT INTO o VALUES (1, 'x', 'y'); INSERT INTO p PARTITION (ds='0') SELECT * FROM src" +
		"; INSERT INTO p PARTITION (ds='0') SELECT * FROM src; INSERT OVERWRITE DIRECTORY 'file://" + local + "'" + " STORED AS PARQUET" + large)
	all := instants()
	few := soakRounds(t, 0) == 0
	for n, sql := range []string{
		"CREATE TABLE c" + stored + " AS SELECT * FROM src",
		"INSERT OVERWRITE TABLE o SELECT * FROM src",
		"FROM src INSERT OVERWRITE TABLE o SELECT * INSERT INTO TABLE p PARTITION (ds='0') SELECT *",
		"LOAD DATA LOCAL INPATH '" + local + "' OVERWRITE INTO TABLE o",
		"OPTIMIZE TABLE p",
		"INSERT OVERWRITE DIRECTORY '" + server.URL("wh/dir") + "' STORED AS PARQUET SELECT * FROM src",
	} {
		for k, at := range all {
			if few && k > 0 && (k > 1 || n > 0) {
				break
			}
			if !i.killAt(proxy, sql, at) {
				i.run("DROP TABLE IF EXISTS c")
				if k == 0 {
					t.Errorf("%s: it does not come to that %s", sql, at.name)
				}
				continue
			}
			i.run("DROP TABLE IF EXISTS c") // it was killed too late
			got := i.run("SELECT count(*), sum(i) FROM o; SELECT count(*) % 150000, count(*) > 0 FROM p")
			old, made := []string{"0\ttrue", "1\t1"}, []string{"0\ttrue", "150000\t11249925000"}
			if slices.Sort(got); !slices.Equal(got, old) && !slices.Equal(got, made) {
				t.Errorf("%s, killed when %s: %q", sql, at.name, got)
			}
		}
	}
	if !i.killAt(proxy, "CREATE TABLE c"+stored+" AS SELECT * FROM src", all[0]) || len(partsLeft(t, dir)) == 0 {
		t.Error("nothing was left of uploads, so that there is nothing to clean up")
	}
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	i.run("INSERT INTO o VALUES (2, 'x', 'y'); INSERT INTO p PARTITION (ds='1') VALUES (2, 'x', 'y'); " +
		"INSERT OVERWRITE DIRECTORY '" + server.URL("wh/dir") + "' SELECT 1; dfs -rm -r " + server.URL("wh/dir"))
	i.wantNothingLeft(&server.S3, "src", "o", "p")
	if left := partsLeft(t, dir); len(left) > 0 {
		t.Errorf("left of uploads: %q", left)
	}
}
