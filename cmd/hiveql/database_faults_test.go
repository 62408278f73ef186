package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/skepdata/skep/testenv"
)

// databaseWrites are those of serverWrites, and statements that change nothing but the metastore.
func databaseWrites() []serverWrite {
	return slices.Concat(serverWrites, []serverWrite{
		{"", "CREATE TABLE c (a INT)", "SHOW TABLES 'c'", "", "c"},
		{"", "ALTER TABLE t ADD COLUMNS (b INT)", "SELECT * FROM t", "1 2", "1\tNULL 2\tNULL"},
		{"", "ALTER TABLE t RENAME TO c", "SELECT a FROM c", "", "1 2"},
		{"", "ALTER TABLE p PARTITION (ds='x') RENAME TO PARTITION (ds='z')", "SELECT a, ds FROM p", "1\tx 2\ty", "1\tz 2\ty"},
		{"", "ALTER TABLE p ADD PARTITION (ds='z')", "SHOW PARTITIONS p", "ds=x ds=y", "ds=x ds=y ds=z"},
	})
}

// aCommit is what the drivers send for COMMIT: a message that ends with the word.
var aCommit = regexp.MustCompile(`(?i)commit\x00?$`)

// atCommit has do decide about the n-th commit from now on, and gives their number.
func atCommit(r *testenv.Relay, n int64, do func() testenv.Delivery) *atomic.Int64 {
	var commits atomic.Int64
	r.Decide(func(sent []byte) testenv.Delivery {
		if !aCommit.Match(sent) || commits.Add(1) != n {
			return testenv.Delivered
		}
		return do()
	})
	return &commits
}

// databaseServers are the kinds of servers that keep a metastore.
func databaseServers() map[string]func(testing.TB) *testenv.DatabaseServer {
	return map[string]func(testing.TB) *testenv.DatabaseServer{"postgres": testenv.PostgresServer, "mariadb": testenv.MariaDBServer}
}

// installServed is an installation with its metastore on a server, and the names that serverWrites use.
func installServed(t *testing.T, r *testenv.Relay) (*installation, *strings.Replacer, func(name, content string)) {
	t.Helper()
	i := install(t)
	i.more = []string{"TMPDIR=" + i.tmp()}
	i.flags = []string{"--metastore", r.URL, "--hiveconf", "skep.vacuum.grace=0s"}
	file := func(name, content string) {
		path := filepath.Join(i.dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	file("five.txt", "5\n")
	names := strings.NewReplacer("$in", "file://"+i.dir+"/in", "$out", "file://"+i.dir+"/out", "$file", i.dir+"/five.txt")
	return i, names, func(name, content string) { file("in/"+name, content) }
}

// TestCommitsAreDisturbed breaks connections to the database of the metastore, and kills its server, at the
// commits of each kind of write. No statement fails, and each takes effect once.
func TestCommitsAreDisturbed(t *testing.T) {
	t.Parallel()
	for kind, start := range databaseServers() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			server := start(t)
			r := testenv.NewRelay(t, &server.Database)
			i, names, place := installServed(t, r)
			var restarts sync.WaitGroup
			again := func() {
				if err := errors.Join(server.Kill(), server.Restart(t.Context())); err != nil {
					t.Error(err)
				}
			}
			fates := []struct {
				name string
				do   func() testenv.Delivery
			}{
				{"is lost", func() testenv.Delivery { return testenv.Lost }},
				{"is not answered", func() testenv.Delivery { return testenv.Unanswered }},
				{"finds no server", func() testenv.Delivery { again(); return testenv.Lost }},
				{"kills the server", func() testenv.Delivery { restarts.Go(again); return testenv.Unanswered }},
			}
			few := soakRounds(t, 0) == 0
			for n, w := range databaseWrites() {
				for k := int64(1); ; k++ {
					if few && k != int64(1+n%3) {
						if k > 3 {
							break
						}
						continue
					}
					came := int64(0)
					for m, fate := range fates {
						if few && m != (n/3)%len(fates) {
							continue
						}
						i.trial(names, w, fmt.Sprintf("when commit %d %s", k, fate.name), place, func(sql string) error {
							commits := atCommit(r, k, fate.do)
							_, err := i.try(sql)
							r.Decide(nil)
							restarts.Wait()
							came = max(came, commits.Load())
							if err != nil {
								t.Errorf("%s, when commit %d %s: %v", sql, k, fate.name, err)
							}
							return err
						})
					}
					if !few && came < k {
						break
					}
				}
			}
			i.endServed("0")
		})
	}
}

