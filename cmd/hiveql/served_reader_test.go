package main

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/testenv"
)

// TestServedReaderBesideDrop: a query by way of a metastore that is served keeps what it reads, while another process
// drops it, by the same way or at the database itself; so does one at the database of a drop that comes by way of the
// server. Then the files go.
func TestServedReaderBesideDrop(t *testing.T) {
	t.Parallel()
	s3 := testenv.MinIO(t)
	direct, proxy := installFar(t, s3)
	direct.flags = []string{"--warehouse", s3.URL("wh")}
	direct.more = append(s3.Env(), "TMPDIR="+direct.tmp())
	address, _ := direct.startServe("--warehouse", s3.URL("wh"))
	served := *direct
	served.flags = append([]string{"--metastore", "thrift://" + address}, direct.flags...)
	few := soakRounds(t, 0) == 0
	for k, by := range []struct {
		name            string
		reader, dropper *installation
	}{
		{"both served", &served, &served}, {"reader served", &served, direct}, {"dropper served", direct, &served},
	} {
		for n, drop := range []string{
			"DROP TABLE t", "ALTER TABLE t DROP PARTITION (ds='x')", "TRUNCATE TABLE t", "INSERT OVERWRITE TABLE t PARTITION (ds='x') VALUES (7)",
			"ALTER TABLE t DROP PARTITION (ds='far')", "DROP DATABASE d CASCADE", "ALTER TABLE t RENAME TO u",
		} {
			if few && n%3 != k {
				continue
			}
			direct.run("DROP DATABASE IF EXISTS d CASCADE; CREATE DATABASE d; USE d; CREATE TABLE t (a INT) PARTITIONED BY (ds STRING); ALTER TABLE t ADD PARTITION (ds='far') LOCATION '" +
				s3.URL("far") + "'; INSERT INTO t PARTITION (ds) VALUES (1, 'x'), (2, 'far')")
			rows, err := by.reader.beside(proxy, direct, "USE d; SELECT a FROM t", func() { by.dropper.run("USE d; " + drop) })
			if err != nil || !slices.Equal(rows, []string{"1", "2"}) {
				t.Errorf("%s, %s: %q, %v", by.name, drop, rows, err)
			}
		}
	}
	direct.run("DROP DATABASE IF EXISTS d CASCADE; CREATE TABLE t (a INT); INSERT INTO t VALUES (1)")
	vacuum := *direct
	vacuum.flags = nil
	cmd, _, stderr := vacuum.command(t.Context(), "")
	cmd.Args = []string{cmd.Args[0], "vacuum", "--grace", "0s"}
	if err := cmd.Run(); err != nil {
		t.Errorf("vacuum: %v\n%s", err, stderr)
	}
	direct.wantNothingLeft(s3, "t")
}

// TestServedReaderBesideForeignDrop: a client of the Thrift service that is none of ours drops a table, with its data,
// at once. The query that reads it says that its files are gone, and which.
func TestServedReaderBesideForeignDrop(t *testing.T) {
	t.Parallel()
	s3 := testenv.MinIO(t)
	i, proxy := installFar(t, s3)
	i.more = append(s3.Env(), "TMPDIR="+i.tmp())
	address, _ := i.startServe("--warehouse", s3.URL("wh"))
	served := *i
	served.flags = append([]string{"--metastore", "thrift://" + address}, i.flags...)
	i.run("CREATE TABLE t (a INT); INSERT INTO t VALUES (1)")
	rows, err := served.beside(proxy, i, "SELECT a FROM t", func() {
		c, err := thrift.Dialer{Address: address}.Dial(t.Context())
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		if err := c.Call(t.Context(), "drop_table", &struct {
			DB     string `thrift:"1"`
			Name   string `thrift:"2"`
			Delete bool   `thrift:"3"`
		}{"default", "t", true}, nil); err != nil {
			t.Error(err)
		}
	})
	if err == nil && !slices.Equal(rows, []string{"1"}) || err != nil && !strings.Contains(err.Error(), s3.URL("wh/t/")) {
		t.Errorf("%q, %v", rows, err)
	}
	t.Log(rows, err)
	i.wantNothingLeft(s3)
}

// beside runs a query, by way of the proxy, and does something once it has its lock and before it gets its first file, and
// waits until what is replaced is due. other sees the locks.
func (i *installation) beside(proxy *testenv.Proxy, other *installation, query string, do func()) ([]string, error) {
	reader := *i
	reader.more = append(proxy.Env(), "TMPDIR="+i.tmp())
	reading, done := make(chan struct{}), make(chan struct{})
	var once sync.Once
	proxy.Change(func(r *http.Request) {
		if r.Method == http.MethodGet && !hasQuery(r, "list-type") {
			once.Do(func() { close(reading) })
			<-done
		}
	}, nil)
	defer proxy.Change(nil, nil)
	type answer struct {
		rows []string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		rows, err := reader.try(query)
		answers <- answer{rows, err}
	}()
	<-reading
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !slices.Contains(other.info(), "locks\t1") {
		<-tick.C
	}
	do()
	for due := time.Now().Add(time.Second); time.Now().Before(due); { // the grace is half of that
		<-tick.C
	}
	close(done)
	a := <-answers
	return a.rows, a.err
}

// info is what hiveql metastore info prints.
func (i *installation) info() []string {
	i.t.Helper()
	plain := *i
	plain.flags = nil
	cmd, stdout, stderr := plain.command(i.t.Context(), "")
	cmd.Args = []string{cmd.Args[0], "metastore", "info"}
	if err := cmd.Run(); err != nil {
		i.t.Fatalf("%v\n%s", err, stderr)
	}
	return strings.Split(stdout.String(), "\n")
}