// endServed writes once more, and fails where anything is left of all the writes before, or another number of
// expired locks than the pattern says.
func (i *installation) endServed(locks string) {
	i.t.Helper()
	i.run("DROP TABLE IF EXISTS t; DROP TABLE IF EXISTS c; INSERT INTO p PARTITION (ds='y') VALUES (3)")
	known := map[string]bool{}
	for _, url := range i.run("SELECT DISTINCT INPUT__FILE__NAME FROM p") {
		known[strings.TrimPrefix(url, "file:")] = true
	}
	err := filepath.WalkDir(filepath.Join(i.dir, "skep", "warehouse"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !known[path] && !known["//"+path] {
			i.t.Errorf("%s is left", path)
		}
		return err
	})
	if err != nil {
		i.t.Error(err)
	}
	if left, err := os.ReadDir(i.tmp()); err != nil || len(left) > 0 {
		i.t.Errorf("left behind: %v, %v", left, err)
	}
	vacuum := *i
	vacuum.flags = nil
	cmd, stdout, stderr := vacuum.command(i.t.Context(), "")
	cmd.Args = []string{cmd.Args[0], "vacuum", "--metastore", i.flags[1], "--grace", "0s", "--dry-run"}
	want := regexp.MustCompile(`^finished\t0\nundone\t0\nkept\t0\nstaging\t0\nlocks\t` + locks + `\n$`)
	if err := cmd.Run(); err != nil || !want.MatchString(stdout.String()) {
		i.t.Errorf("vacuum finds %q: %v\n%s", stdout, err, stderr)
	}
}

// TestDatabaseGoesAway has the database of the metastore go away at a commit, for longer than a statement waits
// for it. The statement says that it cannot tell whether it was carried out; it was, or not, and nothing else
// is to be seen. Or it says that it could not reach the database, before the change, which was not made then; or that the
// change is made, but what it should have removed is left. The next write finds everything in order.
func TestDatabaseGoesAway(t *testing.T) {
	t.Parallel()
	few := soakRounds(t, 0) == 0
	for kind, database := range map[string]func(testing.TB) *testenv.Database{"postgres": testenv.Postgres, "mariadb": testenv.MariaDB} {
		for n, w := range databaseWrites() {
			if few && n != len(kind)%4 { // INSERT and CREATE TABLE AS
				continue
			}
			t.Run(fmt.Sprint(kind, n), func(t *testing.T) {
				t.Parallel()
				r := testenv.NewRelay(t, database(t))
				i, names, place := installServed(t, r)
				for k := int64(1); k <= 3; k++ {
					for _, fate := range []testenv.Delivery{testenv.Unanswered, testenv.Lost} {
						if few && (k != 2 || fate != testenv.Unanswered) {
							continue
						}
						i.trial(names, w, fmt.Sprintf("with the server away from commit %d on (%d)", k, fate), place, func(sql string) error {
							atCommit(r, k, func() testenv.Delivery {
								r.Away(true)
								return fate
							})
							_, err := i.try(sql)
							r.Decide(nil)
							r.Away(false)
							i.checkAway(err, sql, names.Replace(w.query), w.before)
							return err
						})
					}
				}
				i.endServed(`\d+`) // those who could not give up a lock leave it to expire
			})
		}
	}
}

// checkAway checks what a statement says from which the database has gone away.
func (i *installation) checkAway(err error, sql, query, before string) {
	i.t.Helper()
	says := func(text string) bool { return strings.Contains(err.Error(), text) }
	switch {
	case err == nil, says("could not be found out whether the change was made; look before doing it again"), says(", but "):
	case says("cannot be reached"), says(" broke"):
		rows, _ := i.try(query) // that there is nothing may be an error
		if got := strings.TrimSpace(strings.Join(rows, " ")); got != before {
			i.t.Errorf("%s: %v\nand yet there is %q, and not %q", sql, err, got, before)
		}
	default:
		i.t.Errorf("%s: %v", sql, err)
	}
}
